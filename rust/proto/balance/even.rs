// SPDX-License-Identifier: GPL-2.0

//! Choosing evenly, whatever the clients' addresses have in common.
//!
//! Rendezvous hashing (Thaler and Ravishankar, 1998): each member has a hash of the
//! source address of its own, with its own key, and the largest one wins. So
//!
//! - to each client, all members are equally likely, and independently of other
//!   clients (SipHash is a pseudorandom function, and the keys are secret);
//! - a member that comes wins some clients of each other member, 1/n of all clients
//!   on average for n members with it; one that goes leaves its own to the others;
//!   and no client moves between two members that stay, as their hashes do not
//!   change. That holds for any change of the members, and of one member's key.
//!
//! A member's key is derived from its group's, which all hosts of that group have,
//! as they could not hear each other otherwise; so other groups may have other
//! keys. Pure functions that may be called in any context.

use core::cmp::Reverse;

use super::{
    super::{
        digest::{
            Hasher,
            DIGEST_LEN, //
        },
        ownership::Ip,
        parameters::Vhid,
        vhid_set::VhidSet, //
    },
    siphash::siphash, //
};

/// What one member's hash is keyed with.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct EvenKey(pub(super) [u64; 2]);

impl EvenKey {
    /// Feeds what the key of a member is the digest of, under its group's key. It is
    /// not how an advertisement begins, so that no digest of one tells it.
    pub fn hash(hasher: &mut impl Hasher, vhid: Vhid) {
        hasher.update(b"arpbalance");
        hasher.update(&[vhid.get()]);
    }

    /// Takes it from that digest.
    pub fn from_digest(digest: &[u8; DIGEST_LEN]) -> Self {
        let [a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7, ..] = *digest;
        Self([
            u64::from_le_bytes([a0, a1, a2, a3, a4, a5, a6, a7]),
            u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7]),
        ])
    }

    /// The hash of a source address.
    pub fn score(&self, source: Ip) -> u64 {
        match source {
            Ip::V4(bytes) => siphash(self.0, &bytes),
            Ip::V6(bytes) => siphash(self.0, &bytes),
        }
    }
}

/// The member that answers a source address; `None` if there is no member.
pub fn choose(members: &VhidSet, source: Ip, key: impl Fn(Vhid) -> EvenKey) -> Option<Vhid> {
    // Of equal hashes, the lowest vhid's wins.
    members
        .iter()
        .max_by_key(|vhid| (key(*vhid).score(source), Reverse(*vhid)))
}
