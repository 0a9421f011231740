// SPDX-License-Identifier: GPL-2.0

//! A state of the model: all hosts and all messages at one moment.

use std::hash::{Hash, Hasher};

use carp_proto::{Instant, State};
use carp_simulator::configuration::Configuration;

use crate::host::{Host, Message};
use crate::segment::Budget;

/// What a host's place on the segment looks like.
#[derive(Clone, Debug)]
pub struct Place {
    /// None: switched off.
    pub host: Option<Host>,
    /// Whether the host has a link, as it knows itself.
    pub link: bool,
    /// Whether its user has taken the group down.
    pub down: bool,
}

/// A state of the model.
///
/// The time goes on for ever, but two worlds are equal if everything that can
/// still happen in them is: only the times that are left are compared. So the
/// number of different worlds is finite.
#[derive(Clone, Debug)]
pub struct World {
    /// The time now; not compared.
    pub now: Instant,
    /// The hosts.
    pub places: Vec<Place>,
    /// Their configurations, for the comparison; the same in all worlds.
    pub configurations: std::sync::Arc<[Configuration]>,
    /// Advertisements under way, in the order of their keys.
    pub under_way: Vec<Message>,
    /// The host that is cut off from the others without knowing.
    pub cut_off: Option<usize>,
    /// The host whose turn it is, if the hosts take turns.
    pub turn: usize,
    /// The faults that can still happen.
    pub budget: Budget,
    /// Ticks since the last fault, up to one more than the hosts are given to
    /// agree; None while there can be faults.
    pub calm: Option<u8>,
    /// A state changed after the hosts had had the time to agree.
    pub restless: bool,
}

impl World {
    /// The states of the hosts that take part in the election.
    pub fn running(&self) -> impl Iterator<Item = (usize, State)> + '_ {
        let places = self.places.iter().enumerate();
        places.filter_map(|(host, place)| {
            let state = place.host.as_ref()?.state();
            (state != State::Init).then_some((host, state))
        })
    }

    /// The hosts that are MASTER.
    pub fn masters(&self) -> impl Iterator<Item = usize> + '_ {
        let running = self.running();
        running.filter_map(|(host, state)| (state == State::Master).then_some(host))
    }

    /// Whether two hosts hear each other.
    pub fn connected(&self, one: usize, other: usize) -> bool {
        let linked = self.places[one].link && self.places[other].link;
        linked && self.cut_off != Some(one) && self.cut_off != Some(other)
    }

    /// Whether a timer of a host is due.
    pub fn timer_due(&self, host: usize) -> bool {
        let host = self.places[host].host.as_ref();
        host.and_then(Host::due).is_some_and(|due| due <= self.now)
    }

    /// All that is compared, in full length.
    pub fn transcript(&self) -> Vec<u8> {
        let mut transcript = Transcript(Vec::new());
        self.hash(&mut transcript);
        transcript.0
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (place, configuration) in self.places.iter().zip(self.configurations.iter()) {
            (place.link, place.down, place.host.is_some()).hash(state);
            if let Some(host) = &place.host {
                host.project(self.now, configuration, state);
            }
        }
        self.under_way.hash(state);
        self.cut_off.hash(state);
        self.turn.hash(state);
        self.budget.hash(state);
        self.calm.hash(state);
        self.restless.hash(state);
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        self.transcript() == other.transcript()
    }
}

/// Keeps what is hashed.
struct Transcript(Vec<u8>);

impl Hasher for Transcript {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
