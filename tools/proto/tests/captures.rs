// SPDX-License-Identifier: GPL-2.0

//! Every advertisement in the captures of real NetBSD, FreeBSD and ucarp
//! hosts (`data/captures/README.md`) is accepted, and comes out again as it
//! went in.

mod common;

use carp_proto::{
    digests_equal, vhid_of_mac, Advertisement, Context, Key, Vhid, HEADER_LEN, HOP_LIMIT,
    IP_PROTOCOL,
};
use common::{v4, v6, vhid, Hashed};

/// The frames of a little-endian pcap file of Ethernet frames.
fn frames(file: &str) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(common::data().join("captures").join(file)).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert!([0xa1b2_c3d4, 0xa1b2_3c4d].contains(&word(0)), "{file}");
    assert_eq!(word(20), 1, "{file} has other frames than Ethernet's");
    let mut frames = Vec::new();
    let mut at = 24;
    while at < bytes.len() {
        let length = word(at + 8) as usize;
        frames.push(bytes[at + 16..at + 16 + length].to_vec());
        at += 16 + length;
    }
    frames
}

/// The TTL or hop limit and the payload of a frame of protocol 112, and
/// whether it is one of IPv6.
fn carp(frame: &[u8]) -> Option<(u8, &[u8], bool)> {
    match frame[12..14] {
        [0x08, 0x00] if frame[23] == IP_PROTOCOL => {
            let length = usize::from(u16::from_be_bytes([frame[16], frame[17]]));
            Some((frame[22], &frame[34..14 + length], false))
        }
        [0x86, 0xdd] if frame[20] == IP_PROTOCOL => {
            let length = usize::from(u16::from_be_bytes([frame[18], frame[19]]));
            Some((frame[21], &frame[54..54 + length], true))
        }
        _ => None,
    }
}

/// How many advertisements of which kind a capture has.
#[derive(PartialEq, Eq, Default, Debug)]
struct Seen {
    v4: usize,
    v6: usize,
    bow_outs: usize,
    /// Sent from the right virtual MAC, which ucarp does not.
    from_virtual_mac: usize,
}

fn accept_all(file: &str, hashed: &Hashed) -> Seen {
    let mut seen = Seen::default();
    for frame in frames(file) {
        let Some((hop_limit, payload, is_v6)) = carp(&frame) else {
            continue;
        };
        let advertisement = Advertisement::parse(hop_limit, payload).unwrap();
        assert_eq!(hop_limit, HOP_LIMIT);
        assert_eq!(payload.len(), HEADER_LEN);
        assert_eq!(advertisement.vhid, hashed.vhid);
        assert_eq!(advertisement.emit(), payload);
        for context in [Context::WithLinkLocal, Context::WithoutLinkLocal] {
            let digest = hashed.digest(advertisement.counter, context);
            assert!(digests_equal(&digest, &advertisement.digest), "{file}");
        }
        let mut other = hashed.clone();
        other.key = Key::new(b"nexus").unwrap();
        let digest = other.digest(advertisement.counter, Context::WithLinkLocal);
        assert!(!digests_equal(&digest, &advertisement.digest), "{file}");

        seen.v4 += usize::from(!is_v6);
        seen.v6 += usize::from(is_v6);
        seen.bow_outs += usize::from(advertisement.is_bow_out());
        let source = vhid_of_mac(frame[6..12].try_into().unwrap());
        seen.from_virtual_mac += usize::from(source == Some(hashed.vhid));
    }
    seen
}

fn group(key: &str, vhid: Vhid, v4s: &[&str], v6s: &[&str]) -> Hashed {
    Hashed {
        key: Key::new(key.as_bytes()).unwrap(),
        vhid,
        v4: v4s.iter().map(|address| v4(address)).collect(),
        v6: v6s.iter().map(|address| v6(address)).collect(),
    }
}

#[test]
fn netbsd_and_ucarp() {
    let group = group("secret", vhid(1), &["10.77.0.100"], &[]);
    let seen = accept_all("netbsd-ucarp.pcap", &group);
    let expected = Seen {
        v4: 23,
        v6: 0,
        bow_outs: 2,
        from_virtual_mac: 15,
    };
    assert_eq!(seen, expected);
}

#[test]
fn freebsd_and_ucarp() {
    let group = group("secret", vhid(1), &["10.77.0.100"], &[]);
    let seen = accept_all("freebsd-ucarp.pcap", &group);
    let expected = Seen {
        v4: 22,
        v6: 0,
        bow_outs: 2,
        from_virtual_mac: 14,
    };
    assert_eq!(seen, expected);
}

#[test]
fn netbsd_and_freebsd() {
    let group = group("secret", vhid(1), &["10.77.0.101", "10.77.0.100"], &[]);
    let seen = accept_all("netbsd-freebsd.pcap", &group);
    let expected = Seen {
        v4: 22,
        v6: 0,
        bow_outs: 2,
        from_virtual_mac: 22,
    };
    assert_eq!(seen, expected);
}

#[test]
fn netbsd_in_both_families() {
    let group = group("six", vhid(7), &["10.77.0.107"], &["fd77::107"]);
    let seen = accept_all("netbsd-ipv6.pcap", &group);
    let expected = Seen {
        v4: 9,
        v6: 9,
        bow_outs: 2,
        from_virtual_mac: 18,
    };
    assert_eq!(seen, expected);
}
