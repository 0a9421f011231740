// SPDX-License-Identifier: GPL-2.0

//! How evenly `net.inet.carp.arpbalance` spreads clients over groups with one
//! address, measured with the very code that the module chooses with.
//!
//! `carp-balance` writes what it measures into `Documentation/load-balancing.md`,
//! and a plot beside it. The same populations come out on every machine.

pub mod measure;
pub mod plot;
pub mod population;
pub mod table;

use std::path::{Path, PathBuf};

/// The numbers of groups that are measured.
pub const MEMBERS: [u8; 4] = [2, 3, 4, 8];

/// The passphrase of all groups: the article's first.
pub const PASSPHRASE: &str = "tyrell";

/// `Documentation/`, where the results go.
pub fn documentation() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Documentation")
}
