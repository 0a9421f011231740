// SPDX-License-Identifier: GPL-2.0-only
//! What holds for any two configurations, of which one replaces the other.
//!
//! `PROPTEST_CASES` in the environment sets how many are tried.

use carp_uapi::number;
use carp_uapi::numbers::{CARP_BALANCING_IP, CARP_BALANCING_NONE, CARP_SELECTION_ADDRESSES};
use carpctl::apply::{Desired, Performer, Present, Step, Wanted, name_beside, perform, plan};
use carpctl::exit::ExitStatus;
use carpctl::failure::Failure;
use carpctl::group::Group;
use carpctl::netlink::address::Address;
use carpctl::netlink::link::{Key, Parameters, iff};
use carpctl::netlink::node::Node;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

fn addresses() -> impl Strategy<Value = Vec<Wanted>> {
    let all: Vec<_> = [
        ("10.0.0.10", 24),
        ("10.0.0.10", 16),
        ("10.0.0.11", 24),
        ("192.0.2.1", 32),
        ("2001:db8::10", 64),
        ("2001:db8::10", 48),
        ("2001:db8::11", 64),
        ("fe80::1", 64),
    ]
    .map(|(ip, prefix)| Wanted {
        ip: ip.parse().unwrap(),
        prefix: Some(prefix),
        broadcast: None,
    })
    .to_vec();
    let count = all.len();
    subsequence(all, 1..=count)
        .prop_shuffle()
        .prop_map(|mut chosen| {
            // A file has no address twice.
            let mut seen = Vec::new();
            chosen.retain(|address| {
                let is_new = !seen.contains(&address.ip);
                seen.push(address.ip);
                is_new
            });
            chosen
        })
}

/// One number with its advskew, or several nodes with a mode and a selection.
fn numbers() -> impl Strategy<Value = Desired> {
    let one = (1..4u32, 0..3u32).prop_map(|(vhid, advskew)| Desired {
        vhid: Some(vhid),
        advskew: Some(advskew),
        ..Desired::default()
    });
    let vhids = subsequence(vec![1, 2, 3, 4], 2..=4);
    let several =
        (vhids, 0..3u32, 1..4u32, 0..2u32).prop_map(|(vhids, advskew, balancing, selection)| {
            Desired {
                nodes: Some(
                    vhids
                        .into_iter()
                        .map(|vhid| number::Node { vhid, advskew })
                        .collect(),
                ),
                balancing: Some(balancing),
                selection: Some(selection),
                ..Desired::default()
            }
        });
    prop_oneof![one, several]
}

/// The numbers of all nodes.
fn vhids(desired: &Desired) -> Vec<u32> {
    let nodes = desired.nodes.iter().flatten().map(|node| node.vhid);
    desired.vhid.into_iter().chain(nodes).collect()
}

fn desires() -> impl Strategy<Value = Desired> {
    (
        select(vec![None, Some("eth0"), Some("eth1")]),
        numbers(),
        select(vec!["tyrell", "bryant"]),
        any::<bool>(),
        select(vec![None, Some(1400), Some(1500)]),
        select(vec![None, Some("uplink")]),
        prop::option::weighted(0.9, addresses()),
    )
        .prop_map(
            |(carpdev, numbers, key, up, mtu, description, addresses)| Desired {
                name: "carp0".into(),
                carpdev: carpdev.map(str::to_owned),
                advbase: Some(1),
                key: Some(Key(key.into())),
                mtu,
                description: description.map(str::to_owned),
                addresses,
                up: Some(up),
                ..numbers
            },
        )
}

/// A device and its key.
#[derive(Clone, Debug, Default, PartialEq)]
struct Device {
    group: Group,
    key: Option<Vec<u8>>,
}

/// A host to whose devices steps are done as the kernel does them.
#[derive(Clone, Default)]
struct Host {
    devices: Vec<Device>,
    /// How many were made; the last one has this number.
    made: u32,
    /// How many steps are done until one is refused.
    patience: Option<usize>,
    /// Had it no address, or another vhid, or was it down or gone, at any time?
    left_its_state: bool,
}

/// The name of the device that is wanted.
const NAME: &str = "carp0";

impl Host {
    fn device(&self) -> Option<&Device> {
        self.devices
            .iter()
            .find(|device| device.group.name() == NAME)
    }

    /// What is read before `desired` is made so.
    fn present(&self, desired: &Desired) -> Present {
        let number = |name: &str| if name == "eth0" { 2 } else { 3 };
        let now = self.device().and_then(|device| device.group.link.parent);
        Present {
            group: self.device().map(|device| device.group.clone()),
            key: self.device().and_then(|device| device.key.clone()),
            parent: desired.carpdev.as_deref().map(number).or(now),
            addresses: Vec::new(),
        }
    }

    fn do_all(&mut self, desired: &Desired) {
        self.try_all(desired).unwrap();
    }

    fn try_all(&mut self, desired: &Desired) -> Result<(), Failure> {
        let present = self.present(desired);
        perform(self, NAME, &present, &plan(desired, &present))
    }

    /// All devices, but for their numbers, which cannot be had again.
    fn unnumbered(&self) -> Vec<Device> {
        let mut devices = self.devices.clone();
        for device in &mut devices {
            device.group.link.index = 0;
        }
        devices
    }

    fn create(&mut self, name: &str) {
        let is_taken = |device: &Device| device.group.name() == name;
        assert!(!self.devices.iter().any(is_taken), "{name} is made twice");
        self.made += 1;
        let mut device = Device::default();
        let link = &mut device.group.link;
        link.index = self.made;
        link.name = name.to_owned();
        // The kernel finds one when there is an address.
        link.parent = Some(2);
        link.mtu = 1500;
        link.carp.advbase = 1;
        self.devices.push(device);
    }
}

impl Performer for Host {
    fn step(&mut self, name: &str, index: Option<u32>, step: &Step) -> Result<(), Failure> {
        assert_eq!(name, NAME);
        if let Some(patience) = &mut self.patience {
            let is_refused = *patience == 0;
            // What undoes the steps before is not refused.
            *patience = patience.wrapping_sub(1);
            if is_refused {
                return Err(Failure::new(ExitStatus::Failed, "refused"));
            }
        }
        let index = match step {
            Step::Create(_) => {
                self.create(name);
                self.made
            }
            Step::CreateBeside(_) => {
                self.create(&name_beside(name));
                self.made
            }
            _ => index.expect("there is a device"),
        };
        let is_it = |device: &Device| device.group.link.index == index;
        let place = self.devices.iter().position(is_it);
        let place = place.expect("the device is there");
        if *step == Step::Destroy {
            self.devices.remove(place);
            self.left_its_state = true;
            return Ok(());
        }
        if *step == Step::Rename {
            assert!(self.device().is_none(), "the name is taken");
        }
        let device = &mut self.devices[place];
        let left = device.step(step);
        let group = &device.group;
        let stopped = group.addresses.is_empty() || !group.link.is_up();
        self.left_its_state |= group.name() == NAME && (left || stopped);
        Ok(())
    }

    fn index(&mut self, name: &str) -> Result<u32, Failure> {
        let mut devices = self.devices.iter();
        let device = devices.find(|device| device.group.name() == name);
        Ok(device.expect("the device is there").group.link.index)
    }
}

impl Device {
    /// Returns whether it left its state.
    fn step(&mut self, step: &Step) -> bool {
        let group = &mut self.group;
        let mut left = false;
        match step {
            Step::Create(settings) | Step::CreateBeside(settings) | Step::Change(settings) => {
                let carp = &mut group.link.carp;
                if settings.vhid.is_some() {
                    assert!(settings.nodes.is_none(), "both are refused");
                    carp.vhid = settings.vhid;
                    carp.nodes.clear();
                    left = true;
                }
                if settings.advskew.is_some() {
                    assert!(carp.nodes.is_empty(), "of which one?");
                }
                carp.advskew = settings.advskew.unwrap_or(carp.advskew);
                if let Some(nodes) = &settings.nodes {
                    left |= !stays(carp, nodes);
                    set_nodes(carp, nodes);
                }
                carp.balancing = settings.balancing.unwrap_or(carp.balancing);
                carp.selection = settings.selection.unwrap_or(carp.selection);
                assert_eq!(carp.balancing == CARP_BALANCING_NONE, carp.nodes.is_empty());
                group.link.mtu = settings.mtu.unwrap_or(group.link.mtu);
                group.link.parent = settings.parent.or(group.link.parent);
                if let Some(key) = &settings.key {
                    self.key = Some(key.0.clone());
                }
            }
            Step::Describe(text) => group.link.description.clone_from(text),
            Step::Add(address) => {
                let twice = |other: &Address| {
                    other.ip == address.ip && (other.ip.is_ipv6() || other.prefix == address.prefix)
                };
                assert!(!group.addresses.iter().any(twice), "{address} is there");
                group.addresses.push(*address);
            }
            Step::Remove(address) => {
                let count = group.addresses.len();
                group.addresses.retain(|other| other != address);
                assert_eq!(group.addresses.len() + 1, count, "{address} is not there");
            }
            Step::SetUp(true) => group.link.flags |= iff::UP,
            Step::SetUp(false) => group.link.flags &= !iff::UP,
            Step::Rename => NAME.clone_into(&mut group.link.name),
            Step::Destroy => unreachable!(),
        }
        left
    }
}

/// Whether any node stays.
fn stays(carp: &Parameters, nodes: &[number::Node]) -> bool {
    let old = || carp.nodes.iter().map(|node| node.vhid).chain(carp.vhid);
    nodes.iter().any(|node| old().any(|old| old == node.vhid))
}

/// What the kernel does with a list.
fn set_nodes(carp: &mut Parameters, nodes: &[number::Node]) {
    carp.vhid = Some(nodes[0].vhid);
    carp.advskew = nodes[0].advskew;
    carp.nodes = nodes
        .iter()
        .map(|node| Node {
            vhid: node.vhid,
            advskew: node.advskew,
            ..Node::default()
        })
        .collect();
    if nodes.len() == 1 {
        carp.nodes.clear();
        carp.balancing = CARP_BALANCING_NONE;
        carp.selection = CARP_SELECTION_ADDRESSES;
    } else if carp.balancing == CARP_BALANCING_NONE {
        carp.balancing = CARP_BALANCING_IP;
    }
}

proptest! {
    #[test]
    fn the_steps_lead_to_what_is_wanted_and_then_there_are_none(
        first in desires(), second in desires(),
    ) {
        let mut host = Host::default();
        for desired in [&first, &second] {
            host.do_all(desired);
            prop_assert_eq!(plan(desired, &host.present(desired)), []);
            prop_assert_eq!(host.devices.len(), 1);
            let group = &host.device().unwrap().group;
            let carp = &group.link.carp;
            prop_assert_eq!(carp.vhid, vhids(desired).first().copied());
            match &desired.nodes {
                None => prop_assert_eq!(Some(carp.advskew), desired.advskew),
                Some(nodes) => {
                    let now: Vec<_> = carp.nodes.iter().map(Node::settings).collect();
                    prop_assert_eq!(&now, nodes);
                    prop_assert_eq!(Some(carp.balancing), desired.balancing);
                    prop_assert_eq!(Some(carp.selection), desired.selection);
                }
            }
            prop_assert_eq!(Some(group.link.is_up()), desired.up);
            if let Some(wanted) = &desired.addresses {
                prop_assert_eq!(group.addresses.len(), wanted.len());
            }
        }
    }

    #[test]
    fn mastership_is_kept_unless_it_cannot_be(first in desires(), second in desires()) {
        let mut host = Host::default();
        host.do_all(&first);
        host.left_its_state = false;
        let parent = host.present(&first).group.unwrap().link.parent;
        host.do_all(&second);

        let (old, new) = (first.addresses.clone().unwrap_or_default(), second.addresses.clone().unwrap_or_default());
        let need = old.is_empty()
            || first.up == Some(false)
            || second.up == Some(false)
            || !vhids(&first).iter().any(|vhid| vhids(&second).contains(vhid))
            || (second.carpdev.is_some() && host.present(&second).parent != parent)
            // Nothing but IPv6 addresses, each of which gets another prefix.
            || old.iter().all(|old| old.ip.is_ipv6()
                && new.iter().any(|new| new.ip == old.ip && new.prefix != old.prefix));
        prop_assert!(need || !host.left_its_state);
    }

    #[test]
    fn whichever_step_is_refused_nothing_is_lost(
        first in desires(), second in desires(), patience in 0..20usize,
    ) {
        let mut host = Host::default();
        host.do_all(&first);
        let before = host.unnumbered();
        let present = host.present(&second);
        let is_replaced = present.group.as_ref().unwrap().link.parent != present.parent;
        host.patience = Some(patience);
        let result = host.try_all(&second);
        prop_assert_eq!(result.is_err(), patience < plan(&second, &present).len());
        if let Err(failure) = result {
            prop_assert_eq!(failure.text, "refused");
            let now = host.unnumbered();
            if is_replaced {
                prop_assert_eq!(now, before);
            } else {
                prop_assert_eq!(sorted_addresses(&now), sorted_addresses(&before));
            }
        }
    }

    #[test]
    fn nothing_is_deleted_before_all_that_may_be_refused_is_done(
        first in desires(), second in desires(),
    ) {
        let mut host = Host::default();
        host.do_all(&first);
        let steps = plan(&second, &host.present(&second));
        let place = steps.iter().position(|step| *step == Step::Destroy);
        if let Some(place) = place {
            prop_assert_eq!(&steps[place + 1], &Step::Rename);
            let last = &steps[place + 2..];
            prop_assert!(last.iter().all(|step| *step == Step::SetUp(true)));
        }
    }
}

/// The addresses of all devices; in which order they are does not matter.
fn sorted_addresses(devices: &[Device]) -> Vec<Vec<Address>> {
    let mut all: Vec<_> = devices
        .iter()
        .map(|device| device.group.addresses.clone())
        .collect();
    all.iter_mut().for_each(|addresses| addresses.sort());
    all
}

/// A host whose group `carp0` is on eth0, and the steps that put it on eth1.
fn moved() -> (Host, Present, Vec<Step>) {
    let mut desired = Desired {
        name: NAME.into(),
        carpdev: Some("eth0".into()),
        vhid: Some(1),
        key: Some(Key(b"tyrell".to_vec())),
        up: Some(true),
        ..Desired::default()
    };
    let mut host = Host::default();
    host.do_all(&desired);
    desired.carpdev = Some("eth1".into());
    let present = host.present(&desired);
    let steps = plan(&desired, &present);
    (host, present, steps)
}

#[test]
fn a_group_that_cannot_be_made_again_is_said_to_be_gone() {
    let (host, present, steps) = moved();
    let mut keyless = present.clone();
    keyless.key = None;
    let mut elsewhere = present;
    let link = &mut elsewhere.group.as_mut().unwrap().link;
    link.parent_is_elsewhere = true;
    for present in [keyless, elsewhere] {
        let mut host = host.clone();
        host.patience = Some(2);
        let failure = perform(&mut host, NAME, &present, &steps).unwrap_err();
        assert_eq!(
            failure.text,
            "refused; and what was there is not back: carp0 is gone"
        );
        assert_eq!(host.devices, []);
    }
}
