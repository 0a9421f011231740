// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl diag`: why a group is what it is, and what to change.

use super::{Command, Context, groups};
use crate::diagnose::{Finding, Host, Severity, diagnose, headline, needs_two_looks, pause};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::group::Group;
use crate::json::{self, Named, reason, state};
use crate::kernel::Kernel;
use crate::table::state_style;
use crate::text::Plain;
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use std::io::{self, Write};

pub(super) const COMMAND: Command = Command {
    name: "diag",
    arguments: "[interface ...]",
    summary: "why a group is what it is, and what to change",
    run,
};

#[derive(Serialize)]
struct Diagnosis<'a> {
    ifname: &'a str,
    vhid: Option<u32>,
    state: Named,
    reason: Named,
    findings: &'a [Finding],
}

fn run(context: &mut Context<'_>, names: &[String]) -> Result<ExitStatus, Failure> {
    let mut kernel = Kernel::connect()?;
    let earlier = nodes(&mut kernel, names)?;
    let pauses = earlier
        .iter()
        .filter(|group| needs_two_looks(group))
        .map(pause);
    let groups = match pauses.max() {
        None => earlier.clone(),
        Some(pause) => {
            std::thread::sleep(pause);
            nodes(&mut kernel, names)?
        }
    };
    let host = host();
    let found: Vec<_> = groups
        .iter()
        .map(|group| {
            let key = |group: &Group| (group.link.index, group.link.carp.vhid);
            let same = |other: &&Group| key(other) == key(group);
            diagnose(group, earlier.iter().find(same).unwrap_or(group), host)
        })
        .collect();
    if context.options.json {
        let all: Vec<_> = groups
            .iter()
            .zip(&found)
            .map(|(group, findings)| Diagnosis {
                ifname: group.name(),
                vhid: group.link.carp.vhid,
                state: state(group.link.carp.state),
                reason: reason(group.link.carp.reason),
                findings,
            })
            .collect();
        json::print(context.out, &all)?;
    } else if groups.is_empty() {
        writeln!(context.out, "There are no carp interfaces.")?;
    } else {
        for (group, findings) in groups.iter().zip(&found) {
            print(context.out, group, findings)?;
        }
    }
    let problem = |finding: &Finding| finding.severity == Severity::Problem;
    Ok(if found.iter().flatten().any(problem) {
        ExitStatus::Diagnosed
    } else {
        ExitStatus::Success
    })
}

/// Each node of the groups: among several, each has reasons of its own.
fn nodes(kernel: &mut Kernel, names: &[String]) -> Result<Vec<Group>, Failure> {
    let groups = groups(kernel, names)?;
    Ok(groups.iter().flat_map(Group::by_node).collect())
}

/// What of this host matters; a sysctl that cannot be read is at its default.
fn host() -> Host {
    let preempt = std::fs::read_to_string("/proc/sys/net/inet/carp/preempt");
    Host {
        preempt: preempt.is_ok_and(|value| value.trim() != "0"),
    }
}

fn print(out: &mut dyn Write, group: &Group, findings: &[Finding]) -> io::Result<()> {
    let style = state_style(group.link.carp.state);
    write!(out, "{}", Plain(group.name()))?;
    if let Some(vhid) = group.link.carp.vhid.filter(|_| group.is_balanced()) {
        write!(out, " vhid {vhid}")?;
    }
    writeln!(out, ": {style}{}{style:#}", headline(group))?;
    for finding in findings {
        let (word, style) = match finding.severity {
            Severity::Problem => ("problem", AnsiColor::Red.on_default().bold()),
            Severity::Note => ("note", Style::new()),
        };
        writeln!(out, "    {style}{word}{style:#}: {}", Plain(&finding.text))?;
        if let Some(advice) = &finding.advice {
            writeln!(out, "        {}", Plain(advice))?;
        }
    }
    Ok(())
}
