// SPDX-License-Identifier: GPL-2.0-only
//! From what is to what is wanted, and that nothing is done twice.

use super::*;
use crate::netlink::link::{Link, Parameters, iff};
use carp_uapi::numbers::{
    CARP_BALANCING_IP, CARP_BALANCING_IP_STEALTH, CARP_SELECTION_ADDRESSES, CARP_SELECTION_FLOW,
};

fn wanted(text: &str) -> Wanted {
    let (ip, prefix) = match text.split_once('/') {
        Some((ip, prefix)) => (ip, Some(prefix.parse().unwrap())),
        None => (text, None),
    };
    Wanted {
        ip: ip.parse().unwrap(),
        prefix,
        broadcast: None,
    }
}

fn present() -> Present {
    Present {
        group: Some(Group {
            link: Link {
                index: 7,
                name: "carp0".into(),
                flags: iff::UP,
                mtu: 1500,
                parent: Some(2),
                carp: Parameters {
                    vhid: Some(1),
                    advbase: 1,
                    ..Parameters::default()
                },
                ..Link::default()
            },
            addresses: vec![
                Address::written("10.0.0.10/24"),
                Address::written("2001:db8::1/64"),
            ],
            ..Group::default()
        }),
        key: Some(b"tyrell".to_vec()),
        parent: Some(2),
        addresses: vec![
            (2, Address::written("10.0.0.2/24")),
            (3, Address::written("192.0.2.2/24")),
            (2, Address::written("10.0.0.3/8")),
            (7, Address::written("10.0.0.10/32")),
        ],
    }
}

fn desired() -> Desired {
    Desired {
        name: "carp0".into(),
        carpdev: Some("eth0".into()),
        vhid: Some(1),
        advbase: Some(1),
        advskew: Some(0),
        key: Some(Key(b"tyrell".to_vec())),
        mtu: None,
        description: None,
        nodes: None,
        balancing: None,
        selection: None,
        addresses: Some(vec![wanted("10.0.0.10"), wanted("2001:db8::1/64")]),
        up: Some(true),
    }
}

fn nodes(list: &[(u32, u32)]) -> Vec<Node> {
    list.iter()
        .map(|(vhid, advskew)| Node {
            vhid: *vhid,
            advskew: *advskew,
        })
        .collect()
}

/// With nodes 1:0 and 2:100.
fn balanced() -> Present {
    let mut present = present();
    let carp = &mut present.group.as_mut().unwrap().link.carp;
    carp.balancing = CARP_BALANCING_IP_STEALTH;
    carp.nodes = [(1, 0), (2, 100)]
        .map(|(vhid, advskew)| node::Node {
            vhid,
            advskew,
            ..node::Node::default()
        })
        .to_vec();
    present
}

fn desired_nodes(list: &[(u32, u32)]) -> Desired {
    Desired {
        vhid: None,
        advskew: None,
        nodes: Some(nodes(list)),
        balancing: Some(CARP_BALANCING_IP_STEALTH),
        selection: Some(CARP_SELECTION_ADDRESSES),
        ..desired()
    }
}

fn words(steps: &[Step]) -> Vec<String> {
    steps.iter().map(Step::to_string).collect()
}

#[test]
fn what_is_so_already_needs_no_step() {
    assert_eq!(plan(&desired(), &present()), []);
    let unknown_key = Present {
        key: None,
        ..present()
    };
    assert_eq!(words(&plan(&desired(), &unknown_key)), ["pass …"]);
}

#[test]
fn only_what_differs_is_changed() {
    let other = Desired {
        advskew: Some(100),
        key: Some(Key(b"bryant".to_vec())),
        addresses: Some(vec![wanted("10.0.0.11/24"), wanted("2001:db8::1/48")]),
        up: Some(false),
        ..desired()
    };
    assert_eq!(
        words(&plan(&other, &present())),
        [
            "down",
            "advskew 100 pass …",
            "-alias 2001:db8::1/64",
            "alias 10.0.0.11/24",
            "alias 2001:db8::1/48",
            "-alias 10.0.0.10/24",
        ]
    );
    let nothing = Desired {
        name: "carp0".into(),
        ..Desired::default()
    };
    assert_eq!(plan(&nothing, &present()), []);
}

#[test]
fn of_nodes_only_what_differs_is_changed() {
    let both = [(1, 0), (2, 100)];
    assert_eq!(plan(&desired_nodes(&both), &balanced()), []);
    assert_eq!(
        words(&plan(&desired_nodes(&[(1, 0), (2, 50)]), &balanced())),
        ["carpnodes 1:0,2:50"]
    );
    let other = Desired {
        balancing: Some(CARP_BALANCING_IP),
        selection: Some(CARP_SELECTION_FLOW),
        ..desired_nodes(&both)
    };
    assert_eq!(
        words(&plan(&other, &balanced())),
        ["balancing ip selection flow"]
    );
    assert_eq!(
        words(&plan(&other, &present())),
        ["carpnodes 1:0,2:100 balancing ip selection flow"],
        "from one to several"
    );
    assert_eq!(
        words(&plan(&desired_nodes(&both), &present())),
        ["carpnodes 1:0,2:100 balancing ip-stealth"],
        "and what one node has is the default"
    );
    assert_eq!(
        words(&plan(&desired(), &balanced())),
        ["carpnodes 1:0"],
        "from several to one"
    );
}

#[test]
fn a_new_device_is_made_at_once_and_taken_up_last() {
    let nothing = Present {
        group: None,
        key: None,
        ..present()
    };
    assert_eq!(
        words(&plan(&desired(), &nothing)),
        [
            "create vhid 1 advbase 1 advskew 0 carpdev … pass …",
            "alias 10.0.0.10/24",
            "alias 2001:db8::1/64",
            "up",
        ]
    );
}

#[test]
fn an_address_without_a_subnet_is_in_the_parents() {
    let prefix = |present: &Present, ip: &str| present.complete(&wanted(ip)).prefix;
    assert_eq!(prefix(&present(), "10.0.0.20"), 24);
    assert_eq!(prefix(&present(), "10.9.0.20"), 8);
    assert_eq!(prefix(&present(), "192.0.2.20"), 32, "of another device");
    assert_eq!(prefix(&present(), "2001:db8::5"), 128);
    let no_parent = Present {
        parent: None,
        ..present()
    };
    assert_eq!(prefix(&no_parent, "192.0.2.20"), 24);
    assert_eq!(
        prefix(&no_parent, "10.0.0.10"),
        24,
        "its own does not count"
    );
}

#[test]
fn another_parent_is_another_device() {
    let moved = Present {
        parent: Some(3),
        ..present()
    };
    assert_eq!(
        words(&plan(&desired(), &moved)),
        [
            "create vhid 1 advbase 1 advskew 0 carpdev … pass …",
            "alias 10.0.0.10/32",
            "alias 2001:db8::1/64",
            "destroy",
            "rename",
            "up",
        ]
    );
    let whichever = Desired {
        carpdev: None,
        ..desired()
    };
    assert_eq!(plan(&whichever, &present()), []);
}

#[test]
fn a_description_is_said_once() {
    let described = Desired {
        description: Some("uplink".into()),
        ..desired()
    };
    assert_eq!(
        words(&plan(&described, &present())),
        ["description \"uplink\""]
    );
    let mut present = present();
    present.group.as_mut().unwrap().link.description = "uplink".into();
    assert_eq!(plan(&described, &present), []);
}
