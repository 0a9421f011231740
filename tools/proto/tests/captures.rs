// SPDX-License-Identifier: GPL-2.0

//! Every advertisement in the captures of real NetBSD, FreeBSD and ucarp
//! hosts (`data/captures/README.md`) is accepted, and comes out again as it
//! went in.

mod common;

use carp_proto::{
    digests_equal, vhid_of_mac, Advertisement, Context, Family, Key, Vhid, HEADER_LEN, HOP_LIMIT,
};
use common::capture::packets;
use common::{v4, v6, vhid, Hashed};

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
    for packet in packets(file) {
        let advertisement = Advertisement::parse(packet.hop_limit, &packet.payload).unwrap();
        assert_eq!(packet.hop_limit, HOP_LIMIT);
        assert_eq!(packet.payload.len(), HEADER_LEN);
        assert_eq!(advertisement.vhid, hashed.vhid);
        assert_eq!(advertisement.emit().as_slice(), packet.payload);
        for context in [Context::WithLinkLocal, Context::WithoutLinkLocal] {
            let digest = hashed.digest(advertisement.counter, context);
            assert!(digests_equal(&digest, &advertisement.digest), "{file}");
        }
        let mut other = hashed.clone();
        other.key = Key::new(b"nexus").unwrap();
        let digest = other.digest(advertisement.counter, Context::WithLinkLocal);
        assert!(!digests_equal(&digest, &advertisement.digest), "{file}");

        match packet.source.family() {
            Family::V4 => seen.v4 += 1,
            Family::V6 => seen.v6 += 1,
        }
        seen.bow_outs += usize::from(advertisement.is_bow_out());
        seen.from_virtual_mac += usize::from(vhid_of_mac(packet.mac) == Some(hashed.vhid));
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
