// SPDX-License-Identifier: GPL-2.0

//! Which counters are not sent, since they were heard.

use carp_proto::{Event, Families, Family, Group, Heard, Instant, Missing, Parameters, Source};

/// A BACKUP that hears these counters one after the other; the next one that it would send.
fn next_after(heard: impl IntoIterator<Item = u64>) -> u64 {
    let start = Instant::from_nanos(0);
    let mut group = Group::new(Parameters::default(), 0);
    let conditions = Event::Conditions {
        missing: Missing::NONE,
        families: Families {
            v4: true,
            v6: false,
        },
    };
    let _ = group.handle(start, conditions);
    for counter in heard {
        let actions = group.handle(
            start,
            Event::Heard(Heard {
                family: Family::V4,
                advbase: 1,
                advskew: 0,
                demote: 0,
                counter,
                source: Source::V4([192, 0, 2, 2]),
                from_own_address: false,
            }),
        );
        assert_eq!(actions.discard, None);
    }
    group.next_counter()
}

/// A host that repeats itself, as OpenBSD's do, is remembered from when it was heard last,
/// however many others were heard since it was heard first.
#[test]
fn a_counter_that_was_heard_again_is_not_sent() {
    const QUARTER: u64 = 1 << 62;
    let own = next_after([]);
    // Those of others are behind, so that nobody goes on from them.
    let others = (0..15).map(|n| own.wrapping_sub(QUARTER / 2 + n));
    // By way of these, each ahead of the one before, to just before where it began.
    let around = [1, 2, 3].map(|n| own.wrapping_add((QUARTER - 1_000) * n));
    let repeated = next_after(others.clone().chain(around));
    assert!(own.wrapping_sub(repeated) < u64::MAX / 2, "behind");
    let history = [repeated]
        .into_iter()
        .chain(others)
        .chain([repeated])
        .chain(around);
    assert_ne!(next_after(history), repeated);
}
