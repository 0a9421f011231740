// SPDX-License-Identifier: GPL-2.0

//! C bindings that `kernel::bindings` lacks, and all that it has.
//!
//! Generated at build time from `include/bindings_helper.h` with the target
//! kernel's own headers and flags (see `Kbuild`, which puts the path of the
//! generated file into `CARP_BINDINGS`). Types of the kernel crate are not bound
//! again but shared (`scripts/share-bindings`): a `net_device` here is the
//! kernel crate's. Only types that the kernel crate knows as opaque are ours;
//! where one of its functions or fields mentions such a type, a pointer cast is
//! needed.

#![allow(
    clippy::all,
    clippy::cast_lossless,
    clippy::as_underscore,
    clippy::cast_lossless,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    improper_ctypes,
    unreachable_pub,
    unsafe_op_in_unsafe_fn
)]

use kernel::ffi;
use pin_init::MaybeZeroable;

pub(crate) use kernel::bindings::*;

/// What a timer's callback returns that does not want to be called again.
///
/// The enum of the C side became a type of its own in 7.3.
#[cfg(kernel_before_7_3)]
pub(crate) const HRTIMER_NORESTART: hrtimer_restart = hrtimer_restart_HRTIMER_NORESTART;
/// What a timer's callback returns that does not want to be called again.
#[cfg(not(kernel_before_7_3))]
pub(crate) const HRTIMER_NORESTART: hrtimer_restart = hrtimer_restart::HRTIMER_NORESTART;

include!(env!("CARP_BINDINGS"));
