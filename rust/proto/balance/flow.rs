// SPDX-License-Identifier: GPL-2.0

//! Which node of a balanced group takes a packet, by what the packet belongs to: our
//! own choice, which spreads the connections of a single client, too.
//!
//! A [`Flow`] is two endpoints, each an address and a port, and a protocol. It is the
//! same in both directions, so that all packets of a connection through a pair of
//! balanced gateways (without translation of addresses) meet the same host.
//!
//! - All fragments of a datagram have to meet one host, and only the first of them has
//!   ports. So the flow of every fragment, the first as well, has none. (A connection
//!   some of whose datagrams are fragmented meets two hosts.)
//! - An ICMP error is of the flow of the packet that it tells of, and so reaches who
//!   knows that. The identifier of an echo stands for ports.
//! - What else has no ports, or is too short to have them, is of a flow without.
//!
//! Pure, may be called in any context; nothing is allocated, and no byte beyond the given
//! ones is looked at.

use super::{
    super::{
        digest::Hasher,
        mix::mix,
        ownership::Ip,
        parameters::Vhid,
        vhid_set::VhidSet, //
    },
    even::EvenKey,
    siphash::siphash, //
};

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const DCCP: u8 = 33;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;
const UDP_LITE: u8 = 136;

/// How many extension headers are passed over.
const EXTENSIONS: usize = 8;

/// What both directions of a connection have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// Not greater than the other one.
    lower: (Ip, u16),
    upper: (Ip, u16),
    protocol: u8,
}

impl Flow {
    /// Feeds what the key of a group's flows is the digest of, under the group's own. It
    /// is not how an advertisement begins, nor what a key of `arpbalance` is made of.
    pub fn hash_key(hasher: &mut impl Hasher) {
        hasher.update(b"flows of nodes");
    }

    /// The bytes that are hashed.
    const LEN: usize = 37;

    /// The flow of an IP packet of either version, of which at least the headers are
    /// there; `None` if it is none.
    pub fn of(packet: &[u8]) -> Option<Self> {
        Headers::read(packet).map(|headers| Self::of_headers(&headers))
    }

    /// The flow of a packet that was read.
    pub(super) fn of_headers(whole: &Headers<'_>) -> Self {
        let inner = whole.reported().and_then(Headers::read);
        let headers = inner.as_ref().unwrap_or(whole);
        let (source, destination) = headers.ports().unwrap_or((0, 0));
        let (one, other) = ((headers.source, source), (headers.destination, destination));
        Self {
            lower: one.min(other),
            upper: one.max(other),
            protocol: headers.protocol,
        }
    }

    /// A hash of it, under a key that all hosts share.
    pub fn hash(&self, key: &EvenKey) -> u64 {
        let mut bytes = [0; Self::LEN];
        let mut places = bytes.iter_mut();
        let mut put = |part: &[u8]| {
            // In this order: what has no more to give must not cost a place.
            for (from, to) in part.iter().zip(places.by_ref()) {
                *to = *from;
            }
        };
        for (address, port) in [self.lower, self.upper] {
            match address {
                Ip::V4(address) => put(&address),
                Ip::V6(address) => put(&address),
            }
            put(&port.to_be_bytes());
        }
        put(&[self.protocol]);
        let length = match self.lower.0 {
            Ip::V4(_) => Self::LEN - 24,
            Ip::V6(_) => Self::LEN,
        };
        siphash(key.0, bytes.get(..length).unwrap_or_default())
    }
}

/// The node that takes a flow with this hash; `None` if there is no node.
///
/// As in [`super::even`], the largest of one number for each node wins, so that a node
/// that comes or goes moves flows to or from itself only. The hash is secret already;
/// what is made of it needs no key, and costs a few instructions for each node.
pub fn choose(nodes: &VhidSet, hash: u64) -> Option<Vhid> {
    nodes
        .iter()
        .max_by_key(|vhid| mix(hash ^ mix(vhid.get().into())))
}

/// What is read of a packet.
pub(super) struct Headers<'a> {
    pub(super) source: Ip,
    pub(super) destination: Ip,
    pub(super) protocol: u8,
    /// What follows the headers; nothing in a fragment.
    pub(super) payload: &'a [u8],
}

impl<'a> Headers<'a> {
    pub(super) fn read(packet: &'a [u8]) -> Option<Self> {
        match packet.first()? >> 4 {
            4 => Self::read_v4(packet),
            6 => Self::read_v6(packet),
            _ => None,
        }
    }

    fn read_v4(packet: &'a [u8]) -> Option<Self> {
        let (header, _) = packet.split_first_chunk::<20>()?;
        let [first, _, _, _, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
            *header;
        // More to come, or not from the beginning.
        let fragment = u16::from_be_bytes([f0, f1]) & 0x3fff != 0;
        let payload = packet.get(usize::from(first & 0x0f) * 4..);
        Some(Self {
            source: Ip::V4([s0, s1, s2, s3]),
            destination: Ip::V4([d0, d1, d2, d3]),
            protocol,
            payload: payload.filter(|_| !fragment).unwrap_or_default(),
        })
    }

    fn read_v6(packet: &'a [u8]) -> Option<Self> {
        let (header, mut payload) = packet.split_first_chunk::<40>()?;
        let mut protocol = header[6];
        for _ in 0..EXTENSIONS {
            let Some((kind, rest)) = extension(protocol, payload) else {
                break;
            };
            (protocol, payload) = (kind, rest);
        }
        Some(Self {
            source: Ip::V6(*header.get(8..)?.first_chunk()?),
            destination: Ip::V6(*header.get(24..)?.first_chunk()?),
            protocol,
            payload,
        })
    }

    /// The beginning of the packet that an ICMP error tells of.
    fn reported(&self) -> Option<&'a [u8]> {
        const LEN: usize = 8;
        self.payload.get(LEN..).filter(|_| self.is_error())
    }

    /// Is it an ICMP error?
    pub(super) fn is_error(&self) -> bool {
        match (self.protocol, self.payload.first()) {
            (ICMP, Some(kind)) => matches!(kind, 3 | 4 | 5 | 11 | 12),
            (ICMPV6, Some(kind)) => *kind < 128,
            _ => false,
        }
    }

    /// The type of an ICMPv6 message.
    pub(super) fn icmpv6_type(&self) -> Option<u8> {
        self.payload
            .first()
            .copied()
            .filter(|_| self.protocol == ICMPV6)
    }

    /// Those of source and destination.
    fn ports(&self) -> Option<(u16, u16)> {
        match self.protocol {
            TCP | UDP | DCCP | SCTP | UDP_LITE => {
                let [a, b, c, d] = *self.payload.first_chunk()?;
                Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
            }
            ICMP | ICMPV6 => {
                let [kind, _, _, _, high, low] = *self.payload.first_chunk()?;
                let echo = match self.protocol {
                    ICMP => matches!(kind, 0 | 8),
                    _ => matches!(kind, 128 | 129),
                };
                let identifier = u16::from_be_bytes([high, low]);
                echo.then_some((identifier, identifier))
            }
            _ => None,
        }
    }
}

/// What comes behind an extension header: its kind, and itself. In a fragment nothing
/// comes, but of the same kind in each.
fn extension(kind: u8, bytes: &[u8]) -> Option<(u8, &[u8])> {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const DESTINATION: u8 = 60;
    let [next, length, f0, f1] = *bytes.first_chunk()?;
    match kind {
        HOP_BY_HOP | ROUTING | DESTINATION => {
            let rest = bytes.get((usize::from(length) + 1) * 8..);
            Some((next, rest.unwrap_or_default()))
        }
        FRAGMENT => {
            // What is no fragment may have such a header, too (RFC 6946).
            let whole = u16::from_be_bytes([f0, f1]) & 0xfff9 == 0;
            let rest = bytes.get(8..).filter(|_| whole);
            Some((next, rest.unwrap_or_default()))
        }
        _ => None,
    }
}
