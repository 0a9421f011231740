// SPDX-License-Identifier: GPL-2.0

//! A first look whether an address can be one of a port's groups.
//!
//! Every host on a segment asks for every other one: what is no group's address has
//! to be told without a lock, and as fast with 255 groups as with one. Read in any
//! context; written under the lock of the port's table.

use crate::net::read_once::read_once;
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// A Bloom filter with one hash: no for sure, or perhaps.
pub(super) struct AddressFilter([Atomic<u64>; Self::WORDS]);

/// The bits of a filter that is being made.
pub(super) struct Bits([u64; AddressFilter::WORDS]);

impl AddressFilter {
    const WORDS: usize = 64;

    /// Of no addresses.
    pub(super) const fn new() -> Self {
        Self([const { Atomic::new(0) }; Self::WORDS])
    }

    /// Whether an address can be among those that the filter was made of.
    #[inline(always)]
    pub(super) fn may_have(&self, address: &[u8]) -> bool {
        let (word, bit) = place(address);
        self.0
            .get(word)
            .is_some_and(|bits| read_once(bits) & bit != 0)
    }

    /// Makes it the filter of other addresses. Who looks at it meanwhile sees an
    /// address that was in it, and still is.
    pub(super) fn set(&self, bits: &Bits) {
        for (to, from) in self.0.iter().zip(&bits.0) {
            to.store(*from, Relaxed);
        }
    }
}

impl Bits {
    /// Of no addresses.
    pub(super) const fn new() -> Self {
        Self([0; AddressFilter::WORDS])
    }

    /// Adds an address.
    pub(super) fn add(&mut self, address: &[u8]) {
        let (word, bit) = place(address);
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= bit;
        }
    }
}

/// Where an address is: a word and a bit of it. By the last four bytes, in which
/// addresses of one segment differ.
#[inline(always)]
fn place(address: &[u8]) -> (usize, u64) {
    let last = address.last_chunk().copied().unwrap_or_default();
    // Fibonacci hashing: the upper bits depend on all.
    let hash = u32::from_be_bytes(last).wrapping_mul(0x9e37_79b9) >> 20;
    ((hash >> 6) as usize, 1 << (hash & 63))
}
