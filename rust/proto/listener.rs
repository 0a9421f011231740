// SPDX-License-Identifier: GPL-2.0

//! Multicast listener discovery for IPv6 (RFC 3810): what a MASTER has to hear of it.
//!
//! A switch that snoops forgets who listens to a group of addresses unless he says so each
//! time that it is asked. Neighbours are solicited at such groups.
//!
//! Pure values that may be used in any context.

use super::neighbour::{
    HOP_BY_HOP,
    ICMPV6,
    IPV6_LEN,
    NEXT_HEADER, //
};

/// How much of a packet tells whether it is a query, in bytes: the IPv6 header, the
/// hop-by-hop header with the router alert, and the type of the message.
pub const QUERY_LEN: usize = IPV6_LEN + HOP_BY_HOP_LEN + 1;
/// The shortest, which is what all queries have.
const HOP_BY_HOP_LEN: usize = 8;

const QUERY: u8 = 130;

/// Whether a packet that begins like this asks who listens.
pub const fn is_query(packet: &[u8; QUERY_LEN]) -> bool {
    let [.., next_header, length, _, _, _, _, _, _, kind] = *packet;
    packet[NEXT_HEADER] == HOP_BY_HOP && next_header == ICMPV6 && length == 0 && kind == QUERY
}
