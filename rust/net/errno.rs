// SPDX-License-Identifier: GPL-2.0

//! Error numbers that not every supported kernel's Rust crate names.

use super::bindings;
use kernel::{error::Error, ffi::c_int};

fn error(number: u32) -> Error {
    Error::from_errno(-(number as c_int))
}

/// `EADDRNOTAVAIL`: cannot assign requested address.
pub(crate) fn address_not_available() -> Error {
    error(bindings::EADDRNOTAVAIL)
}

/// `ENETDOWN`: network is down.
pub(crate) fn network_down() -> Error {
    error(bindings::ENETDOWN)
}

/// `ENOBUFS`: no buffer space available.
pub(crate) fn no_buffers() -> Error {
    error(bindings::ENOBUFS)
}

/// `EOPNOTSUPP`: operation not supported.
pub(crate) fn not_supported() -> Error {
    error(bindings::EOPNOTSUPP)
}
