// SPDX-License-Identifier: GPL-2.0

//! A place for a device that readers look at without a lock.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)
//!
//! Read and filled in any context.

use super::netdevice::NetDevice;
use kernel::sync::{
    aref::ARef,
    SetOnce, //
};

/// A place for one device, filled once.
///
/// The slot has a count of the device until it is dropped itself. It cannot be
/// emptied: to see to it that no reader still looks at the old device would cost a
/// grace period each time, and there are groups by the hundred. What the slot is
/// part of is freed after one anyway, and the device waits for that.
pub(crate) struct DeviceSlot(SetOnce<ARef<NetDevice>>);

impl DeviceSlot {
    /// An empty one.
    pub(crate) const fn new() -> Self {
        Self(SetOnce::new())
    }

    /// The device in it.
    pub(crate) fn get(&self) -> Option<&NetDevice> {
        self.0.as_ref().map(|device| &**device)
    }

    /// Puts a device in. Returns whether it is the one that is in now.
    pub(crate) fn fill(&self, device: &NetDevice) -> bool {
        self.0.populate(ARef::from(device)) || self.get() == Some(device)
    }
}
