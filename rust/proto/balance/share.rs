// SPDX-License-Identifier: GPL-2.0

//! Which hosts of a group with several nodes take a packet that all of them see.
//!
//! Pure, may be called in any context; nothing is allocated, and no byte beyond the given
//! ones is looked at.

use super::{
    super::{
        headers::IP_PROTOCOL,
        neighbour::is_neighbour_discovery_type,
        ownership::Ip,
        parameters::Vhid,
        vhid_set::VhidSet, //
    },
    even::EvenKey,
    flow::{
        self,
        Flow,
        Headers, //
    },
    fold, //
};

/// By what the node of a packet is selected. The numbers are those of
/// `enum carp_selection`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Selection {
    /// By source and destination, as OpenBSD: [`fold`].
    #[default]
    Addresses = 0,
    /// By the connection that it is of: [`flow`].
    Flow = 1,
}

impl Selection {
    const ALL: [Self; 2] = [Self::Addresses, Self::Flow];

    /// The one with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|selection| *selection as u32 == number)
    }
}

/// Who takes a packet that was sent to the virtual MAC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Takers {
    /// The host that is MASTER of this node.
    Node(Vhid),
    /// An ICMP error of which only the host that has the connection can know that it is
    /// its own. If `destination` is an address of the group, each host that is MASTER of any
    /// node looks at it; passing through, it is the node's.
    Knowing {
        /// The node.
        node: Vhid,
        /// Where it goes to.
        destination: Ip,
    },
    /// Each host that is MASTER of any node: what is a matter of the link, and what is no
    /// packet that could be told from others.
    Masters,
    /// Whoever has joined the IP group: it is no packet for one host.
    Members,
}

/// What all hosts of a group know, so that they choose the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The group's nodes, all of them.
    pub nodes: VhidSet,
    /// What is looked at.
    pub selection: Selection,
    /// For [`Selection::Flow`].
    pub key: EvenKey,
}

impl Share {
    /// As many bytes of a packet are looked at by [`Selection::Addresses`].
    pub const ADDRESSES_LOOK_AT: usize = 64;
    /// As many bytes of a packet are looked at by [`Selection::Flow`]: an ICMP error, with
    /// options, and what it tells of.
    pub const FLOW_LOOKS_AT: usize = 192;

    /// Who takes a packet, of which this is the beginning.
    pub fn takers(&self, packet: &[u8]) -> Takers {
        let Some(headers) = Headers::read(packet) else {
            return Takers::Masters;
        };
        if is_for_many(headers.destination) {
            return match headers.payload {
                // One that is sent to the virtual MAC is for the MASTER that it is about.
                [_, vhid, ..] if headers.protocol == IP_PROTOCOL => {
                    Vhid::new(*vhid).map_or(Takers::Masters, Takers::Node)
                }
                _ => Takers::Members,
            };
        }
        if headers
            .icmpv6_type()
            .is_some_and(is_neighbour_discovery_type)
        {
            return Takers::Masters;
        }
        match self.selection {
            Selection::Addresses => {
                let node = fold::choose(&self.nodes, headers.source, headers.destination);
                match node {
                    Some(node) if headers.is_error() => Takers::Knowing {
                        node,
                        destination: headers.destination,
                    },
                    Some(node) => Takers::Node(node),
                    None => Takers::Masters,
                }
            }
            Selection::Flow => {
                let hash = Flow::of_headers(&headers).hash(&self.key);
                flow::choose(&self.nodes, hash).map_or(Takers::Masters, Takers::Node)
            }
        }
    }
}

fn is_for_many(destination: Ip) -> bool {
    match destination {
        Ip::V4([first, ..]) => first >= 224,
        Ip::V6([first, ..]) => first == 0xff,
    }
}
