// SPDX-License-Identifier: GPL-2.0-only
//! Tables for people: columns as wide as what is in them.

use crate::group::{Group, missing_names, reason_name, state_name};
use crate::text::{Ago, Plain};
use anstyle::{AnsiColor, Style};
use carp_uapi::numbers::{CARP_STATE_BACKUP, CARP_STATE_MASTER};
use std::io::{self, Write};
use std::time::Duration;

/// A field of a table.
pub struct Cell {
    text: String,
    style: Style,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self {
            text,
            style: Style::new(),
        }
    }
}

/// The style of a state: green has the addresses, yellow waits, red cannot.
pub fn state_style(state: u32) -> Style {
    let color = match state {
        CARP_STATE_MASTER => AnsiColor::Green,
        CARP_STATE_BACKUP => AnsiColor::Yellow,
        _ => AnsiColor::Red,
    };
    color.on_default().bold()
}

/// The name of a state, in its style.
pub fn state_cell(state: u32) -> Cell {
    Cell {
        text: state_name(state),
        style: state_style(state),
    }
}

/// Rows under headings.
pub struct Table {
    headings: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these headings and no rows.
    pub fn new(headings: &'static [&'static str]) -> Self {
        Self {
            headings,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// Prints the table; the last column is not padded.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let longest = cells.map(|cell| cell.text.chars().count()).max();
            longest.unwrap_or(0).max(self.headings[column].len())
        };
        let widths: Vec<_> = (0..self.headings.len()).map(width).collect();
        let bold = Style::new().bold();
        let headings: Vec<_> = self
            .headings
            .iter()
            .map(|heading| Cell {
                text: (*heading).to_owned(),
                style: bold,
            })
            .collect();
        for row in std::iter::once(&headings).chain(&self.rows) {
            for (column, cell) in row.iter().enumerate() {
                let style = cell.style;
                if column + 1 == row.len() {
                    writeln!(out, "{style}{}{style:#}", cell.text)?;
                } else {
                    let padding = widths[column] - cell.text.chars().count() + 2;
                    write!(out, "{style}{}{style:#}{:padding$}", cell.text, "")?;
                }
            }
        }
        Ok(())
    }
}

/// The peer that was heard last, and its advertisement.
fn last_heard(group: &Group) -> String {
    match group.peers().iter().min_by_key(|peer| peer.since) {
        None => "-".to_owned(),
        Some(peer) if peer.bowed_out() => format!(
            "{} left {} ago",
            peer.address,
            Ago(Duration::from_nanos(peer.since))
        ),
        Some(peer) => format!(
            "{} {}/{} {} ago",
            peer.address,
            peer.advbase,
            peer.advskew,
            Ago(Duration::from_nanos(peer.since))
        ),
    }
}

/// A table of groups.
pub fn groups_table(groups: &[Group]) -> Table {
    let mut table = Table::new(&[
        "INTERFACE",
        "VHID",
        "STATE",
        "SINCE",
        "REASON",
        "CARPDEV",
        "ADV",
        "LAST HEARD",
        "ADDRESSES",
    ]);
    for group in groups {
        let carp = &group.link.carp;
        let addresses: Vec<_> = group.addresses.iter().map(ToString::to_string).collect();
        let mut reason = reason_name(carp.reason);
        if carp.missing != 0 {
            reason = format!("needs {}", missing_names(carp.missing).join(", "));
        }
        table.push(vec![
            Plain(group.name()).to_string().into(),
            carp.vhid
                .map_or("-".to_owned(), |vhid| vhid.to_string())
                .into(),
            state_cell(carp.state),
            Ago(group.since()).to_string().into(),
            reason.into(),
            Plain(group.parent.as_deref().unwrap_or("-"))
                .to_string()
                .into(),
            format!("{}/{}", carp.advbase, carp.advskew).into(),
            last_heard(group).into(),
            if addresses.is_empty() {
                "-".to_owned()
            } else {
                addresses.join(" ")
            }
            .into(),
        ]);
    }
    table
}
