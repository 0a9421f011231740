// SPDX-License-Identifier: GPL-2.0

//! What is asked of every world, and what has to be possible.

use carp_simulator::configuration::Configuration;
use stateright::Property;

use crate::segment::Segment;
use crate::world::World;

/// Once the hosts have had the time to agree: one MASTER if there is anyone.
pub const ONE_MASTER: &str = "exactly one MASTER in the calm";
/// From then on nothing changes any more, for ever.
pub const AT_REST: &str = "no change of state in the calm";
/// If all hosts preempt, the MASTER is one with the best parameters.
pub const BEST_MASTER: &str = "the best MASTER in the calm";
/// Two hosts that hear each other are never both MASTER.
///
/// No implementation of CARP can promise this: it is there for the
/// counter-example.
pub const NEVER_TWO: &str = "never two MASTERs";
/// The calm is reached with someone to elect: the others say something.
pub const SETTLED: &str = "hosts settle";

/// The properties that hold on every segment of hosts of ours.
pub fn all(segment: &Segment) -> Vec<Property<Segment>> {
    let mut properties = vec![
        Property::always(ONE_MASTER, one_master),
        Property::always(AT_REST, |_, world: &World| !world.restless),
        Property::sometimes(SETTLED, |segment, world: &World| {
            settled(segment, world) && world.running().count() == segment.hosts.len()
        }),
    ];
    if segment.hosts.iter().all(|host| host.preempt) {
        properties.push(Property::always(BEST_MASTER, best_master));
    }
    if segment.hope {
        properties.push(Property::always(NEVER_TWO, never_two));
    }
    properties
}

fn never_two(_: &Segment, world: &World) -> bool {
    let masters: Vec<usize> = world.masters().collect();
    let mut pairs = masters.iter().zip(masters.iter().skip(1));
    !pairs.any(|(&one, &other)| world.connected(one, other))
}

fn settled(segment: &Segment, world: &World) -> bool {
    world.calm.is_some_and(|calm| calm > segment.settle)
}

fn one_master(segment: &Segment, world: &World) -> bool {
    let expected = usize::from(world.running().next().is_some());
    !settled(segment, world) || world.masters().count() == expected
}

fn best_master(segment: &Segment, world: &World) -> bool {
    let rank = |host: usize| {
        let Configuration { parameters, .. } = &segment.hosts[host];
        let demotion = segment.demotions[host];
        (demotion, parameters.advbase(), parameters.advskew())
    };
    let best = world.running().map(|(host, _)| rank(host)).min();
    !settled(segment, world) || world.masters().all(|host| Some(rank(host)) == best)
}
