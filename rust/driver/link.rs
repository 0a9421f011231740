// SPDX-License-Identifier: GPL-2.0

//! The network device of kind `carp`.
//!
//! Contexts are those of [`Driver`].

use super::{
    arrangement::{
        self,
        Arrangement, //
    },
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
    },
    request_nodes::Settings, //
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
use kernel::{
    prelude::*,
    sync::rcu, //
};

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

    fn information_size(device: &Device<Self>) -> usize {
        report::parameters_size(device)
    }

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
        let place = group.machine.lock().place();
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
        // Of an address that was given again with other words ("ip address replace") the
        // kernel forgets it.
        inet_device::set_no_dad(device, &rcu::read_lock());
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
    /// as long as this host is MASTER, or from the parent's own if no switch is to learn
    /// where the virtual one is.
    fn transmit(device: &Device<Self>, packet: Packet) {
        let group = device.private();
        let parent = group.parent.get().filter(|_| device.has_carrier());
        let Some(parent) = parent else {
            group.counters.sent_not_master.increment();
            packet.discard();
            return;
        };
        let bytes = packet.len();
        let sent = if group.hides_source() {
            packet
                .sent_from(parent.address())
                .and_then(|packet| packet.transmit_through(parent))
        } else {
            packet.transmit_through(parent)
        };
        match sent {
            Ok(()) => group.counters.device_sent.add(bytes),
            Err(_) => group.counters.device_sent.add_dropped(),
        }
    }
}

/// Does what was checked. What can still fail, for want of memory, comes first
/// and changes nothing then.
fn apply(device: &Device<Carp>, change: Change, ack: &mut ExtendedAck, rtnl: &Rtnl) -> Result {
    let before = device.private().machine.lock().settings();
    let after = change.settings;
    let key = change.key.filter(|key| {
        let machine = device.private().machine.lock();
        machine.key != *key
    });
    let other = change.parent.is_some() || before != after || key.is_some();
    let arrangement = after
        .nodes
        .filter(|nodes| is_arranged_anew(&before, &after) || nodes.are_several() && key.is_some())
        .map(|nodes| {
            let (balancing, selection) = (after.balancing, after.selection);
            Arrangement::prepare(device, nodes, balancing, selection, key.as_ref())
        })
        .transpose()?;
    match (&change.parent, arrangement) {
        (Some(parent), arrangement) => parent::attach(device, parent, arrangement, ack, rtnl)?,
        (None, Some(arrangement)) => arrangement::arrange(device, arrangement, rtnl)?,
        (None, None) => {}
    }
    set_parameters(device, &after);
    if let Some(key) = key {
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

/// Whether the nodes are others, or share in another way; their parameters do not matter.
fn is_arranged_anew(before: &Settings, after: &Settings) -> bool {
    before.vhids() != after.vhids()
        || before.balancing != after.balancing
        || before.selection != after.selection
}

/// Gives each node its parameters. One that has them already does not notice.
fn set_parameters(device: &Device<Carp>, settings: &Settings) {
    group::each_node(device, |machine, place| {
        let vhid = machine.nodes.get(place).and_then(|node| node.vhid);
        let node = vhid.and_then(|vhid| settings.nodes?.get(vhid));
        let parameters = node.map_or(settings.parameters, |node| node.parameters);
        [Some(machine.step(
            device,
            place,
            Event::Parameters(parameters),
        ))]
    });
}
