// SPDX-License-Identifier: GPL-2.0

//! What several tests need: HMAC-SHA1 by an implementation that is not ours,
//! hexadecimal, and the test vectors.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses what it needs"
)]

pub mod capture;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use carp_proto::{hash_counter, hash_group, Context, Hasher, Key, Vhid, DIGEST_LEN};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha1::Sha1;

/// HMAC-SHA1 as the core's caller provides it.
pub struct Sha1Hasher(Hmac<Sha1>);

impl Sha1Hasher {
    pub fn new(key: &Key) -> Self {
        Self(Hmac::new_from_slice(key.as_bytes()).unwrap())
    }

    pub fn finish(self) -> [u8; DIGEST_LEN] {
        self.0.finalize().into_bytes().into()
    }
}

impl Hasher for Sha1Hasher {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// A hasher that only keeps what it is fed.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct Transcript(pub Vec<u8>);

impl Hasher for Transcript {
    fn update(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// What the digest of a group covers.
#[derive(Clone)]
pub struct Hashed {
    pub key: Key,
    pub vhid: Vhid,
    pub v4: Vec<[u8; 4]>,
    pub v6: Vec<[u8; 16]>,
}

impl Hashed {
    /// The digest of an advertisement of the group with `counter`.
    pub fn digest(&self, counter: u64, context: Context) -> [u8; DIGEST_LEN] {
        let mut hasher = Sha1Hasher::new(&self.key);
        hash_group(
            &mut hasher,
            self.vhid,
            &mut self.v4.clone(),
            &mut self.v6.clone(),
            context,
        );
        hash_counter(&mut hasher, counter);
        hasher.finish()
    }

    /// The fields `key20_hex`, `vhid`, `ipv4` and `ipv6` of a case.
    pub fn of(case: &Value) -> Self {
        Self {
            key: Key::new(&hex(text(case, "key20_hex"))).unwrap(),
            vhid: vhid(number(case, "vhid")),
            v4: list(case, "ipv4").map(v4).collect(),
            v6: list(case, "ipv6").map(v6).collect(),
        }
    }
}

/// The directory of the test data.
pub fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// The part `name` of the test vectors.
pub fn vectors(name: &str) -> Value {
    let text = std::fs::read_to_string(data().join("vectors.json")).unwrap();
    let mut all: Value = serde_json::from_str(&text).unwrap();
    all[name].take()
}

/// The elements of the list `name` of `case`; none if there is no such list.
pub fn list<'a>(case: &'a Value, name: &str) -> impl Iterator<Item = &'a str> {
    case[name]
        .as_array()
        .into_iter()
        .flatten()
        .map(|element| element.as_str().unwrap())
}

/// The string `name` of `case`.
pub fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name]
        .as_str()
        .unwrap_or_else(|| panic!("no string {name} in {case}"))
}

/// The number `name` of `case`.
pub fn number(case: &Value, name: &str) -> u64 {
    case[name]
        .as_u64()
        .unwrap_or_else(|| panic!("no number {name} in {case}"))
}

/// The hexadecimal counter of `case`.
pub fn counter(case: &Value) -> u64 {
    u64::from_str_radix(text(case, "counter"), 16).unwrap()
}

pub fn vhid(number: u64) -> Vhid {
    Vhid::new(u8::try_from(number).unwrap()).unwrap()
}

pub fn v4(text: &str) -> [u8; 4] {
    text.parse::<Ipv4Addr>().unwrap().octets()
}

pub fn v6(text: &str) -> [u8; 16] {
    text.parse::<Ipv6Addr>().unwrap().octets()
}

pub fn hex(text: &str) -> Vec<u8> {
    assert!(text.len() % 2 == 0, "{text}");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
