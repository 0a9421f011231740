// SPDX-License-Identifier: GPL-2.0-or-later
//! The netlink message that `ip` is putting together.

use super::sys::{self, NlMsgHdr};
use core::ffi::c_int;
use core::marker::PhantomData;

/// The room that every option of `ip link` counts on: `struct iplink_req` has
/// at least this.
const ROOM: c_int = 1024;

/// No room is left in the message; `ip` said so.
#[derive(Debug)]
pub struct Full;

/// A message whose `IFLA_INFO_DATA` is open.
pub struct Message<'a> {
    header: *mut NlMsgHdr,
    _of: PhantomData<&'a mut NlMsgHdr>,
}

impl Message<'_> {
    /// Wraps `ip`'s message.
    ///
    /// # Safety
    ///
    /// `header` begins a netlink message in a buffer of at least 1024
    /// bytes that nothing else uses during the lifetime.
    pub unsafe fn new(header: *mut NlMsgHdr) -> Self {
        Self {
            header,
            _of: PhantomData,
        }
    }

    /// Adds an attribute.
    pub fn put(&mut self, attribute: u32, payload: &[u8]) -> Result<(), Full> {
        let kind = c_int::try_from(attribute).map_err(|_| Full)?;
        let length = c_int::try_from(payload.len()).map_err(|_| Full)?;
        // SAFETY: By `new` the message is ours and has this room, past which
        // the function does not write; the payload is as long as it says.
        let error =
            unsafe { sys::addattr_l(self.header, ROOM, kind, payload.as_ptr().cast(), length) };
        if error == 0 { Ok(()) } else { Err(Full) }
    }

    /// Adds a number of 32 bits.
    pub fn put_u32(&mut self, attribute: u32, number: u32) -> Result<(), Full> {
        self.put(attribute, &number.to_ne_bytes())
    }
}
