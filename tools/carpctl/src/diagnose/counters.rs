// SPDX-License-Identifier: GPL-2.0-only
//! Counters that should stay at zero.

use super::{Finding, Severity, finding};
use crate::group::Group;
use carp_uapi::names::STATISTICS;
use carp_uapi::numbers::*;

/// Counters that stay at zero where all is well, and what to look at if not.
static ADVICE: &[(u32, &str)] = &[
    (
        IFLA_CARP_STATS_TX_ERRORS,
        "the parent's queue is full, it has no link-local address (IPv6), or memory is short",
    ),
    (
        IFLA_CARP_STATS_OTHER_MASTER,
        "the segment was parted for a while, or the other one did not hear this host",
    ),
    (
        IFLA_CARP_STATS_ADDRESS_CONFLICT,
        "another host has an address of the group for its own, shares it by another protocol, or is a ucarp that took over; with net.inet.carp.log from 2 on the kernel log names it",
    ),
    (
        IFLA_CARP_STATS_DISCARD_BAD_HOP_LIMIT,
        "somebody routes or forges advertisements: their TTL or hop limit is not 255",
    ),
    (
        IFLA_CARP_STATS_DISCARD_BAD_LENGTH,
        "VRRP version 2 with this number on the segment? Each needs a number of its own",
    ),
    (
        IFLA_CARP_STATS_DISCARD_BAD_VERSION,
        "VRRP version 3 with this number on the segment? Each needs a number of its own",
    ),
    (
        IFLA_CARP_STATS_DISCARD_BAD_TYPE,
        "something else than CARP uses protocol 112 on the segment",
    ),
    (
        IFLA_CARP_STATS_DISCARD_BAD_CHECKSUM,
        "advertisements arrive damaged: look at the cable, the switch and the parent's offloads",
    ),
    (
        IFLA_CARP_STATS_DISCARD_UNKNOWN_VHID,
        "there are groups on the segment that this host does not have: is one missing, or its vhid another?",
    ),
    (
        IFLA_CARP_STATS_DISCARD_OWN_ECHO,
        "the switch or the hypervisor sends our own frames back: look at its teaming",
    ),
    (
        IFLA_CARP_STATS_DISCARD_UNATTRIBUTED,
        "something on the segment sends protocol 112 that is no advertisement of a group here",
    ),
];

/// Says which counters are not zero.
pub(super) fn explain(group: &Group, findings: &mut Vec<Finding>) {
    let rows = STATISTICS.iter().flat_map(|rows| rows.counters);
    for row in rows {
        let value = group.counter(row.attribute);
        let advice = ADVICE.iter().find(|(number, _)| *number == row.attribute);
        if let (1.., Some((_, advice))) = (value, advice) {
            let other_master = row.attribute == IFLA_CARP_STATS_OTHER_MASTER;
            let code = if other_master {
                "other-masters-before"
            } else {
                "counter"
            };
            let text = format!("{} was counted {value} times", row.key.to_string_lossy());
            findings.push(finding(Severity::Note, code, text, *advice));
        }
    }
}
