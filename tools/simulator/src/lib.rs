// SPDX-License-Identifier: GPL-2.0

//! A deterministic simulator of hosts that run CARP on one segment.
//!
//! The hosts are the protocol core of this repository, with real digests and
//! real packets, beside models of the BSDs; the segment loses, delays,
//! reorders, duplicates, echoes and falls apart as its seed says; time is
//! virtual. `Documentation/simulator.md` says how to use it and what came out.

pub mod carp_station;
pub mod chaos;
pub mod configuration;
pub mod drill;
pub mod foreign;
pub mod foreign_station;
pub mod frame;
pub mod observer;
pub mod options;
pub mod random;
pub mod record;
pub mod seal;
pub mod segment;
pub mod simulation;
pub mod station;
