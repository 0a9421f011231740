// SPDX-License-Identifier: GPL-2.0-only
//! Groups as metrics in Prometheus' text format.
//!
//! A state is a set of series of which one is 1: a label that changes would begin
//! a new series at each transition. Counters have no label that changes.

use crate::group::{Group, reason_name};
use carp_uapi::names::{REASONS, STATES, STATISTICS};
use carp_uapi::numbers::*;
use std::fmt::{self, Display, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A metric that is made of counters of the kernel.
struct Counted {
    name: &'static str,
    help: &'static str,
    /// The counters, each with the labels that tell it apart.
    rows: &'static [(u32, &'static str)],
}

static COUNTED: &[Counted] = &[
    Counted {
        name: "carp_advertisements_sent_total",
        help: "Advertisements sent.",
        rows: &[
            (IFLA_CARP_STATS_TX_V4, r#"family="inet""#),
            (IFLA_CARP_STATS_TX_V6, r#"family="inet6""#),
        ],
    },
    Counted {
        name: "carp_bow_outs_sent_total",
        help: "Of the advertisements sent, those that said that this host takes its leave.",
        rows: &[(IFLA_CARP_STATS_TX_BOW_OUT, "")],
    },
    Counted {
        name: "carp_send_errors_total",
        help: "Advertisements, announcements and replies that could not be sent.",
        rows: &[(IFLA_CARP_STATS_TX_ERRORS, "")],
    },
    Counted {
        name: "carp_advertisements_received_total",
        help: "Advertisements received and used.",
        rows: &[
            (IFLA_CARP_STATS_RX_V4, r#"family="inet""#),
            (IFLA_CARP_STATS_RX_V6, r#"family="inet6""#),
        ],
    },
    Counted {
        name: "carp_announcements_sent_total",
        help: "Gratuitous ARPs and unsolicited neighbour advertisements sent.",
        rows: &[(IFLA_CARP_STATS_ANNOUNCEMENTS, "")],
    },
    Counted {
        name: "carp_replies_sent_total",
        help: "Questions for an address answered.",
        rows: &[
            (IFLA_CARP_STATS_ARP_REPLIES, r#"protocol="arp""#),
            (IFLA_CARP_STATS_ND_REPLIES, r#"protocol="nd""#),
        ],
    },
    Counted {
        name: "carp_questions_left_total",
        help: "Questions for an address left to another group that has it (arpbalance).",
        rows: &[(IFLA_CARP_STATS_NOT_SELECTED, "")],
    },
    Counted {
        name: "carp_other_masters_heard_total",
        help: "Advertisements of another MASTER while this host was MASTER.",
        rows: &[(IFLA_CARP_STATS_OTHER_MASTER, "")],
    },
    Counted {
        name: "carp_address_conflicts_total",
        help: "Announcements of an address by other hosts while this host was MASTER.",
        rows: &[(IFLA_CARP_STATS_ADDRESS_CONFLICT, "")],
    },
    Counted {
        name: "carp_frames_dropped_total",
        help: "Frames dropped because this host was not MASTER.",
        rows: &[
            (IFLA_CARP_STATS_RX_NOT_MASTER, r#"direction="received""#),
            (IFLA_CARP_STATS_TX_NOT_MASTER, r#"direction="sent""#),
        ],
    },
    Counted {
        name: "carp_packets_left_total",
        help: "Packets for the addresses left to the MASTER of another node (balancing).",
        rows: &[(IFLA_CARP_STATS_RX_NOT_SELECTED, "")],
    },
];

/// A value of a label, quoted.
struct Label<'a>(&'a str);

impl Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                _ => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// The text of all metrics.
struct Exposition {
    text: String,
}

impl Exposition {
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Of a group, or of one of its nodes.
    fn sample(&mut self, name: &str, group: &Group, labels: &str, value: impl Display) {
        let separator = if labels.is_empty() { "" } else { "," };
        let _ = writeln!(
            self.text,
            "{name}{{ifname={},vhid=\"{}\"{separator}{labels}}} {value}",
            Label(group.name()),
            group.link.carp.vhid.unwrap_or(0),
        );
    }
}

fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}

/// The metrics of these groups at this moment.
pub fn text(groups: &[Group], now: SystemTime) -> String {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut out = Exposition {
        text: String::new(),
    };
    // Of several nodes, what each has of its own.
    let nodes: Vec<_> = groups.iter().flat_map(Group::by_node).collect();

    out.metric("carp_info", "gauge", "A group of this host.");
    for group in &nodes {
        let parent = Label(group.parent.as_deref().unwrap_or("")).to_string();
        out.sample("carp_info", group, &format!("parent={parent}"), 1);
    }
    out.metric(
        "carp_state",
        "gauge",
        "1 for the state that the group is in.",
    );
    for group in &nodes {
        for (number, name) in STATES {
            let labels = format!("state=\"{}\"", name.to_string_lossy());
            let is = u8::from(group.link.carp.state == *number);
            out.sample("carp_state", group, &labels, is);
        }
    }
    for (name, help, value) in [
        (
            "carp_advbase_seconds",
            "The base of the advertisement interval.",
            (|group| group.link.carp.advbase) as fn(&Group) -> u32,
        ),
        (
            "carp_advskew",
            "What is added to the interval, in 1/256 seconds.",
            |group| group.link.carp.advskew,
        ),
    ] {
        out.metric(name, "gauge", help);
        for group in &nodes {
            out.sample(name, group, "", value(group));
        }
    }
    transitions(&mut out, groups, &nodes, now);
    for metric in COUNTED {
        out.metric(metric.name, "counter", metric.help);
        for group in groups {
            for (number, labels) in metric.rows {
                out.sample(metric.name, group, labels, group.counter(*number));
            }
        }
    }
    out.metric(
        "carp_discarded_total",
        "counter",
        "Advertisements that were not used, by reason.",
    );
    for group in groups {
        for (number, reason) in discards() {
            let labels = format!("reason=\"{reason}\"");
            out.sample(
                "carp_discarded_total",
                group,
                &labels,
                group.counter(number),
            );
        }
    }
    peers(&mut out, &nodes, now);
    out.text
}

fn transitions(out: &mut Exposition, groups: &[Group], nodes: &[Group], now: Duration) {
    let name = "carp_last_transition_timestamp_seconds";
    out.metric(name, "gauge", "When the state was entered.");
    for group in nodes {
        let told = group.more.as_ref().and_then(|more| more.changed_at);
        let at = told.map_or_else(|| now.saturating_sub(group.since()), Duration::from_nanos);
        out.sample(name, group, "", seconds(at));
    }
    let name = "carp_transitions_total";
    out.metric(
        name,
        "counter",
        "Changes of state, by the reason of the new one.",
    );
    for group in groups {
        let Some(more) = &group.more else { continue };
        // All of them from the beginning: a counter that appears with 1 has no rate.
        let known = REASONS.iter().map(|(number, _)| *number);
        let newer = more.transitions_by_reason.iter().map(|(number, _)| *number);
        let newer = newer.filter(|number| !REASONS.iter().any(|(known, _)| known == number));
        for reason in known.chain(newer) {
            let mut counts = more.transitions_by_reason.iter();
            let count = counts
                .find(|(number, _)| *number == reason)
                .map_or(0, |(_, n)| *n);
            let labels = format!("reason=\"{}\"", reason_name(reason));
            out.sample(name, group, &labels, count);
        }
    }
    // The reasons are known of the first node only.
    let name = "carp_node_transitions_total";
    if nodes.iter().any(Group::is_balanced) {
        let help = "Changes of state of a node, of a group with several.";
        out.metric(name, "counter", help);
    }
    for node in nodes.iter().filter(|node| node.is_balanced()) {
        out.sample(name, node, "", node.link.carp.transitions);
    }
}

/// The counters of discards, with the reasons.
fn discards() -> impl Iterator<Item = (u32, String)> {
    STATISTICS
        .iter()
        .flat_map(|rows| rows.counters)
        .filter(|row| row.key.to_bytes().starts_with(b"discard_"))
        .map(|row| (row.attribute, row.label.to_string_lossy().into_owned()))
}

fn peers(out: &mut Exposition, groups: &[Group], now: Duration) {
    let name = "carp_peer_last_advertisement_timestamp_seconds";
    out.metric(name, "gauge", "When a peer was last heard.");
    for group in groups {
        for peer in group.peers() {
            let at = now.saturating_sub(Duration::from_nanos(peer.since));
            out.sample(
                name,
                group,
                &format!("peer=\"{}\"", peer.address),
                seconds(at),
            );
        }
    }
    let name = "carp_peer_advertisements_total";
    out.metric(
        name,
        "counter",
        "Advertisements of a peer, with a right or a wrong digest.",
    );
    for group in groups {
        for peer in group.peers() {
            for (digest, value) in [("right", peer.received), ("wrong", peer.bad_digest)] {
                let labels = format!("peer=\"{}\",digest=\"{digest}\"", peer.address);
                out.sample(name, group, &labels, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No counter of the kernel is forgotten, and none is there twice.
    #[test]
    fn every_counter_is_exported_once() {
        let mut ours: Vec<_> = COUNTED
            .iter()
            .flat_map(|metric| metric.rows)
            .map(|(number, _)| *number)
            .chain(discards().map(|(number, _)| number))
            .collect();
        ours.sort_unstable();
        let all: Vec<_> = (IFLA_CARP_STATS_TX_V4..=IFLA_CARP_STATS_MAX).collect();
        assert_eq!(ours, all);
    }

    #[test]
    fn labels_are_quoted() {
        assert_eq!(Label("a\"b\\c\nd").to_string(), r#""a\"b\\c\nd""#);
    }
}
