// SPDX-License-Identifier: GPL-2.0

//! Telling the segment where the virtual addresses are now, and answering who
//! asks for them.
//!
//! Softirq or process context. Frames go to the parent, finished, from the
//! virtual MAC (see [`super::advertise`] for why).

use super::{
    link::Carp,
    port::Port, //
};
use crate::{
    net::{
        arp_output,
        inet_device,
        link_device::Device,
        netdevice::NetDevice,
        rx_handler,
        skbuff::{
            EthernetHeader,
            Packet, //
        }, //
    },
    proto::{
        virtual_mac,
        Arp,
        State,
        Vhid,
        ARP_LEN, //
    }, //
};
use kernel::{
    prelude::*,
    sync::rcu, //
};

const BROADCAST: [u8; 6] = [0xff; 6];

/// `ETH_P_ARP` in host order.
pub(super) const ETHERTYPE_ARP: u16 = 0x0806;

/// Sends a gratuitous ARP for each IPv4 address of the group.
pub(super) fn all(device: &Device<Carp>, parent: &NetDevice, vhid: Vhid) {
    inet_device::for_each_v4(device, &rcu::read_lock(), |address, _| {
        announce(device, parent, vhid, address);
    });
}

/// Sends a gratuitous ARP for an address that has come to a MASTER.
pub(super) fn one(device: &Device<Carp>, address: [u8; 4]) {
    let place = {
        let machine = device.private().machine.lock();
        match machine.core.state() {
            State::Master => machine.port.clone().zip(machine.vhid),
            State::Init | State::Backup => None,
        }
    };
    if let Some((port, vhid)) = place {
        announce(device, port.parent(), vhid, address);
    }
}

fn announce(device: &Device<Carp>, parent: &NetDevice, vhid: Vhid, address: [u8; 4]) {
    let announcement = Arp::announcement(vhid, address);
    let counters = &device.private().counters;
    match send(parent, vhid, BROADCAST, &announcement) {
        Ok(()) => counters.announcements.increment(),
        Err(_) => counters.send_errors.increment(),
    }
}

/// Answers a request for an address of the group.
pub(super) fn answer(device: &Device<Carp>, parent: &NetDevice, vhid: Vhid, request: &Arp) {
    let answer = request.answer(vhid);
    let counters = &device.private().counters;
    match send(parent, vhid, request.sender_mac, &answer) {
        Ok(()) => counters.arp_replies.increment(),
        Err(_) => counters.send_errors.increment(),
    }
}

/// What the stack of a parent asks by ARP.
pub(crate) struct Solicitations;

impl arp_output::Handler for Solicitations {
    /// An answer from a virtual address leaves through the parent, and to find the
    /// client the stack asks in the name of that address, but with the parent's
    /// own MAC, as a BACKUP's stack may too. Clients would believe it, and lose
    /// the address with this host. It asks in the name of the parent's own address
    /// instead, or of none, as a probe does.
    fn output(device: &NetDevice, packet: &[u8; ARP_LEN]) -> Option<[u8; ARP_LEN]> {
        let guard = rcu::read_lock();
        let port = rx_handler::attached::<Port>(device, &guard)?;
        let packet = Arp::parse(packet)?;
        let virtual_only =
            port.owns(packet.sender) && !inet_device::has_v4(device, &guard, packet.sender);
        virtual_only.then(|| {
            let sender = inet_device::first_v4(device, &guard).unwrap_or_default();
            Arp { sender, ..packet }.emit()
        })
    }
}

fn send(parent: &NetDevice, vhid: Vhid, destination: [u8; 6], packet: &Arp) -> Result {
    let ethernet = EthernetHeader {
        destination,
        source: virtual_mac(vhid),
        protocol: ETHERTYPE_ARP,
    };
    Packet::frame(parent, &ethernet, &[&packet.emit()])?.transmit()
}
