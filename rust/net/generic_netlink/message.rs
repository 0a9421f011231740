// SPDX-License-Identifier: GPL-2.0

//! Messages of generic netlink, with their headers.
//!
//! Softirq or process context.

use crate::net::{
    attribute::Message,
    bindings, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::prelude::*;

/// Whom a message is for.
///
/// # Invariants
///
/// `family` is valid.
pub(super) struct Recipient {
    family: *const bindings::genl_family,
    portid: u32,
    sequence: u32,
}

impl Recipient {
    /// Whoever listens to a family.
    ///
    /// # Safety
    ///
    /// `family` must stay registered as long as the value exists.
    pub(super) unsafe fn everybody(family: *const bindings::genl_family) -> Self {
        // INVARIANT: The caller's promise.
        Self {
            family,
            portid: 0,
            sequence: 0,
        }
    }

    /// The sender of a request.
    ///
    /// # Safety
    ///
    /// `info` must be what the core hands to a callback.
    pub(super) unsafe fn of(info: *const bindings::genl_info) -> Self {
        // INVARIANT: The core keeps the family during the callback.
        // SAFETY: The caller's promise.
        unsafe {
            Self {
                family: (*info).family,
                portid: (*info).snd_portid,
                sequence: (*info).snd_seq,
            }
        }
    }

    /// Adds a whole message for it to `skb`. After an error nothing was added.
    ///
    /// # Safety
    ///
    /// `skb` must be valid, and nobody else may use it.
    pub(super) unsafe fn add_to(
        &self,
        skb: NonNull<kernel::bindings::sk_buff>,
        flags: u32,
        command: u8,
        fill: impl FnOnce(&mut Message<'_>) -> Result,
        check: impl FnOnce(*mut c_void),
    ) -> Result {
        // SAFETY: Both are valid, by the caller's promise and the type invariants.
        let header = unsafe {
            bindings::genlmsg_put(
                skb.as_ptr(),
                self.portid,
                self.sequence,
                self.family,
                flags as c_int,
                command,
            )
        };
        if header.is_null() {
            return Err(EMSGSIZE);
        }
        // SAFETY: The caller's promise.
        let filled = fill(&mut unsafe { Message::from_raw(skb) });
        // SAFETY: The header is that of the message that was begun in `skb`.
        unsafe {
            match filled {
                Ok(()) => {
                    check(header);
                    bindings::genlmsg_end(skb.as_ptr(), header);
                }
                Err(_) => bindings::genlmsg_cancel(skb.as_ptr(), header),
            }
        }
        filled
    }
}

/// A message that is complete.
///
/// # Invariants
///
/// The pointer is to an `sk_buff` that this owns.
pub(crate) struct Reply(NonNull<kernel::bindings::sk_buff>);

impl Reply {
    pub(super) fn new(
        to: &Recipient,
        command: u8,
        room: usize,
        flags: kernel::bindings::gfp_t,
        fill: impl FnOnce(&mut Message<'_>) -> Result,
    ) -> Result<Self> {
        // SAFETY: An allocation, in the context that the flags are for.
        let skb = unsafe { bindings::genlmsg_new(room, flags) };
        // INVARIANT: Just made.
        let reply = Self(NonNull::new(skb).ok_or(ENOMEM)?);
        // SAFETY: It is new, and nobody else has it.
        unsafe { to.add_to(reply.0, 0, command, fill, |_| ())? };
        Ok(reply)
    }

    pub(super) fn into_raw(self) -> *mut kernel::bindings::sk_buff {
        ManuallyDrop::new(self).0.as_ptr()
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; it was not sent.
        unsafe { bindings::consume_skb(self.0.as_ptr()) };
    }
}
