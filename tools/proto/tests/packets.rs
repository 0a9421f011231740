// SPDX-License-Identifier: GPL-2.0

//! Advertisements and the headers before them agree with the packets that the
//! implementations in `vectors.json` build.

mod common;

use carp_proto::{
    claimed_vhid, digests_equal, ipv4_header, ipv6_header, multicast_mac, vhid_of_mac, virtual_mac,
    Advertisement, Context, Discard, Family, HEADER_LEN, HOP_LIMIT, IP_PROTOCOL, MULTICAST_V4,
    MULTICAST_V6, TOS,
};
use common::{counter, hex, number, text, v4, v6, vectors, vhid, Hashed};
use serde_json::Value;

/// Calls `check` with each case, the name of an implementation, and what that
/// one builds for it.
fn for_each_packet(check: impl Fn(&Value, &str, &Value)) {
    let cases = vectors("packets");
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 14);
    for case in cases {
        for (implementation, packet) in case["by"].as_object().unwrap() {
            check(case, implementation, packet);
        }
    }
}

/// The context whose digest an implementation sends.
fn context(implementation: &str) -> Context {
    match implementation {
        "openbsd-cur" => Context::WithoutLinkLocal,
        "freebsd-main" | "ucarp" => Context::WithLinkLocal,
        other => panic!("{other}"),
    }
}

#[test]
fn emits_what_they_build_and_parses_it() {
    for_each_packet(|case, implementation, packet| {
        let hashed = Hashed::of(case);
        let name = format!("{} by {implementation}", text(case, "name"));
        // FreeBSD sends its demotion in the advskew, OpenBSD in its own byte.
        let advskew = match packet["effective_advskew"].as_u64() {
            Some(effective) => effective,
            None => number(case, "advskew_configured"),
        };
        let ours = Advertisement {
            vhid: hashed.vhid,
            advbase: number(case, "advbase").try_into().unwrap(),
            advskew: advskew.try_into().unwrap(),
            demote: packet["demote_byte"]
                .as_u64()
                .unwrap_or(0)
                .try_into()
                .unwrap(),
            counter: counter(case),
            digest: hashed.digest(counter(case), context(implementation)),
        };
        for field in ["carp", "carp6"] {
            let Some(theirs) = packet[field].as_str() else {
                continue;
            };
            assert_eq!(ours.emit().as_slice(), hex(theirs), "{name}, {field}");
            assert_eq!(
                Advertisement::parse(HOP_LIMIT, &hex(theirs)),
                Ok(ours),
                "{name}"
            );
            assert_eq!(
                ours.is_bow_out(),
                text(case, "name") == "p3-bow-out",
                "{name}"
            );
        }
    });
}

/// Ours is FreeBSD's; OpenBSD and ucarp differ in the type of service alone.
#[test]
fn ip_headers_are_freebsds() {
    for_each_packet(|case, implementation, packet| {
        let name = format!("{} by {implementation}", text(case, "name"));
        let same_tos = implementation == "freebsd-main";
        if let Some(theirs) = packet["ipv4_packet"].as_str() {
            let mut theirs = hex(theirs);
            let identification = u16::from_str_radix(text(case, "ip_id"), 16).unwrap();
            let mut ours = ipv4_header(v4(text(case, "src4")), MULTICAST_V4, identification);
            if !same_tos {
                // Not the checksum either.
                for header in [&mut ours[..], &mut theirs[..]] {
                    header[1] = 0;
                    header[10..12].fill(0);
                }
            }
            assert_eq!(ours, theirs[..20], "{name}");
            assert_eq!(theirs.len(), 20 + HEADER_LEN, "{name}");
        }
        if let Some(theirs) = packet["ipv6_packet"].as_str() {
            let mut theirs = hex(theirs);
            let ours = ipv6_header(v6(text(case, "src6")), MULTICAST_V6);
            if !same_tos {
                assert_eq!(theirs[..2], [0x60, 0x00], "{name}");
                theirs[0] |= TOS >> 4;
                theirs[1] |= TOS << 4;
            }
            assert_eq!(ours, theirs[..40], "{name}");
            assert_eq!(theirs.len(), 40 + HEADER_LEN, "{name}");
        }
    });
}

/// All but ucarp's source, which it gets wrong.
#[test]
fn ethernet_addresses_are_theirs() {
    for_each_packet(|case, implementation, packet| {
        for (field, family) in [
            ("ethernet_frame", Family::V4),
            ("ethernet_frame6", Family::V6),
        ] {
            let Some(frame) = packet[field].as_str() else {
                continue;
            };
            let frame = hex(frame);
            assert_eq!(frame[..6], multicast_mac(family), "{case}");
            if implementation != "ucarp" {
                let vhid = vhid(number(case, "vhid"));
                assert_eq!(frame[6..12], virtual_mac(vhid), "{case}");
            }
        }
    });
}

#[test]
fn the_virtual_mac_names_its_group() {
    for number in 1..=255 {
        let mac = virtual_mac(vhid(number));
        assert_eq!(vhid_of_mac(mac), Some(vhid(number)));
    }
    assert_eq!(vhid_of_mac([0x00, 0x00, 0x5e, 0x00, 0x01, 0]), None);
    assert_eq!(vhid_of_mac([0x00, 0x00, 0x5e, 0x00, 0x02, 1]), None);
    assert_eq!(vhid_of_mac([0x00, 0x00, 0x5e, 0x00, 0x00, 1]), None);
    assert_eq!(vhid_of_mac([0x02, 0x00, 0x5e, 0x00, 0x01, 1]), None);
}

#[test]
fn multicast_macs_follow_from_the_groups() {
    let [_, b, c, d] = MULTICAST_V4;
    assert_eq!(
        multicast_mac(Family::V4),
        [0x01, 0x00, 0x5e, b & 0x7f, c, d]
    );
    let [.., a, b, c, d] = MULTICAST_V6;
    assert_eq!(multicast_mac(Family::V6), [0x33, 0x33, a, b, c, d]);
    assert_eq!(IP_PROTOCOL, 112);
}

/// Where several checks fail, the first one in the documented order is
/// told: each line breaks one thing more than the line after it.
#[test]
fn checks_in_the_documented_order() {
    let good = Advertisement {
        vhid: vhid(1),
        advbase: 1,
        advskew: 0,
        demote: 0,
        counter: 1,
        digest: [0x5a; 20],
    }
    .emit();
    let mut no_vhid = good;
    // The checksum stays right: what the vhid loses, the advskew's word gains.
    no_vhid[1] = 0;
    no_vhid[3] += 1;
    let mut bad_sum = no_vhid;
    bad_sum[35] ^= 1;
    let mut bad_type = bad_sum;
    bad_type[0] = 0x22;
    let mut bad_version = bad_type;
    bad_version[0] = 0x32;
    let parse = Advertisement::parse;

    assert!(parse(255, &good).is_ok());
    assert_eq!(parse(255, &no_vhid), Err(Discard::UnknownVhid));
    assert_eq!(parse(255, &bad_sum), Err(Discard::BadChecksum));
    assert_eq!(parse(255, &bad_type), Err(Discard::BadType));
    assert_eq!(parse(255, &bad_version), Err(Discard::BadVersion));
    assert_eq!(parse(255, &bad_version[..35]), Err(Discard::BadLength));
    assert_eq!(parse(254, &bad_version[..35]), Err(Discard::BadHopLimit));
}

/// Adding the carries to the sum can carry again; some of these do.
#[test]
fn every_carry_of_the_checksum_is_added() {
    for counter in 0..=0xffff {
        let bytes = Advertisement {
            vhid: vhid(255),
            advbase: 255,
            advskew: 255,
            demote: 255,
            counter,
            digest: [0xff; 20],
        }
        .emit();
        let words = bytes
            .chunks(2)
            .map(|word| (u64::from(word[0]) << 8) | u64::from(word[1]));
        assert_eq!(words.sum::<u64>() % 0xffff, 0, "{counter}");
        assert!(Advertisement::parse(255, &bytes).is_ok(), "{counter}");
    }
}

#[test]
fn tolerates_what_all_tolerate() {
    let advertisement = Advertisement {
        vhid: vhid(9),
        advbase: 1,
        advskew: 2,
        demote: 3,
        counter: 4,
        digest: [5; 20],
    };
    let mut long = advertisement.emit().to_vec();
    long.extend([0xde, 0xad, 0xbe]);
    assert_eq!(Advertisement::parse(255, &long), Ok(advertisement));

    // An odd length of the authentication data; the demotion makes up for it
    // in the checksum's words.
    let mut odd = advertisement.emit();
    odd[3] -= 1;
    odd[5] += 1;
    assert_eq!(
        Advertisement::parse(255, &odd),
        Ok(Advertisement {
            advbase: 2,
            ..advertisement
        })
    );
}

#[test]
fn a_broken_packet_still_claims_a_vhid() {
    assert_eq!(claimed_vhid(&[]), None);
    assert_eq!(claimed_vhid(&[0x21]), None);
    assert_eq!(claimed_vhid(&[0x21, 0]), None);
    assert_eq!(claimed_vhid(&[0xff, 7]), Some(vhid(7)));
}

#[test]
fn digests_differ_in_any_place() {
    let digest = [0x77; 20];
    assert!(digests_equal(&digest, &digest));
    for at in 0..20 {
        for bit in 0..8 {
            let mut other = digest;
            other[at] ^= 1 << bit;
            assert!(!digests_equal(&digest, &other));
        }
    }
}
