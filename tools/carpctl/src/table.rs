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

    /// The lines, with the columns padded but for the last one.
    pub fn lines(&self) -> Vec<Line> {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let longest = cells.map(|cell| cell.text.chars().count()).max();
            longest.unwrap_or(0).max(self.headings[column].len())
        };
        let widths: Vec<_> = (0..self.headings.len()).map(width).collect();
        let headings: Vec<_> = self
            .headings
            .iter()
            .map(|heading| Cell {
                text: (*heading).to_owned(),
                style: Style::new().bold(),
            })
            .collect();
        std::iter::once(&headings)
            .chain(&self.rows)
            .map(|row| Line::of(row, &widths))
            .collect()
    }

    /// Prints the table.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        for line in self.lines() {
            writeln!(out, "{}", line.styled())?;
        }
        Ok(())
    }
}

/// A line of text, in pieces of one style each.
#[derive(Default)]
pub struct Line(Vec<Cell>);

impl Line {
    fn of(row: &[Cell], widths: &[usize]) -> Self {
        let mut pieces = Vec::new();
        for (column, cell) in row.iter().enumerate() {
            pieces.push(Cell {
                text: cell.text.clone(),
                style: cell.style,
            });
            if column + 1 < row.len() {
                let padding = widths[column] - cell.text.chars().count() + 2;
                pieces.push(" ".repeat(padding).into());
            }
        }
        Self(pieces)
    }

    /// The line, cut to a width.
    #[must_use]
    pub fn cut(mut self, width: usize) -> Self {
        let mut left = width;
        for piece in &mut self.0 {
            let length = piece.text.chars().count();
            if length > left {
                piece.text = piece.text.chars().take(left).collect();
            }
            left -= length.min(left);
        }
        self
    }

    /// The line with its styles.
    pub fn styled(&self) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            let style = piece.style;
            // Escape sequences around nothing would only be noise.
            if style.is_plain() {
                text += &piece.text;
            } else {
                text += &format!("{style}{}{style:#}", piece.text);
            }
        }
        text
    }

    /// The line without styles.
    pub fn plain(&self) -> String {
        self.0.iter().map(|piece| piece.text.as_str()).collect()
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self(vec![text.into()])
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
    for group in groups.iter().flat_map(Group::by_node) {
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
            last_heard(&group).into(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_to_a_width() {
        let mut table = Table::new(&["A", "STATE"]);
        table.push(vec![
            "carp0".to_owned().into(),
            state_cell(CARP_STATE_MASTER),
        ]);
        let plain = |width| -> Vec<_> {
            let lines = table.lines().into_iter();
            lines.map(|line| line.cut(width).plain()).collect()
        };
        assert_eq!(plain(80), ["A      STATE", "carp0  MASTER"]);
        assert_eq!(plain(9), ["A      ST", "carp0  MA"]);
        assert_eq!(plain(0), ["", ""]);
        let styled = table.lines().pop().unwrap().styled();
        assert!(styled.starts_with("carp0  \u{1b}["), "{styled:?}");
    }
}
