// SPDX-License-Identifier: GPL-2.0

//! The state machine of one group on one host.
//!
//! Pure, may be used in any context; the caller sees to it that one event is
//! handled at a time. `Documentation/protocol.md`, "States" and "Ties", has the
//! rules, their sources, and where they differ from the BSDs'.

use core::cmp::Ordering;

use super::{
    counter::Counter,
    discard::Discard,
    election::{
        reason_to_take_over,
        Bid, //
    },
    event::{
        Actions,
        Advertise,
        Event,
        Heard,
        Notice,
        Recipients,
        Transition, //
    },
    family::{
        Families,
        Family,
        Source,
        Sources, //
    },
    parameters::Parameters,
    state::{
        Missing,
        Reason,
        State, //
    },
    time::Instant,
    timers::{
        advertisement_interval,
        time_out,
        Schedule,
        Silence, //
    },
    wire::BOW_OUT, //
};

/// A group on this host.
///
/// # Invariants
///
/// It is in INIT exactly if something is missing, and has virtual addresses in
/// at least one family otherwise.
#[derive(Clone, Debug)]
pub struct Group {
    role: Role,
    reason: Reason,
    since: Instant,
    transitions: u32,
    /// In the order of [`Reason`].
    transitions_by_reason: [u32; Reason::COUNT],
    parameters: Parameters,
    demote: u8,
    preempt: bool,
    missing: Missing,
    families: Families,
    sources: Sources,
    counter: Counter,
    last_heard: Option<LastHeard>,
}

/// A state with what exists in it only.
#[derive(Clone, Copy, Debug)]
enum Role {
    Init,
    Backup(Silence),
    Master(Schedule),
}

/// The last advertisement of another host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LastHeard {
    /// When it was heard.
    pub at: Instant,
    /// What was heard.
    pub heard: Heard,
}

impl Group {
    /// A group in INIT of which nothing is known yet but its `parameters`.
    /// Its counters are drawn from `seed`, which should be random.
    pub fn new(parameters: Parameters, seed: u64) -> Self {
        // INVARIANT: INIT, and everything is missing.
        Self {
            role: Role::Init,
            reason: Reason::Created,
            since: Instant::from_nanos(0),
            transitions: 0,
            transitions_by_reason: [0; Reason::COUNT],
            parameters,
            demote: 0,
            preempt: false,
            missing: Missing::ALL,
            families: Families::NONE,
            sources: Sources::default(),
            counter: Counter::new(seed),
            last_heard: None,
        }
    }

    /// Takes note that `event` happened at `now`, and says what to do.
    ///
    /// Total: every event may come at any time and in any state. `now` should
    /// not go back from one call to the next; if it does, deadlines are late
    /// by as much.
    pub fn handle(&mut self, now: Instant, event: Event) -> Actions {
        match event {
            Event::Conditions { missing, families } => self.conditions(now, missing, families),
            Event::Sources(sources) => {
                self.sources = sources;
                Actions::NONE
            }
            Event::Parameters(parameters) => self.change_parameters(now, parameters),
            Event::Demotion(demote) => self.change_demotion(now, demote),
            Event::Preempt(preempt) => {
                self.preempt = preempt;
                Actions::NONE
            }
            Event::Heard(heard) => self.hear(now, heard),
            Event::AdvertisementTimer => self.advertisement_timer(now),
            Event::TimeOutTimer => self.time_out_timer(now),
            Event::AddressClaimed => {
                if let Role::Master(schedule) = &mut self.role {
                    schedule.defend();
                }
                Actions::NONE
            }
            Event::Request(state) => self.request(now, state),
        }
    }

    /// When [`Event::AdvertisementTimer`] is due: as MASTER only.
    pub fn advertisement_due(&self) -> Option<Instant> {
        match &self.role {
            Role::Master(schedule) => Some(schedule.due()),
            Role::Init | Role::Backup(_) => None,
        }
    }

    /// When [`Event::TimeOutTimer`] is due: as BACKUP only.
    pub fn time_out_due(&self) -> Option<Instant> {
        match &self.role {
            Role::Backup(silence) => Some(silence.due(self.families)),
            Role::Init | Role::Master(_) => None,
        }
    }

    /// The counter for the next packet that is sent.
    pub fn next_counter(&mut self) -> u64 {
        self.counter.next()
    }

    /// The state the group is in.
    pub fn state(&self) -> State {
        match self.role {
            Role::Init => State::Init,
            Role::Backup(_) => State::Backup,
            Role::Master(_) => State::Master,
        }
    }

    /// Why it is in it. In INIT that may change without a transition.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// When it came into it; in the first INIT, when conditions were told
    /// first.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// How often the state changed.
    pub fn transitions(&self) -> u32 {
        self.transitions
    }

    /// How often it changed for each reason, in the order of [`Reason`].
    pub fn transitions_by_reason(&self) -> &[u32; Reason::COUNT] {
        &self.transitions_by_reason
    }

    /// What is missing to take part; empty unless in INIT.
    pub fn missing(&self) -> Missing {
        self.missing
    }

    /// The parameters that are in force.
    pub fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// The last advertisement of another host that was used.
    pub fn last_heard(&self) -> Option<LastHeard> {
        self.last_heard
    }

    /// Goes into INIT or out of it as the conditions say.
    fn conditions(&mut self, now: Instant, missing: Missing, families: Families) -> Actions {
        let missing = if families.is_empty() {
            missing.union(Missing::ADDRESS)
        } else {
            missing
        };
        if self.reason == Reason::Created {
            self.since = now;
        }
        let before = self.families;
        self.families = families;
        self.missing = missing;
        // INVARIANT: each arm sees to it that INIT is the role exactly if
        // `missing`, which contains ADDRESS if `families` is empty, is not.
        match (&mut self.role, missing.is_empty()) {
            (Role::Init, false) => {
                self.reason = missing.first_reason();
                Actions::NONE
            }
            (Role::Init, true) => self.become_backup(now, now, Reason::Ready),
            (Role::Backup(_), false) => self.become_init(now),
            (Role::Master(_), false) => Actions {
                advertise: self.bow_out(before),
                ..self.become_init(now)
            },
            (Role::Backup(silence), true) => {
                // The silence of a family that comes counts from now.
                for family in [Family::V4, Family::V6] {
                    if !before.contains(family) {
                        silence.extend(family, now + time_out(self.parameters));
                    }
                }
                Actions::NONE
            }
            (Role::Master(_), true) => Actions::NONE,
        }
    }

    /// Keeps the state; the timers start again with the new lengths.
    fn change_parameters(&mut self, now: Instant, parameters: Parameters) -> Actions {
        if parameters == self.parameters {
            return Actions::NONE;
        }
        self.parameters = parameters;
        if let Role::Backup(silence) = &mut self.role {
            *silence = Silence::until(now + time_out(parameters));
        }
        self.advertise_out_of_turn(now)
    }

    /// A MASTER says at once that it got worse or better.
    fn change_demotion(&mut self, now: Instant, demote: u8) -> Actions {
        if demote == self.demote {
            return Actions::NONE;
        }
        self.demote = demote;
        self.advertise_out_of_turn(now)
    }

    /// As MASTER, advertises now, and starts counting the interval again.
    fn advertise_out_of_turn(&mut self, now: Instant) -> Actions {
        let Role::Master(schedule) = &mut self.role else {
            return Actions::NONE;
        };
        schedule.restart(now + advertisement_interval(self.parameters));
        Actions {
            advertise: Some(self.advertisement()),
            ..Actions::NONE
        }
    }

    /// The MASTER's regular advertisement, if it is time.
    fn advertisement_timer(&mut self, now: Instant) -> Actions {
        match &mut self.role {
            Role::Master(schedule) if schedule.due() <= now => {
                let announce = schedule.advertise(now, advertisement_interval(self.parameters));
                Actions {
                    advertise: Some(self.advertisement()),
                    announce,
                    ..Actions::NONE
                }
            }
            _ => Actions::NONE,
        }
    }

    /// The BACKUP's taking over, if it is time.
    fn time_out_timer(&mut self, now: Instant) -> Actions {
        match &self.role {
            Role::Backup(silence) if silence.due(self.families) <= now => {
                self.become_master(now, Reason::TimedOut)
            }
            _ => Actions::NONE,
        }
    }

    /// What a user asks for, if it can be had.
    fn request(&mut self, now: Instant, state: State) -> Actions {
        match (&self.role, state) {
            (Role::Backup(_), State::Master) => self.become_master(now, Reason::Requested),
            // Without the bow-out nobody would take over, unless with
            // preemption, until this host itself does after its time-out.
            (Role::Master(_), State::Backup) => Actions {
                advertise: self.bow_out(self.families),
                ..self.become_backup(now, now, Reason::Requested)
            },
            _ => Actions::NONE,
        }
    }

    /// An advertisement of the group.
    fn hear(&mut self, now: Instant, heard: Heard) -> Actions {
        let discard = |discard| Actions {
            discard: Some(discard),
            ..Actions::NONE
        };
        if let Role::Init = self.role {
            return discard(Discard::NotRunning);
        }
        if self.is_own_echo(&heard) {
            return discard(Discard::OwnEcho);
        }
        let last_sent = self.counter.last();
        self.counter.hear(heard.counter);
        self.last_heard = Some(LastHeard { at: now, heard });
        match self.role {
            Role::Init => Actions::NONE,
            Role::Backup(_) => self.hear_as_backup(now, heard),
            Role::Master(_) => self.hear_as_master(now, heard, last_sent),
        }
    }

    /// Was it sent by this host? The counter alone does not say so, as another
    /// one may have it by chance, and neither does the address: 0.0.0.0 is the
    /// source of every host without one.
    fn is_own_echo(&self, heard: &Heard) -> bool {
        let source = self.sources.get(heard.source.family());
        let from_own_address = heard.from_own_address || source == heard.source;
        from_own_address && self.counter.is_own(heard.counter)
    }

    /// Takes over, or goes on waiting.
    fn hear_as_backup(&mut self, now: Instant, heard: Heard) -> Actions {
        let reason = reason_to_take_over(self.bid(), heard.bid(), self.preempt);
        if let Some(reason) = reason.filter(|&reason| self.may_take_over(now, reason)) {
            return self.become_master(now, reason);
        }
        let until = now + time_out(self.parameters);
        if let Role::Backup(silence) = &mut self.role {
            silence.extend(heard.family, until);
        }
        Actions::NONE
    }

    /// A host that stepped down hears out at least one advertisement interval
    /// before it takes over again, if nobody bows out.
    ///
    /// Among hosts of ours that changes little, but BSDs can disagree with
    /// them on who is better (FreeBSD does not compare demotion, OpenBSD's
    /// demoted hosts take over from slow ones). Such hosts would drive each
    /// other at the speed of the network.
    fn may_take_over(&self, now: Instant, reason: Reason) -> bool {
        let stepped_down = matches!(self.reason, Reason::BetterMaster | Reason::EqualMaster);
        let heard_out = self.since + advertisement_interval(self.parameters);
        reason == Reason::MasterBowedOut || !stepped_down || heard_out <= now
    }

    /// Steps down, or makes the other one do so.
    fn hear_as_master(&mut self, now: Instant, heard: Heard, last_sent: u64) -> Actions {
        let bid = heard.bid();
        if bid.is_bow_out() {
            // Somebody leaves who is not wanted.
            return Actions::NONE;
        }
        match bid.cmp(&self.bid()) {
            // The better one may never have heard this host: its own
            // advertisement was the first to arrive.
            Ordering::Less => Actions {
                advertise: Some(self.last_advertisement(heard.family)),
                ..self.become_backup(now, now, Reason::BetterMaster)
            },
            Ordering::Equal if heard.family == self.families.tie_break() => {
                if self.wins_tie(heard.source, heard.counter, last_sent) {
                    self.answer(Notice::Tie)
                } else {
                    // A BSD steps down at every tie. Not to meet it again, a
                    // host of ours lets it come back first.
                    let later = now + advertisement_interval(self.parameters);
                    self.become_backup(now, later, Reason::EqualMaster)
                }
            }
            Ordering::Equal | Ordering::Greater => self.answer(Notice::OtherMaster),
        }
    }

    /// Is this host the one of two equal MASTERs that stays: the one with the
    /// higher source address, or if they have the same (hosts without one send
    /// from 0.0.0.0) the one that sent the higher counter?
    fn wins_tie(&self, source: Source, counter: u64, last_sent: u64) -> bool {
        let own = self.sources.get(source.family());
        own.cmp(&source).then(last_sent.cmp(&counter)) == Ordering::Greater
    }

    /// Stays MASTER although there is another: makes it step down, and
    /// corrects what it told the neighbours.
    fn answer(&mut self, notice: Notice) -> Actions {
        let answer = match &mut self.role {
            Role::Master(schedule) => schedule.answer(),
            Role::Init | Role::Backup(_) => false,
        };
        Actions {
            advertise: answer.then(|| self.advertisement()),
            announce: answer,
            notice: Some(notice),
            ..Actions::NONE
        }
    }

    /// Leaves for INIT, for the first of what is missing.
    fn become_init(&mut self, now: Instant) -> Actions {
        self.change_role(now, Role::Init, self.missing.first_reason())
    }

    /// Becomes BACKUP, with a whole time-out from `waiting_from`.
    fn become_backup(&mut self, now: Instant, waiting_from: Instant, reason: Reason) -> Actions {
        let silence = Silence::until(waiting_from + time_out(self.parameters));
        self.change_role(now, Role::Backup(silence), reason)
    }

    /// Takes over: advertises, announces, and will again.
    fn become_master(&mut self, now: Instant, reason: Reason) -> Actions {
        let schedule = Schedule::new(now + advertisement_interval(self.parameters));
        Actions {
            advertise: Some(self.advertisement()),
            announce: true,
            ..self.change_role(now, Role::Master(schedule), reason)
        }
    }

    /// Changes to the state of `role`, which is another than the present one.
    fn change_role(&mut self, now: Instant, role: Role, reason: Reason) -> Actions {
        let from = self.state();
        self.role = role;
        self.reason = reason;
        self.since = now;
        self.transitions = self.transitions.saturating_add(1);
        if let Some(count) = self.transitions_by_reason.get_mut(reason as usize) {
            *count = count.saturating_add(1);
        }
        Actions {
            transition: Some(Transition {
                from,
                to: self.state(),
                reason,
            }),
            ..Actions::NONE
        }
    }

    /// What this host brings into the election.
    fn bid(&self) -> Bid {
        Bid::new(self.parameters, self.demote)
    }

    /// The regular advertisement of this host.
    fn advertisement(&self) -> Advertise {
        Advertise {
            advbase: self.parameters.advbase(),
            advskew: self.parameters.advskew(),
            demote: self.demote,
            families: self.families,
            recipients: Recipients::All,
            bow_out: false,
        }
    }

    /// The last one of a MASTER that steps down for a better one: tells that
    /// one, and nobody else, that there were two, so that it corrects what
    /// neighbours were told and says so to its administrator. BACKUPs that
    /// preempt, and equal MASTERs, would react to it.
    fn last_advertisement(&self, family: Family) -> Advertise {
        Advertise {
            families: Families::only(family),
            recipients: Recipients::Master,
            ..self.advertisement()
        }
    }

    /// The advertisement that takes leave in `families`; `None` if there is
    /// nothing left to send it through.
    fn bow_out(&self, families: Families) -> Option<Advertise> {
        let parent = !self.missing.contains(Missing::PARENT);
        let carrier = !self.missing.contains(Missing::CARRIER);
        (parent && carrier).then_some(Advertise {
            advbase: BOW_OUT,
            advskew: BOW_OUT,
            demote: self.demote,
            families,
            recipients: Recipients::All,
            bow_out: true,
        })
    }
}
