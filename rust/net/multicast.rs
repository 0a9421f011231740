// SPDX-License-Identifier: GPL-2.0

//! Membership of devices in multicast groups.
//!
//! C headers: [`include/linux/igmp.h`](srctree/include/linux/igmp.h),
//! [`include/net/addrconf.h`](srctree/include/net/addrconf.h)
//!
//! Process context, which may sleep; IPv4 with RTNL. Memberships are counted, so
//! that they do not get in the way of those of sockets. They outlast the device
//! going down and up, but not the loss of its IP configuration (an MTU that is
//! too small for the protocol, `NETDEV_UNREGISTER`): then they are to be left,
//! which does nothing any more, and joined again.

use super::{
    bindings,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};

/// A device's membership in an IPv4 group.
///
/// Dropping this is not leaving the group.
#[must_use]
pub(crate) struct JoinV4 {
    group: u32,
    /// Of which configuration of the device; only to be compared.
    configuration: *mut bindings::in_device,
}

// SAFETY: The pointer is only compared.
unsafe impl Send for JoinV4 {}

impl JoinV4 {
    /// Joins `group`, from which packets are then received on `device`.
    ///
    /// `ENODEV` if the device has no IPv4 configuration, `ENOMEM`.
    pub(crate) fn join(device: &NetDevice, group: [u8; 4], _: &Rtnl) -> Result<Self> {
        let group = u32::from_ne_bytes(group);
        // SAFETY: The device is valid, and RTNL held.
        let in_device = unsafe { bindings::__in_dev_get_rtnl(device.as_raw()) };
        if in_device.is_null() {
            return Err(ENODEV);
        }
        // SAFETY: RTNL is held, which keeps the configuration.
        unsafe { bindings::ip_mc_inc_group(in_device, group) };
        let joined = Self {
            group,
            configuration: in_device,
        };
        // It does not say whether there was memory for it.
        if joined.is_listed() {
            Ok(joined)
        } else {
            Err(ENOMEM)
        }
    }

    /// Whether the configuration has the group. RTNL is held, and the
    /// configuration is the device's.
    fn is_listed(&self) -> bool {
        // SAFETY: RTNL is held, which keeps the configuration and its list.
        let mut entry = unsafe { (*self.configuration).mc_list };
        while !entry.is_null() {
            // SAFETY: As above; the entry is of that list.
            let group = unsafe { (*entry).multiaddr };
            // SAFETY: As above; in a list, it is this that the union holds.
            let next = unsafe { (*entry).__bindgen_anon_1.next_rcu };
            if group == self.group {
                return true;
            }
            entry = next;
        }
        false
    }

    /// Whether the device still has the configuration in which it joined. A new
    /// one, after an MTU that was too small for a while, knows nothing of it.
    pub(crate) fn is_current(&self, device: &NetDevice, _: &Rtnl) -> bool {
        // SAFETY: The device is valid, and RTNL held.
        let in_device = unsafe { bindings::__in_dev_get_rtnl(device.as_raw()) };
        core::ptr::eq(in_device, self.configuration)
    }

    /// Leaves the group, on the device on which it was joined.
    pub(crate) fn leave(self, device: &NetDevice, rtnl: &Rtnl) {
        let in_device = self.configuration;
        if self.is_current(device, rtnl) {
            // SAFETY: RTNL is held, which keeps the configuration. A group that
            // it does not have is ignored.
            unsafe { bindings::__ip_mc_dec_group(in_device, self.group, bindings::GFP_KERNEL) };
        }
    }
}

/// A device's membership in an IPv6 group.
///
/// Dropping this is not leaving the group.
#[must_use]
pub(crate) struct JoinV6 {
    group: bindings::in6_addr,
    /// Of which configuration of the device; only to be compared.
    configuration: *mut bindings::inet6_dev,
}

// SAFETY: The pointer is only compared.
unsafe impl Send for JoinV6 {}

impl JoinV6 {
    /// Joins `group`, from which packets are then received on `device`.
    ///
    /// `ENODEV` if the device has no IPv6 configuration, `ENOMEM`.
    pub(crate) fn join(device: &NetDevice, group: [u8; 16], _: &Rtnl) -> Result<Self> {
        let mut address = bindings::in6_addr::default();
        address.in6_u.u6_addr8 = group;
        // SAFETY: The device and the address are valid; the C side holds the
        // configuration meanwhile.
        match to_result(unsafe { bindings::ipv6_dev_mc_inc(device.as_raw(), &address) }) {
            Ok(()) => Ok(Self {
                group: address,
                // SAFETY: The device is valid, and RTNL held.
                configuration: unsafe { bindings::__in6_dev_get(device.as_raw()) },
            }),
            // What the C side says if there is no configuration.
            Err(error) if error == EINVAL => Err(ENODEV),
            Err(error) => Err(error),
        }
    }

    /// As [`JoinV4::is_current`].
    pub(crate) fn is_current(&self, device: &NetDevice, _: &Rtnl) -> bool {
        // SAFETY: The device is valid, and RTNL held.
        let in6_device = unsafe { bindings::__in6_dev_get(device.as_raw()) };
        core::ptr::eq(in6_device, self.configuration)
    }

    /// Leaves the group, on the device on which it was joined.
    pub(crate) fn leave(self, device: &NetDevice, rtnl: &Rtnl) {
        if self.is_current(device, rtnl) {
            // SAFETY: The device and the address are valid; the C side holds the
            // configuration meanwhile, which has the group.
            unsafe { bindings::ipv6_dev_mc_dec(device.as_raw(), &self.group) };
        }
    }
}
