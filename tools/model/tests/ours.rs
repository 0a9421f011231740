// SPDX-License-Identifier: GPL-2.0

//! Hosts of ours among themselves: from every world that faults can lead to,
//! they come to one MASTER and rest.

mod common;

use carp_model::{Budget, Segment};
use carp_simulator::configuration::Configuration;
use common::*;

/// Without and with preempt.
fn both(name: &str, hosts: [Configuration; 2], tick: carp_proto::Interval, settles: [u8; 2]) {
    for (preempt, settle) in [false, true].into_iter().zip(settles) {
        let hosts = hosts.clone().map(|host| host.preempt(preempt));
        let name = format!("{name}, preempt {preempt}");
        prove(&name, segment(&hosts, tick, FAULTS), settle);
    }
}

/// All hosts boot at once; a crash and a cut still bring any other phase.
fn at_once(segment: Segment) -> Segment {
    Segment {
        together: true,
        ..segment
    }
}

#[test]
fn two_equal_hosts() {
    both("1/0, 1/0", [ours(1, 0), ours(1, 0)], HALF_SECOND, [9, 9]);
}

#[test]
fn two_hosts_of_different_advskew() {
    let hosts = [ours(1, 0), ours(1, 128)];
    both("1/0, 1/128", hosts, HALF_SECOND, [9, 8]);
    let hosts = [ours(1, 128), ours(1, 0)];
    both("1/128, 1/0", hosts, HALF_SECOND, [9, 8]);
    both("0/2, 0/3", [ours(0, 2), ours(0, 3)], SKEW, [10, 10]);
}

#[test]
fn two_hosts_of_different_advbase() {
    both("1/0, 2/0", [ours(1, 0), ours(2, 0)], HALF_SECOND, [13, 13]);
    // The second one is too slow for the first.
    both("1/0, 4/0", [ours(1, 0), ours(4, 0)], HALF_SECOND, [25, 25]);
}

#[test]
fn a_demoted_host() {
    let hosts = [ours(1, 0).preempt(true), ours(1, 128).preempt(true)];
    let demoted = Segment {
        demotions: vec![1, 0],
        ..segment(&hosts, HALF_SECOND, FAULTS)
    };
    prove("1/0 demoted, 1/128, preempt true", demoted, 8);
}

#[test]
fn two_dual_stack_hosts() {
    let host = ours(0, 2).dual_stack();
    let losses = Budget {
        losses: 2,
        ..NO_FAULTS
    };
    let segment = segment(&[host.clone(), host], SKEW, losses);
    prove("0/2, 0/2, dual stack", in_turns(at_once(segment)), 8);
}

fn three_equal(faults: Budget, settle: u8) {
    let host = ours(0, 2);
    let hosts = [host.clone(), host.clone(), host];
    let segment = segment(&hosts, SKEW, faults);
    prove("0/2, 0/2, 0/2", in_turns(at_once(segment)), settle);
}

#[test]
fn three_equal_hosts() {
    let cut = Budget {
        cuts: 1,
        ..NO_FAULTS
    };
    three_equal(cut, 8);
}

#[test]
#[ignore = "goes through millions of worlds"]
fn three_equal_hosts_and_more_faults() {
    let loss_and_cut = Budget {
        losses: 1,
        cuts: 1,
        ..NO_FAULTS
    };
    three_equal(loss_and_cut, 8);
    // An advertisement that arrives after the bow-out that was sent later
    // costs a time-out.
    let crash_and_departure = Budget {
        crashes: 1,
        departures: 1,
        ..NO_FAULTS
    };
    three_equal(crash_and_departure, 13);
}

#[test]
fn three_different_hosts() {
    for (preempt, settle) in [(false, 11), (true, 15)] {
        let hosts = [ours(0, 2), ours(0, 2), ours(0, 3)].map(|host| host.preempt(preempt));
        let faults = Budget {
            crashes: 1,
            ..NO_FAULTS
        };
        let segment = segment(&hosts, SKEW, faults);
        let name = format!("0/2, 0/2, 0/3, preempt {preempt}");
        prove(&name, in_turns(at_once(segment)), settle);
    }
}
