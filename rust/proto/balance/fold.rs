// SPDX-License-Identifier: GPL-2.0

//! Which node of a balanced group takes a packet, as OpenBSD's `balancing ip` chooses.
//!
//! Source and destination address are folded to one number of 32 bits, which is taken
//! modulo the number of nodes. It is the same in both directions. Pure functions that
//! may be called in any context, the same on processors of either byte order.

use super::super::{
    ownership::Ip,
    parameters::Vhid,
    vhid_set::VhidSet, //
};

/// The node that takes a packet between two addresses; `None` if there is no node.
pub fn choose(nodes: &VhidSet, source: Ip, destination: Ip) -> Option<Vhid> {
    super::member_at(nodes, fold(source) ^ fold(destination))
}

/// The exclusive or of the words of an address.
fn fold(address: Ip) -> u32 {
    match address {
        Ip::V4(bytes) => u32::from_be_bytes(bytes),
        Ip::V6(bytes) => bytes
            .chunks_exact(4)
            .filter_map(|word| word.first_chunk())
            .fold(0, |folded, word| folded ^ u32::from_be_bytes(*word)),
    }
}
