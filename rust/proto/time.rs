// SPDX-License-Identifier: GPL-2.0

//! Points in time and lengths of time.
//!
//! Pure values that may be used in any context. The core never reads a clock;
//! its caller says what time it is.

use core::ops::{
    Add,
    Mul, //
};

/// A point in time: nanoseconds on the caller's monotonic clock.
///
/// The clock must not go on while the host sleeps: one that wakes as BACKUP has to hear for a
/// whole time-out before it takes over. Where zero lies does not matter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Instant(u64);

impl Instant {
    /// The point `nanos` nanoseconds after the clock's zero.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock's zero.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time that passed since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Interval {
        Interval(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Interval> for Instant {
    type Output = Self;

    /// The point `interval` later, or the last one that can be expressed.
    fn add(self, interval: Interval) -> Self {
        Self(self.0.saturating_add(interval.0))
    }
}

/// A length of time in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Interval(u64);

impl Interval {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A length of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A length of `micros` microseconds, or the longest that can be
    /// expressed (584 years).
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// The length in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The length in whole microseconds, rounded down.
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }
}

impl Add for Interval {
    type Output = Self;

    /// Both lengths together, or the longest that can be expressed.
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Mul<u64> for Interval {
    type Output = Self;

    /// The length `factor` times, or the longest that can be expressed.
    fn mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}
