// SPDX-License-Identifier: GPL-2.0

//! What is counted, per group and per port.
//!
//! Any context, no lock. What happens for each frame is counted per processor.

use crate::{
    net::per_cpu::{
        Numbers,
        PerCpuCounters, //
    },
    proto::{
        Discard,
        Family, //
    }, //
};
use kernel::{
    alloc::AllocError,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// A number that only grows.
pub(crate) struct Counter(Atomic<u64>);

impl Counter {
    /// Zero.
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Counts one more.
    pub(crate) fn increment(&self) {
        self.add(1);
    }

    /// Counts `number` more.
    pub(crate) fn add(&self, number: u64) {
        self.0.add(number, Relaxed);
    }

    /// The number so far.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn set(&self, number: u64) {
        self.0.store(number, Relaxed);
    }
}

/// Advertisements that were not used, by reason.
pub(crate) struct Discards([Counter; Self::REASONS]);

impl Discards {
    /// One for each of [`Discard`].
    pub(crate) const REASONS: usize = Discard::OwnEcho as usize + 1;

    /// All zero.
    pub(crate) const fn new() -> Self {
        Self([const { Counter::new() }; Self::REASONS])
    }

    /// Counts one.
    pub(crate) fn increment(&self, reason: Discard) {
        if let Some(counter) = self.0.get(reason as usize) {
            counter.increment();
        }
    }

    /// Those of one reason.
    pub(crate) fn unknown_vhid(&self) -> u64 {
        self.get().nth(Discard::UnknownVhid as usize).unwrap_or(0)
    }

    /// Those of all reasons together.
    pub(crate) fn total(&self) -> u64 {
        self.get().sum()
    }

    /// The counters, in the order of [`Discard`].
    pub(crate) fn get(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().map(Counter::get)
    }
}

/// What is counted for one group. The uapi header says what each means.
pub(crate) struct Counters {
    /// `IFLA_CARP_STATS_TX_V4`.
    pub(crate) sent_v4: Counter,
    /// `IFLA_CARP_STATS_TX_V6`.
    pub(crate) sent_v6: Counter,
    /// `IFLA_CARP_STATS_TX_BOW_OUT`.
    pub(crate) sent_bow_out: Counter,
    /// `IFLA_CARP_STATS_TX_ERRORS`.
    pub(crate) send_errors: Counter,
    /// `IFLA_CARP_STATS_RX_V4`.
    pub(crate) received_v4: Counter,
    /// `IFLA_CARP_STATS_RX_V6`.
    pub(crate) received_v6: Counter,
    /// `IFLA_CARP_STATS_ANNOUNCEMENTS`.
    pub(crate) announcements: Counter,
    /// `IFLA_CARP_STATS_ARP_REPLIES`.
    pub(crate) arp_replies: Counter,
    /// `IFLA_CARP_STATS_ND_REPLIES`.
    pub(crate) nd_replies: Counter,
    /// `IFLA_CARP_STATS_NOT_SELECTED`.
    pub(crate) not_selected: Counter,
    /// `IFLA_CARP_STATS_ADDRESS_CONFLICT`.
    pub(crate) address_conflict: Counter,
    /// `IFLA_CARP_STATS_OTHER_MASTER`.
    pub(crate) other_master: Counter,
    /// `IFLA_CARP_STATS_TX_NOT_MASTER`.
    pub(crate) sent_not_master: Counter,
    /// What others sent through the device; dropped is what the parent did not
    /// take.
    pub(crate) device_sent: Traffic,
    /// `IFLA_CARP_STATS_DISCARD_*`.
    pub(crate) discards: Discards,
}

impl Counters {
    /// All zero. Process context.
    ///
    /// # Errors
    ///
    /// Out of memory.
    pub(crate) fn new() -> Result<Self, AllocError> {
        Ok(Self {
            sent_v4: Counter::new(),
            sent_v6: Counter::new(),
            sent_bow_out: Counter::new(),
            send_errors: Counter::new(),
            received_v4: Counter::new(),
            received_v6: Counter::new(),
            announcements: Counter::new(),
            arp_replies: Counter::new(),
            nd_replies: Counter::new(),
            not_selected: Counter::new(),
            address_conflict: Counter::new(),
            other_master: Counter::new(),
            sent_not_master: Counter::new(),
            device_sent: Traffic::new()?,
            discards: Discards::new(),
        })
    }

    /// Advertisements sent, of a family.
    pub(crate) fn sent(&self, family: Family) -> &Counter {
        match family {
            Family::V4 => &self.sent_v4,
            Family::V6 => &self.sent_v6,
        }
    }

    /// Advertisements accepted, of a family.
    pub(crate) fn received(&self, family: Family) -> &Counter {
        match family {
            Family::V4 => &self.received_v4,
            Family::V6 => &self.received_v6,
        }
    }
}

/// Frames, for each of which there is no lock and no line of cache that other
/// processors write to.
pub(crate) struct Traffic {
    numbers: PerCpuCounters<{ Self::NUMBERS }>,
    /// What is not to be shown any more.
    before: [Counter; Self::NUMBERS],
}

impl Traffic {
    const FRAMES: usize = 0;
    const BYTES: usize = 1;
    const DROPPED: usize = 2;
    const NOT_SELECTED: usize = 3;
    const NUMBERS: usize = 4;

    /// Nothing that counts.
    pub(crate) fn none() -> Self {
        Self {
            numbers: PerCpuCounters::none(),
            before: [const { Counter::new() }; Self::NUMBERS],
        }
    }

    /// None yet. Process context.
    ///
    /// # Errors
    ///
    /// Out of memory.
    pub(crate) fn new() -> Result<Self, AllocError> {
        let traffic = Self::none();
        traffic.begin()?;
        Ok(traffic)
    }

    /// Counts from zero, from now on. Process context, not by two at a time.
    ///
    /// # Errors
    ///
    /// Out of memory.
    pub(crate) fn begin(&self) -> Result<(), AllocError> {
        self.numbers.populate()?;
        for (index, before) in self.before.iter().enumerate() {
            before.set(self.numbers.sum(index));
        }
        Ok(())
    }

    /// Counts one frame.
    #[inline(always)]
    pub(crate) fn add(&self, bytes: usize) {
        self.counting().add(bytes);
    }

    /// Gets ready to count.
    #[inline(always)]
    pub(crate) fn counting(&self) -> Counting<'_> {
        Counting(self.numbers.get())
    }

    /// Counts one that was dropped.
    pub(crate) fn add_dropped(&self) {
        self.numbers.get().increment::<{ Self::DROPPED }>();
    }

    /// Counts one that was left to another host.
    pub(crate) fn add_not_selected(&self) {
        self.numbers.get().increment::<{ Self::NOT_SELECTED }>();
    }

    fn sum(&self, index: usize) -> u64 {
        let before = self.before.get(index).map_or(0, Counter::get);
        self.numbers.sum(index).wrapping_sub(before)
    }

    /// What was counted so far.
    pub(crate) fn get(&self) -> Total {
        Total {
            frames: self.sum(Self::FRAMES),
            bytes: self.sum(Self::BYTES),
            dropped: self.sum(Self::DROPPED),
            not_selected: self.sum(Self::NOT_SELECTED),
        }
    }
}

/// A [`Traffic`] that is about to count.
pub(crate) struct Counting<'a>(Numbers<'a, { Traffic::NUMBERS }>);

impl Counting<'_> {
    /// Counts one frame.
    #[inline(always)]
    pub(crate) fn add(&self, bytes: usize) {
        self.0.increment::<{ Traffic::FRAMES }>();
        self.0.add::<{ Traffic::BYTES }>(bytes as u64);
    }
}

/// What a [`Traffic`] has counted.
#[derive(Default)]
pub(crate) struct Total {
    /// Frames, without those that were dropped.
    pub(crate) frames: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Frames that were dropped.
    pub(crate) dropped: u64,
    /// Frames that were left to another host, neither taken nor lost.
    pub(crate) not_selected: u64,
}
