// SPDX-License-Identifier: GPL-2.0

//! Events: what listeners of the generic netlink family are told.
//!
//! Softirq or process context; nothing sleeps. An event is told after what happened: what
//! had to be sent has left.
//!
//! All events of a namespace are numbered and sent under one lock, so that they arrive in
//! the order of their numbers, and those of one group in the order in which they happened.
//! What happened to a group waits in its [`News`](super::news::News) until then, so that
//! it does not matter which processor comes first. Inside that lock the machine's is taken,
//! never the other way round.

use super::{
    description,
    generic_netlink::{
        EVENTS,
        FAMILY, //
    },
    link::Carp,
    network,
    news::Item, //
};
use crate::{
    net::{
        attribute::Message,
        bindings,
        link_device::Device,
        spin_lock_bh::{
            new_spin_lock_bh,
            SpinLockBh, //
        }, //
    },
    proto::{
        Peer,
        Vhid, //
    }, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    }, //
};

/// The events of a namespace.
#[pin_data]
pub(crate) struct Events {
    /// The number of the last one; 0 if there was none.
    #[pin]
    last: SpinLockBh<u32>,
    /// Changes when a group comes or goes; never 0.
    generation: Atomic<u32>,
}

impl Events {
    /// None so far.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            last <- new_spin_lock_bh!(0, "carp_events"),
            generation: Atomic::new(1),
        })
    }

    /// The number of the last event. What is looked up after this is not older.
    pub(super) fn sequence(&self) -> u32 {
        *self.last.lock()
    }

    /// Which groups there are, as a number.
    pub(super) fn generation(&self) -> u32 {
        self.generation.load(Acquire)
    }

    /// Another group is there, or one is not. Only with the RTNL held.
    fn next_generation(&self) {
        let next = self.generation.load(Relaxed).checked_add(1).unwrap_or(1);
        self.generation.store(next, Release);
    }
}

/// Tells what happened to a group and was not told yet.
pub(super) fn flush(device: &Device<Carp>) {
    // Set before, or by another processor, which tells it.
    if device.private().untold.load(Relaxed) {
        network::with_events(device.namespace(), |events| {
            tell_news(&mut events.last.lock(), device);
        });
    }
}

/// Something of a group changed that is not its state: parameters, key, parent, addresses,
/// names, or what keeps it in INIT. It is told with what follows, as one event.
pub(super) fn note_change(device: &Device<Carp>) {
    let mut machine = device.private().machine.lock();
    machine.news.change();
    machine.note_untold(device);
}

/// As [`note_change`], if nothing follows.
pub(super) fn changed(device: &Device<Carp>) {
    note_change(device);
    flush(device);
}

/// There is a new group. Process context, RTNL held.
pub(super) fn group_new(device: &Device<Carp>) {
    network::with_events(device.namespace(), |events| {
        events.next_generation();
        let mut last = events.last.lock();
        device.private().machine.lock().news.begin();
        send(
            &mut last,
            device,
            bindings::carp_command_CARP_CMD_GROUP_NEW,
            || description::size(device),
            |message| description::describe(device, message),
        );
    });
}

/// A group is going. Process context, RTNL held.
pub(super) fn group_deleted(device: &Device<Carp>) {
    network::with_events(device.namespace(), |events| {
        events.next_generation();
        let mut last = events.last.lock();
        tell_news(&mut last, device);
        // One that could not be made was never told of.
        if device.private().machine.lock().news.end() {
            send_short(
                &mut last,
                device,
                bindings::carp_command_CARP_CMD_GROUP_DELETE,
            );
        }
    });
}

/// The parent of a group is going, and the group with it. Process context, RTNL held.
pub(super) fn parent_lost(device: &Device<Carp>) {
    network::with_events(device.namespace(), |events| {
        let mut last = events.last.lock();
        tell_news(&mut last, device);
        send_short(
            &mut last,
            device,
            bindings::carp_command_CARP_CMD_PARENT_LOST,
        );
    });
}

/// Tells what waits, in its order.
fn tell_news(last: &mut u32, device: &Device<Carp>) {
    loop {
        let (item, lost) = {
            let mut machine = device.private().machine.lock();
            let Some(next) = machine.news.next_event() else {
                device.private().untold.store(false, Relaxed);
                return;
            };
            next
        };
        // Their numbers are missing, as they are.
        *last = last.wrapping_add(lost);
        tell(last, device, item);
    }
}

fn tell(last: &mut u32, device: &Device<Carp>, item: Item) {
    match item {
        Item::Transition { vhid, from, now } => send(
            last,
            device,
            bindings::carp_command_CARP_CMD_TRANSITION,
            || description::TRANSITION_SIZE,
            |message| description::transition(device, vhid, from, &now, message),
        ),
        Item::Change => send(
            last,
            device,
            bindings::carp_command_CARP_CMD_GROUP_CHANGE,
            || description::size(device),
            |message| description::describe(device, message),
        ),
        Item::OtherMaster(vhid, peer) => send_peer(
            last,
            device,
            bindings::carp_command_CARP_CMD_OTHER_MASTER,
            vhid,
            &peer,
        ),
        Item::BadDigest(vhid, peer) => send_peer(
            last,
            device,
            bindings::carp_command_CARP_CMD_BAD_DIGEST,
            vhid,
            &peer,
        ),
    }
}

/// An event about a sender of advertisements.
fn send_peer(last: &mut u32, device: &Device<Carp>, command: u32, vhid: Vhid, peer: &Peer) {
    send(
        last,
        device,
        command,
        || description::HEARD_SIZE,
        |message| description::heard(device, vhid, peer, message),
    );
}

/// An event that says which group it is about, and nothing else.
fn send_short(last: &mut u32, device: &Device<Carp>, command: u32) {
    send(
        last,
        device,
        command,
        || description::NAMES_SIZE,
        |message| description::names(device, message),
    );
}

/// Numbers an event, and sends it if somebody listens.
fn send(
    last: &mut u32,
    device: &Device<Carp>,
    command: u32,
    room: impl FnOnce() -> usize,
    fill: impl FnOnce(&mut Message<'_>) -> Result,
) {
    *last = last.wrapping_add(1);
    let sequence = *last;
    FAMILY.send(
        device.namespace(),
        EVENTS,
        command as u8,
        || room() + description::SEQUENCE_SIZE,
        |message| {
            description::sequence(sequence, message)?;
            fill(message)
        },
    );
}
