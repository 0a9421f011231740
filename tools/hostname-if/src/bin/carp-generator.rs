// SPDX-License-Identifier: GPL-2.0

//! A generator of systemd's (systemd.generator(7)): for each `/etc/hostname.carp0` it has
//! `carp@carp0.service` started with the system, and bound to the parent's device.
//!
//! So the file is all that it takes, as on OpenBSD; `systemctl mask carp@carp0` keeps a
//! group down nevertheless. It runs before anything else does, as root, with nothing
//! mounted but the root file system. What it cannot read, the unit will complain of.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::ExitCode;

use carp_hostname_if::{interface_of, units, Output};

/// Where the files are.
const CONFIGURATION: &str = "/etc";

fn main() -> ExitCode {
    // NORMAL EARLY LATE; or, for a trial, one directory, and where the files are.
    let mut arguments = env::args_os().skip(1);
    let Some(directory) = arguments.next() else {
        eprintln!("usage: carp-generator DIRECTORY [EARLY LATE]");
        return ExitCode::from(2);
    };
    let configuration = env::var_os("CARP_HOSTNAME_DIRECTORY").unwrap_or(CONFIGURATION.into());
    match generate(Path::new(&configuration), Path::new(&directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("carp-generator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn generate(configuration: &Path, directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(configuration)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(interface) = name.to_str().and_then(interface_of) else {
            continue;
        };
        let text = fs::read(entry.path()).unwrap_or_default();
        for output in units(interface, &text) {
            write(directory, &output)?;
        }
    }
    Ok(())
}

fn write(directory: &Path, output: &Output) -> io::Result<()> {
    let (Output::Link(path, _) | Output::File(path, _)) = output;
    let path = directory.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match output {
        Output::Link(_, target) => symlink(target, path),
        Output::File(_, text) => fs::write(path, text),
    }
}
