// SPDX-License-Identifier: GPL-2.0-or-later
//! What user space and the kernel say to each other about carp devices: the
//! numbers of `include/uapi/linux/if_carp.h`, their names, and how attributes
//! are read. The plugin of `ip` and `carpctl` share it, so that both have the
//! same names for the same things.
//!
//! There is no `std` here, because there is none in the plugin.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod attribute;
pub mod names;
pub mod number;
pub mod numbers;
