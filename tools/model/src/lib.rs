// SPDX-License-Identifier: GPL-2.0

//! Model checking of the protocol core.
//!
//! A few hosts on one segment, in discrete time; the checker (stateright) goes
//! through every order in which timers run out and advertisements arrive, and
//! every use of a budget of faults. The hosts are the protocol core itself,
//! not a description of it, and the BSD models of the simulator.
//! `Documentation/model.md` says what that proves.

pub mod host;
pub mod properties;
pub mod segment;
pub mod trace;
pub mod world;

pub use host::{Host, Message};
pub use segment::{Action, Budget, Segment};
pub use world::World;
