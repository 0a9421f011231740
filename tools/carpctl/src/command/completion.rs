// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl completion`: a shell's completions.

use super::{Command, Context};
use crate::completion::SHELLS;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use std::io::Write;

pub(super) const COMMAND: Command = Command {
    name: "completion",
    arguments: "shell",
    summary: "completions for bash, fish or zsh",
    run,
};

fn run(context: &mut Context<'_>, words: &[String]) -> Result<ExitStatus, Failure> {
    let [name] = words else {
        return Err(Failure::usage(
            "completion",
            "the name of one shell must follow",
        ));
    };
    let shell = SHELLS.iter().find(|(shell, _)| shell == name);
    let (_, make) = shell.ok_or_else(|| Failure::usage(name, "no shell of bash, fish and zsh"))?;
    context.out.write_all(make().as_bytes())?;
    Ok(ExitStatus::Success)
}
