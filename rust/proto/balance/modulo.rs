// SPDX-License-Identifier: GPL-2.0

//! The source address modulo the number of members, as FreeBSD 5 to 9 choose.
//!
//! Pure functions that may be called in any context. The address is taken as the
//! number that it is, first octet first, on processors of either byte order.
//! (OpenBSD in 2003 and 2004 took the octets in the processor's order, so that on
//! most hosts all clients of a subnet were one member's.)

use super::super::{
    ownership::Ip,
    parameters::Vhid,
    vhid_set::VhidSet, //
};

/// The member that answers a source address; `None` if there is no member.
pub fn choose(members: &VhidSet, source: Ip) -> Option<Vhid> {
    super::member_at(members, remainder(source, members.len())?)
}

/// The address as a number, modulo `divisor`, which is at most 255; `None` if that
/// is 0. FreeBSD balances IPv4 only; an IPv6 address is a number of 128 bits.
fn remainder(address: Ip, divisor: u32) -> Option<u32> {
    let over = |bytes: &[u8]| {
        // By hand, octet by octet: kernels cannot divide 128 bits.
        bytes.iter().try_fold(0u32, |rest, byte| {
            (rest * 256 + u32::from(*byte)).checked_rem(divisor)
        })
    };
    match address {
        Ip::V4(bytes) => over(&bytes),
        Ip::V6(bytes) => over(&bytes),
    }
}
