// SPDX-License-Identifier: GPL-2.0

//! Sending advertisements.
//!
//! They are built while the machine's lock is held, since each takes a counter,
//! and sent without it. Softirq or process context. They go to the parent as
//! finished frames: through the carp device they would wait for its carrier, and
//! through the IP stack for routes and firewalls.

use super::{
    counters::Counters,
    ethertype::{
        ETHERTYPE_IPV4,
        ETHERTYPE_IPV6, //
    },
    group::Machine, //
};
use crate::{
    net::{
        errno,
        netdevice::NetDevice,
        skbuff::{
            EthernetHeader,
            Packet, //
        }, //
    },
    proto::{
        ipv4_header,
        ipv6_header,
        multicast_mac,
        Advertise,
        Advertisement,
        Family,
        Identity,
        Recipients,
        Sources,
        HEADER_LEN,
        MULTICAST_V4,
        MULTICAST_V6, //
    }, //
};
use kernel::prelude::*;

/// Signed advertisements that are to be sent.
pub(super) struct Outbox {
    v4: Option<[u8; HEADER_LEN]>,
    v6: Option<[u8; HEADER_LEN]>,
    sources: Sources,
    recipients: Recipients,
    bow_out: bool,
}

impl Outbox {
    /// Signs an advertisement of the node at a place for each family.
    pub(super) fn new(machine: &mut Machine, place: usize, advertise: Advertise) -> Self {
        machine.learn_sources();
        let v4 = advertise
            .families
            .contains(Family::V4)
            .then(|| sign(machine, place, &advertise))
            .flatten();
        let v6 = advertise
            .families
            .contains(Family::V6)
            .then(|| sign(machine, place, &advertise))
            .flatten();
        Self {
            v4,
            v6,
            sources: machine.sources,
            recipients: advertise.recipients,
            bow_out: advertise.bow_out,
        }
    }

    /// Whether only a MASTER may send it; anything else is what one says that is none any more.
    pub(super) fn is_of_master(&self) -> bool {
        !self.bow_out && self.recipients == Recipients::All
    }

    /// Whether it is for the MASTER alone.
    pub(super) fn is_for_master(&self) -> bool {
        self.recipients == Recipients::Master
    }
}

/// The next advertisement, with a counter of its own.
fn sign(machine: &mut Machine, place: usize, advertise: &Advertise) -> Option<[u8; HEADER_LEN]> {
    let node = machine.nodes.get_mut(place)?;
    let counter = node.core.next_counter();
    let advertisement = Advertisement {
        vhid: node.vhid?,
        advbase: advertise.advbase,
        advskew: advertise.advskew,
        demote: advertise.demote,
        counter,
        digest: node.digests.as_ref()?.sign(counter),
    };
    Some(advertisement.emit())
}

/// Sends what is in the outbox, IPv4 first.
pub(super) fn send(outbox: &Outbox, parent: &NetDevice, identity: Identity, counters: &Counters) {
    let send_frame = |family, header: &[u8], bytes: &[u8; HEADER_LEN]| -> Result {
        let ethernet = ethernet_header(outbox.recipients, parent, identity, family);
        Packet::frame(parent, &ethernet, &[header, bytes])?.transmit()
    };
    let count = |family, result: Result| match result {
        Ok(()) => {
            counters.sent(family).increment();
            if outbox.bow_out {
                counters.sent_bow_out.increment();
            }
        }
        Err(_) => counters.send_errors.increment(),
    };
    if let Some(bytes) = &outbox.v4 {
        // A parent without an address sends from 0.0.0.0, as on FreeBSD.
        let source = outbox.sources.v4.unwrap_or_default();
        let header = ipv4_header(source, MULTICAST_V4, identification(bytes));
        count(Family::V4, send_frame(Family::V4, &header, bytes));
    }
    if let Some(bytes) = &outbox.v6 {
        // A parent without a link-local address cannot be told from others.
        let result = outbox
            .sources
            .v6
            .ok_or_else(errno::address_not_available)
            .and_then(|source| {
                let header = ipv6_header(source, MULTICAST_V6);
                send_frame(Family::V6, &header, bytes)
            });
        count(Family::V6, result);
    }
}

/// Another number for each packet, as the counter in it is another; no packet is
/// ever a fragment.
fn identification(advertisement: &[u8; HEADER_LEN]) -> u16 {
    let [.., high, low] = *advertisement;
    u16::from_be_bytes([high, low])
}

/// Only a MASTER sends from the virtual MAC, so that switches know where it is, or none if
/// they must not know. Who was one has the parent's own.
fn ethernet_header(
    recipients: Recipients,
    parent: &NetDevice,
    identity: Identity,
    family: Family,
) -> EthernetHeader {
    let (destination, source) = match recipients {
        Recipients::All => (multicast_mac(family), identity.source(parent.address())),
        Recipients::Master => (identity.mac(), parent.address()),
    };
    EthernetHeader {
        destination,
        source,
        protocol: match family {
            Family::V4 => ETHERTYPE_IPV4,
            Family::V6 => ETHERTYPE_IPV6,
        },
    }
}
