// SPDX-License-Identifier: GPL-2.0

//! Sentences that explain a refused netlink request to its sender.
//!
//! C header: [`include/linux/netlink.h`](srctree/include/linux/netlink.h)
//!
//! Process context, while the request is being handled.

use super::{
    attribute::Attribute,
    bindings, //
};
use core::{
    ffi::CStr,
    fmt::{
        self,
        Write, //
    },
    ptr::NonNull, //
};
use kernel::prelude::*;

/// Where the answer to one netlink request collects its explanation.
///
/// Wraps the kernel's `struct netlink_ext_ack`.
///
/// # Invariants
///
/// The pointer, if any, is valid for writes while the value exists.
pub(crate) struct ExtendedAck(Option<NonNull<bindings::netlink_ext_ack>>);

impl ExtendedAck {
    /// Wraps the pointer that a callback was given, which may be null.
    ///
    /// # Safety
    ///
    /// `ptr` must be null or valid for writes while the returned value exists.
    pub(super) unsafe fn from_raw(ptr: *mut bindings::netlink_ext_ack) -> Self {
        // INVARIANT: The caller promises that it is valid.
        Self(NonNull::new(ptr))
    }

    /// For what is not done for a netlink request: nobody wants to know.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// The wrapped pointer, null if the caller wants no explanation.
    pub(super) fn as_raw(&self) -> *mut bindings::netlink_ext_ack {
        self.0.map_or(core::ptr::null_mut(), NonNull::as_ptr)
    }

    /// Explains with a fixed sentence, and gives `error` back for `return`.
    ///
    /// The sentence names the thing and the rule; it has no full stop.
    #[must_use]
    pub(crate) fn refuse(&mut self, sentence: &'static CStr, error: Error) -> Error {
        if let Some(ack) = self.0 {
            // SAFETY: Valid by the type invariants; the sentence lives for ever.
            unsafe { (*ack.as_ptr())._msg = sentence.as_char_ptr() };
        }
        error
    }

    /// As [`ExtendedAck::refuse`], and points at the attribute at fault.
    #[must_use]
    pub(crate) fn refuse_attribute(
        &mut self,
        attribute: Attribute<'_>,
        sentence: &'static CStr,
        error: Error,
    ) -> Error {
        if let Some(ack) = self.0 {
            // SAFETY: Valid by the type invariants; the attribute is part of the
            // request, which outlives its answer.
            unsafe { (*ack.as_ptr()).bad_attr = attribute.as_raw() };
        }
        self.refuse(sentence, error)
    }

    /// Explains with a sentence made for the occasion, cut at 79 bytes.
    #[must_use]
    pub(crate) fn refuse_with(&mut self, sentence: fmt::Arguments<'_>, error: Error) -> Error {
        if let Some(ack) = self.0 {
            // SAFETY: Valid by the type invariants, and nobody else has a
            // reference to it while the request is being handled.
            let ack = unsafe { &mut *ack.as_ptr() };
            let mut text = Text {
                bytes: &mut ack._msg_buf,
                used: 0,
            };
            // A sentence that does not fit is cut, which is no error.
            let _ = text.write_fmt(sentence);
            text.terminate();
            ack._msg = ack._msg_buf.as_ptr();
        }
        error
    }
}

/// Writes into the buffer of an extended ack and cuts what does not fit.
struct Text<'a> {
    bytes: &'a mut [kernel::ffi::c_char],
    used: usize,
}

impl Text<'_> {
    /// Ends the string; one byte is always left for it.
    fn terminate(&mut self) {
        if let Some(end) = self.bytes.get_mut(self.used) {
            *end = 0;
        }
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.len().saturating_sub(1);
        for byte in text.bytes() {
            match self.bytes.get_mut(self.used) {
                Some(place) if self.used < room => *place = byte as kernel::ffi::c_char,
                _ => return Err(fmt::Error),
            }
            self.used += 1;
        }
        Ok(())
    }
}
