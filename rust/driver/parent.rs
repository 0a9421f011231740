// SPDX-License-Identifier: GPL-2.0

//! The device under a group: choosing it, joining it, and what happens to it.
//!
//! Process context with the RTNL held.

use super::{
    announce,
    arrangement::Arrangement,
    bridge,
    conditions,
    events,
    inherit,
    link::Carp,
    port::Port,
    routes,
    vrf, //
};
use crate::{
    net::{
        extended_ack::ExtendedAck,
        inet_device,
        link_device::Device,
        macvlan::Share,
        netdevice::NetDevice,
        notifier::netdevice::{
            Event,
            Handler, //
        },
        rtnl::Rtnl,
        rx_handler, //
    },
    proto::ownership::{
        Ip,
        Prefixed, //
    }, //
};
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        rcu, //
    }, //
};

/// Checks whether a device can be a parent, changing nothing.
///
/// # Errors
///
/// `EINVAL` for a device of the wrong kind, `EBUSY` for one whose frames go
/// elsewhere, each with a sentence.
pub(super) fn check(parent: &NetDevice, ack: &mut ExtendedAck, rtnl: &Rtnl) -> Result {
    if parent.is_loopback() {
        return Err(ack.refuse(c"the parent cannot be the loopback device", EINVAL));
    }
    if Device::<Carp>::downcast(parent).is_some() {
        return Err(ack.refuse(c"the parent cannot be a carp device itself", EINVAL));
    }
    if !parent.is_ethernet() {
        return Err(ack.refuse(c"the parent must be an Ethernet device", EINVAL));
    }
    check_share(parent, ack, rtnl)?;
    if parent.is_unregistering(rtnl) {
        return Err(ack.refuse(c"the parent is being deleted", ENODEV));
    }
    if rx_handler::is_busy(parent, rtnl) && Port::of(parent, rtnl).is_none() {
        return Err(match parent.frame_taker(rtnl) {
            Some(upper) => ack.refuse_with(
                fmt!("the parent's frames are taken already, by {upper}"),
                EBUSY,
            ),
            None => ack.refuse(
                c"the parent's frames are taken already, by another driver",
                EBUSY,
            ),
        });
    }
    Ok(())
}

/// Checks whether frames to the virtual MAC come by a device. A group on one to which they do
/// not come would be MASTER, and answer for addresses at which nobody is.
fn check_share(parent: &NetDevice, ack: &mut ExtendedAck, rtnl: &Rtnl) -> Result {
    // A device on another gets what comes by that one.
    for device in parent.with_below() {
        return Err(match device.share(rtnl) {
            Some(Share::OwnMac) => ack.refuse_with(
                fmt!("{device} is a macvlan: it hears its own MAC only, but in passthru mode"),
                EINVAL,
            ),
            Some(Share::OwnAddresses) => ack.refuse_with(
                fmt!("{device} is an ipvlan: it hears its own IP addresses only"),
                EINVAL,
            ),
            Some(Share::Opened) => ack.refuse_with(
                fmt!("{device} is a macvtap: its frames are for who opens it"),
                EINVAL,
            ),
            None => continue,
        });
    }
    Ok(())
}

/// Puts a group on a parent, with other nodes if they are given. All or nothing.
///
/// # Errors
///
/// As [`check`], and `ENOMEM`, `EMLINK`.
pub(super) fn attach(
    device: &Device<Carp>,
    parent: &NetDevice,
    arrangement: Option<Arrangement>,
    ack: &mut ExtendedAck,
    rtnl: &Rtnl,
) -> Result {
    check(parent, ack, rtnl)?;
    let group = device.private();
    let arrangement = match arrangement {
        Some(given) => Some(given),
        None => Arrangement::present(device)?,
    };
    let port = Port::join(parent, device, ack, rtnl)?;
    if let Some(mut arrangement) = arrangement {
        arrangement
            .reserve(None, &port, rtnl)
            .inspect_err(|_| port.leave(device, rtnl))?;
        arrangement.settle(device, Some(&port), rtnl);
    }
    group.machine.lock().port = Some(port);
    group.parent.fill(parent);
    inherit::follow(device, parent, rtnl);
    vrf::follow(device, parent, rtnl);
    if device.is_running() {
        device.share_filter(parent, rtnl);
    }
    conditions::refresh_addresses(device);
    routes::changed(device);
    Ok(())
}

/// Takes a group off its parent, if it has one. It is on its way out then, and
/// gets no other.
pub(super) fn detach(device: &Device<Carp>, rtnl: &Rtnl) {
    let group = device.private();
    let Some(port) = group.machine.lock().port.take() else {
        return;
    };
    conditions::refresh(device);
    bridge::forget(device, port.parent(), rtnl);
    device.unshare_filter(port.parent(), rtnl);
    port.leave(device, rtnl);
}

/// Finds a parent for a group that was made without one, before it gets an address:
/// the device in a subnet of whose own the address is, the smallest such subnet if
/// there are several.
pub(super) fn adopt(group: &Device<Carp>, address: Ip, rtnl: &Rtnl) {
    let nodes = {
        let machine = group.private().machine.lock();
        if machine.port.is_some() {
            return;
        }
        machine.nodes.list()
    };
    let Some(found) = find(group, address, rtnl) else {
        return;
    };
    let taken = Port::of(&found, rtnl)
        .zip(nodes)
        .and_then(|(port, nodes)| port.first_taken(&nodes.vhids(), group));
    if let Some(vhid) = taken {
        pr_warn!(
            "{}: cannot use {} as parent: vhid {} is used already on it\n",
            **group,
            *found,
            vhid.get(),
        );
        return;
    }
    match attach(group, &found, None, &mut ExtendedAck::none(), rtnl) {
        Ok(()) => events::changed(group),
        Err(error) => pr_warn!(
            "{}: cannot use {} as parent: {:?}\n",
            **group,
            *found,
            error,
        ),
    }
}

fn find(device: &Device<Carp>, address: Ip, rtnl: &Rtnl) -> Option<ARef<NetDevice>> {
    let mut best: Option<(u8, ARef<NetDevice>)> = None;
    let _ = NetDevice::find(device.namespace(), rtnl, |candidate| -> Option<()> {
        if check(candidate, &mut ExtendedAck::none(), rtnl).is_ok() {
            if let Some(prefix_len) = subnet_of(candidate, address) {
                if best.as_ref().is_none_or(|(other, _)| *other < prefix_len) {
                    best = Some((prefix_len, ARef::from(candidate)));
                }
            }
        }
        None
    });
    best.map(|(_, parent)| parent)
}

/// The length of the prefix of the smallest subnet of a device's own that has an
/// address; a single address is no subnet, and the one that every link has is that
/// of none.
fn subnet_of(device: &NetDevice, address: Ip) -> Option<u8> {
    if address.is_link_local() {
        return None;
    }
    let wanted = Prefixed::single(address);
    let mut found: Option<u8> = None;
    let mut look_at = |address, prefix_len| {
        let own = Prefixed {
            address,
            prefix_len,
        };
        if own.covers(wanted) {
            found = found.max(Some(prefix_len));
        }
    };
    let guard = rcu::read_lock();
    match address {
        Ip::V4(_) => inet_device::for_each_v4(device, &guard, |own, prefix_len| {
            look_at(Ip::V4(own), prefix_len);
        }),
        Ip::V6(_) => inet_device::for_each_v6(device, &guard, |own, prefix_len, _| {
            look_at(Ip::V6(own), prefix_len);
        }),
    }
    found
}

/// Takes a group off a parent that goes.
fn lose(device: &Device<Carp>, rtnl: &Rtnl) {
    events::parent_lost(device);
    detach(device, rtnl);
}

fn follow_all(port: &Port, rtnl: &Rtnl) {
    for device in port.each_group() {
        inherit::follow(&device, port.parent(), rtnl);
    }
}

/// There is nobody to refuse it to, and the next event of the parent tries again.
fn follow_families(port: &Port, rtnl: &Rtnl) {
    if port.follow_families(rtnl).is_err() {
        pr_err!("{}: out of memory, cannot hear CARP\n", *port.parent());
    }
}

fn announce_all_again(port: &Port) {
    for device in port.each_group() {
        announce::again(&device);
    }
}

/// Looks again whether frames can be sent and received, after an event of the parent or of a
/// device that it is on.
fn follow_link(port: &Port, event: Event) {
    match event {
        Event::Up => port.set_going_down(false),
        // The last moment at which a bow-out leaves.
        Event::GoingDown => port.set_going_down(true),
        Event::Down | Event::Change => {}
        _ => return,
    }
    conditions::refresh_all(port);
}

/// A VLAN goes down after the device that it is on, or not at all if it is bound loosely, and
/// has no event if that one is up again soon. A macvlan stays up.
fn follow_link_above(below: &NetDevice, event: Event, rtnl: &Rtnl) {
    below.for_each_above(rtnl, &mut |above, rtnl| {
        if let Some(port) = Port::of(above, rtnl) {
            follow_link(&port, event);
        }
    });
}

/// What happens to parents.
pub(crate) struct Watch;

impl Handler for Watch {
    /// Groups are a matter of Ethernet: of its addresses, and of how long they are.
    fn may_change_type(parent: &NetDevice, rtnl: &Rtnl) -> bool {
        Port::of(parent, rtnl).is_none()
    }

    fn event(parent: &NetDevice, event: Event, rtnl: &Rtnl) {
        routes::device_changed(parent, event, rtnl);
        if let Some(device) = Device::<Carp>::downcast(parent) {
            // Carrier, which tells of mastership.
            if matches!(event, Event::Change | Event::Up | Event::Down) {
                bridge::follow(device, rtnl);
            }
            if event == Event::ChangeName {
                events::changed(device);
            }
            return;
        }
        if event == Event::Change {
            bridge::changed(parent, rtnl);
        }
        follow_link_above(parent, event, rtnl);
        let Some(port) = Port::of(parent, rtnl) else {
            return;
        };
        match event {
            Event::Up => {
                follow_families(&port, rtnl);
                follow_link(&port, event);
            }
            Event::GoingDown | Event::Down => follow_link(&port, event),
            // Carrier, or one of the limits for which there is no event.
            Event::Change => {
                follow_link(&port, event);
                follow_all(&port, rtnl);
            }
            Event::ChangeName => port
                .each_group()
                .for_each(|device| events::changed(&device)),
            Event::FeatChange => follow_all(&port, rtnl),
            Event::ChangeMtu => {
                follow_families(&port, rtnl);
                follow_all(&port, rtnl);
            }
            // Another slave of a bond, another host of a virtual machine: switches
            // have to learn where the virtual MAC is now.
            Event::BondingFailover | Event::NotifyPeers | Event::ChangeAddr => {
                announce_all_again(&port);
            }
            // All that a bridge hands on of the same at one of its ports.
            Event::ResendIgmp if parent.with_below().any(NetDevice::is_bridge) => {
                announce_all_again(&port);
            }
            Event::ChangeUpper => {
                for device in port.each_group() {
                    vrf::follow(&device, parent, rtnl);
                }
            }
            // Deleted, or on its way to another namespace: a group is a matter
            // of one segment and goes with its parent.
            Event::Unregister => {
                let groups = port.groups();
                for device in &groups {
                    lose(device, rtnl);
                }
                Device::unregister_all(&groups, rtnl);
                // If there was no memory for the list of them all.
                while let Some(device) = port.first_group() {
                    lose(&device, rtnl);
                    Device::unregister_all(&[device], rtnl);
                }
            }
            _ => {}
        }
    }
}
