// SPDX-License-Identifier: GPL-2.0

//! A host of ours on the simulated segment: the protocol core, driven as the
//! kernel module drives it.

use carp_proto::{
    Actions, Advertise, Advertisement, Context, Discard, Event, Families, Family, Group, Heard,
    Instant, Missing, Source, Sources, State,
};

use crate::configuration::{source, Configuration};
use crate::frame::Frame;
use crate::seal::Seal;
use crate::station::{Change, Order, Output, Station};

/// The host.
pub struct CarpStation {
    host: usize,
    group: Group,
    seal: Seal,
    families: Families,
    up: bool,
    carrier: bool,
}

impl CarpStation {
    /// Host number `host`, switched on just now and not yet up.
    pub fn new(host: usize, now: Instant, configuration: &Configuration, seed: u64) -> Self {
        let families = Families {
            v4: configuration.families.contains(&Family::V4),
            v6: configuration.families.contains(&Family::V6),
        };
        let mut station = Self {
            host,
            group: Group::new(configuration.parameters, seed),
            seal: configuration.seal(),
            families,
            up: false,
            carrier: true,
        };
        // Nothing can come of these in INIT but INIT.
        let sources = sources(host);
        let _ = station.handle(now, Event::Sources(sources));
        let _ = station.handle(now, Event::Preempt(configuration.preempt));
        let _ = station.conditions(now);
        station
    }

    fn conditions(&mut self, now: Instant) -> Output {
        let mut missing = Missing::NONE;
        if !self.up {
            missing = missing.union(Missing::DEVICE_UP);
        }
        if !self.carrier {
            missing = missing.union(Missing::CARRIER);
        }
        let families = self.families;
        self.handle(now, Event::Conditions { missing, families })
    }

    fn handle(&mut self, now: Instant, event: Event) -> Output {
        let Actions {
            transition,
            advertise,
            announce,
            discard,
            notice: _,
        } = self.group.handle(now, event);
        Output {
            frames: advertise.map_or_else(Vec::new, |advertise| self.frames(&advertise)),
            transition: transition.map(|transition| Change {
                from: transition.from,
                to: transition.to,
                reason: format!("{:?}", transition.reason),
            }),
            announce,
            discard,
        }
    }

    fn frames(&mut self, advertise: &Advertise) -> Vec<Frame> {
        let families = [Family::V4, Family::V6];
        let to_send = families.iter().copied();
        let to_send = to_send.filter(|&family| advertise.families.contains(family));
        to_send
            .map(|family| self.frame(advertise, family))
            .collect()
    }

    fn frame(&mut self, advertise: &Advertise, family: Family) -> Frame {
        let counter = self.group.next_counter();
        let advertisement = Advertisement {
            vhid: self.seal.vhid(),
            advbase: advertise.advbase,
            advskew: advertise.advskew,
            demote: advertise.demote,
            counter,
            digest: self.seal.digest(counter, Context::WithoutLinkLocal),
        };
        Frame {
            source: source(self.host, family),
            recipients: advertise.recipients,
            hop_limit: 255,
            payload: advertisement.emit(),
        }
    }

    /// What the module finds out before it asks the core.
    fn examine(&self, frame: &Frame) -> Result<Heard, Discard> {
        let advertisement = Advertisement::parse(frame.hop_limit, &frame.payload)?;
        if advertisement.vhid != self.seal.vhid() {
            return Err(Discard::UnknownVhid);
        }
        if !self.seal.verifies(&advertisement) {
            return Err(Discard::BadDigest);
        }
        Ok(Heard {
            family: frame.family(),
            advbase: advertisement.advbase,
            advskew: advertisement.advskew,
            demote: advertisement.demote,
            counter: advertisement.counter,
            source: frame.source,
            from_own_address: frame.source == source(self.host, frame.family()),
        })
    }
}

/// The addresses that host number `host` sends from.
pub fn sources(host: usize) -> Sources {
    let mut sources = Sources::default();
    for family in [Family::V4, Family::V6] {
        match source(host, family) {
            Source::V4(address) => sources.v4 = Some(address),
            Source::V6(address) => sources.v6 = Some(address),
        }
    }
    sources
}

impl Station for CarpStation {
    fn state(&self) -> State {
        self.group.state()
    }

    fn due(&self) -> Option<Instant> {
        self.group.advertisement_due().or(self.group.time_out_due())
    }

    fn expire(&mut self, now: Instant) -> Output {
        let event = match self.group.state() {
            State::Master => Event::AdvertisementTimer,
            State::Init | State::Backup => Event::TimeOutTimer,
        };
        self.handle(now, event)
    }

    fn hear(&mut self, now: Instant, frame: &Frame) -> Output {
        match self.examine(frame) {
            Ok(heard) => self.handle(now, Event::Heard(heard)),
            Err(discard) => Output {
                discard: Some(discard),
                ..Output::default()
            },
        }
    }

    fn order(&mut self, now: Instant, order: Order) -> Output {
        match order {
            Order::Up => self.up = true,
            Order::Down => self.up = false,
            Order::Carrier(carrier) => self.carrier = carrier,
            Order::Preempt(preempt) => return self.handle(now, Event::Preempt(preempt)),
            Order::Parameters(parameters) => {
                return self.handle(now, Event::Parameters(parameters));
            }
            Order::Request(state) => return self.handle(now, Event::Request(state)),
            Order::Demote(demote) => return self.handle(now, Event::Demotion(demote)),
        }
        self.conditions(now)
    }
}
