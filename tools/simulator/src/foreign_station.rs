// SPDX-License-Identifier: GPL-2.0

//! A BSD host on the simulated segment: the election of `foreign.rs`, with
//! the BSD's counter and a digest.

use carp_proto::{Advertisement, Context, Discard, Family, Instant, Recipients, State};

use crate::configuration::{source, Configuration};
use crate::foreign::{self, Claim, Foreign, Input, Kind};
use crate::frame::Frame;
use crate::random::Random;
use crate::seal::Seal;
use crate::station::{Change, Order, Output, Station};

/// The host.
pub struct ForeignStation {
    host: usize,
    election: Foreign,
    seal: Seal,
    random: Random,
    counter: u64,
    /// FreeBSD draws a new counter at each send until it has heard one.
    heard_any: bool,
    carrier: bool,
    up: bool,
}

impl ForeignStation {
    /// Host number `host`, switched on just now and not yet up.
    pub fn new(host: usize, kind: Kind, configuration: &Configuration, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let parameters = configuration.parameters;
        Self {
            host,
            election: Foreign::new(
                kind,
                parameters.advbase(),
                parameters.advskew(),
                configuration.preempt,
                &configuration.families,
            ),
            seal: configuration.seal(),
            counter: random.bits(),
            random,
            heard_any: false,
            carrier: true,
            up: false,
        }
    }

    fn next_counter(&mut self) -> u64 {
        if self.election.kind() == Kind::FreeBsd {
            self.counter = if self.heard_any {
                self.counter.wrapping_add(1)
            } else {
                self.random.bits()
            };
        }
        self.counter
    }

    fn frame(&mut self, claim: Claim, family: Family) -> Frame {
        let context = match self.election.kind() {
            Kind::FreeBsd => Context::WithLinkLocal,
            Kind::OpenBsd => Context::WithoutLinkLocal,
        };
        let counter = self.next_counter();
        let advertisement = Advertisement {
            vhid: self.seal.vhid(),
            advbase: claim.advbase,
            advskew: claim.advskew,
            demote: claim.demote,
            counter,
            digest: self.seal.digest(counter, context),
        };
        Frame {
            source: source(self.host, family),
            recipients: Recipients::All,
            hop_limit: 255,
            payload: advertisement.emit(),
        }
    }

    fn handle(&mut self, now: Instant, input: Input) -> Output {
        let foreign::Output { send, transition } = self.election.handle(now, input);
        let families = self.election.families().to_vec();
        let frames = send.map_or_else(Vec::new, |claim| {
            let frames = families.iter().map(|&family| self.frame(claim, family));
            frames.collect()
        });
        Output {
            frames,
            announce: transition.is_some_and(|(_, to)| to == State::Master),
            transition: transition.map(|(from, to)| Change {
                from,
                to,
                reason: format!("{:?}", self.election.kind()),
            }),
            discard: None,
        }
    }

    fn discarded(discard: Discard) -> Output {
        Output {
            discard: Some(discard),
            ..Output::default()
        }
    }
}

impl Station for ForeignStation {
    fn state(&self) -> State {
        self.election.state()
    }

    fn due(&self) -> Option<Instant> {
        self.election.due()
    }

    fn expire(&mut self, now: Instant) -> Output {
        self.handle(now, Input::Timer)
    }

    fn hear(&mut self, now: Instant, frame: &Frame) -> Output {
        let advertisement = match Advertisement::parse(frame.hop_limit, &frame.payload) {
            Ok(advertisement) => advertisement,
            Err(discard) => return Self::discarded(discard),
        };
        if !self.seal.verifies(&advertisement) {
            return Self::discarded(Discard::BadDigest);
        }
        match self.election.kind() {
            Kind::OpenBsd if advertisement.counter == self.counter => {
                return Self::discarded(Discard::OwnEcho);
            }
            Kind::OpenBsd => {}
            Kind::FreeBsd => {
                self.counter = advertisement.counter;
                self.heard_any = true;
            }
        }
        let claim = Claim {
            advbase: advertisement.advbase,
            advskew: advertisement.advskew,
            demote: advertisement.demote,
        };
        self.handle(now, Input::Heard(frame.family(), claim))
    }

    fn order(&mut self, now: Instant, order: Order) -> Output {
        let input = match order {
            Order::Up => {
                self.up = true;
                Input::Start
            }
            Order::Down => {
                self.up = false;
                Input::Stop
            }
            Order::Carrier(carrier) => {
                self.carrier = carrier;
                if carrier {
                    Input::Start
                } else {
                    Input::LinkLost
                }
            }
            Order::Demote(demote) => Input::Demote(demote),
            // Not needed of foreign hosts.
            Order::Preempt(_) | Order::Parameters(_) | Order::Request(_) => {
                return Output::default()
            }
        };
        if matches!(input, Input::Start) && !(self.up && self.carrier) {
            return Output::default();
        }
        self.handle(now, input)
    }
}
