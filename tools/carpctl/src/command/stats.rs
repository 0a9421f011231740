// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl stats`: the counters, as `netstat -s -p carp` prints them.

use super::{Command, Context, groups};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::group::Group;
use crate::json::{self, Counters};
use crate::kernel::Kernel;
use crate::text::Plain;
use carp_uapi::names::{STATISTICS, is_known_counter};
use serde::Serialize;
use std::io::{self, Write};

pub(super) const COMMAND: Command = Command {
    name: "stats",
    arguments: "[interface ...]",
    summary: "the counters of the groups",
    run,
};

#[derive(Serialize)]
struct GroupStats<'a> {
    ifname: &'a str,
    vhid: Option<u32>,
    counters: Counters<'a>,
}

fn run(context: &mut Context<'_>, names: &[String]) -> Result<ExitStatus, Failure> {
    let groups = groups(&mut Kernel::connect()?, names)?;
    if context.options.json {
        let stats: Vec<_> = groups
            .iter()
            .map(|group| GroupStats {
                ifname: group.name(),
                vhid: group.link.carp.vhid,
                counters: Counters(&group.link.counters),
            })
            .collect();
        json::print(context.out, &stats)?;
    } else {
        for group in &groups {
            print(context.out, group)?;
        }
    }
    Ok(ExitStatus::Success)
}

/// One line for each counter, under the titles of the plugin of `ip`.
fn print(out: &mut dyn Write, group: &Group) -> io::Result<()> {
    writeln!(out, "{}:", Plain(group.name()))?;
    for rows in STATISTICS {
        writeln!(out, "\t{}", rows.title.to_string_lossy())?;
        for row in rows.counters {
            let value = group.counter(row.attribute);
            writeln!(out, "\t\t{value} {}", row.label.to_string_lossy())?;
        }
    }
    let newer = group.link.counters.iter();
    for (number, value) in newer.filter(|(number, _)| !is_known_counter(*number)) {
        writeln!(
            out,
            "\t{value} of counter {number}, which this carpctl does not know"
        )?;
    }
    Ok(())
}
