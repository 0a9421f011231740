// SPDX-License-Identifier: GPL-2.0

//! Receiving advertisements.
//!
//! Softirq context, under RCU. The checks are made in the order of the protocol
//! reference, section 1.6, cheap ones first; each failure is counted under its
//! reason, for the group that it concerns, or for the parent.

use super::{
    events,
    link::Carp,
    log,
    network,
    port::Port, //
};
use crate::{
    net::{
        inet_device,
        inet_protocol::{
            AddressV4,
            AddressV6,
            Handler,
            Received, //
        },
        link_device::Device,
        rx_handler,
        timer, //
    },
    proto::{
        claimed_vhid,
        Advertisement,
        Discard,
        Event,
        Heard,
        Instant,
        Source,
        State,
        HEADER_LEN,
        IP_PROTOCOL, //
    }, //
};
use kernel::sync::rcu;

/// IP protocol 112.
pub(crate) struct Advertisements;

impl Handler for Advertisements {
    const PROTOCOL: u8 = IP_PROTOCOL;

    fn receive_v4(packet: &Received<'_, AddressV4>) {
        let guard = rcu::read_lock();
        let own = inet_device::has_v4(packet.device(), &guard, packet.source());
        receive(packet, Source::V4(packet.source()), own, &guard);
    }

    fn receive_v6(packet: &Received<'_, AddressV6>) {
        let guard = rcu::read_lock();
        let own = inet_device::has_v6(packet.device(), &guard, packet.source());
        receive(packet, Source::V6(packet.source()), own, &guard);
    }
}

/// One packet of protocol 112. On a device that is no parent it is no business
/// of ours.
fn receive<Address: Copy>(
    packet: &Received<'_, Address>,
    source: Source,
    from_own_address: bool,
    guard: &rcu::Guard,
) {
    let Some(port) = rx_handler::attached::<Port>(packet.device(), guard) else {
        return;
    };
    let mut bytes = [0; HEADER_LEN];
    let length = packet.payload(&mut bytes);
    let payload = bytes.get(..length).unwrap_or_default();
    let vhid = claimed_vhid(payload);
    let group = vhid.and_then(|vhid| port.group(vhid));

    let used = check(packet, payload).and_then(|advertisement| {
        let device = group.as_deref().ok_or(Discard::UnknownVhid)?;
        hear(device, &advertisement, source, from_own_address)
    });
    let Err(reason) = used else {
        return;
    };
    match group.as_deref() {
        Some(device) => {
            device.private().counters.discards.increment(reason);
            events::flush(device);
        }
        None => port.discards.increment(reason),
    }
    log::discard(port.parent(), vhid, source, reason);
}

/// What can be checked without the group.
fn check<Address: Copy>(
    packet: &Received<'_, Address>,
    payload: &[u8],
) -> Result<Advertisement, Discard> {
    if !network::allowed(packet.namespace()) {
        return Err(Discard::NotAllowed);
    }
    Advertisement::parse(packet.hop_limit(), payload)
}

/// Gives an advertisement to its group, if it is authentic.
fn hear(
    device: &Device<Carp>,
    advertisement: &Advertisement,
    source: Source,
    from_own_address: bool,
) -> Result<(), Discard> {
    let outcome = {
        let mut machine = device.private().machine.lock();
        let vhid = advertisement.vhid;
        let Some((place, node)) = machine.nodes.find(vhid) else {
            return Err(Discard::UnknownVhid);
        };
        if node.core.state() == State::Init {
            return Err(Discard::NotRunning);
        }
        let authentic = node
            .digests
            .as_ref()
            .is_some_and(|digests| digests.verify(advertisement));
        let now = Instant::from_nanos(timer::now());
        if !authentic {
            let peer = node.peers.refuse(now, source, advertisement);
            machine.news.bad_digest(now, vhid, peer);
            machine.note_untold(device);
            return Err(Discard::BadDigest);
        }
        machine.learn_sources();
        let outcome = machine.step(
            device,
            place,
            Event::Heard(Heard {
                family: source.family(),
                advbase: advertisement.advbase,
                advskew: advertisement.advskew,
                demote: advertisement.demote,
                counter: advertisement.counter,
                source,
                from_own_address,
            }),
        );
        if let (None, Some(node)) = (outcome.discard(), machine.nodes.get_mut(place)) {
            let peer = node.peers.accept(now, source, advertisement);
            if outcome.is_between_masters() {
                machine.news.other_master(now, vhid, peer);
                machine.note_untold(device);
            }
        }
        outcome
    };
    outcome.perform(device);
    if let Some(notice) = outcome.notice() {
        log::other_master(device, outcome.node(), source, notice);
    } else if outcome.gives_way() {
        log::gives_way(device, outcome.node(), source);
    }
    match outcome.discard() {
        Some(reason) => Err(reason),
        None => {
            let counters = &device.private().counters;
            counters.received(source.family()).increment();
            Ok(())
        }
    }
}
