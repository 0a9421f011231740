// SPDX-License-Identifier: GPL-2.0

//! A limit of a device that follows its parent's.
//!
//! Process context with the RTNL held.

use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// Remembers what was the parent's and what was the user's doing.
pub(crate) struct Limit {
    /// What we set last.
    followed: Atomic<u32>,
    /// The parent's at that time.
    parent: Atomic<u32>,
    /// What the user wants it to be at most.
    chosen: Atomic<u32>,
}

impl Limit {
    /// That of a new device, with the value that devices begin with.
    pub(crate) const fn new(initial: u32) -> Self {
        Self {
            followed: Atomic::new(initial),
            parent: Atomic::new(u32::MAX),
            chosen: Atomic::new(u32::MAX),
        }
    }

    /// The user said so, though it may be what the device has anyway.
    pub(crate) fn choose(&self, value: u32) {
        self.chosen.store(value, Relaxed);
    }

    /// What the device's is to be, which is `now`, with `parent` the parent's: the
    /// same, unless the user has chosen a smaller one.
    pub(crate) fn follow(&self, now: u32, parent: u32) -> u32 {
        if now != self.followed.load(Relaxed) {
            let smaller = now < self.parent.load(Relaxed);
            self.choose(if smaller { now } else { u32::MAX });
        }
        let target = parent.min(self.chosen.load(Relaxed));
        self.followed.store(target, Relaxed);
        self.parent.store(parent, Relaxed);
        target
    }

    /// The device could not be set to it, and is as it was.
    pub(crate) fn refused(&self, now: u32) {
        self.followed.store(now, Relaxed);
    }
}
