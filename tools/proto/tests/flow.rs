// SPDX-License-Identifier: GPL-2.0

//! Who takes a packet that all hosts see: as OpenBSD's code computes it, and what is
//! promised of our own flows.

mod common;

use carp_proto::balance::flow::{self, Flow};
use carp_proto::balance::fold;
use carp_proto::ownership::Ip;
use carp_proto::{EvenKey, Vhid, VhidSet};
use common::{number, text, vectors, vhid};
use proptest::prelude::*;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

fn ip(text: &str) -> Ip {
    match text.parse().unwrap() {
        std::net::IpAddr::V4(address) => Ip::V4(address.octets()),
        std::net::IpAddr::V6(address) => Ip::V6(address.octets()),
    }
}

fn nodes(count: u64) -> VhidSet {
    (1..=count).map(|number| vhid(number * 2 + 1)).collect()
}

fn key() -> EvenKey {
    EvenKey::from_digest(b"0123456789abcdefghij")
}

/// An IP packet. `fragment` is the offset in bytes and whether more comes, if it is one.
fn packet(from: Ip, to: Ip, protocol: u8, fragment: Option<(u16, bool)>, body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    match (from, to) {
        (Ip::V4(from), Ip::V4(to)) => {
            let flags = fragment.map_or(0x4000, |(at, more)| (at / 8) | (u16::from(more) << 13));
            let length = u16::try_from(20 + body.len()).unwrap();
            packet.extend([0x45, 0]);
            packet.extend(length.to_be_bytes());
            packet.extend([0x12, 0x34]);
            packet.extend(flags.to_be_bytes());
            packet.extend([64, protocol, 0, 0]);
            packet.extend(from);
            packet.extend(to);
        }
        (Ip::V6(from), Ip::V6(to)) => {
            let head = fragment.map(|(at, more)| {
                let [high, low] = (at | u16::from(more)).to_be_bytes();
                [protocol, 0, high, low, 1, 2, 3, 4]
            });
            let length = u16::try_from(head.map_or(0, |head| head.len()) + body.len()).unwrap();
            packet.extend([0x60, 0, 0, 0]);
            packet.extend(length.to_be_bytes());
            packet.extend([if head.is_some() { 44 } else { protocol }, 64]);
            packet.extend(from);
            packet.extend(to);
            packet.extend(head.into_iter().flatten());
        }
        _ => panic!("two families"),
    }
    packet.extend(body);
    packet
}

fn segment(from: u16, to: u16) -> Vec<u8> {
    let mut bytes = [from.to_be_bytes(), to.to_be_bytes()].concat();
    bytes.extend([0; 16]);
    bytes
}

fn flow_of(from: Ip, to: Ip, protocol: u8, body: &[u8]) -> Flow {
    Flow::of(&packet(from, to, protocol, None, body)).unwrap()
}

/// The hosts of the tests, in both families.
fn hosts() -> [(Ip, Ip); 2] {
    [
        (ip("192.0.2.50"), ip("203.0.113.80")),
        (ip("2001:db8:1::50"), ip("2001:db8:2::80")),
    ]
}

#[test]
fn fold_is_openbsds() {
    let vectors = vectors("balancing_ip_openbsd");
    let cases = vectors.as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let nodes = nodes(number(case, "members"));
        let (source, destination) = (ip(text(case, "src")), ip(text(case, "dst")));
        let chosen = fold::choose(&nodes, source, destination).unwrap();
        let place = nodes.iter().position(|vhid| vhid == chosen).unwrap();
        assert_eq!(place as u64, number(case, "index"), "{case}");
        assert_eq!(fold::choose(&nodes, destination, source), Some(chosen));
        assert_eq!(fold::choose(&VhidSet::EMPTY, source, destination), None);
    }
}

#[test]
fn both_directions_are_one_flow() {
    for (client, server) in hosts() {
        for protocol in [TCP, UDP, 33, 132, 136] {
            let there = flow_of(client, server, protocol, &segment(4242, 80));
            let back = flow_of(server, client, protocol, &segment(80, 4242));
            assert_eq!(there, back);
            assert_ne!(there, flow_of(client, server, protocol, &segment(4243, 80)));
            // The ports go with their hosts.
            assert_ne!(there, flow_of(client, server, protocol, &segment(80, 4242)));
        }
        let tcp = flow_of(client, server, TCP, &segment(4242, 80));
        assert_ne!(tcp, flow_of(client, server, UDP, &segment(4242, 80)));
    }
}

#[test]
fn all_fragments_are_of_one_flow() {
    for (client, server) in hosts() {
        let fragment = |at, more, body: &[u8]| {
            Flow::of(&packet(client, server, UDP, Some((at, more)), body)).unwrap()
        };
        let first = fragment(0, true, &segment(4242, 53));
        // Whatever is in them where ports would be.
        assert_eq!(first, fragment(1480, true, &segment(1, 2)));
        assert_eq!(first, fragment(2960, false, &[9; 8]));
        assert_eq!(first, fragment(2960, false, &[9; 1]));
        let back = packet(server, client, UDP, Some((0, true)), &segment(53, 4242));
        assert_eq!(first, Flow::of(&back).unwrap());
        // Of others than a whole datagram between the same ports.
        assert_ne!(first, flow_of(client, server, UDP, &segment(4242, 53)));
    }
}

/// RFC 6946: a fragment header in front of all of it.
#[test]
fn an_atomic_fragment_is_whole() {
    let (client, server) = hosts()[1];
    let atomic = packet(client, server, UDP, Some((0, false)), &segment(4242, 53));
    let whole = flow_of(client, server, UDP, &segment(4242, 53));
    assert_eq!(Flow::of(&atomic), Some(whole));
}

#[test]
fn an_error_is_of_the_flow_that_it_tells_of() {
    for (client, server) in hosts() {
        let sent = packet(client, server, TCP, None, &segment(4242, 80));
        let flow = Flow::of(&sent).unwrap();
        let (protocol, errors, router) = match client {
            Ip::V4(_) => (ICMP, vec![3, 4, 5, 11, 12], ip("198.51.100.1")),
            Ip::V6(_) => (ICMPV6, vec![1, 2, 3, 4], ip("2001:db8:9::1")),
        };
        for kind in errors {
            let mut error = vec![kind, 0, 0, 0, 0, 0, 0, 0];
            // No more of it than RFC 792 asks for.
            error.extend(&sent[..sent.len() - 12]);
            assert_eq!(flow_of(router, client, protocol, &error), flow, "{kind}");
        }
    }
}

#[test]
fn question_and_answer_of_an_echo_are_one_flow() {
    for (client, server) in hosts() {
        let (protocol, question, answer) = match client {
            Ip::V4(_) => (ICMP, 8, 0),
            Ip::V6(_) => (ICMPV6, 128, 129),
        };
        let echo = |kind, identifier| [kind, 0, 0, 0, 0, identifier, 0, 1];
        let there = flow_of(client, server, protocol, &echo(question, 7));
        assert_eq!(there, flow_of(server, client, protocol, &echo(answer, 7)));
        assert_ne!(there, flow_of(client, server, protocol, &echo(question, 8)));
    }
}

#[test]
fn extension_headers_are_passed_over() {
    let (client, server) = hosts()[1];
    let whole = flow_of(client, server, UDP, &segment(4242, 53));
    let mut body = vec![60, 0, 0, 0, 0, 0, 0, 0]; // hop by hop
    body.extend([43, 1].iter().chain(&[0; 14])); // destination options
    body.extend([UDP, 0, 0, 0, 0, 0, 0, 0]); // routing
    body.extend(segment(4242, 53));
    assert_eq!(flow_of(client, server, 0, &body), whole);
}

#[test]
fn what_is_no_packet_is_of_no_flow() {
    assert_eq!(Flow::of(&[]), None);
    assert_eq!(Flow::of(&[0x45; 19]), None);
    assert_eq!(Flow::of(&[0x60; 39]), None);
    assert_eq!(Flow::of(&[0x75; 60]), None);
}

/// Whatever has no ports is of the flow of its hosts and protocol.
#[test]
fn without_ports_the_hosts_are_the_flow() {
    for (client, server) in hosts() {
        let bare = flow_of(client, server, 47, &[1; 8]);
        assert_eq!(bare, flow_of(server, client, 47, &[2; 8]));
        assert_eq!(
            flow_of(client, server, TCP, &[1; 3]),
            flow_of(client, server, TCP, &[])
        );
    }
}

fn place(nodes: &VhidSet, chosen: Option<Vhid>) -> usize {
    nodes.iter().position(|vhid| Some(vhid) == chosen).unwrap()
}

/// The connections of one client to one server, by as much as a fair coin would (five
/// standard deviations).
#[test]
fn the_connections_of_one_client_are_spread_evenly() {
    for (client, server) in hosts() {
        for count in [2, 3, 4, 8, 32] {
            let nodes = nodes(count);
            let mut counts = vec![0u32; count as usize];
            for port in 1024..=u16::MAX {
                let hash = flow_of(client, server, TCP, &segment(port, 443)).hash(&key());
                counts[place(&nodes, flow::choose(&nodes, hash))] += 1;
            }
            let (all, share) = (64512.0, 1.0 / count as f64);
            let deviation = (all * share * (1.0 - share)).sqrt();
            for number in counts {
                let off = f64::from(number) - all * share;
                assert!(off.abs() < 5.0 * deviation, "{number} of {count}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..120), version in 4..=6u8) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = (*first & 0x0f) | (version << 4);
        }
        if let Some(flow) = Flow::of(&bytes) {
            prop_assert_eq!(flow.hash(&key()), flow.hash(&key()));
        }
    }

    /// A node that goes leaves its flows to the others, and none of theirs moves.
    #[test]
    fn no_flow_moves_between_nodes_that_stay(hash: u64, count in 1..=32u64, at: prop::sample::Index) {
        let nodes = nodes(count);
        let gone = nodes.iter().nth(at.index(count as usize)).unwrap();
        let left: VhidSet = nodes.iter().filter(|vhid| *vhid != gone).collect();
        let before = flow::choose(&nodes, hash).unwrap();
        prop_assert!(nodes.contains(before));
        if before != gone {
            prop_assert_eq!(flow::choose(&left, hash), Some(before));
        }
    }
}

/// Computed without this code: `siphash` of the suite in tools/testing over the endpoints, the
/// lower one first, each an address and a port, and the protocol.
#[test]
fn the_hash_is_of_all_that_a_flow_is() {
    let ports = |source: u16, destination: u16| {
        let mut body = Vec::new();
        body.extend(source.to_be_bytes());
        body.extend(destination.to_be_bytes());
        body.extend([0; 4]);
        body
    };
    let hash = |from: &str, to: &str, protocol, source, destination| {
        let packet = packet(
            ip(from),
            ip(to),
            protocol,
            None,
            &ports(source, destination),
        );
        Flow::of(&packet).unwrap().hash(&key())
    };
    let v4 = hash("192.0.2.9", "192.0.2.10", TCP, 4242, 80);
    assert_eq!(v4, 0x109b_e554_2897_9c04);
    let v6 = hash("2001:db8::9", "2001:db8::10", UDP, 4242, 53);
    assert_eq!(v6, 0xed16_2666_1dd9_79de);
    // And so any of it counts.
    for other in [
        hash("192.0.2.8", "192.0.2.10", TCP, 4242, 80),
        hash("192.0.2.9", "192.0.2.11", TCP, 4242, 80),
        hash("192.0.2.9", "192.0.2.10", UDP, 4242, 80),
        hash("192.0.2.9", "192.0.2.10", TCP, 4243, 80),
        hash("192.0.2.9", "192.0.2.10", TCP, 4242, 81),
    ] {
        assert_ne!(other, v4);
    }
}
