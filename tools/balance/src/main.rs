// SPDX-License-Identifier: GPL-2.0

//! Measures, and writes the tables of `Documentation/load-balancing.md` and the plot
//! beside it anew. Takes no arguments.

use std::fs;
use std::process::ExitCode;

use carp_balance::{documentation, plot, population, table};

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        eprintln!("carp-balance: takes no arguments; it writes Documentation/load-balancing.*");
        return ExitCode::from(2);
    }
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("carp-balance: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), String> {
    let populations = population::all();
    let path = documentation().join("load-balancing.md");
    let failed = |error| format!("{}: {error}", path.display());
    let page = fs::read_to_string(&path).map_err(failed)?;
    let page = table::put_into(&page, &populations)
        .ok_or_else(|| format!("{}: no place for the tables", path.display()))?;
    fs::write(&path, page).map_err(failed)?;
    let path = documentation().join("load-balancing.svg");
    fs::write(&path, plot::svg(&populations))
        .map_err(|error| format!("{}: {error}", path.display()))
}
