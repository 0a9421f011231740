// SPDX-License-Identifier: GPL-2.0

//! How long a fault is felt, against what the protocol's time-outs promise.

use carp_proto::{Interval, Parameters};
use carp_simulator::configuration::Configuration;
use carp_simulator::drill::{advertisement_interval, time_out, Drill};
use carp_simulator::observer::Observer;
use carp_simulator::segment::Quality;

const SEEDS: u64 = 60;

/// (advbase, advskew) of the hosts of one segment; the first is the best.
const SEGMENTS: [&[(u32, u32)]; 6] = [
    &[(1, 0), (1, 100)],
    &[(1, 0), (1, 0)],
    &[(1, 50), (1, 100), (1, 200)],
    &[(0, 1), (0, 2)],
    &[(2, 10), (3, 20), (5, 0)],
    &[(1, 0), (1, 0), (1, 0)],
];

/// At most this much delay in both of these; less than the shortest
/// advertisement interval, 1/256 s.
fn qualities() -> [Quality; 2] {
    let exact = Quality {
        delay: Interval::from_micros(200),
        ..Quality::default()
    };
    let jittery = Quality {
        jitter: Interval::from_micros(800),
        duplicate: 0.2,
        echo: 0.2,
        ..exact
    };
    [exact, jittery]
}

fn each(drill: Drill, mut check: impl FnMut(&[Configuration], Quality, Observer, u64)) {
    for segment in SEGMENTS {
        for quality in qualities() {
            for preempt in [false, true] {
                for seed in 0..SEEDS {
                    let host =
                        |&(advbase, advskew)| Configuration::new(advbase, advskew).preempt(preempt);
                    let mut hosts: Vec<Configuration> = segment.iter().map(host).collect();
                    if seed % 2 == 1 {
                        hosts = hosts.into_iter().map(Configuration::dual_stack).collect();
                    }
                    let observer = drill
                        .run(seed, quality, &hosts)
                        .unwrap_or_else(|| panic!("{segment:?} seed {seed}: did not settle"));
                    assert!(!observer.none.present(), "{segment:?} seed {seed}");
                    assert!(!observer.two.present(), "{segment:?} seed {seed}");
                    check(&hosts, quality, observer, seed);
                }
            }
        }
    }
}

fn parameters(hosts: &[Configuration]) -> impl Iterator<Item = Parameters> + '_ {
    hosts.iter().map(|host| host.parameters)
}

#[test]
fn a_silent_death_is_felt_for_one_time_out() {
    let mut longest = Interval::ZERO;
    each(Drill::Death, |hosts, quality, observer, seed| {
        let slowest = parameters(hosts).map(time_out).max().expect("hosts");
        let bound = slowest + quality.longest_delay();
        let felt = observer.none.total();
        assert!(felt <= bound, "{hosts:?} seed {seed}: {felt:?} > {bound:?}");
        assert_eq!(observer.none.episodes(), 1, "{hosts:?} seed {seed}");
        // Several BACKUPs may take over within a delay of each other.
        let two = observer.two.total();
        let bound = quality.longest_delay() * 2;
        assert!(two <= bound, "{hosts:?} seed {seed}: two for {two:?}");
        longest = longest.max(felt);
    });
    // The bound is not empty: some run came near the 3 * 5 s of its segment.
    assert!(longest > Interval::from_micros(2_500_000), "{longest:?}");
}

#[test]
fn a_polite_leave_is_felt_for_one_delay() {
    each(Drill::Leave, |hosts, quality, observer, seed| {
        let felt = observer.none.total();
        let bound = quality.longest_delay();
        assert!(felt <= bound, "{hosts:?} seed {seed}: {felt:?}");
        let two = observer.two.total();
        let bound = quality.longest_delay() * 2;
        assert!(two <= bound, "{hosts:?} seed {seed}: two for {two:?}");
    });
}

#[test]
fn a_lost_link_is_felt_like_a_death() {
    each(Drill::LinkLost, |hosts, quality, observer, seed| {
        let slowest = parameters(hosts).map(time_out).max().expect("hosts");
        let bound = slowest + quality.longest_delay();
        let felt = observer.none.total();
        assert!(felt <= bound, "{hosts:?} seed {seed}: {felt:?} > {bound:?}");
    });
}

#[test]
fn a_host_that_returns_is_hardly_felt() {
    each(Drill::Return, |hosts, quality, observer, seed| {
        // With preempt both are MASTER until the old one hears the new one.
        let bound = quality.longest_delay();
        let two = observer.two.total();
        assert!(two <= bound, "{hosts:?} seed {seed}: two for {two:?}");
        assert_eq!(observer.none.episodes(), 0, "{hosts:?} seed {seed}");
    });
}

#[test]
fn two_masters_after_a_heal_last_one_advertisement_interval() {
    for drill in [Drill::Heal, Drill::HealBackup] {
        each(drill, |hosts, quality, observer, seed| {
            // Whoever speaks first is heard within its interval; if it is the
            // worse one, the better one answers at once.
            let slowest = parameters(hosts).map(advertisement_interval).max();
            let bound = slowest.expect("hosts") + quality.longest_delay() * 2;
            let two = observer.two.total();
            assert!(two <= bound, "{hosts:?} seed {seed}: {two:?} > {bound:?}");
            assert_eq!(observer.none.episodes(), 0, "{hosts:?} seed {seed}");
        });
    }
}
