// SPDX-License-Identifier: GPL-2.0-only
//! From what is and what is wanted to the steps between, and their performance.
//!
//! [`Desired`] is a whole configuration; [`apply`] changes what differs and leaves
//! the rest alone, so that applying it again does nothing. The words of a command
//! line ask for steps of their own (`command::configure`).

use crate::failure::Failure;
use crate::group::{Group, named};
use crate::kernel::Kernel;
use crate::netlink::address::{Address, longest_prefix};
use crate::netlink::link::{Key, Parameters, Settings};
use crate::netlink::node;
use carp_uapi::names::{BALANCINGS, SELECTIONS};
use carp_uapi::number::Node;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

mod perform;

pub use perform::{Performer, name_beside, perform};

/// An address that is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// The address.
    pub ip: IpAddr,
    /// The length of the subnet's prefix; none said: that of the subnet of the
    /// parent that it is in, or else the address alone.
    pub prefix: Option<u8>,
    /// The broadcast address; none said: the last one of the subnet.
    pub broadcast: Option<Ipv4Addr>,
}

/// A whole configuration of a group; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// The name of the device, which is made if there is none.
    pub name: String,
    /// The name of the parent.
    pub carpdev: Option<String>,
    /// 1 to 255.
    pub vhid: Option<u32>,
    /// Seconds.
    pub advbase: Option<u32>,
    /// 1/256 s.
    pub advskew: Option<u32>,
    /// At most 20 bytes.
    pub key: Option<Key>,
    /// The longest packet.
    pub mtu: Option<u32>,
    /// What is said of the device, for people.
    pub description: Option<String>,
    /// All nodes, by vhid, in the place of `vhid` and `advskew`; one alone has no balancing.
    pub nodes: Option<Vec<Node>>,
    /// `enum carp_balancing`.
    pub balancing: Option<u32>,
    /// `enum carp_selection`.
    pub selection: Option<u32>,
    /// All addresses of the device: others are taken away.
    pub addresses: Option<Vec<Wanted>>,
    /// Whether the device is up.
    pub up: Option<bool>,
}

/// What is there before anything is changed.
#[derive(Clone, Debug, Default)]
pub struct Present {
    /// The group, if there is one.
    pub group: Option<Group>,
    /// Its key, if this user may see it.
    pub key: Option<Vec<u8>>,
    /// The number of the parent that is wanted, or that is there.
    pub parent: Option<u32>,
    /// All addresses of this host, with the numbers of their devices.
    pub addresses: Vec<(u32, Address)>,
}

impl Present {
    /// Reads what is there, for a device that shall be on `carpdev`.
    pub fn read(kernel: &mut Kernel, name: &str, carpdev: Option<&str>) -> Result<Self, Failure> {
        let group = kernel.group(name)?;
        let parent = match carpdev {
            Some(parent) => Some(kernel.existing_link(parent)?.index),
            None => group.as_ref().and_then(|group| group.link.parent),
        };
        Ok(Self {
            addresses: kernel.addresses()?,
            group,
            key: None,
            parent,
        })
    }

    /// An address with the subnet that was said, or that it is in.
    pub fn complete(&self, wanted: &Wanted) -> Address {
        let prefix = wanted.prefix.unwrap_or_else(|| self.prefix(wanted.ip));
        let mut address = Address::with_broadcast(wanted.ip, prefix);
        if wanted.broadcast.is_some() {
            address.broadcast = wanted.broadcast;
        }
        address
    }

    /// The longest prefix of a subnet of the parent (or, if there is none yet, of
    /// any device) that has the address; or that of the address alone.
    fn prefix(&self, ip: IpAddr) -> u8 {
        let own = self.group.as_ref().map(|group| group.link.index);
        self.addresses
            .iter()
            .filter(|(device, _)| match self.parent {
                Some(parent) => *device == parent,
                None => Some(*device) != own,
            })
            .filter(|(_, address)| address.subnet_has(ip))
            .map(|(_, address)| address.prefix)
            .max()
            .unwrap_or(longest_prefix(ip))
    }

    /// The addresses of the group.
    pub fn own(&self) -> &[Address] {
        self.group.as_ref().map_or(&[], |group| &group.addresses)
    }
}

/// One request to the kernel.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Makes the device.
    Create(Settings),
    /// Makes, beside the device that is there, the one that is to take its place. Later
    /// steps are about the new one, but for [`Step::Destroy`].
    CreateBeside(Settings),
    /// Changes what differs.
    Change(Settings),
    /// Says something of the device, for people.
    Describe(String),
    /// Puts an address on the device.
    Add(Address),
    /// Takes an address from the device.
    Remove(Address),
    /// Takes the device up or down.
    SetUp(bool),
    /// Deletes the device that is there.
    Destroy,
    /// Gives the device that was made beside it the name.
    Rename,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, settings) = match self {
            Self::Create(settings) | Self::CreateBeside(settings) => ("create", settings),
            Self::Change(settings) => ("", settings),
            Self::Add(address) => return write!(f, "alias {address}"),
            Self::Remove(address) => return write!(f, "-alias {address}"),
            Self::Describe(text) => return write!(f, "description {text:?}"),
            Self::SetUp(true) => return f.write_str("up"),
            Self::SetUp(false) => return f.write_str("down"),
            Self::Destroy => return f.write_str("destroy"),
            Self::Rename => return f.write_str("rename"),
        };
        let mut words = vec![first.to_owned()];
        for (name, number) in [
            ("vhid", settings.vhid),
            ("advbase", settings.advbase),
            ("advskew", settings.advskew),
            ("mtu", settings.mtu),
        ] {
            words.extend(number.map(|number| format!("{name} {number}")));
        }
        words.extend(
            settings
                .nodes
                .as_ref()
                .map(|nodes| format!("carpnodes {}", node::shown(nodes))),
        );
        for (name, names, number) in [
            ("balancing", BALANCINGS, settings.balancing),
            ("selection", SELECTIONS, settings.selection),
        ] {
            words.extend(number.map(|number| format!("{name} {}", named(names, number))));
        }
        // Numbers of devices and the key are nothing to show.
        words.extend(settings.parent.map(|_| "carpdev …".to_owned()));
        words.extend(settings.key.as_ref().map(|_| "pass …".to_owned()));
        f.write_str(words.join(" ").trim_start())
    }
}

/// The steps from what is to what is wanted; none if it is so already. On another
/// parent there is another device: the parent of one cannot be changed.
pub fn plan(desired: &Desired, present: &Present) -> Vec<Step> {
    let now = present.group.as_ref().and_then(|group| group.link.parent);
    match &present.group {
        None => plan_device(desired, present, Step::Create, &[]),
        // All that may well be refused comes before what cannot be undone without a trace.
        // The new device is down meanwhile: it is not to have the addresses yet, nor are
        // the programs of `monitor` to hear of it by the name that it has until then.
        Some(_) if desired.carpdev.is_some() && now.is_some() && now != present.parent => {
            let replace = [Step::Destroy, Step::Rename];
            plan_device(desired, present, Step::CreateBeside, &replace)
        }
        Some(group) => plan_changes(desired, present, group),
    }
}

/// The steps to a new device, with these before it is taken up.
fn plan_device(
    desired: &Desired,
    present: &Present,
    create: fn(Settings) -> Step,
    before_up: &[Step],
) -> Vec<Step> {
    let mut steps = vec![create(settings(desired, present))];
    // The kernel takes none with a new device.
    steps.extend(desired.description.clone().map(Step::Describe));
    for wanted in desired.addresses.iter().flatten() {
        steps.push(Step::Add(present.complete(wanted)));
    }
    steps.extend_from_slice(before_up);
    steps.extend((desired.up == Some(true)).then_some(Step::SetUp(true)));
    steps
}

/// The settings of a device that is to be as `desired`.
fn settings(desired: &Desired, present: &Present) -> Settings {
    Settings {
        vhid: desired.vhid,
        advbase: desired.advbase,
        advskew: desired.advskew,
        key: desired.key.clone(),
        state: None,
        parent: present.parent.filter(|_| desired.carpdev.is_some()),
        mtu: desired.mtu,
        nodes: desired.nodes.clone(),
        balancing: desired.balancing,
        selection: desired.selection,
    }
}

/// The steps for what differs.
fn plan_changes(desired: &Desired, present: &Present, group: &Group) -> Vec<Step> {
    let mut steps = Vec::new();
    if desired.up == Some(false) && group.link.is_up() {
        steps.push(Step::SetUp(false));
    }
    let settings = differing(settings(desired, present), group, present.key.as_deref());
    if !settings.is_empty() {
        steps.push(Step::Change(settings));
    }
    let description = desired.description.clone();
    steps.extend(
        description
            .filter(|text| *text != group.link.description)
            .map(Step::Describe),
    );
    if let Some(wanted) = &desired.addresses {
        let wanted: Vec<_> = wanted
            .iter()
            .map(|wanted| present.complete(wanted))
            .collect();
        steps.extend(address_steps(&wanted, &group.addresses));
    }
    if desired.up == Some(true) && !group.link.is_up() {
        steps.push(Step::SetUp(true));
    }
    steps
}

/// The nodes of a group, of which there may be one.
fn nodes_of(carp: &Parameters) -> Vec<Node> {
    if carp.nodes.is_empty() {
        let advskew = carp.advskew;
        let only = carp.vhid.map(|vhid| Node { vhid, advskew });
        return only.into_iter().collect();
    }
    carp.nodes.iter().map(node::Node::settings).collect()
}

/// Of these settings, those that are others now.
fn differing(mut wanted: Settings, group: &Group, key: Option<&[u8]>) -> Settings {
    let carp = &group.link.carp;
    // Where there are several, a number and its advskew are said by a list, of one.
    if let (false, Some(vhid), Some(advskew)) = (carp.nodes.is_empty(), wanted.vhid, wanted.advskew)
    {
        (wanted.vhid, wanted.advskew) = (None, None);
        wanted.nodes = Some(vec![Node { vhid, advskew }]);
    }
    Settings {
        nodes: wanted.nodes.filter(|nodes| *nodes != nodes_of(carp)),
        balancing: wanted.balancing.filter(|mode| carp.balancing != *mode),
        selection: wanted.selection.filter(|by| carp.selection != *by),
        vhid: wanted.vhid.filter(|vhid| carp.vhid != Some(*vhid)),
        advbase: wanted.advbase.filter(|advbase| carp.advbase != *advbase),
        advskew: wanted.advskew.filter(|advskew| carp.advskew != *advskew),
        key: wanted.key.filter(|wanted| key != Some(&wanted.0)),
        state: wanted.state,
        parent: wanted
            .parent
            .filter(|parent| group.link.parent != Some(*parent)),
        mtu: wanted.mtu.filter(|mtu| group.link.mtu != *mtu),
    }
}

/// From these addresses to those: what is new first, since a group without an
/// address stops.
pub fn address_steps(wanted: &[Address], present: &[Address]) -> Vec<Step> {
    let is_same = |a: &Address, b: &Address| a.ip == b.ip && a.prefix == b.prefix;
    let new = wanted
        .iter()
        .filter(|address| !present.iter().any(|other| is_same(other, address)));
    let gone = present
        .iter()
        .filter(|address| !wanted.iter().any(|other| is_same(other, address)));
    let (before, after) = around(wanted, gone.copied());
    let mut steps: Vec<_> = before.into_iter().map(Step::Remove).collect();
    steps.extend(new.copied().map(Step::Add));
    steps.extend(after.into_iter().map(Step::Remove));
    steps
}

/// Of the addresses that go, those that go before these come, and those that go after it.
/// The kernel knows an IPv6 address by itself, whatever its subnet.
pub fn around(
    wanted: &[Address],
    gone: impl IntoIterator<Item = Address>,
) -> (Vec<Address>, Vec<Address>) {
    gone.into_iter()
        .partition(|gone| gone.ip.is_ipv6() && wanted.iter().any(|other| other.ip == gone.ip))
}

/// What has to be done for a group to be as it is wanted, and what is there before.
pub fn prepare(kernel: &mut Kernel, desired: &Desired) -> Result<(Present, Vec<Step>), Failure> {
    let mut present = Present::read(kernel, &desired.name, desired.carpdev.as_deref())?;
    // Who may not see the key may not set it either, and is told so then. Without it, a
    // group that was deleted could not be made again.
    present.key = match &present.group {
        Some(group) => kernel.key(group).ok().flatten(),
        None => None,
    };
    let steps = plan(desired, &present);
    Ok((present, steps))
}

#[cfg(test)]
mod tests;
