// SPDX-License-Identifier: GPL-2.0

//! Which routes a virtual address needs, in every state and on every kind of parent.

use carp_proto::ownership::{
    hides_local, routes, Ip, Kind, Parent, Prefixed, Route, Standing, Surroundings, Virtual,
    TABLE_LOCAL, TABLE_MAIN,
};

const CARP: u32 = 7;
const PARENT: u32 = 3;

fn ip(text: &str) -> Ip {
    match text.parse::<std::net::IpAddr>().unwrap() {
        std::net::IpAddr::V4(address) => Ip::V4(address.octets()),
        std::net::IpAddr::V6(address) => Ip::V6(address.octets()),
    }
}

fn prefixed(text: &str) -> Prefixed {
    let (address, prefix_len) = text.split_once('/').unwrap();
    Prefixed {
        address: ip(address),
        prefix_len: prefix_len.parse().unwrap(),
    }
}

fn standing(master: bool) -> Standing {
    Standing {
        master,
        device: CARP,
        table: None,
        parent: Some(Parent {
            device: PARENT,
            table: None,
            up: true,
        }),
    }
}

/// Two groups have an address and this host is MASTER of one of them: then the other
/// group must not lead it away.
#[test]
fn an_address_that_another_group_is_master_of_is_this_hosts() {
    for address in ["192.0.2.10/24", "2001:db8::10/64"] {
        let own = prefixed(address);
        let mut around = around(own, &["192.0.2.11/24", "2001:db8::11/64"], &[]);
        let standing = standing(false);
        let address = Virtual { own, local: true };
        let alone = routes(&standing, address, &around);
        assert_eq!(alone[0].unwrap().kind, Kind::Neighbour);
        around.add_owner(own);
        let [claim, connected, _] = routes(&standing, address, &around);
        assert_eq!([claim, connected], [None, None]);
        assert!(!hides_local(&standing, address, &around));
    }
}

/// The kernel keeps one on each device with an address of the subnet, and takes the first.
#[test]
fn broadcasts_of_the_parents_subnet_are_the_parents() {
    let made = |standing: &Standing, address: &str, parents: &[&str]| {
        let own = prefixed(address);
        let around = around(own, parents, &["10.0.0.11"]);
        routes(standing, Virtual { own, local: true }, &around)[2]
    };
    let to = |last: &str| Route {
        destination: Prefixed::single(ip(last)),
        kind: Kind::Broadcast,
        table: TABLE_LOCAL,
        device: PARENT,
        source: Some(ip("192.0.2.11")),
    };
    let parents = ["198.51.100.11/24", "192.0.2.11/24"];
    for master in [false, true] {
        let standing = standing(master);
        for (address, last) in [
            ("192.0.2.1/24", "192.0.2.255"),
            ("192.0.2.1/25", "192.0.2.127"),
            ("192.0.2.1/30", "192.0.2.3"),
        ] {
            assert_eq!(
                made(&standing, address, &parents),
                Some(to(last)),
                "{address}"
            );
        }
        // There is no such address, or the parent is in no such subnet.
        for address in [
            "192.0.2.1/31",
            "192.0.2.1/32",
            "192.0.2.1/23",
            "203.0.113.1/24",
        ] {
            assert_eq!(made(&standing, address, &parents), None, "{address}");
        }
        assert_eq!(made(&standing, "192.0.2.1/24", &[]), None);
        assert_eq!(
            made(&standing, "2001:db8::1/64", &["2001:db8::11/64"]),
            None
        );
    }
    let mut within = standing(false);
    within.parent = within.parent.map(|parent| Parent {
        table: Some(10),
        ..parent
    });
    let in_vrf = Some(Route {
        table: 10,
        ..to("192.0.2.255")
    });
    assert_eq!(made(&within, "192.0.2.1/24", &parents), in_vrf);
}

/// A link-local address is that of a device, and so another one on each.
#[test]
fn a_link_local_address_of_another_group_is_another_one() {
    let own = prefixed("fe80::1/64");
    let mut around = around(own, &["fe80::11/64"], &[]);
    around.add_owner(own);
    let address = Virtual { own, local: true };
    assert!(hides_local(&standing(false), address, &around));
}

/// The routes for an address, with these addresses on the parent and elsewhere.
fn plan(
    standing: &Standing,
    address: &str,
    local: bool,
    parents: &[&str],
    others: &[&str],
) -> Vec<Route> {
    let own = prefixed(address);
    let around = around(own, parents, others);
    let address = Virtual { own, local };
    let [claim, connected, _] = routes(standing, address, &around);
    [claim, connected].into_iter().flatten().collect()
}

fn around(own: Prefixed, parents: &[&str], others: &[&str]) -> Surroundings {
    let mut around = Surroundings::default();
    for parent in parents {
        around.add_parents(own, prefixed(parent));
    }
    for other in others {
        around.add_other(own, ip(other));
    }
    around
}

fn neighbour(address: &str, source: &str) -> Route {
    Route {
        destination: Prefixed::single(ip(address)),
        kind: Kind::Neighbour,
        table: TABLE_LOCAL,
        device: PARENT,
        source: Some(ip(source)),
    }
}

fn connected(prefix: &str, source: Option<&str>) -> Route {
    Route {
        destination: prefixed(prefix),
        kind: Kind::Connected,
        table: TABLE_MAIN,
        device: PARENT,
        source: source.map(ip),
    }
}

fn unreachable(address: &str) -> Route {
    Route {
        destination: Prefixed::single(ip(address)),
        kind: Kind::Unreachable,
        table: TABLE_LOCAL,
        device: 0,
        source: None,
    }
}

#[test]
fn a_backup_goes_to_the_master_from_the_parents_address() {
    for prefix_len in [24, 32] {
        let address = format!("192.0.2.1/{prefix_len}");
        assert_eq!(
            plan(&standing(false), &address, true, &["192.0.2.11/24"], &[]),
            [neighbour("192.0.2.1", "192.0.2.11")]
        );
    }
    for prefix_len in [64, 128] {
        let address = format!("2001:db8::1/{prefix_len}");
        assert_eq!(
            plan(
                &standing(false),
                &address,
                true,
                &["fe80::b/64", "2001:db8::11/64"],
                &[]
            ),
            [neighbour("2001:db8::1", "2001:db8::11")]
        );
    }
}

#[test]
fn of_the_parents_addresses_that_in_the_same_subnet_is_taken() {
    assert_eq!(
        plan(
            &standing(false),
            "192.0.2.1/24",
            true,
            &["198.51.100.11/24", "192.0.2.11/24", "192.0.2.12/24"],
            &[]
        ),
        [neighbour("192.0.2.1", "192.0.2.11")]
    );
}

#[test]
fn an_unnumbered_parent_gets_the_connected_route() {
    for master in [false, true] {
        let made = plan(&standing(master), "192.0.2.1/24", true, &[], &["10.0.0.11"]);
        assert!(made.contains(&connected("192.0.2.0/24", Some("10.0.0.11"))));
        assert_eq!(made.contains(&neighbour("192.0.2.1", "10.0.0.11")), !master);
    }
    let made = plan(
        &standing(false),
        "2001:db8::1/64",
        true,
        &["fe80::b/64"],
        &[],
    );
    assert_eq!(
        made,
        [
            neighbour("2001:db8::1", "fe80::b"),
            connected("2001:db8::/64", None)
        ]
    );
}

#[test]
fn a_larger_subnet_than_the_parents_needs_a_route_and_a_smaller_one_none() {
    let made = plan(
        &standing(true),
        "192.0.2.1/16",
        true,
        &["192.0.2.11/24"],
        &[],
    );
    assert_eq!(made, [connected("192.0.0.0/16", Some("192.0.2.11"))]);
    let made = plan(
        &standing(true),
        "192.0.2.1/28",
        true,
        &["192.0.2.11/24"],
        &[],
    );
    assert_eq!(made, []);
}

#[test]
fn a_virtual_address_is_never_a_source() {
    let made = plan(&standing(false), "192.0.2.1/24", true, &[], &[]);
    assert_eq!(
        made,
        [unreachable("192.0.2.1"), connected("192.0.2.0/24", None)]
    );
    let made = plan(
        &standing(false),
        "192.0.2.1/32",
        true,
        &[],
        &["192.0.2.1", "127.0.0.1"],
    );
    assert_eq!(made, [unreachable("192.0.2.1")]);
    let made = plan(
        &standing(false),
        "2001:db8::1/128",
        true,
        &[],
        &["::1", "fe80::c"],
    );
    assert_eq!(made, [unreachable("2001:db8::1")]);
}

#[test]
fn without_a_usable_parent_the_address_is_nobodys() {
    let mut alone = standing(false);
    alone.parent = None;
    assert_eq!(
        plan(&alone, "192.0.2.1/24", true, &[], &[]),
        [unreachable("192.0.2.1")]
    );
    let mut down = standing(false);
    down.parent.as_mut().unwrap().up = false;
    assert_eq!(
        plan(&down, "2001:db8::1/64", true, &["2001:db8::11/64"], &[]),
        [unreachable("2001:db8::1")]
    );
}

#[test]
fn a_master_needs_a_local_route_only_where_the_kernels_is_gone() {
    let own = &["192.0.2.11/24", "2001:db8::11/64"];
    assert_eq!(plan(&standing(true), "192.0.2.1/24", true, own, &[]), []);
    assert_eq!(plan(&standing(true), "2001:db8::1/64", true, own, &[]), []);
    assert_eq!(
        plan(&standing(true), "2001:db8::1/64", false, own, &[]),
        [Route {
            destination: prefixed("2001:db8::1/128"),
            kind: Kind::Local,
            table: TABLE_LOCAL,
            device: CARP,
            source: None,
        }]
    );
}

#[test]
fn the_kernels_local_route_goes_only_for_ipv6_and_only_without_mastership() {
    for (master, address, local, hidden) in [
        (false, "2001:db8::1/64", true, true),
        (false, "fe80::1/64", true, true),
        (false, "2001:db8::1/64", false, false),
        (true, "2001:db8::1/64", true, false),
        (false, "192.0.2.1/24", true, false),
    ] {
        let own = prefixed(address);
        let around = around(own, &["2001:db8::11/64"], &[]);
        let address = Virtual { own, local };
        assert_eq!(hides_local(&standing(master), address, &around), hidden);
    }
}

#[test]
fn a_link_local_address_keeps_to_its_link() {
    assert_eq!(
        plan(&standing(false), "fe80::1/64", true, &["fe80::b/64"], &[]),
        []
    );
    assert_eq!(
        plan(&standing(true), "fe80::1/64", false, &["fe80::b/64"], &[])[0].kind,
        Kind::Local
    );
}

#[test]
fn an_address_that_is_the_parents_too_stays_this_hosts() {
    let own = &["192.0.2.1/24"];
    for master in [false, true] {
        assert_eq!(plan(&standing(master), "192.0.2.1/24", true, own, &[]), []);
    }
}

#[test]
fn in_a_vrf_the_tables_are_the_vrfs() {
    let mut within = standing(false);
    within.table = Some(100);
    within.parent.as_mut().unwrap().table = Some(100);
    let tables: Vec<u32> = plan(&within, "192.0.2.1/24", true, &[], &["10.0.0.11"])
        .iter()
        .map(|route| route.table)
        .collect();
    assert_eq!(tables, [100, 100]);
}

#[test]
fn a_secondary_address_gets_a_local_route_with_itself_as_source() {
    let made = plan(
        &standing(true),
        "192.0.2.2/24",
        false,
        &["192.0.2.11/24"],
        &[],
    );
    assert_eq!(
        made,
        [Route {
            destination: prefixed("192.0.2.2/32"),
            kind: Kind::Local,
            table: TABLE_LOCAL,
            device: CARP,
            source: Some(ip("192.0.2.2")),
        }]
    );
}
