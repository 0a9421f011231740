// SPDX-License-Identifier: GPL-2.0-only
//! The messages of the generic netlink family `carp`: groups and events.

use super::address::read_ip;
use super::family::GENLMSGHDR;
use super::link::read_counters;
use super::message::text;
use super::node::Node;
use carp_uapi::attribute::{Attributes, Nested, u64_of};
use carp_uapi::numbers::*;
use std::net::IpAddr;

/// What a message of the family says; of a group, all, of an event, what belongs
/// to it.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "named as the attributes in the header")]
pub struct Report {
    /// `enum carp_command`.
    pub command: u32,
    pub ifindex: u32,
    pub ifname: String,
    pub parent: Option<u32>,
    pub parent_ifname: Option<String>,
    pub vhid: Option<u32>,
    pub advbase: Option<u32>,
    pub advskew: Option<u32>,
    pub state: Option<u32>,
    pub old_state: Option<u32>,
    pub reason: Option<u32>,
    pub missing: Option<u32>,
    pub since: Option<u64>,
    pub changed_at: Option<u64>,
    pub transitions: Option<u32>,
    /// By reason.
    pub transitions_by_reason: Vec<(u32, u32)>,
    pub addresses: Vec<IpAddr>,
    pub peers: Vec<Peer>,
    pub counters: Vec<(u32, u64)>,
    pub sequence: Option<u32>,
    pub key: Option<Vec<u8>>,
    pub balancing: Option<u32>,
    pub selection: Option<u32>,
    /// If there are several.
    pub nodes: Vec<Node>,
}

/// A sender of advertisements.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "named as the attributes in the header")]
pub struct Peer {
    pub address: IpAddr,
    pub advbase: u32,
    pub advskew: u32,
    pub demote: u32,
    /// Nanoseconds since its last advertisement.
    pub since: u64,
    pub received: u64,
    pub bad_digest: u64,
    /// The node that its advertisements are for.
    pub vhid: Option<u32>,
}

impl Report {
    /// Reads the payload of a message; one that makes no sense is none.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut report = Self {
            command: (*payload.first()?).into(),
            ..Self::default()
        };
        for (number, value) in Nested(payload.get(GENLMSGHDR..)?) {
            report.take(number, value);
        }
        Some(report)
    }

    fn take(&mut self, number: u32, value: &[u8]) {
        let u32_of = || value.first_chunk().map(|b| u32::from_ne_bytes(*b));
        match number {
            CARP_A_IFINDEX => self.ifindex = u32_of().unwrap_or(0),
            CARP_A_IFNAME => self.ifname = text(value),
            CARP_A_PARENT => self.parent = u32_of(),
            CARP_A_PARENT_IFNAME => self.parent_ifname = Some(text(value)),
            CARP_A_VHID => self.vhid = u32_of(),
            CARP_A_ADVBASE => self.advbase = u32_of(),
            CARP_A_ADVSKEW => self.advskew = u32_of(),
            CARP_A_STATE => self.state = u32_of(),
            CARP_A_OLD_STATE => self.old_state = u32_of(),
            CARP_A_REASON => self.reason = u32_of(),
            CARP_A_MISSING => self.missing = u32_of(),
            CARP_A_SINCE => self.since = u64_of(value),
            CARP_A_CHANGED_AT => self.changed_at = u64_of(value),
            CARP_A_TRANSITIONS => self.transitions = u32_of(),
            CARP_A_TRANSITIONS_BY_REASON => {
                self.transitions_by_reason = Nested(value)
                    .filter_map(|(number, count)| {
                        let count = u32::from_ne_bytes(*count.first_chunk()?);
                        Some((number.checked_sub(1)?, count))
                    })
                    .collect();
            }
            CARP_A_ADDRESS => self.addresses.extend(read_ip(value)),
            CARP_A_PEER => self.peers.extend(Peer::read(Nested(value))),
            CARP_A_COUNTERS => self.counters = read_counters(Nested(value)),
            CARP_A_SEQUENCE => self.sequence = u32_of(),
            CARP_A_KEY => self.key = Some(value.to_vec()),
            CARP_A_BALANCING => self.balancing = u32_of(),
            CARP_A_SELECTION => self.selection = u32_of(),
            CARP_A_NODE => self.nodes.push(Node::read(Nested(value))),
            _ => {}
        }
    }
}

impl Peer {
    fn read(attributes: Nested<'_>) -> Option<Self> {
        let number = |attribute| attributes.u32(attribute).unwrap_or(0);
        let long = |attribute| attributes.u64(attribute).unwrap_or(0);
        Some(Self {
            address: read_ip(attributes.payload(CARP_PEER_ADDRESS)?)?,
            advbase: number(CARP_PEER_ADVBASE),
            advskew: number(CARP_PEER_ADVSKEW),
            demote: number(CARP_PEER_DEMOTE),
            since: long(CARP_PEER_SINCE),
            received: long(CARP_PEER_RECEIVED),
            bad_digest: long(CARP_PEER_BAD_DIGEST),
            vhid: attributes.u32(CARP_PEER_VHID),
        })
    }

    /// Whether its last advertisement said that it takes its leave.
    pub fn bowed_out(&self) -> bool {
        self.advbase == 255 && self.advskew == 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::message::{Request, messages};
    use proptest::prelude::*;

    fn answer() -> Vec<u8> {
        Request::new(30, 0)
            .fixed(&[CARP_CMD_GROUP_GET as u8, 1, 0, 0])
            .put_u32(CARP_A_IFINDEX, 7)
            .put_text(CARP_A_IFNAME, "carp0")
            .put_u32(CARP_A_STATE, CARP_STATE_BACKUP)
            .nest(CARP_A_TRANSITIONS_BY_REASON, |nest| {
                nest.put_u32(CARP_REASON_READY + 1, 2)
            })
            .put(CARP_A_ADDRESS, &[192, 0, 2, 1])
            .put(CARP_A_ADDRESS, &[0xfe; 16])
            .put(CARP_A_ADDRESS, &[1])
            .nest(CARP_A_PEER, |peer| {
                peer.put(CARP_PEER_ADDRESS, &[192, 0, 2, 2])
                    .put_u32(CARP_PEER_ADVBASE, 1)
                    .put(CARP_PEER_SINCE, &9u64.to_ne_bytes())
                    .put_u32(CARP_PEER_VHID, 2)
            })
            .nest(CARP_A_COUNTERS, |nest| nest.put(2, &3u64.to_ne_bytes()))
            .put_u32(CARP_A_SEQUENCE, 12)
            .put_u32(CARP_A_BALANCING, CARP_BALANCING_IP)
            .nest(CARP_A_NODE, |node| node.put_u32(CARP_NODE_VHID, 1))
            .nest(CARP_A_NODE, |node| {
                node.put_u32(CARP_NODE_VHID, 2)
                    .put_u32(CARP_NODE_ADVSKEW, 100)
            })
            .put_u32(CARP_A_MAX + 1, 12)
            .finish(1)
    }

    #[test]
    fn a_group() {
        let bytes = answer();
        let report = Report::read(messages(&bytes).next().unwrap().payload).unwrap();
        assert_eq!(report.command, CARP_CMD_GROUP_GET);
        assert_eq!((report.ifindex, report.ifname.as_str()), (7, "carp0"));
        assert_eq!(report.transitions_by_reason, [(CARP_REASON_READY, 2)]);
        assert_eq!(report.addresses.len(), 2, "one of one byte is none");
        assert_eq!(report.peers[0].address.to_string(), "192.0.2.2");
        assert_eq!(report.peers[0].since, 9);
        assert_eq!(report.counters, [(2, 3)]);
        assert_eq!(report.sequence, Some(12));
        assert_eq!(report.parent, None);
        assert_eq!(report.peers[0].vhid, Some(2));
        assert_eq!(report.balancing, Some(CARP_BALANCING_IP));
        let nodes = report.nodes.iter().map(|node| (node.vhid, node.advskew));
        assert_eq!(nodes.collect::<Vec<_>>(), [(1, 0), (2, 100)]);
    }

    proptest! {
        #[test]
        fn random_reports(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Report::read(&payload);
        }

        #[test]
        fn damaged_reports(at in 16usize..300, byte: u8, cut in 16usize..300) {
            let mut bytes = answer();
            let last = bytes.len() - 1;
            bytes[at.min(last)] = byte;
            bytes.truncate(cut);
            let _ = Report::read(&bytes[16..]);
        }
    }
}
