// SPDX-License-Identifier: GPL-2.0-or-later
//! The border to the program `ip` and to libc: safe functions over what they
//! export, and the functions that they call.
//!
//! `ip` promises no ABI.  What stands here has been the same from iproute2
//! 4.16 on; `tests/with_ip.py` tries it with the versions of Debian's releases.

pub mod attributes;
pub mod exit;
#[cfg(test)]
pub mod fake;
pub mod message;
#[cfg(not(test))]
mod panic;
pub mod print;
pub mod stdio;
mod sys;
pub mod table;
mod words;
