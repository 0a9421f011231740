// SPDX-License-Identifier: GPL-2.0

//! VLANs, and what is below them.
//!
//! C header: [`include/linux/if_vlan.h`](srctree/include/linux/if_vlan.h)
//!
//! Any context: a VLAN never changes what it is on. What is on a device changes, with the RTNL
//! held.

use super::{
    bindings,
    netdevice::NetDevice,
    rtnl::Rtnl, //
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

    /// The device, and below a VLAN what it is on, down to one that is no VLAN.
    pub(crate) fn with_below(&self) -> impl Iterator<Item = &Self> {
        core::iter::successors(Some(self), |device| device.below_vlan())
    }

    /// Calls `visit`, which must not change what is on what, with each VLAN on the device, in
    /// whatever namespace, and with those on them: the kernel stacks eight devices at most.
    pub(crate) fn for_each_vlan_above(&self, rtnl: &Rtnl, visit: &mut dyn FnMut(&Self, &Rtnl)) {
        // SAFETY: Valid by the type invariants; the first position in the list is its head.
        let mut position = unsafe { &raw mut (*self.as_raw()).adj_list.upper };
        loop {
            // SAFETY: The device is valid, the position is in its list, which does not change
            // while the RTNL is held.
            let upper = unsafe {
                bindings::netdev_upper_get_next_dev_rcu(self.as_raw(), &raw mut position)
            };
            if upper.is_null() {
                return;
            }
            // SAFETY: Found in the list, and so not freed while the RTNL is held.
            let upper = unsafe { Self::from_raw(upper) };
            if upper.below_vlan() == Some(self) {
                visit(upper, rtnl);
                upper.for_each_vlan_above(rtnl, visit);
            }
        }
    }
}
