// SPDX-License-Identifier: GPL-2.0-only
//! Situations, and what is said of them.

use super::*;
use crate::group::More;
use crate::netlink::link::{Link, Parameters};
use crate::netlink::node::Node;

fn group(state: u32, advskew: u32, peers: &[Peer]) -> Group {
    Group {
        link: Link {
            name: "carp0".into(),
            carp: Parameters {
                vhid: Some(1),
                advbase: 1,
                advskew,
                state,
                since: 30_000_000_000,
                ..Parameters::default()
            },
            ..Link::default()
        },
        parent: Some("eth0".into()),
        more: Some(More {
            digest_addresses: vec!["192.0.2.10".parse().unwrap()],
            peers: peers.to_vec(),
            ..More::default()
        }),
        ..Group::default()
    }
}

fn peer(advskew: u32, milliseconds: u64, received: u64, bad_digest: u64) -> Peer {
    Peer {
        address: "192.0.2.2".parse().unwrap(),
        advbase: 1,
        advskew,
        demote: 0,
        since: milliseconds * 1_000_000,
        received,
        bad_digest,
        vhid: None,
    }
}

fn codes(group: &Group, preempt: bool) -> Vec<&'static str> {
    let findings = diagnose(group, group, Host { preempt });
    for finding in &findings {
        assert!(
            CODES.iter().any(|(code, _)| *code == finding.code),
            "{finding:?}"
        );
    }
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn everything_that_is_missing() {
    let mut init = group(CARP_STATE_INIT, 0, &[]);
    init.link.carp.missing = 0x7f | (1 << 20);
    assert_eq!(
        codes(&init, false),
        [
            "no-vhid",
            "no-parent",
            "no-address",
            "device-down",
            "parent-down",
            "no-carrier",
            "not-allowed",
            "unknown-need"
        ]
    );
    init.link.carp.missing = CARP_MISSING_PARENT_UP;
    let [only] = &diagnose(&init, &init, Host::default())[..] else {
        panic!()
    };
    assert_eq!(only.text, "its parent eth0 is down");
    assert_eq!(only.advice.as_deref(), Some("ip link set eth0 up"));
    init.parent = Some("eth0.5".into());
    init.down = Some("eth0".into());
    let [only] = &diagnose(&init, &init, Host::default())[..] else {
        panic!()
    };
    assert_eq!(only.text, "its parent eth0.5 is on eth0, which is down");
    assert_eq!(only.advice.as_deref(), Some("ip link set eth0 up"));
}

#[test]
fn why_not_master() {
    let backup = |advskew, peer| group(CARP_STATE_BACKUP, advskew, &[peer]);
    assert_eq!(
        codes(&backup(100, peer(0, 500, 9, 0)), true),
        ["peer-better"]
    );
    assert_eq!(codes(&backup(0, peer(0, 500, 9, 0)), true), ["peer-equal"]);
    assert_eq!(
        codes(&backup(0, peer(100, 500, 9, 0)), false),
        ["preempt-off"]
    );
    assert_eq!(
        codes(&backup(0, peer(100, 500, 9, 0)), true),
        ["preempt-soon"]
    );
    assert_eq!(
        codes(&backup(0, peer(100, 60_000, 9, 0)), true),
        ["no-master"]
    );
    assert_eq!(
        codes(&group(CARP_STATE_BACKUP, 0, &[]), true),
        ["no-master"]
    );
}

#[test]
fn why_two_masters() {
    let master = |advskew, peer| group(CARP_STATE_MASTER, advskew, &[peer]);
    assert_eq!(codes(&master(0, peer(0, 500, 0, 9)), false), ["bad-digest"]);
    assert_eq!(
        codes(&master(0, peer(100, 500, 9, 0)), false),
        ["two-masters"]
    );
    assert_eq!(
        codes(&master(0, peer(100, 60_000, 9, 9)), false),
        ["master"],
        "long ago"
    );
    assert_eq!(
        codes(&master(0, peer(255, 500, 9, 0)), false),
        ["two-masters"]
    );
    let gone = Peer {
        advbase: 255,
        ..peer(255, 500, 9, 0)
    };
    assert_eq!(
        codes(&master(0, gone), false),
        ["master"],
        "it took its leave"
    );
    assert_eq!(codes(&group(CARP_STATE_MASTER, 0, &[]), false), ["alone"]);
}

#[test]
fn a_peer_that_was_right_before_is_looked_at_twice() {
    let codes = |state, wrong| {
        let earlier = group(state, 0, &[peer(0, 9000, 5, 8)]);
        let now = group(state, 0, &[peer(0, 9000, 5, wrong)]);
        assert!(needs_two_looks(&earlier));
        assert_eq!(pause(&earlier), Duration::from_millis(1500));
        let findings = diagnose(&now, &earlier, Host::default());
        let codes = findings.iter().map(|finding| finding.code);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(codes(CARP_STATE_MASTER, 9), ["bad-digest"]);
    assert_eq!(codes(CARP_STATE_MASTER, 8), ["master"]);
    assert_eq!(codes(CARP_STATE_BACKUP, 9), ["bad-digest", "no-master"]);
    assert_eq!(
        codes(CARP_STATE_BACKUP, 8),
        ["bad-digest-before", "no-master"]
    );
    assert!(!needs_two_looks(&group(
        CARP_STATE_MASTER,
        0,
        &[peer(0, 500, 0, 9)]
    )));
}

#[test]
fn who_was_just_taken_over_from_is_no_second_master() {
    let mut preempted = group(CARP_STATE_MASTER, 0, &[peer(100, 1200, 9, 0)]);
    preempted.link.carp.since = 1_200_000_000;
    assert_eq!(codes(&preempted, true), ["master"]);
}

/// Of two nodes, the first of which is this host's, and the second the peer's.
#[test]
fn each_node_has_its_own_reasons() {
    let heard = Peer {
        vhid: Some(2),
        ..peer(0, 300, 5, 0)
    };
    let mut both = group(CARP_STATE_MASTER, 0, &[heard]);
    both.link.counters = vec![(IFLA_CARP_STATS_OTHER_MASTER, 3)];
    both.link.carp.nodes = vec![
        Node {
            vhid: 1,
            state: CARP_STATE_MASTER,
            since: 9_000_000_000,
            ..Node::default()
        },
        Node {
            vhid: 2,
            advskew: 100,
            state: CARP_STATE_BACKUP,
            since: 9_000_000_000,
            ..Node::default()
        },
    ];
    let nodes = both.by_node();
    assert_eq!(codes(&nodes[0], false), ["alone", "other-masters-before"]);
    assert_eq!(codes(&nodes[1], false), ["peer-better"]);
    let findings = diagnose(&nodes[1], &nodes[1], Host::default());
    let advice = findings[0].advice.as_deref().unwrap();
    assert!(advice.contains("carpctl carp0 carpnodes"), "{advice}");
    assert!(!advice.contains("state master"), "that is for all nodes");
}

#[test]
fn why_bad_digests() {
    let backup = group(CARP_STATE_BACKUP, 0, &[peer(0, 500, 0, 9)]);
    assert_eq!(codes(&backup, false), ["bad-digest", "no-master"]);
    let [first, ..] = &diagnose(&backup, &backup, Host::default())[..] else {
        panic!()
    };
    assert_eq!(first.severity, Severity::Problem);
    let advice = first.advice.as_deref().unwrap();
    assert!(advice.contains("this host signs 192.0.2.10 "), "{advice}");
    let before = group(CARP_STATE_BACKUP, 0, &[peer(0, 500, 3, 9)]);
    assert_eq!(codes(&before, false), ["bad-digest-before", "peer-equal"]);
}

#[test]
fn counters_that_should_be_zero() {
    let mut alone = group(CARP_STATE_MASTER, 0, &[]);
    alone.link.counters = vec![
        (IFLA_CARP_STATS_TX_V4, 7),
        (IFLA_CARP_STATS_OTHER_MASTER, 1),
        (IFLA_CARP_STATS_DISCARD_BAD_VERSION, 3),
        (IFLA_CARP_STATS_DISCARD_BAD_TYPE, 0),
    ];
    let findings = diagnose(&alone, &alone, Host::default());
    let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["alone", "other-masters-before", "counter"]);
    assert_eq!(findings[2].text, "discard_bad_version was counted 3 times");
    assert!(
        findings[2]
            .advice
            .as_deref()
            .unwrap()
            .contains("VRRP version 3")
    );
}
