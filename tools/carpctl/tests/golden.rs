// SPDX-License-Identifier: GPL-2.0-only
//! Everything that is printed about a few groups, against the files in `golden/`.
//! After a change that is meant, `GOLDEN=write cargo test` writes them anew.

use carp_uapi::names::STATISTICS;
use carp_uapi::numbers::*;
use carpctl::diagnose::{Host, diagnose};
use carpctl::event::{Event, Kind};
use carpctl::group::{Group, More};
use carpctl::netlink::address::Address;
use carpctl::netlink::carp::{Peer, Report};
use carpctl::netlink::link::{Link, Parameters};
use carpctl::netlink::node::Node;
use carpctl::{completion, ifconfig, json, prometheus, table};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

fn address(ip: &str, prefix: u8) -> Address {
    Address::with_broadcast(ip.parse().unwrap(), prefix)
}

fn groups() -> [Group; 3] {
    let master = Group {
        link: Link {
            description: String::new(),
            index: 7,
            name: "carp0".into(),
            flags: 0x11043,
            mtu: 1500,
            mac: vec![0, 0, 0x5e, 0, 1, 1],
            carrier: true,
            parent: Some(2),
            group: 0,
            kind: Some("carp".into()),
            carp: Parameters {
                vhid: Some(1),
                advbase: 1,
                advskew: 0,
                state: CARP_STATE_MASTER,
                reason: CARP_REASON_TIMED_OUT,
                missing: 0,
                transitions: 2,
                since: 8_123_456_789,
                ..Parameters::default()
            },
            counters: STATISTICS
                .iter()
                .flat_map(|rows| rows.counters)
                .map(|row| (row.attribute, u64::from(row.attribute) * 10))
                .collect(),
            ..Link::default()
        },
        parent: Some("eth0".into()),
        down: None,
        addresses: vec![address("192.0.2.10", 24), address("2001:db8::10", 64)],
        more: Some(More {
            changed_at: Some(1_764_000_000_123_456_789),
            transitions_by_reason: vec![(CARP_REASON_READY, 1), (CARP_REASON_TIMED_OUT, 1)],
            digest_addresses: vec![
                "192.0.2.10".parse().unwrap(),
                "2001:db8::10".parse().unwrap(),
            ],
            peers: vec![Peer {
                address: "192.0.2.12".parse().unwrap(),
                advbase: 1,
                advskew: 100,
                demote: 0,
                since: 60_500_000_000,
                received: 17,
                bad_digest: 0,
                vhid: None,
            }],
        }),
    };
    let backup = Group {
        link: Link {
            index: 8,
            name: "carp1".into(),
            flags: 0x1003,
            mac: vec![0, 0, 0x5e, 0, 1, 2],
            carp: Parameters {
                vhid: Some(2),
                advskew: 100,
                state: CARP_STATE_BACKUP,
                reason: CARP_REASON_READY,
                transitions: 1,
                ..master.link.carp.clone()
            },
            counters: vec![(IFLA_CARP_STATS_RX_V4, 3)],
            ..master.link.clone()
        },
        addresses: vec![address("192.0.2.10", 24)],
        more: Some(More {
            peers: vec![Peer {
                address: "192.0.2.12".parse().unwrap(),
                advbase: 1,
                advskew: 0,
                demote: 0,
                since: 300_000_000,
                received: 3,
                bad_digest: 0,
                vhid: None,
            }],
            ..More::default()
        }),
        ..master.clone()
    };
    let init = Group {
        link: Link {
            index: 9,
            name: "carp\u{1b}2".into(),
            flags: 0x1002,
            mtu: 1500,
            kind: Some("carp".into()),
            carp: Parameters {
                advbase: 1,
                missing: CARP_MISSING_VHID | CARP_MISSING_PARENT | CARP_MISSING_ADDRESS,
                ..Parameters::default()
            },
            ..Link::default()
        },
        ..Group::default()
    };
    [master, backup, init]
}

/// A group whose load is shared: the second node is the peer's.
fn balanced() -> Group {
    let [master, ..] = groups();
    let node = |vhid, advskew, state, reason| Node {
        vhid,
        advskew,
        state,
        reason,
        missing: 0,
        transitions: 2,
        since: 8_123_456_789,
    };
    let more = master.more.clone().unwrap();
    let peer = Peer {
        advskew: 100,
        since: 300_000_000,
        vhid: Some(1),
        ..more.peers[0].clone()
    };
    Group {
        link: Link {
            mac: vec![1, 0, 0x5e, 0, 1, 1],
            carp: Parameters {
                balancing: CARP_BALANCING_IP,
                selection: CARP_SELECTION_FLOW,
                nodes: vec![
                    node(1, 0, CARP_STATE_MASTER, CARP_REASON_TIMED_OUT),
                    node(2, 100, CARP_STATE_BACKUP, CARP_REASON_READY),
                ],
                ..master.link.carp.clone()
            },
            ..master.link.clone()
        },
        more: Some(More {
            peers: vec![
                Peer {
                    since: 60_500_000_000,
                    ..peer.clone()
                },
                Peer {
                    advskew: 0,
                    vhid: Some(2),
                    ..peer
                },
            ],
            ..more
        }),
        ..master
    }
}

fn events() -> Vec<Event> {
    let [master, backup, init] = groups();
    let transition = Report {
        command: CARP_CMD_TRANSITION,
        old_state: Some(CARP_STATE_BACKUP),
        sequence: Some(5),
        addresses: Vec::new(),
        peers: Vec::new(),
        ..Report::from(&master)
    };
    let heard = Report {
        command: CARP_CMD_OTHER_MASTER,
        sequence: Some(6),
        ..Report::from(&master)
    };
    let deleted = Report {
        command: CARP_CMD_GROUP_DELETE,
        sequence: Some(7),
        ..Report::from(&init)
    };
    let mut events = vec![
        Event::group(&backup, Some(4)),
        Event::told(transition),
        Event::told(heard),
        Event::told(deleted),
        Event::lost(),
    ];
    for event in &mut events {
        if !matches!(event.kind, Kind::Told(CARP_CMD_TRANSITION)) {
            event.time = UNIX_EPOCH + Duration::from_secs(1_764_000_001);
        }
    }
    events
}

fn check(name: &str, text: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let text = String::from_utf8(text.to_vec()).unwrap();
    if std::env::var_os("GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} is other than expected", path.display());
    assert!(
        text.chars()
            .all(|c| !c.is_control() || c == '\n' || c == '\t'),
        "{name} has control characters"
    );
}

#[test]
fn ifconfig_text() {
    let mut out = Vec::new();
    for group in &groups() {
        ifconfig::print(&mut out, group).unwrap();
    }
    check("ifconfig.txt", &out);
}

#[test]
fn group_json() {
    let mut out = Vec::new();
    json::print_groups(&mut out, &groups()).unwrap();
    check("groups.json", &out);
}

/// Everything about a group with several nodes.
#[test]
fn several_nodes() {
    let group = balanced();
    let mut text = Vec::new();
    ifconfig::print(&mut text, &group).unwrap();
    check("balanced-ifconfig.txt", &text);

    let mut out = Vec::new();
    json::print_groups(&mut out, [&group]).unwrap();
    check("balanced-groups.json", &out);

    let lines = table::groups_table(std::slice::from_ref(&group)).lines();
    let table: String = lines.iter().map(|line| line.plain() + "\n").collect();
    check("balanced-show.txt", table.as_bytes());

    let now = UNIX_EPOCH + Duration::from_secs(1_764_000_100);
    let metrics = prometheus::text(std::slice::from_ref(&group), now);
    check("balanced-metrics.txt", metrics.as_bytes());

    let nodes = group.by_node();
    let found: Vec<_> = nodes
        .iter()
        .map(|node| diagnose(node, node, Host::default()))
        .collect();
    let mut out = Vec::new();
    json::print(&mut out, &found).unwrap();
    check("balanced-findings.json", &out);

    let mut event = Event::group(&group, Some(4));
    event.time = UNIX_EPOCH + Duration::from_secs(1_764_000_001);
    let mut lines = Vec::new();
    json::print_line(&mut lines, &event.json()).unwrap();
    check("balanced-events.json", &lines);
    check("balanced-events.txt", format!("{event}\n").as_bytes());
}

#[test]
fn show_table() {
    let lines = table::groups_table(&groups()).lines();
    let text: String = lines.iter().map(|line| line.plain() + "\n").collect();
    check("show.txt", text.as_bytes());
}

#[test]
fn event_lines() {
    let (mut text, mut lines) = (Vec::new(), Vec::new());
    for event in &events() {
        text.extend(format!("{event}\n").into_bytes());
        json::print_line(&mut lines, &event.json()).unwrap();
    }
    check("events.txt", &text);
    check("events.json", &lines);
}

#[test]
fn findings() {
    let found: Vec<_> = groups()
        .iter()
        .map(|group| diagnose(group, group, Host::default()))
        .collect();
    let mut out = Vec::new();
    json::print(&mut out, &found).unwrap();
    check("findings.json", &out);
}

#[test]
fn metrics() {
    let now = UNIX_EPOCH + Duration::from_secs(1_764_000_100);
    check(
        "metrics.txt",
        prometheus::text(&groups()[..2], now).as_bytes(),
    );
}

#[test]
fn completions() {
    for (shell, make) in completion::SHELLS {
        check(&format!("completion.{shell}"), make().as_bytes());
    }
}
