// SPDX-License-Identifier: GPL-2.0

//! The network device of kind `carp`.
//!
//! Contexts are those of [`Driver`].

use super::{
    conditions,
    events,
    group::{
        self,
        Group,
        Timers, //
    },
    inherit,
    parent,
    report,
    request::{
        self,
        Change, //
    }, //
};
use crate::{
    net::{
        attribute::Message,
        extended_ack::ExtendedAck,
        features::Features,
        inet_device,
        link_device::{
            Device,
            Driver,
            Statistics, //
        },
        netdevice::NetDevice,
        rtnl::Rtnl,
        rtnl_link::{
            Link,
            Request, //
        },
        skbuff::Packet, //
    },
    proto::Event, //
};
use kernel::prelude::*;

/// The driver of devices of kind `carp`.
pub(crate) struct Carp;

static LINK: Link<Carp> = Link::new(&request::POLICY);

impl Driver for Carp {
    const KIND: &'static CStr = c"carp";

    type Timers = Timers;
    type Private = Group;
    type Prepared = Change;

    fn link() -> &'static Link<Self> {
        &LINK
    }

    fn timers() -> impl PinInit<Timers> {
        Timers::new()
    }

    fn private(_: &NetDevice) -> impl PinInit<Group, Error> {
        Group::new()
    }

    fn prepare(
        device: &NetDevice,
        request: &Request<'_>,
        ack: &mut ExtendedAck,
        rtnl: &Rtnl,
    ) -> Result<Change> {
        request::create(device, request, ack, rtnl)
    }

    fn configure(
        device: &Device<Self>,
        change: Change,
        ack: &mut ExtendedAck,
        rtnl: &Rtnl,
    ) -> Result {
        inet_device::configure_shared_v6(device, rtnl);
        if let Some(mtu) = change.mtu {
            device.private().limits.mtu.choose(mtu);
        }
        apply(device, change, ack, rtnl)?;
        events::group_new(device);
        Ok(())
    }

    fn change(
        device: &Device<Self>,
        request: &Request<'_>,
        ack: &mut ExtendedAck,
        rtnl: &Rtnl,
    ) -> Result {
        let change = request::change(device, request, ack, rtnl)?;
        apply(device, change, ack, rtnl)
    }

    const INFORMATION_SIZE: usize = report::PARAMETERS_SIZE;

    fn fill_information(device: &Device<Self>, message: &mut Message<'_>) -> Result {
        report::parameters(device, message)
    }

    const STATISTICS_SIZE: usize = report::COUNTERS_SIZE;

    fn fill_statistics(device: &Device<Self>, message: &mut Message<'_>) -> Result {
        report::counters(device, message)
    }

    fn link_index(device: &Device<Self>) -> Option<u32> {
        // Without the machine's lock: the core asks when the carrier changes.
        device.private().parent.get().map(NetDevice::index)
    }

    fn statistics(device: &Device<Self>, statistics: &mut Statistics<'_>) {
        let group = device.private();
        let sent = group.counters.device_sent.get();
        statistics.add_sent(sent.frames, sent.bytes);
        let place = {
            let machine = group.machine.lock();
            machine.port.clone().zip(machine.vhid)
        };
        let received = place
            .map(|(port, vhid)| port.received(vhid))
            .unwrap_or_default();
        statistics.add_received(received.frames, received.bytes);
        statistics.add_dropped(
            received.dropped,
            sent.dropped + group.counters.sent_not_master.get(),
        );
    }

    fn fix_features(device: &Device<Self>, wanted: Features) -> Features {
        inherit::features(device, wanted)
    }

    fn below(device: &Device<Self>) -> Option<&NetDevice> {
        device.private().parent.get()
    }

    fn open(device: &Device<Self>, _: &Rtnl) -> Result {
        conditions::refresh(device);
        Ok(())
    }

    fn stop(device: &Device<Self>, _: &Rtnl) {
        conditions::refresh(device);
    }

    fn uninit(device: &Device<Self>, rtnl: &Rtnl) {
        parent::detach(device, rtnl);
        events::group_deleted(device);
    }

    /// What is routed out of the device leaves the parent from the virtual MAC,
    /// as long as this host is MASTER.
    fn transmit(device: &Device<Self>, packet: Packet) {
        let group = device.private();
        let parent = group.parent.get().filter(|_| device.has_carrier());
        let Some(parent) = parent else {
            group.counters.sent_not_master.increment();
            packet.discard();
            return;
        };
        let bytes = packet.len();
        match packet.transmit_through(parent) {
            Ok(()) => group.counters.device_sent.add(bytes),
            Err(_) => group.counters.device_sent.add_dropped(),
        }
    }
}

/// Does what was checked. What can still fail, for want of memory, comes first
/// and changes nothing then.
fn apply(device: &Device<Carp>, change: Change, ack: &mut ExtendedAck, rtnl: &Rtnl) -> Result {
    let other = change.parent.is_some() || differs(device, &change);
    match (&change.parent, change.vhid) {
        (Some(parent), vhid) => parent::attach(device, parent, vhid, ack, rtnl)?,
        (None, Some(vhid)) => parent::set_vhid(device, vhid, rtnl)?,
        (None, None) => {}
    }
    if let Some(parameters) = change.parameters {
        group::handle(device, Event::Parameters(parameters));
    }
    if let Some(key) = change.key {
        device.private().machine.lock().key = key;
    }
    if other {
        events::note_change(device);
    }
    conditions::refresh(device);
    if let Some(state) = change.state {
        group::handle(device, Event::Request(state));
    }
    Ok(())
}

/// Whether a change is one.
fn differs(device: &Device<Carp>, change: &Change) -> bool {
    let machine = device.private().machine.lock();
    change.vhid.is_some_and(|vhid| machine.vhid != Some(vhid))
        || change
            .parameters
            .is_some_and(|parameters| machine.core.parameters() != parameters)
        || change.key.as_ref().is_some_and(|key| machine.key != *key)
}
