// SPDX-License-Identifier: GPL-2.0-or-later
//! Attributes that `ip` received from the kernel and took apart.

use super::sys::RtAttr;
use carp_uapi::attribute::Attributes;
use core::marker::PhantomData;
use core::slice;

/// The payload of an attribute; empty if the length makes no sense.
///
/// # Safety
///
/// `attribute` points to an attribute that is as long as it says and stays as
/// it is during the lifetime.
pub unsafe fn payload<'a>(attribute: *const RtAttr) -> &'a [u8] {
    const HEADER: usize = size_of::<RtAttr>();
    // SAFETY: By the function's contract.
    let length = usize::from(unsafe { (*attribute).len });
    // SAFETY: `length` bytes from `attribute` on belong to it, of which the
    // first are the header; where there are fewer, none are taken.
    unsafe {
        slice::from_raw_parts(
            attribute.cast::<u8>().add(HEADER.min(length)),
            length.saturating_sub(HEADER),
        )
    }
}

/// The attributes of a kind, indexed by their numbers.
pub struct Indexed<'a> {
    table: *const *const RtAttr,
    max: u32,
    _of: PhantomData<&'a RtAttr>,
}

impl Indexed<'_> {
    /// Wraps `ip`'s table.
    ///
    /// # Safety
    ///
    /// `table` points to `max` + 1 pointers, each null or as [`payload`] wants
    /// it, during the lifetime.
    pub unsafe fn new(table: *const *const RtAttr, max: u32) -> Self {
        Self {
            table,
            max,
            _of: PhantomData,
        }
    }
}

impl Attributes for Indexed<'_> {
    fn payload(&self, number: u32) -> Option<&[u8]> {
        if number > self.max {
            return None;
        }
        // SAFETY: By `new`, the table has `max` + 1 pointers.
        let attribute = unsafe { *self.table.add(usize::try_from(number).ok()?) };
        if attribute.is_null() {
            return None;
        }
        // SAFETY: By `new`, what is not null is an attribute.
        Some(unsafe { payload(attribute) })
    }
}
