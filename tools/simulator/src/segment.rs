// SPDX-License-Identifier: GPL-2.0

//! The segment between the hosts: it loses, delays, reorders, duplicates,
//! echoes, and falls apart.

use carp_proto::{Family, Instant, Interval};

use crate::random::Random;

/// How well the segment works. The default is a perfect one without delay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Probability that a copy of a frame does not arrive.
    pub loss: f64,
    /// Probability that a copy of a frame arrives twice.
    pub duplicate: f64,
    /// Probability that a frame comes back to its sender, as some hypervisor
    /// teams and switches do with multicast.
    pub echo: f64,
    /// What every copy needs at least.
    pub delay: Interval,
    /// What a copy may need in addition, evenly spread.
    pub jitter: Interval,
    /// Whether a frame may overtake an earlier one of the same sender, if the
    /// jitter is longer than their distance.
    pub reorder: bool,
}

impl Default for Quality {
    fn default() -> Self {
        Self {
            loss: 0.0,
            duplicate: 0.0,
            echo: 0.0,
            delay: Interval::ZERO,
            jitter: Interval::ZERO,
            reorder: false,
        }
    }
}

impl Quality {
    /// The longest time from sending to arrival.
    pub fn longest_delay(&self) -> Interval {
        self.delay + self.jitter
    }
}

/// A copy of a frame under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The receiver.
    pub to: usize,
    /// When it arrives.
    pub at: Instant,
}

/// The wiring of a number of hosts.
#[derive(Clone, Debug)]
pub struct Segment {
    /// How well it works.
    pub quality: Quality,
    /// Per host: the island it is on; hosts hear each other within an island.
    islands: Vec<usize>,
    /// Families that the segment drops, say by a filter.
    blocked: Vec<Family>,
    /// Per sender and receiver: when the last copy arrives.
    last: Vec<Vec<Instant>>,
}

impl Segment {
    /// Joins `hosts` hosts.
    pub fn new(hosts: usize, quality: Quality) -> Self {
        Self {
            quality,
            islands: vec![0; hosts],
            blocked: Vec::new(),
            last: vec![vec![Instant::from_nanos(0); hosts]; hosts],
        }
    }

    /// Moves a host to an island.
    pub fn place(&mut self, host: usize, island: usize) {
        self.islands[host] = island;
    }

    /// Puts all hosts on one island.
    pub fn heal(&mut self) {
        self.islands.fill(0);
    }

    /// The island a host is on.
    pub fn island(&self, host: usize) -> usize {
        self.islands[host]
    }

    /// Lets a family pass again or drops it.
    pub fn set_blocked(&mut self, family: Family, blocked: bool) {
        self.blocked.retain(|&other| other != family);
        if blocked {
            self.blocked.push(family);
        }
    }

    /// Whether a frame gets from one host to the other now.
    pub fn connects(&self, from: usize, to: usize, family: Family) -> bool {
        self.islands[from] == self.islands[to] && !self.blocked.contains(&family)
    }

    /// What becomes of a frame: the copies that will arrive.
    pub fn carry(
        &mut self,
        random: &mut Random,
        now: Instant,
        from: usize,
        family: Family,
    ) -> Vec<Copy> {
        let mut copies = Vec::new();
        for to in 0..self.islands.len() {
            if !self.connects(from, to, family) {
                continue;
            }
            if to == from && !random.chance(self.quality.echo) {
                continue;
            }
            if random.chance(self.quality.loss) {
                continue;
            }
            copies.push(self.copy(random, now, from, to));
            if random.chance(self.quality.duplicate) {
                copies.push(self.copy(random, now, from, to));
            }
        }
        copies
    }

    fn copy(&mut self, random: &mut Random, now: Instant, from: usize, to: usize) -> Copy {
        let jitter = random.below(self.quality.jitter.as_nanos() + 1);
        let mut at = now + self.quality.delay + Interval::from_nanos(jitter);
        let last = &mut self.last[from][to];
        if !self.quality.reorder {
            at = at.max(*last);
        }
        *last = at.max(*last);
        Copy { to, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carry(segment: &mut Segment, times: usize) -> Vec<Copy> {
        let mut random = Random::new(7);
        (0..times)
            .flat_map(|_| segment.carry(&mut random, Instant::from_nanos(100), 0, Family::V4))
            .collect()
    }

    #[test]
    fn a_perfect_segment_delivers_once_to_each_other_host() {
        let mut segment = Segment::new(3, Quality::default());
        let at = Instant::from_nanos(100);
        assert_eq!(
            carry(&mut segment, 1),
            [Copy { to: 1, at }, Copy { to: 2, at }]
        );
    }

    #[test]
    fn every_defect_happens_with_its_probability() {
        let quality = Quality {
            loss: 0.5,
            duplicate: 0.5,
            echo: 0.5,
            delay: Interval::from_nanos(10),
            jitter: Interval::from_nanos(5),
            reorder: true,
        };
        let copies = carry(&mut Segment::new(2, quality), 10_000);
        let echoes = copies.iter().filter(|copy| copy.to == 0).count();
        let others = copies.len() - echoes;
        // 10000 * 0.5 * 1.5, and half of that for the echoes.
        assert!((7_200..7_800).contains(&others), "{others}");
        assert!((3_500..4_000).contains(&echoes), "{echoes}");
        for nanos in 110..=115 {
            let at = Instant::from_nanos(nanos);
            assert!(copies.iter().any(|copy| copy.at == at), "{nanos}");
        }
        assert!(copies
            .iter()
            .all(|copy| (110..=115).contains(&copy.at.as_nanos())));
    }

    #[test]
    fn frames_overtake_each_other_only_if_they_may() {
        for reorder in [false, true] {
            let quality = Quality {
                jitter: Interval::from_nanos(100),
                reorder,
                ..Quality::default()
            };
            let copies = carry(&mut Segment::new(2, quality), 100);
            let sorted = copies.windows(2).all(|pair| pair[0].at <= pair[1].at);
            assert_eq!(sorted, !reorder);
        }
    }

    #[test]
    fn islands_and_filters_separate() {
        let mut segment = Segment::new(3, Quality::default());
        segment.place(1, 1);
        assert_eq!(carry(&mut segment, 1).len(), 1);
        segment.heal();
        assert_eq!(carry(&mut segment, 1).len(), 2);
        segment.set_blocked(Family::V4, true);
        assert!(carry(&mut segment, 1).is_empty());
        segment.set_blocked(Family::V4, false);
        assert_eq!(carry(&mut segment, 1).len(), 2);
    }
}
