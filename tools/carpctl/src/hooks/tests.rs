// SPDX-License-Identifier: GPL-2.0-only
//! Programs that write down what they are told, and wait until they may go on.

use super::*;
use crate::netlink::carp::Report;
use crate::netlink::node::Node;
use carp_uapi::numbers::{CARP_REASON_READY, CARP_STATE_BACKUP, CARP_STATE_MASTER};
use std::fs;
use std::time::SystemTime;

/// A directory that vanishes.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("carpctl-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn program(&self, name: &str, script: &str, mode: u32) {
        let path = self.0.join(name);
        // Written by another process: what a test beside this one forks meanwhile would have
        // a file of this process open, which then is no program yet ("Text file busy").
        let written = std::process::Command::new("sh")
            .args([
                "-c",
                r#"printf '#!/bin/sh\n%s\n' "$1" >"$2" && chmod "$3" "$2""#,
                "sh",
                script,
            ])
            .arg(path)
            .arg(format!("{mode:o}"))
            .status();
        assert!(written.unwrap().success());
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }

    fn wait_for(&self, name: &str) {
        while !self.0.join(name).exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn event(kind: Kind, index: u32, state: u32) -> Event {
    Event {
        kind,
        report: Report {
            ifindex: index,
            ifname: format!("carp{index}"),
            vhid: Some(1),
            parent_ifname: Some("eth0".into()),
            state: Some(state),
            reason: Some(CARP_REASON_READY),
            sequence: Some(9),
            ..Report::default()
        },
        time: SystemTime::UNIX_EPOCH,
        is_balanced: false,
    }
}

/// An event of a group with these nodes.
fn of_nodes(kind: Kind, nodes: &[(u32, u32)]) -> Event {
    let one = event(kind, 1, CARP_STATE_MASTER);
    let node = |(vhid, state): &(u32, u32)| Node {
        vhid: *vhid,
        state: *state,
        reason: CARP_REASON_READY,
        ..Node::default()
    };
    Event {
        report: Report {
            nodes: nodes.iter().map(node).collect(),
            ..one.report
        },
        is_balanced: !nodes.is_empty(),
        ..one
    }
}

/// A transition of one of several nodes.
fn of_node(vhid: u32, state: u32) -> Event {
    let one = event(TRANSITION, 1, state);
    Event {
        report: Report {
            vhid: Some(vhid),
            ..one.report
        },
        is_balanced: true,
        ..one
    }
}

const TRANSITION: Kind = Kind::Told(CARP_CMD_TRANSITION);
const WRITE: &str =
    r#"echo "$CARP_IFNAME $CARP_EVENT $CARP_OLD_STATE-$CARP_STATE $CARP_SKIPPED" >>"$0.log""#;

#[test]
fn in_order_and_only_programs() {
    let directory = Directory::new("order");
    let log = directory.path("log.txt");
    for (name, mode) in [
        ("20-b", 0o755),
        ("10-a", 0o755),
        ("30-no", 0o644),
        ("40.dpkg-old", 0o755),
        ("50~", 0o755),
    ] {
        directory.program(name, &format!("echo {name} >>{log}"), mode);
    }
    let mut hooks = Hooks::new(&directory.0).unwrap();
    hooks
        .take(&event(Kind::Group, 1, CARP_STATE_BACKUP))
        .unwrap();
    hooks.finish();
    assert_eq!(directory.read("log.txt"), "10-a\n20-b\n");
}

#[test]
fn the_whole_environment() {
    let directory = Directory::new("environment");
    let log = directory.path("log.txt");
    directory.program(
        "env",
        &format!("env | grep ^CARP_ | grep -v ^CARP_CACHE= | sort >{log}; pwd >>{log}"),
        0o755,
    );
    let mut hooks = Hooks::new(&directory.0).unwrap();
    hooks
        .take(&event(Kind::Group, 7, CARP_STATE_MASTER))
        .unwrap();
    hooks.finish();
    assert_eq!(
        directory.read("log.txt"),
        "CARP_EVENT=start\nCARP_IFINDEX=7\nCARP_IFNAME=carp7\nCARP_OLD_STATE=\n\
         CARP_PARENT=eth0\nCARP_REASON=ready\nCARP_SEQUENCE=9\nCARP_SKIPPED=0\n\
         CARP_STATE=MASTER\nCARP_VHID=1\n/\n"
    );
    let news = News::of(&event(Kind::Group, 7, CARP_STATE_MASTER), false);
    let names = news[0].environment(None).map(|(name, _)| name);
    let documented: Vec<_> = ENVIRONMENT.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.as_slice(), documented);
}

#[test]
fn superseded_states_are_skipped() {
    let directory = Directory::new("superseded");
    directory.program(
        "hook",
        &format!(
            "{WRITE}; touch {}; while [ ! -e {} ]; do sleep 0.01; done",
            directory.path("running"),
            directory.path("go")
        ),
        0o755,
    );
    let mut hooks = Hooks::new(&directory.0).unwrap();
    hooks
        .take(&event(Kind::Group, 1, CARP_STATE_BACKUP))
        .unwrap();
    directory.wait_for("running");
    for state in [CARP_STATE_MASTER, CARP_STATE_BACKUP, CARP_STATE_MASTER] {
        hooks.take(&event(TRANSITION, 1, state)).unwrap();
    }
    fs::write(directory.0.join("go"), "").unwrap();
    hooks.finish();
    assert_eq!(
        directory.read("hook.log"),
        "carp1 start -BACKUP 0\ncarp1 transition BACKUP-MASTER 2\n"
    );
}

const CHANGE: Kind = Kind::Told(CARP_CMD_GROUP_CHANGE);

/// Runs the programs for these events, one after the other, and returns what each thread
/// was told, by vhid.
fn told(name: &str, events: &[Event]) -> Vec<String> {
    let directory = Directory::new(name);
    directory.program(
        "hook",
        r#"echo "$CARP_VHID: $CARP_EVENT $CARP_OLD_STATE-$CARP_STATE" >>"$0.log""#,
        0o755,
    );
    let mut hooks = Hooks::new(&directory.0).unwrap();
    for event in events {
        hooks.take(event).unwrap();
        // So that nothing is skipped.
        for member in hooks.groups.values().flatten() {
            while member.mailbox.lock().next.is_some() {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
    }
    hooks.finish();
    let log = directory.read("hook.log");
    let mut lines: Vec<_> = log.lines().map(str::to_owned).collect();
    // The nodes do not wait for each other.
    lines.sort_by(|a, b| a.split(':').next().cmp(&b.split(':').next()));
    lines
}

#[test]
fn each_node_is_told_of_alone() {
    let events = [
        of_nodes(
            Kind::Group,
            &[(1, CARP_STATE_MASTER), (2, CARP_STATE_BACKUP)],
        ),
        of_node(2, CARP_STATE_MASTER),
        of_nodes(CHANGE, &[(1, CARP_STATE_MASTER), (2, CARP_STATE_MASTER)]),
        of_node(1, CARP_STATE_BACKUP),
        event(Kind::Told(CARP_CMD_GROUP_DELETE), 1, CARP_STATE_MASTER),
    ];
    assert_eq!(
        told("nodes", &events),
        [
            "1: start -MASTER",
            "1: transition MASTER-BACKUP",
            "1: delete BACKUP-INIT",
            "2: start -BACKUP",
            "2: transition BACKUP-MASTER",
            "2: delete MASTER-INIT",
        ]
    );
}

#[test]
fn nodes_that_come_and_go_are_told_of() {
    let events = [
        event(Kind::Group, 1, CARP_STATE_MASTER),
        // Before it is known that there are several.
        Event {
            is_balanced: false,
            ..of_node(2, CARP_STATE_INIT)
        },
        of_nodes(CHANGE, &[(1, CARP_STATE_MASTER), (2, CARP_STATE_INIT)]),
        of_node(2, CARP_STATE_BACKUP),
        of_nodes(CHANGE, &[(1, CARP_STATE_MASTER), (3, CARP_STATE_INIT)]),
        // One again, with another number than it had.
        event(CHANGE, 1, CARP_STATE_MASTER),
        event(TRANSITION, 1, CARP_STATE_BACKUP),
    ];
    assert_eq!(
        told("coming", &events),
        [
            "1: start -MASTER",
            "1: transition MASTER-BACKUP",
            "2: transition -INIT",
            "2: transition INIT-BACKUP",
            "2: delete BACKUP-INIT",
            "3: transition -INIT",
            "3: delete INIT-INIT",
        ]
    );
}

#[test]
fn one_node_may_get_another_number() {
    let renumbered = |kind, vhid, state| {
        let one = event(kind, 1, state);
        Event {
            report: Report { vhid, ..one.report },
            ..one
        }
    };
    let events = [
        renumbered(
            Kind::Told(CARP_CMD_GROUP_NEW),
            None,
            carp_uapi::numbers::CARP_STATE_INIT,
        ),
        renumbered(CHANGE, Some(1), CARP_STATE_BACKUP),
        renumbered(TRANSITION, Some(1), CARP_STATE_BACKUP),
        renumbered(TRANSITION, Some(2), CARP_STATE_MASTER),
        renumbered(CHANGE, Some(2), CARP_STATE_MASTER),
        renumbered(TRANSITION, Some(2), CARP_STATE_BACKUP),
    ];
    assert_eq!(
        told("number", &events),
        [
            ": transition -INIT",
            "1: transition INIT-BACKUP",
            "2: transition BACKUP-MASTER",
            "2: transition MASTER-BACKUP",
        ]
    );
}

#[test]
fn groups_do_not_wait_for_each_other() {
    let directory = Directory::new("parallel");
    let go = directory.path("go");
    directory.program(
        "hook",
        &format!(
            "[ $CARP_IFNAME = carp2 ] && touch {go}; while [ ! -e {go} ]; do sleep 0.01; done"
        ),
        0o755,
    );
    let mut hooks = Hooks::new(&directory.0).unwrap();
    hooks
        .take(&event(Kind::Group, 1, CARP_STATE_BACKUP))
        .unwrap();
    hooks
        .take(&event(Kind::Group, 2, CARP_STATE_BACKUP))
        .unwrap();
    hooks.finish();
}

#[test]
fn a_failure_does_not_stop_the_next() {
    let directory = Directory::new("failure");
    directory.program("10-fails", "exit 3", 0o755);
    directory.program("20-writes", WRITE, 0o755);
    let mut hooks = Hooks::new(&directory.0).unwrap();
    hooks
        .take(&event(Kind::Group, 1, CARP_STATE_BACKUP))
        .unwrap();
    hooks.finish();
    assert_eq!(directory.read("20-writes.log"), "carp1 start -BACKUP 0\n");
}

#[test]
fn resynchronised_states_only_if_they_are_others() {
    let directory = Directory::new("resync");
    directory.program(
        "hook",
        &format!(
            "{WRITE}; touch {}",
            directory.path("$CARP_EVENT$CARP_STATE")
        ),
        0o755,
    );
    let mut hooks = Hooks::new(&directory.0).unwrap();
    hooks
        .take(&event(Kind::Group, 1, CARP_STATE_BACKUP))
        .unwrap();
    directory.wait_for("startBACKUP");
    hooks.take(&Event::lost()).unwrap();
    hooks
        .take(&event(Kind::Group, 1, CARP_STATE_BACKUP))
        .unwrap();
    hooks.take(&Event::lost()).unwrap();
    hooks
        .take(&event(Kind::Group, 1, CARP_STATE_MASTER))
        .unwrap();
    directory.wait_for("resyncMASTER");
    hooks
        .take(&event(
            Kind::Told(CARP_CMD_GROUP_DELETE),
            1,
            CARP_STATE_MASTER,
        ))
        .unwrap();
    directory.wait_for("deleteINIT");
    hooks.finish();
    assert_eq!(
        directory.read("hook.log"),
        "carp1 start -BACKUP 0\ncarp1 resync BACKUP-MASTER 0\ncarp1 delete MASTER-INIT 0\n"
    );
}

#[test]
fn a_missing_directory_is_a_mistake() {
    let failure = Hooks::new(Path::new("/nonexistent")).err().unwrap();
    assert!(failure.text.contains("/nonexistent"));
}
