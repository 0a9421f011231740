// SPDX-License-Identifier: GPL-2.0

//! What happened to a group and was not told yet, in its order.
//!
//! Noted under the machine's lock, and told without it: in events
//! ([`super::events`]), and in messages about links ([`super::link_messages`]). Of each
//! there are a few that can wait; more than one waits only if several processors are
//! busy with the same group, or somebody holds the RTNL.

use crate::proto::{
    Backlog,
    Instant,
    Interval,
    Missing,
    Pace,
    Peer,
    Reason,
    State,
    Vhid, //
};

/// How many can wait to be told.
const WAITING: usize = 8;

/// Of one group, other MASTERs and wrong digests are told of at most once in this time
/// each; the counters have all.
const PAUSE: Interval = Interval::from_nanos(1_000_000_000);

/// The state of a group at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Snapshot {
    pub(super) state: State,
    pub(super) reason: Reason,
    pub(super) missing: Missing,
    /// Changes of state so far.
    pub(super) transitions: u32,
    /// When the state was entered.
    pub(super) since: Instant,
    /// The same, in nanoseconds of `CLOCK_REALTIME` as it was then.
    pub(super) changed_at: u64,
}

/// One thing that happened.
#[derive(Clone, Copy)]
pub(crate) enum Item {
    /// The state changed.
    Transition {
        /// Of the node with this vhid.
        vhid: Option<Vhid>,
        /// The one before.
        from: State,
        /// The one after.
        now: Snapshot,
    },
    /// Something else changed that is told of a group.
    Change,
    /// This one was heard while this host was MASTER of the node, and is MASTER, too.
    OtherMaster(Vhid, Peer),
    /// This one sends advertisements with wrong digests for the node.
    BadDigest(Vhid, Peer),
}

/// What waits to be told.
pub(crate) struct News {
    /// Whether it was told that there is such a group, and not yet that it is gone.
    known: bool,
    events: Backlog<Item, WAITING>,
    links: Backlog<Snapshot, WAITING>,
    other_master: Pace,
    bad_digest: Pace,
}

impl News {
    /// None.
    pub(super) const fn new() -> Self {
        Self {
            known: false,
            events: Backlog::new(),
            links: Backlog::new(),
            other_master: Pace::one_in(PAUSE),
            bad_digest: Pace::one_in(PAUSE),
        }
    }

    /// From now on there is such a group for everybody.
    pub(super) fn begin(&mut self) {
        self.known = true;
    }

    /// From now on there is none; says whether there was one for everybody.
    pub(super) fn end(&mut self) -> bool {
        core::mem::replace(&mut self.known, false)
    }

    fn note(&mut self, item: Item) {
        if self.known {
            self.events.push(item);
        }
    }

    /// The state of a node changed; `shown` is that of the group now.
    pub(super) fn transition(
        &mut self,
        vhid: Option<Vhid>,
        from: State,
        now: Snapshot,
        shown: Snapshot,
    ) {
        self.note(Item::Transition { vhid, from, now });
        self.links.push(shown);
    }

    /// Something else changed. Several changes that nobody was told of yet are one.
    pub(super) fn change(&mut self) {
        if !matches!(self.events.last(), Some(Item::Change)) {
            self.note(Item::Change);
        }
    }

    /// Another MASTER was heard.
    pub(super) fn other_master(&mut self, now: Instant, vhid: Vhid, peer: Peer) {
        if self.other_master.allows(now) {
            self.note(Item::OtherMaster(vhid, peer));
        }
    }

    /// A wrong digest was heard.
    pub(super) fn bad_digest(&mut self, now: Instant, vhid: Vhid, peer: Peer) {
        if self.bad_digest.allows(now) {
            self.note(Item::BadDigest(vhid, peer));
        }
    }

    /// Whether there is an event to tell.
    pub(super) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The next event to tell, and how many were lost before it.
    pub(super) fn next_event(&mut self) -> Option<(Item, u32)> {
        self.events.pop()
    }

    /// Whether there is a state to show.
    pub(super) fn has_links(&self) -> bool {
        !self.links.is_empty()
    }

    /// The next state to show. If some were lost before it, the number of transitions
    /// in it says so.
    pub(super) fn next_link(&mut self) -> Option<Snapshot> {
        self.links.pop().map(|(snapshot, _)| snapshot)
    }
}
