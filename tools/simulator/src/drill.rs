// SPDX-License-Identifier: GPL-2.0

//! Drills: one fault on a settled segment, and how long it was felt.

use carp_proto::{Interval, Parameters};

use crate::configuration::Configuration;
use crate::observer::Observer;
use crate::random::Random;
use crate::segment::Quality;
use crate::simulation::{Intervention, Simulation};
use crate::station::Order;

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drill {
    /// The MASTER is dead at once and says nothing.
    Death,
    /// The MASTER is taken down by its user.
    Leave,
    /// The MASTER's link is lost.
    LinkLost,
    /// The host that died comes back.
    Return,
    /// The MASTER was cut off for a while, and is joined again.
    Heal,
    /// A BACKUP was cut off for a while, and is joined again.
    HealBackup,
}

impl Drill {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Death,
        Self::Leave,
        Self::LinkLost,
        Self::Return,
        Self::Heal,
        Self::HealBackup,
    ];

    /// What it is called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Death => "MASTER dies silently",
            Self::Leave => "MASTER is taken down",
            Self::LinkLost => "MASTER loses its link",
            Self::Return => "the dead host returns",
            Self::Heal => "cut-off MASTER is joined again",
            Self::HealBackup => "cut-off BACKUP is joined again",
        }
    }

    /// Lets the hosts settle, does it, and measures from the fault on until
    /// all has settled again. None if the hosts do not settle before it.
    pub fn run(self, seed: u64, quality: Quality, hosts: &[Configuration]) -> Option<Observer> {
        let mut random = Random::new(seed ^ 0x000d_1111);
        let mut simulation = Simulation::new(seed, quality, hosts.to_vec());
        for host in 0..hosts.len() {
            simulation.run(Interval::from_micros(random.below(500_000)));
            simulation.intervene(Intervention::Boot(host));
        }
        let settle = settling_time(hosts);
        simulation.run(settle);
        // At any point of the advertisement interval.
        simulation.run(Interval::from_nanos(random.below(settle.as_nanos())));
        let &[master] = simulation.masters().as_slice() else {
            return None;
        };
        let other = (master + 1) % hosts.len();
        self.prepare(&mut simulation, &mut random, master, other, settle);
        simulation.measure_anew();
        simulation.intervene(match self {
            Self::Death => Intervention::Crash(master),
            Self::Leave => Intervention::Order(master, Order::Down),
            Self::LinkLost => Intervention::Order(master, Order::Carrier(false)),
            Self::Return => Intervention::Boot(master),
            Self::Heal | Self::HealBackup => Intervention::Heal,
        });
        simulation.run(settle);
        Some(simulation.observer())
    }

    fn prepare(
        self,
        simulation: &mut Simulation,
        random: &mut Random,
        master: usize,
        other: usize,
        settle: Interval,
    ) {
        let before = match self {
            Self::Death | Self::Leave | Self::LinkLost => return,
            Self::Return => Intervention::Crash(master),
            Self::Heal => Intervention::Place(master, 1),
            Self::HealBackup => Intervention::Place(other, 1),
        };
        simulation.intervene(before);
        let extra = Interval::from_nanos(random.below(settle.as_nanos()));
        simulation.run(settle + extra);
    }
}

/// The time between two advertisements of a MASTER.
pub fn advertisement_interval(parameters: Parameters) -> Interval {
    Interval::from_micros(
        u64::from(parameters.advbase()) * 1_000_000
            + u64::from(parameters.advskew()) * 1_000_000 / 256,
    )
}

/// The silence after which a BACKUP of ours takes over.
pub fn time_out(parameters: Parameters) -> Interval {
    let skew = u64::from(parameters.advskew()) * 1_000_000 / 256;
    Interval::from_micros(match parameters.advbase() {
        0 => 3 * skew,
        advbase => 3 * u64::from(advbase) * 1_000_000 + skew,
    })
}

/// A time within which hosts that hear each other agree: every time-out has
/// run, those delayed by a tie too, and every MASTER has been heard.
pub fn settling_time(hosts: &[Configuration]) -> Interval {
    let longest = |length: fn(Parameters) -> Interval| {
        let lengths = hosts.iter().map(|host| length(host.parameters));
        lengths.max().unwrap_or(Interval::ZERO)
    };
    // OpenBSD waits for three times the skew as well.
    let slack = Interval::from_micros(2_000_000);
    longest(time_out) * 2 + longest(advertisement_interval) * 2 + slack
}
