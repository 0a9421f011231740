// SPDX-License-Identifier: GPL-2.0

//! Looks at all hosts from above: how long were there two MASTERs on an
//! island, how long none?

use carp_proto::{Instant, Interval, State};

/// A kind of trouble, measured over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    since: Option<Instant>,
    total: u64,
    longest: u64,
    episodes: u32,
}

impl Trouble {
    fn note(&mut self, now: Instant, present: bool) {
        match (self.since, present) {
            (None, true) => self.since = Some(now),
            (Some(since), false) => {
                self.since = None;
                let nanos = now.as_nanos() - since.as_nanos();
                // What begins and ends in the same instant was not seen by
                // anyone.
                if nanos > 0 {
                    self.episodes += 1;
                    self.total += nanos;
                    self.longest = self.longest.max(nanos);
                }
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    /// Whether it is there now.
    pub fn present(&self) -> bool {
        self.since.is_some()
    }

    /// How long it was there in all, as far as it has ended.
    pub fn total(&self) -> Interval {
        Interval::from_nanos(self.total)
    }

    /// The longest single time.
    pub fn longest(&self) -> Interval {
        Interval::from_nanos(self.longest)
    }

    /// How often.
    pub fn episodes(&self) -> u32 {
        self.episodes
    }
}

/// What one host looks like from above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The island it is on.
    pub island: usize,
    /// The state of its group.
    pub state: State,
}

/// The measurements of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observer {
    /// Two or more MASTERs that can hear each other.
    pub two: Trouble,
    /// Hosts that run, and no MASTER among those they can hear.
    pub none: Trouble,
}

impl Observer {
    /// Looks at the hosts that are switched on.
    pub fn look(&mut self, now: Instant, views: &[View]) {
        let running = |view: &&View| view.state != State::Init;
        let (mut two, mut none) = (false, false);
        for view in views.iter().filter(running) {
            let masters = masters(views, view.island);
            two |= masters > 1;
            none |= masters == 0;
        }
        self.two.note(now, two);
        self.none.note(now, none);
    }
}

/// How many MASTERs an island has.
pub fn masters(views: &[View], island: usize) -> usize {
    let of_island = views.iter().filter(|view| view.island == island);
    of_island.filter(|view| view.state == State::Master).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn episodes_are_measured_per_island() {
        let mut observer = Observer::default();
        let mut look = |nanos, states: &[(usize, State)]| {
            let view = |&(island, state)| View { island, state };
            let views: Vec<View> = states.iter().map(view).collect();
            observer.look(Instant::from_nanos(nanos), &views);
        };
        look(0, &[(0, State::Init), (0, State::Init)]);
        look(10, &[(0, State::Backup), (0, State::Init)]);
        look(30, &[(0, State::Master), (0, State::Backup)]);
        look(40, &[(0, State::Master), (1, State::Master)]);
        look(50, &[(0, State::Master), (0, State::Master)]);
        look(55, &[(0, State::Master), (0, State::Backup)]);
        look(60, &[(0, State::Master), (1, State::Backup)]);
        look(61, &[(0, State::Master), (0, State::Backup)]);
        assert_eq!(observer.none.total(), Interval::from_nanos(21));
        assert_eq!(observer.none.longest(), Interval::from_nanos(20));
        assert_eq!(observer.none.episodes(), 2);
        assert_eq!(observer.two.total(), Interval::from_nanos(5));
        assert!(!observer.two.present() && !observer.none.present());
    }
}
