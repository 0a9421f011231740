// SPDX-License-Identifier: GPL-2.0

//! Reads the packets of protocol 112 out of the captures.

use carp_proto::{Instant, Source, IP_PROTOCOL};

/// A packet of protocol 112.
pub struct Packet {
    /// Since the capture began.
    pub at: Instant,
    /// The Ethernet source.
    pub mac: [u8; 6],
    pub source: Source,
    /// Time to live or hop limit.
    pub hop_limit: u8,
    pub payload: Vec<u8>,
}

/// The packets of protocol 112 in a little-endian pcap file of Ethernet
/// frames with microseconds.
pub fn packets(file: &str) -> Vec<Packet> {
    let bytes = std::fs::read(super::data().join("captures").join(file)).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(word(0), 0xa1b2_c3d4, "{file}");
    assert_eq!(word(20), 1, "{file} has other frames than Ethernet's");
    let mut packets = Vec::new();
    let mut start = None;
    let mut at = 24;
    while at < bytes.len() {
        let micros = u64::from(word(at)) * 1_000_000 + u64::from(word(at + 4));
        let length = word(at + 8) as usize;
        let start = *start.get_or_insert(micros);
        packets.extend(packet(
            Instant::from_nanos((micros - start) * 1_000),
            &bytes[at + 16..at + 16 + length],
        ));
        at += 16 + length;
    }
    packets
}

fn packet(at: Instant, frame: &[u8]) -> Option<Packet> {
    let length = |at: usize| usize::from(u16::from_be_bytes([frame[at], frame[at + 1]]));
    let (source, hop_limit, payload) = match frame[12..14] {
        [0x08, 0x00] if frame[23] == IP_PROTOCOL => (
            Source::V4(frame[26..30].try_into().unwrap()),
            frame[22],
            &frame[34..14 + length(16)],
        ),
        [0x86, 0xdd] if frame[20] == IP_PROTOCOL => (
            Source::V6(frame[22..38].try_into().unwrap()),
            frame[21],
            &frame[54..54 + length(18)],
        ),
        _ => return None,
    };
    Some(Packet {
        at,
        mac: frame[6..12].try_into().unwrap(),
        source,
        hop_limit,
        payload: payload.to_vec(),
    })
}
