// SPDX-License-Identifier: GPL-2.0-or-later
//! The rest of the command line.

use core::ffi::{CStr, c_char, c_int};
use core::marker::PhantomData;

/// The words of an `argc` and `argv`.
pub struct Words<'a> {
    left: c_int,
    next: *const *const c_char,
    _of: PhantomData<&'a CStr>,
}

impl Words<'_> {
    /// Wraps what `ip` has left of its command line.
    ///
    /// # Safety
    ///
    /// `argv` points to at least `argc` pointers to C strings, all unchanged
    /// during the lifetime.
    pub unsafe fn new(argc: c_int, argv: *const *const c_char) -> Self {
        Self {
            left: argc,
            next: argv,
            _of: PhantomData,
        }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a CStr;

    fn next(&mut self) -> Option<&'a CStr> {
        if self.left <= 0 {
            return None;
        }
        self.left -= 1;
        // SAFETY: By `new`, `left` more pointers stood here, of which one is
        // taken now; the address after the last may be formed.
        unsafe {
            let word = CStr::from_ptr(*self.next);
            self.next = self.next.add(1);
            Some(word)
        }
    }
}
