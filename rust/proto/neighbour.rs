// SPDX-License-Identifier: GPL-2.0

//! Neighbour discovery for IPv6 over Ethernet (RFC 4861): the questions that a
//! MASTER answers, its answers, and its announcements.
//!
//! Pure values that may be used in any context.

use super::wire::sum;

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
/// The length of an IPv6 header, in bytes.
pub const IPV6_LEN: usize = 40;
/// A solicitation or advertisement without its options.
const MESSAGE_LEN: usize = 24;
/// An option with an Ethernet address; all others are as long, or a multiple of that.
const OPTION_LEN: usize = 8;
/// How much of a solicitation's options is read at a time: more than most have.
const PIECE_LEN: usize = 8 * OPTION_LEN;

pub(super) const ICMPV6: u8 = 58;
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

/// Whether a type of ICMPv6 message is one of neighbour discovery, 133 to 137.
pub const fn is_neighbour_discovery_type(kind: u8) -> bool {
    matches!(kind, ROUTER_SOLICITATION..=REDIRECT)
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
    /// Reads an IPv6 packet of any length, piece by piece: `read` fills its slice with
    /// what is from a place of the packet on, and says whether there is so much. `None`
    /// if the packet is no valid solicitation (RFC 4861, section 7.1.1).
    pub fn read(mut read: impl FnMut(usize, &mut [u8]) -> bool) -> Option<Self> {
        let mut head = [0; IPV6_LEN + MESSAGE_LEN];
        read(0, &mut head).then_some(())?;
        let (header, fixed) = head.split_first_chunk::<IPV6_LEN>()?;
        let length = u16::from_be_bytes([header[4], header[5]]);
        // Behind the options there can be the padding of a short frame.
        let end = IPV6_LEN + usize::from(length);
        let source = sixteen(header.get(8..)?)?;
        let destination = sixteen(header.get(24..)?)?;
        let target = sixteen(fixed.get(8..)?)?;
        let valid = header[0] >> 4 == 6
            && header[6] == ICMPV6
            && header[7] == HOP_LIMIT
            && end >= head.len()
            && fixed.first_chunk() == Some(&[NEIGHBOUR_SOLICITATION, 0])
            && target[0] != 0xff
            && source[0] != 0xff;
        if !valid {
            return None;
        }
        let mut total = pseudo_sum(source, destination, length) + u32::from(sum(fixed));
        let mut source_mac = None;
        // The rest of the last option.
        let mut units_left = 0;
        let mut piece = [0; PIECE_LEN];
        for at in (head.len()..end).step_by(PIECE_LEN) {
            let piece = piece.get_mut(..PIECE_LEN.min(end - at))?;
            read(at, piece).then_some(())?;
            total += u32::from(sum(piece));
            for unit in piece.chunks(OPTION_LEN) {
                let [kind, length, a, b, c, d, e, f] = unit else {
                    return None;
                };
                if units_left > 0 {
                    units_left -= 1;
                    continue;
                }
                units_left = length.checked_sub(1)?;
                if *kind == SOURCE_LINK_LAYER_ADDRESS {
                    // An answer goes to one host.
                    if a & 1 != 0 {
                        return None;
                    }
                    source_mac = Some([*a, *b, *c, *d, *e, *f]);
                }
            }
        }
        // Who has no address yet asks everybody who may have it, and cannot say
        // where the answer shall go.
        let from_nobody = source == UNSPECIFIED;
        let asks_all = matches!(
            destination,
            [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ..]
        );
        let fits = !from_nobody || (asks_all && source_mac.is_none());
        (fits && units_left == 0 && folded(total) == 0xffff).then_some(Self {
            source,
            source_mac,
            target,
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
        const ROUTER: u8 = 0x80;
        const SOLICITED: u8 = 0x40;
        const OVERRIDE: u8 = 0x20;
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

/// The checksum of an ICMPv6 message of ours (RFC 4443, section 2.3).
fn checksum(source: [u8; 16], destination: [u8; 16], message: &[u8]) -> u16 {
    let length = message.len() as u16;
    !folded(pseudo_sum(source, destination, length) + u32::from(sum(message)))
}

/// What an ICMPv6 message's checksum covers beside the message. Sums are added up
/// unfolded: there is room for those of the longest packet's pieces.
fn pseudo_sum(source: [u8; 16], destination: [u8; 16], length: u16) -> u32 {
    const PSEUDO_LEN: usize = 40;
    let [high, low] = length.to_be_bytes();
    let pseudo: [u8; PSEUDO_LEN] =
        joined(&[&source, &destination, &[0, 0, high, low, 0, 0, 0, ICMPV6]]);
    u32::from(sum(&pseudo))
}

/// A one's complement sum with its carries added.
fn folded(total: u32) -> u16 {
    let once = (total & 0xffff) + (total >> 16);
    ((once & 0xffff) + (once >> 16)) as u16
}
