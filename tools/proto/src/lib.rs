// SPDX-License-Identifier: GPL-2.0

//! The protocol core of carp on the host: the very files of `rust/proto/` that
//! are compiled into the kernel module, for tests, simulator and model.

#![no_std]
#![forbid(unsafe_code)]

#[path = "../../../rust/proto/mod.rs"]
mod proto;

pub use proto::*;
