// SPDX-License-Identifier: GPL-2.0

//! Routes to this host's own protocols that are in no routing table.
//!
//! C headers: [`include/net/route.h`](srctree/include/net/route.h),
//! [`include/net/ip6_route.h`](srctree/include/net/ip6_route.h)
//!
//! A packet that has one when it comes to its protocol needs no other: its source
//! is not checked, and it is not forwarded. Made in process context, given to
//! packets in softirq context, where nothing is allocated.

use super::{
    bindings,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use core::ptr::NonNull;
use kernel::prelude::*;

/// A route for packets that one device receives: it begins with a `dst_entry`.
///
/// # Invariants
///
/// The pointer is to a `dst_entry` of which this value has a count.
pub(crate) struct LocalRoute(NonNull<bindings::dst_entry>);

// SAFETY: A route belongs to no task or processor.
unsafe impl Send for LocalRoute {}

// SAFETY: It is counted atomically, and not changed while it is shared.
unsafe impl Sync for LocalRoute {}

impl LocalRoute {
    /// For packets to an IPv4 address of this host. Process context.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn unicast_v4(device: &NetDevice) -> Result<Self> {
        Self::v4(device, 0, bindings::RTN_LOCAL)
    }

    /// For packets to an IPv4 group that this host is a member of. Process
    /// context.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn multicast_v4(device: &NetDevice) -> Result<Self> {
        Self::v4(device, bindings::RTCF_MULTICAST, bindings::RTN_MULTICAST)
    }

    fn v4(device: &NetDevice, flags: u32, kind: impl Into<u32>) -> Result<Self> {
        // Behind the policies of IPsec only for unicast, as the kernel's own.
        let without_policy = flags & bindings::RTCF_MULTICAST != 0;
        // SAFETY: The device is valid; the route takes a count of it.
        let route = unsafe {
            bindings::rt_dst_alloc(
                device.as_raw(),
                flags | bindings::RTCF_LOCAL,
                kind.into() as u16,
                without_policy,
            )
        };
        // INVARIANT: A new route comes with a count.
        NonNull::new(route)
            .map(|route| Self(route.cast()))
            .ok_or(ENOMEM)
    }

    /// For packets to an IPv6 address of this host; none if there is no IPv6 on the device
    /// (an MTU below 1280, `ipv6.disable=1`). Process context, RTNL held.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn unicast_v6(device: &NetDevice, _: &Rtnl) -> Result<Option<Self>> {
        // SAFETY: It only asks.
        if !unsafe { bindings::ipv6_mod_enabled() } {
            return Ok(None);
        }
        // SAFETY: The device is valid; the RTNL keeps its configuration as it is. The route
        // takes a count of both; receiving looks into the configuration of a packet's route.
        unsafe {
            if bindings::__in6_dev_get(device.as_raw()).is_null() {
                return Ok(None);
            }
            let namespace = bindings::dev_net(device.as_raw());
            let route = bindings::ip6_dst_alloc(namespace, device.as_raw(), 0);
            let route = NonNull::new(route).ok_or(ENOMEM)?;
            let raw = route.as_ptr();
            (*raw).dst.input = Some(bindings::ip6_input);
            (*raw).rt6i_flags = bindings::RTF_LOCAL;
            (*raw).rt6i_idev = bindings::in6_dev_get(device.as_raw());
            // INVARIANT: A new route comes with a count.
            Ok(Some(Self(route.cast())))
        }
    }

    /// Gives the route to a packet, instead of what it has, as it can from a tunnel.
    ///
    /// # Safety
    ///
    /// `skb` must be a valid packet that nobody else looks at.
    pub(super) unsafe fn give(&self, skb: *mut bindings::sk_buff) {
        // SAFETY: By the type invariants there is a count, beside which the packet
        // gets its own; the packet is valid by the promise of the caller.
        unsafe {
            bindings::skb_dst_drop(skb);
            bindings::dst_hold(self.0.as_ptr());
            bindings::skb_dst_set(skb, self.0.as_ptr());
        }
    }
}

impl Drop for LocalRoute {
    fn drop(&mut self) {
        // Sockets may keep it for as long as they like: it must not keep the device.
        // SAFETY: The value has a count, by the type invariants, and gives it up.
        unsafe {
            bindings::dst_dev_put(self.0.as_ptr());
            bindings::dst_release(self.0.as_ptr());
        }
    }
}
