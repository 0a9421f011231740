// SPDX-License-Identifier: GPL-2.0

//! The senders of advertisements for a group, as this host hears them.
//!
//! Pure, may be used in any context; the size is fixed, whatever is heard. Nothing
//! in the protocol depends on it: it is kept to be shown.

use super::{
    family::Source,
    time::Instant,
    wire::Advertisement, //
};

/// How many hosts are known whose advertisements had a right digest.
pub const KNOWN: usize = 8;

/// How many senders are remembered of whom nothing but wrong digests was heard.
pub const STRANGERS: usize = 4;

/// One sender, told from others by its address.
///
/// Its parameters and `last` are those of the last advertisement with a right
/// digest, or, as long as there is none, of the last one with a wrong digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Where its advertisements come from.
    pub source: Source,
    /// Seconds, 0..=255.
    pub advbase: u8,
    /// 1/256 seconds, 0..=255.
    pub advskew: u8,
    /// Its demotion, 0..=255.
    pub demote: u8,
    /// When the last advertisement was heard.
    pub last: Instant,
    /// Advertisements with a right digest.
    pub received: u64,
    /// Those with a wrong one.
    pub bad_digest: u64,
}

impl Peer {
    const fn unheard(now: Instant, source: Source) -> Self {
        Self {
            source,
            advbase: 0,
            advskew: 0,
            demote: 0,
            last: now,
            received: 0,
            bad_digest: 0,
        }
    }

    fn hear(&mut self, now: Instant, advertisement: &Advertisement) {
        self.advbase = advertisement.advbase;
        self.advskew = advertisement.advskew;
        self.demote = advertisement.demote;
        self.last = now;
    }
}

/// The senders of a group's advertisements.
///
/// Anybody on the segment can send with any number of source addresses, but only who
/// has the key can make right digests. So there are two tables, and nobody gets into
/// the one of [`KNOWN`] places without a right digest: wrong ones, however many,
/// drive out strangers only. In either table it is who has been silent for the longest
/// time that makes place for a new one.
///
/// The digest does not cover the source address. Who replays advertisements of a member
/// under other addresses can fill the first table, too; a member is back in it with
/// its next advertisement, with its counts from zero.
#[derive(Clone, Debug)]
pub struct Peers {
    known: [Option<Peer>; KNOWN],
    strangers: [Option<Peer>; STRANGERS],
}

impl Peers {
    /// Nobody was heard.
    pub const fn new() -> Self {
        Self {
            known: [None; KNOWN],
            strangers: [None; STRANGERS],
        }
    }

    /// Takes note of an advertisement with a right digest.
    pub fn accept(&mut self, now: Instant, source: Source, advertisement: &Advertisement) -> Peer {
        let stranger = find(&mut self.strangers, source).and_then(Option::take);
        let new = stranger.unwrap_or(Peer::unheard(now, source));
        update(&mut self.known, new, |peer| {
            peer.hear(now, advertisement);
            peer.received = peer.received.saturating_add(1);
        })
    }

    /// Takes note of an advertisement with a wrong digest. Whoever sent it, it says
    /// nothing about a host that is known.
    pub fn refuse(&mut self, now: Instant, source: Source, advertisement: &Advertisement) -> Peer {
        if let Some(peer) = find(&mut self.known, source).and_then(Option::as_mut) {
            peer.bad_digest = peer.bad_digest.saturating_add(1);
            return *peer;
        }
        update(&mut self.strangers, Peer::unheard(now, source), |peer| {
            peer.hear(now, advertisement);
            peer.bad_digest = peer.bad_digest.saturating_add(1);
        })
    }

    /// All that are remembered, those with a right digest first.
    pub fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.known.iter().chain(&self.strangers).flatten()
    }
}

impl Default for Peers {
    fn default() -> Self {
        Self::new()
    }
}

/// The place of a sender, if it has one.
fn find(table: &mut [Option<Peer>], source: Source) -> Option<&mut Option<Peer>> {
    table
        .iter_mut()
        .find(|place| place.is_some_and(|peer| peer.source == source))
}

/// Changes the entry of a sender. If it has none, that is `new`, in a free place, or
/// else in that of who was silent for the longest time.
fn update(table: &mut [Option<Peer>], new: Peer, change: impl FnOnce(&mut Peer)) -> Peer {
    let place = table.iter_mut().min_by_key(|place| match place {
        Some(peer) if peer.source == new.source => (0, None),
        None => (1, None),
        Some(peer) => (2, Some(peer.last)),
    });
    let entry = place.as_deref().copied().flatten();
    let mut peer = entry
        .filter(|peer| peer.source == new.source)
        .unwrap_or(new);
    change(&mut peer);
    if let Some(place) = place {
        *place = Some(peer);
    }
    peer
}
