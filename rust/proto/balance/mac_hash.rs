// SPDX-License-Identifier: GPL-2.0

//! A keyed hash of the source MAC, modulo the number of members, as NetBSD and
//! OpenBSD 3.6 to 5.8 choose.
//!
//! Pure functions that may be called in any context. The originals read SHA-1's
//! output as words in the processor's byte order; here it is always the little
//! endian one, that of the hosts which there are.
//!
//! The key is that of the member with the lowest vhid. The originals ask each
//! member with its own: with one passphrase for all groups that is the same, and
//! with several a client may be answered by several members there, or by none.

use core::hint::black_box;

use super::super::{
    key::{
        Key,
        KEY_LEN, //
    },
    parameters::Vhid,
    vhid_set::VhidSet,
    wire::{
        TYPE_ADVERTISEMENT,
        VERSION, //
    }, //
};

/// The length of a block of SHA-1, in bytes.
const BLOCK_LEN: usize = 64;

/// What HMAC adds to the key for its inner digest.
const IPAD: u8 = 0x36;

/// What the hash starts with: two words made of a group's key.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct MacKey {
    pub(super) b: u32,
    pub(super) c: u32,
}

impl MacKey {
    /// Derives it from a group's key. `sha1` computes SHA-1.
    ///
    /// The message is how HMAC's inner digest of every advertisement begins: padded
    /// key, version and type.
    pub fn new(key: &Key, sha1: impl FnOnce(&[u8]) -> [u8; 20]) -> Self {
        let mut message = [IPAD; BLOCK_LEN + 2];
        for (to, from) in message.iter_mut().zip(key.as_bytes()) {
            *to ^= from;
        }
        for (to, from) in message
            .iter_mut()
            .skip(BLOCK_LEN)
            .zip([VERSION, TYPE_ADVERTISEMENT])
        {
            *to = from;
        }
        let [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3, ..] = sha1(&message);
        message = [0; BLOCK_LEN + 2];
        // Without a reader, the compiler could leave the line above out.
        black_box(&message);
        let word = u32::from_le_bytes;
        let [k0, k1, k2, k3, ..]: [u8; KEY_LEN] = *key.as_bytes();
        Self {
            b: word([a0, a1, a2, a3]) ^ word([b0, b1, b2, b3]),
            c: (word([c0, c1, c2, c3]) ^ word([d0, d1, d2, d3]))
                .wrapping_add(word([k0, k1, k2, k3])),
        }
    }

    /// The hash of a MAC: one round of Jenkins' mix.
    pub fn hash(&self, mac: [u8; 6]) -> u32 {
        let [m0, m1, m2, m3, m4, m5] = mac;
        let mut a = 0x9e37_79b9u32.wrapping_add(u32::from_le_bytes([m0, m1, m2, m3]));
        let mut b = self.b.wrapping_add(u32::from_le_bytes([m4, m5, 0, 0]));
        let mut c = self.c;
        for [first, second, third] in [[13, 8, 13], [12, 16, 5], [3, 10, 15]] {
            a = a.wrapping_sub(b).wrapping_sub(c) ^ (c >> first);
            b = b.wrapping_sub(c).wrapping_sub(a) ^ (a << second);
            c = c.wrapping_sub(a).wrapping_sub(b) ^ (b >> third);
        }
        c
    }
}

/// The member that answers a source MAC; `None` if there is no member.
pub fn choose(members: &VhidSet, mac: [u8; 6], key: impl Fn(Vhid) -> MacKey) -> Option<Vhid> {
    let lowest = members.iter().next()?;
    super::member_at(members, key(lowest).hash(mac))
}
