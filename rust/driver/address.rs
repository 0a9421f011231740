// SPDX-License-Identifier: GPL-2.0

//! Addresses that come to, and go from, groups and parents.
//!
//! IPv4: process context with the RTNL held. IPv6: softirq or process context,
//! nothing may sleep.

use super::{
    announce,
    conditions,
    events,
    link::Carp,
    log,
    parent,
    port::Port,
    routes, //
};
use crate::{
    net::{
        inet_device,
        link_device::Device,
        namespace::Namespace,
        netdevice::NetDevice,
        notifier::{
            inet6addr::{
                self,
                Inet6Address, //
            },
            inet6addr_validator::{
                self,
                Origin, //
            },
            inetaddr::{
                self,
                AddressEvent,
                InetAddress, //
            }, //
        },
        rtnl::Rtnl,
        rx_handler, //
    },
    proto::ownership::Ip,
};
use kernel::{
    prelude::*,
    sync::rcu, //
};

/// Watches addresses before the routing table does.
pub(crate) struct Watch;

impl inetaddr::Handler for Watch {
    /// Before the routing table's own, which is at 0.
    const PRIORITY: c_int = 1000;

    fn event(device: &NetDevice, address: &mut InetAddress, event: AddressEvent, rtnl: &Rtnl) {
        if let Some(group) = Device::<Carp>::downcast(device) {
            if event == AddressEvent::Up {
                // The route to the subnet is the parent's: with one of our own,
                // strict reverse path filters drop what comes in on the parent. First
                // of all, as routes are made anew when the parent that is found is in
                // a VRF.
                address.set_no_prefix_route();
                parent::adopt(group, Ip::V4(address.address()), rtnl);
            }
            events::note_change(group);
            match event {
                AddressEvent::Up => conditions::refresh_addresses(group),
                AddressEvent::Down => conditions::refresh_addresses_after_loss(group),
            }
            routes::changed(group);
            if event == AddressEvent::Up {
                announce::one_v4(group, address.address());
            }
            return;
        }
        routes::own_address_changed(device, Ip::V4(address.address()));
        if let Some(port) = Port::of(device, rtnl) {
            // Advertisements come from another address now.
            conditions::refresh_all(&port);
        }
    }
}

impl inet6addr_validator::Handler for Watch {
    fn expected(device: &NetDevice, address: [u8; 16], origin: Origin, rtnl: &Rtnl) -> Result {
        let Some(group) = Device::<Carp>::downcast(device) else {
            return Ok(());
        };
        routes::expect_v6(group);
        let address = Ip::V6(address);
        if origin == Origin::Other
            && address.is_link_local()
            && inet_device::generates_link_local(group, rtnl)
        {
            log::not_generated(group, address);
            return Err(EADDRNOTAVAIL);
        }
        parent::adopt(group, address, rtnl);
        Ok(())
    }
}

impl inet6addr::Handler for Watch {
    const PRIORITY: c_int = 1000;

    fn event(device: &NetDevice, address: &Inet6Address, event: AddressEvent) {
        if let Some(group) = Device::<Carp>::downcast(device) {
            if event == AddressEvent::Up {
                // All hosts of the group have it: whoever asks, is answered.
                address.set_no_dad();
            }
            if event == AddressEvent::Down {
                routes::doubt_prefix_v6(group, address.address(), address.prefix_len());
            }
            events::note_change(group);
            conditions::refresh_addresses(group);
            routes::changed(group);
            if event == AddressEvent::Up {
                announce::one_v6(group, address.address());
            }
            return;
        }
        routes::own_address_changed(device, Ip::V6(address.address()));
        if let Some(port) = rx_handler::attached::<Port>(device, &rcu::read_lock()) {
            conditions::refresh_all(port);
        }
    }
}

/// Whether this host has an address whatever becomes of the groups that are elsewhere: a device
/// in the same table has it for itself, and may use it, or as that of a group that is MASTER
/// here. Any context.
pub(super) fn is_here(
    namespace: &Namespace,
    address: Ip,
    table: Option<u32>,
    guard: &rcu::Guard,
) -> bool {
    let mut found = false;
    NetDevice::for_each_rcu(namespace, guard, |device| {
        // A group's list of addresses can be long, and need not be read if it is elsewhere.
        found = found
            || Device::<Carp>::downcast(device).is_none_or(|group| group.private().is_master())
                && device.vrf_table(guard) == table
                && has_usable(device, address, guard);
    });
    found
}

/// The first group in a table whose device has an address, wherever that is now. Any context.
pub(super) fn group_with<'a>(
    namespace: &Namespace,
    address: Ip,
    table: Option<u32>,
    guard: &'a rcu::Guard,
) -> Option<&'a Device<Carp>> {
    let mut found = None;
    NetDevice::for_each_rcu(namespace, guard, |device| {
        if found.is_none() && device.vrf_table(guard) == table && has_usable(device, address, guard)
        {
            found = Device::<Carp>::downcast(device);
        }
    });
    found
}

/// Whether a device has an address that may be used. Any context.
pub(super) fn has_usable(device: &NetDevice, address: Ip, guard: &rcu::Guard) -> bool {
    match address {
        Ip::V4(bytes) => inet_device::has_v4(device, guard, bytes),
        Ip::V6(bytes) => inet_device::has_usable_v6(device, guard, bytes),
    }
}
