// SPDX-License-Identifier: GPL-2.0

//! The two timers of a group: the MASTER's and the BACKUP's.
//!
//! Pure, may be used in any context: a timer here is the point in time at
//! which something is due; whoever has a clock looks at it then. Sources of
//! the lengths: `Documentation/protocol.md`, "Timers".

use super::{
    family::{
        Families,
        Family, //
    },
    pace::Pace,
    parameters::Parameters,
    time::{
        Instant,
        Interval, //
    }, //
};

/// The time from one advertisement of a MASTER with `parameters` to the next:
/// advbase seconds and advskew 1/256 seconds.
pub fn advertisement_interval(parameters: Parameters) -> Interval {
    seconds(parameters) + skew(parameters)
}

/// The time without an advertisement after which a BACKUP with `parameters`
/// takes over: 3 advbase seconds and advskew 1/256 seconds; with an advbase of
/// 0, three advertisement intervals.
pub fn time_out(parameters: Parameters) -> Interval {
    if parameters.advbase() == 0 {
        skew(parameters) * 3
    } else {
        seconds(parameters) * 3 + skew(parameters)
    }
}

/// advbase.
fn seconds(parameters: Parameters) -> Interval {
    Interval::from_micros(u64::from(parameters.advbase()) * 1_000_000)
}

/// advskew, in whole microseconds as all implementations have it.
fn skew(parameters: Parameters) -> Interval {
    Interval::from_micros(u64::from(parameters.advskew()) * 1_000_000 / 256)
}

/// What a BACKUP waits for: until when the silence of each family is borne.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    v4: Instant,
    v6: Instant,
}

impl Silence {
    /// Bears the silence of both families until `until`.
    pub(super) const fn until(until: Instant) -> Self {
        Self {
            v4: until,
            v6: until,
        }
    }

    /// Bears the silence of `family` until `until`.
    pub(super) fn extend(&mut self, family: Family, until: Instant) {
        match family {
            Family::V4 => self.v4 = until,
            Family::V6 => self.v6 = until,
        }
    }

    /// When the last one of `families` has been silent for too long. As long
    /// as one is heard there is a MASTER, and taking over would make a second.
    pub(super) fn due(&self, families: Families) -> Instant {
        match families {
            Families {
                v4: true,
                v6: false,
            } => self.v4,
            Families {
                v4: false,
                v6: true,
            } => self.v6,
            _ => self.v4.max(self.v6),
        }
    }
}

/// How many scheduled advertisements after taking over the addresses are
/// announced again.
const ANNOUNCE_AGAIN_AFTER: u8 = 2;

/// Who goes on claiming an address is not told otherwise more often than this, which is the
/// `DEFEND_INTERVAL` of RFC 5227 (section 1.1). A host that follows it gives up after two; two
/// that do not both announce once in this time.
const DEFENCE_PAUSE: Interval = Interval::from_micros(10_000_000);

/// What a MASTER has to do, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    due: Instant,
    /// Scheduled advertisements up to the one with which the addresses are
    /// announced again; 0 if they need not be.
    announce_in: u8,
    /// Was another MASTER answered since the last scheduled advertisement?
    answered: bool,
    /// Has another host claimed an address since the addresses were last announced for that?
    claimed: bool,
    defence: Pace,
}

impl Schedule {
    /// The schedule of a host that became MASTER, advertised and announced
    /// just now; the next advertisement is `due` later.
    pub(super) const fn new(due: Instant) -> Self {
        Self {
            due,
            announce_in: ANNOUNCE_AGAIN_AFTER,
            answered: false,
            claimed: false,
            defence: Pace::one_in(DEFENCE_PAUSE),
        }
    }

    /// When the next advertisement is due.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// Puts the next advertisement off until `due`, as one was sent now.
    pub(super) fn restart(&mut self, due: Instant) {
        self.due = due;
    }

    /// Takes note that the scheduled advertisement is sent at `now`, the ones
    /// after it to follow at every `interval`. Says whether the addresses are
    /// to be announced with it.
    pub(super) fn advertise(&mut self, now: Instant, interval: Interval) -> bool {
        // Keeps the rhythm if the timer was a little late; but what was missed
        // altogether is not made up for.
        let due = self.due;
        let next = due + interval;
        self.due = if next > now { next } else { now + interval };
        self.answered = false;
        // How late it is now is chance, and none of the pause.
        let defends = self.claimed && self.defence.allows(due);
        let announce = self.announce_in == 1 || defends;
        self.claimed &= !announce;
        self.announce_in = self.announce_in.saturating_sub(1);
        announce
    }

    /// Takes note that another host claims an address: all are announced with the next
    /// scheduled advertisement that may. Not at once, as who claims one often claims others
    /// with it, and what was said last counts.
    pub(super) fn defend(&mut self) {
        self.claimed = true;
    }

    /// Asks whether another MASTER that was heard is to be answered with an
    /// advertisement and an announcement out of turn: once between two
    /// scheduled advertisements, so that hosts cannot drive each other.
    pub(super) fn answer(&mut self) -> bool {
        if self.answered {
            return false;
        }
        self.answered = true;
        self.claimed = false;
        // The other one announces too, maybe after this host's answer.
        self.announce_in = ANNOUNCE_AGAIN_AFTER;
        true
    }
}
