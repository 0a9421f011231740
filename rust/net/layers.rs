// SPDX-License-Identifier: GPL-2.0

//! Devices that send and receive through another one, which they are on as long as they are there:
//! VLANs and macvlans.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)
//!
//! Any context: such a device never changes what it is on. What is on a device changes, with the
//! RTNL held.

use super::{
    bindings,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};

impl NetDevice {
    /// The device that a VLAN or a macvlan is on.
    fn below(&self) -> Option<&Self> {
        self.below_vlan().or_else(|| self.below_macvlan())
    }

    /// The device, and what it is on, down to one that is on none.
    pub(crate) fn with_below(&self) -> impl Iterator<Item = &Self> {
        core::iter::successors(Some(self), |device| device.below())
    }

    /// Calls `visit`, which must not change what is on what, with each device that is on this
    /// one, in whatever namespace, and with those on them: the kernel stacks eight devices at most.
    pub(crate) fn for_each_above(&self, rtnl: &Rtnl, visit: &mut dyn FnMut(&Self, &Rtnl)) {
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
            if upper.below() == Some(self) {
                visit(upper, rtnl);
                upper.for_each_above(rtnl, visit);
            }
        }
    }
}
