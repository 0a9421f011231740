// SPDX-License-Identifier: GPL-2.0

//! Two families, one of which the segment drops.

use carp_proto::{Family, Interval};
use carp_simulator::configuration::{Configuration, Software};
use carp_simulator::foreign::Kind;
use carp_simulator::record::Happening;
use carp_simulator::segment::Quality;
use carp_simulator::simulation::{Intervention, Simulation};

/// How often hosts with this software change their states while a family is
/// dropped for a minute.
fn changes(software: Software, dropped: Family) -> usize {
    let host = |advskew| {
        Configuration::new(1, advskew)
            .dual_stack()
            .software(software)
    };
    let hosts = vec![host(0), host(100)];
    let mut simulation = Simulation::booted(1, Quality::default(), hosts);
    simulation.run(Interval::from_micros(10_000_000));
    assert_eq!(simulation.masters(), [0]);
    let before = simulation.record().len();
    simulation.intervene(Intervention::Block(dropped, true));
    simulation.run(Interval::from_micros(60_000_000));
    let happenings = simulation.record()[before..].iter();
    happenings
        .filter(|record| matches!(record.happening, Happening::Transition(..)))
        .count()
}

#[test]
fn one_silent_family_does_not_move_ours() {
    for dropped in [Family::V4, Family::V6] {
        assert_eq!(changes(Software::Carp, dropped), 0, "{dropped:?}");
    }
}

#[test]
fn bsds_take_over_time_and_again() {
    for kind in [Kind::FreeBsd, Kind::OpenBsd] {
        for dropped in [Family::V4, Family::V6] {
            let changes = changes(Software::Foreign(kind), dropped);
            assert!(changes > 10, "{kind:?} without {dropped:?}: {changes}");
        }
    }
}
