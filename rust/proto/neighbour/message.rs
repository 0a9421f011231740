// SPDX-License-Identifier: GPL-2.0

//! How a message of neighbour discovery about one address is read, with its options
//! and its checksum (RFC 4861 sections 4.3 and 4.4), and what both directions need.
//!
//! Pure values that may be used in any context.

use super::{
    HOP_LIMIT,
    ICMPV6,
    IPV6_LEN,
    MESSAGE_LEN,
    NEXT_HEADER,
    OPTION_LEN, //
};
use crate::proto::wire::sum;

/// How much of a message's options is read at a time: more than most have.
const PIECE_LEN: usize = 8 * OPTION_LEN;

/// A solicitation or an advertisement: they are made alike.
pub(super) struct Message {
    pub(super) source: [u8; 16],
    pub(super) destination: [u8; 16],
    /// The first octet behind the checksum.
    pub(super) flags: u8,
    pub(super) target: [u8; 16],
    /// What the option with an Ethernet address says, if there is one.
    pub(super) mac: Option<[u8; 6]>,
}

impl Message {
    /// Reads an IPv6 packet of any length, piece by piece: `read` fills its slice with
    /// what is from a place of the packet on, and says whether there is so much. The type
    /// has to be `kind`; `option` is that of the option with the Ethernet address. `None`
    /// for what is not valid by the rules that both kinds have.
    pub(super) fn read(
        kind: u8,
        option: u8,
        mut read: impl FnMut(usize, &mut [u8]) -> bool,
    ) -> Option<Self> {
        let mut head = [0; IPV6_LEN + MESSAGE_LEN];
        read(0, &mut head).then_some(())?;
        let (header, fixed) = head.split_first_chunk::<IPV6_LEN>()?;
        let length = u16::from_be_bytes([header[4], header[5]]);
        // Behind the options there can be the padding of a short frame.
        let end = IPV6_LEN + usize::from(length);
        let source = sixteen(header.get(8..)?)?;
        let destination = sixteen(header.get(24..)?)?;
        let flags = *fixed.get(4)?;
        let target = sixteen(fixed.get(8..)?)?;
        let valid = header[0] >> 4 == 6
            && header[NEXT_HEADER] == ICMPV6
            && header[7] == HOP_LIMIT
            && end >= head.len()
            && fixed.first_chunk() == Some(&[kind, 0])
            && target[0] != 0xff
            && source[0] != 0xff;
        if !valid {
            return None;
        }
        let mut total = pseudo_sum(source, destination, length) + u32::from(sum(fixed));
        let mut mac = None;
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
                if *kind == option {
                    // It is of one host.
                    if a & 1 != 0 {
                        return None;
                    }
                    mac = Some([*a, *b, *c, *d, *e, *f]);
                }
            }
        }
        (units_left == 0 && folded(total) == 0xffff).then_some(Self {
            source,
            destination,
            flags,
            target,
            mac,
        })
    }
}

/// The first 16 bytes.
pub(super) fn sixteen(bytes: &[u8]) -> Option<[u8; 16]> {
    bytes.first_chunk().copied()
}

/// Some pieces, one behind the other.
pub(super) fn joined<const N: usize>(pieces: &[&[u8]]) -> [u8; N] {
    let mut all = [0; N];
    let bytes = pieces.iter().copied().flatten();
    for (to, from) in all.iter_mut().zip(bytes) {
        *to = *from;
    }
    all
}

/// The checksum of an ICMPv6 message of ours (RFC 4443, section 2.3).
pub(super) fn checksum(source: [u8; 16], destination: [u8; 16], message: &[u8]) -> u16 {
    let length = message.len() as u16;
    !folded(pseudo_sum(source, destination, length) + u32::from(sum(message)))
}

/// What a checksum is when an address that it covers is another one (RFC 1624).
pub(super) fn changed_checksum(checksum: u16, old: [u8; 16], new: [u8; 16]) -> u16 {
    !folded(u32::from(!checksum) + u32::from(!sum(&old)) + u32::from(sum(&new)))
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
