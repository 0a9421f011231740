// SPDX-License-Identifier: GPL-2.0

//! What holds for any text.
//!
//! `PROPTEST_CASES` in the environment sets how many of each are tried.

use carp_hostname_if::Configuration;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Words that mean something, and some that nearly do.
const WORDS: &[&str] = &[
    "inet",
    "inet6",
    "alias",
    "up",
    "down",
    "vhid",
    "advbase",
    "advskew",
    "pass",
    "passfile",
    "carpdev",
    "mtu",
    "description",
    "netmask",
    "prefixlen",
    "broadcast",
    "NONE",
    "dest",
    "state",
    "carpnodes",
    "balancing",
    "selection",
    "1:0,2:100",
    "ip",
    "flow",
    "autoconf",
    "!",
    "!true $if",
    "#",
    "\"",
    "\\",
    "'",
    "1",
    "0",
    "255",
    "256",
    "-1",
    "10.0.0.10",
    "10.0.0.10/24",
    "10.0.0.11/33",
    "255.255.255.0",
    "0xffffff00",
    "0x",
    "2001:db8::10",
    "fe80::1%carp0",
    "fe80::1%",
    "/",
    "%",
    "::",
    "tyrell",
    "/etc/key",
    "eth0",
    "\n",
    "\r",
    "\t",
    "\0",
    "\u{fc}",
];

fn lines() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![9 => select(WORDS), 1 => Just("\n")], 0..40)
        .prop_map(|words| words.join(" ").into_bytes())
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(text in vec(any::<u8>(), 0..300), name in "[a-z]{1,15}") {
        let _ = Configuration::read(&text, &name);
    }

    #[test]
    fn any_words_are_read_or_refused(text in lines()) {
        match Configuration::read(&text, "carp0") {
            Ok(configuration) => {
                let mut ips: Vec<_> = configuration.addresses.iter().map(|it| it.ip()).collect();
                ips.sort();
                ips.dedup();
                prop_assert_eq!(ips.len(), configuration.addresses.len());
            }
            Err(mistakes) => {
                prop_assert!(!mistakes.is_empty());
                let last = text.split(|&byte| byte == b'\n').count();
                for mistake in mistakes {
                    prop_assert!(mistake.line.is_none_or(|line| (1..=last).contains(&line)));
                    prop_assert!(!mistake.rule.is_empty());
                    prop_assert!(mistake.to_string().bytes().all(|byte| !byte.is_ascii_control()));
                }
            }
        }
    }
}
