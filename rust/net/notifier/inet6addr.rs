// SPDX-License-Identifier: GPL-2.0

//! The chain of events of IPv6 addresses.
//!
//! C headers: [`include/net/addrconf.h`](srctree/include/net/addrconf.h),
//! [`include/net/if_inet6.h`](srctree/include/net/if_inet6.h)
//!
//! Handlers run in any context but hard interrupts, and must not sleep, for the
//! devices of all namespaces, when the address is in the device's list already; when it
//! went, it may be there still, but is marked as dead.

use crate::net::{
    bindings,
    inet_device,
    netdevice::NetDevice, //
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

pub(crate) use super::inetaddr::AddressEvent;

/// An IPv6 address of a device.
///
/// Wraps the kernel's [`struct inet6_ifaddr`].
///
/// # Invariants
///
/// The address is valid as long as a reference to it exists, and its lock is not
/// held by who has the reference.
///
/// [`struct inet6_ifaddr`]: srctree/include/net/if_inet6.h
#[repr(transparent)]
pub(crate) struct Inet6Address(Opaque<bindings::inet6_ifaddr>);

impl Inet6Address {
    /// The address.
    pub(crate) fn address(&self) -> [u8; 16] {
        // SAFETY: By the type invariants; the field is never changed, and all its
        // variants are bytes.
        unsafe { (*self.0.get()).addr.in6_u.u6_addr8 }
    }

    /// The length of its prefix in bits.
    pub(crate) fn prefix_len(&self) -> u8 {
        // SAFETY: By the type invariants; the field is never changed.
        unsafe { (*self.0.get()).prefix_len as u8 }
    }

    /// Keeps the kernel from looking for duplicates of the address.
    ///
    /// At [`AddressEvent::Up`] this is early enough: the address is never
    /// tentative, whatever is configured.
    pub(crate) fn set_no_dad(&self) {
        // SAFETY: By the type invariants, the address is valid, and its lock may be taken.
        unsafe { inet_device::set_flag_v6(self.0.get(), bindings::IFA_F_NODAD, true) };
    }
}

/// Is told what happens to IPv6 addresses.
pub(crate) trait Handler: 'static {
    /// Handlers of greater priority are called first.
    const PRIORITY: c_int = 0;

    /// Called for an event; must not sleep.
    fn event(device: &NetDevice, address: &Inet6Address, event: AddressEvent);
}

/// The chain, with a handler.
pub(crate) struct Chain<H>(PhantomData<H>);

/// The registration of a handler.
pub(crate) type Registration<H> = super::Registration<Chain<H>>;

// SAFETY: The functions are those of `inet6addr_chain`, which is called in an RCU
// read-side section, for which the second waits.
unsafe impl<H: Handler> super::Chain for Chain<H> {
    const PRIORITY: c_int = H::PRIORITY;
    const REGISTER: super::BlockFn = bindings::register_inet6addr_notifier;
    const UNREGISTER: super::BlockFn = bindings::unregister_inet6addr_notifier;

    unsafe fn notify(event: c_ulong, data: *mut c_void) -> Result {
        let Some(event) = AddressEvent::from_raw(event) else {
            return Ok(());
        };
        // SAFETY: This chain's data is an address, which has a configuration,
        // which has a device; who calls holds a count of the first, each holds
        // the next.
        let device =
            unsafe { NetDevice::from_raw((*(*data.cast::<bindings::inet6_ifaddr>()).idev).dev) };
        // CAST: `Inet6Address` is a `repr(transparent)` wrapper around
        // `inet6_ifaddr`.
        // SAFETY: As above; the chain is called without the address's lock.
        let address = unsafe { &*data.cast::<Inet6Address>() };
        H::event(device, address, event);
        Ok(())
    }
}
