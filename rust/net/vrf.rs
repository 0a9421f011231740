// SPDX-License-Identifier: GPL-2.0

//! Devices that belong to a routing domain of their own (VRF).
//!
//! C header: [`include/net/l3mdev.h`](srctree/include/net/l3mdev.h)
//!
//! Process context with the RTNL held, where nothing else is said.

use super::{
    bindings,
    extended_ack::ExtendedAck,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};

impl NetDevice {
    /// The device that this one is a part of: a bridge's port, a bond's slave.
    pub(crate) fn master<'a>(&'a self, _: &'a Rtnl) -> Option<&'a Self> {
        // SAFETY: Valid by the type invariants, and the RTNL is held, which keeps
        // the master.
        unsafe {
            let master = bindings::netdev_master_upper_dev_get(self.as_raw());
            (!master.is_null()).then(|| Self::from_raw(master))
        }
    }

    /// Whether it is a VRF itself. Any context.
    pub(crate) fn is_vrf(&self) -> bool {
        // SAFETY: Valid by the type invariants.
        unsafe { bindings::netif_is_l3_master(self.as_raw()) }
    }

    /// The VRF that the device is in.
    pub(crate) fn vrf<'a>(&'a self, rtnl: &'a Rtnl) -> Option<&'a Self> {
        self.master(rtnl).filter(|master| master.is_vrf())
    }

    /// Puts the device into a VRF, as `ip link set DEVICE master VRF` does. It must
    /// have no master.
    ///
    /// # Errors
    ///
    /// What the VRF and the notifiers say.
    pub(crate) fn enter_vrf(&self, vrf: &Self, ack: &mut ExtendedAck, _: &Rtnl) -> Result {
        // SAFETY: Both are valid and registered, and the RTNL is held; the
        // operations of a device live as long as it.
        to_result(unsafe {
            let add = (*(*vrf.as_raw()).netdev_ops).ndo_add_slave.ok_or(ENOSYS)?;
            add(vrf.as_raw(), self.as_raw(), ack.as_raw())
        })
    }

    /// Takes the device out of the VRF it is in.
    ///
    /// Not to be called while somebody goes through the VRF's devices: a VRF that
    /// is deleted does.
    ///
    /// # Errors
    ///
    /// What the VRF says.
    pub(crate) fn leave_vrf(&self, vrf: &Self, _: &Rtnl) -> Result {
        // SAFETY: As in `enter_vrf`.
        to_result(unsafe {
            let delete = (*(*vrf.as_raw()).netdev_ops).ndo_del_slave.ok_or(ENOSYS)?;
            delete(vrf.as_raw(), self.as_raw())
        })
    }
}
