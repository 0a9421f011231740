// SPDX-License-Identifier: GPL-2.0

//! Mixing the bits of a number.
//!
//! Pure, may be called in any context.

/// Gives each number another one in which every bit depends on all of its bits: the
/// finalizer of SplitMix64 (Steele, Lea and Flood, 2014). No secret is safe in it.
pub fn mix(number: u64) -> u64 {
    let mut mixed = number;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
