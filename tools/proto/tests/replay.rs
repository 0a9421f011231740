// SPDX-License-Identifier: GPL-2.0

//! Real NetBSD and FreeBSD hosts drive the state machine: the captures are
//! played to a host of ours that is configured as a third one of their group.
//! The times are those of the captures, in milliseconds.

mod common;

use carp_proto::State::{Backup, Master};
use carp_proto::{
    Advertisement, Event, Families, Family, Group, Heard, Instant, Missing, Notice, Parameters,
    Reason, Source, Sources, State,
};
use common::capture::packets;

/// A host and what happened to it.
struct Replay {
    group: Group,
    transitions: Vec<(u64, State, Reason)>,
    notices: Vec<(u64, Notice)>,
}

impl Replay {
    /// A BACKUP at the beginning of the capture.
    fn new(parameters: Parameters, families: Families, preempt: bool) -> Self {
        let mut replay = Self {
            group: Group::new(parameters, 0),
            transitions: Vec::new(),
            notices: Vec::new(),
        };
        let sources = Sources {
            v4: Some([10, 77, 0, 9]),
            v6: Some(common::v6("fe80::9")),
        };
        let start = Instant::from_nanos(0);
        replay.event(start, Event::Sources(sources));
        replay.event(start, Event::Preempt(preempt));
        let conditions = Event::Conditions {
            missing: Missing::NONE,
            families,
        };
        replay.event(start, conditions);
        assert_eq!(replay.transitions.pop(), Some((0, Backup, Reason::Ready)));
        replay
    }

    fn event(&mut self, now: Instant, event: Event) {
        let actions = self.group.handle(now, event);
        let millis = now.as_nanos() / 1_000_000;
        let transition = actions.transition;
        self.transitions
            .extend(transition.map(|transition| (millis, transition.to, transition.reason)));
        self.notices
            .extend(actions.notice.map(|notice| (millis, notice)));
        if let Some(advertise) = actions.advertise {
            for family in [Family::V4, Family::V6] {
                if advertise.families.contains(family) {
                    self.group.next_counter();
                }
            }
        }
    }

    /// Lets the timers expire that are due before `now`.
    fn wait(&mut self, now: Instant) {
        loop {
            let (due, event) = match (self.group.advertisement_due(), self.group.time_out_due()) {
                (Some(due), None) => (due, Event::AdvertisementTimer),
                (None, Some(due)) => (due, Event::TimeOutTimer),
                other => panic!("{other:?}"),
            };
            if due > now {
                return;
            }
            self.event(due, event);
        }
    }

    fn play(mut self, file: &str) -> Self {
        for packet in packets(file) {
            self.wait(packet.at);
            let heard = Advertisement::parse(packet.hop_limit, &packet.payload).unwrap();
            let event = Event::Heard(Heard {
                family: packet.source.family(),
                advbase: heard.advbase,
                advskew: heard.advskew,
                demote: heard.demote,
                counter: heard.counter,
                source: packet.source,
                from_own_address: false,
            });
            self.event(packet.at, event);
        }
        self
    }
}

const V4: Families = Families {
    v4: true,
    v6: false,
};
const BOTH: Families = Families { v4: true, v6: true };

/// The worst of three: takes over after the bow-outs, and gives way to the
/// others, who do so too. When the MASTER dies, the other one is faster.
#[test]
fn a_worse_host_gives_way() {
    let parameters = Parameters::new(1, 200).unwrap();
    let replay = Replay::new(parameters, V4, false).play("netbsd-freebsd.pcap");
    let expected = [
        (5_405, Master, Reason::MasterBowedOut),
        (5_405, Backup, Reason::BetterMaster),
        (16_461, Master, Reason::MasterBowedOut),
        (16_461, Backup, Reason::BetterMaster),
    ];
    assert_eq!(replay.transitions, expected);
    let last = replay.group.last_heard().unwrap().heard;
    assert_eq!(last.source, Source::V4([10, 77, 0, 2]));
    assert_eq!((last.advbase, last.advskew), (1, 150));
}

/// Better than everybody but when NetBSD has 0: preempts the others, and gives
/// way to that one alone.
#[test]
fn a_better_host_preempts() {
    let parameters = Parameters::new(1, 50).unwrap();
    let replay = Replay::new(parameters, V4, true).play("netbsd-freebsd.pcap");
    let expected = [
        // NetBSD takes its leave, and comes back.
        (5_405, Master, Reason::MasterBowedOut),
        (9_664, Backup, Reason::BetterMaster),
        // It dies; then its advskew is 150.
        (14_875, Master, Reason::TimedOut),
    ];
    assert_eq!(replay.transitions, expected);
    // Neither FreeBSD nor NetBSD moves it from then on.
    assert!(replay.notices.iter().any(|(at, _)| *at > 27_000));
    assert!(replay
        .notices
        .iter()
        .all(|(_, notice)| *notice == Notice::OtherMaster));
}

/// An equal of NetBSD, with a higher address than it, once it dies.
#[test]
fn an_equal_host_waits_for_its_time_out() {
    let replay = Replay::new(Parameters::default(), V4, true).play("netbsd-ucarp.pcap");
    let takeovers: Vec<_> = replay
        .transitions
        .iter()
        .map(|(at, _, reason)| (*at, *reason))
        .collect();
    // The last advertisement is heard at 9510 ms.
    let expected = [(12_510, Reason::TimedOut)];
    assert_eq!(takeovers, expected);
    // NetBSD, not hearing us in the capture, returns as a MASTER of its own.
    let ties = replay
        .notices
        .iter()
        .filter(|(_, notice)| *notice == Notice::Tie);
    assert!(ties.count() > 0);
}

/// Every advertisement of either family keeps a BACKUP waiting, and the first
/// of two bow-outs is enough.
#[test]
fn both_families_are_heard() {
    let parameters = Parameters::new(1, 100).unwrap();
    let replay = Replay::new(parameters, BOTH, false).play("netbsd-ipv6.pcap");
    let expected = [(13_217, Master, Reason::MasterBowedOut)];
    assert_eq!(replay.transitions, expected);
    assert!(replay.notices.is_empty());
}
