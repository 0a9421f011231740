// SPDX-License-Identifier: GPL-2.0

//! What the lines of a file mean, and what is said of wrong ones.

use carp_hostname_if::{Configuration, Key, KeySource, Moment};
use carp_uapi::numbers::{
    CARP_BALANCING_IP, CARP_BALANCING_IP_STEALTH, CARP_SELECTION_ADDRESSES, CARP_SELECTION_FLOW,
};

fn read(text: &str) -> Configuration {
    match Configuration::read(text.as_bytes(), "carp0") {
        Ok(configuration) => configuration,
        Err(mistakes) => panic!("{text}: {mistakes:?}"),
    }
}

/// The mistakes as they are shown, each with the file's name before it.
fn mistakes(text: &str) -> Vec<String> {
    let mistakes = Configuration::read(text.as_bytes(), "carp0").expect_err(text);
    mistakes
        .iter()
        .map(|it| format!("hostname.carp0:{it}"))
        .collect()
}

fn addresses(configuration: &Configuration) -> Vec<String> {
    configuration
        .addresses
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn typed(configuration: &Configuration) -> &[u8] {
    let KeySource::Typed(key) = &configuration.key else {
        panic!("{:?}", configuration.key);
    };
    let end = key
        .as_bytes()
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(20);
    &key.as_bytes()[..end]
}

#[test]
fn the_file_of_the_article() {
    let it = read("inet 192.0.2.10 255.255.255.0 192.0.2.255\nup vhid 1 pass tyrell\n");
    assert_eq!(addresses(&it), ["192.0.2.10/24"]);
    assert_eq!(it.vhid.get(), 1);
    assert_eq!(typed(&it), b"tyrell");
    assert!(it.up);
    assert_eq!((it.parameters.advbase(), it.parameters.advskew()), (1, 0));
    assert_eq!((it.parent, it.mtu, it.description), (None, None, None));
}

#[test]
fn one_line_as_in_openbsds_manual() {
    let it = read(
        "inet 10.0.0.10 255.255.255.0 10.0.0.255 vhid 2 carpdev em1 pass \"a b\" \
         advskew 128 advbase 2 description \"Bob's uplink\" mtu 1400 # and that is it",
    );
    assert_eq!(addresses(&it), ["10.0.0.10/24"]);
    assert_eq!(it.vhid.get(), 2);
    assert_eq!(it.parent.as_deref(), Some("em1"));
    assert_eq!(typed(&it), b"a b");
    assert_eq!((it.parameters.advbase(), it.parameters.advskew()), (2, 128));
    assert_eq!(it.description.as_deref(), Some("Bob's uplink"));
    assert_eq!(it.mtu, Some(1400));
}

#[test]
fn addresses_in_each_of_their_forms() {
    let it = read(
        "vhid 1\n\
         inet 10.0.1.12 255.255.255.0 10.0.1.255\n\
         inet alias 10.0.1.13 255.255.255.255 10.0.1.13\n\
         inet alias 10.0.1.14 255.255.255.255 NONE\n\
         inet alias 10.0.1.15 255.255.255.255\n\
         inet alias 10.0.1.16 0xffffffff\n\
         inet alias 10.0.1.17/28\n\
         inet alias 10.0.1.18 netmask 255.255.255.240 broadcast 10.0.1.31\n\
         inet alias 10.0.1.19 prefixlen 30\n\
         inet alias 10.0.1.20\n\
         alias 10.0.1.21/24\n\
         10.0.1.22/24 alias\n\
         inet6 2001:db8::10 64\n\
         inet6 alias 2001:db8::11 128\n\
         inet6 2001:db8::12/96\n\
         inet6 2001:db8::13 prefixlen 80\n\
         inet6 2001:db8::14\n\
         inet6 fe80::1%carp0 64\n\
         2001:db8::15/64\n",
    );
    assert_eq!(
        addresses(&it),
        [
            "10.0.1.12/24",
            "10.0.1.13/32",
            "10.0.1.14/32",
            "10.0.1.15/32",
            "10.0.1.16/32",
            "10.0.1.17/28",
            "10.0.1.18/28",
            "10.0.1.19/30",
            "10.0.1.20",
            "10.0.1.21/24",
            "10.0.1.22/24",
            "2001:db8::10/64",
            "2001:db8::11/128",
            "2001:db8::12/96",
            "2001:db8::13/80",
            "2001:db8::14",
            "fe80::1/64",
            "2001:db8::15/64",
        ]
    );
}

#[test]
fn words_in_any_order() {
    for text in [
        "vhid 1 pass tyrell 192.0.2.10/24 advskew 100",
        "advskew 100 192.0.2.10/24 pass tyrell vhid 1 up",
        "up\nvhid 1\npass tyrell\nadvskew 100\ninet 192.0.2.10/24\nup",
        "vhid 1 inet 192.0.2.10 netmask 0xffffff00 pass \"tyrell\" advskew 100",
    ] {
        let it = read(text);
        assert_eq!(addresses(&it), ["192.0.2.10/24"], "{text}");
        assert_eq!((it.vhid.get(), typed(&it)), (1, &b"tyrell"[..]), "{text}");
        assert_eq!(it.parameters.advskew(), 100, "{text}");
        assert!(it.up, "{text}");
    }
}

#[test]
fn several_nodes() {
    let it = read("carpnodes 2:100,1:0 balancing ip-stealth\nselection flow advbase 2");
    let balance = it.balance.unwrap();
    let nodes: Vec<_> = balance
        .nodes
        .iter()
        .map(|node| {
            let parameters = node.parameters;
            (node.vhid.get(), parameters.advbase(), parameters.advskew())
        })
        .collect();
    assert_eq!(nodes, [(1, 2, 0), (2, 2, 100)], "by vhid");
    assert_eq!(balance.mode, CARP_BALANCING_IP_STEALTH);
    assert_eq!(balance.selection, CARP_SELECTION_FLOW);
    assert_eq!((it.vhid.get(), it.parameters.advskew()), (1, 0));

    let plain = read("carpnodes 1:0,2:100").balance.unwrap();
    assert_eq!(plain.mode, CARP_BALANCING_IP, "as on OpenBSD");
    assert_eq!(plain.selection, CARP_SELECTION_ADDRESSES);
    for text in ["carpnodes 7:100", "carpnodes 7:100 balancing none"] {
        let one = read(text);
        assert_eq!(one.balance, None, "{text}");
        assert_eq!((one.vhid.get(), one.parameters.advskew()), (7, 100));
    }
    assert_eq!(
        read("vhid 1 balancing none selection addresses").balance,
        None
    );
}

#[test]
fn keys() {
    assert_eq!(
        typed(&read("vhid 1 pass twenty-bytes-of-key-")),
        b"twenty-bytes-of-key-"
    );
    assert_eq!(typed(&read("vhid 1 pass \\\"#$HOME")), b"\"#$HOME");
    let raw = b"vhid 1 pass \xff\xfe";
    assert_eq!(
        typed(&Configuration::read(raw, "carp0").unwrap()),
        b"\xff\xfe"
    );
    assert!(matches!(read("vhid 1").key, KeySource::Empty));
    assert!(matches!(read("vhid 1 nopass").key, KeySource::Empty));
    let KeySource::File(path) = read("vhid 1 passfile /etc/carp.key").key else {
        panic!("not a file");
    };
    assert_eq!(path.to_str(), Some("/etc/carp.key"));
    assert!(Key::new(b"twenty-one bytes long").is_none());
}

#[test]
fn down_is_said_and_up_is_not() {
    assert!(read("vhid 1").up);
    assert!(!read("vhid 1 down").up);
}

#[test]
fn commands_before_and_after() {
    let it =
        read("# first\n!modprobe carp\nvhid 1\n  !ip route add 203.0.113.0/24 dev \\$if # x\n");
    let commands: Vec<_> = it
        .commands
        .iter()
        .map(|command| {
            (
                command.line,
                command.moment,
                std::str::from_utf8(&command.text).unwrap(),
            )
        })
        .collect();
    assert_eq!(
        commands,
        [
            (2, Moment::Before, "modprobe carp"),
            (
                4,
                Moment::After,
                "ip route add 203.0.113.0/24 dev carp0 # x"
            ),
        ]
    );
}

#[test]
fn each_mistake_names_line_word_and_rule() {
    for (text, mistake) in [
        ("", "hostname.carp0: no vhid: a group has a number in 1..255"),
        ("up", "hostname.carp0: no vhid: a group has a number in 1..255"),
        ("vhid 1\nvhid 2", "hostname.carp0:2: vhid: it was said on line 1 already"),
        ("vhid 1 vhid 1", "hostname.carp0:1: vhid: it was said on line 1 already"),
        ("vhid 0", "hostname.carp0:1: 0: vhid is a number in 1..255"),
        ("vhid 256", "hostname.carp0:1: 256: vhid is a number in 1..255"),
        ("vhid 01", "hostname.carp0:1: 01: vhid is a number in 1..255"),
        ("vhid", "hostname.carp0:1: vhid: a value is missing after it"),
        ("vhid 1 advskew 255", "hostname.carp0:1: 255: advskew is a number in 0..254"),
        ("vhid 1 advbase -1", "hostname.carp0:1: -1: advbase is a number of seconds in 0..255"),
        (
            "vhid 1\nadvbase 0",
            "hostname.carp0:2: advbase: with advbase 0, advskew must not be 0",
        ),
        ("carpnodes 1:0,2", "hostname.carp0:1: 2: a node is VHID:ADVSKEW, and a comma stands between two of them"),
        ("carpnodes", "hostname.carp0:1: carpnodes: a value is missing after it"),
        ("carpnodes 1:0,256:0", "hostname.carp0:1: 256:0: vhid is a number in 1..255"),
        ("carpnodes 0:0", "hostname.carp0:1: 0:0: vhid is a number in 1..255"),
        ("carpnodes 1:0,2:255", "hostname.carp0:1: 2:255: advskew is a number in 0..254"),
        ("carpnodes 1:0,2:0,1:3", "hostname.carp0:1: 1:3: this vhid is in the list already"),
        ("carpnodes 1:0,2:0\ncarpnodes 3:0", "hostname.carp0:2: carpnodes: it was said on line 1 already"),
        ("carpnodes 1:0,2:0\nvhid 1", "hostname.carp0:2: vhid: carpnodes says it of each node"),
        ("advskew 1\ncarpnodes 1:0,2:0", "hostname.carp0:2: advskew: carpnodes says it of each node"),
        ("carpnodes 1:0,2:0\nbalancing none", "hostname.carp0:2: balancing: with several nodes it is ip, ip-stealth or ip-unicast"),
        ("vhid 1\nbalancing ip", "hostname.carp0:2: balancing: it takes several nodes, which carpnodes names"),
        ("vhid 1\nselection flow", "hostname.carp0:2: selection: it takes several nodes, which carpnodes names"),
        ("vhid 1 balancing arp", "hostname.carp0:1: arp: balancing is one of none, ip, ip-stealth, ip-unicast"),
        ("vhid 1 selection ports", "hostname.carp0:1: ports: selection is one of addresses, flow"),
        ("advbase 0 carpnodes 1:1,2:0", "hostname.carp0:1: advbase: with advbase 0, advskew must not be 0"),
        ("balancing ip", "hostname.carp0: no vhid: a group has a number in 1..255"),
        ("vhid 1 up down", "hostname.carp0:1: down: it was said on line 1 already"),
        ("vhid 1 mtu 67", "hostname.carp0:1: 67: mtu is a number of bytes in 68..65535"),
        ("vhid 1 carpdev carp0", "hostname.carp0:1: carp0: carpdev is the name of another interface"),
        ("vhid 1 carpdev a/b", "hostname.carp0:1: a/b: carpdev is the name of another interface"),
        (
            "vhid 1 pass twenty-one-bytes-long",
            "hostname.carp0:1: pass: a key of 21 bytes: at most 20",
        ),
        ("vhid 1 pass a passfile /b", "hostname.carp0:1: passfile: it was said on line 1 already"),
        ("vhid 1 passfile b", "hostname.carp0:1: b: passfile is an absolute path"),
        ("vhid 1 state backup", "hostname.carp0:1: state: a state is no configuration: \"carpctl IFNAME state backup\" asks for it, once"),
        ("vhid 1\n\nlladdr random", "hostname.carp0:3: lladdr: the MAC is 00:00:5e:00:01:VHID and cannot be chosen"),
        ("inet", "hostname.carp0:1: inet: an address is missing after it"),
        ("inet6 alias", "hostname.carp0:1: inet6: an address is missing after it"),
        ("inet 2001:db8::1", "hostname.carp0:1: 2001:db8::1: not an address of inet"),
        ("inet6 10.0.0.1", "hostname.carp0:1: 10.0.0.1: not an address of inet6"),
        ("inet6 autoconf", "hostname.carp0:1: autoconf: the addresses of a group must be the same on all hosts, and so are written down"),
        ("inet rachael", "hostname.carp0:1: rachael: not an IPv4 or IPv6 address (names are not looked up)"),
        ("inet 10.0.0.1 255.0.255.0", "hostname.carp0:1: 255.0.255.0: not a netmask (such as 255.255.255.0)"),
        ("inet 10.0.0.1/24 255.255.255.0", "hostname.carp0:1: 255.255.255.0: the prefix is in the address already"),
        ("inet 10.0.0.1 255.255.255.0 10.0.1.255", "hostname.carp0:1: 10.0.1.255: the broadcast address of 10.0.0.1/24 is 10.0.0.255"),
        ("inet 10.0.0.1 255.255.255.0 10.0.0.255 10.0.0.2", "hostname.carp0:1: 10.0.0.2: a further address needs the word alias: 10.0.0.1/24 is on line 1"),
        ("inet 10.0.0.1/24\ninet 10.0.0.2/24", "hostname.carp0:2: 10.0.0.2: a further address needs the word alias: 10.0.0.1/24 is on line 1"),
        ("inet 10.0.0.1/24\ninet alias 10.0.0.1/32", "hostname.carp0:2: 10.0.0.1: this address is on line 1 already"),
        ("inet6 2001:db8::1 129", "hostname.carp0:1: 129: not a prefixlen (a number in 0..128)"),
        ("inet6 2001:db8::1 64 anycast", "hostname.carp0:1: anycast: not supported: the kernel chooses the flags of a virtual address"),
        ("inet6 fe80::1%eth0 64", "hostname.carp0:1: fe80::1%eth0: the zone can only be carp0"),
        ("10.0.0.1/24 prefixlen 24", "hostname.carp0:1: prefixlen: the prefix was said already"),
        ("vhid 1 netmask 255.0.0.0", "hostname.carp0:1: netmask: no address before it on this line"),
        ("10.0.0.1\nnetmask 255.0.0.0", "hostname.carp0:2: netmask: no address before it on this line"),
        ("2001:db8::1 netmask 255.0.0.0", "hostname.carp0:1: netmask: IPv6 addresses have a prefixlen"),
        ("2001:db8::1 broadcast 10.0.0.255", "hostname.carp0:1: 10.0.0.255: IPv6 has no broadcast addresses"),
        ("vhid 1 alias", "hostname.carp0:1: alias: an address is missing after it"),
        ("vhid 1 inet up", "hostname.carp0:1: inet: an address of this family is missing after it"),
        ("dest 10.0.0.2", "hostname.carp0:1: dest: a carp interface has no destination address"),
        ("dhcp", "hostname.carp0:1: dhcp: the addresses of a group must be the same on all hosts, and so are written down"),
        ("!", "hostname.carp0:1: !: a command is missing"),
        ("vhid 1 pass 'a'", "hostname.carp0:1: ': a single quote must stand in double quotes"),
    ] {
        assert_eq!(mistakes(text), [mistake], "{text}");
    }
}

#[test]
fn an_unknown_word_is_named_and_the_known_ones_listed() {
    let shown = mistakes("vhid 1 advskw 100");
    assert_eq!(shown.len(), 1);
    assert!(
        shown[0].starts_with("hostname.carp0:1: advskw: no such word: it is one of advbase,"),
        "{shown:?}"
    );
}

#[test]
fn as_many_nodes_as_there_can_be() {
    let list = |count: u32| {
        let nodes: Vec<_> = (1..=count).map(|vhid| format!("{vhid}:0")).collect();
        format!("carpnodes {}", nodes.join(","))
    };
    assert_eq!(read(&list(32)).balance.unwrap().nodes.len(), 32);
    assert_eq!(
        mistakes(&list(33)),
        ["hostname.carp0:1: carpnodes: a group has at most 32 nodes"]
    );
}

#[test]
fn all_wrong_lines_are_named_at_once() {
    let shown = mistakes("vhid 1\nfoo\nup\nvhid 0 bar\n");
    assert_eq!(shown.len(), 2);
    assert!(shown[0].starts_with("hostname.carp0:2: foo:"), "{shown:?}");
    assert!(shown[1].starts_with("hostname.carp0:4: 0:"), "{shown:?}");
}

#[test]
fn no_part_of_a_key_is_shown() {
    for text in [
        "vhid 1 pass secret secret2",
        "vhid 1 pass secret-secret-secret-secret",
        "vhid 1 pass secret pass secret",
        "vhid 1 pass 'secret'",
        "vhid 1 pass \"secret",
    ] {
        let shown = mistakes(text).concat();
        assert!(!shown.contains("secret"), "{shown}");
    }
}
