// SPDX-License-Identifier: GPL-2.0

//! The counter that makes every advertisement's digest different.
//!
//! Pure, may be used in any context. What a counter means is decided here and
//! nowhere else, so that another policy only replaces this file.
//!
//! To every implementation a counter is an opaque number; none refuses an old
//! one. Freshness cannot be demanded: OpenBSD never changes its counter, and
//! FreeBSD and NetBSD draw a new one for each advertisement until they hear
//! one. Sources: `Documentation/protocol.md`, "Counter".

use super::mix::mix;

/// How many counters are remembered, sent and heard each. More than a network
/// holds back of one sender, and few enough to look through.
const REMEMBERED: usize = 16;

/// The counters of one group on one host.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    last: u64,
    sent: Recent,
    heard: Recent,
    random: Random,
}

impl Counter {
    /// Counters that start anywhere, as drawn from `seed`.
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let last = random.next();
        // As far as can be from those that come.
        let nothing = !last;
        Self {
            last,
            sent: Recent::new(nothing),
            heard: Recent::new(nothing),
            random,
        }
    }

    /// The counter of the advertisement that is sent next: one more than the
    /// last, but not one that was heard, which OpenBSD would take for its own
    /// advertisement and drop, nor one that was sent, to which others could
    /// lead back.
    pub(super) fn next(&mut self) -> u64 {
        self.last = self.last.wrapping_add(1);
        // Each turn passes one of the remembered counters.
        for _ in 0..2 * REMEMBERED {
            if !self.heard.contains(self.last) && !self.sent.contains(self.last) {
                break;
            }
            self.last = self.last.wrapping_add(1);
        }
        self.sent.push(self.last);
        self.last
    }

    /// The counter that was sent last; any other before the first.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Was `counter` sent by this host recently?
    pub(super) fn is_own(&self, counter: u64) -> bool {
        self.sent.contains(counter)
    }

    /// Goes beyond `counter`, which was heard from another host.
    ///
    /// Not by one: all hosts that heard it would go on with the same counter.
    pub(super) fn hear(&mut self, counter: u64) {
        self.heard.push(counter);
        // Ahead by less than half of all numbers, as counters wrap.
        if counter.wrapping_sub(self.last) <= u64::MAX / 2 {
            let step = self.random.next() & 0xff;
            self.last = counter.wrapping_add(1).wrapping_add(step);
        }
    }
}

/// The most recent of a sequence of numbers, each once, the newest first.
#[derive(Clone, Debug)]
struct Recent([u64; REMEMBERED]);

impl Recent {
    /// Full of one number, so that there is no other to be mistaken for.
    const fn new(number: u64) -> Self {
        Self([number; REMEMBERED])
    }

    fn contains(&self, number: u64) -> bool {
        self.0.contains(&number)
    }

    /// Remembers `number` instead of the oldest. One that is remembered already becomes the
    /// newest, so that a sender who repeats itself neither drives out others nor is.
    fn push(&mut self, number: u64) {
        let place = self.0.iter().position(|other| *other == number);
        if let Some(newer) = self.0.get_mut(..=place.unwrap_or(REMEMBERED - 1)) {
            newer.rotate_right(1);
            if let Some(newest) = newer.first_mut() {
                *newest = number;
            }
        }
    }
}

/// Numbers without a pattern that would matter here (SplitMix64, by Steele,
/// Lea and Flood, 2014); no secrets are made of them.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }
}
