// SPDX-License-Identifier: GPL-2.0-or-later
//! `link_carp.so`: the plugin that teaches an unmodified `ip` of iproute2 the
//! options of network devices of kind `carp`.
//!
//! `ip` looks for the options of a kind that it does not know in
//! `link_KIND.so` in its library directory, and there for the data symbol
//! `KIND_link_util`: a table of functions, here [`ip::table::carp_link_util`].  The functions
//! of `ip` that the plugin calls stay undefined in the library and are found
//! in the program that loads it.
//!
//! | module         | what it does                                          |
//! |----------------|-------------------------------------------------------|
//! | [`parse`]      | words of the command line to [`parse::Settings`]      |
//! | [`configure`]  | settings to netlink attributes, mistakes to the user  |
//! | [`show`]       | what `ip -d link show` prints                         |
//! | [`statistics`] | what `ip -s -d link show` adds                        |
//! | [`ip`]         | the border to `ip` and libc, and all `unsafe`         |
//!
//! The numbers, their names and the reading of attributes are `carpctl`'s, too,
//! and are in the crate `carp_uapi`.
//!
//! `cargo build --release --locked` in this folder makes
//! `target/release/liblink_carp.so`, to be installed as `link_carp.so` in
//! `ip`'s library directory: `/usr/lib/x86_64-linux-gnu/ip` in Debian,
//! `$IP_LIB_DIR` for a try.
//!
//! There is no `std` here because the plugin is compiled on one release of
//! Debian and loaded into the `ip` of older ones: it then needs nothing of
//! libc but a few functions that are as old as C.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

pub mod configure;
#[allow(unsafe_code)]
pub mod ip;
pub mod parse;
pub mod show;
pub mod statistics;
