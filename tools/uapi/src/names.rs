// SPDX-License-Identifier: GPL-2.0-or-later
//! The names of the numbers of the netlink interface.
//!
//! They are the enumerators of `if_carp.h` in lower case, with dashes (states
//! in upper case, as every CARP writes them); a test checks that none is
//! missing.

use crate::numbers::*;
use core::ffi::CStr;

/// Numbers and their names.
pub type Names = [(u32, &'static CStr)];

/// `enum carp_state`.
pub static STATES: &Names = &[
    (CARP_STATE_INIT, c"INIT"),
    (CARP_STATE_BACKUP, c"BACKUP"),
    (CARP_STATE_MASTER, c"MASTER"),
];

/// `enum carp_reason`.
pub static REASONS: &Names = &[
    (CARP_REASON_CREATED, c"created"),
    (CARP_REASON_NO_VHID, c"no-vhid"),
    (CARP_REASON_NO_PARENT, c"no-parent"),
    (CARP_REASON_NO_ADDRESS, c"no-address"),
    (CARP_REASON_DEVICE_DOWN, c"device-down"),
    (CARP_REASON_PARENT_DOWN, c"parent-down"),
    (CARP_REASON_NO_CARRIER, c"no-carrier"),
    (CARP_REASON_NOT_ALLOWED, c"not-allowed"),
    (CARP_REASON_READY, c"ready"),
    (CARP_REASON_BETTER_MASTER, c"better-master"),
    (CARP_REASON_EQUAL_MASTER, c"equal-master"),
    (CARP_REASON_REQUESTED, c"requested"),
    (CARP_REASON_TIMED_OUT, c"timed-out"),
    (CARP_REASON_PREEMPTED, c"preempted"),
    (CARP_REASON_MASTER_DEMOTED, c"master-demoted"),
    (CARP_REASON_MASTER_TOO_SLOW, c"master-too-slow"),
    (CARP_REASON_MASTER_BOWED_OUT, c"master-bowed-out"),
];

/// The bits `CARP_MISSING_*`.
pub static MISSING: &Names = &[
    (CARP_MISSING_VHID, c"vhid"),
    (CARP_MISSING_PARENT, c"parent"),
    (CARP_MISSING_ADDRESS, c"address"),
    (CARP_MISSING_DEVICE_UP, c"device-up"),
    (CARP_MISSING_PARENT_UP, c"parent-up"),
    (CARP_MISSING_CARRIER, c"carrier"),
    (CARP_MISSING_ALLOWED, c"allowed"),
];

/// `enum carp_balancing`.
pub static BALANCINGS: &Names = &[
    (CARP_BALANCING_NONE, c"none"),
    (CARP_BALANCING_IP, c"ip"),
    (CARP_BALANCING_IP_STEALTH, c"ip-stealth"),
    (CARP_BALANCING_IP_UNICAST, c"ip-unicast"),
];

/// `enum carp_selection`.
pub static SELECTIONS: &Names = &[
    (CARP_SELECTION_ADDRESSES, c"addresses"),
    (CARP_SELECTION_FLOW, c"flow"),
];

/// The events of `enum carp_command`.
pub static EVENTS: &Names = &[
    (CARP_CMD_GROUP_NEW, c"group-new"),
    (CARP_CMD_GROUP_CHANGE, c"group-change"),
    (CARP_CMD_GROUP_DELETE, c"group-delete"),
    (CARP_CMD_TRANSITION, c"transition"),
    (CARP_CMD_OTHER_MASTER, c"other-master"),
    (CARP_CMD_BAD_DIGEST, c"bad-digest"),
    (CARP_CMD_PARENT_LOST, c"parent-lost"),
];

/// A number's name, unless a newer kernel made it up.
pub fn name(names: &Names, number: u32) -> Option<&'static CStr> {
    names.iter().find(|(n, _)| *n == number).map(|(_, s)| *s)
}

/// The number of this name, if there is one.
pub fn number(names: &Names, name: &[u8]) -> Option<u32> {
    let mut rows = names.iter();
    rows.find(|(_, s)| s.to_bytes() == name).map(|(n, _)| *n)
}

/// One of `IFLA_CARP_STATS_*`.
pub struct Counter {
    /// The attribute's number.
    pub attribute: u32,
    /// The name in JSON: the attribute's, in lower case.
    pub key: &'static CStr,
    /// The name in text, where the group's title stands before it.
    pub label: &'static CStr,
}

const fn counter(attribute: u32, key: &'static CStr, label: &'static CStr) -> Counter {
    Counter {
        attribute,
        key,
        label,
    }
}

/// Counters that are shown in a line of their own.
pub struct Group {
    /// What these counters have in common.
    pub title: &'static CStr,
    /// Show only what is not zero: there are many, and each is bad news.
    pub sparse: bool,
    /// The counters.
    pub counters: &'static [Counter],
}

/// All counters, grouped for a reader.
pub static STATISTICS: &[Group] = &[
    Group {
        title: c"advertisements sent:",
        sparse: false,
        counters: &[
            counter(IFLA_CARP_STATS_TX_V4, c"tx_v4", c"v4"),
            counter(IFLA_CARP_STATS_TX_V6, c"tx_v6", c"v6"),
            counter(IFLA_CARP_STATS_TX_BOW_OUT, c"tx_bow_out", c"bow-out"),
            counter(IFLA_CARP_STATS_TX_ERRORS, c"tx_errors", c"errors"),
        ],
    },
    Group {
        title: c"advertisements received:",
        sparse: false,
        counters: &[
            counter(IFLA_CARP_STATS_RX_V4, c"rx_v4", c"v4"),
            counter(IFLA_CARP_STATS_RX_V6, c"rx_v6", c"v6"),
            counter(
                IFLA_CARP_STATS_OTHER_MASTER,
                c"other_master",
                c"other-master",
            ),
        ],
    },
    Group {
        title: c"advertisements discarded:",
        sparse: true,
        counters: &[
            counter(
                IFLA_CARP_STATS_DISCARD_NOT_ALLOWED,
                c"discard_not_allowed",
                c"not-allowed",
            ),
            counter(
                IFLA_CARP_STATS_DISCARD_BAD_HOP_LIMIT,
                c"discard_bad_hop_limit",
                c"bad-hop-limit",
            ),
            counter(
                IFLA_CARP_STATS_DISCARD_BAD_LENGTH,
                c"discard_bad_length",
                c"bad-length",
            ),
            counter(
                IFLA_CARP_STATS_DISCARD_BAD_VERSION,
                c"discard_bad_version",
                c"bad-version",
            ),
            counter(
                IFLA_CARP_STATS_DISCARD_BAD_TYPE,
                c"discard_bad_type",
                c"bad-type",
            ),
            counter(
                IFLA_CARP_STATS_DISCARD_BAD_CHECKSUM,
                c"discard_bad_checksum",
                c"bad-checksum",
            ),
            counter(
                IFLA_CARP_STATS_DISCARD_UNKNOWN_VHID,
                c"discard_unknown_vhid",
                c"unknown-vhid",
            ),
            counter(
                IFLA_CARP_STATS_DISCARD_NOT_RUNNING,
                c"discard_not_running",
                c"not-running",
            ),
            counter(
                IFLA_CARP_STATS_DISCARD_BAD_DIGEST,
                c"discard_bad_digest",
                c"bad-digest",
            ),
            counter(
                IFLA_CARP_STATS_DISCARD_OWN_ECHO,
                c"discard_own_echo",
                c"own-echo",
            ),
            counter(
                IFLA_CARP_STATS_DISCARD_UNATTRIBUTED,
                c"discard_unattributed",
                c"unattributed",
            ),
        ],
    },
    Group {
        title: c"addresses:",
        sparse: false,
        counters: &[
            counter(
                IFLA_CARP_STATS_ANNOUNCEMENTS,
                c"announcements",
                c"announcements",
            ),
            counter(IFLA_CARP_STATS_ARP_REPLIES, c"arp_replies", c"arp-replies"),
            counter(IFLA_CARP_STATS_ND_REPLIES, c"nd_replies", c"nd-replies"),
            counter(
                IFLA_CARP_STATS_NOT_SELECTED,
                c"not_selected",
                c"not-selected",
            ),
            counter(
                IFLA_CARP_STATS_ADDRESS_CONFLICT,
                c"address_conflict",
                c"conflicts",
            ),
        ],
    },
    Group {
        title: c"frames dropped while not MASTER:",
        sparse: false,
        counters: &[
            counter(IFLA_CARP_STATS_RX_NOT_MASTER, c"rx_not_master", c"rx"),
            counter(IFLA_CARP_STATS_TX_NOT_MASTER, c"tx_not_master", c"tx"),
            counter(
                IFLA_CARP_STATS_RX_NOT_SELECTED,
                c"rx_not_selected",
                c"rx-not-selected",
            ),
        ],
    },
];

/// Whether a counter's attribute has a row in [`STATISTICS`] or is no counter.
pub fn is_known_counter(attribute: u32) -> bool {
    attribute <= IFLA_CARP_STATS_PAD
        || STATISTICS
            .iter()
            .flat_map(|group| group.counters)
            .any(|counter| counter.attribute == attribute)
}

#[cfg(test)]
mod tests {
    use super::*;

    static HEADER: &str = include_str!(concat!(env!("OUT_DIR"), "/if_carp.h"));

    /// All names in the header that begin with `prefix`, without it, in the
    /// order of their first appearance at the beginning of a line or #define.
    fn enumerators(prefix: &str) -> Vec<&'static str> {
        HEADER
            .lines()
            .filter_map(|line| {
                let word = line.trim_start().trim_start_matches("#define ");
                let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
                word[..end].strip_prefix(prefix)
            })
            .collect()
    }

    fn check(names: &Names, prefix: &str, name_of: impl Fn(&str) -> String) {
        let expected: Vec<_> = enumerators(prefix).into_iter().map(name_of).collect();
        let ours: Vec<_> = names.iter().map(|(_, s)| s.to_str().unwrap()).collect();
        assert_eq!(ours, expected);
    }

    fn dashed(enumerator: &str) -> String {
        enumerator.to_lowercase().replace('_', "-")
    }

    #[test]
    fn every_enumerator_has_its_name() {
        check(STATES, "CARP_STATE_", str::to_owned);
        check(REASONS, "CARP_REASON_", dashed);
        check(MISSING, "CARP_MISSING_", dashed);
        check(BALANCINGS, "CARP_BALANCING_", dashed);
        check(SELECTIONS, "CARP_SELECTION_", dashed);
        let commands = enumerators("CARP_CMD_").into_iter();
        let requests = ["UNSPEC", "GROUP_GET", "KEY_GET", "MAX"];
        let events: Vec<_> = commands
            .filter(|word| !requests.contains(word))
            .map(dashed)
            .collect();
        let ours: Vec<_> = EVENTS.iter().map(|(_, s)| s.to_str().unwrap()).collect();
        assert_eq!(ours, events);
        for names in [STATES, REASONS, BALANCINGS, SELECTIONS] {
            for (number, (ours, _)) in (0..).zip(names) {
                assert_eq!(number, *ours);
            }
        }
        for (bit, (ours, _)) in MISSING.iter().enumerate() {
            assert_eq!(1 << bit, *ours);
        }
    }

    #[test]
    fn every_counter_is_shown() {
        let mut expected: Vec<_> = enumerators("IFLA_CARP_STATS_")
            .into_iter()
            .filter(|word| !["UNSPEC", "PAD", "MAX"].contains(word))
            .map(str::to_lowercase)
            .collect();
        let rows = || STATISTICS.iter().flat_map(|group| group.counters);
        let mut ours: Vec<_> = rows()
            .map(|row| row.key.to_str().unwrap().to_owned())
            .collect();
        expected.sort();
        ours.sort();
        assert_eq!(ours, expected);
        assert!((0..=IFLA_CARP_STATS_MAX).all(is_known_counter));
        assert!(!is_known_counter(IFLA_CARP_STATS_MAX + 1));
    }

    #[test]
    fn discards_have_the_labels_of_their_enum() {
        for reason in enumerators("CARP_DISCARD_") {
            let key = format!("discard_{}", reason.to_lowercase());
            let row = STATISTICS
                .iter()
                .flat_map(|group| group.counters)
                .find(|row| row.key.to_str().unwrap() == key)
                .expect("a row");
            assert_eq!(row.label.to_str().unwrap(), dashed(reason));
        }
    }

    #[test]
    fn a_newer_number_has_no_name() {
        assert_eq!(name(STATES, CARP_STATE_MASTER), Some(c"MASTER"));
        assert_eq!(name(STATES, 3), None);
        assert_eq!(
            number(BALANCINGS, b"ip-stealth"),
            Some(CARP_BALANCING_IP_STEALTH)
        );
        assert_eq!(number(BALANCINGS, b"stealth"), None);
    }
}
