// SPDX-License-Identifier: GPL-2.0-only
//! How many advertisements of a peer were lost while somebody watched.
//!
//! CARP's advertisements have no numbers that a receiver could count, so this goes
//! by time: how many should have come, and how many did.

use crate::group::{Group, interval};
use crate::netlink::carp::Peer;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// What was counted of one peer since it was first seen with its parameters.
struct Begin {
    parameters: (u32, u32),
    at: Duration,
    received: u64,
}

/// What was seen of all peers.
#[derive(Default)]
pub struct Losses {
    begins: HashMap<(u32, Option<u32>, IpAddr), Begin>,
}

impl Losses {
    /// How many advertisements of `peer` were lost until `now`, a time from any
    /// beginning; `None` for one that does not advertise.
    pub fn of(&mut self, group: &Group, peer: &Peer, now: Duration) -> Option<u64> {
        let key = (group.link.index, peer.vhid, peer.address);
        // Also those with a wrong digest came through.
        let received = peer.received + peer.bad_digest;
        let parameters = (peer.advbase, peer.advskew);
        if !peer.is_heard() {
            self.begins.remove(&key);
            return None;
        }
        // The last advertisement is where counting begins and ends.
        let last = now.saturating_sub(Duration::from_nanos(peer.since));
        let begin = self.begins.entry(key).or_insert(Begin {
            parameters,
            at: last,
            received,
        });
        if begin.parameters != parameters || received < begin.received {
            *begin = Begin {
                parameters,
                at: last,
                received,
            };
        }
        let every = interval(peer.advbase, peer.advskew).as_nanos().max(1);
        let passed = last.saturating_sub(begin.at).as_nanos();
        // Rounded: timers and processes are late.
        let expected = u64::try_from((passed + every / 2) / every).unwrap_or(u64::MAX);
        Some(expected.saturating_sub(received - begin.received))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(received: u64, since: u64) -> Peer {
        Peer {
            address: "192.0.2.2".parse().unwrap(),
            advbase: 1,
            advskew: 0,
            demote: 0,
            since: since * 1_000_000,
            received,
            bad_digest: 0,
            vhid: None,
        }
    }

    #[test]
    fn what_should_have_come_and_did_not() {
        let group = Group::default();
        let mut losses = Losses::default();
        let mut at = |milliseconds, peer: &Peer| {
            losses.of(&group, peer, Duration::from_millis(milliseconds))
        };
        assert_eq!(at(10_000, &peer(100, 500)), Some(0));
        assert_eq!(at(15_100, &peer(105, 600)), Some(0));
        assert_eq!(at(20_000, &peer(108, 500)), Some(2));
        assert_eq!(
            at(22_000, &peer(108, 2500)),
            Some(2),
            "not counted before it is over"
        );
        assert_eq!(at(30_000, &peer(108, 9000)), None, "silent");
        assert_eq!(
            at(40_000, &peer(120, 0)),
            Some(0),
            "again from the beginning"
        );
        let other = Peer {
            advskew: 128,
            ..peer(121, 0)
        };
        assert_eq!(at(45_000, &other), Some(0), "with other parameters");
    }
}
