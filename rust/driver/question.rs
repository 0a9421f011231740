// SPDX-License-Identifier: GPL-2.0

//! Questions for virtual addresses, by ARP and by neighbour solicitation: whether
//! they are a matter of the groups here, and which group answers.
//!
//! Softirq context, under RCU. The port's lock is held to look an address or a group up,
//! never while anything is sent. Who is answered becomes a neighbour, if it is none yet,
//! as if the stack had answered: who has moved to another MAC is found there from then on.

use super::{
    announce,
    frame::is_from_elsewhere,
    link::Carp,
    network,
    port::Port, //
};
use crate::{
    net::{
        inet_device,
        link_device::Device,
        neighbour,
        netdevice::NetDevice,
        rx_handler::Frame, //
    },
    proto::{
        neighbour::{
            is_link_local,
            Solicitation,
            SOLICITATION_TARGET, //
        },
        ownership::Ip,
        Arp,
        Asker,
        Operation,
        State,
        Vhid,
        VhidSet, //
    }, //
};
use kernel::sync::{
    aref::ARef,
    rcu, //
};

/// Handles an ARP request for a virtual address: a MASTER answers, others are
/// silent, and the stack of the parent never sees it, since it would answer with
/// the parent's own MAC.
///
/// Says whether the question ends here: not if no group has the address, or if it is
/// the parent's as well, and no group with it runs.
pub(super) fn by_arp(port: &Port, request: &Arp) -> bool {
    if request.operation != Operation::Request {
        return false;
    }
    let owners = port.owners_v4(request.target);
    let is_own = || inet_device::has_v4(port.parent(), &rcu::read_lock(), request.target);
    let Some(running) = matter_of(port, &owners, is_own) else {
        return false;
    };
    // The announcement of another host, MASTER or about to be, is no question.
    if request.sender != request.target {
        let asker = Asker {
            address: Ip::V4(request.sender),
            mac: request.sender_mac,
        };
        if let Some(device) = chosen(port, &running, &asker, None) {
            announce::answer_v4(&device, port.parent(), request);
            meet_v4(port, request);
        }
    }
    true
}

/// As [`by_arp`], for a neighbour solicitation. `to` is the group whose virtual MAC the
/// frame is for: it only makes sure of what the client knows already, and is that
/// group's to answer. IPv6 hosts have several addresses, ask from one and make sure from
/// another one, and must not lose their way for that.
pub(super) fn by_solicitation(port: &Port, frame: &Frame<'_>, to: Option<Vhid>) -> bool {
    // Most are for others, and need no closer look.
    let is_for_another = |target| port.owners_v6(target).is_empty();
    if frame.peek(SOLICITATION_TARGET).is_some_and(is_for_another) {
        return false;
    }
    let Some(solicitation) = Solicitation::read(|place, bytes| frame.copy_from(place, bytes))
    else {
        return false;
    };
    let target = solicitation.target;
    let owners = port.owners_v6(target);
    let is_own = || inet_device::has_v6(port.parent(), &rcu::read_lock(), target);
    let Some(running) = matter_of(port, &owners, is_own) else {
        return false;
    };
    let asker = Asker {
        address: Ip::V6(solicitation.source),
        mac: solicitation.source_mac.unwrap_or(frame.source()),
    };
    if let Some(device) = chosen(port, &running, &asker, to) {
        announce::answer_v6(&device, port, &solicitation, frame.source());
        meet_v6(port, &device, &solicitation);
    }
    true
}

/// Who asks in the name of an address of this host, a virtual one among them, is no neighbour.
fn meet_v4(port: &Port, request: &Arp) {
    if is_from_elsewhere(port, request.sender, &rcu::read_lock()) {
        neighbour::asks_v4(port.parent(), request.sender, request.sender_mac);
    }
}

/// As [`meet_v4`]. A link-local address is one of the group's device, as are its neighbours.
fn meet_v6(port: &Port, device: &Device<Carp>, solicitation: &Solicitation) {
    // Who has no address yet says no MAC.
    let Some(mac) = solicitation.source_mac else {
        return;
    };
    let source = solicitation.source;
    let guard = rcu::read_lock();
    if port.owners_v6(source).is_empty() && !inet_device::has_v6(port.parent(), &guard, source) {
        let is_on_device = is_link_local(solicitation.target);
        let device: &NetDevice = if is_on_device { device } else { port.parent() };
        neighbour::asks_v6(device, source, mac);
    }
}

/// Those of the owners of an address that run; `None` if who asks for it does not ask
/// for them.
fn matter_of(
    port: &Port,
    owners: &VhidSet,
    is_parents_own: impl FnOnce() -> bool,
) -> Option<VhidSet> {
    if owners.is_empty() {
        return None;
    }
    let runs = |vhid: &Vhid| matches!(port.state(*vhid), Some(State::Backup | State::Master));
    let running: VhidSet = owners.iter().filter(runs).collect();
    (!running.is_empty() || !is_parents_own()).then_some(running)
}

/// The one of the groups that answers, if this host is MASTER of it: the first, or
/// with `net.inet.carp.arpbalance` the one that all hosts choose for who asks. The
/// others that this host is MASTER of count that they were not. There is nothing to
/// choose for a question `to` one of them.
fn chosen(
    port: &Port,
    running: &VhidSet,
    asker: &Asker,
    to: Option<Vhid>,
) -> Option<ARef<Device<Carp>>> {
    let is_master = |vhid: &Vhid| port.is_master_of(*vhid);
    let Some(balance) = network::balance(port.parent().namespace()) else {
        return port.group(running.iter().find(is_master)?);
    };
    let chosen = to
        .filter(|vhid| running.contains(*vhid))
        .or_else(|| balance.choose(running, asker, |vhid| port.balance_keys(vhid)))?;
    let others = running.iter().filter(|vhid| *vhid != chosen);
    for device in others.filter(is_master).filter_map(|vhid| port.group(vhid)) {
        device.private().counters.not_selected.increment();
    }
    Some(chosen)
        .filter(is_master)
        .and_then(|vhid| port.group(vhid))
}
