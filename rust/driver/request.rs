// SPDX-License-Identifier: GPL-2.0

//! Netlink requests: taken apart and checked whole before anything changes.
//!
//! Process context with the RTNL held. Every refusal has a sentence that names
//! the attribute and the rule.

use super::{
    key::Key,
    link::Carp,
    parent,
    port::Port,
    request_nodes::{
        self,
        Settings,
        LIST_POLICY, //
    }, //
};
use crate::{
    net::{
        attribute::Policy,
        bindings::{
            IFLA_ADDRESS,
            IFLA_CARP_ADVBASE,
            IFLA_CARP_ADVSKEW,
            IFLA_CARP_BALANCING,
            IFLA_CARP_KEY,
            IFLA_CARP_MISSING,
            IFLA_CARP_NODES,
            IFLA_CARP_PAD,
            IFLA_CARP_REASON,
            IFLA_CARP_SELECTION,
            IFLA_CARP_SINCE,
            IFLA_CARP_STATE,
            IFLA_CARP_TRANSITIONS,
            IFLA_CARP_VHID,
            IFLA_LINK,
            IFLA_MTU, //
            __IFLA_CARP_MAX,
        },
        errno,
        extended_ack::ExtendedAck,
        link_device::Device,
        netdevice::NetDevice,
        rtnl::Rtnl,
        rtnl_link::Request, //
    },
    proto::{
        Balancing,
        Parameters,
        Selection,
        State, //
    }, //
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// What netlink checks by itself.
pub(super) static POLICY: [Policy; __IFLA_CARP_MAX as usize] = {
    let mut policy = [Policy::STRICT; __IFLA_CARP_MAX as usize];
    policy[IFLA_CARP_VHID as usize] = Policy::U32;
    policy[IFLA_CARP_ADVBASE as usize] = Policy::U32;
    policy[IFLA_CARP_ADVSKEW as usize] = Policy::U32;
    policy[IFLA_CARP_KEY as usize] = Policy::BINARY;
    policy[IFLA_CARP_STATE as usize] = Policy::U32;
    policy[IFLA_CARP_REASON as usize] = Policy::reject(c"reason is read only");
    policy[IFLA_CARP_MISSING as usize] = Policy::reject(c"missing is read only");
    policy[IFLA_CARP_TRANSITIONS as usize] = Policy::reject(c"transitions is read only");
    policy[IFLA_CARP_SINCE as usize] = Policy::reject(c"since is read only");
    policy[IFLA_CARP_PAD as usize] = Policy::reject(c"padding is no attribute of a request");
    policy[IFLA_CARP_BALANCING as usize] = Policy::U32;
    policy[IFLA_CARP_SELECTION as usize] = Policy::U32;
    policy[IFLA_CARP_NODES as usize] = Policy::nested(&LIST_POLICY);
    policy
};

/// What a request asks for, checked.
pub(crate) struct Change {
    /// What the nodes are then, and how they share.
    pub(super) settings: Settings,
    pub(super) key: Option<Key>,
    pub(super) state: Option<State>,
    pub(super) parent: Option<ARef<NetDevice>>,
    /// Of a new device; that of others is changed by the core.
    pub(super) mtu: Option<u32>,
}

/// What a request changes.
struct Present<'a> {
    /// The device itself, which does not count as another group.
    device: &'a NetDevice,
    state: State,
    settings: Settings,
    parent: Option<ARef<NetDevice>>,
}

/// Checks a request to make a device.
pub(super) fn create(
    device: &NetDevice,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
    rtnl: &Rtnl,
) -> Result<Change> {
    let present = Present {
        device,
        state: State::Init,
        settings: Settings {
            nodes: None,
            parameters: Parameters::default(),
            balancing: Balancing::default(),
            selection: Selection::default(),
        },
        parent: None,
    };
    let mtu = match request.general.get(IFLA_MTU) {
        Some(attribute) => Some(attribute.u32()?),
        None => None,
    };
    let change = check(&present, request, ack, rtnl)?;
    Ok(Change { mtu, ..change })
}

/// Checks a request to change a device.
pub(super) fn change(
    device: &Device<Carp>,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
    rtnl: &Rtnl,
) -> Result<Change> {
    let machine = device.private().machine.lock();
    let present = Present {
        device,
        state: machine.nodes.state(),
        settings: machine.settings(),
        parent: machine.port.as_ref().map(|port| ARef::from(port.parent())),
    };
    drop(machine);
    let change = check(&present, request, ack, rtnl)?;
    check_mtu(device, change.parent.as_deref(), request, ack, rtnl)?;
    Ok(change)
}

/// Checks the MTU that a device is to have with the parent that it gets, if it gets one. It is the
/// core that sets it, and refuses it, but after all else was changed.
fn check_mtu(
    device: &Device<Carp>,
    parent: Option<&NetDevice>,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
    rtnl: &Rtnl,
) -> Result {
    let Some(attribute) = request.general.get(IFLA_MTU) else {
        return Ok(());
    };
    let (mtu, (least, most)) = (attribute.u32()?, device.mtu_limits(rtnl));
    let most = parent.map_or(most, |parent| parent.mtu().max(least));
    if mtu < least {
        Err(ack.refuse_attribute(attribute, c"mtu less than device minimum", EINVAL))
    } else if mtu > most {
        Err(ack.refuse_attribute(attribute, c"mtu greater than device maximum", EINVAL))
    } else {
        Ok(())
    }
}

fn check(
    present: &Present<'_>,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
    rtnl: &Rtnl,
) -> Result<Change> {
    if let Some(attribute) = request.general.get(IFLA_ADDRESS) {
        return Err(ack.refuse_attribute(
            attribute,
            c"the address of a carp device follows from its vhid",
            errno::not_supported(),
        ));
    }
    let settings = request_nodes::settings(&present.settings, request, ack)?;
    let change = Change {
        settings,
        key: key(request, ack)?,
        state: state(present, &settings, request, ack)?,
        parent: new_parent(present, request, ack, rtnl)?,
        mtu: None,
    };
    let parent = change.parent.as_ref().or(present.parent.as_ref());
    if let (Some(parent), Some(nodes)) = (parent, &change.settings.nodes) {
        let port = Port::of(parent, rtnl);
        let taken = port.and_then(|port| port.first_taken(&nodes.vhids(), present.device));
        if let Some(vhid) = taken {
            return Err(ack.refuse_with(
                fmt!("vhid {} is used already on {}", vhid.get(), **parent),
                EEXIST,
            ));
        }
    }
    Ok(change)
}

fn key(request: &Request<'_>, ack: &mut ExtendedAck) -> Result<Option<Key>> {
    let Some(attribute) = request.own.get(IFLA_CARP_KEY) else {
        return Ok(None);
    };
    let Some(key) = Key::new(attribute.bytes()) else {
        let sentence = c"key must be at most 20 bytes long";
        return Err(ack.refuse_attribute(attribute, sentence, EINVAL));
    };
    Ok(Some(key))
}

fn state(
    present: &Present<'_>,
    settings: &Settings,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
) -> Result<Option<State>> {
    let Some(attribute) = request.own.get(IFLA_CARP_STATE) else {
        return Ok(None);
    };
    let state = match attribute.u32()? {
        number if number == State::Backup as u32 => State::Backup,
        number if number == State::Master as u32 => State::Master,
        _ => {
            let sentence = c"only state MASTER or BACKUP can be asked for";
            return Err(ack.refuse_attribute(attribute, sentence, EINVAL));
        }
    };
    let other_vhid = settings.vhids() != present.settings.vhids();
    let other_parent = request.general.get(IFLA_LINK).is_some() && present.parent.is_none();
    let restarts = other_vhid || other_parent;
    if restarts {
        let sentence = c"state cannot be asked for together with another vhid or parent";
        return Err(ack.refuse_attribute(attribute, sentence, EINVAL));
    }
    if present.state == State::Init {
        let sentence = c"a group in INIT has no state to change";
        return Err(ack.refuse_attribute(attribute, sentence, errno::network_down()));
    }
    Ok(Some(state))
}

/// The parent that is to be joined; none if there is one already and it is the
/// same.
fn new_parent(
    present: &Present<'_>,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
    rtnl: &Rtnl,
) -> Result<Option<ARef<NetDevice>>> {
    let Some(attribute) = request.general.get(IFLA_LINK) else {
        return Ok(None);
    };
    let namespace = present.device.namespace();
    if request
        .link_namespace
        .is_some_and(|other| other != namespace)
    {
        let sentence = c"the parent must be in the namespace of the carp device";
        return Err(ack.refuse_attribute(attribute, sentence, EINVAL));
    }
    let Some(parent) = NetDevice::by_index(namespace, attribute.u32()?, rtnl) else {
        return Err(ack.refuse_attribute(attribute, c"the parent does not exist", ENODEV));
    };
    match &present.parent {
        Some(old) if **old == *parent => Ok(None),
        Some(_) => {
            let sentence = c"the parent cannot be changed, delete the device instead";
            Err(ack.refuse_attribute(attribute, sentence, EBUSY))
        }
        None => {
            parent::check(parent, ack, rtnl)?;
            Ok(Some(ARef::from(parent)))
        }
    }
}
