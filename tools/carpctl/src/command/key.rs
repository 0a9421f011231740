// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl key`: shows the key, and nothing else does.

use super::{Command, Context};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::json;
use crate::kernel::Kernel;
use crate::key::shown;
use serde::Serialize;
use std::io::Write;

pub(super) const COMMAND: Command = Command {
    name: "key",
    arguments: "interface",
    summary: "show the key, to who may see it",
    run,
};

#[derive(Serialize)]
struct KeyJson<'a> {
    ifname: &'a str,
    key: String,
}

fn run(context: &mut Context<'_>, names: &[String]) -> Result<ExitStatus, Failure> {
    let [name] = names else {
        return Err(Failure::usage(
            "key",
            "the name of one interface must follow",
        ));
    };
    let mut kernel = Kernel::connect()?;
    let group = kernel.existing_group(name)?;
    let key = shown(&kernel.key(&group)?.unwrap_or_default());
    if context.options.json {
        json::print(context.out, &[KeyJson { ifname: name, key }])?;
    } else {
        writeln!(context.out, "{key}")?;
    }
    Ok(ExitStatus::Success)
}
