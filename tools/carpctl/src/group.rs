// SPDX-License-Identifier: GPL-2.0-only
//! A group on this host, as carpctl knows it: what rtnetlink says of the device
//! and of its addresses, and what the family `carp` adds.

use crate::netlink::address::Address;
use crate::netlink::carp::{Peer, Report};
use crate::netlink::link::{Link, Parameters};
use crate::netlink::node::Node;
use carp_uapi::names::{BALANCINGS, MISSING, Names, REASONS, SELECTIONS, STATES, name};
use carp_uapi::numbers::{CARP_STATE_INIT, CARP_STATE_MASTER};
use std::net::IpAddr;
use std::time::Duration;

/// A group on this host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// The device.
    pub link: Link,
    /// The name of the device that it is on.
    pub parent: Option<String>,
    /// The device that somebody took down: the parent, or what it is on if it is a VLAN or a
    /// macvlan; the lowest, which takes the others with it.
    pub down: Option<String>,
    /// The addresses of the device.
    pub addresses: Vec<Address>,
    /// What the family `carp` says.
    pub more: Option<More>,
}

/// What only the family `carp` says of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct More {
    /// When the last transition was, in nanoseconds since 1970.
    pub changed_at: Option<u64>,
    /// Transitions by reason.
    pub transitions_by_reason: Vec<(u32, u32)>,
    /// The addresses that the digest covers.
    pub digest_addresses: Vec<IpAddr>,
    /// Who was heard.
    pub peers: Vec<Peer>,
}

impl From<Report> for More {
    fn from(report: Report) -> Self {
        Self {
            changed_at: report.changed_at,
            transitions_by_reason: report.transitions_by_reason,
            digest_addresses: report.addresses,
            peers: report.peers,
        }
    }
}

impl Group {
    /// The name of the device.
    pub fn name(&self) -> &str {
        &self.link.name
    }

    /// Whether it has several nodes, or is one of them ([`Self::by_node`]).
    pub fn is_balanced(&self) -> bool {
        !self.link.carp.nodes.is_empty()
    }

    /// Each node as a group of its own, which is what it is for the other hosts: with its
    /// own parameters, state and peers. The counters, and what else is known of the device
    /// alone, are the first one's. A group with one node is that itself.
    pub fn by_node(&self) -> Vec<Self> {
        if !self.is_balanced() {
            return vec![self.clone()];
        }
        let nodes = self.link.carp.nodes.iter().enumerate();
        nodes
            .map(|(place, node)| self.of_node(node, place == 0))
            .collect()
    }

    fn of_node(&self, node: &Node, is_first: bool) -> Self {
        let mut group = self.clone();
        group.link.carp = Parameters {
            vhid: Some(node.vhid),
            advskew: node.advskew,
            state: node.state,
            reason: node.reason,
            missing: node.missing,
            transitions: node.transitions,
            since: node.since,
            nodes: vec![node.clone()],
            ..group.link.carp
        };
        if let Some(more) = &mut group.more {
            more.peers.retain(|peer| peer.vhid == Some(node.vhid));
            if !is_first {
                more.changed_at = None;
                more.transitions_by_reason.clear();
            }
        }
        if !is_first {
            group.link.counters.clear();
        }
        group
    }

    /// How long it has been in its state.
    pub fn since(&self) -> Duration {
        Duration::from_nanos(self.link.carp.since)
    }

    /// Whether this host has the addresses.
    pub fn is_master(&self) -> bool {
        self.link.carp.state == CARP_STATE_MASTER
    }

    /// Whether something is missing.
    pub fn is_init(&self) -> bool {
        self.link.carp.state == CARP_STATE_INIT
    }

    /// Who was heard, if the kernel says so.
    pub fn peers(&self) -> &[Peer] {
        self.more.as_ref().map_or(&[], |more| &more.peers)
    }

    /// A counter, by its number.
    pub fn counter(&self, number: u32) -> u64 {
        let mut counters = self.link.counters.iter();
        counters.find(|(n, _)| *n == number).map_or(0, |(_, v)| *v)
    }

    /// The time between two advertisements of this host.
    pub fn interval(&self) -> Duration {
        interval(self.link.carp.advbase, self.link.carp.advskew)
    }
}

/// The time between two advertisements with these parameters.
pub fn interval(advbase: u32, advskew: u32) -> Duration {
    let skew = u64::from(advskew) * 1_000_000 / 256;
    Duration::from_secs(advbase.into()) + Duration::from_micros(skew)
}

/// A number's name, or the number if only a newer kernel knows it.
pub fn named(names: &Names, number: u32) -> String {
    match name(names, number) {
        Some(name) => name.to_string_lossy().into_owned(),
        None => number.to_string(),
    }
}

/// The name of a state.
pub fn state_name(state: u32) -> String {
    named(STATES, state)
}

/// The name of a reason.
pub fn reason_name(reason: u32) -> String {
    named(REASONS, reason)
}

/// The name of a mode of balancing.
pub fn balancing_name(balancing: u32) -> String {
    named(BALANCINGS, balancing)
}

/// The name of a selection.
pub fn selection_name(selection: u32) -> String {
    named(SELECTIONS, selection)
}

/// The names of the bits of `missing`; those that have none as one number.
pub fn missing_names(bits: u32) -> Vec<String> {
    let set = MISSING.iter().filter(|(bit, _)| bits & bit != 0);
    let mut names: Vec<_> = set.clone().map(|(bit, _)| named(MISSING, *bit)).collect();
    let rest = set.fold(bits, |rest, (bit, _)| rest & !bit);
    if rest != 0 {
        names.push(format!("{rest:#x}"));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use carp_uapi::numbers::{CARP_MISSING_PARENT, CARP_MISSING_VHID};

    #[test]
    fn names_of_numbers() {
        assert_eq!(state_name(CARP_STATE_MASTER), "MASTER");
        assert_eq!(state_name(9), "9");
        assert_eq!(missing_names(0), [""; 0]);
        assert_eq!(
            missing_names(CARP_MISSING_VHID | CARP_MISSING_PARENT | (1 << 31)),
            ["vhid", "parent", "0x80000000"]
        );
    }

    #[test]
    fn intervals() {
        assert_eq!(interval(1, 0), Duration::from_secs(1));
        assert_eq!(interval(0, 128), Duration::from_millis(500));
    }
}
