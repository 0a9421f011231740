// SPDX-License-Identifier: GPL-2.0

//! What the simulation knows of a host: it hears, it waits, it is told.

use carp_proto::{Discard, Instant, Parameters, State};

use crate::frame::Frame;

/// What an administrator, or the machine itself, does to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The group is taken up.
    Up,
    /// The group is taken down in an orderly way: who bows out, does.
    Down,
    /// The link comes back or is lost.
    Carrier(bool),
    /// The rule that a better BACKUP takes over.
    Preempt(bool),
    /// Other parameters.
    Parameters(Parameters),
    /// A user asks for a state.
    Request(State),
    /// The demotion of this host.
    Demote(u8),
}

/// What a host does.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Puts these on the segment.
    pub frames: Vec<Frame>,
    /// Changes state, and why.
    pub transition: Option<Change>,
    /// Tells the neighbours where the virtual addresses are.
    pub announce: bool,
    /// Does not use what it heard.
    pub discard: Option<Discard>,
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// Why, for the time line.
    pub reason: String,
}

/// A host with one group.
pub trait Station {
    /// The state of its group.
    fn state(&self) -> State;
    /// When its next timer is due.
    fn due(&self) -> Option<Instant>;
    /// A timer may be due.
    fn expire(&mut self, now: Instant) -> Output;
    /// A frame has arrived.
    fn hear(&mut self, now: Instant, frame: &Frame) -> Output;
    /// Something is done to the host.
    fn order(&mut self, now: Instant, order: Order) -> Output;
}
