// SPDX-License-Identifier: GPL-2.0-or-later
//! The numbers of `include/uapi/linux/if_carp.h`, made by `build.rs`.
#![allow(
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    unreachable_pub,
    clippy::all
)]

include!(concat!(env!("OUT_DIR"), "/uapi.rs"));

// Macros of enumerators, which bindgen does not evaluate.
pub const IFLA_CARP_MAX: u32 = __IFLA_CARP_MAX - 1;
pub const IFLA_CARP_STATS_MAX: u32 = __IFLA_CARP_STATS_MAX - 1;
pub const CARP_A_MAX: u32 = __CARP_A_MAX - 1;
