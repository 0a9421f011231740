// SPDX-License-Identifier: GPL-2.0

//! The IP headers in front of an advertisement.
//!
//! Pure functions that may be called in any context. What other
//! implementations send: `Documentation/protocol.md`, "IP and Ethernet".

use super::wire::{
    sum,
    HEADER_LEN, //
};

/// The IP protocol number of CARP, which it shares with VRRP.
pub const IP_PROTOCOL: u8 = 112;

/// The TTL and hop limit of every advertisement. No router passes it on, so
/// that an advertisement that arrives with it was sent on this segment.
pub const HOP_LIMIT: u8 = 255;

/// The type of service and traffic class of every advertisement: class
/// selector 7, network control, as FreeBSD sends by default.
pub const TOS: u8 = 0xe0;

/// Where IPv4 advertisements go: 224.0.0.18.
pub const MULTICAST_V4: [u8; 4] = [224, 0, 0, 18];

/// Where IPv6 advertisements go: ff02::12.
pub const MULTICAST_V6: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12];

/// The length of an IPv4 header without options, in bytes.
const IPV4_LEN: usize = 20;

/// The length of an IPv6 header, in bytes.
const IPV6_LEN: usize = 40;

/// The IPv4 header of an advertisement, checksum included: don't fragment, no
/// options. `identification` may be anything, as the packet is never
/// fragmented.
pub fn ipv4_header(source: [u8; 4], destination: [u8; 4], identification: u16) -> [u8; IPV4_LEN] {
    const TOTAL: [u8; 2] = ((IPV4_LEN + HEADER_LEN) as u16).to_be_bytes();
    let [id_high, id_low] = identification.to_be_bytes();
    let [s0, s1, s2, s3] = source;
    let [d0, d1, d2, d3] = destination;
    let with = |[high, low]: [u8; 2]| {
        [
            0x45, // version 4, 5 words of header
            TOS,
            TOTAL[0],
            TOTAL[1],
            id_high,
            id_low,
            0x40, // don't fragment
            0,
            HOP_LIMIT,
            IP_PROTOCOL,
            high,
            low,
            s0,
            s1,
            s2,
            s3,
            d0,
            d1,
            d2,
            d3,
        ]
    };
    with((!sum(&with([0, 0]))).to_be_bytes())
}

/// The IPv6 header of an advertisement: no extension headers, flow label 0.
pub fn ipv6_header(source: [u8; 16], destination: [u8; 16]) -> [u8; IPV6_LEN] {
    let start = [
        0x60 | (TOS >> 4), // version 6
        TOS << 4,
        0,
        0,
        0,
        HEADER_LEN as u8,
        IP_PROTOCOL,
        HOP_LIMIT,
    ];
    let mut header = [0; IPV6_LEN];
    let fields = start.iter().chain(&source).chain(&destination);
    for (to, from) in header.iter_mut().zip(fields) {
        *to = *from;
    }
    header
}
