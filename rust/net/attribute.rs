// SPDX-License-Identifier: GPL-2.0

//! Netlink attributes: reading those of a request, writing those of an answer.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h)
//!
//! Requests come in process context; a message is written wherever its owner is.

use super::{
    bindings,
    netdevice::DeviceName, //
};
use core::{
    ffi::CStr,
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};

/// One attribute of a request, as the sender wrote it.
///
/// # Invariants
///
/// Points to a `struct nlattr` of at least its header's length, followed by its
/// payload, that stays unchanged for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Attribute<'a> {
    raw: NonNull<bindings::nlattr>,
    lifetime: PhantomData<&'a bindings::nlattr>,
}

impl<'a> Attribute<'a> {
    /// The wrapped pointer.
    pub(super) fn as_raw(self) -> *const bindings::nlattr {
        self.raw.as_ptr()
    }

    /// The payload.
    pub(crate) fn bytes(self) -> &'a [u8] {
        const HEADER: usize = size_of::<bindings::nlattr>();
        // SAFETY: Points to a valid attribute by the type invariants.
        let length = usize::from(unsafe { self.raw.as_ref() }.nla_len);
        // SAFETY: The payload follows the header, which is 4 bytes and so keeps
        // the alignment that netlink promises (NLA_HDRLEN).
        let data = unsafe { self.raw.as_ptr().cast::<u8>().add(HEADER) };
        // SAFETY: By the type invariants `length` bytes, the header among them,
        // are there and stay unchanged.
        unsafe { core::slice::from_raw_parts(data, length.saturating_sub(HEADER)) }
    }

    /// The payload as a number in host order, if it has four bytes.
    ///
    /// The policy that the request was checked with makes sure that it has.
    pub(crate) fn u32(self) -> Result<u32> {
        let bytes = self.bytes().try_into().map_err(|_| EINVAL)?;
        Ok(u32::from_ne_bytes(bytes))
    }
}

impl<'a> Attribute<'a> {
    /// The attributes that this one is made of, with their numbers, in order. What a policy
    /// has checked ([`Policy::nested`]) are all of them.
    pub(crate) fn nested(self) -> impl Iterator<Item = (u32, Attribute<'a>)> {
        const HEADER: usize = size_of::<bindings::nlattr>();
        const ALIGN: usize = bindings::NLA_ALIGNTO as usize;
        const FLAGS: u32 = bindings::NLA_F_NESTED | bindings::NLA_F_NET_BYTEORDER;
        let mut rest = self.bytes();
        core::iter::from_fn(move || {
            let [low, high, first, second] = *rest.first_chunk()?;
            let length = usize::from(u16::from_ne_bytes([low, high]));
            // Its header, and no more than there is.
            rest.get(HEADER..length)?;
            // INVARIANT: As long as its header says, and at a multiple of four bytes from
            // the beginning of the outer one's payload, which is aligned.
            let attribute = Attribute {
                raw: NonNull::from(rest).cast(),
                lifetime: PhantomData,
            };
            rest = rest
                .get(length.next_multiple_of(ALIGN)..)
                .unwrap_or_default();
            let number = u32::from(u16::from_ne_bytes([first, second]));
            Some((number & !FLAGS, attribute))
        })
    }
}

/// The attributes of a request, by number.
///
/// # Invariants
///
/// The pointer, if any, is to an array of `count` pointers, each null or to an
/// attribute as [`Attribute`] wants it, for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a> {
    table: Option<NonNull<*mut bindings::nlattr>>,
    count: usize,
    lifetime: PhantomData<&'a bindings::nlattr>,
}

impl<'a> Attributes<'a> {
    /// Wraps a table as the core's parser fills it; null is a table of none.
    ///
    /// # Safety
    ///
    /// `table` must be null or an array of `count` pointers, each null or to a
    /// valid attribute, that outlives `'a`.
    pub(super) unsafe fn from_raw(table: *mut *mut bindings::nlattr, count: usize) -> Self {
        // INVARIANT: As the caller promises.
        Self {
            table: NonNull::new(table),
            count,
            lifetime: PhantomData,
        }
    }

    /// The attribute of this number, if the request has it.
    pub(crate) fn get(self, number: u32) -> Option<Attribute<'a>> {
        let index = usize::try_from(number).ok()?;
        if index >= self.count {
            return None;
        }
        // SAFETY: By the type invariants the table has `count` entries.
        let raw = unsafe { *self.table?.as_ptr().add(index) };
        // INVARIANT: An entry that is not null is a valid attribute.
        Some(Attribute {
            raw: NonNull::new(raw)?,
            lifetime: PhantomData,
        })
    }
}

/// What the core checks in a request before the driver sees it.
///
/// Wraps the kernel's `struct nla_policy`.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct Policy(bindings::nla_policy);

impl Policy {
    /// Entry 0: all attributes are checked strictly.
    pub(crate) const STRICT: Self = Self::new(
        bindings::NLA_UNSPEC,
        bindings::nla_policy__bindgen_ty_1 {
            strict_start_type: 1,
        },
    );

    /// Four bytes.
    pub(crate) const U32: Self = Self::new(bindings::NLA_U32, Self::NO_DETAIL);

    /// A string that ends with a zero, of at most as many bytes before it as the name of
    /// a device has.
    pub(crate) const DEVICE_NAME: Self = Self::limited(
        bindings::NLA_NUL_STRING,
        DeviceName::LEN as u16,
        Self::NO_DETAIL,
    );

    /// Any number of bytes.
    pub(crate) const BINARY: Self = Self::new(bindings::NLA_BINARY, Self::NO_DETAIL);

    /// Attributes that are checked with these policies in turn; entry 0 is none. Any number
    /// of each.
    pub(crate) const fn nested(policies: &'static [Policy]) -> Self {
        Self::limited(
            bindings::NLA_NESTED,
            (policies.len() - 1) as u16,
            bindings::nla_policy__bindgen_ty_1 {
                nested_policy: policies.as_ptr().cast(),
            },
        )
    }

    const NO_DETAIL: bindings::nla_policy__bindgen_ty_1 = bindings::nla_policy__bindgen_ty_1 {
        reject_message: core::ptr::null(),
    };

    /// Refused with this sentence: an attribute of answers only.
    #[expect(
        clippy::disallowed_methods,
        reason = "as_char_ptr is no constant function"
    )]
    pub(crate) const fn reject(sentence: &'static CStr) -> Self {
        Self::new(
            bindings::NLA_REJECT,
            bindings::nla_policy__bindgen_ty_1 {
                reject_message: sentence.as_ptr().cast(),
            },
        )
    }

    const fn new(kind: u32, detail: bindings::nla_policy__bindgen_ty_1) -> Self {
        Self::limited(kind, 0, detail)
    }

    const fn limited(kind: u32, len: u16, detail: bindings::nla_policy__bindgen_ty_1) -> Self {
        Self(bindings::nla_policy {
            type_: kind as u8,
            validation_type: 0,
            len,
            __bindgen_anon_1: detail,
        })
    }
}

// SAFETY: A policy is read only, and what it points to lives for ever.
unsafe impl Sync for Policy {}

/// An answer under construction.
///
/// # Invariants
///
/// The pointer is to an `sk_buff` of a netlink message, and nobody else writes
/// to it while the value exists.
pub(crate) struct Message<'a> {
    raw: NonNull<kernel::bindings::sk_buff>,
    lifetime: PhantomData<&'a mut kernel::bindings::sk_buff>,
}

impl Message<'_> {
    /// Wraps the message that a callback has to add to.
    ///
    /// # Safety
    ///
    /// `raw` must be a netlink message that nobody else writes to for the life
    /// of the returned value.
    pub(super) unsafe fn from_raw(raw: NonNull<kernel::bindings::sk_buff>) -> Self {
        // INVARIANT: As the caller promises.
        Self {
            raw,
            lifetime: PhantomData,
        }
    }

    /// Adds bytes.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` if the message is full.
    pub(crate) fn put(&mut self, number: u32, bytes: &[u8]) -> Result {
        // SAFETY: The message is valid by the type invariants, and `bytes` is
        // readable for its length.
        to_result(unsafe {
            bindings::nla_put(
                self.raw.as_ptr(),
                number as c_int,
                bytes.len() as c_int,
                bytes.as_ptr().cast(),
            )
        })
    }

    /// Adds an attribute that is made of others, which `fill` adds. All or nothing.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` if the message is full, and those of `fill`.
    pub(crate) fn nest(&mut self, number: u32, fill: impl FnOnce(&mut Self) -> Result) -> Result {
        let number = number | bindings::NLA_F_NESTED;
        // SAFETY: The message is valid by the type invariants.
        let nest = unsafe { bindings::nla_nest_start_noflag(self.raw.as_ptr(), number as c_int) };
        if nest.is_null() {
            return Err(EMSGSIZE);
        }
        let filled = fill(self);
        // SAFETY: As above; the nest was begun in this message, and nobody has taken
        // anything away from it but what was added later.
        unsafe {
            match filled {
                Ok(()) => bindings::nla_nest_end(self.raw.as_ptr(), nest),
                Err(_) => bindings::nla_nest_cancel(self.raw.as_ptr(), nest),
            }
        }
        filled
    }

    /// Adds a number of four bytes in host order.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` if the message is full.
    pub(crate) fn put_u32(&mut self, number: u32, value: u32) -> Result {
        self.put(number, &value.to_ne_bytes())
    }

    /// Adds a number of eight bytes in host order, aligned to eight bytes with
    /// an attribute of number `padding` where the machine needs it.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` if the message is full.
    pub(crate) fn put_u64(&mut self, number: u32, value: u64, padding: u32) -> Result {
        let bytes = value.to_ne_bytes();
        // SAFETY: The message is valid by the type invariants, and `bytes` is
        // readable for its length.
        to_result(unsafe {
            bindings::nla_put_64bit(
                self.raw.as_ptr(),
                number as c_int,
                bytes.len() as c_int,
                bytes.as_ptr().cast(),
                padding as c_int,
            )
        })
    }
}

/// The room that an attribute with this many bytes of payload takes in a
/// message, with its header and padding.
pub(crate) const fn size_of_attribute(payload: usize) -> usize {
    const ALIGN: usize = bindings::NLA_ALIGNTO as usize;
    (size_of::<bindings::nlattr>() + payload).next_multiple_of(ALIGN)
}

/// As [`size_of_attribute`] for eight bytes, which may need padding before.
pub(crate) const SIZE_OF_U64: usize = size_of_attribute(8) + size_of_attribute(0);
