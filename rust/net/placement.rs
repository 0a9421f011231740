// SPDX-License-Identifier: GPL-2.0

//! Initialising memory that the kernel, not Rust, allocated.

use kernel::prelude::*;

/// Runs an initialiser on the memory at `slot`.
///
/// # Safety
///
/// `slot` is valid for writes, nobody else uses it before this returns, and what
/// is made there is not moved before it is dropped. After an error there is
/// nothing there.
pub(super) unsafe fn initialise<T, E>(slot: *mut T, by: impl PinInit<T, E>) -> Result<(), E> {
    #[cfg(kernel_before_7_3)]
    // SAFETY: By the promise of the caller.
    unsafe {
        by.__pinned_init(slot)
    }
    #[cfg(not(kernel_before_7_3))]
    // SAFETY: By the promise of the caller.
    unsafe {
        pin_init::raw_try_init(slot, by)
    }
}
