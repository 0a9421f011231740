// SPDX-License-Identifier: GPL-2.0

//! The digest agrees with the implementations that `vectors.json` was made
//! from.

mod common;

use carp_proto::{digests_equal, hash_counter, hash_group, Context, Key};
use common::{counter, hex, list, number, text, v4, vectors, vhid, Hashed, Transcript};

/// Which of our contexts is whose digest, for every case.
const ALWAYS: [(&str, Context); 5] = [
    ("openbsd-cur/orig", Context::WithLinkLocal),
    ("openbsd-cur/nov6ll", Context::WithoutLinkLocal),
    ("freebsd-main", Context::WithLinkLocal),
    ("freebsd9", Context::WithLinkLocal),
    ("netbsd", Context::WithLinkLocal),
];

#[test]
fn agrees_with_every_implementation_that_sorts() {
    let cases = vectors("hmac");
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 54);
    for case in cases {
        let hashed = Hashed::of(case);
        for (implementation, context) in ALWAYS {
            assert_eq!(
                hashed.digest(counter(case), context).as_slice(),
                hex(text(&case["digest"], implementation)),
                "{} as {implementation}",
                text(case, "name"),
            );
        }
    }
}

/// OpenBSD of 2004 hashed addresses as they came, so that it agrees exactly
/// where they come sorted, once each, and none is one that is left out.
#[test]
fn agrees_with_openbsd_of_2004_where_addresses_are_in_order() {
    let mut agreed = 0;
    for case in vectors("hmac").as_array().unwrap() {
        let hashed = Hashed::of(case);
        let in_order = hashed.v4.is_sorted_by(|a, b| a < b)
            && hashed.v6.is_sorted_by(|a, b| a < b)
            && !hashed.v4.contains(&[0; 4])
            && !hashed.v4.contains(&[0xff; 4]);
        let theirs = hex(text(&case["digest"], "openbsd-2004"));
        let ours = hashed.digest(counter(case), Context::WithLinkLocal);
        assert_eq!(
            ours.as_slice() == theirs,
            in_order,
            "{}",
            text(case, "name")
        );
        agreed += usize::from(in_order);
    }
    assert!(agreed > 30, "{agreed}");
}

/// ucarp hashes one IPv4 address, the first of the list.
#[test]
fn agrees_with_ucarp_for_one_address() {
    let mut agreed = 0;
    for case in vectors("hmac").as_array().unwrap() {
        let mut hashed = Hashed::of(case);
        let Some(theirs) = case["digest"]["ucarp"].as_str() else {
            continue;
        };
        // It has no way to leave an address out.
        if matches!(hashed.v4.first(), None | Some([0, 0, 0, 0])) {
            continue;
        }
        hashed.v4.truncate(1);
        hashed.v6.clear();
        assert_eq!(
            hashed
                .digest(counter(case), Context::WithLinkLocal)
                .as_slice(),
            hex(theirs),
            "{}",
            text(case, "name"),
        );
        agreed += 1;
    }
    assert!(agreed > 30, "{agreed}");
}

/// A virtual MAC set by hand is hashed by OpenBSD only; its digest is neither
/// of ours.
#[test]
fn differs_from_openbsd_with_a_mac_of_its_own() {
    let custom = vectors("openbsd_custom_lladdr");
    let cases = custom["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 2);
    for case in cases {
        let hashed = Hashed {
            key: Key::new(text(case, "passphrase").as_bytes()).unwrap(),
            vhid: vhid(number(case, "vhid")),
            v4: list(case, "ipv4").map(v4).collect(),
            v6: Vec::new(),
        };
        let theirs: [u8; 20] = hex(text(case, "digest")).try_into().unwrap();
        for context in [Context::WithLinkLocal, Context::WithoutLinkLocal] {
            let ours = hashed.digest(counter(case), context);
            assert!(!digests_equal(&ours, &theirs), "{case}");
        }
    }
}

/// `Documentation/protocol.md`, "Digest", byte for byte.
#[test]
fn covers_version_type_vhid_addresses_and_counter() {
    let mut transcript = Transcript::default();
    hash_group(
        &mut transcript,
        vhid(7),
        &mut [
            [200, 0, 0, 1],
            [0; 4],
            [10, 0, 0, 2],
            [255; 4],
            [200, 0, 0, 1],
        ],
        &mut [
            [0xff; 16],
            common::v6("fd00::2"),
            common::v6("fe80:5::1"),
            [0; 16],
            common::v6("fd00::1"),
            common::v6("fe80:6::1"),
        ],
        Context::WithLinkLocal,
    );
    hash_counter(&mut transcript, 0x0123_4567_89ab_cdef);
    let expected = [
        &[2, 1, 7][..],
        &[10, 0, 0, 2],
        &[200, 0, 0, 1],
        &common::v6("fd00::1"),
        &common::v6("fd00::2"),
        &common::v6("fe80::1"),
        &[0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef],
    ]
    .concat();
    assert_eq!(transcript.0, expected);
}

#[test]
fn without_link_local_leaves_out_exactly_these() {
    for (address, hashed) in [
        ("fe80::1", false),
        ("febf::1", false),
        ("fe7f::1", true),
        ("fec0::1", true),
        ("ff02::1", false),
        ("ff12::1", false),
        ("ff05::1", true),
        ("2001:db8::1", true),
        ("::1", true),
    ] {
        let mut transcript = Transcript::default();
        hash_group(
            &mut transcript,
            vhid(1),
            &mut [],
            &mut [common::v6(address)],
            Context::WithoutLinkLocal,
        );
        assert_eq!(
            transcript.0.len(),
            3 + 16 * usize::from(hashed),
            "{address}"
        );
    }
}

#[test]
fn a_key_is_at_most_20_bytes_and_never_printed() {
    assert!(Key::new(&[b'k'; 20]).is_some());
    assert!(Key::new(&[b'k'; 21]).is_none());
    assert!(Key::new(&[]).unwrap().is_empty());
    assert!(Key::new(&[0; 20]).unwrap().is_empty());
    let key = Key::new(b"tyrell").unwrap();
    assert!(!key.is_empty());
    assert_eq!(key.as_bytes(), b"tyrell\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(format!("{key:?}"), "Key(..)");
}
