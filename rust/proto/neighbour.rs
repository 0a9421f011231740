// SPDX-License-Identifier: GPL-2.0

//! Neighbour discovery for IPv6 over Ethernet (RFC 4861): the questions that a
//! MASTER answers, its answers, and its announcements.
//!
//! Pure values that may be used in any context.

mod message;
mod outgoing;

use message::{
    checksum,
    joined,
    Message, //
};
pub use outgoing::{
    Outgoing,
    OUTGOING_LEN, //
};

/// The length of an advertisement in bytes, IPv6 header and the one option
/// included.
pub const ADVERTISEMENT_LEN: usize = IPV6_LEN + MESSAGE_LEN + OPTION_LEN;

/// All hosts on the link: ff02::1.
pub const ALL_NODES: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// The Ethernet address of [`ALL_NODES`], where it is also asked who listens.
pub const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];

/// The Ethernet address of all routers on the link, ff02::2, which is where hosts
/// solicit them.
pub const ALL_ROUTERS_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 2];

/// Where an IPv6 header says what follows it.
pub const NEXT_HEADER: usize = 6;
/// Where a solicitation that comes without other headers than IPv6's says for whom it is.
pub const SOLICITATION_TARGET: usize = IPV6_LEN + 8;
/// The length of an IPv6 header, in bytes.
pub const IPV6_LEN: usize = 40;
/// A solicitation or advertisement without its options.
const MESSAGE_LEN: usize = 24;
/// An option with an Ethernet address; all others are as long, or a multiple of that.
const OPTION_LEN: usize = 8;

pub(super) const HOP_BY_HOP: u8 = 0;
pub(super) const ICMPV6: u8 = 58;
const HOP_LIMIT: u8 = 255;
const UNSPECIFIED: [u8; 16] = [0; 16];

const ROUTER_SOLICITATION: u8 = 133;
const NEIGHBOUR_SOLICITATION: u8 = 135;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
const REDIRECT: u8 = 137;

const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;
const TARGET_LINK_LAYER_ADDRESS: u8 = 2;

/// The flags of an advertisement.
const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;

/// The beginning, three octets, of the Ethernet addresses at which hosts are solicited
/// (RFC 4861 section 2.3).
pub const SOLICITED_NODE_MAC: [u8; 6] = [0x33, 0x33, 0xff, 0, 0, 0];

/// Whether an Ethernet address is one of those at which hosts are solicited.
pub const fn is_solicited_node_mac(mac: [u8; 6]) -> bool {
    let [a, b, c, ..] = SOLICITED_NODE_MAC;
    mac[0] == a && mac[1] == b && mac[2] == c
}

/// Whether a type of ICMPv6 message is one of neighbour discovery, 133 to 137.
pub const fn is_neighbour_discovery_type(kind: u8) -> bool {
    matches!(kind, ROUTER_SOLICITATION..=REDIRECT)
}

/// Whether a packet that says this at [`NEXT_HEADER`] can be a message of ICMPv6, as all of
/// neighbour discovery is: at once, or behind a hop-by-hop header (0), as the question who
/// listens is. It is one comparison, which lets some pass that are neither, but no UDP and no
/// TCP.
pub const fn may_be_icmpv6(next_header: u8) -> bool {
    next_header & !ICMPV6 == 0
}

/// Whether an address is link-local unicast, fe80::/10.
pub const fn is_link_local(address: [u8; 16]) -> bool {
    let [first, second, ..] = address;
    begins_link_local([first, second])
}

/// The same by its first two octets.
pub const fn begins_link_local([first, second]: [u8; 2]) -> bool {
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
        (self.0[NEXT_HEADER] == ICMPV6).then_some(kind)
    }

    /// Whether it is one of the messages of neighbour discovery, 133 to 137.
    pub fn is_neighbour_discovery(&self) -> bool {
        self.icmpv6_type().is_some_and(is_neighbour_discovery_type)
    }

    /// Whether it is a question for routers.
    pub fn is_router_solicitation(&self) -> bool {
        self.icmpv6_type() == Some(ROUTER_SOLICITATION)
    }

    /// Whether it says where an address is.
    pub fn is_advertisement(&self) -> bool {
        self.icmpv6_type() == Some(NEIGHBOUR_ADVERTISEMENT)
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
    /// Reads an IPv6 packet of any length, piece by piece: see [`Message::read`]. `None`
    /// if the packet is no valid solicitation (RFC 4861, section 7.1.1).
    pub fn read(read: impl FnMut(usize, &mut [u8]) -> bool) -> Option<Self> {
        let message = Message::read(NEIGHBOUR_SOLICITATION, SOURCE_LINK_LAYER_ADDRESS, read)?;
        // Who has no address yet asks everybody who may have it, and cannot say
        // where the answer shall go.
        let from_nobody = message.source == UNSPECIFIED;
        let asks_all = matches!(
            message.destination,
            [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ..]
        );
        let fits = !from_nobody || (asks_all && message.mac.is_none());
        fits.then_some(Self {
            source: message.source,
            source_mac: message.mac,
            target: message.target,
        })
    }

    /// The answer: the group with the virtual MAC `mac` has the target.
    pub fn answer(&self, mac: [u8; 6], router: bool) -> Advertisement {
        // Who wants to have the address cannot be answered alone.
        let solicited = self.source != UNSPECIFIED;
        Advertisement {
            mac,
            target: self.target,
            destination: if solicited { self.source } else { ALL_NODES },
            solicited,
            router,
            overrides: true,
        }
    }
}

/// Where another host says that an address is, to all, unasked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The address.
    pub target: [u8; 16],
    /// The Ethernet address, if the message has it.
    pub mac: Option<[u8; 6]>,
}

impl Claim {
    /// As [`Solicitation::read`]. `None` if the packet is no valid advertisement to all
    /// nodes (RFC 4861, section 7.1.2).
    pub fn read(read: impl FnMut(usize, &mut [u8]) -> bool) -> Option<Self> {
        let message = Message::read(NEIGHBOUR_ADVERTISEMENT, TARGET_LINK_LAYER_ADDRESS, read)?;
        let valid = message.destination == ALL_NODES && message.flags & SOLICITED == 0;
        valid.then_some(Self {
            target: message.target,
            mac: message.mac,
        })
    }
}

/// Where an address is: at the virtual MAC of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Advertisement {
    /// That MAC.
    pub mac: [u8; 6],
    /// The address; the packet comes from it.
    pub target: [u8; 16],
    /// Who is told.
    pub destination: [u8; 16],
    /// Whether it is the answer to a question of the one who is told.
    pub solicited: bool,
    /// Whether this host forwards packets.
    pub router: bool,
    /// Whether hosts that have another MAC for the address take this one instead. The
    /// virtual MAC is right, whatever they heard, unless several groups have the
    /// address.
    pub overrides: bool,
}

impl Advertisement {
    /// What tells everybody, unasked (RFC 4861, section 7.2.6).
    pub const fn announcement(mac: [u8; 6], target: [u8; 16], router: bool) -> Self {
        Self {
            mac,
            target,
            destination: ALL_NODES,
            solicited: false,
            router,
            overrides: true,
        }
    }

    /// The bytes of the packet, from the IPv6 header on.
    pub fn emit(&self) -> [u8; ADVERTISEMENT_LEN] {
        let flags = if self.overrides { OVERRIDE } else { 0 }
            | if self.solicited { SOLICITED } else { 0 }
            | if self.router { ROUTER } else { 0 };
        let message = |[high, low]: [u8; 2]| {
            let start = [NEIGHBOUR_ADVERTISEMENT, 0, high, low, flags, 0, 0, 0];
            let option = [TARGET_LINK_LAYER_ADDRESS, 1];
            joined::<{ MESSAGE_LEN + OPTION_LEN }>(&[&start, &self.target, &option, &self.mac])
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
