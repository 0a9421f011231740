// SPDX-License-Identifier: GPL-2.0

//! Equal hosts after a partition. The one that was cut off took over a
//! time-out after an advertisement, so that both advertise at the same time
//! ever since, and their first advertisements after the partition cross.

use carp_proto::Interval;
use carp_simulator::configuration::{Configuration, Software};
use carp_simulator::drill::Drill;
use carp_simulator::foreign::Kind;
use carp_simulator::segment::Quality;

const OURS: Software = Software::Carp;
const FREEBSD: Software = Software::Foreign(Kind::FreeBsd);
const OPENBSD: Software = Software::Foreign(Kind::OpenBsd);
const SEEDS: u64 = 300;

/// How many of the runs have come to one MASTER two time-outs later.
fn settled(softwares: [Software; 2]) -> usize {
    let quality = Quality {
        delay: Interval::from_micros(100),
        jitter: Interval::from_micros(1_000),
        ..Quality::default()
    };
    let hosts = softwares.map(|software| Configuration::new(1, 0).software(software));
    let outcomes = (0..SEEDS).filter_map(|seed| Drill::Heal.run(seed, quality, &hosts));
    outcomes
        .filter(|observer| !observer.none.present() && !observer.two.present())
        .count()
}

#[test]
fn ours_settle_among_themselves_and_beside_a_bsd() {
    for softwares in [
        [OURS, OURS],
        [OURS, FREEBSD],
        [FREEBSD, OURS],
        [OURS, OPENBSD],
        [OPENBSD, OURS],
    ] {
        assert_eq!(settled(softwares), SEEDS as usize, "{softwares:?}");
    }
}

#[test]
fn two_bsds_often_do_not() {
    for software in [FREEBSD, OPENBSD] {
        let settled = settled([software, software]);
        assert!(settled < SEEDS as usize * 9 / 10, "{software:?}: {settled}");
    }
}
