// SPDX-License-Identifier: GPL-2.0

//! The protocol core of carp on the host: the very files of `rust/proto/` that
//! are compiled into the kernel module, for tests, simulator and model.
//!
//! A group is told what happens and when, and answers what to do:
//!
//! ```
//! use carp_proto::{Event, Families, Group, Instant, Missing, Parameters, Reason, State};
//!
//! let mut group = Group::new(Parameters::default(), 0x5eed);
//! let start = Instant::from_nanos(0);
//! let missing = Missing::NONE;
//! let families = Families { v4: true, v6: false };
//! let _ = group.handle(start, Event::Conditions { missing, families });
//! assert_eq!(group.state(), State::Backup);
//!
//! // Three silent seconds later:
//! let due = group.time_out_due().unwrap();
//! assert_eq!(due.as_nanos(), 3_000_000_000);
//! let actions = group.handle(due, Event::TimeOutTimer);
//! assert_eq!(actions.transition.unwrap().reason, Reason::TimedOut);
//! assert!(actions.advertise.is_some() && actions.announce);
//! ```

#![no_std]
#![forbid(unsafe_code)]

#[path = "../../../rust/proto/mod.rs"]
mod proto;

pub use proto::*;
