// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl monitor`: a line for each event, and with `--exec` programs for each
//! change of state.

use super::{Command, Context};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::follow::Follower;
use crate::hooks::Hooks;
use crate::json;
use crate::kernel::Kernel;
use std::io::Write;

pub(super) const COMMAND: Command = Command {
    name: "monitor",
    arguments: "[interface ...]",
    summary: "a line for each event, until it is interrupted",
    run,
};

fn run(context: &mut Context<'_>, names: &[String]) -> Result<ExitStatus, Failure> {
    let mut hooks = match &context.options.exec {
        Some(directory) => Some(Hooks::new(directory)?),
        None => None,
    };
    let mut follower = Follower::start(Kernel::connect()?)?;
    while let Some(event) = follower.wait()? {
        let name = &event.report.ifname;
        if !(names.is_empty() || name.is_empty() || names.contains(name)) {
            continue;
        }
        if context.options.json {
            json::print_line(context.out, &event.json())?;
        } else {
            writeln!(context.out, "{event}")?;
        }
        context.out.flush()?;
        if let Some(hooks) = &mut hooks {
            hooks.take(&event)?;
        }
    }
    Ok(ExitStatus::Success)
}
