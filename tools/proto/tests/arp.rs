// SPDX-License-Identifier: GPL-2.0

//! ARP packets: what is written can be read, and an answer answers.

use carp_proto::{virtual_mac, Arp, Operation, Vhid, ARP_LEN};

const REQUEST: [u8; ARP_LEN] = [
    0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 192, 0, 2, 10,
];

#[test]
fn a_request_is_read_and_written_unchanged() {
    let request = Arp::parse(&REQUEST).unwrap();
    assert_eq!(request.operation, Operation::Request);
    assert_eq!(request.sender, [192, 0, 2, 9]);
    assert_eq!(request.target, [192, 0, 2, 10]);
    assert_eq!(request.emit(), REQUEST);
}

#[test]
fn the_answer_names_the_virtual_mac() {
    let answer = Arp::parse(&REQUEST)
        .unwrap()
        .answer(virtual_mac(Vhid::new(7).unwrap()));
    assert_eq!(
        answer.emit(),
        [
            0, 1, 8, 0, 6, 4, 0, 2, 0, 0, 0x5e, 0, 1, 7, 192, 0, 2, 10, 2, 0, 0, 0, 0, 9, 192, 0,
            2, 9
        ]
    );
}

#[test]
fn an_announcement_asks_for_itself() {
    let announcement = Arp::announcement(virtual_mac(Vhid::new(255).unwrap()), [192, 0, 2, 10]);
    assert_eq!(announcement.sender, announcement.target);
    assert_eq!(announcement.sender_mac, [0, 0, 0x5e, 0, 1, 255]);
    assert_eq!(announcement.target_mac, [0; 6]);
    assert_eq!(announcement.operation, Operation::Request);
}

#[test]
fn other_kinds_and_operations_are_refused() {
    for (place, value) in [(1, 6), (2, 0x86), (4, 8), (5, 16), (7, 3), (6, 1)] {
        let mut packet = REQUEST;
        packet[place] = value;
        assert_eq!(Arp::parse(&packet), None, "byte {place} is {value}");
    }
}
