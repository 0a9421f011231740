// SPDX-License-Identifier: GPL-2.0

//! The plot: each bar is all clients, and each piece of it the part that one group
//! answers.

use std::fmt::Write as _;

use carp_proto::Balance;

use crate::measure::shares;
use crate::population::Population;
use crate::{MEMBERS, PASSPHRASE};

/// Colours that can be told apart by everybody (Okabe and Ito, 2008).
const COLOURS: [&str; 8] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999",
];

const LABELS: f64 = 230.0;
const BAR: f64 = 160.0;
const GAP: f64 = 24.0;
const HEIGHT: f64 = 11.0;
const ROW: f64 = 3.0 * HEIGHT + 18.0;
const TOP: f64 = 34.0;

/// The plot of what some clients are answered by, as SVG.
pub fn svg(populations: &[Population]) -> String {
    let width = LABELS + (BAR + GAP) * MEMBERS.len() as f64;
    let height = TOP + ROW * populations.len() as f64;
    let mut text = format!(
        "<!-- SPDX-License-Identifier: GPL-2.0 -->\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (column, members) in MEMBERS.into_iter().enumerate() {
        let left = LABELS + (BAR + GAP) * column as f64;
        let middle = left + BAR / 2.0;
        let _ = writeln!(
            text,
            "<text x=\"{middle}\" y=\"18\" text-anchor=\"middle\">{members} groups</text>"
        );
    }
    for (row, population) in populations.iter().enumerate() {
        let top = TOP + ROW * row as f64;
        let _ = writeln!(
            text,
            "<text x=\"8\" y=\"{}\">{}</text>\n<text x=\"8\" y=\"{}\" fill=\"#555\">{} clients</text>",
            top + 14.0,
            population.name,
            top + 28.0,
            population.clients.len(),
        );
        for (number, balance) in (1u8..).zip(Balance::ALL) {
            let y = top + HEIGHT * f64::from(number - 1);
            let _ = writeln!(
                text,
                "<text x=\"{}\" y=\"{}\" font-size=\"9\" text-anchor=\"end\">{number}</text>",
                LABELS - 6.0,
                y + 8.5
            );
            for (column, members) in MEMBERS.into_iter().enumerate() {
                let left = LABELS + (BAR + GAP) * column as f64;
                let shares = shares(balance, members, PASSPHRASE, &population.clients);
                text += &bar(left, y, &shares);
            }
        }
        for (column, members) in MEMBERS.into_iter().enumerate() {
            let left = LABELS + (BAR + GAP) * column as f64;
            text += &marks(left, top, members);
        }
    }
    text + "</svg>\n"
}

fn bar(left: f64, top: f64, shares: &[f64]) -> String {
    let mut text = String::new();
    let mut x = left;
    for (share, colour) in shares.iter().zip(COLOURS) {
        let width = BAR * share / 100.0;
        let height = HEIGHT - 1.5;
        let _ = writeln!(
            text,
            "<rect x=\"{x:.2}\" y=\"{top}\" width=\"{width:.2}\" height=\"{height}\" fill=\"{colour}\"/>"
        );
        x += width;
    }
    text
}

/// Where the pieces would end if they were even.
fn marks(left: f64, top: f64, members: u8) -> String {
    let mut path = String::new();
    for number in 1..members {
        let x = left + BAR * f64::from(number) / f64::from(members);
        let _ = write!(path, "M{x:.2} {:.1}v{:.1}", top - 3.0, 3.0 * HEIGHT + 4.0);
    }
    format!("<path d=\"{path}\" stroke=\"black\" stroke-width=\"0.8\"/>\n")
}
