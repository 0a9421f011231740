// SPDX-License-Identifier: GPL-2.0

//! The chain that is asked before a device is given an IPv6 address.
//!
//! C header: [`include/net/addrconf.h`](srctree/include/net/addrconf.h)
//!
//! Handlers run in process context with RTNL held, for the devices of all
//! namespaces. Addresses that the kernel makes up in softirq context, from router
//! advertisements, do not come by here.

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
};

/// Who wants a device to have an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Somebody with rtnetlink, who can be told of errors.
    Netlink,
    /// The kernel, or somebody with an old `ioctl`.
    Other,
}

/// Is told of IPv6 addresses that are about to come.
pub(crate) trait Handler: 'static {
    /// Called before a device is given an address; something else may still keep
    /// it from that.
    ///
    /// # Errors
    ///
    /// The device may not have it, for this reason.
    fn expected(device: &NetDevice, address: [u8; 16], origin: Origin, rtnl: &Rtnl) -> Result;
}

/// The chain, with a handler.
pub(crate) struct Chain<H>(PhantomData<H>);

/// The registration of a handler.
pub(crate) type Registration<H> = super::Registration<Chain<H>>;

// SAFETY: The functions are those of `inet6addr_validator_chain`, which waits in
// both for the calls that are running.
unsafe impl<H: Handler> super::Chain for Chain<H> {
    const PRIORITY: c_int = 0;
    const REGISTER: super::BlockFn = bindings::register_inet6addr_validator_notifier;
    const UNREGISTER: super::BlockFn = bindings::unregister_inet6addr_validator_notifier;

    unsafe fn notify(_: c_ulong, data: *mut c_void) -> Result {
        // SAFETY: This chain's data says the address and a configuration, which has
        // a device; RTNL is held, and keeps them.
        let (device, address, answered) = unsafe {
            let information = data.cast::<bindings::in6_validator_info>();
            (
                NetDevice::from_raw((*(*information).i6vi_dev).dev),
                (*information).i6vi_addr.in6_u.u6_addr8,
                !(*information).extack.is_null(),
            )
        };
        let origin = if answered {
            Origin::Netlink
        } else {
            Origin::Other
        };
        // SAFETY: Whoever may sleep to ask this chain holds the RTNL.
        let rtnl = unsafe { Rtnl::assume_held() };
        H::expected(device, address, origin, &rtnl)
    }
}
