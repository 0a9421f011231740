// SPDX-License-Identifier: GPL-2.0

//! A group in the attributes of the generic netlink family, for answers and events.
//!
//! Softirq or process context; nothing sleeps. Takes the machine's lock.

use super::{
    group::Machine,
    link::Carp,
    news::Snapshot,
    report, //
};
use crate::{
    net::{
        attribute::{
            size_of_attribute,
            Message,
            SIZE_OF_U64, //
        },
        bindings::{
            self,
            carp_attribute_CARP_A_ADDRESS,
            carp_attribute_CARP_A_ADVBASE,
            carp_attribute_CARP_A_ADVSKEW,
            carp_attribute_CARP_A_BALANCING,
            carp_attribute_CARP_A_CHANGED_AT,
            carp_attribute_CARP_A_COUNTERS,
            carp_attribute_CARP_A_IFINDEX,
            carp_attribute_CARP_A_IFNAME,
            carp_attribute_CARP_A_KEY,
            carp_attribute_CARP_A_MISSING,
            carp_attribute_CARP_A_NODE,
            carp_attribute_CARP_A_OLD_STATE,
            carp_attribute_CARP_A_PAD,
            carp_attribute_CARP_A_PARENT,
            carp_attribute_CARP_A_PARENT_IFNAME,
            carp_attribute_CARP_A_PEER,
            carp_attribute_CARP_A_REASON,
            carp_attribute_CARP_A_SELECTION,
            carp_attribute_CARP_A_SEQUENCE,
            carp_attribute_CARP_A_SINCE,
            carp_attribute_CARP_A_STATE,
            carp_attribute_CARP_A_TRANSITIONS,
            carp_attribute_CARP_A_TRANSITIONS_BY_REASON,
            carp_attribute_CARP_A_VHID, //
        },
        inet_device,
        link_device::Device,
        netdevice::{
            DeviceName,
            NetDevice, //
        },
        timer, //
    },
    proto::{
        digest::{
            covers_v4,
            covers_v6, //
        },
        peers,
        Instant,
        Peer,
        Reason,
        Source,
        State,
        Vhid,
        KEY_LEN, //
    }, //
};
use kernel::{
    prelude::*,
    sync::rcu, //
};

const SIZE_OF_U32: usize = size_of_attribute(4);

/// The room for [`sequence`].
pub(super) const SEQUENCE_SIZE: usize = SIZE_OF_U32;

/// The room for [`names`]: three numbers, two names.
pub(super) const NAMES_SIZE: usize = 3 * SIZE_OF_U32 + 2 * size_of_attribute(DeviceName::LEN + 1);

/// The room for [`snapshot`].
const SNAPSHOT_SIZE: usize = 4 * SIZE_OF_U32 + SIZE_OF_U64;

/// The room for [`transition`].
pub(super) const TRANSITION_SIZE: usize = NAMES_SIZE + SIZE_OF_U32 + SNAPSHOT_SIZE;

/// The room for [`peer`].
const PEER_SIZE: usize =
    size_of_attribute(size_of_attribute(16) + 4 * SIZE_OF_U32 + 3 * SIZE_OF_U64);

/// The room for [`heard`].
pub(super) const HEARD_SIZE: usize = NAMES_SIZE + SIZE_OF_U32 + PEER_SIZE;

/// The room for [`key`].
pub(super) const KEY_SIZE: usize = NAMES_SIZE + size_of_attribute(KEY_LEN);

/// The room for the peers of one node.
const PEERS_SIZE: usize = (peers::KNOWN + peers::STRANGERS) * PEER_SIZE;

/// The room for what [`describe_whole`] has and [`describe`] has not, without peers.
const HISTORY_SIZE: usize = SIZE_OF_U64
    + size_of_attribute(Reason::COUNT * SIZE_OF_U32)
    + size_of_attribute(report::COUNTERS_SIZE);

/// The room for [`describe`] now.
pub(super) fn size(device: &Device<Carp>) -> usize {
    let guard = rcu::read_lock();
    let mut addresses = 0;
    inet_device::for_each_v4(device, &guard, |_, _| addresses += size_of_attribute(4));
    inet_device::for_each_v6(device, &guard, |_, _, _| addresses += size_of_attribute(16));
    let nodes = report::nodes_size(&device.private().machine.lock());
    NAMES_SIZE + 4 * SIZE_OF_U32 + SNAPSHOT_SIZE + addresses + nodes
}

/// The room for [`describe_whole`] now.
pub(super) fn whole_size(device: &Device<Carp>) -> usize {
    let nodes = device.private().machine.lock().nodes.len();
    size(device) + HISTORY_SIZE + nodes * PEERS_SIZE
}

/// Writes the number of an event, or of the last one.
pub(super) fn sequence(number: u32, message: &mut Message<'_>) -> Result {
    message.put_u32(carp_attribute_CARP_A_SEQUENCE, number)
}

/// Writes which group it is, and where.
pub(super) fn names(device: &Device<Carp>, message: &mut Message<'_>) -> Result {
    let vhid = device.private().machine.lock().nodes.leader().vhid;
    names_of_node(device, vhid, message)
}

/// As [`names`], with the vhid of what a message is about.
fn names_of_node(device: &Device<Carp>, vhid: Option<Vhid>, message: &mut Message<'_>) -> Result {
    let put_device = |message: &mut Message<'_>, index, name, device: &NetDevice| {
        message.put_u32(index, device.index())?;
        message.put(name, device.name().bytes_with_nul())
    };
    put_device(
        message,
        carp_attribute_CARP_A_IFINDEX,
        carp_attribute_CARP_A_IFNAME,
        device,
    )?;
    if let Some(parent) = device.private().parent.get() {
        put_device(
            message,
            carp_attribute_CARP_A_PARENT,
            carp_attribute_CARP_A_PARENT_IFNAME,
            parent,
        )?;
    }
    match vhid {
        Some(vhid) => message.put_u32(carp_attribute_CARP_A_VHID, vhid.get().into()),
        None => Ok(()),
    }
}

/// Writes the state at one moment.
fn snapshot(snapshot: &Snapshot, message: &mut Message<'_>) -> Result {
    message.put_u32(carp_attribute_CARP_A_STATE, snapshot.state as u32)?;
    message.put_u32(carp_attribute_CARP_A_REASON, snapshot.reason as u32)?;
    message.put_u32(carp_attribute_CARP_A_MISSING, snapshot.missing.bits())?;
    message.put_u32(carp_attribute_CARP_A_TRANSITIONS, snapshot.transitions)?;
    message.put_u64(
        carp_attribute_CARP_A_CHANGED_AT,
        snapshot.changed_at,
        carp_attribute_CARP_A_PAD,
    )
}

/// Writes a change of state of a node.
pub(super) fn transition(
    device: &Device<Carp>,
    vhid: Option<Vhid>,
    from: State,
    now: &Snapshot,
    message: &mut Message<'_>,
) -> Result {
    names_of_node(device, vhid, message)?;
    message.put_u32(carp_attribute_CARP_A_OLD_STATE, from as u32)?;
    snapshot(now, message)
}

/// Writes who was heard, and the state of the node now.
pub(super) fn heard(
    device: &Device<Carp>,
    vhid: Vhid,
    from: &Peer,
    message: &mut Message<'_>,
) -> Result {
    names_of_node(device, Some(vhid), message)?;
    let (state, are_several) = {
        let mut machine = device.private().machine.lock();
        let state = machine.nodes.find(vhid).map(|(_, node)| node.core.state());
        (state, machine.nodes.are_several())
    };
    message.put_u32(
        carp_attribute_CARP_A_STATE,
        state.unwrap_or(State::Init) as u32,
    )?;
    peer(
        from,
        Some(vhid).filter(|_| are_several),
        Instant::from_nanos(timer::now()),
        message,
    )
}

/// Writes the key.
pub(super) fn key(device: &Device<Carp>, message: &mut Message<'_>) -> Result {
    names(device, message)?;
    let machine = device.private().machine.lock();
    message.put(carp_attribute_CARP_A_KEY, machine.key.secret().as_bytes())
}

/// Writes what a group is: what was set, and its state.
pub(super) fn describe(device: &Device<Carp>, message: &mut Message<'_>) -> Result {
    names(device, message)?;
    {
        let machine = device.private().machine.lock();
        let parameters = machine.nodes.leader().core.parameters();
        message.put_u32(carp_attribute_CARP_A_ADVBASE, parameters.advbase().into())?;
        message.put_u32(carp_attribute_CARP_A_ADVSKEW, parameters.advskew().into())?;
        snapshot(&machine.snapshot(), message)?;
        if machine.nodes.are_several() {
            message.put_u32(carp_attribute_CARP_A_BALANCING, machine.balancing as u32)?;
            message.put_u32(carp_attribute_CARP_A_SELECTION, machine.selection as u32)?;
            for node in machine.nodes.iter() {
                message.nest(carp_attribute_CARP_A_NODE, |message| {
                    report::node(node, message)
                })?;
            }
        }
    }
    addresses(device, message)
}

/// Writes what a group is and was: as [`describe`], and what was counted and heard.
pub(super) fn describe_whole(device: &Device<Carp>, message: &mut Message<'_>) -> Result {
    describe(device, message)?;
    history(&device.private().machine.lock(), message)?;
    message.nest(carp_attribute_CARP_A_COUNTERS, |message| {
        report::counters(device, message)
    })
}

fn history(machine: &Machine, message: &mut Message<'_>) -> Result {
    let now = Instant::from_nanos(timer::now());
    message.put_u64(
        carp_attribute_CARP_A_SINCE,
        now.since(machine.nodes.leader().core.since()).as_nanos(),
        carp_attribute_CARP_A_PAD,
    )?;
    message.nest(carp_attribute_CARP_A_TRANSITIONS_BY_REASON, |message| {
        let counts = machine.nodes.leader().core.transitions_by_reason();
        for (number, count) in (1..).zip(counts).filter(|(_, count)| **count != 0) {
            message.put_u32(number, *count)?;
        }
        Ok(())
    })?;
    let are_several = machine.nodes.are_several();
    for node in machine.nodes.iter() {
        for from in node.peers.iter() {
            peer(from, node.vhid.filter(|_| are_several), now, message)?;
        }
    }
    Ok(())
}

/// Writes the addresses that the digest covers.
fn addresses(device: &NetDevice, message: &mut Message<'_>) -> Result {
    let guard = rcu::read_lock();
    let mut written = Ok(());
    let mut put = |bytes: &[u8]| {
        if written.is_ok() {
            written = message.put(carp_attribute_CARP_A_ADDRESS, bytes);
        }
    };
    inet_device::for_each_v4(device, &guard, |address, _| {
        if covers_v4(&address) {
            put(&address);
        }
    });
    inet_device::for_each_v6(device, &guard, |address, _, _| {
        if covers_v6(&address) {
            put(&address);
        }
    });
    written
}

/// Writes one sender of advertisements, for which of several nodes.
fn peer(peer: &Peer, vhid: Option<Vhid>, now: Instant, message: &mut Message<'_>) -> Result {
    message.nest(carp_attribute_CARP_A_PEER, |message| {
        let address: &[u8] = match &peer.source {
            Source::V4(address) => address,
            Source::V6(address) => address,
        };
        let parameters = [
            (
                bindings::carp_peer_attribute_CARP_PEER_ADVBASE,
                peer.advbase,
            ),
            (
                bindings::carp_peer_attribute_CARP_PEER_ADVSKEW,
                peer.advskew,
            ),
            (bindings::carp_peer_attribute_CARP_PEER_DEMOTE, peer.demote),
        ];
        let counts = [
            (
                bindings::carp_peer_attribute_CARP_PEER_SINCE,
                now.since(peer.last).as_nanos(),
            ),
            (
                bindings::carp_peer_attribute_CARP_PEER_RECEIVED,
                peer.received,
            ),
            (
                bindings::carp_peer_attribute_CARP_PEER_BAD_DIGEST,
                peer.bad_digest,
            ),
        ];
        message.put(bindings::carp_peer_attribute_CARP_PEER_ADDRESS, address)?;
        for (number, value) in parameters {
            message.put_u32(number, value.into())?;
        }
        if let Some(vhid) = vhid {
            message.put_u32(
                bindings::carp_peer_attribute_CARP_PEER_VHID,
                vhid.get().into(),
            )?;
        }
        for (number, value) in counts {
            message.put_u64(number, value, bindings::carp_peer_attribute_CARP_PEER_PAD)?;
        }
        Ok(())
    })
}
