// SPDX-License-Identifier: GPL-2.0

//! The election orders the hosts: nobody takes over from a better one, so
//! that hosts cannot take over from each other in a circle.

use carp_proto::election::{reason_to_take_over, Bid};

/// The ends of each field, and what lies at the factors between advbases.
const VALUES: [u8; 12] = [0, 1, 2, 3, 9, 10, 85, 86, 100, 240, 254, 255];

fn bids() -> impl Iterator<Item = Bid> {
    let all = VALUES.into_iter();
    all.clone().flat_map(move |demote| {
        let all = all.clone();
        all.clone().flat_map(move |advbase| {
            let bid = move |advskew| Bid {
                demote,
                advbase,
                advskew,
            };
            all.clone().map(bid)
        })
    })
}

#[test]
fn only_a_better_host_takes_over() {
    let mut taken = 0u64;
    for own in bids() {
        for master in bids().filter(|master| !master.is_bow_out()) {
            for preempt in [false, true] {
                if let Some(reason) = reason_to_take_over(own, master, preempt) {
                    assert!(own < master, "{own:?} from {master:?}: {reason:?}");
                    taken += 1;
                }
            }
        }
    }
    assert!(taken > 1_000_000, "{taken}");
}

#[test]
fn with_preempt_the_better_of_two_equally_demoted_always_does() {
    for own in bids() {
        for master in bids().filter(|master| own.demote == master.demote && own < *master) {
            assert!(reason_to_take_over(own, master, true).is_some());
        }
    }
}
