// SPDX-License-Identifier: GPL-2.0

//! What a device does for the packets that go through it.
//!
//! C header: [`include/linux/netdev_features.h`](srctree/include/linux/netdev_features.h)
//!
//! Values; any context.

use super::bindings;

/// A set of features (`NETIF_F_*`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Features(bindings::netdev_features_t);

impl Features {
    /// What a device can offer that only hands its packets on: what the one below
    /// cannot do is done in software there, as late as possible.
    pub(crate) const STACKED: Self = Self(bindings::CARP_FEATURES_STACKED);

    /// What is done to received packets before a device on top could see them:
    /// never more than the device below does, nor less, as far as a device above
    /// has a say.
    pub(crate) const RECEIVING: Self = Self(bindings::CARP_FEATURES_RECEIVING);

    /// Wraps the core's number.
    pub(super) const fn from_raw(raw: bindings::netdev_features_t) -> Self {
        Self(raw)
    }

    /// The core's number.
    pub(super) const fn as_raw(self) -> bindings::netdev_features_t {
        self.0
    }

    /// Those in either set.
    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those in both sets.
    pub(crate) const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are not in the other set.
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}
