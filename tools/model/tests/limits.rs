// SPDX-License-Identifier: GPL-2.0

//! What cannot be promised: the checker finds the counter-example.

mod common;

use carp_model::properties::{AT_REST, NEVER_TWO, ONE_MASTER};
use carp_model::{Budget, Segment};
use carp_simulator::foreign::Kind;
use common::*;

/// More than ten time-outs of a second's advertisements.
const LONG: u8 = 100;

fn without_faults(segment: Segment) -> Segment {
    Segment {
        calm: true,
        together: true,
        ..segment
    }
}

#[test]
fn two_masters_see_each_other_after_a_partition() {
    let cut = Budget {
        cuts: 1,
        ..NO_FAULTS
    };
    let hosts = [ours(1, 0), ours(1, 128)];
    let segment = Segment {
        hope: true,
        together: true,
        delay: 0,
        ..segment(&hosts, HALF_SECOND, cut)
    };
    let text = counter_example(&segment, NEVER_TWO);
    assert!(text.contains("CutOff"), "{text}");
}

#[test]
fn two_equal_hosts_may_time_out_at_once() {
    let hosts = [ours(1, 0), ours(1, 0)];
    let segment = Segment {
        hope: true,
        ..without_faults(segment(&hosts, HALF_SECOND, NO_FAULTS))
    };
    counter_example(&segment, NEVER_TWO);
}

#[test]
fn two_equal_bsds_in_lockstep_never_agree() {
    for kind in [Kind::FreeBsd, Kind::OpenBsd] {
        let hosts = [bsd(kind, 1, 0), bsd(kind, 1, 0)];
        let lockstep = Segment {
            settle: LONG,
            ..without_faults(segment(&hosts, HALF_SECOND, NO_FAULTS))
        };
        counter_example(&lockstep, ONE_MASTER);
        // It does not need the delays to differ: the same on all ways do.
        let steady = Segment {
            delay: 0,
            ..lockstep
        };
        counter_example(&steady, ONE_MASTER);
    }
}

#[test]
fn two_equal_bsds_do_not_agree_beside_a_third_host_of_ours() {
    let kind = Kind::FreeBsd;
    let hosts = [ours(1, 0), bsd(kind, 1, 0), bsd(kind, 1, 0)];
    let segment = Segment {
        settle: LONG,
        ..without_faults(segment(&hosts, HALF_SECOND, NO_FAULTS))
    };
    counter_example(&in_turns(segment), ONE_MASTER);
}

#[test]
fn beside_a_bsd_ties_end_only_if_delays_are_below_half_an_interval() {
    // In tests/mixed.rs it is a quarter.
    for kind in [Kind::FreeBsd, Kind::OpenBsd] {
        let hosts = [ours(1, 0), bsd(kind, 1, 0)];
        let segment = Segment {
            settle: LONG,
            ..segment(&hosts, HALF_SECOND, NO_FAULTS)
        };
        counter_example(&segment, ONE_MASTER);
    }
}

#[test]
fn a_worse_master_stays_only_if_delays_vary_less_than_it_leaves_time() {
    // The MASTER's interval of 2 s and a delay of 1 s reach the time-out of
    // 3 s; in tests/ours.rs it is half a second.
    let hosts = [ours(1, 0), ours(2, 0)];
    let segment = Segment {
        settle: LONG,
        delay: 2,
        ..segment(&hosts, HALF_SECOND, NO_FAULTS)
    };
    counter_example(&segment, AT_REST);
}

#[test]
fn a_demoted_host_does_not_rest_beside_one_too_slow_for_it() {
    let hosts = [ours(1, 0), ours(4, 0)];
    let segment = Segment {
        settle: LONG,
        demotions: vec![1, 0],
        ..without_faults(segment(&hosts, HALF_SECOND, NO_FAULTS))
    };
    counter_example(&segment, AT_REST);
}
