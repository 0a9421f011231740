// SPDX-License-Identifier: GPL-2.0

//! Telling the segment where the virtual addresses are now, and answering who
//! asks for them.
//!
//! Softirq or process context. Frames go to the parent, finished, from the
//! virtual MAC (see [`super::advertise`] for why).

use super::link::Carp;
use crate::{
    net::{
        inet_device,
        link_device::Device,
        netdevice::NetDevice,
        skbuff::{
            EthernetHeader,
            Packet, //
        }, //
    },
    proto::{
        virtual_mac,
        Arp,
        Vhid, //
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
    let counters = &device.private().counters;
    inet_device::for_each_v4(device, &rcu::read_lock(), |address, _| {
        let announcement = Arp::announcement(vhid, address);
        if send(parent, vhid, BROADCAST, &announcement).is_ok() {
            counters.announcements.increment();
        }
    });
}

/// Answers a request for an address of the group.
pub(super) fn answer(device: &Device<Carp>, parent: &NetDevice, vhid: Vhid, request: &Arp) {
    let answer = request.answer(vhid);
    if send(parent, vhid, request.sender_mac, &answer).is_ok() {
        device.private().counters.arp_replies.increment();
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
