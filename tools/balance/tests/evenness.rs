// SPDX-License-Identifier: GPL-2.0

//! How even the choice is, and that the documentation says what the code does.

use std::collections::BTreeSet;
use std::fs;

use carp_balance::measure::{coin, counts, deviation, shares};
use carp_balance::population::{all, Population};
use carp_balance::{documentation, plot, table, MEMBERS, PASSPHRASE};
use carp_proto::Balance;

const AGAIN: &str = "run `cargo run --release -p carp-balance` in tools/";

fn named(name: &str) -> Population {
    let found = all()
        .into_iter()
        .find(|population| population.name.contains(name));
    found.unwrap_or_else(|| panic!("no population {name}"))
}

#[test]
fn the_page_has_what_the_code_gives() {
    let page = fs::read_to_string(documentation().join("load-balancing.md")).unwrap();
    assert!(
        table::put_into(&page, &all()).as_ref() == Some(&page),
        "{AGAIN}"
    );
}

#[test]
fn the_plot_is_of_what_the_code_gives() {
    let svg = fs::read_to_string(documentation().join("load-balancing.svg")).unwrap();
    assert!(svg == plot::svg(&all()), "{AGAIN}");
}

#[test]
fn each_client_is_there_once() {
    for population in all() {
        let addresses: BTreeSet<_> = population.clients.iter().map(|c| c.address).collect();
        assert_eq!(
            addresses.len(),
            population.clients.len(),
            "{}",
            population.name
        );
    }
}

/// The documented key keeps within 2 points of even for all large populations.
#[test]
fn even_is_within_two_points_for_large_populations() {
    let large = all().into_iter().filter(|p| p.clients.len() > 1000);
    let mut seen = 0;
    for population in large {
        for members in MEMBERS {
            let off = deviation(&shares(
                Balance::Even,
                members,
                PASSPHRASE,
                &population.clients,
            ));
            assert!(
                off <= 2.0,
                "{}: {members} members, {off:.2}",
                population.name
            );
            seen += 1;
        }
    }
    assert!(seen >= 20);
}

/// For each population and any key, a share is not further off than a coin's once in a
/// million (4.9 standard deviations); small ones, too.
#[test]
fn even_is_what_a_fair_coin_allows() {
    for population in all() {
        for members in MEMBERS {
            let allowed = 4.9 * coin(population.clients.len(), members);
            for key in table::trials().chain([PASSPHRASE.to_owned()]) {
                let off = deviation(&shares(Balance::Even, members, &key, &population.clients));
                assert!(
                    off <= allowed,
                    "{}: {members} members, {key:?}: {off:.2} of {allowed:.2}",
                    population.name
                );
            }
        }
    }
}

/// Nor is it off more often: over all keys, the mean square is a coin's. (That of 100
/// keys has a standard deviation of a seventh of it, of which 0.7 is five.)
#[test]
fn even_is_off_no_more_often_than_a_fair_coin() {
    for population in all() {
        let clients = population.clients.len() as f64;
        let squares = table::trials().map(|key| {
            let first = counts(Balance::Even, 2, &key, &population.clients)[0];
            let off = f64::from(first) - clients / 2.0;
            off * off / (clients / 4.0)
        });
        let mean = squares.sum::<f64>() / table::TRIALS as f64;
        assert!((0.3..1.7).contains(&mean), "{}: {mean}", population.name);
    }
}

/// What the others are bad at, as the documentation says.
#[test]
fn modulo_is_perfect_in_sequence_and_nothing_for_even_addresses() {
    let exact =
        |name: &str, members| counts(Balance::Modulo, members, PASSPHRASE, &named(name).clients);
    assert_eq!(exact("DHCP in sequence", 2), [100, 100]);
    assert_eq!(exact("DHCP in sequence", 8), [25; 8]);
    assert_eq!(exact("even addresses", 2), [127, 0]);
    assert_eq!(exact("even addresses", 4)[1], 0);
}
