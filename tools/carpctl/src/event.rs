// SPDX-License-Identifier: GPL-2.0-only
//! What happens to groups, as lines of text and of JSON.

use crate::group::{Group, balancing_name, missing_names, reason_name, selection_name, state_name};
use crate::json::{BalanceJson, Named, PeerJson, reason, state};
use crate::netlink::carp::Report;
use crate::text::Plain;
use carp_uapi::names::EVENTS;
use carp_uapi::numbers::*;
use serde::Serialize;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What an event is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// The kernel told it: a number of `enum carp_command`.
    Told(u32),
    /// A group as it is now, at the beginning and after lost events.
    Group,
    /// Events were lost; a [`Kind::Group`] for each group follows.
    Lost,
}

impl Kind {
    /// Its name in text and JSON.
    pub fn name(&self) -> String {
        match self {
            Self::Told(number) => crate::group::named(EVENTS, *number),
            Self::Group => "group".to_owned(),
            Self::Lost => "lost".to_owned(),
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What.
    pub kind: Kind,
    /// To whom, and the rest.
    pub report: Report,
    /// When: for a transition the kernel's time, else that of its arrival.
    pub time: SystemTime,
    /// The group has several nodes, and what is about one says which, by the vhid.
    pub is_balanced: bool,
}

impl Event {
    /// What the kernel told just now.
    pub fn told(report: Report) -> Self {
        let changed_at = report
            .changed_at
            .filter(|_| report.command == CARP_CMD_TRANSITION);
        Self {
            kind: Kind::Told(report.command),
            time: changed_at.map_or_else(SystemTime::now, |nanoseconds| {
                UNIX_EPOCH + Duration::from_nanos(nanoseconds)
            }),
            is_balanced: !report.nodes.is_empty(),
            report,
        }
    }

    /// A group as it is now.
    pub fn group(group: &Group, sequence: Option<u32>) -> Self {
        Self {
            kind: Kind::Group,
            report: Report {
                sequence,
                ..Report::from(group)
            },
            time: SystemTime::now(),
            is_balanced: group.is_balanced(),
        }
    }

    /// Events were lost.
    pub fn lost() -> Self {
        Self {
            kind: Kind::Lost,
            report: Report::default(),
            time: SystemTime::now(),
            is_balanced: false,
        }
    }

    /// The group is gone, though nobody told.
    pub fn gone(report: Report) -> Self {
        Self {
            kind: Kind::Told(CARP_CMD_GROUP_DELETE),
            is_balanced: !report.nodes.is_empty(),
            report,
            time: SystemTime::now(),
        }
    }

    /// Whether it tells all there is of the group's nodes; others are about one of them, or
    /// none.
    pub fn has_all_nodes(&self) -> bool {
        matches!(
            self.kind,
            Kind::Group | Kind::Told(CARP_CMD_GROUP_NEW | CARP_CMD_GROUP_CHANGE)
        )
    }

    /// Whether there is no such group any more.
    pub fn is_end(&self) -> bool {
        self.kind == Kind::Told(CARP_CMD_GROUP_DELETE)
    }

    fn is_about_a_node(&self) -> bool {
        let one = matches!(
            self.kind,
            Kind::Told(CARP_CMD_TRANSITION | CARP_CMD_OTHER_MASTER | CARP_CMD_BAD_DIGEST)
        );
        one && self.is_balanced
    }

    /// The event as JSON.
    pub fn json(&self) -> EventJson<'_> {
        let report = &self.report;
        let time = self.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        EventJson {
            event: self.kind.name(),
            time: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            sequence: report.sequence,
            ifname: (!report.ifname.is_empty()).then_some(&report.ifname),
            ifindex: (report.ifindex != 0).then_some(report.ifindex),
            parent: report.parent_ifname.as_deref(),
            vhid: report.vhid,
            advbase: report.advbase,
            advskew: report.advskew,
            old_state: report.old_state.map(state),
            state: report.state.map(state),
            reason: report.reason.map(reason),
            missing: report.missing.map(missing_names),
            transitions: report.transitions,
            balance: BalanceJson::of(
                report.balancing.unwrap_or(0),
                report.selection.unwrap_or(0),
                &report.nodes,
            ),
            digest_addresses: (!report.addresses.is_empty()).then_some(&report.addresses),
            // Of an event it is the one that it is about.
            peer: match self.kind {
                Kind::Told(_) => report.peers.first().map(PeerJson::from),
                _ => None,
            },
        }
    }
}

impl From<&Group> for Report {
    fn from(group: &Group) -> Self {
        let carp = &group.link.carp;
        let more = group.more.clone().unwrap_or_default();
        Self {
            ifindex: group.link.index,
            ifname: group.link.name.clone(),
            parent: group.link.parent,
            parent_ifname: group.parent.clone(),
            vhid: carp.vhid,
            advbase: Some(carp.advbase),
            advskew: Some(carp.advskew),
            state: Some(carp.state),
            reason: Some(carp.reason),
            missing: Some(carp.missing),
            since: Some(carp.since),
            changed_at: more.changed_at,
            transitions: Some(carp.transitions),
            addresses: more.digest_addresses,
            peers: more.peers,
            balancing: Some(carp.balancing),
            selection: Some(carp.selection),
            nodes: carp.nodes.clone(),
            ..Self::default()
        }
    }
}

/// An event; keys that have no value are left out.
#[derive(Serialize)]
pub struct EventJson<'a> {
    event: String,
    time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ifname: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ifindex: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vhid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advbase: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advskew: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_state: Option<Named>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Named>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Named>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transitions: Option<u32>,
    #[serde(flatten)]
    balance: Option<BalanceJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest_addresses: Option<&'a Vec<IpAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<PeerJson>,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = &self.report;
        write!(f, "{} ", humantime::format_rfc3339_millis(self.time))?;
        if self.kind == Kind::Lost {
            return f.write_str("events were lost; the groups as they are now:");
        }
        write!(f, "{}", Plain(&report.ifname))?;
        match report.vhid {
            Some(vhid) if self.is_about_a_node() => write!(f, " vhid {vhid}: ")?,
            _ => f.write_str(": ")?,
        }
        let now = report.state.map_or("?".to_owned(), state_name);
        let why = report.reason.map_or("?".to_owned(), reason_name);
        let Kind::Told(number) = self.kind else {
            write!(f, "is {now} ({why})")?;
            return parameters(f, report);
        };
        match number {
            CARP_CMD_TRANSITION => {
                let old = report.old_state.map_or("?".to_owned(), state_name);
                write!(f, "{old} -> {now} ({why})")
            }
            CARP_CMD_GROUP_NEW => {
                write!(f, "new: {now} ({why})")?;
                parameters(f, report)
            }
            CARP_CMD_GROUP_CHANGE => {
                write!(f, "changed: {now} ({why})")?;
                parameters(f, report)
            }
            CARP_CMD_GROUP_DELETE => f.write_str("deleted"),
            CARP_CMD_OTHER_MASTER => {
                f.write_str("another MASTER was heard")?;
                peer(f, report)
            }
            CARP_CMD_BAD_DIGEST => {
                f.write_str("advertisements with a wrong digest are heard")?;
                peer(f, report)
            }
            CARP_CMD_PARENT_LOST => {
                let parent = report.parent_ifname.as_deref().unwrap_or("?");
                write!(f, "its parent {} is gone", Plain(parent))
            }
            _ => f.write_str(&self.kind.name()),
        }
    }
}

fn parameters(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    let parent = report.parent_ifname.as_deref().unwrap_or("none");
    write!(f, " carpdev {}", Plain(parent))?;
    let is_balanced = !report.nodes.is_empty();
    for (name, number) in [
        ("vhid", report.vhid.filter(|_| !is_balanced)),
        ("advbase", report.advbase),
        ("advskew", report.advskew.filter(|_| !is_balanced)),
    ] {
        if let Some(number) = number {
            write!(f, " {name} {number}")?;
        }
    }
    nodes(f, report)?;
    match report.missing {
        Some(missing) if missing != 0 => write!(f, " missing {}", missing_names(missing).join(",")),
        _ => Ok(()),
    }
}

/// What several nodes share, and each of them: `1:0 MASTER`.
fn nodes(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    if report.nodes.is_empty() {
        return Ok(());
    }
    let balancing = balancing_name(report.balancing.unwrap_or(0));
    let selection = report.selection.unwrap_or(CARP_SELECTION_ADDRESSES);
    write!(f, " balancing {balancing}")?;
    if selection != CARP_SELECTION_ADDRESSES {
        write!(f, " selection {}", selection_name(selection))?;
    }
    for node in &report.nodes {
        let state = state_name(node.state);
        write!(f, ", {}:{} {state}", node.vhid, node.advskew)?;
    }
    Ok(())
}

fn peer(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    match report.peers.first() {
        Some(peer) => write!(
            f,
            ": {} advbase {} advskew {}",
            peer.address, peer.advbase, peer.advskew
        ),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::carp::Peer;
    use crate::netlink::node::Node;

    fn at(report: Report) -> Event {
        Event {
            time: UNIX_EPOCH + Duration::from_millis(1_764_000_000_123),
            ..Event::told(report)
        }
    }

    fn report(command: u32) -> Report {
        Report {
            command,
            ifindex: 7,
            ifname: "carp0".into(),
            sequence: Some(12),
            ..Report::default()
        }
    }

    #[test]
    fn a_transition() {
        let event = at(Report {
            old_state: Some(CARP_STATE_BACKUP),
            state: Some(CARP_STATE_MASTER),
            reason: Some(CARP_REASON_TIMED_OUT),
            vhid: Some(1),
            ..report(CARP_CMD_TRANSITION)
        });
        assert_eq!(
            event.to_string(),
            "2025-11-24T16:00:00.123Z carp0: BACKUP -> MASTER (timed-out)"
        );
        assert_eq!(
            serde_json::to_string(&event.json()).unwrap(),
            r#"{"event":"transition","time":1764000000123,"sequence":12,"ifname":"carp0","ifindex":7,"vhid":1,"old_state":"BACKUP","state":"MASTER","reason":"timed-out"}"#
        );
    }

    #[test]
    fn of_several_nodes_the_one_is_named() {
        let event = Event {
            is_balanced: true,
            ..at(Report {
                old_state: Some(CARP_STATE_BACKUP),
                state: Some(CARP_STATE_MASTER),
                reason: Some(CARP_REASON_TIMED_OUT),
                vhid: Some(2),
                ..report(CARP_CMD_TRANSITION)
            })
        };
        let line = "carp0 vhid 2: BACKUP -> MASTER (timed-out)";
        assert!(event.to_string().ends_with(line), "{event}");

        let node = |vhid, advskew, state| Node {
            vhid,
            advskew,
            state,
            ..Node::default()
        };
        let changed = at(Report {
            state: Some(CARP_STATE_MASTER),
            reason: Some(CARP_REASON_TIMED_OUT),
            vhid: Some(1),
            advbase: Some(1),
            advskew: Some(0),
            balancing: Some(CARP_BALANCING_IP),
            selection: Some(CARP_SELECTION_FLOW),
            nodes: vec![
                node(1, 0, CARP_STATE_MASTER),
                node(2, 100, CARP_STATE_BACKUP),
            ],
            ..report(CARP_CMD_GROUP_CHANGE)
        });
        let line = "carp0: changed: MASTER (timed-out) carpdev none advbase 1 balancing ip \
                    selection flow, 1:0 MASTER, 2:100 BACKUP";
        assert!(changed.to_string().ends_with(line), "{changed}");
    }

    #[test]
    fn the_time_of_a_transition_is_the_kernels() {
        let told = Event::told(Report {
            changed_at: Some(5),
            ..report(CARP_CMD_TRANSITION)
        });
        assert_eq!(told.time, UNIX_EPOCH + Duration::from_nanos(5));
    }

    #[test]
    fn others_are_heard() {
        let peer = Peer {
            address: "192.0.2.2".parse().unwrap(),
            advbase: 1,
            advskew: 0,
            demote: 0,
            since: 0,
            received: 1,
            bad_digest: 2,
            vhid: None,
        };
        for (command, text) in [
            (CARP_CMD_OTHER_MASTER, "another MASTER was heard"),
            (
                CARP_CMD_BAD_DIGEST,
                "advertisements with a wrong digest are heard",
            ),
        ] {
            let event = at(Report {
                peers: vec![peer.clone()],
                ..report(command)
            });
            let all = format!("carp0: {text}: 192.0.2.2 advbase 1 advskew 0");
            assert!(event.to_string().ends_with(&all), "{event}");
            let json = serde_json::to_string(&event.json()).unwrap();
            assert!(json.contains(r#""peer":{"address":"192.0.2.2","#), "{json}");
        }
    }

    #[test]
    fn every_event_has_a_sentence() {
        for (number, _) in EVENTS {
            let text = at(report(*number)).to_string();
            assert!(!text.ends_with(&Kind::Told(*number).name()), "{text}");
        }
        let newer = at(report(99));
        assert!(newer.to_string().ends_with("carp0: 99"));
    }
}
