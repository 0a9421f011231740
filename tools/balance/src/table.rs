// SPDX-License-Identifier: GPL-2.0

//! The tables of `Documentation/load-balancing.md`.

use std::fmt::Write as _;

use carp_proto::Balance;

use crate::measure::{coin, deviation, shares};
use crate::population::Population;
use crate::{MEMBERS, PASSPHRASE};

const BEGIN: &str = "<!-- measured by carp-balance: begin -->\n";
const END: &str = "<!-- measured by carp-balance: end -->\n";

/// How many other passphrases are tried.
pub const TRIALS: usize = 100;

/// The passphrases that are tried.
pub fn trials() -> impl Iterator<Item = String> {
    (0..TRIALS).map(|number| format!("replicant {number}"))
}

/// A page with what was measured in its place; `None` if it has no place for it.
pub fn put_into(page: &str, populations: &[Population]) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    let (table, keys) = (spread(populations), other_keys(populations));
    Some(format!("{before}{BEGIN}\n{table}\n{keys}\n{END}{after}"))
}

/// The least and the largest share of a member, for each mode and number of members.
fn spread(populations: &[Population]) -> String {
    let mut text = String::from("| clients | groups | 1: modulo | 2: MAC hash | 3: even |\n");
    text += "| --- | --: | --: | --: | --: |\n";
    for population in populations {
        for members in MEMBERS {
            let first = members == MEMBERS[0];
            let name = if first {
                format!("{} ({})", population.name, population.clients.len())
            } else {
                String::new()
            };
            let _ = write!(text, "| {name} | {members} |");
            for balance in Balance::ALL {
                let mut shares = shares(balance, members, PASSPHRASE, &population.clients);
                shares.sort_by(f64::total_cmp);
                let (least, most) = (shares[0], shares[shares.len() - 1]);
                let _ = write!(text, " {least:.1} to {most:.1} |");
            }
            text += "\n";
        }
    }
    text
}

/// What other passphrases would have given in mode 3, with two members.
fn other_keys(populations: &[Population]) -> String {
    let mut text = String::from(
        "| clients | half of the keys | 95 of 100 keys | within 2 points | a coin's standard deviation |\n",
    );
    text += "| --- | --: | --: | --: | --: |\n";
    for population in populations {
        let mut off: Vec<f64> = trials()
            .map(|key| deviation(&shares(Balance::Even, 2, &key, &population.clients)))
            .collect();
        off.sort_by(f64::total_cmp);
        let within = off.iter().filter(|off| **off <= 2.0).count();
        let _ = writeln!(
            text,
            "| {} ({}) | {:.1} | {:.1} | {:.0} % | {:.1} |",
            population.name,
            population.clients.len(),
            off[TRIALS / 2],
            off[TRIALS * 95 / 100],
            100.0 * within as f64 / TRIALS as f64,
            coin(population.clients.len(), 2),
        );
    }
    text
}
