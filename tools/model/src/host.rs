// SPDX-License-Identifier: GPL-2.0

//! A host of the model, and what can be told apart of it.

use std::hash::{Hash, Hasher};

use carp_proto::{
    Actions, Event, Families, Family, Group, Heard, Instant, Missing, Reason, Recipients, Source,
    State,
};
use carp_simulator::carp_station::sources;
use carp_simulator::configuration::{source, Configuration, Software};
use carp_simulator::drill::advertisement_interval;
use carp_simulator::foreign::{self, Claim, Foreign, Input};

/// One advertisement on its way to one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// The sender.
    pub from: usize,
    /// The receiver.
    pub to: usize,
    /// Whether it goes over IPv6.
    pub v6: bool,
    /// What it says.
    pub claim: Claim,
    /// Whether only a MASTER takes it.
    pub to_master: bool,
    /// For how many ticks it is under way.
    pub age: u8,
}

impl Message {
    /// The family it goes over.
    pub fn family(&self) -> Family {
        if self.v6 {
            Family::V6
        } else {
            Family::V4
        }
    }

    /// In the order in which a world keeps its messages.
    pub fn key(&self) -> (usize, usize, bool, bool, u8, u8, u8, u8) {
        let Claim {
            advbase,
            advskew,
            demote,
        } = self.claim;
        (
            self.to,
            self.from,
            self.v6,
            self.to_master,
            self.age,
            advbase,
            advskew,
            demote,
        )
    }
}

/// What a host advertises.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    /// What it says.
    pub claim: Claim,
    /// In which families.
    pub families: Families,
    /// Whether to the MASTER alone.
    pub to_master: bool,
}

/// A host that is switched on.
#[derive(Clone, Debug)]
pub enum Host {
    /// Ours.
    Carp(Box<Group>),
    /// A BSD's.
    Foreign(Foreign),
}

/// What happens to a host.
#[derive(Clone, Copy, Debug)]
pub enum Stimulus {
    /// The timer that is due runs out.
    Timer,
    /// An advertisement arrives.
    Heard(Message),
    /// The link is lost, or is back.
    Link(bool),
    /// A user takes the group down.
    Down,
}

impl Host {
    /// A host that has just been switched on: in BACKUP at once.
    pub fn boot(host: usize, now: Instant, configuration: &Configuration, demote: u8) -> Self {
        let parameters = configuration.parameters;
        match configuration.software {
            Software::Carp => {
                let mut group = Group::new(parameters, host as u64);
                for event in [
                    Event::Sources(sources(host)),
                    Event::Preempt(configuration.preempt),
                    Event::Demotion(demote),
                    conditions(configuration, Missing::NONE),
                ] {
                    // A host says nothing before its first time-out.
                    let actions = group.handle(now, event);
                    assert!(actions.advertise.is_none());
                }
                Self::Carp(Box::new(group))
            }
            Software::Foreign(kind) => {
                let mut foreign = Foreign::new(
                    kind,
                    parameters.advbase(),
                    parameters.advskew(),
                    configuration.preempt,
                    &configuration.families,
                );
                foreign.handle(now, Input::Demote(demote));
                foreign.handle(now, Input::Start);
                Self::Foreign(foreign)
            }
        }
    }

    /// The state of its group.
    pub fn state(&self) -> State {
        match self {
            Self::Carp(group) => group.state(),
            Self::Foreign(foreign) => foreign.state(),
        }
    }

    /// When its next timer is due.
    pub fn due(&self) -> Option<Instant> {
        match self {
            Self::Carp(group) => group.advertisement_due().or(group.time_out_due()),
            Self::Foreign(foreign) => foreign.due(),
        }
    }

    /// Lets something happen to it; what it advertises in consequence.
    pub fn handle(
        &mut self,
        now: Instant,
        configuration: &Configuration,
        stimulus: Stimulus,
    ) -> Option<Said> {
        match self {
            Self::Carp(group) => {
                let event = carp_event(group, configuration, stimulus);
                let Actions { advertise, .. } = group.handle(now, event);
                advertise.map(|sent| Said {
                    claim: Claim {
                        advbase: sent.advbase,
                        advskew: sent.advskew,
                        demote: sent.demote,
                    },
                    families: sent.families,
                    to_master: sent.recipients == Recipients::Master,
                })
            }
            Self::Foreign(foreign) => {
                let input = match stimulus {
                    Stimulus::Timer => Input::Timer,
                    Stimulus::Heard(message) => Input::Heard(message.family(), message.claim),
                    Stimulus::Link(true) => Input::Start,
                    Stimulus::Link(false) => Input::LinkLost,
                    Stimulus::Down => Input::Stop,
                };
                let foreign::Output { send, .. } = foreign.handle(now, input);
                send.map(|claim| Said {
                    claim,
                    families: families(configuration),
                    to_master: false,
                })
            }
        }
    }

    /// Feeds everything that its behaviour from `now` on can depend on: two
    /// hosts that feed the same behave the same.
    ///
    /// Of a group that is: its state; how long until its timers; for how long
    /// it does not take over as it stepped down; whether it has answered
    /// another MASTER. What is private is found out by trying it on a copy.
    /// Left out are what never changes in a model (parameters, addresses,
    /// preempt, demotion), what is only shown to users (when, why, how often,
    /// who), the countdown to the second announcement, and the counters: they
    /// decide about echoes and about equal source addresses, and neither is
    /// in the model. `tests/abstraction.rs` checks the claim.
    pub fn project(&self, now: Instant, configuration: &Configuration, hasher: &mut impl Hasher) {
        match self {
            Self::Carp(group) => project_group(group, now, configuration, hasher),
            Self::Foreign(foreign) => {
                (foreign.state() as u8).hash(hasher);
                let until = |due: Option<Instant>| due.map(|due| due.since(now).as_nanos());
                until(foreign.advertisement_due()).hash(hasher);
                for &due in foreign.time_outs_due() {
                    until(due).hash(hasher);
                }
            }
        }
    }
}

fn project_group(
    group: &Group,
    now: Instant,
    configuration: &Configuration,
    hasher: &mut impl Hasher,
) {
    (group.state() as u8).hash(hasher);
    match group.state() {
        State::Init => {}
        State::Backup => {
            for &family in &configuration.families {
                let due = silence_ends(group, now, family);
                due.map(|due| due.since(now).as_nanos()).hash(hasher);
            }
            let stepped_down = matches!(group.reason(), Reason::BetterMaster | Reason::EqualMaster);
            let heard_out = group.since() + advertisement_interval(group.parameters());
            let rest = if stepped_down {
                heard_out.since(now).as_nanos()
            } else {
                0
            };
            rest.hash(hasher);
        }
        State::Master => {
            let due = group.advertisement_due();
            due.map(|due| due.since(now).as_nanos()).hash(hasher);
            answers(group, now).hash(hasher);
        }
    }
}

/// When the silence of one family would be too long if it were the only one.
fn silence_ends(group: &Group, now: Instant, family: Family) -> Option<Instant> {
    let mut copy = group.clone();
    let families = Families::only(family);
    let missing = Missing::NONE;
    let _ = copy.handle(now, Event::Conditions { missing, families });
    copy.time_out_due()
}

/// Whether a MASTER would answer a worse one.
fn answers(group: &Group, now: Instant) -> bool {
    let worst = Claim {
        advbase: 255,
        advskew: 254,
        demote: 255,
    };
    let event = Event::Heard(heard(worst, Source::V4([0; 4])));
    group.clone().handle(now, event).advertise.is_some()
}

fn carp_event(group: &Group, configuration: &Configuration, stimulus: Stimulus) -> Event {
    match stimulus {
        Stimulus::Timer if group.state() == State::Master => Event::AdvertisementTimer,
        Stimulus::Timer => Event::TimeOutTimer,
        Stimulus::Heard(message) => {
            Event::Heard(heard(message.claim, source(message.from, message.family())))
        }
        Stimulus::Link(true) => conditions(configuration, Missing::NONE),
        Stimulus::Link(false) => conditions(configuration, Missing::CARRIER),
        Stimulus::Down => conditions(configuration, Missing::DEVICE_UP),
    }
}

fn heard(claim: Claim, source: Source) -> Heard {
    Heard {
        family: source.family(),
        advbase: claim.advbase,
        advskew: claim.advskew,
        demote: claim.demote,
        counter: 0,
        source,
        from_own_address: false,
    }
}

fn conditions(configuration: &Configuration, missing: Missing) -> Event {
    Event::Conditions {
        missing,
        families: families(configuration),
    }
}

fn families(configuration: &Configuration) -> Families {
    Families {
        v4: configuration.families.contains(&Family::V4),
        v6: configuration.families.contains(&Family::V6),
    }
}
