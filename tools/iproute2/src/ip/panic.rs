// SPDX-License-Identifier: GPL-2.0-or-later
//! What a panic does.

use super::sys;

/// Ends `ip`: nothing here is expected to panic, and nothing can unwind.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: `abort` has no preconditions.
    unsafe { sys::abort() }
}
