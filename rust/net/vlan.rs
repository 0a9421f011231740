// SPDX-License-Identifier: GPL-2.0

//! VLANs.
//!
//! C header: [`include/linux/if_vlan.h`](srctree/include/linux/if_vlan.h)
//!
//! Any context: a VLAN never changes what it is on.

use super::{
    bindings,
    netdevice::NetDevice, //
};

impl NetDevice {
    /// Whether the device is a VLAN.
    pub(crate) fn is_vlan(&self) -> bool {
        // SAFETY: Valid by the type invariants.
        unsafe { bindings::is_vlan_dev(self.as_raw()) }
    }

    /// The device below a VLAN, which may be one itself.
    pub(crate) fn below_vlan(&self) -> Option<&Self> {
        if !self.is_vlan() {
            return None;
        }
        // SAFETY: Valid by the type invariants, and a VLAN, which keeps the device below it.
        Some(unsafe { Self::from_raw(bindings::vlan_dev_below(self.as_raw())) })
    }
}
