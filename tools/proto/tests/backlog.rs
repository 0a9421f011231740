// SPDX-License-Identifier: GPL-2.0

//! Nothing that happened is told twice, out of order, or left out unnoticed.

use carp_proto::{Backlog, Instant, Interval, Pace};
use proptest::prelude::*;

#[test]
fn tells_in_the_order_in_which_it_happened() {
    let mut backlog = Backlog::<_, 3>::new();
    assert!(backlog.is_empty());
    assert_eq!(backlog.pop(), None);
    backlog.push("a");
    backlog.push("b");
    assert!(!backlog.is_empty());
    assert_eq!(backlog.last(), Some(&"b"));
    assert_eq!(backlog.pop(), Some(("a", 0)));
    assert_eq!(backlog.last(), Some(&"b"));
    assert_eq!(backlog.pop(), Some(("b", 0)));
    assert_eq!(backlog.last(), None);
    assert_eq!(backlog.pop(), None);
}

#[test]
fn loses_the_oldest_and_says_how_many() {
    let mut backlog = Backlog::<_, 3>::new();
    (0..8).for_each(|number| backlog.push(number));
    assert_eq!(backlog.last(), Some(&7));
    assert_eq!(backlog.pop(), Some((5, 5)));
    assert_eq!(backlog.pop(), Some((6, 0)));
    backlog.push(8);
    assert_eq!(backlog.pop(), Some((7, 0)));
    assert_eq!(backlog.pop(), Some((8, 0)));
    assert!(backlog.is_empty());
}

proptest! {
    /// Numbered by who is told, each entry has the number that it would have had if
    /// nothing was lost.
    #[test]
    fn numbers_have_gaps_exactly_where_something_was_lost(pushes in prop::collection::vec(0..12_u32, 0..20)) {
        let mut backlog = Backlog::<u32, 4>::new();
        let (mut happened, mut told) = (0, 0);
        for push in pushes {
            for _ in 0..push {
                backlog.push(happened);
                happened += 1;
            }
            while let Some((entry, lost)) = backlog.pop() {
                told += lost;
                prop_assert_eq!(entry, told);
                told += 1;
            }
            prop_assert_eq!(told, happened);
            prop_assert!(backlog.is_empty());
        }
    }
}

#[test]
fn a_pace_lets_one_pass_in_each_pause() {
    let at = Instant::from_nanos;
    let mut pace = Pace::one_in(Interval::from_nanos(10));
    assert!(pace.allows(at(5)));
    assert!(!pace.allows(at(5)));
    assert!(!pace.allows(at(14)));
    assert!(pace.allows(at(15)));
    assert!(!pace.allows(at(24)));
    assert!(pace.allows(at(100)));
}
