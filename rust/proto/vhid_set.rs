// SPDX-License-Identifier: GPL-2.0

//! A set of vhids: some of the groups of a parent.
//!
//! Pure values that may be used in any context.

use super::parameters::Vhid;

/// Some vhids, each at most once, in ascending order.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct VhidSet([u64; Self::WORDS]);

impl VhidSet {
    const WORDS: usize = 4;
    const BITS: u8 = 64;

    /// The empty set.
    pub const EMPTY: Self = Self([0; Self::WORDS]);

    /// Adds a vhid.
    pub fn insert(&mut self, vhid: Vhid) {
        let (word, bit) = Self::place(vhid);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    /// Is `vhid` in the set?
    pub fn contains(&self, vhid: Vhid) -> bool {
        let (word, bit) = Self::place(vhid);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many there are, 0..=255.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Is it the empty set?
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// The vhids, in ascending order.
    pub fn iter(&self) -> Iter {
        Iter(*self)
    }

    fn place(vhid: Vhid) -> (usize, u64) {
        let number = vhid.get();
        (usize::from(number / Self::BITS), 1 << (number % Self::BITS))
    }
}

impl FromIterator<Vhid> for VhidSet {
    fn from_iter<I: IntoIterator<Item = Vhid>>(vhids: I) -> Self {
        let mut set = Self::EMPTY;
        vhids.into_iter().for_each(|vhid| set.insert(vhid));
        set
    }
}

/// The vhids of a set, in ascending order.
#[derive(Clone, Debug)]
pub struct Iter(VhidSet);

impl Iterator for Iter {
    type Item = Vhid;

    fn next(&mut self) -> Option<Vhid> {
        let words = self.0 .0.iter_mut();
        let mut first = 0;
        for word in words {
            if *word != 0 {
                let number = first | word.trailing_zeros() as u8;
                *word &= *word - 1;
                return Vhid::new(number);
            }
            first = first.saturating_add(VhidSet::BITS);
        }
        None
    }
}
