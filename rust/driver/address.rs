// SPDX-License-Identifier: GPL-2.0

//! Addresses that come to, and go from, groups and parents.
//!
//! IPv4: process context with the RTNL held. IPv6: softirq or process context,
//! nothing may sleep.

use super::{
    announce,
    conditions,
    link::Carp,
    parent,
    port::Port, //
};
use crate::net::{
    extended_ack::ExtendedAck,
    link_device::Device,
    netdevice::NetDevice,
    notifier::{
        inet6addr::{
            self,
            Inet6Address, //
        },
        inetaddr::{
            self,
            AddressEvent,
            InetAddress, //
        }, //
    },
    rtnl::Rtnl,
    rx_handler, //
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
                adopt_parent(group, address.address(), rtnl);
                // The route to the subnet is the parent's: with one of our own,
                // strict reverse path filters drop what comes in on the parent.
                if parent_has_subnet(group, address.address()) {
                    address.set_no_prefix_route();
                }
            }
            conditions::refresh_addresses(group);
            if event == AddressEvent::Up {
                announce::one_v4(group, address.address());
            }
        } else if let Some(port) = Port::of(device, rtnl) {
            // Advertisements come from another address now.
            conditions::refresh_all(&port);
        }
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
            conditions::refresh_addresses(group);
            if event == AddressEvent::Up {
                announce::one_v6(group, address.address());
            }
        } else if let Some(port) = rx_handler::attached::<Port>(device, &rcu::read_lock()) {
            conditions::refresh_all(port);
        }
    }
}

fn parent_has_subnet(group: &Device<Carp>, address: [u8; 4]) -> bool {
    let parent = group.private().parent.get();
    parent.is_some_and(|parent| parent::subnet_of(parent, address).is_some())
}

/// Finds a parent for a group that was made without one.
fn adopt_parent(group: &Device<Carp>, address: [u8; 4], rtnl: &Rtnl) {
    if group.private().machine.lock().port.is_some() {
        return;
    }
    let Some(found) = parent::find(group, address, rtnl) else {
        return;
    };
    let vhid = group.private().machine.lock().vhid;
    let taken = Port::of(&found, rtnl)
        .zip(vhid)
        .is_some_and(|(port, vhid)| port.has_other(vhid, group));
    if taken || parent::attach(group, &found, None, &mut ExtendedAck::none(), rtnl).is_err() {
        pr_warn!("{}: cannot use {} as parent\n", **group, *found);
    }
}
