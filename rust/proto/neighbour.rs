// SPDX-License-Identifier: GPL-2.0

//! Neighbour discovery for IPv6 over Ethernet (RFC 4861): the questions that a
//! MASTER answers, its answers, and its announcements.
//!
//! Pure values that may be used in any context.

use super::parameters::Vhid;
use super::virtual_mac;
use super::wire::sum;

/// The length of an advertisement in bytes, IPv6 header and the one option
/// included.
pub const ADVERTISEMENT_LEN: usize = IPV6_LEN + MESSAGE_LEN + OPTION_LEN;

/// The longest solicitation that is read, in bytes. Longer by far than those with
/// the options that there are.
pub const SOLICITATION_MAX: usize = 128;

/// All hosts on the link: ff02::1.
pub const ALL_NODES: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// The Ethernet address of [`ALL_NODES`].
pub const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];

/// The Ethernet address of all routers on the link, ff02::2, which is where hosts
/// solicit them.
pub const ALL_ROUTERS_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 2];

/// The length of an IPv6 header, in bytes.
pub const IPV6_LEN: usize = 40;
/// A solicitation or advertisement without its options.
const MESSAGE_LEN: usize = 24;
/// An option with an Ethernet address.
const OPTION_LEN: usize = 8;

const ICMPV6: u8 = 58;
const HOP_LIMIT: u8 = 255;
const UNSPECIFIED: [u8; 16] = [0; 16];

const ROUTER_SOLICITATION: u8 = 133;
const NEIGHBOUR_SOLICITATION: u8 = 135;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
const REDIRECT: u8 = 137;

const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;
const TARGET_LINK_LAYER_ADDRESS: u8 = 2;

/// The beginning, three octets, of the Ethernet addresses at which hosts are solicited
/// (RFC 4861 section 2.3).
pub const SOLICITED_NODE_MAC: [u8; 6] = [0x33, 0x33, 0xff, 0, 0, 0];

/// Whether an Ethernet address is one of those at which hosts are solicited.
pub const fn is_solicited_node_mac(mac: [u8; 6]) -> bool {
    let [a, b, c, ..] = SOLICITED_NODE_MAC;
    mac[0] == a && mac[1] == b && mac[2] == c
}

/// Whether an address is link-local unicast, fe80::/10.
pub const fn is_link_local(address: [u8; 16]) -> bool {
    let [first, second, ..] = address;
    first == 0xfe && second & 0xc0 == 0x80
}

/// The beginning of an IPv6 packet: its header, and the type of what it carries if
/// that is ICMPv6.
#[derive(Clone, Copy)]
pub struct Beginning([u8; Self::LEN]);

impl Beginning {
    /// Its length in bytes.
    pub const LEN: usize = IPV6_LEN + 1;

    /// Takes the first bytes of a packet.
    pub const fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Where the packet goes to.
    pub fn destination(&self) -> [u8; 16] {
        let mut address = [0; 16];
        for (to, from) in address.iter_mut().zip(self.0.iter().skip(24)) {
            *to = *from;
        }
        address
    }

    fn icmpv6_type(&self) -> Option<u8> {
        let [.., kind] = self.0;
        (self.0[6] == ICMPV6).then_some(kind)
    }

    /// Whether it is one of the messages of neighbour discovery, 133 to 137.
    pub fn is_neighbour_discovery(&self) -> bool {
        matches!(self.icmpv6_type(), Some(ROUTER_SOLICITATION..=REDIRECT))
    }

    /// Whether it is a question for routers.
    pub fn is_router_solicitation(&self) -> bool {
        self.icmpv6_type() == Some(ROUTER_SOLICITATION)
    }

    /// Whether it is a question for an address.
    pub fn is_solicitation(&self) -> bool {
        self.icmpv6_type() == Some(NEIGHBOUR_SOLICITATION)
    }
}

/// A question for an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Solicitation {
    /// Who asks; `::` for one who wants to have the address itself.
    pub source: [u8; 16],
    /// The Ethernet address of who asks, if the message has it.
    pub source_mac: Option<[u8; 6]>,
    /// The address in question.
    pub target: [u8; 16],
}

impl Solicitation {
    /// Reads an IPv6 packet of at most [`SOLICITATION_MAX`] bytes; `None` if it is
    /// no valid solicitation (RFC 4861, section 7.1.1).
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let (header, rest) = packet.split_first_chunk::<IPV6_LEN>()?;
        let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
        // Behind the packet there can be the padding of a short frame.
        let message = rest.get(..length)?;
        let (fixed, mut options) = message.split_first_chunk::<MESSAGE_LEN>()?;
        let source = sixteen(header.get(8..)?)?;
        let destination = sixteen(header.get(24..)?)?;
        let target = sixteen(fixed.get(8..)?)?;
        let valid = header[0] >> 4 == 6
            && header[6] == ICMPV6
            && header[7] == HOP_LIMIT
            && fixed[0] == NEIGHBOUR_SOLICITATION
            && fixed[1] == 0
            && target[0] != 0xff
            && source[0] != 0xff
            && checksum(source, destination, message) == 0;
        if !valid {
            return None;
        }
        let mut source_mac = None;
        while let [kind, units, body @ ..] = options {
            let body_len = (usize::from(*units) * 8).checked_sub(2)?;
            let (body, next) = body.split_at_checked(body_len)?;
            if let (SOURCE_LINK_LAYER_ADDRESS, [a, b, c, d, e, f, ..]) = (*kind, body) {
                // An answer goes to one host.
                if a & 1 != 0 {
                    return None;
                }
                source_mac = Some([*a, *b, *c, *d, *e, *f]);
            }
            options = next;
        }
        let whole = options.is_empty();
        // Who has no address yet asks everybody who may have it, and cannot say
        // where the answer shall go.
        let from_nobody = source == UNSPECIFIED;
        let asks_all = matches!(
            destination,
            [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ..]
        );
        let fits = !from_nobody || (asks_all && source_mac.is_none());
        (whole && fits).then_some(Self {
            source,
            source_mac,
            target,
        })
    }

    /// The answer: the group has the target.
    pub fn answer(&self, vhid: Vhid, router: bool) -> Advertisement {
        // Who wants to have the address cannot be answered alone.
        let solicited = self.source != UNSPECIFIED;
        Advertisement {
            vhid,
            target: self.target,
            destination: if solicited { self.source } else { ALL_NODES },
            solicited,
            router,
        }
    }
}

/// Where an address is: at the virtual MAC of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Advertisement {
    /// The group.
    pub vhid: Vhid,
    /// The address; the packet comes from it.
    pub target: [u8; 16],
    /// Who is told.
    pub destination: [u8; 16],
    /// Whether it is the answer to a question of the one who is told.
    pub solicited: bool,
    /// Whether this host forwards packets.
    pub router: bool,
}

impl Advertisement {
    /// What tells everybody, unasked (RFC 4861, section 7.2.6).
    pub const fn announcement(vhid: Vhid, target: [u8; 16], router: bool) -> Self {
        Self {
            vhid,
            target,
            destination: ALL_NODES,
            solicited: false,
            router,
        }
    }

    /// The bytes of the packet, from the IPv6 header on. It overrides what hosts
    /// know: the virtual MAC is right, whatever they heard.
    pub fn emit(&self) -> [u8; ADVERTISEMENT_LEN] {
        const ROUTER: u8 = 0x80;
        const SOLICITED: u8 = 0x40;
        const OVERRIDE: u8 = 0x20;
        let flags = OVERRIDE
            | if self.solicited { SOLICITED } else { 0 }
            | if self.router { ROUTER } else { 0 };
        let message = |[high, low]: [u8; 2]| {
            let start = [NEIGHBOUR_ADVERTISEMENT, 0, high, low, flags, 0, 0, 0];
            let option = [TARGET_LINK_LAYER_ADDRESS, 1];
            joined::<{ MESSAGE_LEN + OPTION_LEN }>(&[
                &start,
                &self.target,
                &option,
                &virtual_mac(self.vhid),
            ])
        };
        let checksum = checksum(self.target, self.destination, &message([0, 0]));
        let length = (MESSAGE_LEN + OPTION_LEN) as u8;
        joined(&[
            &[0x60, 0, 0, 0, 0, length, ICMPV6, HOP_LIMIT],
            &self.target,
            &self.destination,
            &message(checksum.to_be_bytes()),
        ])
    }
}

/// The first 16 bytes.
fn sixteen(bytes: &[u8]) -> Option<[u8; 16]> {
    bytes.first_chunk().copied()
}

/// Some pieces, one behind the other.
fn joined<const N: usize>(pieces: &[&[u8]]) -> [u8; N] {
    let mut all = [0; N];
    let bytes = pieces.iter().copied().flatten();
    for (to, from) in all.iter_mut().zip(bytes) {
        *to = *from;
    }
    all
}

/// The checksum of an ICMPv6 message (RFC 4443, section 2.3), or 0 if the right one
/// is in it. Messages are short here.
fn checksum(source: [u8; 16], destination: [u8; 16], message: &[u8]) -> u16 {
    const PSEUDO_LEN: usize = 40;
    let [high, low] = (message.len() as u16).to_be_bytes();
    let pseudo: [u8; PSEUDO_LEN] =
        joined(&[&source, &destination, &[0, 0, high, low, 0, 0, 0, ICMPV6]]);
    let both = u32::from(sum(&pseudo)) + u32::from(sum(message));
    // At most one carry.
    !(((both & 0xffff) + (both >> 16)) as u16)
}
