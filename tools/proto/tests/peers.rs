// SPDX-License-Identifier: GPL-2.0

//! Who was heard is remembered, and forged packets, however many, change neither
//! the size of the table nor who of the members is in it.

use carp_proto::peers::{KNOWN, STRANGERS};
use carp_proto::{Advertisement, Instant, Peer, Peers, Source, Vhid, DIGEST_LEN};
use proptest::prelude::*;

fn advertisement(advskew: u8) -> Advertisement {
    Advertisement {
        vhid: Vhid::new(1).unwrap(),
        advbase: 1,
        advskew,
        demote: 3,
        counter: 0,
        digest: [0; DIGEST_LEN],
    }
}

fn host(number: u8) -> Source {
    Source::V4([192, 0, 2, number])
}

fn at(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

fn sources(peers: &Peers) -> Vec<Source> {
    peers.iter().map(|peer| peer.source).collect()
}

#[test]
fn remembers_the_last_advertisement_of_each_sender() {
    let mut peers = Peers::new();
    peers.accept(at(1), host(1), &advertisement(0));
    let told = peers.accept(at(2), host(1), &advertisement(7));
    let expected = Peer {
        source: host(1),
        advbase: 1,
        advskew: 7,
        demote: 3,
        last: at(2),
        received: 2,
        bad_digest: 0,
    };
    assert_eq!(told, expected);
    assert_eq!(peers.iter().collect::<Vec<_>>(), [&expected]);
    peers.accept(at(3), Source::V6([0xfe; 16]), &advertisement(0));
    assert_eq!(sources(&peers), [host(1), Source::V6([0xfe; 16])]);
}

#[test]
fn a_wrong_digest_says_nothing_about_a_member_but_is_counted() {
    let mut peers = Peers::new();
    peers.accept(at(1), host(1), &advertisement(9));
    let told = peers.refuse(at(2), host(1), &advertisement(255));
    assert_eq!((told.received, told.bad_digest), (1, 1));
    assert_eq!((told.advskew, told.last), (9, at(1)));
    assert_eq!(peers.iter().count(), 1);
}

#[test]
fn a_stranger_with_the_right_key_at_last_is_a_member_with_its_history() {
    let mut peers = Peers::new();
    let told = peers.refuse(at(1), host(1), &advertisement(4));
    assert_eq!((told.advskew, told.received, told.bad_digest), (4, 0, 1));
    peers.refuse(at(2), host(1), &advertisement(5));
    let told = peers.accept(at(3), host(1), &advertisement(6));
    assert_eq!((told.advskew, told.received, told.bad_digest), (6, 1, 2));
    assert_eq!(peers.iter().count(), 1);
}

#[test]
fn the_longest_silent_makes_place() {
    let mut peers = Peers::new();
    let members = u8::try_from(KNOWN).unwrap();
    for number in 0..members {
        peers.accept(at(number.into()), host(number), &advertisement(0));
    }
    peers.accept(at(100), host(0), &advertisement(0));
    peers.accept(at(101), host(200), &advertisement(0));
    let known = sources(&peers);
    assert_eq!(known.len(), KNOWN);
    assert!(!known.contains(&host(1)));
    assert!(known.contains(&host(0)) && known.contains(&host(200)));
}

proptest! {
    /// Whatever is forged, at whatever time, up to `KNOWN` members stay, with what was
    /// heard of them, and the table stays small.
    #[test]
    fn forged_senders_drive_out_strangers_only(
        members in 1..=u8::try_from(KNOWN).unwrap(),
        forged in prop::collection::vec((any::<u8>(), 0..1000_u64), 0..200),
    ) {
        let mut peers = Peers::new();
        for number in 0..members {
            peers.accept(at(500), host(number), &advertisement(number));
        }
        let mut last = None;
        for (number, time) in forged {
            peers.refuse(at(time), host(number), &advertisement(77));
            last = (number >= members).then_some(number).or(last);
        }
        for number in 0..members {
            let peer = peers.iter().find(|peer| peer.source == host(number)).unwrap();
            prop_assert_eq!((peer.advskew, peer.last, peer.received), (number, at(500), 1));
        }
        prop_assert!(peers.iter().count() <= usize::from(members) + STRANGERS);
        // Who sent last is there.
        if let Some(number) = last {
            prop_assert!(sources(&peers).contains(&host(number)));
        }
    }
}
