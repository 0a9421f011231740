// SPDX-License-Identifier: GPL-2.0

//! Hosts of ours beside a BSD's, which step down at a tie as well.

mod common;

use carp_simulator::configuration::Configuration;
use carp_simulator::foreign::Kind;
use common::*;

fn check(name: &str, kind: Kind, hosts: [Configuration; 2], settles: [u8; 2]) {
    for (preempt, settle) in [false, true].into_iter().zip(settles) {
        let hosts = hosts.clone().map(|host| host.preempt(preempt));
        let name = format!("{kind:?}: {name}, preempt {preempt}");
        prove(&name, segment(&hosts, QUARTER_SECOND, FAULTS), settle);
    }
}

#[test]
fn at_a_tie_the_higher_address_of_ours_stays() {
    let hosts = |kind| [bsd(kind, 1, 0), ours(1, 0)];
    check(
        "tie, ours higher",
        Kind::FreeBsd,
        hosts(Kind::FreeBsd),
        [15, 15],
    );
    check(
        "tie, ours higher",
        Kind::OpenBsd,
        hosts(Kind::OpenBsd),
        [15, 15],
    );
}

#[test]
fn at_a_tie_the_lower_address_of_ours_lets_the_bsd_come_back() {
    let hosts = |kind| [ours(1, 0), bsd(kind, 1, 0)];
    check(
        "tie, ours lower",
        Kind::FreeBsd,
        hosts(Kind::FreeBsd),
        [27, 27],
    );
    check(
        "tie, ours lower",
        Kind::OpenBsd,
        hosts(Kind::OpenBsd),
        [27, 27],
    );
}

#[test]
fn the_better_one_may_be_either() {
    let ours_better = |kind| [ours(1, 0), bsd(kind, 1, 64)];
    check(
        "ours better",
        Kind::FreeBsd,
        ours_better(Kind::FreeBsd),
        [15, 14],
    );
    check(
        "ours better",
        Kind::OpenBsd,
        ours_better(Kind::OpenBsd),
        [16, 16],
    );
    let ours_worse = |kind| [ours(1, 64), bsd(kind, 1, 0)];
    check(
        "ours worse",
        Kind::FreeBsd,
        ours_worse(Kind::FreeBsd),
        [15, 14],
    );
    check(
        "ours worse",
        Kind::OpenBsd,
        ours_worse(Kind::OpenBsd),
        [15, 14],
    );
}
