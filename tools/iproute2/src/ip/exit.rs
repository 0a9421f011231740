// SPDX-License-Identifier: GPL-2.0-or-later
//! The ways in which `ip` gives up on a command line: each says why, and ends
//! the program.

use super::sys;
use core::ffi::CStr;

/// A word's value is missing.
pub fn incomplete_command() -> ! {
    // SAFETY: The function has no preconditions.
    unsafe { sys::incomplete_command() }
}

/// A word's value is wrong.
pub fn invalid(message: &CStr, value: &CStr) -> ! {
    // SAFETY: Both are C strings; the function prints them and exits.
    unsafe { sys::invarg(message.as_ptr(), value.as_ptr()) }
}

/// A word stands there twice.
pub fn duplicate(word: &CStr, second: &CStr) -> ! {
    // SAFETY: Both are C strings; the function prints them and exits.
    unsafe { sys::duparg(word.as_ptr(), second.as_ptr()) }
}
