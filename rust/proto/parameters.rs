// SPDX-License-Identifier: GPL-2.0

//! What a user sets for a group: its number and its pace.
//!
//! Pure values that may be used in any context; one that exists is valid.

use core::num::NonZeroU8;

/// The number of a virtual host, 1..=255: one group of hosts on a segment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Vhid(NonZeroU8);

impl Vhid {
    /// The vhid `number`, or `None` if it is 0.
    pub fn new(number: u8) -> Option<Self> {
        NonZeroU8::new(number).map(Self)
    }

    /// The number as it stands on the wire, 1..=255.
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

/// How often a MASTER advertises, and so how well it does in the election.
///
/// Never 0/0: an advertisement interval of nothing. Never an advskew of 255:
/// that is reserved for taking leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameters {
    advbase: u8,
    advskew: u8,
}

impl Parameters {
    /// The largest advskew that can be set, in 1/256 s.
    pub const ADVSKEW_MAX: u8 = 254;

    /// Checks and takes `advbase`, seconds in 0..=255, and `advskew`, 1/256
    /// seconds in 0..=254, which may not both be 0.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, in the order of [`ParameterError`].
    pub fn new(advbase: u32, advskew: u32) -> Result<Self, ParameterError> {
        let advbase = u8::try_from(advbase).map_err(|_| ParameterError::AdvbaseOutOfRange)?;
        let advskew = u8::try_from(advskew)
            .ok()
            .filter(|&advskew| advskew <= Self::ADVSKEW_MAX)
            .ok_or(ParameterError::AdvskewOutOfRange)?;
        if advbase == 0 && advskew == 0 {
            return Err(ParameterError::BothZero);
        }
        Ok(Self { advbase, advskew })
    }

    /// The whole seconds of the advertisement interval, 0..=255.
    pub const fn advbase(self) -> u8 {
        self.advbase
    }

    /// What is added to them, in 1/256 s, 0..=254.
    pub const fn advskew(self) -> u8 {
        self.advskew
    }
}

impl Default for Parameters {
    /// One advertisement a second, as on every BSD.
    fn default() -> Self {
        Self {
            advbase: 1,
            advskew: 0,
        }
    }
}

/// Why [`Parameters::new`] refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParameterError {
    /// advbase is not in 0..=255.
    AdvbaseOutOfRange,
    /// advskew is not in 0..=254.
    AdvskewOutOfRange,
    /// advbase and advskew are both 0.
    BothZero,
}
