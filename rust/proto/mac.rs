// SPDX-License-Identifier: GPL-2.0

//! The Ethernet addresses of CARP.
//!
//! Pure functions that may be called in any context. Sources:
//! `Documentation/protocol.md`, "IP and Ethernet".

use super::{
    family::Family,
    identity::Cast,
    parameters::Vhid, //
};

/// The virtual MAC of a group, 00:00:5e:00:01:VHID: its address in both
/// families, and the Ethernet source of its advertisements.
pub const fn virtual_mac(vhid: Vhid) -> [u8; 6] {
    [0x00, 0x00, 0x5e, 0x00, 0x01, vhid.get()]
}

/// The virtual MAC of a group that all its hosts receive as multicast,
/// 01:00:5e:00:01:VHID. It is that of the IPv4 groups 224.0.1.VHID and 31 others, too.
pub const fn virtual_multicast_mac(vhid: Vhid) -> [u8; 6] {
    [0x01, 0x00, 0x5e, 0x00, 0x01, vhid.get()]
}

/// An Ethernet address as a number, as which it is compared at once.
pub const fn number_of_mac([a, b, c, d, e, f]: [u8; 6]) -> u64 {
    u64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

/// The last octet of a virtual MAC; `None` if it is none. A vhid, or 0, which no group has.
#[inline(always)]
pub const fn octet_of_virtual_mac([first @ .., fifth, last]: &[u8; 6]) -> Option<u8> {
    // Two comparisons with what is in memory: fewer instructions than of the six as one.
    if u32::from_ne_bytes(*first) == u32::from_ne_bytes([0x00, 0x00, 0x5e, 0x00]) && *fifth == 0x01
    {
        Some(*last)
    } else {
        None
    }
}

/// Whether an Ethernet address, given as a number, is the multicast sort of a virtual MAC.
#[inline(always)]
pub const fn is_virtual_multicast_mac(mac: u64) -> bool {
    const BEGINNING: u64 = number_of_mac([0x01, 0x00, 0x5e, 0x00, 0x01, 0]) >> 8;
    mac >> 8 == BEGINNING
}

/// The group whose virtual MAC of either sort `mac` is, or `None` if it is none's.
pub fn group_of_mac(mac: [u8; 6]) -> Option<(Vhid, Cast)> {
    if let Some(vhid) = vhid_of_mac(mac) {
        return Some((vhid, Cast::Unicast));
    }
    let [.., last] = mac;
    let vhid = Vhid::new(last).filter(|_| is_virtual_multicast_mac(number_of_mac(mac)))?;
    Some((vhid, Cast::Multicast))
}

/// The group whose virtual MAC `mac` is, or `None` if it is none's.
pub fn vhid_of_mac(mac: [u8; 6]) -> Option<Vhid> {
    octet_of_virtual_mac(&mac).and_then(Vhid::new)
}

/// The Ethernet destination of the advertisements of `family`, as it follows
/// from [`MULTICAST_V4`](super::MULTICAST_V4) and
/// [`MULTICAST_V6`](super::MULTICAST_V6).
pub const fn multicast_mac(family: Family) -> [u8; 6] {
    match family {
        Family::V4 => [0x01, 0x00, 0x5e, 0x00, 0x00, 0x12],
        Family::V6 => [0x33, 0x33, 0x00, 0x00, 0x00, 0x12],
    }
}
