// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl` and `carpctl carp0`: what ifconfig prints.

use super::Context;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::group::Group;
use crate::ifconfig;
use crate::json;
use crate::kernel::Kernel;
use crate::netlink::link::KIND;

/// Prints one group, or all.
pub(super) fn run(context: &mut Context<'_>, name: Option<&str>) -> Result<ExitStatus, Failure> {
    let groups = groups(&mut Kernel::connect()?, name)?;
    if context.options.json {
        json::print_groups(context.out, &groups)?;
    } else {
        for group in &groups {
            ifconfig::print(context.out, group)?;
        }
    }
    Ok(ExitStatus::Success)
}

fn groups(kernel: &mut Kernel, name: Option<&str>) -> Result<Vec<Group>, Failure> {
    match name {
        None => Ok(kernel.snapshot()?.groups),
        // ifconfig's name for all interfaces of a kind.
        Some(KIND) if kernel.link(KIND)?.is_none() => Ok(kernel.snapshot()?.groups),
        Some(name) => Ok(vec![kernel.existing_group(name)?]),
    }
}
