// SPDX-License-Identifier: GPL-2.0

//! A partition ends, and there are two MASTERs: the one that stays tells the
//! neighbours again, whichever of the two is heard first.

use carp_proto::{Interval, Recipients};
use carp_simulator::configuration::Configuration;
use carp_simulator::drill::settling_time;
use carp_simulator::record::Happening;
use carp_simulator::segment::Quality;
use carp_simulator::simulation::{Intervention, Simulation};

const DELAY: Interval = Interval::from_micros(300);

/// The worst of three was alone. The second one would take over from it.
fn healed(seed: u64) -> (Simulation, usize) {
    let host = |advskew| Configuration::new(1, advskew).preempt(true);
    let hosts = vec![host(0), host(50), host(100)];
    let quality = Quality {
        delay: DELAY,
        ..Quality::default()
    };
    let settle = settling_time(&hosts);
    let mut simulation = Simulation::booted(seed, quality, hosts);
    simulation.run(settle);
    simulation.intervene(Intervention::Place(2, 1));
    // Joined again at any point of both intervals.
    simulation.run(settle + Interval::from_micros(seed * 7_919));
    assert_eq!(simulation.masters(), [0, 2]);
    let before = simulation.record().len();
    simulation.intervene(Intervention::Heal);
    simulation.run(Interval::from_micros(1_500_000));
    (simulation, before)
}

#[test]
fn the_one_that_stays_announces_within_an_interval() {
    let (mut better_first, mut worse_first) = (0, 0);
    for seed in 0..300 {
        let (simulation, before) = healed(seed);
        let record = &simulation.record()[before..];
        let healed = record[0].at;
        let explain = || format!("seed {seed}:{}", simulation.last_lines(30));

        let announced = record
            .iter()
            .find(|record| matches!(record.happening, Happening::Announcement(0)))
            .unwrap_or_else(|| panic!("{}", explain()));
        let bound = Interval::from_micros(1_000_000) + DELAY * 3;
        assert!(announced.at <= healed + bound, "{}", explain());

        let first = record.iter().find_map(|record| match record.happening {
            Happening::Sent(host, _) => Some(host),
            _ => None,
        });
        match first {
            Some(0) => better_first += 1,
            _ => worse_first += 1,
        }
        // The worst steps down, once. Where its advertisement came first, the
        // second one took over from it, and steps down as well.
        let told: Vec<usize> = record
            .iter()
            .filter_map(|record| match record.happening {
                Happening::Sent(host, frame) if frame.recipients == Recipients::Master => {
                    Some(host)
                }
                _ => None,
            })
            .collect();
        match first {
            Some(0) => assert_eq!(told, [2], "{}", explain()),
            _ => assert!(told.len() <= 2, "{}", explain()),
        }
        assert_eq!(simulation.masters(), [0], "{}", explain());
    }
    assert!(
        better_first > 50 && worse_first > 50,
        "{better_first} {worse_first}"
    );
}
