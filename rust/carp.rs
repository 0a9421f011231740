// SPDX-License-Identifier: GPL-2.0

//! Common Address Redundancy Protocol.

use kernel::prelude::*;

mod net {
    pub(crate) mod bindings;
}

module! {
    type: Carp,
    name: "carp",
    authors: ["carp"],
    description: "Common Address Redundancy Protocol",
    license: "GPL",
}

struct Carp;

impl kernel::Module for Carp {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Carp)
    }
}
