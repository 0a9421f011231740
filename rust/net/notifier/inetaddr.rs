// SPDX-License-Identifier: GPL-2.0

//! The chain of events of IPv4 addresses.
//!
//! C header: [`include/linux/inetdevice.h`](srctree/include/linux/inetdevice.h)
//!
//! Handlers run in process context with RTNL held, for the devices of all
//! namespaces, when the address is in the device's list already, or no longer.

use crate::net::{
    bindings,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use core::marker::PhantomData;
use kernel::{
    ffi::{
        c_int,
        c_ulong, //
    },
    prelude::*,
    types::Opaque,
};

/// What happens to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressEvent {
    /// It was added to its device.
    Up,
    /// It was taken from its device.
    Down,
}

impl AddressEvent {
    /// Gives the name to a number.
    pub(super) fn from_raw(event: c_ulong) -> Option<Self> {
        match u32::try_from(event).ok()? {
            bindings::netdev_cmd_NETDEV_UP => Some(Self::Up),
            bindings::netdev_cmd_NETDEV_DOWN => Some(Self::Down),
            _ => None,
        }
    }
}

/// An IPv4 address of a device.
///
/// Wraps the kernel's [`struct in_ifaddr`].
///
/// # Invariants
///
/// The address is valid, and RTNL held, as long as a reference to it exists.
///
/// [`struct in_ifaddr`]: srctree/include/linux/inetdevice.h
#[repr(transparent)]
pub(crate) struct InetAddress(Opaque<bindings::in_ifaddr>);

impl InetAddress {
    /// The address.
    pub(crate) fn address(&self) -> [u8; 4] {
        // SAFETY: By the type invariants; the field is never changed.
        unsafe { (*self.0.get()).ifa_local }.to_ne_bytes()
    }

    /// The length of its prefix in bits.
    pub(crate) fn prefix_len(&self) -> u8 {
        // SAFETY: By the type invariants; the field is never changed.
        unsafe { (*self.0.get()).ifa_prefixlen }
    }

    /// Keeps the kernel from adding a route for the prefix.
    ///
    /// To be of use, a handler must do this at [`AddressEvent::Up`] before the
    /// routing code's, whose priority is 0. The flag (`noprefixroute`) is seen by
    /// user space in what is asked later; the message that tells of the new
    /// address was sent before.
    pub(crate) fn set_no_prefix_route(&mut self) {
        // SAFETY: By the type invariants. RTNL is held, so nobody else writes;
        // who reads without it does so once, as this writes once.
        unsafe {
            let flags = &raw mut (*self.0.get()).ifa_flags;
            flags.write_volatile(flags.read() | bindings::IFA_F_NOPREFIXROUTE);
        }
    }
}

/// Is told what happens to IPv4 addresses.
pub(crate) trait Handler: 'static {
    /// Handlers of greater priority are called first; the routing code has 0.
    const PRIORITY: c_int = 0;

    /// Called for an event.
    fn event(device: &NetDevice, address: &mut InetAddress, event: AddressEvent, rtnl: &Rtnl);
}

/// The chain, with a handler.
pub(crate) struct Chain<H>(PhantomData<H>);

/// The registration of a handler.
pub(crate) type Registration<H> = super::Registration<Chain<H>>;

// SAFETY: The functions are those of `inetaddr_chain`, which waits in both for
// the calls that are running.
unsafe impl<H: Handler> super::Chain for Chain<H> {
    const PRIORITY: c_int = H::PRIORITY;
    const REGISTER: super::BlockFn = bindings::register_inetaddr_notifier;
    const UNREGISTER: super::BlockFn = bindings::unregister_inetaddr_notifier;

    unsafe fn notify(event: c_ulong, data: *mut c_void) -> Result {
        let Some(event) = AddressEvent::from_raw(event) else {
            return Ok(());
        };
        // SAFETY: This chain's data is an address, which has a configuration,
        // which has a device; RTNL is held, and keeps them.
        let device =
            unsafe { NetDevice::from_raw((*(*data.cast::<bindings::in_ifaddr>()).ifa_dev).dev) };
        // CAST: `InetAddress` is a `repr(transparent)` wrapper around `in_ifaddr`.
        // SAFETY: As above. The wrapper is opaque, so that others may read.
        let address = unsafe { &mut *data.cast::<InetAddress>() };
        // SAFETY: This chain is called with RTNL held.
        let rtnl = unsafe { Rtnl::assume_held() };
        H::event(device, address, event, &rtnl);
        Ok(())
    }
}
