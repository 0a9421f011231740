// SPDX-License-Identifier: GPL-2.0

//! What holds whatever comes: any bytes, any addresses, any history.
//!
//! `PROPTEST_CASES` in the environment sets how many of each are tried.

mod common;

use std::collections::VecDeque;

use carp_proto::election::Bid;
use carp_proto::timers::{advertisement_interval, time_out};
use carp_proto::{
    claimed_vhid, hash_group, ipv4_header, ipv6_header, Advertisement, Context, Discard, Event,
    Families, Group, Heard, Instant, Interval, Missing, Parameters, Reason, Recipients, Source,
    Sources, State, Vhid, HEADER_LEN,
};
use common::Transcript;
use proptest::collection::vec;
use proptest::prelude::*;

fn vhids() -> impl Strategy<Value = Vhid> {
    (1..=u8::MAX).prop_map(|number| Vhid::new(number).unwrap())
}

fn contexts() -> impl Strategy<Value = Context> {
    prop_oneof![
        Just(Context::WithLinkLocal),
        Just(Context::WithoutLinkLocal)
    ]
}

fn advertisements() -> impl Strategy<Value = Advertisement> {
    let bytes = (any::<u8>(), any::<u8>(), any::<u8>());
    (vhids(), bytes, any::<u64>(), any::<[u8; 20]>()).prop_map(
        |(vhid, (advbase, advskew, demote), counter, digest)| Advertisement {
            vhid,
            advbase,
            advskew,
            demote,
            counter,
            digest,
        },
    )
}

fn hash(vhid: Vhid, mut v4: Vec<[u8; 4]>, mut v6: Vec<[u8; 16]>, context: Context) -> Vec<u8> {
    let mut transcript = Transcript::default();
    hash_group(&mut transcript, vhid, &mut v4, &mut v6, context);
    transcript.0
}

/// The one's complement sum, by the book.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes
        .chunks(2)
        .map(|word| (u32::from(word[0]) << 8) | u32::from(word[1]));
    words.fold(0, |sum, word| {
        let sum = sum + word;
        (sum & 0xffff) + (sum >> 16)
    })
}

proptest! {
    #[test]
    fn what_is_emitted_is_parsed(advertisement in advertisements()) {
        let bytes = advertisement.emit();
        prop_assert_eq!(sum(&bytes), 0xffff);
        prop_assert_eq!(Advertisement::parse(255, &bytes), Ok(advertisement));
        prop_assert_eq!(claimed_vhid(&bytes), Some(advertisement.vhid));
    }

    #[test]
    fn what_is_parsed_is_emitted(
        hop_limit in prop_oneof![Just(255), any::<u8>()],
        mut bytes in vec(any::<u8>(), 0..100),
        is_version_2: bool,
    ) {
        if let Some(first) = bytes.first_mut().filter(|_| is_version_2) {
            *first = 0x21;
        }
        let _ = claimed_vhid(&bytes);
        if let Ok(advertisement) = Advertisement::parse(hop_limit, &bytes) {
            prop_assert_eq!(&advertisement.emit()[8..], &bytes[8..HEADER_LEN]);
        }
    }

    #[test]
    fn a_changed_byte_is_noticed(
        advertisement in advertisements(),
        at in 0..HEADER_LEN,
        change in 1..=u8::MAX,
    ) {
        let mut bytes = advertisement.emit();
        bytes[at] ^= change;
        prop_assert!(Advertisement::parse(255, &bytes).is_err());
    }

    #[test]
    fn headers_are_valid(v4: ([u8; 4], [u8; 4]), id: u16, v6: ([u8; 16], [u8; 16])) {
        let header = ipv4_header(v4.0, v4.1, id);
        prop_assert_eq!(sum(&header), 0xffff);
        prop_assert_eq!(&header[4..6], id.to_be_bytes());
        prop_assert_eq!(&header[12..16], v4.0);
        prop_assert_eq!(&header[16..20], v4.1);
        let header = ipv6_header(v6.0, v6.1);
        prop_assert_eq!(header[0] >> 4, 6);
        prop_assert_eq!(&header[8..24], v6.0);
        prop_assert_eq!(&header[24..40], v6.1);
    }

    #[test]
    fn order_and_repetition_of_addresses_do_not_matter(
        vhid in vhids(),
        context in contexts(),
        v4 in vec(any::<[u8; 4]>(), 0..8),
        v6 in vec(any::<[u8; 16]>(), 0..8),
        shuffled in any::<prop::sample::Index>(),
    ) {
        let hashed = hash(vhid, v4.clone(), v6.clone(), context);
        let mut other_v4 = [v4.clone(), v4, vec![[0; 4], [255; 4]]].concat();
        let mut other_v6 = [v6.clone(), v6, vec![[0; 16], [255; 16]]].concat();
        let rotation = shuffled.index(other_v4.len());
        other_v4.rotate_left(rotation);
        other_v4.reverse();
        let rotation = shuffled.index(other_v6.len());
        other_v6.rotate_left(rotation);
        other_v6.reverse();
        prop_assert_eq!(hash(vhid, other_v4, other_v6, context), hashed);
    }

    #[test]
    fn addresses_are_hashed_in_ascending_order(v4 in vec(any::<[u8; 4]>(), 0..500)) {
        let hashed = hash(Vhid::new(1).unwrap(), v4.clone(), vec![], Context::WithLinkLocal);
        let mut sorted = v4;
        sorted.retain(|address| !matches!(address, [0, 0, 0, 0] | [255, 255, 255, 255]));
        sorted.sort();
        sorted.dedup();
        prop_assert_eq!(&hashed[3..], sorted.concat());
    }

    #[test]
    fn contexts_differ_in_link_local_addresses_only(
        vhid in vhids(),
        v6 in vec(any::<[u8; 16]>(), 0..8),
        link_local in any::<u8>(),
    ) {
        let mut v6: Vec<_> = v6;
        v6.retain(|address| !matches!(address, [0xfe, 0x80..=0xbf, ..] | [0xff, ..]));
        let with = hash(vhid, vec![], v6.clone(), Context::WithLinkLocal);
        prop_assert_eq!(&with, &hash(vhid, vec![], v6.clone(), Context::WithoutLinkLocal));
        let mut address = [1; 16];
        address[..4].copy_from_slice(&[0xfe, 0x80, 0, link_local]);
        v6.push(address);
        prop_assert_eq!(&with, &hash(vhid, vec![], v6.clone(), Context::WithoutLinkLocal));
        prop_assert_ne!(with, hash(vhid, vec![], v6, Context::WithLinkLocal));
    }
}

/// An event of a history, and how long after the one before.
#[derive(Clone, Debug)]
enum Step {
    Tell(Event),
    /// An advertisement that was sent this many packets ago comes back.
    Echo(usize),
    /// The deadline comes, and the timer with it.
    Expire,
}

fn sources() -> impl Strategy<Value = Source> {
    // Few enough for ties to be met with the same address.
    prop_oneof![
        (0..3u8).prop_map(|last| Source::V4([10, 0, 0, last])),
        (0..3u8).prop_map(|last| Source::V6([last; 16])),
    ]
}

fn families() -> impl Strategy<Value = Families> {
    any::<(bool, bool)>().prop_map(|(v4, v6)| Families { v4, v6 })
}

fn parameters() -> impl Strategy<Value = Parameters> {
    prop_oneof![(0..3u32, 0..3u32), (0..256u32, 0..255u32),]
        .prop_filter_map("0/0", |(advbase, advskew)| {
            Parameters::new(advbase, advskew).ok()
        })
}

fn heard() -> impl Strategy<Value = Heard> {
    let paces = prop_oneof![(0..3u8, 0..3u8), Just((255, 255)), any::<(u8, u8)>()];
    let demotes = prop_oneof![0..3u8, any::<u8>()];
    let counters = prop_oneof![any::<u64>(), 0..4u64];
    (paces, demotes, counters, sources(), any::<bool>()).prop_map(
        |((advbase, advskew), demote, counter, source, from_own_address)| Heard {
            family: source.family(),
            advbase,
            advskew,
            demote,
            counter,
            source,
            from_own_address,
        },
    )
}

fn missing() -> impl Strategy<Value = Missing> {
    let one = prop_oneof![
        Just(Missing::VHID),
        Just(Missing::PARENT),
        Just(Missing::ADDRESS),
        Just(Missing::DEVICE_UP),
        Just(Missing::PARENT_UP),
        Just(Missing::CARRIER),
        Just(Missing::ALLOWED),
    ];
    prop_oneof![
        3 => Just(Missing::NONE),
        1 => (one.clone(), one).prop_map(|(a, b)| a.union(b)),
    ]
}

fn steps() -> impl Strategy<Value = (u64, Step)> {
    let events = prop_oneof![
        2 => (missing(), families())
            .prop_map(|(missing, families)| Event::Conditions { missing, families }),
        1 => (any::<Option<u8>>(), any::<Option<u8>>()).prop_map(|(v4, v6)| {
            Event::Sources(Sources {
                v4: v4.map(|last| [10, 0, 0, last % 3]),
                v6: v6.map(|last| [last % 3; 16]),
            })
        }),
        1 => parameters().prop_map(Event::Parameters),
        1 => prop_oneof![Just(0), 0..3u8].prop_map(Event::Demotion),
        1 => any::<bool>().prop_map(Event::Preempt),
        8 => heard().prop_map(Event::Heard),
        1 => Just(Event::AddressClaimed),
        2 => Just(Event::AdvertisementTimer),
        2 => Just(Event::TimeOutTimer),
        2 => prop_oneof![Just(State::Init), Just(State::Backup), Just(State::Master)]
            .prop_map(Event::Request),
    ];
    let steps = prop_oneof![
        16 => events.prop_map(Step::Tell),
        2 => (0..20usize).prop_map(Step::Echo),
        6 => Just(Step::Expire),
    ];
    (prop_oneof![0..1_000u64, 0..5_000_000_000u64], steps)
}

/// A group under test, with what its surroundings know.
struct World {
    group: Group,
    now: Instant,
    missing: Missing,
    sent: VecDeque<u64>,
    heard: VecDeque<u64>,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            group: Group::new(Parameters::default(), seed),
            now: Instant::from_nanos(0),
            missing: Missing::ALL,
            sent: VecDeque::new(),
            heard: VecDeque::new(),
        }
    }

    fn due(&self) -> Option<Instant> {
        self.group.advertisement_due().or(self.group.time_out_due())
    }

    fn step(&mut self, later: u64, step: Step) -> Result<(), TestCaseError> {
        let event = match step {
            Step::Tell(event) => {
                self.now = self.now + Interval::from_nanos(later);
                event
            }
            Step::Echo(ago) => {
                self.now = self.now + Interval::from_nanos(later);
                let Some(counter) = self.sent.iter().rev().nth(ago).copied() else {
                    return Ok(());
                };
                return self.echo(counter, ago);
            }
            Step::Expire => {
                let Some(due) = self.due() else { return Ok(()) };
                self.now = self.now.max(due);
                match self.group.state() {
                    State::Master => Event::AdvertisementTimer,
                    _ => Event::TimeOutTimer,
                }
            }
        };
        self.tell(event)
    }

    /// An echo of one of the last 16 is discarded and changes nothing.
    fn echo(&mut self, counter: u64, ago: usize) -> Result<(), TestCaseError> {
        let before = format!("{:?}", self.group);
        let echo = Heard {
            family: carp_proto::Family::V4,
            advbase: 0,
            advskew: 0,
            demote: 0,
            counter,
            source: Source::V4([10, 0, 0, 0]),
            from_own_address: true,
        };
        if ago < 16 {
            let actions = self.group.handle(self.now, Event::Heard(echo));
            let expected = match self.group.state() {
                State::Init => Discard::NotRunning,
                _ => Discard::OwnEcho,
            };
            prop_assert_eq!(actions.discard, Some(expected));
            prop_assert!(actions.transition.is_none());
            prop_assert!(actions.advertise.is_none());
            prop_assert!(!actions.announce);
            prop_assert_eq!(before, format!("{:?}", self.group));
        }
        Ok(())
    }

    fn tell(&mut self, event: Event) -> Result<(), TestCaseError> {
        let before = self.group.clone();
        let actions = self.group.handle(self.now, event);
        let group = &self.group;
        let now = self.now;

        if let Event::Conditions { missing, families } = event {
            self.missing = missing;
            if families.is_empty() {
                self.missing = missing.union(Missing::ADDRESS);
            }
        }
        prop_assert_eq!(group.missing(), self.missing);
        prop_assert_eq!(group.state() == State::Init, !self.missing.is_empty());

        // The timer of the state runs, and no other; never further ahead than
        // a time-out, and an interval after a tie.
        let interval = advertisement_interval(group.parameters());
        let time_out = time_out(group.parameters());
        let advertisement_due = group.advertisement_due();
        let time_out_due = group.time_out_due();
        prop_assert_eq!(advertisement_due.is_some(), group.state() == State::Master);
        prop_assert_eq!(time_out_due.is_some(), group.state() == State::Backup);
        prop_assert!(advertisement_due.is_none_or(|due| due <= now + interval));
        prop_assert!(time_out_due.is_none_or(|due| due <= now + time_out + interval));
        // A timer that was looked at runs on.
        if matches!(event, Event::AdvertisementTimer) {
            prop_assert!(advertisement_due.is_none_or(|due| due > now));
        }
        if matches!(event, Event::TimeOutTimer) {
            prop_assert!(time_out_due.is_none_or(|due| due > now));
        }

        let changed = group.state() != before.state();
        prop_assert_eq!(actions.transition.is_some(), changed);
        let transitions = before.transitions() + u32::from(changed);
        prop_assert_eq!(group.transitions(), transitions);
        let mut by_reason = *before.transitions_by_reason();
        if let Some(transition) = actions.transition {
            by_reason[transition.reason as usize] += 1;
        }
        prop_assert_eq!(group.transitions_by_reason(), &by_reason);
        if let Some(transition) = actions.transition {
            prop_assert_eq!(transition.from, before.state());
            prop_assert_eq!(transition.to, group.state());
            prop_assert_eq!(transition.reason, group.reason());
            prop_assert_eq!(group.since(), now);
            // Nobody becomes MASTER without having been BACKUP, or silently.
            if transition.to == State::Master {
                prop_assert_eq!(transition.from, State::Backup);
                prop_assert!(actions.announce && actions.advertise.is_some());
            }
        }

        // A MASTER that steps down for a better one says so to that one, in the
        // family it was heard in, and nobody else does.
        let gave_way = matches!(actions.transition, Some(t) if t.reason == Reason::BetterMaster);
        let for_master = actions
            .advertise
            .filter(|advertise| advertise.recipients == Recipients::Master);
        prop_assert_eq!(for_master.is_some(), gave_way);
        if let Some(advertise) = for_master {
            prop_assert_eq!(before.state(), State::Master);
            prop_assert_eq!(group.state(), State::Backup);
            let Event::Heard(heard) = event else {
                return Err(TestCaseError::fail("nothing was heard"));
            };
            prop_assert_eq!(advertise.families, Families::only(heard.family));
            prop_assert!(!advertise.bow_out);
            // The other one is MASTER, and finds this one worse.
            let own = Bid::new(group.parameters(), advertise.demote);
            prop_assert!(heard.bid() < own && !heard.bid().is_bow_out());
        }

        // Otherwise, only a MASTER speaks, or one that was and leaves.
        if let Some(advertise) = actions.advertise {
            let speaker = if advertise.bow_out {
                prop_assert!(changed);
                before.state()
            } else {
                let parameters = (advertise.advbase, advertise.advskew);
                let own = (group.parameters().advbase(), group.parameters().advskew());
                prop_assert_eq!(parameters, own);
                if for_master.is_some() {
                    before.state()
                } else {
                    group.state()
                }
            };
            prop_assert_eq!(speaker, State::Master);
            prop_assert!(!advertise.families.is_empty());
            let packets = usize::from(advertise.families.v4) + usize::from(advertise.families.v6);
            for _ in 0..packets {
                self.send()?;
            }
        }
        prop_assert!(!actions.announce || self.group.state() == State::Master);

        if let Event::Heard(heard) = event {
            if actions.discard.is_none() {
                self.heard.push_back(heard.counter);
            }
            // An advertisement never leads to INIT or out of it.
            prop_assert!(!changed || before.state() != State::Init);
        } else {
            prop_assert!(actions.discard.is_none() && actions.notice.is_none());
        }
        Ok(())
    }

    /// A counter is not one that was sent or heard lately.
    fn send(&mut self) -> Result<(), TestCaseError> {
        let counter = self.group.next_counter();
        let lately =
            |counters: &VecDeque<u64>| counters.iter().rev().take(16).any(|&c| c == counter);
        prop_assert!(!lately(&self.sent));
        prop_assert!(!lately(&self.heard));
        self.sent.push_back(counter);
        Ok(())
    }
}

proptest! {
    #[test]
    fn every_history_keeps_the_rules(seed: u64, steps in vec(steps(), 1..200)) {
        let mut world = World::new(seed);
        for (later, step) in steps {
            world.step(later, step)?;
        }
    }

    /// Time that goes back, stands still or ends does no harm.
    #[test]
    fn any_clock_is_survived(
        seed: u64,
        steps in vec((any::<u64>(), steps()), 1..50),
    ) {
        let mut group = Group::new(Parameters::default(), seed);
        for (now, (_, step)) in steps {
            if let Step::Tell(event) = step {
                let _ = group.handle(Instant::from_nanos(now), event);
            }
        }
    }
}
