// SPDX-License-Identifier: GPL-2.0

//! Random segments, random hosts and random faults, for runs over many seeds.

use carp_proto::{Family, Interval, Parameters, State};

use crate::configuration::{Configuration, Software};
use crate::drill::settling_time;
use crate::foreign::Kind;
use crate::random::Random;
use crate::segment::Quality;
use crate::simulation::{Intervention, Simulation};
use crate::station::Order;

/// What random hosts have in common.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habitat {
    /// All of them preempt; otherwise each one as it likes.
    pub preempt: bool,
    /// BSDs among them, with other parameters than anyone else's.
    pub foreign: bool,
}

/// The advbases that are found together on a segment.
const ADVBASES: [&[u32]; 4] = [&[0], &[1], &[1, 2], &[1, 2, 3, 10]];

/// A segment with up to five hosts, drawn at random.
pub fn hosts(random: &mut Random, habitat: Habitat) -> Vec<Configuration> {
    let dual_stack = random.chance(0.3);
    let advbases = *random.pick(&ADVBASES);
    let count = 2 + random.below(4);
    let mut drawn: Vec<Configuration> = Vec::new();
    for index in 0..count {
        let advbase = *random.pick(advbases);
        // Few values, so that ties are common.
        let advskew = *random.pick(&[0, 1, 100, 100, 254]);
        let advskew = if advbase == 0 {
            advskew.max(1)
        } else {
            advskew
        };
        let preempt = habitat.preempt || random.chance(0.5);
        let mut host = Configuration::new(advbase, advskew).preempt(preempt);
        if dual_stack {
            host = host.dual_stack();
        }
        if habitat.foreign && random.chance(0.4) {
            let kind = *random.pick(&[Kind::FreeBsd, Kind::OpenBsd]);
            host = host.software(Software::Foreign(kind));
            // Ties between BSDs are for the model checker.
            let unique = 10 + u32::try_from(index).unwrap_or(0);
            host.parameters = Parameters::new(advbase.max(1), unique).unwrap_or_default();
        }
        drawn.push(host);
    }
    drawn
}

/// A segment that works: a little delay, nothing lost.
pub fn calm(random: &mut Random) -> Quality {
    Quality {
        delay: Interval::from_micros(10 + random.below(300)),
        jitter: Interval::from_micros(random.below(300)),
        ..Quality::default()
    }
}

/// A segment that does not.
pub fn stormy(random: &mut Random) -> Quality {
    let some = |random: &mut Random| *random.pick(&[0.0, 0.05, 0.3, 0.7]);
    Quality {
        loss: some(random),
        duplicate: some(random),
        echo: some(random),
        delay: Interval::from_micros(random.below(50_000)),
        jitter: Interval::from_micros(*random.pick(&[0, 1_000, 200_000, 1_500_000])),
        reorder: random.chance(0.5),
    }
}

/// One thing that goes wrong, or right again.
fn fault(random: &mut Random, hosts: usize) -> Intervention {
    let host = random.below(hosts as u64) as usize;
    let state = *random.pick(&[State::Master, State::Backup]);
    let family = *random.pick(&[Family::V4, Family::V6]);
    match random.below(14) {
        0 => Intervention::Crash(host),
        1 | 2 => Intervention::Boot(host),
        3 => Intervention::Order(host, Order::Down),
        4 => Intervention::Order(host, Order::Up),
        5 => Intervention::Order(host, Order::Carrier(false)),
        6 => Intervention::Order(host, Order::Carrier(true)),
        7 => Intervention::Order(host, Order::Request(state)),
        8 => Intervention::Place(host, random.below(3) as usize),
        9 => Intervention::Heal,
        10 => Intervention::Block(family, random.chance(0.5)),
        11 => Intervention::Order(host, Order::Demote(random.below(3) as u8)),
        _ => Intervention::Quality(stormy(random)),
    }
}

/// Lets `faults` faults happen, then ends all of them: the segment is whole
/// and calm, links are up, whoever is switched on stays so, and all have had
/// the time to agree.
pub fn storm(random: &mut Random, simulation: &mut Simulation, hosts: &[Configuration]) {
    let settle = settling_time(hosts);
    for _ in 0..20 {
        let fault = fault(random, hosts.len());
        simulation.intervene(fault);
        simulation.run(Interval::from_nanos(random.below(settle.as_nanos() / 2)));
    }
    simulation.intervene(Intervention::Heal);
    for family in [Family::V4, Family::V6] {
        simulation.intervene(Intervention::Block(family, false));
    }
    for host in 0..hosts.len() {
        simulation.intervene(Intervention::Order(host, Order::Carrier(true)));
        simulation.intervene(Intervention::Order(host, Order::Demote(0)));
    }
    let quality = calm(random);
    simulation.intervene(Intervention::Quality(quality));
    simulation.run(settle);
}
