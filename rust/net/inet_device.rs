// SPDX-License-Identifier: GPL-2.0

//! The IP configuration of network devices: their addresses.
//!
//! C headers: [`include/linux/inetdevice.h`](srctree/include/linux/inetdevice.h),
//! [`include/net/if_inet6.h`](srctree/include/net/if_inet6.h)
//!
//! The lists of addresses are read in an RCU read-side section, in any context
//! but NMIs. What is added or taken away meanwhile may be seen or not.

use super::{
    bindings,
    namespace::Namespace,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use kernel::{
    container_of,
    sync::rcu, //
};

/// Flags of an address, as in [`include/uapi/linux/if_addr.h`].
///
/// [`include/uapi/linux/if_addr.h`]: srctree/include/uapi/linux/if_addr.h
pub(crate) mod flags {
    use crate::net::bindings;

    /// It is being looked for duplicates, and not used before that is over.
    pub(crate) const TENTATIVE: u32 = bindings::IFA_F_TENTATIVE;
    /// Someone else has it.
    pub(crate) const DADFAILED: u32 = bindings::IFA_F_DADFAILED;
    /// It may not be used as a source, for one of these.
    pub(crate) const UNUSABLE: u32 = TENTATIVE | DADFAILED;
}

/// Reads a pointer that RCU protects: `rcu_dereference`.
///
/// # Safety
///
/// `place` must be valid for reads, in an RCU read-side section.
unsafe fn dereference<T>(place: *const *mut T) -> *mut T {
    // What is read through the pointer depends on it, which orders the reads.
    // SAFETY: The caller's promise.
    unsafe { place.read_volatile() }
}

/// Calls `visit` for the IPv4 addresses of a device until it gives something.
fn find_v4<R>(
    device: &NetDevice,
    guard: &rcu::Guard,
    mut visit: impl FnMut([u8; 4], u8) -> Option<R>,
) -> Option<R> {
    find_raw_v4(device, guard, |address| {
        // SAFETY: `find_raw_v4` gives addresses that are not freed meanwhile; both
        // fields are constant.
        let (local, prefix_len) = unsafe { ((*address).ifa_local, (*address).ifa_prefixlen) };
        visit(local.to_ne_bytes(), prefix_len)
    })
}

/// Calls `visit` with valid pointers to the IPv4 addresses of a device until it
/// gives something. They are valid as long as the guard is.
fn find_raw_v4<R>(
    device: &NetDevice,
    _: &rcu::Guard,
    mut visit: impl FnMut(*mut bindings::in_ifaddr) -> Option<R>,
) -> Option<R> {
    // SAFETY: The device is valid, and the guard is of a read-side section.
    let in_device = unsafe { bindings::__in_dev_get_rcu(device.as_raw()) };
    if in_device.is_null() {
        return None;
    }
    // SAFETY: The configuration is not freed in the read-side section.
    let mut address = unsafe { dereference(&raw const (*in_device).ifa_list) };
    while !address.is_null() {
        if let Some(found) = visit(address) {
            return Some(found);
        }
        // SAFETY: Found in the list, and so not freed in the read-side section.
        address = unsafe { dereference(&raw const (*address).ifa_next) };
    }
    None
}

/// Calls `visit` for the IPv6 addresses of a device until it gives something.
fn find_v6<R>(
    device: &NetDevice,
    guard: &rcu::Guard,
    mut visit: impl FnMut([u8; 16], u8, u32) -> Option<R>,
) -> Option<R> {
    find_raw_v6(device, guard, |address| {
        // SAFETY: `find_raw_v6` gives addresses that are not freed meanwhile; the
        // address and its prefix are constant.
        let (bytes, prefix_len, flags) = unsafe {
            (
                (*address).addr.in6_u.u6_addr8,
                (*address).prefix_len as u8,
                (&raw const (*address).flags).read_volatile(),
            )
        };
        visit(bytes, prefix_len, flags)
    })
}

/// Calls `visit` with valid pointers to the IPv6 addresses of a device until it
/// gives something. They are valid as long as the guard is. One that is on its way out,
/// which can still be in the list when others are told that it went, is none any more.
fn find_raw_v6<R>(
    device: &NetDevice,
    _: &rcu::Guard,
    mut visit: impl FnMut(*mut bindings::inet6_ifaddr) -> Option<R>,
) -> Option<R> {
    // SAFETY: The device is valid, and the guard is of a read-side section.
    let in6_device = unsafe { bindings::__in6_dev_get(device.as_raw()) };
    if in6_device.is_null() {
        return None;
    }
    // SAFETY: The configuration is not freed in the read-side section.
    let head = unsafe { &raw mut (*in6_device).addr_list };
    // SAFETY: The list is made with the configuration. Its writers, which hold
    // its lock, leave it fit for readers that only have RCU.
    let mut entry = unsafe { dereference(&raw const (*head).next) };
    while entry != head {
        // SAFETY: All entries but the head are in such a struct.
        let address = unsafe { container_of!(entry, bindings::inet6_ifaddr, if_list) };
        // SAFETY: As the address is not freed meanwhile; its state may change.
        let state = unsafe { (&raw const (*address).state).read_volatile() };
        let is_dead = state == bindings::INET6_IFADDR_STATE_DEAD as kernel::ffi::c_int;
        if let Some(found) = (!is_dead).then_some(address).and_then(&mut visit) {
            return Some(found);
        }
        // SAFETY: Found in the list, and so not freed in the read-side section.
        entry = unsafe { dereference(&raw const (*entry).next) };
    }
    None
}

/// Calls `visit` with each IPv4 address of a device and its prefix length.
///
/// In the order of `ip address`: primary ones first.
pub(crate) fn for_each_v4(
    device: &NetDevice,
    guard: &rcu::Guard,
    mut visit: impl FnMut([u8; 4], u8),
) {
    find_v4(device, guard, |address, prefix_len| {
        visit(address, prefix_len);
        None::<()>
    });
}

/// Calls `visit` with each IPv6 address of a device, its prefix length and its
/// [`flags`]; also with those that are tentative or failed.
pub(crate) fn for_each_v6(
    device: &NetDevice,
    guard: &rcu::Guard,
    mut visit: impl FnMut([u8; 16], u8, u32),
) {
    find_v6(device, guard, |address, prefix_len, flags| {
        visit(address, prefix_len, flags);
        None::<()>
    });
}

/// Calls `visit` with each IPv4 address of a device, its prefix length, and whether
/// it is a secondary one: there is an older one in the same subnet.
pub(crate) fn for_each_rank_v4(
    device: &NetDevice,
    guard: &rcu::Guard,
    mut visit: impl FnMut([u8; 4], u8, bool),
) {
    find_raw_v4(device, guard, |address| {
        // SAFETY: `find_raw_v4` gives addresses that are not freed meanwhile; the
        // flags may change, the others are constant.
        let (local, prefix_len, flags) = unsafe {
            (
                (*address).ifa_local,
                (*address).ifa_prefixlen,
                (&raw const (*address).ifa_flags).read_volatile(),
            )
        };
        let secondary = flags & bindings::IFA_F_SECONDARY != 0;
        visit(local.to_ne_bytes(), prefix_len, secondary);
        None::<()>
    });
}

/// Whether a device takes IPv6 addresses and routes.
pub(crate) fn is_enabled_v6(device: &NetDevice, _: &rcu::Guard) -> bool {
    // SAFETY: The device is valid, and the guard is of a read-side section.
    let in6_device = unsafe { bindings::__in6_dev_get(device.as_raw()) };
    if in6_device.is_null() {
        return false;
    }
    // SAFETY: The configuration is not freed in the read-side section; the setting may change.
    unsafe { (&raw const (*in6_device).cnf.disable_ipv6).read_volatile() == 0 }
}

/// The metric of the route for multicast that the kernel makes for a device, if it takes IPv6.
pub(crate) const MULTICAST_METRIC_V6: u32 = bindings::IP6_RT_PRIO_ADDRCONF;

/// What the kernel has done for an IPv6 address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RoutesV6 {
    /// The local route that it made is in the table.
    pub(crate) local: bool,
    /// It is about to make, or to put back, that route.
    pub(crate) local_to_come: bool,
    /// The metric of the route that it makes to the prefix, if it makes one.
    pub(crate) prefix_metric: Option<u32>,
}

/// Calls `visit` with each IPv6 address of a device, its prefix length, and the
/// routes that the kernel made for it.
///
/// While the RTNL is held by who adds an address, what is said may be over soon.
pub(crate) fn for_each_route_v6(
    device: &NetDevice,
    guard: &rcu::Guard,
    mut visit: impl FnMut([u8; 16], u8, RoutesV6),
) {
    find_raw_v6(device, guard, |address| {
        // SAFETY: Not freed before the guard is gone. The address and its prefix
        // are constant; the others change, and each is read once. The route is
        // freed a grace period after it was taken away.
        let (bytes, prefix_len, routes) = unsafe {
            let route = (&raw const (*address).rt).read_volatile();
            let flags = (&raw const (*address).flags).read_volatile();
            let state = (&raw const (*address).state).read_volatile();
            let metric = match (&raw const (*address).rt_priority).read_volatile() {
                0 => bindings::IP6_RT_PRIO_ADDRCONF,
                chosen => chosen,
            };
            let makes_prefix_route = flags & bindings::IFA_F_NOPREFIXROUTE == 0;
            let routes = RoutesV6 {
                local: !route.is_null()
                    && !(&raw const (*route).fib6_node).read_volatile().is_null(),
                local_to_come: state == bindings::INET6_IFADDR_STATE_PREDAD as kernel::ffi::c_int,
                prefix_metric: makes_prefix_route.then_some(metric),
            };
            (
                (*address).addr.in6_u.u6_addr8,
                (*address).prefix_len as u8,
                routes,
            )
        };
        visit(bytes, prefix_len, routes);
        None::<()>
    });
}

/// Says whether the kernel makes routes to the prefixes of a device's IPv6 addresses for
/// which `choose` says so. One that it has made stays. May be called in any context.
pub(crate) fn set_makes_prefix_route_v6(
    device: &NetDevice,
    guard: &rcu::Guard,
    makes: bool,
    mut choose: impl FnMut([u8; 16]) -> bool,
) {
    find_raw_v6(device, guard, |address| {
        // SAFETY: Not freed before the guard is gone; the address is constant, and no lock
        // of it is taken here.
        unsafe {
            if choose((*address).addr.in6_u.u6_addr8) {
                set_flag_v6(address, bindings::IFA_F_NOPREFIXROUTE, !makes);
            }
        }
        None::<()>
    });
}

/// The first IPv4 address of a device.
pub(crate) fn first_v4(device: &NetDevice, guard: &rcu::Guard) -> Option<[u8; 4]> {
    find_v4(device, guard, |address, _| Some(address))
}

/// The first link-local IPv6 address of a device that may be used as a source.
pub(crate) fn first_link_local_v6(device: &NetDevice, guard: &rcu::Guard) -> Option<[u8; 16]> {
    find_v6(device, guard, |address, _, flags| {
        let link_local = address[0] == 0xfe && address[1] & 0xc0 == 0x80;
        (link_local && flags & (flags::TENTATIVE | flags::DADFAILED) == 0).then_some(address)
    })
}

/// Whether a device has an IPv4 address.
pub(crate) fn has_v4(device: &NetDevice, guard: &rcu::Guard, wanted: [u8; 4]) -> bool {
    find_v4(device, guard, |address, _| {
        (address == wanted).then_some(())
    })
    .is_some()
}

/// A device of a namespace that has an IPv4 address.
pub(crate) fn owner_v4<'a>(
    namespace: &Namespace,
    address: [u8; 4],
    _: &'a rcu::Guard,
) -> Option<&'a NetDevice> {
    let address = u32::from_ne_bytes(address);
    // SAFETY: The namespace is valid, and the guard is of a read-side section.
    let device = unsafe { bindings::__ip_dev_find(namespace.as_raw(), address, false) };
    // SAFETY: A device that was just found stays for the read-side section.
    (!device.is_null()).then(|| unsafe { NetDevice::from_raw(device) })
}

/// A device of a namespace, in no VRF, that has an IPv6 address which may be used.
pub(crate) fn owner_v6<'a>(
    namespace: &Namespace,
    address: [u8; 16],
    _: &'a rcu::Guard,
) -> Option<&'a NetDevice> {
    let mut wanted = bindings::in6_addr::default();
    wanted.in6_u.u6_addr8 = address;
    // SAFETY: The namespace and the address are valid, and the guard is of a read-side section.
    let device =
        unsafe { bindings::ipv6_dev_find(namespace.as_raw(), &wanted, core::ptr::null_mut()) };
    // SAFETY: A device that was just found stays for the read-side section.
    (!device.is_null()).then(|| unsafe { NetDevice::from_raw(device) })
}

/// Whether a device has an IPv6 address, be it usable or not.
pub(crate) fn has_v6(device: &NetDevice, guard: &rcu::Guard, wanted: [u8; 16]) -> bool {
    find_v6(device, guard, |address, _, _| {
        (address == wanted).then_some(())
    })
    .is_some()
}

/// Whether a device has an IPv6 address that may be used as a source.
pub(crate) fn has_usable_v6(device: &NetDevice, guard: &rcu::Guard, wanted: [u8; 16]) -> bool {
    find_v6(device, guard, |address, _, flags| {
        (address == wanted && flags & flags::UNUSABLE == 0).then_some(())
    })
    .is_some()
}

/// Whether this host forwards the IPv4 packets that a device receives.
pub(crate) fn forwards_v4(device: &NetDevice, _: &rcu::Guard) -> bool {
    // SAFETY: The device is valid, and the guard is of a read-side section.
    let in_device = unsafe { bindings::__in_dev_get_rcu(device.as_raw()) };
    // SAFETY: The configuration is not freed in the read-side section.
    !in_device.is_null() && unsafe { bindings::in_dev_forward(in_device) }
}

/// Whether this host forwards the IPv6 packets that a device receives.
pub(crate) fn forwards_v6(device: &NetDevice, _: &rcu::Guard) -> bool {
    // SAFETY: The device is valid, and the guard is of a read-side section.
    let in6_device = unsafe { bindings::__in6_dev_get(device.as_raw()) };
    // SAFETY: The configuration is not freed in the read-side section.
    !in6_device.is_null() && unsafe { bindings::in6_dev_forwarding(in6_device) }
}

/// Sets a flag of an IPv6 address, or takes it back. Any context but hard interrupts.
///
/// # Safety
///
/// The address is valid, and its lock not held by who calls.
pub(super) unsafe fn set_flag_v6(address: *mut bindings::inet6_ifaddr, flag: u32, on: bool) {
    // SAFETY: As required; the lock protects the flags.
    unsafe {
        bindings::spin_lock_bh(&raw mut (*address).lock);
        if on {
            (*address).flags |= flag;
        } else {
            (*address).flags &= !flag;
        }
        bindings::spin_unlock_bh(&raw mut (*address).lock);
    }
}

/// Keeps the kernel from looking for duplicates of the IPv6 addresses that a device has. Any
/// context but hard interrupts, as long as no lock of an address is held.
pub(crate) fn set_no_dad(device: &NetDevice, guard: &rcu::Guard) {
    find_raw_v6(device, guard, |address| {
        // SAFETY: Not freed before the guard is gone; by the above, its lock is free for us.
        unsafe { set_flag_v6(address, bindings::IFA_F_NODAD, true) };
        None::<()>
    });
}

/// Whether the kernel makes link-local addresses for a device: somebody has undone
/// [`configure_shared_v6`].
pub(crate) fn generates_link_local(device: &NetDevice, _: &Rtnl) -> bool {
    const NONE: bindings::in6_addr_gen_mode = bindings::in6_addr_gen_mode_IN6_ADDR_GEN_MODE_NONE;
    // SAFETY: The device is valid, and RTNL held.
    let in6_device = unsafe { bindings::__in6_dev_get(device.as_raw()) };
    if in6_device.is_null() {
        return false;
    }
    // SAFETY: RTNL keeps the configuration, and writers away.
    unsafe { (*in6_device).cnf.addr_gen_mode as u32 != NONE }
}

/// Configures IPv6 for a device whose addresses others share: the kernel makes no
/// link-local address for it, nor any from a router's advertisement, nor a route from a
/// redirect, both of which everybody on the segment can send; and it takes no address from
/// it when it goes down, but link-local ones.
///
/// To be called again when the IPv6 configuration was made anew
/// ([`super::notifier::netdevice::Event::Register`], and an MTU that was below
/// 1280 for a while). Without IPv6 there is nothing to do.
pub(crate) fn configure_shared_v6(device: &NetDevice, _: &Rtnl) {
    // SAFETY: The device is valid, and RTNL held.
    let in6_device = unsafe { bindings::__in6_dev_get(device.as_raw()) };
    if !in6_device.is_null() {
        // SAFETY: RTNL keeps the configuration, and other writers away.
        unsafe {
            bindings::in6_dev_set_addr_gen_mode(
                in6_device,
                bindings::in6_addr_gen_mode_IN6_ADDR_GEN_MODE_NONE as kernel::ffi::c_int,
            );
            bindings::in6_dev_keep_addresses(in6_device);
            bindings::in6_dev_ignore_routers(in6_device);
        }
    }
}
