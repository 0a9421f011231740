// SPDX-License-Identifier: GPL-2.0

//! Whether a group can run: what is set, what is up, which addresses it has.
//!
//! Looked at anew whenever anything of it may have changed, in process context
//! and, for IPv6 addresses, in softirq context. Nothing sleeps.

use super::{
    digest::Digests,
    group::{
        self,
        Machine,
        Outcome, //
    },
    link::Carp,
    network,
    port::Port,
    reboot, //
};
use crate::{
    net::{
        inet_device,
        link_device::Device,
        namespace::Namespace,
        netdevice::NetDevice,
        ratelimit::net_ratelimit,
        rtnl::Rtnl,
        rx_handler::Shared,
        timer, //
    },
    proto::{
        Event,
        Families,
        Missing,
        NodeList,
        State, //
    }, //
};
use kernel::{
    prelude::*,
    sync::rcu, //
};

/// How long a group waits for memory, or for its last address: less than the shortest interval.
const PAUSE_NS: u64 = 2_000_000;

/// Looks at the conditions of a group and tells its machine.
pub(super) fn refresh(device: &Device<Carp>) {
    group::each_node(device, |machine, place| update(machine, device, place));
}

/// As [`refresh`], after the vhid, the parent or an address changed: the parent
/// also has to know whose addresses are whose.
pub(super) fn refresh_addresses(device: &Device<Carp>) {
    refresh(device);
    note_addresses(device);
}

fn note_addresses(device: &Device<Carp>) {
    let port = device.private().machine.lock().port.clone();
    if port.is_some_and(|port| port.note_addresses(device).is_err()) {
        try_again_soon(device);
    }
}

/// As [`refresh_addresses`], after an IPv4 address went. If it was the last one it may be back at
/// once: an ioctl that sets its mask or its broadcast address (ifconfig) takes it away meanwhile,
/// for which a MASTER need not step down. What asks for it is not answered from now on.
pub(super) fn refresh_addresses_after_loss(device: &Device<Carp>) {
    if device.is_running() && families(device).is_empty() {
        look_again_soon(device);
        note_addresses(device);
    } else {
        refresh_addresses(device);
    }
}

/// There was no memory for a list of addresses. Nobody who could be told waits
/// for it: the change is made already.
fn try_again_soon(device: &Device<Carp>) {
    if net_ratelimit() {
        pr_err!("{}: out of memory for the list of addresses\n", **device);
    }
    look_again_soon(device);
}

fn look_again_soon(device: &Device<Carp>) {
    let at = timer::now().saturating_add(PAUSE_NS);
    device.start_timer(|timers| &timers.look_again, at);
}

/// Has those nodes of a group leave the hosts of their vhids that are not in a list, before
/// they go or get another vhid.
pub(super) fn leave_others(device: &Device<Carp>, list: &NodeList) {
    let leave = Event::Conditions {
        missing: Missing::VHID,
        families: Families::NONE,
    };
    group::each_node(device, |machine, place| {
        let vhid = machine.nodes.get(place).and_then(|node| node.vhid);
        let stays = vhid.is_some_and(|vhid| list.get(vhid).is_some());
        if stays {
            [None]
        } else {
            [Some(machine.step(device, place, leave))]
        }
    });
}

/// Looks at the conditions of all groups of a parent.
pub(super) fn refresh_all(port: &Port) {
    for device in port.each_group() {
        refresh(&device);
    }
}

/// Looks at the conditions of all groups of a namespace. Process context.
pub(super) fn refresh_namespace(namespace: &Namespace, rtnl: &Rtnl) {
    let _ = NetDevice::find(namespace, rtnl, |device| -> Option<()> {
        if let Some(device) = Device::<Carp>::downcast(device) {
            refresh(device);
        }
        None
    });
}

/// Whether this host is MASTER of any group of a namespace. Process context.
pub(super) fn any_master(namespace: &Namespace, rtnl: &Rtnl) -> bool {
    let found = NetDevice::find(namespace, rtnl, |device| {
        Device::<Carp>::downcast(device).filter(|device| device.has_carrier())
    });
    found.is_some()
}

/// The steps of a node, in an order in which each advertisement is signed with the
/// addresses that its receivers know. What is looked at is the same for all nodes, but may
/// have changed since the one before had its turn.
fn update(machine: &mut Machine, device: &Device<Carp>, place: usize) -> [Option<Outcome>; 2] {
    let preempt = Event::Preempt(network::preempt(device.namespace()));
    machine.learn_sources();
    let (mut missing, mut families) = missing(machine, device);
    let mut addresses = None;
    // A group that does not run needs no list, and no memory for it.
    if missing.is_empty() {
        match Addresses::of(device) {
            Ok(found) => addresses = Some(found),
            Err(_) => {
                try_again_soon(device);
                // One that runs goes on with the addresses that it had.
                if machine.nodes.get(place).map(|node| node.core.state()) == Some(State::Init) {
                    missing = Missing::ADDRESS;
                    families = Families::NONE;
                }
            }
        }
    }
    if let Some(addresses) = &mut addresses {
        let Machine { nodes, key, .. } = machine;
        if let Some(node) = nodes.get_mut(place) {
            let (v4, v6) = (&mut addresses.v4, &mut addresses.v6);
            node.digests = node
                .vhid
                .map(|vhid| Digests::new(key.prepared(), vhid, v4, v6));
        }
    }
    // Before others are told that the group runs.
    if let (Some(port), Some(vhid)) = (&machine.port, machine.nodes.leader().vhid) {
        port.set_balance_keys(vhid, machine.key.balance(vhid));
    }
    // A bow-out is signed with what the others know; the digests stay.
    let first = machine.step(device, place, Event::Conditions { missing, families });
    machine.publish(device);
    [Some(first), Some(machine.step(device, place, preempt))]
}

/// What keeps a group from running, and the families that it has addresses of.
fn missing(machine: &Machine, device: &Device<Carp>) -> (Missing, Families) {
    let port: Option<&Shared<Port>> = machine.port.as_ref();
    let families = families(device);
    let missing = [
        (machine.nodes.leader().vhid.is_some(), Missing::VHID),
        (port.is_some(), Missing::PARENT),
        (!families.is_empty(), Missing::ADDRESS),
        (
            device.is_running() && !reboot::is_shutting_down(),
            Missing::DEVICE_UP,
        ),
        (port.is_none_or(|port| port.is_up()), Missing::PARENT_UP),
        (port.is_none_or(|port| port.has_carrier()), Missing::CARRIER),
        (network::allowed(device.namespace()), Missing::ALLOWED),
    ]
    .into_iter()
    .filter(|(fulfilled, _)| !fulfilled)
    .fold(Missing::NONE, |all, (_, one)| all.union(one));
    (missing, families)
}

fn families(device: &NetDevice) -> Families {
    let guard = rcu::read_lock();
    let mut families = Families::NONE;
    inet_device::for_each_v4(device, &guard, |_, _| families.v4 = true);
    inet_device::for_each_v6(device, &guard, |_, _, _| families.v6 = true);
    families
}

/// The virtual addresses of a group.
struct Addresses {
    v4: KVec<[u8; 4]>,
    v6: KVec<[u8; 16]>,
}

impl Addresses {
    /// Those that the device has now. Allocates, without sleeping.
    fn of(device: &NetDevice) -> Result<Self> {
        let guard = rcu::read_lock();
        let mut addresses = Self {
            v4: KVec::new(),
            v6: KVec::new(),
        };
        let mut filled = Ok(());
        inet_device::for_each_v4(device, &guard, |address, _| {
            filled = filled.and(addresses.v4.push(address, GFP_ATOMIC));
        });
        inet_device::for_each_v6(device, &guard, |address, _, _| {
            filled = filled.and(addresses.v6.push(address, GFP_ATOMIC));
        });
        filled?;
        Ok(addresses)
    }
}
