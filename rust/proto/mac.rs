// SPDX-License-Identifier: GPL-2.0

//! The Ethernet addresses of CARP.
//!
//! Pure functions that may be called in any context. Sources:
//! `Documentation/protocol.md`, "IP and Ethernet".

use super::{
    family::Family,
    parameters::Vhid, //
};

/// The virtual MAC of a group, 00:00:5e:00:01:VHID: its address in both
/// families, and the Ethernet source of its advertisements.
pub const fn virtual_mac(vhid: Vhid) -> [u8; 6] {
    [0x00, 0x00, 0x5e, 0x00, 0x01, vhid.get()]
}

/// The group whose virtual MAC `mac` is, or `None` if it is none's.
#[inline]
pub fn vhid_of_mac(mac: [u8; 6]) -> Option<Vhid> {
    // In two steps, as words: it is asked for every frame.
    let [a, b, c, d, e, vhid] = mac;
    if u32::from_be_bytes([a, b, c, d]) == 0x0000_5e00 && e == 1 {
        Vhid::new(vhid)
    } else {
        None
    }
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
