// SPDX-License-Identifier: GPL-2.0

//! A limit on how often something is told.
//!
//! Pure, may be used in any context.

use super::time::{
    Instant,
    Interval, //
};

/// Lets one thing pass, and the next one not before a while.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pause: Interval,
    last: Option<Instant>,
}

impl Pace {
    /// A limit of one in each `pause`; the first one passes at once.
    pub const fn one_in(pause: Interval) -> Self {
        Self { pause, last: None }
    }

    /// Does what happens at `now` pass? If it does, the next one has to wait.
    pub fn allows(&mut self, now: Instant) -> bool {
        let allowed = self.last.is_none_or(|last| last + self.pause <= now);
        if allowed {
            self.last = Some(now);
        }
        allowed
    }
}
