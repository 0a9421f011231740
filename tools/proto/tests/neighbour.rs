// SPDX-License-Identifier: GPL-2.0

//! Neighbour discovery: what is read, what is answered, what is refused.

use carp_proto::neighbour::{
    is_link_local, is_solicited_node_mac, may_be_icmpv6, Advertisement, Beginning, Claim, Outgoing,
    Solicitation, ALL_NODES, NEXT_HEADER, OUTGOING_LEN,
};
use carp_proto::{listener, virtual_mac, Vhid};

const ASKER: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
const TARGET: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];
const SOLICITED_NODE: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0x10];
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];

/// The checksum by its definition, on 16-bit words.
fn checksum(packet: &[u8]) -> u16 {
    let mut words = packet[8..40].to_vec();
    words.extend(((packet.len() - 40) as u32).to_be_bytes());
    words.extend([0, 0, 0, 58]);
    words.extend(&packet[40..]);
    let mut sum: u64 = words
        .chunks(2)
        .map(|word| (u64::from(word[0]) << 8) | u64::from(*word.get(1).unwrap_or(&0)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn sealed(mut packet: Vec<u8>) -> Vec<u8> {
    let length = (packet.len() - 40) as u16;
    packet[4..6].copy_from_slice(&length.to_be_bytes());
    packet[42..44].copy_from_slice(&[0, 0]);
    let checksum = checksum(&packet);
    packet[42..44].copy_from_slice(&checksum.to_be_bytes());
    packet
}

fn question(source: [u8; 16], destination: [u8; 16], options: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, 58, 255];
    packet.extend(source);
    packet.extend(destination);
    packet.extend([135, 0, 0, 0, 0, 0, 0, 0]);
    packet.extend(TARGET);
    packet.extend(options);
    sealed(packet)
}

fn option() -> Vec<u8> {
    [&[1, 1][..], &MAC].concat()
}

/// Gives a packet piece by piece.
fn reader(packet: &[u8]) -> impl FnMut(usize, &mut [u8]) -> bool + '_ {
    |place, bytes| {
        let there = packet.get(place..place + bytes.len());
        if let Some(there) = there {
            bytes.copy_from_slice(there);
        }
        there.is_some()
    }
}

fn read(packet: &[u8]) -> Option<Solicitation> {
    Solicitation::read(reader(packet))
}

#[test]
fn a_question_is_read() {
    let found = read(&question(ASKER, SOLICITED_NODE, &option())).unwrap();
    assert_eq!(found.source, ASKER);
    assert_eq!(found.source_mac, Some(MAC));
    assert_eq!(found.target, TARGET);
}

#[test]
fn a_probe_for_one_host_need_not_name_the_asker() {
    let found = read(&question(ASKER, TARGET, &[])).unwrap();
    assert_eq!(found.source_mac, None);
}

#[test]
fn other_options_are_passed_over() {
    let nonce = [14, 1, 1, 2, 3, 4, 5, 6];
    let options = [&nonce[..], &option()].concat();
    let found = read(&question(ASKER, SOLICITED_NODE, &options)).unwrap();
    assert_eq!(found.source_mac, Some(MAC));
}

/// An option of this many units of eight bytes: of no kind that is known.
fn filler(units: u8) -> Vec<u8> {
    let mut option = vec![0xee; usize::from(units) * 8];
    option[..2].copy_from_slice(&[13, units]);
    option
}

#[test]
fn a_question_may_be_long() {
    // As with SEND (RFC 3971), whose signature alone is longer than 128 bytes; the
    // address is before, behind, and where the pieces that are read meet.
    for units in 1..=70 {
        for options in [
            [option(), filler(units)].concat(),
            [filler(units), option()].concat(),
            [filler(units), option(), filler(9)].concat(),
        ] {
            let packet = question(ASKER, SOLICITED_NODE, &options);
            let found = read(&packet).unwrap_or_else(|| panic!("{} bytes", packet.len()));
            assert_eq!((found.target, found.source_mac), (TARGET, Some(MAC)));
            for place in [packet.len() - 1, 64 + 5, packet.len() / 2] {
                let mut bad = packet.clone();
                bad[place] ^= 1;
                assert_eq!(read(&bad), None, "byte {place}");
            }
            for length in 0..packet.len() {
                assert_eq!(read(&packet[..length]), None, "{length} bytes");
            }
        }
    }
}

#[test]
fn the_longest_question_comes_to_an_end() {
    let mut options = option();
    while options.len() + 255 * 8 <= 65_535 - 24 {
        options.extend(filler(255));
    }
    let packet = question(ASKER, SOLICITED_NODE, &options);
    assert_eq!(read(&packet).unwrap().source_mac, Some(MAC));
}

#[test]
fn an_option_is_not_read_as_another() {
    // What looks like an address is inside of another option.
    let mut hidden = filler(3);
    hidden[8..16].copy_from_slice(&option());
    let found = read(&question(ASKER, TARGET, &hidden)).unwrap();
    assert_eq!(found.source_mac, None);
    // An option that ends behind the packet, one of no length, and a bit of one.
    let mut long = filler(2);
    long[1] = 3;
    let mut none = filler(1);
    none[1] = 0;
    for bad in [&long[..], &none, &filler(1)[..4]] {
        assert_eq!(read(&question(ASKER, TARGET, bad)), None, "{bad:?}");
    }
}

#[test]
fn the_padding_of_a_short_frame_is_no_option() {
    let mut packet = question(ASKER, TARGET, &[]);
    packet.extend([0; 6]);
    assert!(read(&packet).is_some());
}

#[test]
fn one_who_wants_the_address_is_heard() {
    let found = read(&question([0; 16], SOLICITED_NODE, &[])).unwrap();
    assert_eq!(found.source, [0; 16]);
    // But only as RFC 4861 lets it ask.
    assert_eq!(read(&question([0; 16], TARGET, &[])), None);
    assert_eq!(read(&question([0; 16], SOLICITED_NODE, &option())), None);
}

#[test]
fn what_is_no_valid_question_is_none() {
    let good = question(ASKER, SOLICITED_NODE, &option());
    assert!(read(&good).is_some());
    for length in 0..good.len() {
        assert_eq!(read(&good[..length]), None, "{length} bytes");
    }
    // Every single bit of the message counts, by the checksum; and in the header
    // those of the version, next header and hop limit, beside the addresses.
    let counts = |byte: usize, bit: u8| !(1..=3).contains(&byte) && (byte != 0 || bit >= 4);
    for byte in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[byte] ^= 1 << bit;
            assert_eq!(
                read(&bad).is_none(),
                counts(byte, bit),
                "byte {byte} bit {bit}"
            );
        }
    }
    for (place, value) in [
        (6, 17),
        (7, 254),
        (40, 136),
        (41, 1),
        (48, 0xff),
        (65, 0),
        (65, 2),
    ] {
        let mut bad = good.clone();
        bad[place] = value;
        assert_eq!(read(&sealed(bad)), None, "byte {place}");
    }
}

#[test]
fn nobody_is_made_to_answer_many() {
    let mut many = MAC;
    many[0] |= 1;
    let option = [&[1, 1][..], &many].concat();
    assert_eq!(read(&question(ASKER, SOLICITED_NODE, &option)), None);
    assert_eq!(read(&question(ALL_NODES, SOLICITED_NODE, &[])), None);
}

#[test]
fn the_answer_names_the_virtual_mac() {
    let mac = virtual_mac(Vhid::new(7).unwrap());
    let asked = Solicitation {
        source: ASKER,
        source_mac: None,
        target: TARGET,
    };
    let answer = asked.answer(mac, true).emit();
    assert_eq!(answer[..8], [0x60, 0, 0, 0, 0, 32, 58, 255]);
    assert_eq!(answer[8..24], TARGET);
    assert_eq!(answer[24..40], ASKER);
    assert_eq!(answer[40..42], [136, 0]);
    assert_eq!(
        answer[44..48],
        [0xe0, 0, 0, 0],
        "router, solicited, override"
    );
    assert_eq!(answer[48..64], TARGET);
    assert_eq!(answer[64..], [2, 1, 0, 0, 0x5e, 0, 1, 7]);
    assert_eq!(checksum(&answer), 0);
}

#[test]
fn who_wants_the_address_is_told_with_everybody() {
    let asked = Solicitation {
        source: [0; 16],
        source_mac: None,
        target: TARGET,
    };
    let answer = asked.answer(virtual_mac(Vhid::new(1).unwrap()), false);
    assert_eq!(answer.destination, ALL_NODES);
    assert!(!answer.solicited);
    assert_eq!(answer.emit()[44], 0x20, "override only");
}

#[test]
fn an_announcement_tells_everybody() {
    let announcement =
        Advertisement::announcement(virtual_mac(Vhid::new(1).unwrap()), TARGET, true).emit();
    assert_eq!(announcement[24..40], ALL_NODES);
    assert_eq!(announcement[44], 0xa0, "router and override");
    assert_eq!(checksum(&announcement), 0);
}

fn claim(packet: &[u8]) -> Option<Claim> {
    Claim::read(reader(packet))
}

#[test]
fn an_announcement_is_read_as_a_claim() {
    let good = Advertisement::announcement(MAC, TARGET, true).emit();
    let read = Claim {
        target: TARGET,
        mac: Some(MAC),
    };
    assert_eq!(claim(&good), Some(read));
    // Whether it overrides, and who sends it, does not matter.
    let mut other = good.to_vec();
    other[44] = 0;
    other[8..24].copy_from_slice(&ASKER);
    assert_eq!(claim(&sealed(other)), Some(read));
    let bare = Claim { mac: None, ..read };
    assert_eq!(claim(&sealed(good[..64].to_vec())), Some(bare));
}

#[test]
fn what_is_no_valid_announcement_is_no_claim() {
    let good = Advertisement::announcement(MAC, TARGET, true).emit();
    for length in 0..good.len() {
        assert_eq!(claim(&good[..length]), None, "{length} bytes");
    }
    let mut unsealed = good;
    unsealed[63] ^= 1;
    assert_eq!(claim(&unsealed), None, "wrong checksum");
    for (place, value, what) in [
        (6, 17, "UDP"),
        (7, 254, "routed"),
        (24, 0xfe, "to one host"),
        (39, 2, "to all routers"),
        (40, 135, "a question"),
        (41, 1, "a code"),
        (44, 0x60, "an answer, which is to one host"),
        (48, 0xff, "of many"),
        (65, 0, "an option of no length"),
        (66, 1, "at many hosts"),
    ] {
        let mut bad = good.to_vec();
        bad[place] = value;
        assert_eq!(claim(&sealed(bad)), None, "{what}");
    }
    assert_eq!(claim(&question(ASKER, ALL_NODES, &option())), None);
}

/// Where several groups have the address, others' entries are right as they are.
#[test]
fn an_answer_can_leave_what_others_know() {
    let mut answer = Advertisement::announcement(virtual_mac(Vhid::new(1).unwrap()), TARGET, true);
    answer.overrides = false;
    let answer = answer.emit();
    assert_eq!(answer[44], 0x80, "router alone");
    assert_eq!(checksum(&answer), 0);
}

#[test]
fn the_beginning_tells_what_it_is() {
    let beginning = |next_header: u8, kind: u8| {
        let mut bytes = [0; Beginning::LEN];
        bytes[6] = next_header;
        bytes[24..40].copy_from_slice(&TARGET);
        bytes[40] = kind;
        Beginning::new(bytes)
    };
    assert_eq!(beginning(58, 135).destination(), TARGET);
    for kind in 0..=255 {
        let discovery = (133..=137).contains(&kind);
        assert_eq!(beginning(58, kind).is_neighbour_discovery(), discovery);
        assert_eq!(beginning(58, kind).is_router_solicitation(), kind == 133);
        assert_eq!(beginning(58, kind).is_solicitation(), kind == 135);
        assert_eq!(beginning(58, kind).is_advertisement(), kind == 136);
        assert!(!beginning(6, kind).is_neighbour_discovery());
    }
}

#[test]
fn a_listener_query_is_told_by_its_header_and_type() {
    let mut query = [0; listener::QUERY_LEN];
    (query[40], query[48]) = (58, 130);
    assert!(may_be_icmpv6(query[NEXT_HEADER]));
    assert!(listener::is_query(&query));
    for (place, value) in [(6, 58), (40, 17), (41, 1), (48, 131), (48, 143)] {
        let mut other = query;
        other[place] = value;
        assert!(!listener::is_query(&other), "{value} at {place}");
    }
}

#[test]
fn what_may_be_icmpv6_is_seen() {
    let (hop_by_hop, icmpv6, tcp, udp) = (0, 58, 6, 17);
    assert!(may_be_icmpv6(hop_by_hop) && may_be_icmpv6(icmpv6));
    assert!(!may_be_icmpv6(tcp) && !may_be_icmpv6(udp));
}

#[test]
fn addresses_are_told_apart() {
    assert!(is_link_local(ASKER));
    assert!(is_link_local([
        0xfe, 0xbf, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
    ]));
    assert!(!is_link_local([
        0xfe, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
    ]));
    assert!(!is_link_local(TARGET));
    assert!(is_solicited_node_mac([0x33, 0x33, 0xff, 0, 0, 0x10]));
    assert!(!is_solicited_node_mac([0x33, 0x33, 0, 0, 0, 1]));
}

fn start(packet: &[u8]) -> &[u8; OUTGOING_LEN] {
    packet.first_chunk().unwrap()
}

#[test]
fn an_outgoing_question_may_come_from_somebody_else() {
    let others = [[0xff; 16], [0; 16], TARGET, ASKER];
    for options in [&[][..], &option(), &filler(3)] {
        for source in others {
            let mut packet = question(ASKER, SOLICITED_NODE, options);
            let outgoing = Outgoing::new(start(&packet)).unwrap();
            assert!(outgoing.is_solicitation() && !outgoing.is_advertisement());
            assert_eq!((outgoing.source(), outgoing.target()), (ASKER, TARGET));
            let other = outgoing.from(source);
            packet[..OUTGOING_LEN].copy_from_slice(&other);
            assert_eq!(packet[8..24], source);
            assert_eq!(checksum(&packet), 0, "{source:?}");
        }
    }
}

#[test]
fn other_outgoing_packets_are_none_of_neighbour_discovery() {
    let packet = question(ASKER, SOLICITED_NODE, &option());
    for (next_header, kind, what) in [
        (58, 135, Some(true)),
        (58, 136, Some(false)),
        (58, 128, None),
        (58, 134, None),
        (17, 135, None),
        (0, 135, None),
    ] {
        let mut bytes = *start(&packet);
        (bytes[NEXT_HEADER], bytes[40]) = (next_header, kind);
        let found = Outgoing::new(&bytes).map(|message| message.is_solicitation());
        assert_eq!(found, what, "{next_header}, {kind}");
    }
}
