// SPDX-License-Identifier: GPL-2.0

//! A place for a device that readers look at without a lock.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)
//!
//! Read in any context under RCU; written in process context with the RTNL held.

use super::{
    bindings,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use core::ptr::NonNull;
use kernel::sync::{
    aref::ARef,
    atomic::{
        Acquire,
        Atomic,
        Full, //
    },
    rcu, //
};

/// A place for one device, or none.
///
/// # Invariants
///
/// A pointer that is not null is a device of which the slot has a count. The
/// count is given up a grace period after the pointer was taken out.
pub(crate) struct DeviceSlot(Atomic<*mut bindings::net_device>);

impl DeviceSlot {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(Atomic::new(core::ptr::null_mut()))
    }

    /// The device in it.
    pub(crate) fn get<'a>(&self, _: &'a rcu::Guard) -> Option<&'a NetDevice> {
        let raw = self.0.load(Acquire);
        // SAFETY: By the type invariants it is valid until a grace period after
        // it was taken out, so for the caller's read-side critical section.
        (!raw.is_null()).then(|| unsafe { NetDevice::from_raw(raw) })
    }

    /// Puts a device in, or takes the old one out and waits until no reader
    /// looks at it.
    pub(crate) fn set(&self, device: Option<&NetDevice>, _: &Rtnl) {
        let new = device.map_or(core::ptr::null_mut(), |device| {
            ARef::into_raw(ARef::from(device)).as_ptr().cast()
        });
        self.replace(new);
    }

    fn replace(&self, new: *mut bindings::net_device) {
        let old = self.0.xchg(new, Full);
        if let Some(old) = NonNull::new(old) {
            // SAFETY: Sleeps; process context, by the contract of the callers.
            unsafe { bindings::synchronize_net() };
            // SAFETY: The slot had a count, which is now ours.
            drop(unsafe { ARef::<NetDevice>::from_raw(old.cast()) });
        }
    }
}

impl Drop for DeviceSlot {
    fn drop(&mut self) {
        self.replace(core::ptr::null_mut());
    }
}
