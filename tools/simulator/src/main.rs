// SPDX-License-Identifier: GPL-2.0

//! Prints the time line of a simulated run, or measures many.

use std::process::ExitCode;

use carp_proto::Interval;
use carp_simulator::drill::Drill;
use carp_simulator::options::{Mode, Options, HELP};
use carp_simulator::record::Happening;
use carp_simulator::simulation::Simulation;

fn main() -> ExitCode {
    match Options::parse(lexopt::Parser::from_env()) {
        Ok(options) => {
            match options.mode {
                Mode::Help => print!("{HELP}"),
                Mode::TimeLine { verbose } => time_line(&options, verbose),
                Mode::Sweep(seeds) => sweep(&options, seeds),
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("carp-simulator: {error} (see --help)");
            ExitCode::from(2)
        }
    }
}

fn time_line(options: &Options, verbose: bool) {
    let mut simulation = Simulation::booted(options.seed, options.quality, options.hosts.clone());
    let mut passed = Interval::ZERO;
    for &(at, intervention) in &options.interventions {
        simulation.run(difference(at, passed));
        passed = at.max(passed);
        simulation.intervene(intervention);
    }
    simulation.run(difference(options.length, passed));
    for record in simulation.record() {
        if verbose || !matches!(record.happening, Happening::Sent(..)) {
            println!("{record}");
        }
    }
    let observer = simulation.observer();
    println!();
    println!("MASTER at the end: host {:?}", simulation.masters());
    for (name, trouble) in [("no MASTER", observer.none), ("two MASTERs", observer.two)] {
        println!(
            "{name}: {} times, {} s in all, {} s at the longest{}",
            trouble.episodes(),
            seconds(trouble.total()),
            seconds(trouble.longest()),
            if trouble.present() { ", and now" } else { "" }
        );
    }
}

fn sweep(options: &Options, seeds: u64) {
    println!("{seeds} seeds from {}; seconds", options.seed);
    println!("| fault | none: median | none: longest | two: median | two: longest | unsettled |");
    println!("|---|---|---|---|---|---|");
    for drill in Drill::ALL {
        let (mut none, mut two, mut unsettled) = (Vec::new(), Vec::new(), 0u64);
        for seed in options.seed..options.seed + seeds {
            match drill.run(seed, options.quality, &options.hosts) {
                Some(observer) if !observer.none.present() && !observer.two.present() => {
                    none.push(observer.none.total());
                    two.push(observer.two.total());
                }
                _ => unsettled += 1,
            }
        }
        none.sort_unstable();
        two.sort_unstable();
        println!(
            "| {} | {} | {} | {} | {} | {unsettled} |",
            drill.name(),
            at(&none, 1, 2),
            at(&none, 1, 1),
            at(&two, 1, 2),
            at(&two, 1, 1)
        );
    }
}

/// The element at `numerator / denominator` of a sorted list.
fn at(sorted: &[Interval], numerator: usize, denominator: usize) -> String {
    let index = (sorted.len() * numerator / denominator).min(sorted.len().saturating_sub(1));
    sorted
        .get(index)
        .map_or("-".into(), |&value| seconds(value))
}

fn seconds(interval: Interval) -> String {
    format!("{:.6}", interval.as_nanos() as f64 / 1e9)
}

fn difference(later: Interval, earlier: Interval) -> Interval {
    Interval::from_nanos(later.as_nanos().saturating_sub(earlier.as_nanos()))
}
