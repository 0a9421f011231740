// SPDX-License-Identifier: GPL-2.0

//! What becomes of the frames that a parent receives.
//!
//! Softirq context, under RCU, for every frame: nothing is allocated or locked
//! but for ARP.

use super::{
    advertise::ETHERTYPE_IPV4,
    announce::{
        self,
        ETHERTYPE_ARP, //
    },
    port::Port, //
};
use crate::{
    net::rx_handler::{
        Frame,
        RxHandler,
        Verdict, //
    },
    proto::{
        multicast_mac,
        vhid_of_mac,
        Arp,
        Family,
        Operation,
        State,
        IP_PROTOCOL,
        MULTICAST_V4, //
    }, //
};

impl RxHandler for Port {
    /// A frame to a virtual MAC is taken by the MASTER, as one for this host, and
    /// goes on where it came in: on the parent, with the parent's firewall rules
    /// and routes. A BACKUP drops it and neither delivers nor forwards it.
    fn receive(&self, frame: &Frame<'_>) -> Verdict {
        if frame.protocol() == ETHERTYPE_ARP && asks_for_a_group(self, frame) {
            return Verdict::Consume;
        }
        if is_advertisement(frame) {
            return Verdict::Deliver;
        }
        match vhid_of_mac(frame.destination()).and_then(|vhid| self.take(vhid, frame.len())) {
            None => Verdict::Pass,
            Some(true) => Verdict::Accept,
            Some(false) => Verdict::Discard,
        }
    }
}

/// Whether it is an IPv4 advertisement to the group of them all. By itself the
/// stack loses one that comes from an address for which a reverse path filter has
/// no route, or from one of this host's own, as its own echo does. It still goes
/// through the firewall, to the protocol's handler.
fn is_advertisement(frame: &Frame<'_>) -> bool {
    if frame.destination() != multicast_mac(Family::V4) || frame.protocol() != ETHERTYPE_IPV4 {
        return false;
    }
    let Some(header) = frame.head::<20>() else {
        return false;
    };
    let [.., protocol, _, _, _, _, _, _, d0, d1, d2, d3] = header;
    protocol == IP_PROTOCOL && [d0, d1, d2, d3] == MULTICAST_V4
}

/// Handles a request for a virtual address: the MASTER answers, others are
/// silent, and the stack of the parent never sees it, since it would answer with
/// the parent's own address.
fn asks_for_a_group(port: &Port, frame: &Frame<'_>) -> bool {
    let Some(request) = frame
        .head()
        .and_then(|bytes| Arp::parse(&bytes))
        .filter(|packet| packet.operation == Operation::Request)
    else {
        return false;
    };
    port.owner(request.target, |vhid, device| {
        let master = device.private().machine.lock().core.state() == State::Master;
        // The announcement of another host, MASTER or about to be: no question.
        if master && request.sender != request.target {
            announce::answer(device, port.parent(), vhid, &request);
        }
        master
    })
}
