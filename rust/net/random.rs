// SPDX-License-Identifier: GPL-2.0

//! Random numbers.
//!
//! C header: [`include/linux/random.h`](srctree/include/linux/random.h)
//!
//! May be called in any context.

use super::bindings;

/// Gives a number that nobody can guess, once the kernel's generator is seeded.
pub(crate) fn random_u64() -> u64 {
    // SAFETY: Takes no arguments, and may be called in any context.
    unsafe { bindings::get_random_u64() }
}
