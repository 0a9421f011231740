// SPDX-License-Identifier: GPL-2.0

//! Clients as they occur: which addresses and MACs the hosts of a segment have.

use std::collections::BTreeSet;

use carp_proto::ownership::Ip;
use carp_proto::Asker;
use carp_simulator::random::Random;

/// The first half of the MACs of some vendors, as there are on any segment.
const VENDORS: [[u8; 3]; 4] = [
    [0x00, 0x1b, 0x21],
    [0x3c, 0xec, 0xef],
    [0xa4, 0xbb, 0x6d],
    [0xf0, 0x9f, 0xc2],
];

/// The network that IPv6 clients are in.
const PREFIX_V6: [u8; 8] = [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0];

/// Some clients.
pub struct Population {
    /// What they have in common.
    pub name: &'static str,
    /// Each of them, once.
    pub clients: Vec<Asker>,
}

impl Population {
    fn new(name: &'static str, addresses: impl IntoIterator<Item = Ip>) -> Self {
        // Of each population, the MACs are its own.
        let seed = name.bytes().fold(0_u64, |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(byte.into())
        });
        let mut random = Random::new(seed);
        let mut taken = BTreeSet::new();
        let client = |address| {
            let mut mac = some_mac(&mut random);
            while !taken.insert(mac) {
                mac = some_mac(&mut random);
            }
            Asker { address, mac }
        };
        Self {
            name,
            clients: addresses.into_iter().map(client).collect(),
        }
    }
}

fn some_mac(random: &mut Random) -> [u8; 6] {
    let [a, b, c] = *random.pick(&VENDORS);
    let [.., d, e, f] = random.bits().to_be_bytes();
    [a, b, c, d, e, f]
}

fn v4(network: [u8; 4], host: u32) -> Ip {
    Ip::V4((u32::from_be_bytes(network) + host).to_be_bytes())
}

fn v6(interface: [u8; 8]) -> Ip {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&PREFIX_V6);
    bytes[8..].copy_from_slice(&interface);
    Ip::V6(bytes)
}

/// Different numbers of 1 to `end`, in order.
fn scattered(seed: u64, count: usize, end: u64) -> BTreeSet<u32> {
    let mut random = Random::new(seed);
    let mut numbers = BTreeSet::new();
    while numbers.len() < count {
        numbers.insert(1 + random.below(end) as u32);
    }
    numbers
}

/// The interface identifier that a MAC gives (RFC 4291, appendix A).
fn eui64([a, b, c, d, e, f]: [u8; 6]) -> [u8; 8] {
    [a ^ 2, b, c, 0xff, 0xfe, d, e, f]
}

/// All that are measured.
pub fn all() -> Vec<Population> {
    const LARGE: u32 = 10_000;
    let network = [192, 0, 2, 0];
    let in_sequence = |count: u32| (20..20 + count).map(move |host| v4(network, host));
    let mut random = Random::new(6);
    let mut machines = Population::new("virtual machines, both in sequence", in_sequence(200));
    for (number, client) in (1u8..).zip(&mut machines.clients) {
        client.mac = [0x52, 0x54, 0x00, 0x10, 0x00, number];
    }
    let mut slaac = Population::new("IPv6, SLAAC from the MAC", (0..LARGE).map(|_| v6([0; 8])));
    for client in &mut slaac.clients {
        client.address = v6(eui64(client.mac));
    }
    vec![
        Population::new("a /24, DHCP in sequence", in_sequence(200)),
        machines,
        Population::new(
            "a /24, even addresses only",
            (1..128).map(|host| v4(network, 2 * host)),
        ),
        Population::new(
            "50 at random in a /24",
            scattered(1, 50, 254)
                .into_iter()
                .map(|host| v4(network, host)),
        ),
        Population::new(
            "a /22, DHCP in sequence",
            (20..1020).map(|host| v4([10, 3, 0, 0], host)),
        ),
        Population::new(
            "a /18, DHCP in sequence",
            (20..20 + LARGE).map(|host| v4([10, 2, 0, 0], host)),
        ),
        Population::new(
            "a /16, sparse",
            scattered(2, LARGE as usize, 65534)
                .into_iter()
                .map(|host| v4([10, 1, 0, 0], host)),
        ),
        slaac,
        Population::new(
            "IPv6, privacy addresses",
            (0..LARGE).map(|_| v6(random.bits().to_be_bytes())),
        ),
        Population::new(
            "IPv6, DHCPv6 in sequence",
            (0..LARGE).map(|host| v6(u64::from(0x1000 + host).to_be_bytes())),
        ),
    ]
}
