// SPDX-License-Identifier: GPL-2.0

//! The generic netlink family `carp`: what can be asked.
//!
//! Process context, without the RTNL: an answer does not wait for who holds it. Events
//! are sent by [`super::events`].

use super::{
    description,
    events::Events,
    link::Carp,
    network, //
};
use crate::{
    net::{
        attribute::{
            Message,
            Policy, //
        },
        bindings::{
            carp_attribute_CARP_A_IFINDEX,
            carp_attribute_CARP_A_IFNAME,
            carp_attribute_CARP_A_PAD,
            carp_command_CARP_CMD_GROUP_GET,
            carp_command_CARP_CMD_KEY_GET,
            CARP_GENL_NAME,
            CARP_GENL_VERSION,
            CARP_MCGRP_EVENTS, //
        },
        errno,
        extended_ack::ExtendedAck,
        generic_netlink::{
            Answer,
            Dump,
            Family,
            MulticastGroup,
            Operation,
            Permission,
            Reply,
            Request, //
        },
        link_device::Device,
        namespace::Namespace,
        netdevice::{
            DeviceName,
            NetDevice, //
        }, //
    }, //
};
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        rcu, //
    }, //
};

/// The family.
pub(crate) static FAMILY: Family =
    Family::new(CARP_GENL_NAME, CARP_GENL_VERSION, &OPERATIONS, &GROUPS);

/// The group of listeners that are told events.
pub(super) const EVENTS: u32 = 0;

static GROUPS: [MulticastGroup; 1] = [MulticastGroup::new(CARP_MCGRP_EVENTS)];

static OPERATIONS: [Operation; 3] = [
    Operation::answer::<GroupGet>(),
    Operation::dump::<GroupGet>(),
    Operation::answer::<KeyGet>(),
];

/// A group is asked for by the number or the name of its device.
const POLICY: [Policy; carp_attribute_CARP_A_IFNAME as usize + 1] = {
    let mut policy = [Policy::STRICT; carp_attribute_CARP_A_IFNAME as usize + 1];
    policy[carp_attribute_CARP_A_PAD as usize] =
        Policy::reject(c"padding is no attribute of a request");
    policy[carp_attribute_CARP_A_IFINDEX as usize] = Policy::U32;
    policy[carp_attribute_CARP_A_IFNAME as usize] = Policy::DEVICE_NAME;
    policy
};

/// `CARP_CMD_GROUP_GET`: all about one group, or all.
struct GroupGet;

impl Answer for GroupGet {
    const COMMAND: u8 = carp_command_CARP_CMD_GROUP_GET as u8;
    const PERMISSION: Permission = Permission::Anybody;
    const POLICY: &'static [Policy] = &POLICY;

    fn answer(request: &Request<'_>, ack: &mut ExtendedAck) -> Result<Reply> {
        let group = find(request, ack)?;
        loop {
            let room = description::whole_size(&group) + description::SEQUENCE_SIZE;
            match request.reply(room, |message| fill(&group, message)) {
                // It got another address meanwhile.
                Err(error) if error == EMSGSIZE => {}
                reply => return reply,
            }
        }
    }
}

impl Dump for GroupGet {
    const COMMAND: u8 = <Self as Answer>::COMMAND;
    const PERMISSION: Permission = <Self as Answer>::PERMISSION;
    const POLICY: &'static [Policy] = &[];

    type Entry = ARef<Device<Carp>>;

    fn largest(namespace: &Namespace) -> usize {
        let mut largest = 0;
        NetDevice::for_each_rcu(namespace, &rcu::read_lock(), |device| {
            if let Some(group) = Device::<Carp>::downcast(device) {
                largest = largest.max(description::whole_size(group));
            }
        });
        largest + description::SEQUENCE_SIZE
    }

    fn generation(namespace: &Namespace) -> u32 {
        network::with_events(namespace, Events::generation).unwrap_or(1)
    }

    fn next(namespace: &Namespace, from: u32) -> Option<(u32, Self::Entry)> {
        let guard = rcu::read_lock();
        let mut from = from;
        loop {
            let device = NetDevice::next_by_index_rcu(namespace, from, &guard)?;
            if let Some(group) = Device::<Carp>::downcast(device) {
                return Some((device.index(), ARef::from(group)));
            }
            from = device.index().checked_add(1)?;
        }
    }

    fn fill(group: &Self::Entry, message: &mut Message<'_>) -> Result {
        fill(group, message)
    }
}

/// `CARP_CMD_KEY_GET`: the key of one group.
struct KeyGet;

impl Answer for KeyGet {
    const COMMAND: u8 = carp_command_CARP_CMD_KEY_GET as u8;
    const PERMISSION: Permission = Permission::NamespaceAdministrator;
    const POLICY: &'static [Policy] = &POLICY;

    fn answer(request: &Request<'_>, ack: &mut ExtendedAck) -> Result<Reply> {
        let group = find(request, ack)?;
        request.reply(
            description::KEY_SIZE + description::SEQUENCE_SIZE,
            |message| {
                description::sequence(last_event(&group), message)?;
                description::key(&group, message)
            },
        )
    }
}

/// The number of the last event comes first: what is looked at after it is not older.
fn fill(group: &Device<Carp>, message: &mut Message<'_>) -> Result {
    description::sequence(last_event(group), message)?;
    description::describe_whole(group, message)
}

fn last_event(group: &Device<Carp>) -> u32 {
    network::with_events(group.namespace(), Events::sequence).unwrap_or(0)
}

/// The group that a request is about.
///
/// # Errors
///
/// `EINVAL`, `ENODEV`, and `EOPNOTSUPP` for a device of another kind, each with a
/// sentence.
fn find(request: &Request<'_>, ack: &mut ExtendedAck) -> Result<ARef<Device<Carp>>> {
    let namespace = request.namespace();
    let attributes = request.attributes();
    let index = attributes.get(carp_attribute_CARP_A_IFINDEX);
    let name = attributes.get(carp_attribute_CARP_A_IFNAME);
    let Some(named) = index.or(name) else {
        let sentence = c"ifindex or ifname must say which group";
        return Err(ack.refuse(sentence, EINVAL));
    };

    let guard = rcu::read_lock();
    let by_index = match index {
        Some(index) => NetDevice::by_index_rcu(namespace, index.u32()?, &guard),
        None => None,
    };
    let by_name = name
        .and_then(|name| DeviceName::new(name.bytes()))
        .and_then(|name| NetDevice::by_name_rcu(namespace, &name, &guard));
    let Some(device) = by_index.or(by_name) else {
        return Err(ack.refuse_attribute(named, c"the device does not exist", ENODEV));
    };
    if let (Some(_), Some(name)) = (index, name) {
        if by_index != by_name {
            let sentence = c"ifindex and ifname must be of the same device";
            return Err(ack.refuse_attribute(name, sentence, EINVAL));
        }
    }
    match Device::<Carp>::downcast(device) {
        Some(group) => Ok(ARef::from(group)),
        None => Err(ack.refuse_attribute(
            named,
            c"the device is not of kind carp",
            errno::not_supported(),
        )),
    }
}
