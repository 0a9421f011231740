// SPDX-License-Identifier: GPL-2.0-only
//! What holds for any two configurations, of which one replaces the other.
//!
//! `PROPTEST_CASES` in the environment sets how many are tried.

use carp_uapi::number;
use carp_uapi::numbers::{CARP_BALANCING_IP, CARP_BALANCING_NONE, CARP_SELECTION_ADDRESSES};
use carpctl::apply::{Desired, Present, Step, Wanted, plan};
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

/// A device to which steps are done as the kernel does them.
#[derive(Default)]
struct Device {
    group: Option<Group>,
    key: Option<Vec<u8>>,
    /// Had it no address, or another vhid, or was it down or gone, at any time?
    left_its_state: bool,
}

impl Device {
    /// What is read before `desired` is made so.
    fn present(&self, desired: &Desired) -> Present {
        let number = |name: &str| if name == "eth0" { 2 } else { 3 };
        let now = self.group.as_ref().and_then(|group| group.link.parent);
        Present {
            group: self.group.clone(),
            key: self.key.clone(),
            parent: desired.carpdev.as_deref().map(number).or(now),
            addresses: Vec::new(),
        }
    }

    fn do_all(&mut self, desired: &Desired) {
        for step in plan(desired, &self.present(desired)) {
            self.step(&step);
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Create(_) => {
                assert!(self.group.is_none(), "made twice");
                let mut group = Group::default();
                // The kernel finds one when there is an address.
                group.link.parent = Some(2);
                group.link.mtu = 1500;
                group.link.carp.advbase = 1;
                self.group = Some(group);
            }
            Step::Destroy => {
                assert!(self.group.take().is_some(), "deleted twice");
                self.left_its_state = true;
                return;
            }
            _ => {}
        }
        let group = self.group.as_mut().expect("there is a device");
        match step {
            Step::Create(settings) | Step::Change(settings) => {
                let carp = &mut group.link.carp;
                if settings.vhid.is_some() {
                    assert!(settings.nodes.is_none(), "both are refused");
                    carp.vhid = settings.vhid;
                    carp.nodes.clear();
                    self.left_its_state = true;
                }
                if settings.advskew.is_some() {
                    assert!(carp.nodes.is_empty(), "of which one?");
                }
                carp.advskew = settings.advskew.unwrap_or(carp.advskew);
                if let Some(nodes) = &settings.nodes {
                    self.left_its_state |= !stays(carp, nodes);
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
            Step::Destroy => unreachable!(),
        }
        self.left_its_state |= group.addresses.is_empty() || !group.link.is_up();
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
        let mut device = Device::default();
        for desired in [&first, &second] {
            device.do_all(desired);
            prop_assert_eq!(plan(desired, &device.present(desired)), []);
            let group = device.group.as_ref().unwrap();
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
        let mut device = Device::default();
        device.do_all(&first);
        device.left_its_state = false;
        let parent = device.present(&first).group.unwrap().link.parent;
        device.do_all(&second);

        let (old, new) = (first.addresses.clone().unwrap_or_default(), second.addresses.clone().unwrap_or_default());
        let need = old.is_empty()
            || first.up == Some(false)
            || second.up == Some(false)
            || !vhids(&first).iter().any(|vhid| vhids(&second).contains(vhid))
            || (second.carpdev.is_some() && device.present(&second).parent != parent)
            // Nothing but IPv6 addresses, each of which gets another prefix.
            || old.iter().all(|old| old.ip.is_ipv6()
                && new.iter().any(|new| new.ip == old.ip && new.prefix != old.prefix));
        prop_assert!(need || !device.left_its_state);
    }
}
