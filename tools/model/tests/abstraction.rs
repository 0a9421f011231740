// SPDX-License-Identifier: GPL-2.0

//! The worlds that the model takes for equal behave the same: what makes the
//! check of one of them good for all.

mod common;

use std::collections::{HashMap, VecDeque};

use carp_model::{Action, Budget, Segment, World};
use carp_simulator::foreign::Kind;
use common::*;
use stateright::Model;

/// Dual-stack hosts have millions of such pairs.
const ENOUGH: u64 = 20_000;

fn steps(segment: &Segment, world: &World) -> Vec<(Action, Vec<u8>)> {
    let steps = segment.next_steps(world).into_iter();
    steps
        .map(|(action, next)| (action, next.transcript()))
        .collect()
}

/// Goes through the worlds, and compares the steps from each one with those
/// from the first that was equal to it. Says how often that was another one.
fn compare(segment: &Segment) -> u64 {
    let mut known: HashMap<Vec<u8>, Vec<(Action, Vec<u8>)>> = HashMap::new();
    let mut to_visit: VecDeque<World> = segment.init_states().into();
    let mut compared = 0;
    while let Some(world) = to_visit.pop_front().filter(|_| compared < ENOUGH) {
        let here = steps(segment, &world);
        if let Some(before) = known.get(&world.transcript()) {
            assert_eq!(*before, here, "{world:?}");
            compared += 1;
            continue;
        }
        known.insert(world.transcript(), here);
        to_visit.extend(segment.next_states(&world));
    }
    compared
}

#[test]
fn equal_worlds_have_equal_futures() {
    let faults = Budget {
        losses: 1,
        cuts: 1,
        ..NO_FAULTS
    };
    let kind = Kind::OpenBsd;
    for hosts in [
        [ours(0, 1), ours(0, 1)],
        [ours(0, 2), ours(0, 1)],
        [ours(1, 0), bsd(kind, 1, 0)],
    ] {
        let tick = if hosts[0].parameters.advbase() == 0 {
            SKEW
        } else {
            HALF_SECOND
        };
        let segment = Segment {
            settle: 8,
            ..segment(&hosts, tick, faults)
        };
        let compared = compare(&segment);
        assert!(compared > 1_000, "{compared}");
    }
    let host = ours(0, 1).dual_stack();
    let dual_stack = Segment {
        settle: 4,
        together: true,
        ..segment(&[host.clone(), host], SKEW, faults)
    };
    let compared = compare(&in_turns(dual_stack));
    assert!(compared > 1_000);
}
