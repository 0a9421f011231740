// SPDX-License-Identifier: GPL-2.0

//! The model that is checked: hosts on a segment, and what can happen next.

use carp_proto::{Family, Instant, Interval, State};
use carp_simulator::configuration::Configuration;
use stateright::{Model, Property};

use crate::host::{Host, Message, Said, Stimulus};
use crate::properties;
use crate::world::{Place, World};

/// How many faults of each kind can happen, at any time and in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Advertisements that are lost.
    pub losses: u8,
    /// Hosts that die silently; they may boot again at any time, or never.
    pub crashes: u8,
    /// Hosts that lose their link and know it; it comes back, or stays lost
    /// until the calm.
    pub unpluggings: u8,
    /// Groups that are taken down by a user, for good.
    pub departures: u8,
    /// Partitions: one host is cut off from the others for any time.
    pub cuts: u8,
}

/// The model.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The hosts.
    pub hosts: std::sync::Arc<[Configuration]>,
    /// Their demotions.
    pub demotions: Vec<u8>,
    /// The grid of time. All times of the hosts are multiples of it.
    pub tick: Interval,
    /// An advertisement takes up to so many ticks.
    pub delay: u8,
    /// And at least one. Then nothing that is sent in a tick arrives in it, so
    /// that what happens to one host in a tick does not depend on what happens
    /// to another: the hosts take turns, and the orders across hosts, which
    /// all lead to the same worlds, need not be gone through.
    pub turns: bool,
    /// The faults.
    pub budget: Budget,
    /// All hosts boot at once, instead of each at any time.
    pub together: bool,
    /// The calm begins at once.
    pub calm: bool,
    /// After so many ticks of calm the hosts have to agree.
    pub settle: u8,
    /// Asks for what no CARP can promise, for the counter-example.
    pub hope: bool,
}

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A host is switched on.
    Boot(usize),
    /// A host dies.
    Crash(usize),
    /// A host loses its link.
    Unplug(usize),
    /// It has it back.
    Plug(usize),
    /// A user takes the group down.
    Down(usize),
    /// A host is cut off.
    CutOff(usize),
    /// All hosts hear each other again.
    Join,
    /// An advertisement arrives.
    Deliver(Message),
    /// An advertisement is lost.
    Lose(Message),
    /// A host's timer runs out.
    Timer(usize),
    /// Time goes on; with turns, the next host's turn comes first.
    Tick,
    /// No more faults.
    Calm,
}

impl Segment {
    /// Hosts that boot in any order, with all faults still to come.
    pub fn new(hosts: Vec<Configuration>, tick: Interval, budget: Budget, settle: u8) -> Self {
        Self {
            demotions: vec![0; hosts.len()],
            hosts: hosts.into(),
            tick,
            delay: 1,
            turns: false,
            budget,
            together: false,
            calm: false,
            settle,
            hope: false,
        }
    }

    fn boot(&self, world: &World, host: usize) -> Place {
        let demote = self.demotions[host];
        Place {
            host: Some(Host::boot(host, world.now, &self.hosts[host], demote)),
            link: true,
            down: false,
        }
    }

    /// Whether a timer of a host, or a message to it of that age, has its turn.
    fn in_turn(&self, world: &World, host: usize, age: u8) -> bool {
        !self.turns || (world.turn == host && age > 0)
    }

    /// Whether a timer has to run out or a message to arrive before time can
    /// go on.
    fn pending(&self, world: &World) -> bool {
        let due = |host| world.timer_due(host) && self.in_turn(world, host, 1);
        let mut messages = world.under_way.iter();
        (0..self.hosts.len()).any(due)
            || messages.any(|message| {
                message.age >= self.delay && self.in_turn(world, message.to, message.age)
            })
    }

    fn tick(&self, world: &mut World) {
        if self.turns && world.turn + 1 < self.hosts.len() {
            world.turn += 1;
            return;
        }
        world.turn = 0;
        world.now = world.now + self.tick;
        for message in &mut world.under_way {
            message.age += 1;
        }
        world.under_way.sort_by_key(Message::key);
        let latest = self.settle + 1;
        world.calm = world.calm.map(|calm| latest.min(calm + 1));
    }

    fn faults(&self, world: &World, actions: &mut Vec<Action>) {
        let budget = world.budget;
        for (host, place) in world.places.iter().enumerate() {
            if place.host.is_none() {
                actions.push(Action::Boot(host));
                continue;
            }
            let faults = [
                (budget.crashes > 0, Action::Crash(host)),
                (place.link && budget.unpluggings > 0, Action::Unplug(host)),
                (!place.link, Action::Plug(host)),
                (!place.down && budget.departures > 0, Action::Down(host)),
                (
                    world.cut_off.is_none() && budget.cuts > 0,
                    Action::CutOff(host),
                ),
            ];
            let possible = faults.into_iter().filter(|&(possible, _)| possible);
            actions.extend(possible.map(|(_, action)| action));
        }
        if world.cut_off.is_some() {
            actions.push(Action::Join);
        }
        actions.push(Action::Calm);
    }

    /// Lets something happen to a host, and sends what it says.
    fn stimulate(&self, world: &mut World, host: usize, stimulus: Stimulus) {
        let configuration = &self.hosts[host];
        let Some(present) = world.places[host].host.as_mut() else {
            return;
        };
        let before = present.state();
        let said = present.handle(world.now, configuration, stimulus);
        let changed = present.state() != before;
        world.restless |= changed && world.calm.is_some_and(|calm| calm > self.settle);
        if let Some(said) = said {
            self.send(world, host, said);
        }
    }

    fn send(&self, world: &mut World, from: usize, said: Said) {
        for to in 0..self.hosts.len() {
            if to == from || world.places[to].host.is_none() || !world.connected(from, to) {
                continue;
            }
            for family in [Family::V4, Family::V6] {
                if said.families.contains(family) {
                    world.under_way.push(Message {
                        from,
                        to,
                        v6: family == Family::V6,
                        claim: said.claim,
                        to_master: said.to_master,
                        age: 0,
                    });
                }
            }
        }
        world.under_way.sort_by_key(Message::key);
    }

    fn end_faults(&self, world: &mut World) {
        world.calm = Some(0);
        world.cut_off = None;
        // What cannot happen any more must not tell worlds apart.
        world.budget = Budget::default();
        for host in 0..self.hosts.len() {
            self.plug(world, host);
        }
    }

    fn plug(&self, world: &mut World, host: usize) {
        let place = &mut world.places[host];
        if !place.link {
            place.link = true;
            if !place.down {
                self.stimulate(world, host, Stimulus::Link(true));
            }
        }
    }
}

fn remove(world: &mut World, message: Message) {
    if let Some(index) = world.under_way.iter().position(|&other| other == message) {
        world.under_way.remove(index);
    }
}

impl Model for Segment {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let off = Place {
            host: None,
            link: true,
            down: false,
        };
        let mut world = World {
            now: Instant::from_nanos(1_000_000_000),
            places: vec![off; self.hosts.len()],
            configurations: self.hosts.clone(),
            under_way: Vec::new(),
            cut_off: None,
            turn: 0,
            budget: self.budget,
            calm: None,
            restless: false,
        };
        if self.together {
            for host in 0..self.hosts.len() {
                world.places[host] = self.boot(&world, host);
            }
        }
        if self.calm {
            self.end_faults(&mut world);
        }
        vec![world]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let mut last = None;
        for &message in &world.under_way {
            // Equal ones are next to each other, and make no difference.
            if last == Some(message) || !self.in_turn(world, message.to, message.age) {
                continue;
            }
            last = Some(message);
            actions.push(Action::Deliver(message));
            if world.budget.losses > 0 {
                actions.push(Action::Lose(message));
            }
        }
        for host in 0..self.hosts.len() {
            if world.timer_due(host) && self.in_turn(world, host, 1) {
                actions.push(Action::Timer(host));
            }
        }
        if !self.pending(world) {
            actions.push(Action::Tick);
        }
        if world.calm.is_none() && world.turn == 0 {
            self.faults(world, actions);
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Boot(host) => world.places[host] = self.boot(&world, host),
            Action::Crash(host) => {
                world.budget.crashes -= 1;
                world.places[host].host = None;
                world.places[host].link = true;
                world.places[host].down = false;
                world.under_way.retain(|message| message.to != host);
            }
            Action::Unplug(host) => {
                world.budget.unpluggings -= 1;
                world.places[host].link = false;
                world.under_way.retain(|message| message.to != host);
                self.stimulate(&mut world, host, Stimulus::Link(false));
            }
            Action::Plug(host) => self.plug(&mut world, host),
            Action::Down(host) => {
                world.budget.departures -= 1;
                world.places[host].down = true;
                self.stimulate(&mut world, host, Stimulus::Down);
            }
            Action::CutOff(host) => {
                world.budget.cuts -= 1;
                world.cut_off = Some(host);
                world.under_way.retain(|m| m.to != host && m.from != host);
            }
            Action::Join => world.cut_off = None,
            Action::Deliver(message) => {
                remove(&mut world, message);
                let host = world.places[message.to].host.as_ref();
                let is_master = host.is_some_and(|host| host.state() == State::Master);
                if is_master || !message.to_master {
                    self.stimulate(&mut world, message.to, Stimulus::Heard(message));
                }
            }
            Action::Lose(message) => {
                world.budget.losses -= 1;
                remove(&mut world, message);
            }
            Action::Timer(host) => {
                self.stimulate(&mut world, host, Stimulus::Timer);
                // Time could never go on.
                assert!(!world.timer_due(host), "a timer that runs out for nothing");
            }
            Action::Tick => self.tick(&mut world),
            Action::Calm => self.end_faults(&mut world),
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

/// The state of each host, for reading.
pub fn states(world: &World) -> String {
    let state = |place: &Place| match place.host.as_ref().map(Host::state) {
        None => "off",
        Some(State::Init) => "INIT",
        Some(State::Backup) => "BACKUP",
        Some(State::Master) => "MASTER",
    };
    world.places.iter().map(state).collect::<Vec<_>>().join(" ")
}
