// SPDX-License-Identifier: GPL-2.0-only
//! Why a group is what it is, and what to change: from what this host has and what
//! the others send. Pure: it asks nobody.

mod counters;

use crate::group::{Group, interval, missing_names, reason_name, state_name};
use crate::netlink::carp::Peer;
use crate::text::Ago;
use carp_uapi::names::name;
use carp_uapi::numbers::*;
use serde::Serialize;
use std::time::Duration;

/// How much something matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something must be changed.
    Problem,
    /// It is so, and may be meant so.
    Note,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What, for a program: one of [`CODES`].
    pub code: &'static str,
    /// What, for people.
    pub text: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// The codes of findings, which are stable, and what they say.
pub static CODES: &[(&str, &str)] = &[
    ("no-vhid", "the group has no number"),
    ("no-parent", "there is no parent"),
    ("no-address", "there is no address"),
    ("device-down", "the carp interface is down"),
    ("parent-down", "the parent is down"),
    ("no-carrier", "the parent has no carrier"),
    ("not-allowed", "net.inet.carp.allow is 0"),
    (
        "unknown-need",
        "something is missing that this carpctl does not know",
    ),
    ("master", "this host is MASTER"),
    ("alone", "this host is MASTER and hears nobody"),
    ("two-masters", "another host is MASTER as well"),
    (
        "bad-digest",
        "the others' advertisements have a wrong digest",
    ),
    ("bad-digest-before", "some had a wrong digest"),
    ("peer-better", "a peer is preferred"),
    ("peer-equal", "a peer is as good"),
    ("peer-demoted", "a peer is MASTER although it is demoted"),
    (
        "preempt-off",
        "this host is preferred, but does not preempt",
    ),
    (
        "preempt-soon",
        "this host is preferred and is about to take over",
    ),
    ("no-master", "no MASTER is heard"),
    ("other-masters-before", "other MASTERs were heard"),
    ("counter", "something was counted that should not happen"),
];

/// What of this host matters, besides its groups.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Host {
    /// `net.inet.carp.preempt`.
    pub preempt: bool,
}

fn finding(
    severity: Severity,
    code: &'static str,
    text: impl Into<String>,
    advice: impl Into<String>,
) -> Finding {
    let advice = advice.into();
    Finding {
        severity,
        code,
        text: text.into(),
        advice: (!advice.is_empty()).then_some(advice),
    }
}

/// The silence after which a host with these parameters is taken for dead.
fn master_down(advbase: u32, advskew: u32) -> Duration {
    let skew = interval(0, advskew);
    match advbase {
        0 => skew * 3,
        _ => Duration::from_secs(3 * u64::from(advbase)) + skew,
    }
}

impl Peer {
    /// Whether it advertises now.
    pub fn is_heard(&self) -> bool {
        !self.bowed_out()
            && Duration::from_nanos(self.since) <= master_down(self.advbase, self.advskew)
    }

    fn parameters(&self) -> String {
        format!("advbase {} advskew {}", self.advbase, self.advskew)
    }
}

/// Whether the senders of wrong digests must be looked at twice: of a peer that sent
/// right ones, too, one look does not say which it sends now.
pub fn needs_two_looks(group: &Group) -> bool {
    let mut peers = group.peers().iter();
    peers.any(|peer| peer.received > 0 && peer.bad_digest > 0)
}

/// How long the second look must wait: until each peer has advertised again.
pub fn pause(group: &Group) -> Duration {
    let peers = group.peers().iter().filter(|peer| !peer.bowed_out());
    let longest = peers.map(|peer| interval(peer.advbase, peer.advskew)).max();
    (longest.unwrap_or_default() * 3 / 2).min(Duration::from_secs(5))
}

/// Explains the state of a group, which is compared with that at an earlier look.
pub fn diagnose(group: &Group, earlier: &Group, host: Host) -> Vec<Finding> {
    let mut findings = Vec::new();
    if group.is_init() {
        explain_init(group, &mut findings);
    } else if group.is_master() {
        explain_master(group, earlier, &mut findings);
    } else {
        explain_backup(group, earlier, host, &mut findings);
    }
    counters::explain(group, &mut findings);
    findings
}

fn explain_init(group: &Group, findings: &mut Vec<Finding>) {
    let name = group.name();
    let parent = group.parent.as_deref().unwrap_or("the parent");
    let missing = group.link.carp.missing;
    let rows = [
        (
            CARP_MISSING_VHID,
            "no-vhid",
            "it has no vhid".to_owned(),
            format!("carpctl {name} vhid NUMBER"),
        ),
        (
            CARP_MISSING_PARENT,
            "no-parent",
            "it has no parent".to_owned(),
            format!(
                "carpctl {name} carpdev INTERFACE, or an address of a subnet that this host is in"
            ),
        ),
        (
            CARP_MISSING_ADDRESS,
            "no-address",
            "it has no address".to_owned(),
            format!("carpctl {name} ADDRESS/PREFIX"),
        ),
        (
            CARP_MISSING_DEVICE_UP,
            "device-down",
            "it is down".to_owned(),
            format!("carpctl {name} up"),
        ),
        (
            CARP_MISSING_PARENT_UP,
            "parent-down",
            match &group.down {
                Some(down) if down != parent => {
                    format!("its parent {parent} is on {down}, which is down")
                }
                _ => format!("its parent {parent} is down"),
            },
            format!("ip link set {} up", group.down.as_deref().unwrap_or(parent)),
        ),
        (
            CARP_MISSING_CARRIER,
            "no-carrier",
            format!("its parent {parent} has no carrier"),
            "look at the cable, and at the switch's port".to_owned(),
        ),
        (
            CARP_MISSING_ALLOWED,
            "not-allowed",
            "net.inet.carp.allow is 0: nothing is sent or heard".to_owned(),
            "sysctl -w net.inet.carp.allow=1".to_owned(),
        ),
    ];
    let mut rest = missing;
    for (bit, code, text, advice) in rows {
        if missing & bit != 0 {
            rest &= !bit;
            findings.push(finding(Severity::Problem, code, text, advice));
        }
    }
    if rest != 0 {
        let text = format!("it needs {}", missing_names(rest).join(", "));
        findings.push(finding(
            Severity::Problem,
            "unknown-need",
            text,
            "a newer carpctl knows what that is",
        ));
    }
}

/// What this host signs, to be compared with the others.
fn digest_advice(group: &Group) -> String {
    let addresses: Vec<_> = match &group.more {
        Some(more) => more
            .digest_addresses
            .iter()
            .map(ToString::to_string)
            .collect(),
        None => Vec::new(),
    };
    format!(
        "the key and the list of addresses must be the same on all hosts; this host signs {} \
         with the key that \"carpctl key {}\" shows: compare both there",
        if addresses.is_empty() {
            "no address".to_owned()
        } else {
            addresses.join(", ")
        },
        group.name(),
    )
}

/// Whether a peer sends wrong digests now: a stranger that never sent a right one, or
/// one whose wrong ones become more. (The time of a peer is that of its last right one.)
fn is_wrong_now(earlier: &Group, peer: &Peer) -> bool {
    let mut before = earlier.peers().iter();
    let before = before.find(|before| before.address == peer.address);
    let stranger = peer.received == 0 && peer.bad_digest > 0 && peer.is_heard();
    stranger || before.is_some_and(|before| peer.bad_digest > before.bad_digest)
}

/// Whether a peer advertised after this host became MASTER; the last advertisement of
/// the MASTER before came just then.
fn went_on(group: &Group, peer: &Peer) -> bool {
    let silence = Duration::from_nanos(peer.since);
    group.since().saturating_sub(silence) > interval(peer.advbase, peer.advskew) / 2
}

fn explain_master(group: &Group, earlier: &Group, findings: &mut Vec<Finding>) {
    let ours = group.interval();
    let (wrong, right): (Vec<_>, Vec<_>) = group
        .peers()
        .iter()
        .partition(|peer| is_wrong_now(earlier, peer));
    for peer in &wrong {
        findings.push(finding(
            Severity::Problem,
            "bad-digest",
            format!(
                "two MASTERs: {} advertises, too, and the digest is wrong \
                 ({} advertisements with a wrong one, {} with a right one)",
                peer.address, peer.bad_digest, peer.received
            ),
            digest_advice(group),
        ));
    }
    let heard = right
        .iter()
        .filter(|peer| peer.received > 0 && peer.is_heard() && went_on(group, peer));
    for peer in heard {
        let from = peer.address;
        let theirs = interval(peer.advbase, peer.advskew);
        let text = format!(
            "two MASTERs: {from} advertises, too, with {} (here: {})",
            peer.parameters(),
            parameters(group)
        );
        let advice = if theirs > ours {
            format!(
                "ours are better, so it does not hear them, or does not accept them: run \
                 \"carpctl diag\" there; look for a filter of protocol 112 and for IGMP snooping \
                 between here and {from}"
            )
        } else {
            "this host should give way at its next advertisement; if it does not, run this again"
                .to_owned()
        };
        findings.push(finding(Severity::Problem, "two-masters", text, advice));
    }
    if !findings.is_empty() {
        return;
    }
    let ever = group.peers().iter().min_by_key(|peer| peer.since);
    findings.push(match ever {
        Some(peer) => finding(
            Severity::Note,
            "master",
            format!(
                "this host is MASTER ({}), and nobody else advertises; {} did {} ago",
                reason_name(group.link.carp.reason),
                peer.address,
                Ago(Duration::from_nanos(peer.since))
            ),
            "",
        ),
        None => finding(
            Severity::Note,
            "alone",
            "this host is MASTER and has never heard another one, which is right while the \
             others are BACKUPs",
            "if another host says that it is MASTER, too, nothing gets through between them: look \
             for a filter of protocol 112 and for IGMP snooping",
        ),
    });
}

fn parameters(group: &Group) -> String {
    let carp = &group.link.carp;
    format!("advbase {} advskew {}", carp.advbase, carp.advskew)
}

fn explain_backup(group: &Group, earlier: &Group, host: Host, findings: &mut Vec<Finding>) {
    let peers = || group.peers().iter();
    for peer in peers().filter(|peer| peer.bad_digest > 0) {
        if is_wrong_now(earlier, peer) {
            findings.push(finding(
                Severity::Problem,
                "bad-digest",
                format!(
                    "the advertisements of {} have a wrong digest and are not used",
                    peer.address
                ),
                digest_advice(group),
            ));
        } else {
            findings.push(finding(
                Severity::Note,
                "bad-digest-before",
                format!(
                    "{} of the advertisements of {} had a wrong digest, {} a right one",
                    peer.bad_digest, peer.address, peer.received
                ),
                format!("if that goes on: {}", digest_advice(group)),
            ));
        }
    }
    let master = peers()
        .filter(|peer| peer.is_heard() && peer.received > 0)
        .min_by_key(|peer| (peer.demote, interval(peer.advbase, peer.advskew)));
    match master {
        Some(peer) => findings.push(explain_master_elsewhere(group, host, peer)),
        None => findings.push(finding(
            Severity::Note,
            "no-master",
            format!(
                "no MASTER is heard; this host takes over after {:.1} s of silence",
                master_down(group.link.carp.advbase, group.link.carp.advskew).as_secs_f64()
            ),
            "",
        )),
    }
}

fn explain_master_elsewhere(group: &Group, host: Host, peer: &Peer) -> Finding {
    let (ours, theirs) = (group.interval(), interval(peer.advbase, peer.advskew));
    let (name, from) = (group.name(), peer.address);
    let both = format!(
        "it has {}, this host {}",
        peer.parameters(),
        parameters(group)
    );
    let sysctl = "sysctl -w net.inet.carp.preempt=1";
    let (code, text, advice) = if peer.demote > 0 {
        (
            "peer-demoted",
            format!(
                "{from} is MASTER although it is demoted by {}, so that this host takes over \
                 soon: {both}",
                peer.demote
            ),
            String::new(),
        )
    } else if theirs < ours {
        (
            "peer-better",
            format!("{from} is MASTER and advertises more often: {both}"),
            match group.link.carp.vhid.filter(|_| group.is_balanced()) {
                None => format!(
                    "to prefer this host: carpctl {name} with a smaller advskew or advbase than \
                     {from}'s, and {sysctl}; to change once: carpctl {name} state master"
                ),
                Some(vhid) => format!(
                    "each host should be preferred for some nodes; to prefer this one for vhid \
                     {vhid}: carpctl {name} carpnodes with a smaller advskew for it than {from}'s, and \
                     {sysctl}"
                ),
            },
        )
    } else if theirs == ours {
        (
            "peer-equal",
            format!("{from} is MASTER and was first: {both}"),
            format!("to prefer this host, give {from} a larger advskew, and {sysctl}"),
        )
    } else if host.preempt {
        (
            "preempt-soon",
            format!(
                "{from} is MASTER and advertises less often, so that this host preempts it: {both}"
            ),
            String::new(),
        )
    } else {
        (
            "preempt-off",
            format!(
                "{from} is MASTER; this host is preferred, but net.inet.carp.preempt is 0, so \
                 that it waits until {from} fails: {both}"
            ),
            sysctl.to_owned(),
        )
    };
    finding(Severity::Note, code, text, advice)
}

/// A line about the group itself.
pub fn headline(group: &Group) -> String {
    let carp = &group.link.carp;
    let known = name(carp_uapi::names::REASONS, carp.reason).is_some();
    let reason = if known {
        reason_name(carp.reason)
    } else {
        format!("reason {}", carp.reason)
    };
    format!(
        "{} for {} ({reason})",
        state_name(carp.state),
        Ago(group.since())
    )
}

#[cfg(test)]
mod tests;
