// SPDX-License-Identifier: GPL-2.0

//! Multicast frames that a device has to let pass for one on top of it.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)
//!
//! Only filters are set here: nothing is joined, and nothing is reported to other
//! hosts. Process context with the RTNL held.

use super::{
    bindings,
    link_device::{
        Device,
        Driver, //
    },
    netdevice::NetDevice,
    rtnl::Rtnl, //
};

impl<T: Driver> Device<T> {
    /// Has the device below let pass what this one listens to, from now on until
    /// this one goes down.
    pub(crate) fn share_filter(&self, below: &NetDevice, _: &Rtnl) {
        // SAFETY: Both are valid; the lock is that of this device's addresses.
        unsafe {
            bindings::netif_addr_lock_bh(self.as_raw());
            self.share_filter_locked(below);
            bindings::netif_addr_unlock_bh(self.as_raw());
        }
    }

    /// As [`Device::share_filter`].
    ///
    /// # Safety
    ///
    /// The lock of this device's addresses must be held.
    pub(super) unsafe fn share_filter_locked(&self, below: &NetDevice) {
        // SAFETY: Both are valid, and the lock is held by the promise of the caller.
        // Without memory, what is new is not let pass, as with every such device.
        let _ = unsafe { bindings::dev_mc_sync(below.as_raw(), self.as_raw()) };
    }

    /// Takes back [`Device::share_filter`].
    pub(crate) fn unshare_filter(&self, below: &NetDevice, _: &Rtnl) {
        // SAFETY: Both are valid.
        unsafe { bindings::dev_mc_unsync(below.as_raw(), self.as_raw()) };
    }
}
