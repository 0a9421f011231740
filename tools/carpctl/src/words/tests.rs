// SPDX-License-Identifier: GPL-2.0-only
//! The grammar, with the article's commands first.

use super::*;
use carp_uapi::numbers::{CARP_BALANCING_IP_STEALTH, CARP_SELECTION_FLOW};
use proptest::prelude::*;

fn wish(line: &str) -> Wish {
    read(line).unwrap_or_else(|failure| panic!("{line}: {}", failure.text))
}

fn read(line: &str) -> Result<Wish, Failure> {
    let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
    parse(&words)
}

fn mistake(line: &str) -> String {
    read(line)
        .err()
        .unwrap_or_else(|| panic!("{line} is no mistake"))
        .text
}

fn carp0() -> Wish {
    Wish {
        interface: Some("carp0".into()),
        ..Wish::default()
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn the_article() {
    assert!(wish("").is_question());
    assert!(wish("carp0").is_question());
    assert_eq!(
        wish("carp0 create"),
        Wish {
            create: true,
            ..carp0()
        }
    );
    let create = Wish {
        create: true,
        interface: Some("carp1".into()),
        ..Wish::default()
    };
    assert_eq!(wish("create carp1"), create);
    let first = wish("carp0 vhid 1 pass tyrell 192.0.2.10");
    assert_eq!(first.vhid, Some(1));
    assert_eq!(first.key, Some(Source::Typed("tyrell".into())));
    assert_eq!(
        first.addresses,
        [AddressWish {
            change: Change::Set,
            ip: ip("192.0.2.10"),
            prefix: None,
            broadcast: None
        }]
    );
    assert_eq!(wish("carp0 advskew 100").advskew, Some(100));
    let up = wish("carp0 carpdev eth0 up");
    assert_eq!((up.carpdev.as_deref(), up.up), (Some("eth0"), Some(true)));
    assert_eq!(wish("carp0 state backup").state, Some(CARP_STATE_BACKUP));
    assert_eq!(wish("carp0 down").up, Some(false));
    assert!(wish("carp0 destroy").destroy);
}

#[test]
fn any_order_means_the_same() {
    let all = wish("carp1 vhid 2 advskew 100 pass bryant 192.0.2.10/24 up");
    for line in [
        "carp1 up 192.0.2.10/24 pass bryant advskew 100 vhid 2",
        "vhid 2 up carp1 pass bryant 192.0.2.10/24 advskew 100",
        "192.0.2.10/24 up vhid 2 advskew 100 pass bryant carp1",
        "netmask 255.255.255.0 up vhid 2 advskew 100 pass bryant carp1 192.0.2.10",
    ] {
        assert_eq!(wish(line), all, "{line}");
    }
}

#[test]
fn nodes_in_openbsds_words() {
    let all = wish("carp0 carpnodes 1:0,2:100 balancing ip-stealth selection flow");
    let nodes: Vec<_> = all.nodes.iter().flatten().copied().collect();
    assert_eq!(
        nodes,
        [(1, 0), (2, 100)].map(|(vhid, advskew)| Node { vhid, advskew })
    );
    assert_eq!(all.balancing, Some(CARP_BALANCING_IP_STEALTH));
    assert_eq!(all.selection, Some(CARP_SELECTION_FLOW));
    assert_eq!(
        wish("selection flow balancing ip-stealth carp0 carpnodes 1:0,2:100"),
        all
    );
    assert_eq!(
        wish("carp0 carpnodes 300:0").nodes.unwrap().len(),
        1,
        "the range is the kernel's"
    );
    let many = ["1:0"; 33].join(",");
    assert_eq!(
        mistake(&format!("carp0 carpnodes {many}")),
        "carpnodes: a group has at most 32 nodes"
    );
}

#[test]
fn subnets_in_all_notations() {
    for line in [
        "carp0 10.0.0.10/24",
        "carp0 inet 10.0.0.10/24",
        "carp0 inet 10.0.0.10 netmask 255.255.255.0",
        "carp0 inet 10.0.0.10 netmask 0xffffff00",
        "carp0 inet 10.0.0.10 255.255.255.0",
        "carp0 10.0.0.10 prefixlen 24",
        "carp0 prefixlen 24 10.0.0.10",
    ] {
        let addresses = wish(line).addresses;
        assert_eq!(
            (addresses.len(), addresses[0].prefix),
            (1, Some(24)),
            "{line}"
        );
    }
    let six = wish("carp0 inet6 2001:db8::1 prefixlen 64").addresses;
    assert_eq!((six[0].ip, six[0].prefix), (ip("2001:db8::1"), Some(64)));
    assert_eq!(wish("carp0 2001:db8::1/64").addresses, six);
    let both = wish("carp0 10.0.0.10/24 broadcast 10.0.0.254 fe80::1/64").addresses;
    assert_eq!(both[0].broadcast, Some(Ipv4Addr::new(10, 0, 0, 254)));
    assert_eq!(both[1].ip, ip("fe80::1"));
}

#[test]
fn alias_belongs_to_the_next_address_or_to_the_last() {
    let changes = |line: &str| -> Vec<_> {
        let addresses = wish(line).addresses;
        addresses.iter().map(|address| address.change).collect()
    };
    use Change::{Alias, Delete, Set};
    assert_eq!(changes("carp0 alias 10.0.0.11/24"), [Alias]);
    assert_eq!(
        changes("carp0 inet alias 10.0.0.11 netmask 255.255.255.0"),
        [Alias]
    );
    assert_eq!(changes("carp0 alias inet 10.0.0.11"), [Alias]);
    assert_eq!(
        changes("carp0 inet 10.0.0.11 netmask 255.255.255.0 alias"),
        [Alias]
    );
    assert_eq!(changes("carp0 10.0.0.10 alias 10.0.0.11"), [Set, Alias]);
    assert_eq!(changes("carp0 10.0.0.10 alias"), [Alias]);
    assert_eq!(changes("carp0 -alias 10.0.0.11"), [Delete]);
    assert_eq!(changes("carp0 10.0.0.11 delete"), [Delete]);
    assert_eq!(changes("carp0 inet6 2001:db8::2 -alias up"), [Delete]);
}

#[test]
fn the_mistake_is_named() {
    for (line, word) in [
        (
            "carp0 vhdi 1",
            "vhdi: no such word, and no address (did you mean vhid?)",
        ),
        ("carp0 vhid", "vhid: the number after it is missing"),
        ("carp0 vhid one", "one: vhid must be a number"),
        ("carp0 vhid 010", "010: vhid must be a number"),
        ("carp0 vhid +1", "+1: vhid must be a number"),
        ("carp0 vhid -1", "-1: vhid must be a number"),
        ("carp0 vhid 4294967296", "4294967296: vhid must be a number"),
        ("carp0 vhid 1 vhid 2", "vhid: this was said before"),
        ("carp0 up down", "down: this was said before"),
        (
            "carp0 pass a passprompt",
            "passprompt: this was said before",
        ),
        ("carp0 state init", "init: state must be master or backup"),
        (
            "carp0 10.0.0.300",
            "10.0.0.300: no such word, and no address",
        ),
        (
            "carp0 10.0.0.1/33",
            "10.0.0.1/33: the prefix of 10.0.0.1 is a number from 0 to 32",
        ),
        (
            "carp0 10.0.0.1/",
            "10.0.0.1/: the prefix of 10.0.0.1 is a number from 0 to 32",
        ),
        ("carp0 inet", "inet: an address must follow"),
        (
            "carp0 inet 2001:db8::1",
            "2001:db8::1: no address of the family inet",
        ),
        (
            "carp0 inet6 10.0.0.1",
            "10.0.0.1: no address of the family inet6",
        ),
        ("carp0 inet vhid 1", "vhid: no address of the family inet"),
        (
            "carp0 alias",
            "alias: there is no address it could belong to",
        ),
        (
            "carp0 delete",
            "-alias: there is no address it could belong to",
        ),
        (
            "carp0 netmask 255.255.255.0",
            "255.255.255.0: there is no address it could belong to",
        ),
        (
            "carp0 10.0.0.1 netmask 255.0.255.0",
            "255.0.255.0: the ones of a netmask stand before its zeros",
        ),
        (
            "carp0 10.0.0.1 netmask 24",
            "24: a netmask is like 255.255.255.0 or 0xffffff00",
        ),
        (
            "carp0 10.0.0.1 prefixlen 64",
            "64: no prefixlen of 10.0.0.1",
        ),
        (
            "carp0 2001:db8::1 netmask 255.0.0.0",
            "255.0.0.0: no netmask of 2001:db8::1",
        ),
        (
            "carp0 2001:db8::1 broadcast 10.0.0.1",
            "10.0.0.1: only IPv4 addresses have a broadcast address",
        ),
        ("carp0 10.0.0.1/24 prefixlen 25", "25: this was said before"),
        (
            "carp0 10.0.0.1 alias -alias",
            "-alias: the address has one of these already",
        ),
        ("carp0 destroy up", "destroy: no other word goes with it"),
        (
            "carp0 carpdev eth0 -carpdev",
            "-carpdev: carpdev says the opposite",
        ),
        ("carp0 carp1", "carp1: no such word, and no address"),
        ("vhid 1", "interface: its name is missing"),
        ("carp0 -link0", "-link0: no such word, and no address"),
        (
            "carp0 balancing arp",
            "arp: balancing must be one of none, ip, ip-stealth, ip-unicast",
        ),
        (
            "carp0 selection ports",
            "ports: selection must be one of addresses, flow",
        ),
        (
            "carp0 carpnodes 1:0,2",
            "2: a node is VHID:ADVSKEW, and a comma stands between two of them",
        ),
        ("carp0 carpnodes 1:0,", ": a node is VHID:ADVSKEW"),
        (
            "carp0 carpnodes 1:0,2:0 carpnodes 1:0",
            "carpnodes: this was said before",
        ),
        (
            "carp0 vhid 1 carpnodes 1:0,2:0",
            "vhid: carpnodes says it of each node",
        ),
        (
            "carp0 carpnodes 1:0,2:0 advskew 1",
            "advskew: carpnodes says it of each node",
        ),
    ] {
        let text = mistake(line);
        assert!(text.starts_with(word), "{line}: {text}");
    }
}

#[test]
fn a_key_is_not_repeated_in_a_message() {
    assert_eq!(
        mistake("carp0 pass one pass two"),
        "pass: this was said before"
    );
}

#[test]
fn names_that_are_words() {
    assert_eq!(wish("dev up down").interface.as_deref(), Some("up"));
    assert_eq!(wish("carp0 carpdev up").carpdev.as_deref(), Some("up"));
}

/// Every word of the table is known to the parser, with its argument or without.
#[test]
fn the_table_is_the_grammar() {
    for word in WORDS {
        let value = match (word.name, word.argument) {
            (_, "") => "",
            ("inet6", _) => "2001:db8::1",
            ("netmask", _) => "255.255.255.0",
            (_, "number" | "seconds" | "bytes") => "1",
            (_, "master|backup") => "master",
            ("carpnodes", _) => "1:0,2:100",
            ("balancing", _) => "ip",
            ("selection", _) => "flow",
            ("inet" | "broadcast", _) => "10.0.0.1",
            ("dev", _) => "",
            _ => "x",
        };
        let address = match word.name {
            "netmask" | "prefixlen" | "broadcast" | "alias" | "-alias" | "delete" => "10.0.0.1",
            _ => "",
        };
        let name = if word.name == "dev" {
            "dev x"
        } else {
            word.name
        };
        let interface = if word.name == "dev" { "" } else { "carp0" };
        let _ = wish(&format!("{interface} {address} {name} {value}"));
        if !word.argument.is_empty() && !matches!(word.name, "inet" | "inet6") {
            let text = mistake(&format!("carp0 {}", word.name));
            assert!(
                text.starts_with(&format!("{}: the {} after", word.name, word.argument)),
                "{text}"
            );
        }
    }
}

/// What command lines are made of, and what they are not.
fn any_word() -> impl Strategy<Value = String> {
    let words: Vec<_> = WORDS.iter().map(|word| word.name.to_owned()).collect();
    let values = [
        "1",
        "255",
        "0x10",
        "10.0.0.1",
        "10.0.0.1/24",
        "255.255.255.0",
        "1:0,2:100",
        "ip-stealth",
        "2001:db8::1/64",
        "master",
        "carp0",
        "eth0",
    ];
    prop_oneof![
        proptest::sample::select(words),
        proptest::sample::select(values.map(str::to_owned).to_vec()),
        any::<String>(),
    ]
}

proptest! {
    /// Any line is a wish or a mistake that names something.
    #[test]
    fn random_lines(words in proptest::collection::vec(any_word(), 0..8)) {
        match parse(&words) {
            Ok(wish) => prop_assert!(wish.is_question() || wish.interface.is_some()),
            Err(failure) => prop_assert!(failure.text.contains(": ")),
        }
    }

    #[test]
    fn random_options(words in proptest::collection::vec(any::<String>(), 0..6)) {
        let _ = crate::options::parse(words.into_iter().map(std::ffi::OsString::from));
    }
}
