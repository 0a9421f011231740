// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl show`: all groups in a table for people.

use super::{Command, Context, groups};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::json;
use crate::kernel::Kernel;
use crate::table::groups_table;
use std::io::Write;

pub(super) const COMMAND: Command = Command {
    name: "show",
    arguments: "[interface ...]",
    summary: "a table of the groups",
    run,
};

fn run(context: &mut Context<'_>, names: &[String]) -> Result<ExitStatus, Failure> {
    let groups = groups(&mut Kernel::connect()?, names)?;
    if context.options.json {
        json::print_groups(context.out, &groups)?;
    } else if groups.is_empty() {
        writeln!(context.out, "There are no carp interfaces.")?;
    } else {
        groups_table(&groups).print(context.out)?;
    }
    Ok(ExitStatus::Success)
}
