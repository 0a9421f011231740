// SPDX-License-Identifier: GPL-2.0

//! Telling the segment where the virtual addresses are now, and answering who
//! asks for them.
//!
//! Softirq or process context. Frames go to the parent, finished, from the
//! virtual MAC, or what hides it (see [`super::advertise`] for why).

use super::{
    counters::{
        Counter,
        Counters, //
    },
    ethertype::{
        ETHERTYPE_ARP,
        ETHERTYPE_IPV6, //
    },
    link::Carp,
    network,
    port::Port, //
};
use crate::{
    net::{
        inet_device,
        link_device::Device,
        netdevice::NetDevice,
        rx_handler::Shared,
        skbuff::{
            EthernetHeader,
            Packet, //
        }, //
    },
    proto::{
        neighbour::{
            Advertisement,
            Solicitation,
            ALL_NODES_MAC,
            IPV6_LEN, //
        },
        Arp,
        Balancing,
        Identity,
        State,
        VhidSet, //
    }, //
};
use kernel::{
    prelude::*,
    sync::rcu, //
};

const BROADCAST: [u8; 6] = [0xff; 6];

/// Announces each address of the group: by a gratuitous ARP, by an unsolicited
/// neighbour advertisement. Not those that it shares: see [`is_balanced`]. Of a group with
/// several nodes, none: its virtual MAC is no place that changes, and no switch is to learn
/// of one.
pub(super) fn all(device: &Device<Carp>, port: &Port, identity: Identity) {
    if identity.balancing != Balancing::None {
        return;
    }
    let guard = rcu::read_lock();
    inet_device::for_each_v4(device, &guard, |address, _| {
        announce_v4(device, port, identity, address);
    });
    let router = inet_device::forwards_v6(port.parent(), &guard);
    inet_device::for_each_v6(device, &guard, |address, _, _| {
        announce_v6(device, port, identity, address, router);
    });
}

/// Whether clients are spread over several groups that have an address, `owners`.
/// Then nothing may be said of it to all of them: everybody who hears it would go to
/// one group, and need not be told, as the virtual MAC of each is where it was. Where
/// that is now, switches learn from advertisements. A group that does not run here
/// counts, as it may on another host.
fn is_balanced(port: &Port, owners: VhidSet) -> bool {
    owners.len() > 1 && network::balance(port.parent().namespace()).is_some()
}

/// Announces the addresses of a MASTER again: the way to the parent is another.
pub(super) fn again(device: &Device<Carp>) {
    if let Some((port, identity)) = where_master(device) {
        all(device, &port, identity);
    }
}

/// Announces an IPv4 address that has come to a MASTER.
pub(super) fn one_v4(device: &Device<Carp>, address: [u8; 4]) {
    if let Some((port, identity)) = where_master(device) {
        announce_v4(device, &port, identity, address);
    }
}

/// Announces an IPv6 address that has come to a MASTER.
pub(super) fn one_v6(device: &Device<Carp>, address: [u8; 16]) {
    if let Some((port, identity)) = where_master(device) {
        let router = inet_device::forwards_v6(port.parent(), &rcu::read_lock());
        announce_v6(device, &port, identity, address, router);
    }
}

/// The place of a group of which this host announces addresses now.
fn where_master(device: &Device<Carp>) -> Option<(Shared<Port>, Identity)> {
    let machine = device.private().machine.lock();
    let identity = machine.identity()?;
    let announces = machine.nodes.state() == State::Master && identity.balancing == Balancing::None;
    machine
        .port
        .clone()
        .filter(|_| announces)
        .map(|port| (port, identity))
}

/// Unless this host is MASTER no more: no lock is held, and of many addresses the last one
/// is announced long after the first.
fn announce_v4(device: &Device<Carp>, port: &Port, identity: Identity, address: [u8; 4]) {
    if !port.is_master_of(identity.leader) || is_balanced(port, port.owners_v4(address)) {
        return;
    }
    let announcement = Arp::announcement(identity.mac(), address);
    let sent = send_arp(port.parent(), identity, BROADCAST, &announcement);
    count(device, sent, |counters| &counters.announcements);
}

/// As [`announce_v4`].
fn announce_v6(
    device: &Device<Carp>,
    port: &Port,
    identity: Identity,
    address: [u8; 16],
    router: bool,
) {
    if !port.is_master_of(identity.leader) || is_balanced(port, port.owners_v6(address)) {
        return;
    }
    let announcement = Advertisement::announcement(identity.mac(), address, router);
    let sent = send_advertisement(port.parent(), identity, ALL_NODES_MAC, &announcement);
    count(device, sent, |counters| &counters.announcements);
}

/// Answers an ARP request for an address of the group.
pub(super) fn answer_v4(device: &Device<Carp>, parent: &NetDevice, request: &Arp) {
    let Some(identity) = device.private().identity() else {
        return;
    };
    let answer = request.answer(identity.mac());
    let sent = send_arp(parent, identity, request.sender_mac, &answer);
    count(device, sent, |counters| &counters.arp_replies);
}

/// Answers a neighbour solicitation for an address of the group. It came from `source_mac`.
pub(super) fn answer_v6(
    device: &Device<Carp>,
    port: &Port,
    solicitation: &Solicitation,
    source_mac: [u8; 6],
) {
    let Some(identity) = device.private().identity() else {
        return;
    };
    let router = inet_device::forwards_v6(port.parent(), &rcu::read_lock());
    let mut answer = solicitation.answer(identity.mac(), router);
    // Who wants to have the address is told so in public.
    answer.overrides &= answer.solicited || !is_balanced(port, port.owners_v6(answer.target));
    let destination = if answer.solicited {
        solicitation.source_mac.unwrap_or(source_mac)
    } else {
        ALL_NODES_MAC
    };
    let sent = send_advertisement(port.parent(), identity, destination, &answer);
    count(device, sent, |counters| &counters.nd_replies);
}

fn count(device: &Device<Carp>, sent: Result, counter: fn(&Counters) -> &Counter) {
    let counters = &device.private().counters;
    match sent {
        Ok(()) => counter(counters).increment(),
        Err(_) => counters.send_errors.increment(),
    }
}

fn send_arp(parent: &NetDevice, identity: Identity, destination: [u8; 6], packet: &Arp) -> Result {
    let ethernet = EthernetHeader {
        destination,
        source: identity.source(parent.address()),
        protocol: ETHERTYPE_ARP,
    };
    Packet::frame(parent, &ethernet, &[&packet.emit()])?.transmit()
}

fn send_advertisement(
    parent: &NetDevice,
    identity: Identity,
    destination: [u8; 6],
    advertisement: &Advertisement,
) -> Result {
    let ethernet = EthernetHeader {
        destination,
        source: identity.source(parent.address()),
        protocol: ETHERTYPE_IPV6,
    };
    let packet = advertisement.emit();
    let (header, message) = packet.split_at(IPV6_LEN);
    Packet::frame(parent, &ethernet, &[header, message])?.transmit()
}
