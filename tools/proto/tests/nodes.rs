// SPDX-License-Identifier: GPL-2.0

//! The nodes of a group, what it looks like, and who takes what.

mod common;

use carp_proto::balance::{flow, fold};
use carp_proto::ownership::Ip;
use carp_proto::{
    group_of_mac, Balancing, Cast, EvenKey, Identity, NodeList, NodeListError, NodeSettings,
    Parameters, Selection, Share, State, Takers, VhidSet, MAX_NODES,
};
use common::vhid;

fn node(number: u64, advskew: u32) -> NodeSettings {
    NodeSettings {
        vhid: vhid(number),
        parameters: Parameters::new(1, advskew).unwrap(),
    }
}

fn list(numbers: &[u64]) -> NodeList {
    let mut list = NodeList::of(node(numbers[0], 0));
    for number in &numbers[1..] {
        list.add(node(*number, 0)).unwrap();
    }
    list
}

#[test]
fn nodes_are_sorted_and_the_lowest_leads() {
    let list = list(&[7, 3, 255, 1, 9]);
    let vhids: Vec<u8> = list.as_slice().iter().map(|node| node.vhid.get()).collect();
    assert_eq!(vhids, [1, 3, 7, 9, 255]);
    assert_eq!(list.leader(), vhid(1));
    assert!(list.are_several());
    assert_eq!(list.get(vhid(7)), Some(node(7, 0)));
    assert_eq!(list.get(vhid(8)), None);
    assert_eq!(list.vhids().len(), 5);
    assert_eq!(list, self::list(&[255, 9, 7, 3, 1]));
    assert_ne!(list, self::list(&[1, 3, 7, 9]));
}

#[test]
fn a_vhid_twice_is_refused_wherever_it_is() {
    for number in [1, 3, 7] {
        let mut list = list(&[3, 1, 7]);
        assert_eq!(list.add(node(number, 9)), Err(NodeListError::VhidTwice));
        assert_eq!(list, self::list(&[1, 3, 7]));
    }
}

#[test]
fn there_are_32_nodes_at_most() {
    let all: Vec<u64> = (1..=MAX_NODES as u64).rev().collect();
    let mut list = list(&all);
    assert_eq!(list.as_slice().len(), 32);
    assert_eq!(list.add(node(100, 0)), Err(NodeListError::TooMany));
    assert_eq!(list.add(node(5, 0)), Err(NodeListError::VhidTwice));
    assert_eq!(list.leader(), vhid(1));
}

#[test]
fn one_node_is_no_several() {
    let list = NodeList::of(node(9, 100));
    assert!(!list.are_several());
    assert_eq!(list.as_slice(), [node(9, 100)]);
}

#[test]
fn the_best_state_of_any_node_is_that_of_the_group() {
    use State::{Backup, Init, Master};
    assert_eq!(State::of_nodes([]), Init);
    assert_eq!(State::of_nodes([Init, Init]), Init);
    assert_eq!(State::of_nodes([Init, Backup]), Backup);
    assert_eq!(State::of_nodes([Backup, Master, Init]), Master);
}

#[test]
fn a_group_looks_as_its_mode_says() {
    const OWN: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const UNICAST: [u8; 6] = [0, 0, 0x5e, 0, 1, 9];
    const MULTICAST: [u8; 6] = [1, 0, 0x5e, 0, 1, 9];
    for (balancing, mac, source) in [
        (Balancing::None, UNICAST, UNICAST),
        (Balancing::Ip, MULTICAST, OWN),
        (Balancing::IpStealth, UNICAST, OWN),
        (Balancing::IpUnicast, UNICAST, UNICAST),
    ] {
        let identity = Identity {
            leader: vhid(9),
            balancing,
        };
        assert_eq!(identity.mac(), mac);
        assert_eq!(identity.source(OWN), source);
        assert_eq!(group_of_mac(mac), Some((vhid(9), identity.cast())));
        assert_eq!(Balancing::from_number(balancing as u32), Some(balancing));
    }
    assert_eq!(Balancing::from_number(4), None);
    assert_eq!(Selection::from_number(2), None);
}

#[test]
fn other_addresses_are_no_groups() {
    for mac in [
        [0, 0, 0x5e, 0, 1, 0],
        [1, 0, 0x5e, 0, 1, 0],
        [2, 0, 0x5e, 0, 1, 9],
        [3, 0, 0x5e, 0, 1, 9],
        [0, 0, 0x5e, 0, 2, 9],
        [1, 0, 0x5e, 0, 0, 0x12],
        [0, 1, 0x5e, 0, 1, 9],
    ] {
        assert_eq!(group_of_mac(mac), None, "{mac:?}");
    }
    let mac = [1, 0, 0x5e, 0, 1, 9];
    assert_eq!(group_of_mac(mac), Some((vhid(9), Cast::Multicast)));
}

fn share(selection: Selection) -> Share {
    Share {
        nodes: [4, 8, 9].into_iter().map(vhid).collect::<VhidSet>(),
        selection,
        key: EvenKey::from_digest(b"0123456789abcdefghij"),
    }
}

fn v4(source: [u8; 4], destination: [u8; 4], protocol: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0];
    packet.extend(source);
    packet.extend(destination);
    packet.extend(body);
    packet
}

fn v6(source: [u8; 16], destination: [u8; 16], protocol: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, protocol, 64];
    packet.extend(source);
    packet.extend(destination);
    packet.extend(body);
    packet
}

const CLIENT: [u8; 4] = [192, 0, 2, 9];
const VIRTUAL: [u8; 4] = [192, 0, 2, 10];

fn six(last: u8) -> [u8; 16] {
    let mut address = [0; 16];
    address[..2].copy_from_slice(&[0x20, 1]);
    address[15] = last;
    address
}

#[test]
fn both_selections_are_those_of_their_own_tests() {
    let addresses = share(Selection::Addresses);
    let flows = share(Selection::Flow);
    for last in 0..64 {
        let body = [last, 1, 0, 80, 0, 0, 0, 0];
        let packet = v4([192, 0, 2, last], VIRTUAL, 6, &body);
        let folded = fold::choose(&addresses.nodes, Ip::V4([192, 0, 2, last]), Ip::V4(VIRTUAL));
        assert_eq!(addresses.takers(&packet), Takers::Node(folded.unwrap()));
        let hash = flow::Flow::of(&packet).unwrap().hash(&flows.key);
        let chosen = flow::choose(&flows.nodes, hash).unwrap();
        assert_eq!(flows.takers(&packet), Takers::Node(chosen));
        let packet = v6(six(last), six(200), 17, &body);
        let folded = fold::choose(&addresses.nodes, Ip::V6(six(last)), Ip::V6(six(200)));
        assert_eq!(addresses.takers(&packet), Takers::Node(folded.unwrap()));
    }
}

#[test]
fn errors_are_for_who_knows_and_echoes_are_not() {
    let addresses = share(Selection::Addresses);
    let is_knowing = |packet: &[u8]| matches!(addresses.takers(packet), Takers::Knowing { .. });
    for kind in 0..=255u8 {
        let body = [kind, 0, 0, 0, 0, 0, 0, 0];
        let error = matches!(kind, 3 | 4 | 5 | 11 | 12);
        assert_eq!(is_knowing(&v4(CLIENT, VIRTUAL, 1, &body)), error, "{kind}");
        let packet = v6(six(1), six(2), 58, &body);
        assert_eq!(is_knowing(&packet), kind < 128, "{kind}");
        let discovers = (133..=137).contains(&kind);
        let takers = addresses.takers(&packet);
        assert_eq!(takers == Takers::Masters, discovers, "{kind}");
    }
    // One of a flow is of that flow.
    let flows = share(Selection::Flow);
    let sent = v4(VIRTUAL, CLIENT, 6, &[0, 80, 9, 9, 0, 0, 0, 0]);
    let mut body = vec![3, 3, 0, 0, 0, 0, 0, 0];
    body.extend(&sent);
    assert_eq!(
        flows.takers(&v4([198, 51, 100, 1], VIRTUAL, 1, &body)),
        flows.takers(&sent)
    );
}

#[test]
fn what_is_for_many_is_nobodys_share() {
    for selection in [Selection::Addresses, Selection::Flow] {
        let share = share(selection);
        for destination in [[224, 0, 1, 1], [239, 1, 1, 1], [255, 255, 255, 255]] {
            assert_eq!(
                share.takers(&v4(CLIENT, destination, 17, &[0; 8])),
                Takers::Members
            );
        }
        let all_nodes = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(
            share.takers(&v6(six(1), all_nodes, 17, &[0; 8])),
            Takers::Members
        );
    }
}

#[test]
fn an_advertisement_to_the_virtual_mac_is_for_the_master_of_its_node() {
    let share = share(Selection::Addresses);
    let packet = v4(CLIENT, [224, 0, 0, 18], 112, &[0x21, 8, 0, 7]);
    assert_eq!(share.takers(&packet), Takers::Node(vhid(8)));
    let mut group = [0; 16];
    (group[0], group[1], group[15]) = (0xff, 2, 18);
    let packet = v6(six(1), group, 112, &[0x21, 4, 0, 7]);
    assert_eq!(share.takers(&packet), Takers::Node(vhid(4)));
}

#[test]
fn what_is_no_packet_is_for_every_master() {
    for packet in [&[][..], &[0x45; 19], &[0x60; 39], &[0x15; 64]] {
        for selection in [Selection::Addresses, Selection::Flow] {
            assert_eq!(share(selection).takers(packet), Takers::Masters);
        }
    }
}
