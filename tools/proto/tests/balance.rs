// SPDX-License-Identifier: GPL-2.0

//! The choice of a member: as the BSDs' code computes it, and what is promised of
//! our own.

mod common;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use carp_proto::balance::siphash::siphash;
use carp_proto::balance::{even, mac_hash, modulo};
use carp_proto::ownership::Ip;
use carp_proto::{Asker, Balance, BalanceKeys, EvenKey, Key, MacKey, Vhid, VhidSet};
use common::{hex, number, text, vectors, vhid, Sha1Hasher, Transcript};
use proptest::collection::btree_set;
use proptest::prelude::*;
use serde_json::Value;
use sha1::{Digest, Sha1};

fn sha1(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

fn mac_key(passphrase: &str) -> MacKey {
    MacKey::new(&Key::new(passphrase.as_bytes()).unwrap(), sha1)
}

fn even_key(passphrase: &str, vhid: Vhid) -> EvenKey {
    let mut hasher = Sha1Hasher::new(&Key::new(passphrase.as_bytes()).unwrap());
    EvenKey::hash(&mut hasher, vhid);
    EvenKey::from_digest(&hasher.finish())
}

fn keys(passphrase: &'static str) -> impl Fn(Vhid) -> BalanceKeys {
    move |vhid| BalanceKeys {
        mac: mac_key(passphrase),
        even: even_key(passphrase, vhid),
    }
}

/// As many members as there are, with vhids that are not their places.
fn members(count: u64) -> VhidSet {
    (1..=count).map(|number| vhid(number * 3 + 5)).collect()
}

fn place(members: &VhidSet, chosen: Option<Vhid>) -> u64 {
    let chosen = chosen.expect("somebody answers");
    members.iter().position(|vhid| vhid == chosen).unwrap() as u64
}

fn ip(text: &str) -> Ip {
    match text.parse().unwrap() {
        IpAddr::V4(address) => Ip::V4(address.octets()),
        IpAddr::V6(address) => Ip::V6(address.octets()),
    }
}

fn cases<'a>(vectors: &'a Value, name: &str) -> &'a Vec<Value> {
    let cases = vectors[name].as_array().unwrap();
    assert!(!cases.is_empty());
    cases
}

#[test]
fn modulo_is_freebsds() {
    let vectors = vectors("arpbalance");
    for case in cases(&vectors, "freebsd5-9_by_source_ip") {
        let members = members(number(case, "members"));
        let chosen = modulo::choose(&members, ip(text(case, "src")));
        assert_eq!(place(&members, chosen), number(case, "index"), "{case}");
    }
}

/// The fault of OpenBSD's first formula is not repeated: with a number of members
/// that divides 256, it knows the first octet only.
#[test]
fn modulo_is_not_openbsds_of_2003() {
    let vectors = vectors("arpbalance");
    let theirs = cases(&vectors, "openbsd_2003-2004_little_endian_by_source_ip");
    let same = theirs.iter().filter(|case| {
        let members = members(number(case, "members"));
        let chosen = modulo::choose(&members, ip(text(case, "src")));
        place(&members, chosen) == number(case, "index")
    });
    assert!(same.count() < theirs.len());
}

#[test]
fn mac_hash_is_netbsds() {
    let vectors = vectors("arpbalance");
    for case in cases(&vectors, "netbsd_and_openbsd_3.6+_by_source_mac") {
        let passphrase = text(case, "passphrase");
        let key = mac_key(passphrase);
        let mac = hex(text(case, "src_mac")).try_into().unwrap();
        let hash = u32::from_str_radix(text(case, "hash"), 16).unwrap();
        assert_eq!(key.hash(mac), hash, "{case}");
        let members = members(number(case, "members"));
        let chosen = mac_hash::choose(&members, mac, |_| key);
        assert_eq!(place(&members, chosen), number(case, "index"), "{case}");
    }
}

/// With several passphrases it is that of the lowest vhid which counts.
#[test]
fn mac_hash_uses_the_key_of_the_lowest_vhid() {
    let members: VhidSet = [vhid(9), vhid(2)].into_iter().collect();
    for last in 0..=255 {
        let mac = [2, 0, 0, 0, 0, last];
        let chosen = mac_hash::choose(&members, mac, |member| {
            mac_key(if member == vhid(2) {
                "tyrell"
            } else {
                "bryant"
            })
        });
        let expected = mac_key("tyrell").hash(mac) % 2;
        assert_eq!(place(&members, chosen), u64::from(expected));
    }
}

/// Of the paper's appendix.
#[test]
fn siphash_is_that_of_the_paper() {
    let bytes: Vec<u8> = (0..15).collect();
    let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
    assert_eq!(siphash(key, &bytes), 0xa129_ca61_49be_45e5);
}

/// What a member's hash is keyed with is no beginning of an advertisement's digest.
#[test]
fn even_keys_are_digests_of_their_own() {
    let mut fed = Transcript::default();
    EvenKey::hash(&mut fed, vhid(7));
    assert_eq!(fed.0, b"arpbalance\x07");
    assert!(even_key("tyrell", vhid(1)) != even_key("tyrell", vhid(2)));
    assert!(even_key("tyrell", vhid(1)) != even_key("bryant", vhid(1)));
}

#[test]
fn keys_are_kept_as_numbers() {
    let all = keys("tyrell")(vhid(1));
    assert!(BalanceKeys::from_words(all.to_words()) == all);
    assert_eq!(BalanceKeys::from_words([1, 2, 3]).to_words(), [1, 2, 3]);
}

/// What hosts of other byte orders have to find, too. (Computed by Python's hmac and
/// a SipHash of its own, tools/testing/selftests/carp/balance.py.)
#[test]
fn even_is_the_same_on_every_host() {
    let members: VhidSet = [1, 2, 3].map(vhid).into_iter().collect();
    let chosen: Vec<u8> = (1..=16)
        .map(|last| {
            let source = Ip::V4([192, 0, 2, last]);
            let key = |vhid| even_key("tyrell", vhid);
            even::choose(&members, source, key).unwrap().get()
        })
        .collect();
    assert_eq!(chosen, EXPECTED_EVEN);
    assert_eq!(
        even_key("tyrell", vhid(1)).score(ip("2001:db8::1")),
        EXPECTED_SCORE
    );
}

const EXPECTED_EVEN: [u8; 16] = [1, 2, 1, 3, 1, 1, 2, 3, 3, 2, 2, 2, 2, 1, 2, 1];
const EXPECTED_SCORE: u64 = 0x9a39_9f48_34f8_e5d7;

#[test]
fn numbers_are_the_knobs() {
    assert_eq!(Balance::from_number(0), None);
    for (number, balance) in (1..).zip(Balance::ALL) {
        assert_eq!(Balance::from_number(number), Some(balance));
    }
    assert_eq!(Balance::from_number(4), None);
    assert_eq!(Balance::from_number(-1), None);
}

fn vhids() -> impl Strategy<Value = VhidSet> {
    btree_set(1..=u8::MAX, 1..40).prop_map(|numbers| {
        let vhids = numbers.into_iter().map(|number| vhid(number.into()));
        vhids.collect()
    })
}

fn askers() -> impl Strategy<Value = Asker> {
    let address = prop_oneof![
        any::<[u8; 4]>().prop_map(Ip::V4),
        any::<[u8; 16]>().prop_map(Ip::V6),
    ];
    (address, any::<[u8; 6]>()).prop_map(|(address, mac)| Asker { address, mac })
}

fn without(members: &VhidSet, gone: Vhid) -> VhidSet {
    members.iter().filter(|vhid| *vhid != gone).collect()
}

proptest! {
    #[test]
    fn a_set_has_what_was_put_in(numbers in btree_set(1..=u8::MAX, 0..=255)) {
        let set: VhidSet = numbers.iter().map(|number| vhid((*number).into())).collect();
        let listed: Vec<u8> = set.iter().map(Vhid::get).collect();
        prop_assert!(listed.iter().eq(&numbers));
        prop_assert_eq!(set.len() as usize, numbers.len());
        prop_assert_eq!(set.is_empty(), numbers.is_empty());
        for number in 1..=u8::MAX {
            prop_assert_eq!(set.contains(vhid(number.into())), numbers.contains(&number));
        }
    }

    /// SipHash of the standard library is another's.
    #[test]
    #[allow(deprecated, reason = "nothing else there has a key")]
    fn siphash_is_the_librarys(k0: u64, k1: u64, bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        use std::hash::{Hasher, SipHasher};
        let mut theirs = SipHasher::new_with_keys(k0, k1);
        theirs.write(&bytes);
        prop_assert_eq!(siphash([k0, k1], &bytes), theirs.finish());
    }

    #[test]
    fn one_of_the_members_answers(members in vhids(), asker in askers()) {
        for balance in Balance::ALL {
            let chosen = balance.choose(&members, &asker, keys("tyrell")).unwrap();
            prop_assert!(members.contains(chosen));
            prop_assert_eq!(balance.choose(&VhidSet::EMPTY, &asker, keys("tyrell")), None);
        }
    }

    /// The address as a number, by arithmetic that the core does not have.
    #[test]
    fn modulo_is_arithmetic(members in vhids(), asker in askers()) {
        let address = match asker.address {
            Ip::V4(bytes) => u128::from(u32::from_be_bytes(bytes)),
            Ip::V6(bytes) => u128::from_be_bytes(bytes),
        };
        let chosen = modulo::choose(&members, asker.address);
        prop_assert_eq!(u128::from(place(&members, chosen)), address % u128::from(members.len()));
    }

    /// A member that comes or goes moves clients to or from itself only, and so does
    /// one whose key is changed.
    #[test]
    fn even_moves_no_client_between_members_that_stay(members in vhids(), asker in askers(), at: prop::sample::Index) {
        let all: Vec<Vhid> = members.iter().collect();
        let gone = all[at.index(all.len())];
        let key = |vhid| even_key("tyrell", vhid);
        let before = even::choose(&members, asker.address, key).unwrap();
        let after = even::choose(&without(&members, gone), asker.address, key);
        if before != gone {
            prop_assert_eq!(after, Some(before));
        }
        let rekeyed = |vhid| even_key(if vhid == gone { "bryant" } else { "tyrell" }, vhid);
        let now = even::choose(&members, asker.address, rekeyed).unwrap();
        prop_assert!(now == before || now == gone || before == gone);
    }
}

/// How many clients of a /16 each of some members answers, under a key.
fn shares(members: &VhidSet, passphrase: &str) -> BTreeMap<Vhid, u32> {
    let keys: BTreeMap<Vhid, EvenKey> = members
        .iter()
        .map(|vhid| (vhid, even_key(passphrase, vhid)))
        .collect();
    let mut shares = BTreeMap::new();
    for last in 0..=u16::MAX {
        let address = Ipv4Addr::from(0x0a01_0000 | u32::from(last)).octets();
        let chosen = even::choose(members, Ip::V4(address), |vhid| keys[&vhid]).unwrap();
        *shares.entry(chosen).or_default() += 1;
    }
    shares
}

/// By as much as a fair coin would: five standard deviations are once in a million.
#[test]
fn even_is_even_under_every_key() {
    for passphrase in [
        "",
        "tyrell",
        "bryant",
        "mekmitasdigoat",
        "12345678901234567890",
    ] {
        for count in [2, 3, 4, 8, 32] {
            let members = members(count);
            let clients = 65536.0;
            let share = 1.0 / f64::from(members.len());
            let deviation = (clients * share * (1.0 - share)).sqrt();
            for (vhid, number) in shares(&members, passphrase) {
                let off = f64::from(number) - clients * share;
                assert!(
                    off.abs() < 5.0 * deviation,
                    "{vhid:?} of {count} has {number} with {passphrase:?}"
                );
            }
        }
    }
}

/// One of n + 1 members takes its part of the clients, not more.
#[test]
fn even_moves_a_part_of_the_clients() {
    let three = members(3);
    let four = members(4);
    let fourth = four.iter().last().unwrap();
    let moved = shares(&four, "tyrell")[&fourth];
    let kept: u32 = three
        .iter()
        .map(|vhid| shares(&four, "tyrell")[&vhid])
        .sum();
    assert_eq!(moved + kept, 65536);
    assert!((f64::from(moved) / 65536.0 - 0.25).abs() < 0.01, "{moved}");
}
