// SPDX-License-Identifier: GPL-2.0

//! After any storm: exactly one MASTER among the hosts that hear each other,
//! and it stays.

use carp_proto::{Interval, Recipients, State};
use carp_simulator::chaos::{calm, hosts, storm, Habitat};
use carp_simulator::configuration::Configuration;
use carp_simulator::random::Random;
use carp_simulator::record::Happening;
use carp_simulator::simulation::Simulation;

struct Outcome {
    hosts: Vec<Configuration>,
    simulation: Simulation,
}

impl Outcome {
    fn running(&self) -> Vec<usize> {
        let takes_part = |&host: &usize| {
            let state = self.simulation.state(host);
            state.is_some_and(|state| state != State::Init)
        };
        (0..self.hosts.len()).filter(takes_part).collect()
    }
}

fn weather(seed: u64, habitat: Habitat) -> Outcome {
    let mut random = Random::new(seed);
    let hosts = hosts(&mut random, habitat);
    let quality = calm(&mut random);
    let mut simulation = Simulation::booted(seed, quality, hosts.clone());
    storm(&mut random, &mut simulation, &hosts);
    Outcome { hosts, simulation }
}

fn transitions(simulation: &Simulation) -> usize {
    let changes = |happening: &&_| matches!(happening, Happening::Transition(..));
    let happenings = simulation.record().iter().map(|record| &record.happening);
    happenings.filter(changes).count()
}

/// How many of the advertisements went to the MASTER alone, and how often a
/// MASTER of ours stepped down for a better one: there is no other reason to
/// send one, so that nobody can be made to send more.
fn for_the_master(simulation: &Simulation) -> (usize, usize) {
    let happenings = || simulation.record().iter().map(|record| &record.happening);
    let sent = happenings().filter(|happening| {
        matches!(happening, Happening::Sent(_, frame) if frame.recipients == Recipients::Master)
    });
    let stepped_down = happenings().filter(|happening| {
        matches!(happening, Happening::Transition(_, change) if change.reason == "BetterMaster")
    });
    (sent.count(), stepped_down.count())
}

fn explain(seed: u64, simulation: &Simulation) -> String {
    format!("seed {seed}:{}", simulation.last_lines(60))
}

/// Exactly one MASTER if anyone runs, and it stays one.
fn check(seeds: std::ops::Range<u64>, habitat: Habitat) -> usize {
    let mut alone = 0;
    for seed in seeds {
        let mut outcome = weather(seed, habitat);
        let running = outcome.running();
        let masters = outcome.simulation.masters();
        let expected = usize::from(!running.is_empty());
        assert_eq!(
            masters.len(),
            expected,
            "{}",
            explain(seed, &outcome.simulation)
        );
        alone += usize::from(running.len() < 2);
        if habitat.preempt {
            let rank = |host: usize| {
                let parameters = outcome.hosts[host].parameters;
                (parameters.advbase(), parameters.advskew())
            };
            let best = running.iter().map(|&host| rank(host)).min();
            let master = masters.first().map(|&host| rank(host));
            assert_eq!(master, best, "{}", explain(seed, &outcome.simulation));
        }
        let (sent, stepped_down) = for_the_master(&outcome.simulation);
        assert_eq!(sent, stepped_down, "seed {seed}");
        let before = transitions(&outcome.simulation);
        outcome.simulation.run(Interval::from_micros(30_000_000));
        assert_eq!(
            transitions(&outcome.simulation),
            before,
            "not stable: {}",
            explain(seed, &outcome.simulation)
        );
    }
    alone
}

#[test]
fn one_master_after_the_storm() {
    let alone = check(0..1_000, Habitat::default());
    // Most runs are about an election.
    assert!(alone < 400, "{alone} runs with fewer than two hosts");
}

#[test]
fn with_preempt_the_best_one() {
    let habitat = Habitat {
        preempt: true,
        foreign: false,
    };
    check(10_000..10_500, habitat);
}

#[test]
fn among_bsds_too() {
    let habitat = Habitat {
        preempt: false,
        foreign: true,
    };
    check(20_000..20_500, habitat);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let line = |seed| {
        let outcome = weather(seed, Habitat::default());
        let record = outcome.simulation.record().iter();
        record.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(line(42), line(42));
    assert_ne!(line(42), line(43));
}
