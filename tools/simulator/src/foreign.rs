// SPDX-License-Identifier: GPL-2.0

//! The elections of the BSDs, as far as they differ from ours: what our hosts
//! meet on mixed segments.
//!
//! Written from the rules in `Documentation/protocol.md`, not translated from
//! any BSD's source. No digests and no counters here, so that the model
//! checker can use the same code; `foreign_station.rs` adds them.

use carp_proto::{Family, Instant, Interval, State};

/// Whose rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// FreeBSD and NetBSD: demotion is added to advskew, no bow-out.
    FreeBsd,
    /// OpenBSD 7.8: demotion on the wire and compared first, bow-out, and a
    /// time-out of three whole intervals.
    OpenBsd,
}

/// What is announced: a better one is smaller, except for demotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Seconds.
    pub advbase: u8,
    /// 1/256 seconds.
    pub advskew: u8,
    /// OpenBSD's demotion.
    pub demote: u8,
}

impl Claim {
    /// What a host that leaves announces.
    pub const BOW_OUT: Self = Self {
        advbase: 255,
        advskew: 255,
        demote: 0,
    };

    fn rank(self) -> (u32, u8) {
        (u32::from(self.advbase), self.advskew)
    }
}

/// What happens to the host.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// Everything needed is there: INIT to BACKUP.
    Start,
    /// Taken down by its user.
    Stop,
    /// The link is gone: INIT at once, nothing can be sent.
    LinkLost,
    /// A valid advertisement came in.
    Heard(Family, Claim),
    /// Time to look at the timers.
    Timer,
    /// The demotion has changed.
    Demote(u8),
}

/// What the host does about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Sends this in each of its families.
    pub send: Option<Claim>,
    /// Changed from this state to that one.
    pub transition: Option<(State, State)>,
}

/// One group on one BSD host.
#[derive(Clone, Debug)]
pub struct Foreign {
    kind: Kind,
    advbase: u8,
    advskew: u8,
    demote: u8,
    preempt: bool,
    families: Vec<Family>,
    state: State,
    advertise_at: Option<Instant>,
    /// In the order of `families`.
    time_out_at: Vec<Option<Instant>>,
}

impl Foreign {
    /// A host in INIT.
    pub fn new(kind: Kind, advbase: u8, advskew: u8, preempt: bool, families: &[Family]) -> Self {
        Self {
            kind,
            advbase,
            advskew,
            demote: 0,
            preempt,
            families: families.to_vec(),
            state: State::Init,
            advertise_at: None,
            time_out_at: vec![None; families.len()],
        }
    }

    /// The state now.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whose rules this host follows.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The families it advertises in.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// When the next advertisement is due, as MASTER.
    pub fn advertisement_due(&self) -> Option<Instant> {
        self.advertise_at
    }

    /// When each family's time-out is due, as BACKUP.
    pub fn time_outs_due(&self) -> &[Option<Instant>] {
        &self.time_out_at
    }

    /// The next time at which [`Input::Timer`] does something.
    pub fn due(&self) -> Option<Instant> {
        let time_outs = self.time_out_at.iter().flatten();
        time_outs.chain(&self.advertise_at).min().copied()
    }

    /// Lets something happen.
    pub fn handle(&mut self, now: Instant, input: Input) -> Output {
        match input {
            Input::Start if self.state == State::Init => self.become_backup(now),
            Input::Start => Output::default(),
            Input::Stop => self.stop(self.kind == Kind::OpenBsd),
            Input::LinkLost => self.stop(false),
            Input::Heard(family, heard) => self.hear(now, family, heard),
            Input::Timer => self.look_at_timers(now),
            Input::Demote(demote) => {
                self.demote = demote;
                Output {
                    send: (self.state == State::Master).then(|| self.claim()),
                    transition: None,
                }
            }
        }
    }

    /// What it announces, and compares with what it hears.
    fn claim(&self) -> Claim {
        let raised = u16::from(self.advskew) + u16::from(self.demote);
        match self.kind {
            Kind::FreeBsd => Claim {
                advbase: self.advbase,
                advskew: u8::try_from(raised.min(240)).unwrap_or(240),
                demote: 0,
            },
            Kind::OpenBsd => Claim {
                advbase: self.advbase,
                advskew: self.advskew,
                demote: self.demote,
            },
        }
    }

    fn hear(&mut self, now: Instant, family: Family, heard: Claim) -> Output {
        let own = self.claim();
        match self.state {
            State::Init => Output::default(),
            State::Backup if self.takes_over(own, heard) => self.become_master(now),
            State::Backup => {
                self.arm_time_out(now, family);
                Output::default()
            }
            State::Master if self.steps_down(own, heard) => self.become_backup(now),
            State::Master => Output::default(),
        }
    }

    fn takes_over(&self, own: Claim, heard: Claim) -> bool {
        let better = self.preempt && own.rank() < heard.rank();
        let too_slow = (3 * own.rank().0, own.rank().1) < heard.rank();
        match self.kind {
            Kind::FreeBsd => better || too_slow,
            Kind::OpenBsd => {
                (better && heard.demote >= own.demote)
                    || heard.demote > own.demote
                    || (too_slow && self.advbase != 0)
            }
        }
    }

    /// Both step down at a tie as well.
    fn steps_down(&self, own: Claim, heard: Claim) -> bool {
        let not_better = own.rank() >= heard.rank();
        match self.kind {
            Kind::FreeBsd => not_better,
            Kind::OpenBsd => {
                (not_better && heard.demote <= own.demote) || heard.demote < own.demote
            }
        }
    }

    fn look_at_timers(&mut self, now: Instant) -> Output {
        if self.time_out_at.iter().flatten().any(|&at| at <= now) {
            return self.become_master(now);
        }
        if self.advertise_at.is_some_and(|at| at <= now) {
            let claim = self.claim();
            self.advertise_at = Some(after(now, claim.advbase, claim.advskew));
            return Output {
                send: Some(claim),
                transition: None,
            };
        }
        Output::default()
    }

    fn become_master(&mut self, now: Instant) -> Output {
        let from = self.enter(State::Master);
        // FreeBSD waits its first interval without the demotion.
        self.advertise_at = Some(after(now, self.advbase, self.advskew));
        Output {
            send: Some(self.claim()),
            transition: Some((from, State::Master)),
        }
    }

    fn become_backup(&mut self, now: Instant) -> Output {
        let from = self.enter(State::Backup);
        for family in self.families.clone() {
            self.arm_time_out(now, family);
        }
        Output {
            send: None,
            transition: Some((from, State::Backup)),
        }
    }

    fn stop(&mut self, bow_out: bool) -> Output {
        let from = self.enter(State::Init);
        Output {
            send: (bow_out && from == State::Master).then_some(Claim::BOW_OUT),
            transition: (from != State::Init).then_some((from, State::Init)),
        }
    }

    fn enter(&mut self, state: State) -> State {
        self.advertise_at = None;
        self.time_out_at.fill(None);
        std::mem::replace(&mut self.state, state)
    }

    fn arm_time_out(&mut self, now: Instant, family: Family) {
        let base = 3 * u64::from(self.advbase) * 1_000_000;
        let skew = skew_micros(self.advskew);
        let micros = match self.kind {
            Kind::FreeBsd => base + skew,
            Kind::OpenBsd => base + 3 * skew,
        };
        let index = self.families.iter().position(|&known| known == family);
        if let Some(index) = index {
            self.time_out_at[index] = Some(later(now, micros.max(3_906)));
        }
    }
}

fn skew_micros(advskew: u8) -> u64 {
    u64::from(advskew) * 1_000_000 / 256
}

fn after(now: Instant, advbase: u8, advskew: u8) -> Instant {
    let micros = u64::from(advbase) * 1_000_000 + skew_micros(advskew);
    later(now, micros.max(3_906))
}

fn later(now: Instant, micros: u64) -> Instant {
    now + Interval::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    fn started(kind: Kind, advskew: u8, preempt: bool) -> Foreign {
        let mut host = Foreign::new(kind, 1, advskew, preempt, &[Family::V4]);
        assert!(host.handle(at(0), Input::Start).send.is_none());
        host
    }

    fn master(kind: Kind, advskew: u8) -> Foreign {
        let mut host = started(kind, advskew, false);
        let due = host.due().expect("armed");
        assert!(host.handle(due, Input::Timer).send.is_some());
        assert_eq!(host.state(), State::Master);
        host
    }

    fn hear(host: &mut Foreign, advskew: u8, demote: u8) -> State {
        let claim = Claim {
            advbase: 1,
            advskew,
            demote,
        };
        host.handle(at(SECOND), Input::Heard(Family::V4, claim));
        host.state()
    }

    #[test]
    fn the_time_outs_are_those_of_the_two_formulas() {
        let due = |kind| started(kind, 128, false).due();
        assert_eq!(due(Kind::FreeBsd), Some(at(3 * SECOND + SECOND / 2)));
        assert_eq!(due(Kind::OpenBsd), Some(at(4 * SECOND + SECOND / 2)));
    }

    #[test]
    fn a_tie_makes_both_step_down() {
        for kind in [Kind::FreeBsd, Kind::OpenBsd] {
            assert_eq!(hear(&mut master(kind, 10), 10, 0), State::Backup);
            assert_eq!(hear(&mut master(kind, 10), 11, 0), State::Master);
        }
    }

    #[test]
    fn only_openbsd_compares_demotion_on_the_wire() {
        assert_eq!(
            hear(&mut started(Kind::OpenBsd, 9, false), 0, 1),
            State::Master
        );
        assert_eq!(
            hear(&mut started(Kind::FreeBsd, 9, false), 0, 1),
            State::Backup
        );
        assert_eq!(hear(&mut master(Kind::OpenBsd, 9), 0, 1), State::Master);
    }

    #[test]
    fn freebsd_demotes_by_advskew_up_to_240() {
        let mut host = master(Kind::FreeBsd, 10);
        let sent = host.handle(at(4 * SECOND), Input::Demote(250)).send;
        assert_eq!(sent.map(|claim| claim.advskew), Some(240));
    }

    #[test]
    fn a_bow_out_is_sent_by_openbsd_only_and_obeyed_by_both() {
        let left = |kind| master(kind, 0).handle(at(SECOND), Input::Stop).send;
        assert_eq!(left(Kind::OpenBsd), Some(Claim::BOW_OUT));
        assert_eq!(left(Kind::FreeBsd), None);
        for kind in [Kind::FreeBsd, Kind::OpenBsd] {
            let mut host = started(kind, 200, false);
            host.handle(at(1), Input::Heard(Family::V4, Claim::BOW_OUT));
            assert_eq!(host.state(), State::Master);
        }
    }
}
