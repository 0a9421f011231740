// SPDX-License-Identifier: GPL-2.0

//! The command line of `carp-simulator`.

use carp_proto::{Interval, Parameters, State};
use lexopt::prelude::*;

use crate::configuration::{Configuration, Software};
use crate::foreign::Kind;
use crate::segment::Quality;
use crate::simulation::Intervention;
use crate::station::Order;

/// What `--help` prints.
pub const HELP: &str = "\
carp-simulator: hosts that run CARP on one segment, in virtual time

Usage: carp-simulator [OPTION]...

Hosts
  --hosts N             how many (3)
  --advbase N           of all hosts (1)
  --advskew N,N,...     per host; the last one is for the rest (0)
  --preempt             a better BACKUP takes over
  --dual-stack          addresses of both families
  --freebsd HOST        host number HOST (from 0) follows FreeBSD's rules
  --openbsd HOST        ... OpenBSD's

Segment
  --loss P              probability that a frame does not arrive (0)
  --duplicate P         ... arrives twice (0)
  --echo P              ... comes back to its sender (0)
  --delay MS            every frame needs so long (0.1)
  --jitter MS           and up to so much more (0)
  --reorder             frames of one host may overtake each other

Run
  --seed N              the same seed gives the same run (1)
  --seconds N           virtual time (30)
  --at SECONDS ACTION HOST
                        crash, boot, down, up, unplug, plug, cut (a partition
                        that the host does not notice), master, backup
  --at SECONDS heal     end of all partitions
  --verbose             every advertisement, too
  --sweep SEEDS         run SEEDS seeds with random faults and print a table
  --help
";

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The time line of one run.
    TimeLine {
        /// With every advertisement.
        verbose: bool,
    },
    /// The measurements of so many random runs.
    Sweep(u64),
    /// The help text.
    Help,
}

/// What the user wants.
#[derive(Clone, Debug)]
pub struct Options {
    /// What to print.
    pub mode: Mode,
    /// Where the randomness starts.
    pub seed: u64,
    /// The virtual time of the run.
    pub length: Interval,
    /// The segment.
    pub quality: Quality,
    /// The hosts.
    pub hosts: Vec<Configuration>,
    /// What is done when, in the order of time.
    pub interventions: Vec<(Interval, Intervention)>,
}

impl Options {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// A text for the user.
    pub fn parse(parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut raw = Raw::default();
        raw.read(parser)?;
        raw.finish()
    }
}

/// The options as they are written, before they are put together.
struct Raw {
    mode: Mode,
    seed: u64,
    seconds: f64,
    quality: Quality,
    count: usize,
    advbase: u32,
    advskews: Vec<u32>,
    preempt: bool,
    dual_stack: bool,
    foreign: Vec<(usize, Kind)>,
    interventions: Vec<(Interval, Intervention)>,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            mode: Mode::TimeLine { verbose: false },
            seed: 1,
            seconds: 30.0,
            quality: Quality {
                delay: Interval::from_micros(100),
                ..Quality::default()
            },
            count: 3,
            advbase: 1,
            advskews: vec![0],
            preempt: false,
            dual_stack: false,
            foreign: Vec::new(),
            interventions: Vec::new(),
        }
    }
}

impl Raw {
    fn read(&mut self, mut parser: lexopt::Parser) -> Result<(), lexopt::Error> {
        while let Some(argument) = parser.next()? {
            match argument {
                Long("hosts") => self.count = parser.value()?.parse()?,
                Long("advbase") => self.advbase = parser.value()?.parse()?,
                Long("advskew") => self.advskews = list(&parser.value()?.string()?)?,
                Long("preempt") => self.preempt = true,
                Long("dual-stack") => self.dual_stack = true,
                Long("freebsd") => self.foreign.push((parser.value()?.parse()?, Kind::FreeBsd)),
                Long("openbsd") => self.foreign.push((parser.value()?.parse()?, Kind::OpenBsd)),
                Long("loss") => self.quality.loss = probability(&mut parser)?,
                Long("duplicate") => self.quality.duplicate = probability(&mut parser)?,
                Long("echo") => self.quality.echo = probability(&mut parser)?,
                Long("delay") => self.quality.delay = milliseconds(&mut parser)?,
                Long("jitter") => self.quality.jitter = milliseconds(&mut parser)?,
                Long("reorder") => self.quality.reorder = true,
                Long("seed") => self.seed = parser.value()?.parse()?,
                Long("seconds") => self.seconds = parser.value()?.parse()?,
                Long("at") => {
                    let at = seconds(parser.value()?.parse()?)?;
                    let intervention = intervention(&mut parser)?;
                    self.interventions.push((at, intervention));
                }
                Long("verbose") => self.mode = Mode::TimeLine { verbose: true },
                Long("sweep") => self.mode = Mode::Sweep(parser.value()?.parse()?),
                Long("help") | Short('h') => self.mode = Mode::Help,
                other => return Err(other.unexpected()),
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Options, lexopt::Error> {
        let mut hosts = Vec::new();
        for host in 0..self.count {
            let last = self.advskews.last().copied().unwrap_or(0);
            let advskew = self.advskews.get(host).copied().unwrap_or(last);
            if Parameters::new(self.advbase, advskew).is_err() {
                let advbase = self.advbase;
                return Err(
                    format!("advbase {advbase} with advskew {advskew} is not valid").into(),
                );
            }
            let mut configuration = Configuration::new(self.advbase, advskew).preempt(self.preempt);
            if self.dual_stack {
                configuration = configuration.dual_stack();
            }
            hosts.push(configuration);
        }
        for &(host, kind) in &self.foreign {
            known(host, self.count)?;
            hosts[host].software = Software::Foreign(kind);
        }
        for (_, intervention) in &self.interventions {
            if let Intervention::Boot(host)
            | Intervention::Crash(host)
            | Intervention::Order(host, _)
            | Intervention::Place(host, _) = *intervention
            {
                known(host, self.count)?;
            }
        }
        self.interventions.sort_by_key(|&(at, _)| at);
        Ok(Options {
            mode: self.mode,
            seed: self.seed,
            length: seconds(self.seconds)?,
            quality: self.quality,
            hosts,
            interventions: self.interventions,
        })
    }
}

fn known(host: usize, count: usize) -> Result<(), lexopt::Error> {
    if host < count {
        Ok(())
    } else {
        Err(
            format!("there is no host {host}: they are numbered from 0, and there are {count}")
                .into(),
        )
    }
}

fn list(text: &str) -> Result<Vec<u32>, lexopt::Error> {
    text.split(',')
        .map(|number| {
            number
                .parse()
                .map_err(|_| format!("{number:?} is not a number").into())
        })
        .collect()
}

fn probability(parser: &mut lexopt::Parser) -> Result<f64, lexopt::Error> {
    let value: f64 = parser.value()?.parse()?;
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err("a probability is from 0 to 1".into())
    }
}

fn seconds(value: f64) -> Result<Interval, lexopt::Error> {
    if value.is_finite() && value >= 0.0 {
        Ok(Interval::from_nanos((value * 1e9) as u64))
    } else {
        Err("a time is not negative".into())
    }
}

fn milliseconds(parser: &mut lexopt::Parser) -> Result<Interval, lexopt::Error> {
    let value: f64 = parser.value()?.parse()?;
    seconds(value / 1e3)
}

fn intervention(parser: &mut lexopt::Parser) -> Result<Intervention, lexopt::Error> {
    let action = parser.value()?.string()?;
    if action == "heal" {
        return Ok(Intervention::Heal);
    }
    let host: usize = parser.value()?.parse()?;
    Ok(match action.as_str() {
        "crash" => Intervention::Crash(host),
        "boot" => Intervention::Boot(host),
        "down" => Intervention::Order(host, Order::Down),
        "up" => Intervention::Order(host, Order::Up),
        "unplug" => Intervention::Order(host, Order::Carrier(false)),
        "plug" => Intervention::Order(host, Order::Carrier(true)),
        "cut" => Intervention::Place(host, host + 1),
        "master" => Intervention::Order(host, Order::Request(State::Master)),
        "backup" => Intervention::Order(host, Order::Request(State::Backup)),
        other => return Err(format!("no such action: {other:?}").into()),
    })
}
