// SPDX-License-Identifier: GPL-2.0

//! What the checks have in common.

#![allow(dead_code)] // Each test file uses a part.

use carp_model::{Action, Budget, Segment, World};
use carp_proto::Interval;
use carp_simulator::configuration::{Configuration, Software};
use carp_simulator::foreign::Kind;
use stateright::{Checker, HasDiscoveries, Model, Path};

/// 1/256 s, the unit of advskew, as all implementations round it.
pub(crate) const SKEW: Interval = Interval::from_micros(3_906);
pub(crate) const HALF_SECOND: Interval = Interval::from_micros(500_000);
pub(crate) const QUARTER_SECOND: Interval = Interval::from_micros(250_000);

pub(crate) const NO_FAULTS: Budget = Budget {
    losses: 0,
    crashes: 0,
    unpluggings: 0,
    departures: 0,
    cuts: 0,
};

/// One fault of each kind.
pub(crate) const FAULTS: Budget = Budget {
    losses: 1,
    crashes: 1,
    unpluggings: 1,
    departures: 1,
    cuts: 1,
};

pub(crate) fn ours(advbase: u32, advskew: u32) -> Configuration {
    Configuration::new(advbase, advskew)
}

pub(crate) fn bsd(kind: Kind, advbase: u32, advskew: u32) -> Configuration {
    ours(advbase, advskew).software(Software::Foreign(kind))
}

pub(crate) fn segment(hosts: &[Configuration], tick: Interval, budget: Budget) -> Segment {
    Segment::new(hosts.to_vec(), tick, budget, 0)
}

/// Delays of one or two ticks instead of none or one; see [`Segment::turns`].
pub(crate) fn in_turns(segment: Segment) -> Segment {
    Segment {
        turns: true,
        delay: 2,
        ..segment
    }
}

/// Goes through all worlds: everything holds `settle` ticks after the last
/// fault, and `settle` is the smallest number of which that is true.
pub(crate) fn prove(name: &str, mut segment: Segment, settle: u8) {
    if std::env::var_os("CARP_MODEL_SEARCH").is_some() {
        let refuted = |settle| {
            segment.settle = settle;
            refute(&segment).is_some()
        };
        let least = (1..100).map(refuted).position(|refuted| !refuted);
        println!("{name}: settles within {:?}", least.map(|least| least + 1));
        return;
    }
    segment.settle = settle;
    let start = std::time::Instant::now();
    let checker = segment.clone().checker().threads(2).spawn_bfs().join();
    println!(
        "{name}: {} worlds, {} steps, depth {}, {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        start.elapsed().as_secs_f64()
    );
    for (property, path) in checker.discoveries() {
        if segment
            .property(property)
            .expectation
            .discovery_is_failure()
        {
            panic!("{name}: not: {property}\n{}", trace(path));
        }
    }
    checker.assert_properties();
    segment.settle = settle - 1;
    let earlier = refute(&segment);
    assert!(
        earlier.is_some(),
        "{name}: {settle} ticks are not the least"
    );
}

/// The first counter-example, if there is one.
pub(crate) fn refute(segment: &Segment) -> Option<(&'static str, Path<World, Action>)> {
    let checker = segment.clone().checker().threads(2);
    let checker = checker.finish_when(HasDiscoveries::AnyFailures);
    let mut discoveries = checker.spawn_bfs().join().discoveries().into_iter();
    discoveries.find(|(name, _)| segment.property(name).expectation.discovery_is_failure())
}

/// The counter-example to one property, for printing.
///
/// # Panics
///
/// If there is none.
pub(crate) fn counter_example(segment: &Segment, property: &'static str) -> String {
    let names = std::collections::BTreeSet::from([property]);
    let checker = segment.clone().checker().threads(2);
    let checker = checker.finish_when(HasDiscoveries::AllOf(names));
    let path = checker.spawn_bfs().join().assert_any_discovery(property);
    let text = trace(path);
    println!("not: {property}\n{text}\n");
    text
}

fn trace(path: Path<World, Action>) -> String {
    carp_model::trace::lines(path).join("\n")
}
