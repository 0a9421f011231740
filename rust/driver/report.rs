// SPDX-License-Identifier: GPL-2.0

//! Answers to `ip -d link show` and `ip -s -d link show`.
//!
//! Process context with the RTNL held; [`counters`] in any context, also for the answers of
//! the generic netlink family.

use super::{
    counters::Discards,
    group::Machine,
    link::Carp,
    node::Node, //
};
use crate::{
    net::{
        attribute::{
            size_of_attribute,
            Message,
            SIZE_OF_U64, //
        },
        bindings,
        link_device::Device,
        timer, //
    },
    proto::{
        Instant,
        Vhid, //
    }, //
};
use kernel::prelude::*;

/// The room for what [`parameters`] says of the group: nine numbers of four bytes, one of
/// eight.
const GROUP_SIZE: usize = 9 * size_of_attribute(4) + SIZE_OF_U64;

/// The room for one node, with what it is nested in: six numbers of four bytes, one of eight.
const NODE_SIZE: usize = size_of_attribute(6 * size_of_attribute(4) + SIZE_OF_U64);

/// The room for the nodes of a group, one by one; none are shown if there is only one.
pub(super) fn nodes_size(machine: &Machine) -> usize {
    if machine.nodes.are_several() {
        machine.nodes.len() * NODE_SIZE
    } else {
        0
    }
}

/// The room for [`parameters`] now.
pub(super) fn parameters_size(device: &Device<Carp>) -> usize {
    GROUP_SIZE + size_of_attribute(nodes_size(&device.private().machine.lock()))
}

/// The room for [`counters`].
pub(super) const COUNTERS_SIZE: usize =
    (bindings::__IFLA_CARP_STATS_MAX as usize - 1) * SIZE_OF_U64;

/// Writes parameters and state.
pub(super) fn parameters(device: &Device<Carp>, message: &mut Message<'_>) -> Result {
    let machine = device.private().machine.lock();
    let parameters = machine.nodes.leader().core.parameters();
    // What a listener is told of an earlier change is how it was then.
    let state = machine.shown.unwrap_or_else(|| machine.snapshot());
    if let Some(vhid) = machine.nodes.leader().vhid {
        message.put_u32(bindings::IFLA_CARP_VHID, vhid.get().into())?;
    }
    message.put_u32(bindings::IFLA_CARP_ADVBASE, parameters.advbase().into())?;
    message.put_u32(bindings::IFLA_CARP_ADVSKEW, parameters.advskew().into())?;
    message.put_u32(bindings::IFLA_CARP_STATE, state.state as u32)?;
    message.put_u32(bindings::IFLA_CARP_REASON, state.reason as u32)?;
    message.put_u32(bindings::IFLA_CARP_MISSING, state.missing.bits())?;
    message.put_u32(bindings::IFLA_CARP_TRANSITIONS, state.transitions)?;
    let since = Instant::from_nanos(timer::now()).since(state.since);
    message.put_u64(
        bindings::IFLA_CARP_SINCE,
        since.as_nanos(),
        bindings::IFLA_CARP_PAD,
    )?;
    if !machine.nodes.are_several() {
        return Ok(());
    }
    message.put_u32(bindings::IFLA_CARP_BALANCING, machine.balancing as u32)?;
    message.put_u32(bindings::IFLA_CARP_SELECTION, machine.selection as u32)?;
    message.nest(bindings::IFLA_CARP_NODES, |message| {
        for one in machine.nodes.iter() {
            message.nest(bindings::CARP_NODES_NODE, |message| node(one, message))?;
        }
        Ok(())
    })
}

/// Writes one of several nodes, as it is now.
pub(super) fn node(node: &Node, message: &mut Message<'_>) -> Result {
    let numbers = [
        (
            bindings::carp_node_attribute_CARP_NODE_VHID,
            node.vhid.map_or(0, Vhid::get).into(),
        ),
        (
            bindings::carp_node_attribute_CARP_NODE_ADVSKEW,
            node.core.parameters().advskew().into(),
        ),
        (
            bindings::carp_node_attribute_CARP_NODE_STATE,
            node.core.state() as u32,
        ),
        (
            bindings::carp_node_attribute_CARP_NODE_REASON,
            node.core.reason() as u32,
        ),
        (
            bindings::carp_node_attribute_CARP_NODE_MISSING,
            node.core.missing().bits(),
        ),
        (
            bindings::carp_node_attribute_CARP_NODE_TRANSITIONS,
            node.core.transitions(),
        ),
    ];
    for (number, value) in numbers {
        message.put_u32(number, value)?;
    }
    let since = Instant::from_nanos(timer::now()).since(node.core.since());
    message.put_u64(
        bindings::carp_node_attribute_CARP_NODE_SINCE,
        since.as_nanos(),
        bindings::carp_node_attribute_CARP_NODE_PAD,
    )
}

/// Writes the counters.
pub(super) fn counters(device: &Device<Carp>, message: &mut Message<'_>) -> Result {
    let counters = &device.private().counters;
    let (port, leader) = {
        let machine = device.private().machine.lock();
        (machine.port.clone(), machine.nodes.leader().vhid)
    };
    let received = port
        .as_ref()
        .zip(leader)
        .map(|(port, leader)| port.received(leader))
        .unwrap_or_default();

    let mut put = |number, value| message.put_u64(number, value, bindings::IFLA_CARP_STATS_PAD);
    put(bindings::IFLA_CARP_STATS_TX_V4, counters.sent_v4.get())?;
    put(bindings::IFLA_CARP_STATS_TX_V6, counters.sent_v6.get())?;
    put(
        bindings::IFLA_CARP_STATS_TX_BOW_OUT,
        counters.sent_bow_out.get(),
    )?;
    put(
        bindings::IFLA_CARP_STATS_TX_ERRORS,
        counters.send_errors.get(),
    )?;
    put(bindings::IFLA_CARP_STATS_RX_V4, counters.received_v4.get())?;
    put(bindings::IFLA_CARP_STATS_RX_V6, counters.received_v6.get())?;
    put(
        bindings::IFLA_CARP_STATS_ANNOUNCEMENTS,
        counters.announcements.get(),
    )?;
    put(
        bindings::IFLA_CARP_STATS_ARP_REPLIES,
        counters.arp_replies.get(),
    )?;
    put(
        bindings::IFLA_CARP_STATS_ND_REPLIES,
        counters.nd_replies.get(),
    )?;
    put(
        bindings::IFLA_CARP_STATS_NOT_SELECTED,
        counters.not_selected.get(),
    )?;
    put(
        bindings::IFLA_CARP_STATS_ADDRESS_CONFLICT,
        counters.address_conflict.get(),
    )?;
    put(
        bindings::IFLA_CARP_STATS_OTHER_MASTER,
        counters.other_master.get(),
    )?;
    put(bindings::IFLA_CARP_STATS_RX_NOT_MASTER, received.dropped)?;
    put(
        bindings::IFLA_CARP_STATS_RX_NOT_SELECTED,
        received.not_selected,
    )?;
    put(
        bindings::IFLA_CARP_STATS_TX_NOT_MASTER,
        counters.sent_not_master.get(),
    )?;

    // What no group could be charged with is the parent's, and all its groups
    // show it.
    let parents = port.as_ref().map(|port| &port.discards);
    let unknown = parents.map_or(0, Discards::unknown_vhid);
    let unattributed = parents.map_or(0, Discards::total) - unknown;
    let numbers = bindings::IFLA_CARP_STATS_DISCARD_NOT_ALLOWED..;
    for (number, value) in numbers.zip(counters.discards.get()) {
        let of_parent = number == bindings::IFLA_CARP_STATS_DISCARD_UNKNOWN_VHID;
        put(number, if of_parent { unknown } else { value })?;
    }
    put(bindings::IFLA_CARP_STATS_DISCARD_UNATTRIBUTED, unattributed)
}
