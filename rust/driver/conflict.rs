// SPDX-License-Identifier: GPL-2.0

//! Hosts that announce a virtual address as their own: somebody has configured it twice,
//! or shares it by another protocol. Clients believe them until they are told otherwise.
//!
//! Softirq context, under RCU. The port's lock is held to look an address or a group up.
//! Questions for the address are answered as ever ([`super::question`]), and nothing is
//! believed.

use super::{
    group,
    log,
    port::Port, //
};
use crate::{
    net::rx_handler::Frame,
    proto::{
        group_of_mac,
        neighbour::{
            Beginning,
            Claim, //
        },
        ownership::Ip,
        Arp,
        Event,
        VhidSet, //
    }, //
};

/// Looks whether an ARP packet announces a virtual address, be it made as a request or as a
/// reply. Who asks for another address in its name says it in passing, as hosts do of which
/// the address is one's own as well: that is let pass.
pub(super) fn by_arp(port: &Port, packet: &Arp) {
    let address = packet.sender;
    if address == packet.target {
        let owners = port.owners_v4(address);
        claimed(port, &owners, Ip::V4(address), packet.sender_mac);
    }
}

/// Looks whether a frame to all nodes is a neighbour advertisement that announces a
/// virtual address.
pub(super) fn by_advertisement(port: &Port, frame: &Frame<'_>) {
    let is_advertisement = frame
        .head()
        .is_some_and(|bytes| Beginning::new(bytes).is_advertisement());
    if !is_advertisement {
        return;
    }
    if let Some(claim) = Claim::read(|place, bytes| frame.copy_from(place, bytes)) {
        let mac = claim.mac.unwrap_or(frame.source());
        let owners = port.owners_v6(claim.target);
        claimed(port, &owners, Ip::V6(claim.target), mac);
    }
}

/// Those of the owners that this host is MASTER of count it, and will announce their
/// addresses again. Who names the virtual MAC of one of the owners is right: it is their
/// next MASTER, unless that is a ucarp, which has a MAC of its own.
fn claimed(port: &Port, owners: &VhidSet, address: Ip, mac: [u8; 6]) {
    let is_right = group_of_mac(mac).is_some_and(|(vhid, _)| owners.contains(vhid));
    if is_right || mac == port.parent().address() {
        return;
    }
    let masters = owners.iter().filter(|vhid| port.is_master_of(*vhid));
    for device in masters.filter_map(|vhid| port.group(vhid)) {
        device.private().counters.address_conflict.increment();
        group::handle(&device, Event::AddressClaimed);
        log::address_claimed(&device, address, mac);
    }
}
