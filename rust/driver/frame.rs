// SPDX-License-Identifier: GPL-2.0

//! What becomes of the frames that a parent receives.
//!
//! Softirq context, under RCU, for every frame: nothing is allocated or locked
//! but for ARP.

use super::{
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
        vhid_of_mac,
        Arp,
        Operation,
        State, //
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
        match vhid_of_mac(frame.destination()).and_then(|vhid| self.take(vhid, frame.len())) {
            None => Verdict::Pass,
            Some(true) => Verdict::Accept,
            Some(false) => Verdict::Discard,
        }
    }
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
