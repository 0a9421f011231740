// SPDX-License-Identifier: GPL-2.0

//! What is written to the kernel's log, by `net.inet.carp.log`.
//!
//! The levels are like OpenBSD's (protocol reference, section 5): 2 and up changes between
//! MASTER and BACKUP, other MASTERs, and who claims an address; 4 and up changes from and to
//! INIT; 5 and up advertisements that were not used. Any context.

use super::{
    link::Carp,
    network, //
};
use crate::{
    net::{
        link_device::Device,
        netdevice::NetDevice,
        ratelimit::net_ratelimit, //
    },
    proto::{
        ownership::{
            Ip,
            Route, //
        },
        Discard,
        Notice,
        Reason,
        Source,
        State,
        Transition,
        Vhid, //
    }, //
};
use core::net::{
    Ipv4Addr,
    Ipv6Addr, //
};
use kernel::{
    fmt,
    prelude::*, //
};

const LEVEL_TRANSITION: i32 = 2;
const LEVEL_OTHER_MASTER: i32 = 2;
const LEVEL_CLAIM: i32 = 2;
const LEVEL_INIT: i32 = 4;
const LEVEL_DISCARD: i32 = 5;

/// A change of state of a group, or of the one of its nodes with this vhid.
pub(super) fn transition(device: &Device<Carp>, node: Option<Vhid>, transition: &Transition) {
    let level = match (transition.from, transition.to) {
        (State::Init, _) | (_, State::Init) => LEVEL_INIT,
        _ => LEVEL_TRANSITION,
    };
    if network::log_level(device.namespace()) >= level {
        pr_info!(
            "{}: {}{} -> {} ({})\n",
            **device,
            Node(node),
            state(transition.from),
            state(transition.to),
            reason(transition.reason),
        );
    }
}

/// Another MASTER was heard, and this host stays MASTER as well.
pub(super) fn other_master(
    device: &Device<Carp>,
    node: Option<Vhid>,
    source: Source,
    notice: Notice,
) {
    if network::log_level(device.namespace()) < LEVEL_OTHER_MASTER || !net_ratelimit() {
        return;
    }
    pr_info!(
        "{}: {}{} is MASTER, too: {}\n",
        **device,
        Node(node),
        Address(source),
        match notice {
            Notice::OtherMaster => "it advertises less often and is told to step down",
            Notice::Tie => "it advertises as often, and has the lower address",
        },
    );
}

/// Another host says that an address of a group, which this host is MASTER of, is at a MAC
/// of its own.
pub(super) fn address_claimed(device: &Device<Carp>, address: Ip, mac: [u8; 6]) {
    if network::log_level(device.namespace()) < LEVEL_CLAIM || !net_ratelimit() {
        return;
    }
    pr_info!(
        "{}: {} is claimed by {}, too\n",
        **device,
        Address::of(address),
        Mac(mac),
    );
}

/// Another MASTER was heard, and this host stays MASTER no more.
pub(super) fn gives_way(device: &Device<Carp>, node: Option<Vhid>, source: Source) {
    if network::log_level(device.namespace()) < LEVEL_OTHER_MASTER || !net_ratelimit() {
        return;
    }
    pr_info!(
        "{}: {}gives way to {}\n",
        **device,
        Node(node),
        Address(source)
    );
}

/// An advertisement that was not used. Says what to check.
pub(super) fn discard(parent: &NetDevice, vhid: Option<Vhid>, source: Source, discard: Discard) {
    if network::log_level(parent.namespace()) < LEVEL_DISCARD || !net_ratelimit() {
        return;
    }
    pr_info!(
        "{}: vhid {}: advertisement from {} not used: {}\n",
        *parent,
        vhid.map_or(0, Vhid::get),
        Address(source),
        match discard {
            Discard::NotAllowed => "net.inet.carp.allow is 0",
            Discard::BadHopLimit => "TTL or hop limit is not 255: it was routed, or forged",
            Discard::BadLength => "too short",
            Discard::BadVersion => "not CARP version 2; VRRP with the same number?",
            Discard::BadType => "not an advertisement",
            Discard::BadChecksum => "wrong checksum",
            Discard::UnknownVhid => "no such group here",
            Discard::NotRunning => "the group is in INIT",
            Discard::BadDigest =>
                "digest does not match: passphrase or list of addresses differs from the sender's",
            Discard::OwnEcho => "our own, sent back by the network",
        },
    );
}

/// The kernel was about to make up a link-local address for a group. Process context, the RTNL
/// held.
pub(super) fn not_generated(device: &Device<Carp>, address: Ip) {
    if net_ratelimit() {
        pr_info!(
            "{}: {} is not generated (addr_gen_mode): a group has the addresses it is given\n",
            **device,
            Address::of(address),
        );
    }
}

/// A route that the state of a group asks for could not be added.
pub(super) fn route_failed(route: &Route, error: Error) {
    if !net_ratelimit() {
        return;
    }
    let address = Address::of(route.destination.address);
    if error == EEXIST {
        pr_info!(
            "a route to {}/{} is there already, and is used\n",
            address,
            route.destination.prefix_len,
        );
    } else {
        pr_warn!(
            "no route to {}/{}, will try again: {:?}\n",
            address,
            route.destination.prefix_len,
            error,
        );
    }
}

/// Which of several nodes a message is about.
struct Node(Option<Vhid>);

impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(vhid) => formatter.write_fmt(fmt!("vhid {}: ", vhid.get())),
            None => Ok(()),
        }
    }
}

/// An address, in a message.
struct Address(Source);

impl Address {
    fn of(address: Ip) -> Self {
        Self(match address {
            Ip::V4(address) => Source::V4(address),
            Ip::V6(address) => Source::V6(address),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Source::V4(address) => core::fmt::Display::fmt(&Ipv4Addr::from(address), formatter),
            Source::V6(address) => core::fmt::Display::fmt(&Ipv6Addr::from(address), formatter),
        }
    }
}

/// An Ethernet address, in a message.
struct Mac([u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(formatter, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Init => "INIT",
        State::Backup => "BACKUP",
        State::Master => "MASTER",
    }
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Created => "created",
        Reason::NoVhid => "no vhid is set",
        Reason::NoParent => "no parent device",
        Reason::NoAddress => "no virtual address",
        Reason::DeviceDown => "device is down",
        Reason::ParentDown => "parent is down",
        Reason::NoCarrier => "parent has no carrier",
        Reason::NotAllowed => "net.inet.carp.allow is 0",
        Reason::Ready => "configuration complete",
        Reason::BetterMaster => "more frequent advertisement received",
        Reason::EqualMaster => "equal advertisement received, the sender's address wins",
        Reason::Requested => "requested",
        Reason::TimedOut => "master timed out",
        Reason::Preempted => "preempting a slower master",
        Reason::MasterDemoted => "master is demoted",
        Reason::MasterTooSlow => "master will time out",
        Reason::MasterBowedOut => "master bowed out",
    }
}
