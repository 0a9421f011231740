// SPDX-License-Identifier: GPL-2.0

//! The run: hosts on a segment, in virtual time, deterministic for a seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use carp_proto::{Family, Instant, Interval, Recipients, State};

use crate::carp_station::CarpStation;
use crate::configuration::{Configuration, Software};
use crate::foreign_station::ForeignStation;
use crate::frame::Frame;
use crate::observer::{masters, Observer, View};
use crate::random::Random;
use crate::record::{Happening, Record};
use crate::segment::{Quality, Segment};
use crate::station::{Order, Output, Station};

/// What is done to the hosts and the segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Intervention {
    /// A host is switched on, or reset: it knows nothing of before.
    Boot(usize),
    /// A host is dead at once.
    Crash(usize),
    /// Something is done on a host.
    Order(usize, Order),
    /// A host is moved to an island.
    Place(usize, usize),
    /// All hosts hear each other again.
    Heal,
    /// The segment works like this from now on.
    Quality(Quality),
    /// A family is dropped by the segment, or no longer.
    Block(Family, bool),
}

/// More steps in one second than any number of hosts should need.
const STORM: u32 = 20_000;

/// A frame that arrives.
struct Arrival {
    at: Instant,
    /// Keeps frames that arrive in the same instant in the order of sending.
    order: u64,
    to: usize,
    from: usize,
    frame: Frame,
}

impl PartialEq for Arrival {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Arrival {}

impl PartialOrd for Arrival {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Arrival {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// Hosts on a segment.
pub struct Simulation {
    now: Instant,
    random: Random,
    configurations: Vec<Configuration>,
    /// None: switched off.
    stations: Vec<Option<Box<dyn Station>>>,
    segment: Segment,
    under_way: BinaryHeap<Reverse<Arrival>>,
    sent: u64,
    /// Steps in the present second.
    steps: u32,
    observer: Observer,
    record: Vec<Record>,
}

impl Simulation {
    /// All hosts switched off, at time 1 s (so that nothing rests on zero).
    pub fn new(seed: u64, quality: Quality, configurations: Vec<Configuration>) -> Self {
        let hosts = configurations.len();
        Self {
            now: Instant::from_nanos(1_000_000_000),
            random: Random::new(seed),
            configurations,
            stations: (0..hosts).map(|_| None).collect(),
            segment: Segment::new(hosts, quality),
            under_way: BinaryHeap::new(),
            sent: 0,
            steps: 0,
            observer: Observer::default(),
            record: Vec::new(),
        }
    }

    /// The same with all hosts booted at once.
    pub fn booted(seed: u64, quality: Quality, configurations: Vec<Configuration>) -> Self {
        let mut simulation = Self::new(seed, quality, configurations);
        for host in 0..simulation.stations.len() {
            simulation.intervene(Intervention::Boot(host));
        }
        simulation
    }

    /// The time now.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The measurements so far.
    pub fn observer(&self) -> Observer {
        self.observer
    }

    /// Everything that happened so far.
    pub fn record(&self) -> &[Record] {
        &self.record
    }

    /// The state of a host's group; None if it is switched off.
    pub fn state(&self, host: usize) -> Option<State> {
        self.stations[host].as_ref().map(|station| station.state())
    }

    /// The hosts that are MASTER.
    pub fn masters(&self) -> Vec<usize> {
        let all = 0..self.stations.len();
        all.filter(|&host| self.state(host) == Some(State::Master))
            .collect()
    }

    /// How many MASTERs the island of this host has.
    pub fn masters_beside(&self, host: usize) -> usize {
        masters(&self.views(), self.segment.island(host))
    }

    /// Starts measuring anew, from now.
    pub fn measure_anew(&mut self) {
        self.observer = Observer::default();
        self.look();
    }

    /// Interferes now.
    pub fn intervene(&mut self, intervention: Intervention) {
        self.note(Happening::Intervention(intervention));
        match intervention {
            Intervention::Boot(host) => {
                let seed = self.random.bits();
                self.stations[host] = Some(self.build(host, seed));
                self.act(host, |station, now| station.order(now, Order::Up));
            }
            Intervention::Crash(host) => self.stations[host] = None,
            Intervention::Order(host, order) => {
                // A lost link neither sends nor hears; place() alone would
                // be a fault that the host does not notice.
                if order == Order::Carrier(false) {
                    self.segment.place(host, self.stations.len() + host);
                } else if order == Order::Carrier(true) {
                    self.segment.place(host, 0);
                }
                self.act(host, |station, now| station.order(now, order));
            }
            Intervention::Place(host, island) => self.segment.place(host, island),
            Intervention::Heal => self.segment.heal(),
            Intervention::Quality(quality) => self.segment.quality = quality,
            Intervention::Block(family, blocked) => self.segment.set_blocked(family, blocked),
        }
        self.look();
    }

    /// Lets this much time pass.
    pub fn run(&mut self, interval: Interval) {
        let end = self.now + interval;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs until a host has a state; false if it has not within the time.
    pub fn run_until(&mut self, host: usize, state: State, within: Interval) -> bool {
        let end = self.now + within;
        while self.state(host) != Some(state) {
            if !self.step(end) {
                self.now = end;
                return false;
            }
        }
        true
    }

    /// One frame or one timer, if there is one up to `end`.
    fn step(&mut self, end: Instant) -> bool {
        let arrival = self.under_way.peek().map(|Reverse(arrival)| arrival.at);
        let timer = self.next_timer();
        let before = self.now;
        // Time-outs count advertisements that are already there: frames go
        // before timers of the same instant.
        match (arrival, timer) {
            (Some(at), _) if at <= end && timer.is_none_or(|(due, _)| at <= due) => {
                self.now = at.max(self.now);
                self.deliver();
            }
            (_, Some((due, host))) if due <= end => {
                self.now = due.max(self.now);
                self.act(host, |station, now| station.expire(now));
            }
            _ => return false,
        }
        let second = |instant: Instant| instant.as_nanos() / 1_000_000_000;
        self.steps = if second(self.now) == second(before) {
            self.steps + 1
        } else {
            0
        };
        assert!(
            self.steps < STORM,
            "the hosts drive each other without end:{}",
            self.last_lines(40)
        );
        self.look();
        true
    }

    /// The end of the time line.
    pub fn last_lines(&self, count: usize) -> String {
        let first = self.record.len().saturating_sub(count);
        let lines = self.record[first..]
            .iter()
            .map(|record| format!("\n{record}"));
        lines.collect()
    }

    fn next_timer(&self) -> Option<(Instant, usize)> {
        let hosts = self.stations.iter().enumerate();
        hosts
            .filter_map(|(host, station)| Some((station.as_ref()?.due()?, host)))
            .min()
    }

    fn deliver(&mut self) {
        let Some(Reverse(arrival)) = self.under_way.pop() else {
            return;
        };
        let family = arrival.frame.family();
        // To which port a switch sends what is for the virtual MAC depends on
        // what it has heard; no host but a MASTER takes it.
        let taken = arrival.frame.recipients == Recipients::All
            || self.state(arrival.to) == Some(State::Master);
        if taken && self.segment.connects(arrival.from, arrival.to, family) {
            self.act(arrival.to, |station, now| station.hear(now, &arrival.frame));
        }
    }

    /// Lets a host do something, if it is switched on.
    fn act(&mut self, host: usize, deed: impl FnOnce(&mut dyn Station, Instant) -> Output) {
        let Some(station) = self.stations[host].as_deref_mut() else {
            return;
        };
        let output = deed(station, self.now);
        if let Some(change) = output.transition {
            self.note(Happening::Transition(host, change));
        }
        if output.announce {
            self.note(Happening::Announcement(host));
        }
        if let Some(discard) = output.discard {
            self.note(Happening::Discard(host, discard));
        }
        for frame in output.frames {
            self.send(host, frame);
        }
    }

    fn send(&mut self, from: usize, frame: Frame) {
        self.note(Happening::Sent(from, frame));
        let copies = self
            .segment
            .carry(&mut self.random, self.now, from, frame.family());
        for copy in copies {
            self.sent += 1;
            self.under_way.push(Reverse(Arrival {
                at: copy.at,
                order: self.sent,
                to: copy.to,
                from,
                frame,
            }));
        }
    }

    fn build(&self, host: usize, seed: u64) -> Box<dyn Station> {
        let configuration = &self.configurations[host];
        match configuration.software {
            Software::Carp => Box::new(CarpStation::new(host, self.now, configuration, seed)),
            Software::Foreign(kind) => {
                Box::new(ForeignStation::new(host, kind, configuration, seed))
            }
        }
    }

    fn views(&self) -> Vec<View> {
        let hosts = self.stations.iter().enumerate();
        hosts
            .filter_map(|(host, station)| {
                Some(View {
                    island: self.segment.island(host),
                    state: station.as_ref()?.state(),
                })
            })
            .collect()
    }

    fn look(&mut self) {
        let views = self.views();
        self.observer.look(self.now, &views);
    }

    fn note(&mut self, happening: Happening) {
        self.record.push(Record {
            at: self.now,
            happening,
        });
    }
}
