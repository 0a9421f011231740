// SPDX-License-Identifier: GPL-2.0

//! What takes more than one event: what a host owes after a takeover, two
//! families, ties between two hosts, counters.

use carp_proto::timers::{advertisement_interval, time_out};
use carp_proto::{
    Actions, Advertise, Discard, Event, Families, Group, Heard, Instant, Interval, Missing, Notice,
    Parameters, Reason, Recipients, Source, Sources, State,
};

const V4: Families = Families {
    v4: true,
    v6: false,
};
const V6: Families = Families {
    v4: false,
    v6: true,
};
const BOTH: Families = Families { v4: true, v6: true };

/// A point in time, in milliseconds.
fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn parameters(advbase: u32, advskew: u32) -> Parameters {
    Parameters::new(advbase, advskew).unwrap()
}

fn conditions(families: Families) -> Event {
    Event::Conditions {
        missing: Missing::NONE,
        families,
    }
}

/// A BACKUP since the time 0.
fn backup(parameters: Parameters, families: Families) -> Group {
    let mut group = Group::new(parameters, 7);
    let actions = group.handle(at(0), conditions(families));
    assert_eq!(actions.transition.unwrap().reason, Reason::Ready);
    group
}

/// A MASTER since its first time-out.
fn master(parameters: Parameters, families: Families) -> Group {
    let mut group = backup(parameters, families);
    let due = group.time_out_due().unwrap();
    let actions = group.handle(due, Event::TimeOutTimer);
    assert_eq!(actions.transition.unwrap().reason, Reason::TimedOut);
    group
}

fn heard(advbase: u8, advskew: u8, source: Source) -> Heard {
    Heard {
        family: source.family(),
        advbase,
        advskew,
        demote: 0,
        counter: 42,
        source,
        from_own_address: false,
    }
}

fn hear(advbase: u8, advskew: u8) -> Event {
    Event::Heard(heard(advbase, advskew, Source::V4([10, 0, 0, 1])))
}

fn hear_v6(advbase: u8, advskew: u8) -> Event {
    Event::Heard(heard(advbase, advskew, Source::V6([0xfe; 16])))
}

/// Lets a MASTER's timer expire, and says when.
fn tick(group: &mut Group) -> (Instant, Actions) {
    let due = group.advertisement_due().unwrap();
    (due, group.handle(due, Event::AdvertisementTimer))
}

#[test]
fn addresses_are_announced_again_with_the_second_advertisement() {
    let mut group = master(parameters(1, 0), V4);
    let announced = [(); 5].map(|()| tick(&mut group).1.announce);
    assert_eq!(announced, [false, true, false, false, false]);
}

#[test]
fn an_address_that_others_claim_is_announced_once_in_ten_seconds() {
    let mut group = master(parameters(1, 0), V4);
    let taken_over = [(); 3].map(|()| tick(&mut group).1.announce);
    assert_eq!(taken_over, [false, true, false]);
    let mut announced = Vec::new();
    for second in 0..24 {
        // Twice, as who claims one address often claims another, too.
        if second != 1 && second < 13 {
            for _ in 0..2 {
                let (now, claimed) = (group.advertisement_due().unwrap(), Event::AddressClaimed);
                assert_eq!(group.handle(now, claimed), Actions::default());
            }
        }
        // The timer is late now and then.
        let due = group.advertisement_due().unwrap();
        let late = Interval::from_micros(if second % 3 == 0 { 70 } else { 20 });
        let actions = group.handle(due + late, Event::AdvertisementTimer);
        assert!(actions.advertise.is_some());
        announced.extend(actions.announce.then_some(second));
    }
    // What was claimed since the last time is not forgotten, and not made up for twice.
    assert_eq!(announced, [0, 10, 20]);
}

#[test]
fn an_address_that_was_announced_for_another_reason_is_not_announced_again() {
    // With the second advertisement after taking over, and after another MASTER was heard.
    let mut group = master(parameters(1, 0), V4);
    let _ = tick(&mut group);
    let _ = group.handle(group.advertisement_due().unwrap(), Event::AddressClaimed);
    let announced = [(); 3].map(|()| tick(&mut group).1.announce);
    assert_eq!(announced, [true, false, false]);
    let now = group.advertisement_due().unwrap();
    let _ = group.handle(now, Event::AddressClaimed);
    assert!(group.handle(now, hear(1, 1)).announce);
    let announced = [(); 4].map(|()| tick(&mut group).1.announce);
    assert_eq!(announced, [false, true, false, false]);
}

#[test]
fn another_master_is_answered_once_between_two_advertisements() {
    let mut group = master(parameters(1, 0), V4);
    let _ = tick(&mut group);
    let _ = tick(&mut group);
    let (now, _) = tick(&mut group);

    let due = group.advertisement_due();
    let first = group.handle(now, hear(1, 1));
    assert!(first.advertise.is_some() && first.announce);
    assert_eq!(first.notice, Some(Notice::OtherMaster));
    let second = group.handle(now, hear(1, 1));
    assert!(second.advertise.is_none() && !second.announce);
    assert_eq!(second.notice, Some(Notice::OtherMaster));
    assert_eq!(group.advertisement_due(), due);

    // What it told the neighbours meanwhile is corrected as after a takeover.
    let announced = [(); 3].map(|()| tick(&mut group).1.announce);
    assert_eq!(announced, [false, true, false]);
    let (now, _) = tick(&mut group);
    assert!(group.handle(now, hear(1, 1)).advertise.is_some());
}

#[test]
fn advertisements_keep_their_rhythm() {
    let mut group = master(parameters(1, 128), V4);
    let first = group.advertisement_due().unwrap();
    let interval = advertisement_interval(parameters(1, 128));
    for count in 1..100 {
        let due = group.advertisement_due().unwrap();
        let late = due + Interval::from_micros(count * 97 % 900);
        let actions = group.handle(late, Event::AdvertisementTimer);
        assert!(actions.advertise.is_some());
        assert_eq!(
            group.advertisement_due(),
            Some(first + interval * count),
            "{count}"
        );
    }
}

/// However late, the next advertisement is still to come.
#[test]
fn missed_advertisements_are_not_made_up_for() {
    let interval = advertisement_interval(parameters(1, 0));
    for missed in [1, 2, 10] {
        let mut group = master(parameters(1, 0), V4);
        let late = group.advertisement_due().unwrap() + interval * missed;
        assert!(group
            .handle(late, Event::AdvertisementTimer)
            .advertise
            .is_some());
        assert_eq!(group.advertisement_due(), Some(late + interval));
    }
}

#[test]
fn takes_over_when_both_families_are_silent() {
    let mut group = backup(parameters(1, 0), BOTH);
    for now in [1_000, 2_000, 3_000, 4_000] {
        let _ = group.handle(at(now), hear_v6(1, 0));
        let _ = group.handle(at(now), Event::TimeOutTimer);
        assert_eq!(group.state(), State::Backup);
        assert_eq!(group.time_out_due(), Some(at(now + 3_000)));
    }
    let _ = group.handle(at(5_000), hear(1, 0));
    assert_eq!(group.time_out_due(), Some(at(8_000)));
    let _ = group.handle(at(7_999), Event::TimeOutTimer);
    assert_eq!(group.state(), State::Backup);
    let actions = group.handle(at(8_000), Event::TimeOutTimer);
    assert_eq!(actions.advertise.unwrap().families, BOTH);
}

#[test]
fn a_family_without_addresses_does_not_count() {
    let mut group = backup(parameters(1, 0), V6);
    let _ = group.handle(at(1_000), hear(1, 0));
    assert_eq!(group.time_out_due(), Some(at(3_000)));
    let _ = group.handle(at(2_000), hear_v6(1, 0));
    assert_eq!(group.time_out_due(), Some(at(5_000)));

    // When IPv6 goes, what was heard of IPv4 does.
    let _ = group.handle(at(2_500), conditions(BOTH));
    assert_eq!(group.time_out_due(), Some(at(5_500)));
    let _ = group.handle(at(2_600), hear_v6(1, 0));
    let _ = group.handle(at(2_700), conditions(V4));
    assert_eq!(group.time_out_due(), Some(at(5_500)));
}

#[test]
fn a_bow_out_is_understood_with_every_advbase() {
    for own in [
        parameters(0, 1),
        parameters(1, 0),
        parameters(86, 0),
        parameters(255, 254),
    ] {
        let mut group = backup(own, V4);
        let actions = group.handle(at(1), hear(255, 255));
        assert_eq!(
            actions.transition.unwrap().reason,
            Reason::MasterBowedOut,
            "{own:?}"
        );
    }
}

#[test]
fn a_bow_out_goes_out_in_the_families_that_were_there() {
    let mut group = master(parameters(1, 0), BOTH);
    let gone = Event::Conditions {
        missing: Missing::ADDRESS,
        families: Families::NONE,
    };
    let actions = group.handle(at(9_000), gone);
    let expected = Advertise {
        advbase: 255,
        advskew: 255,
        demote: 0,
        families: BOTH,
        recipients: Recipients::All,
        bow_out: true,
    };
    assert_eq!(actions.advertise, Some(expected));
}

/// With an advbase of 0 anybody with whole seconds would be too slow.
#[test]
fn advbase_0_does_not_take_over_from_slow_masters() {
    let mut group = backup(parameters(0, 1), V4);
    let _ = group.handle(at(1), hear(1, 0));
    assert_eq!(group.state(), State::Backup);
    let due = at(1) + Interval::from_micros(3 * 3_906);
    assert_eq!(group.time_out_due(), Some(due));
}

#[test]
fn a_group_is_since_its_first_conditions() {
    let mut group = Group::new(Parameters::default(), 0);
    assert_eq!(group.reason(), Reason::Created);
    assert_eq!(group.missing(), Missing::ALL);
    let conditions = |missing| Event::Conditions {
        missing,
        families: V4,
    };
    let _ = group.handle(at(100), conditions(Missing::PARENT.union(Missing::VHID)));
    assert_eq!((group.since(), group.reason()), (at(100), Reason::NoVhid));
    let _ = group.handle(at(200), conditions(Missing::PARENT));
    assert_eq!((group.since(), group.reason()), (at(100), Reason::NoParent));
    assert_eq!(group.missing(), Missing::PARENT);
    assert_eq!(group.transitions(), 0);
}

#[test]
fn the_last_advertisement_is_remembered() {
    let mut group = backup(parameters(1, 0), V4);
    assert_eq!(group.last_heard(), None);
    let _ = group.handle(at(500), hear(1, 3));
    let last = group.last_heard().unwrap();
    assert_eq!((last.at, last.heard.advskew), (at(500), 3));
    // An echo is nothing that was heard of another host.
    let counter = group.next_counter();
    let echo = Heard {
        counter,
        from_own_address: true,
        ..heard(1, 9, Source::V4([10, 0, 0, 2]))
    };
    let _ = group.handle(at(600), Event::Heard(echo));
    assert_eq!(group.last_heard(), Some(last));
}

/// Two hosts and what is between them: advertisements that were sent and not
/// yet heard.
struct Pair {
    hosts: [Group; 2],
    sources: [Source; 2],
    /// Receiver and advertisement, in the order of sending.
    flying: Vec<(usize, Recipients, Heard)>,
    /// How often each one sent an advertisement, and how often it announced
    /// its addresses as there was another MASTER.
    sent: [u32; 2],
    corrected: [u32; 2],
}

impl Pair {
    /// Two MASTERs with the same parameters.
    fn new(sources: [Option<[u8; 4]>; 2], seeds: [u64; 2]) -> Self {
        Self::different(sources, seeds.map(|seed| (Parameters::default(), seed)), V4)
    }

    /// Two MASTERs, with addresses in `families`.
    fn different(
        sources: [Option<[u8; 4]>; 2],
        hosts: [(Parameters, u64); 2],
        families: Families,
    ) -> Self {
        let mut pair = Self {
            hosts: hosts.map(|(parameters, seed)| Group::new(parameters, seed)),
            sources: sources.map(|source| Source::V4(source.unwrap_or_default())),
            flying: Vec::new(),
            sent: [0; 2],
            corrected: [0; 2],
        };
        for (host, source) in sources.into_iter().enumerate() {
            let sources = Sources {
                v4: source,
                v6: None,
            };
            pair.event(host, at(0), Event::Sources(sources));
            pair.event(host, at(0), conditions(families));
            pair.event(host, at(4_000), Event::TimeOutTimer);
        }
        pair
    }

    fn event(&mut self, host: usize, now: Instant, event: Event) {
        let actions = self.hosts[host].handle(now, event);
        self.corrected[host] += u32::from(actions.announce && actions.notice.is_some());
        let Some(advertise) = actions.advertise else {
            return;
        };
        self.sent[host] += 1;
        let heard = Heard {
            demote: advertise.demote,
            counter: self.hosts[host].next_counter(),
            ..heard(advertise.advbase, advertise.advskew, self.sources[host])
        };
        self.flying.push((1 - host, advertise.recipients, heard));
    }

    /// Delivers all that is in the air, in the order of sending or against it.
    fn deliver(&mut self, now: Instant, backwards: bool) {
        while !self.flying.is_empty() {
            let next = if backwards { self.flying.len() - 1 } else { 0 };
            let (host, recipients, heard) = self.flying.remove(next);
            if recipients == Recipients::All || self.masters()[host] {
                self.event(host, now, Event::Heard(heard));
            }
        }
    }

    fn masters(&self) -> [bool; 2] {
        [0, 1].map(|host| self.hosts[host].state() == State::Master)
    }
}

#[test]
fn of_two_equal_masters_the_higher_address_stays() {
    for backwards in [false, true] {
        let mut pair = Pair::new([Some([10, 0, 0, 9]), Some([10, 0, 1, 2])], [1, 2]);
        assert_eq!(pair.masters(), [true, true]);
        pair.deliver(at(4_001), backwards);
        assert_eq!(pair.masters(), [false, true]);
        assert_eq!(pair.hosts[0].reason(), Reason::EqualMaster);
    }
}

/// Two MASTERs that were apart, the better one of which speaks first. It
/// learns of the other one by the last advertisement of that, answers once,
/// and that is all.
#[test]
fn a_better_master_that_spoke_first_corrects_the_neighbours() {
    let sources = [Some([10, 0, 0, 9]), Some([10, 0, 1, 2])];
    let hosts = [(parameters(1, 0), 1), (parameters(1, 100), 2)];
    let mut pair = Pair::different(sources, hosts, V4);
    assert_eq!(pair.masters(), [true, true]);
    pair.flying.clear();
    let before = pair.sent;
    let now = pair.hosts[0].advertisement_due().unwrap();
    pair.event(0, now, Event::AdvertisementTimer);
    pair.deliver(now, false);
    assert_eq!(pair.masters(), [true, false]);
    assert_eq!(pair.corrected, [1, 0]);
    // The regular one and the answer; the last one.
    assert_eq!([0, 1].map(|host| pair.sent[host] - before[host]), [2, 1]);
    assert_eq!(pair.hosts.map(|host| host.transitions()), [2, 3]);
}

/// It is as every other one, but for its receiver.
#[test]
fn the_last_advertisement_is_in_the_family_that_was_heard() {
    for (event, families) in [(hear(1, 1), V4), (hear_v6(1, 1), V6)] {
        let mut group = master(parameters(1, 100), BOTH);
        let actions = group.handle(at(5_000), event);
        let expected = Advertise {
            advbase: 1,
            advskew: 100,
            demote: 0,
            families,
            recipients: Recipients::Master,
            bow_out: false,
        };
        assert_eq!(actions.advertise, Some(expected));
        assert!(!actions.announce && actions.notice.is_none());
    }
}

/// Hosts without an address of their own all send from 0.0.0.0.
#[test]
fn of_two_equal_masters_with_one_address_one_stays() {
    for seeds in [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]] {
        for backwards in [false, true] {
            let mut pair = Pair::new([None; 2], seeds);
            pair.deliver(at(4_001), backwards);
            let masters = pair.masters();
            assert!(masters[0] != masters[1], "{seeds:?} {masters:?}");
        }
    }
}

/// A BSD steps down at every tie. Both are BACKUP then, and would be both
/// MASTER again after the same time-out, for ever.
#[test]
fn after_a_tie_with_a_bsd_the_bsd_comes_back_first() {
    let mut group = master(Parameters::default(), V4);
    let sources = Sources {
        v4: Some([10, 0, 0, 0]),
        v6: None,
    };
    let _ = group.handle(at(3_000), Event::Sources(sources));
    let _ = group.handle(at(3_001), hear(1, 0));
    assert_eq!(group.reason(), Reason::EqualMaster);
    let bsd_returns = at(3_001) + time_out(Parameters::default());
    assert!(group.time_out_due().unwrap() > bsd_returns + Interval::from_micros(900_000));
    let _ = group.handle(bsd_returns, hear(1, 0));
    assert_eq!(group.state(), State::Backup);
    // From then on it waits as long as ever.
    let due = bsd_returns + time_out(Parameters::default());
    assert_eq!(group.time_out_due(), Some(due));
}

#[test]
fn counters_go_up_by_one_and_beyond_what_was_heard() {
    let mut group = backup(parameters(1, 0), V4);
    let first = group.next_counter();
    assert_eq!(group.next_counter(), first.wrapping_add(1));
    let far = first.wrapping_add(1 << 40);
    let hear_counter = |counter| {
        Event::Heard(Heard {
            counter,
            ..heard(1, 0, Source::V4([10, 0, 0, 1]))
        })
    };
    let _ = group.handle(at(1), hear_counter(far));
    let next = group.next_counter();
    assert!((2..=257).contains(&next.wrapping_sub(far)), "{next} {far}");
    // Behind: no reason to jump.
    let _ = group.handle(at(2), hear_counter(far));
    assert_eq!(group.next_counter(), next.wrapping_add(1));
    // Just ahead, though, is where it would go next.
    let _ = group.handle(at(3), hear_counter(next.wrapping_add(2)));
    assert!(group.next_counter().wrapping_sub(next) > 3);
    // Across the wrap, to which these lead from anywhere.
    for counter in [1 << 62, 1 << 63, 3 << 62, u64::MAX] {
        let _ = group.handle(at(4), hear_counter(counter));
    }
    assert!(group.next_counter() < 257);
}

/// Whoever leads a counter once around all numbers does not get it to meet
/// one that was heard.
#[test]
fn counters_that_were_heard_are_passed_over() {
    for seed in 0..64 {
        let mut group = Group::new(Parameters::default(), seed);
        let _ = group.handle(at(0), conditions(V4));
        let sent = group.next_counter();
        let met = sent.wrapping_add(100);
        let mut hear_counter = |counter| {
            // Repeated, which must not make it forget the first one.
            for _ in 0..20 {
                let event = Heard {
                    counter,
                    ..heard(1, 0, Source::V4([10, 0, 0, 1]))
                };
                let _ = group.handle(at(1), Event::Heard(event));
            }
        };
        hear_counter(met);
        for quarter in 1..4 {
            hear_counter(met.wrapping_add(quarter << 62));
        }
        hear_counter(sent.wrapping_sub(300));
        for _ in 0..1_000 {
            let counter = group.next_counter();
            assert_ne!(counter, met, "{seed}");
            if counter == met.wrapping_add(1) {
                break;
            }
        }
    }
}

/// Nor one of those that were sent last.
#[test]
fn counters_that_were_sent_are_passed_over() {
    for seed in 0..512 {
        let mut group = Group::new(Parameters::default(), seed);
        let _ = group.handle(at(0), conditions(V4));
        let sent = group.next_counter();
        let around = (1..4).map(|quarter| sent.wrapping_add(quarter << 62));
        for counter in around.chain([sent.wrapping_sub(130)]) {
            let event = Heard {
                counter,
                ..heard(1, 0, Source::V4([10, 0, 0, 1]))
            };
            let _ = group.handle(at(1), Event::Heard(event));
        }
        // As many as are remembered with the first one.
        for _ in 0..15 {
            assert_ne!(group.next_counter(), sent, "{seed}");
        }
    }
}

#[test]
fn hosts_that_hear_the_same_do_not_send_the_same() {
    let mut next: Vec<_> = (0..8)
        .map(|seed| {
            let mut group = Group::new(Parameters::default(), seed);
            let _ = group.handle(at(0), conditions(V4));
            // Several, to be ahead of wherever it started.
            for counter in [1 << 62, 1 << 63, 3 << 62] {
                let event = Heard {
                    counter,
                    ..heard(1, 0, Source::V4([10, 0, 0, 1]))
                };
                let _ = group.handle(at(1), Event::Heard(event));
            }
            group.next_counter()
        })
        .collect();
    next.sort_unstable();
    next.dedup();
    assert!(next.len() > 4, "{next:x?}");
}

#[test]
fn echoes_of_the_last_16_are_known() {
    let mut group = master(parameters(1, 0), V4);
    let counters: Vec<_> = (0..17).map(|_| group.next_counter()).collect();
    let echo = |counter, from_own_address| {
        Event::Heard(Heard {
            counter,
            from_own_address,
            ..heard(1, 0, Source::V4([10, 0, 0, 1]))
        })
    };
    for counter in &counters[1..] {
        let actions = group.handle(at(4_000), echo(*counter, true));
        assert_eq!(actions.discard, Some(Discard::OwnEcho));
        assert_eq!(group.state(), State::Master);
    }
    let forgotten = group
        .clone()
        .handle(at(4_000), echo(counters[0], true))
        .discard;
    assert_eq!(forgotten, None);
    // From another address it is no echo.
    let foreign = group.handle(at(4_000), echo(counters[16], false)).discard;
    assert_eq!(foreign, None);
}

#[test]
fn ipv4_decides_a_tie_where_there_is_ipv4() {
    let mut group = master(parameters(1, 0), BOTH);
    let sources = Sources {
        v4: Some([10, 0, 0, 9]),
        v6: Some([0x20; 16]),
    };
    let _ = group.handle(at(3_000), Event::Sources(sources));
    let actions = group.handle(at(3_001), hear_v6(1, 0));
    assert_eq!(actions.notice, Some(Notice::OtherMaster));
    let actions = group.handle(at(3_002), hear(1, 0));
    assert_eq!(actions.notice, Some(Notice::Tie));
}

#[test]
fn equal_in_the_tie_break_family_of_ipv6_groups() {
    let mut group = master(parameters(1, 0), V6);
    let sources = Sources {
        v4: Some([255; 4]),
        v6: Some([0x20; 16]),
    };
    let _ = group.handle(at(3_000), Event::Sources(sources));
    // IPv4 does not decide in a group without IPv4 addresses.
    let actions = group.handle(at(3_001), hear(1, 0));
    assert_eq!(actions.notice, Some(Notice::OtherMaster));
    let lower = Heard {
        source: Source::V6([0x1f; 16]),
        ..heard(1, 0, Source::V6([0; 16]))
    };
    let actions = group.handle(at(3_002), Event::Heard(lower));
    assert_eq!(actions.notice, Some(Notice::Tie));
    let higher = Heard {
        source: Source::V6([0x21; 16]),
        ..lower
    };
    let actions = group.handle(at(3_003), Event::Heard(higher));
    assert_eq!(actions.transition.unwrap().reason, Reason::EqualMaster);
}

#[test]
fn who_stepped_down_hears_out_an_interval_before_taking_over_again() {
    let bid = |demote| {
        Event::Heard(Heard {
            demote,
            ..heard(1, 0, Source::V4([10, 0, 0, 1]))
        })
    };
    let later = |interval| at(0) + time_out(parameters(1, 1)) + Interval::from_micros(interval);
    let mut stepped_down = master(parameters(1, 1), V4);
    let _ = stepped_down.handle(later(0), bid(0));
    assert_eq!(stepped_down.reason(), Reason::BetterMaster);

    let interval = advertisement_interval(parameters(1, 1)).as_micros();
    let mut group = stepped_down.clone();
    let _ = group.handle(later(interval - 1), bid(1));
    assert_eq!(group.state(), State::Backup);
    let _ = group.handle(later(interval), bid(1));
    assert_eq!(group.reason(), Reason::MasterDemoted);

    // Nobody else is there after a bow-out.
    let mut group = stepped_down;
    let _ = group.handle(later(0), hear(255, 255));
    assert_eq!(group.reason(), Reason::MasterBowedOut);
}
