// SPDX-License-Identifier: GPL-2.0

//! The time line of a run.

use std::fmt;

use carp_proto::{Advertisement, Discard, Instant, Recipients};

use crate::frame::Frame;
use crate::simulation::Intervention;
use crate::station::Change;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Happening {
    /// Someone interfered.
    Intervention(Intervention),
    /// A host changed its state.
    Transition(usize, Change),
    /// A host told the neighbours where the virtual addresses are.
    Announcement(usize),
    /// A host put an advertisement on the segment.
    Sent(usize, Frame),
    /// A host did not use what it heard.
    Discard(usize, Discard),
}

/// Something that happened, and when.
#[derive(Clone, Debug)]
pub struct Record {
    /// When.
    pub at: Instant,
    /// What.
    pub happening: Happening,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.at.as_nanos();
        write!(
            f,
            "{:6}.{:06} ",
            nanos / 1_000_000_000,
            nanos % 1_000_000_000 / 1_000
        )?;
        match &self.happening {
            Happening::Intervention(intervention) => write!(f, "-- {intervention:?}"),
            Happening::Transition(host, change) => write!(
                f,
                "host {host}: {:?} -> {:?} ({})",
                change.from, change.to, change.reason
            ),
            Happening::Announcement(host) => write!(f, "host {host}: announces the addresses"),
            Happening::Sent(host, frame) => write_sent(f, *host, frame),
            Happening::Discard(host, discard) => {
                write!(f, "host {host}: does not use what it heard ({discard:?})")
            }
        }
    }
}

fn write_sent(f: &mut fmt::Formatter<'_>, host: usize, frame: &Frame) -> fmt::Result {
    let whom = match frame.recipients {
        Recipients::All => "",
        Recipients::Master => " to the MASTER",
    };
    write!(f, "host {host}: advertises{whom} over {:?}", frame.family())?;
    match Advertisement::parse(frame.hop_limit, &frame.payload) {
        Ok(sent) if sent.is_bow_out() => write!(f, ", bows out"),
        Ok(sent) => write!(
            f,
            ", advbase {} advskew {} demote {}",
            sent.advbase, sent.advskew, sent.demote
        ),
        Err(discard) => write!(f, ", broken ({discard:?})"),
    }
}
