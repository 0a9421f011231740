// SPDX-License-Identifier: GPL-2.0

//! What happened and was not told yet, in the order in which it happened.
//!
//! Pure, may be used in any context; the size is fixed.

/// A queue with `PLACES` places. Where there is none left, the oldest entry goes,
/// and is counted as lost: whoever is told knows that something is missing, and
/// the last entry is always the present.
#[derive(Clone, Debug)]
pub struct Backlog<T, const PLACES: usize> {
    entries: [Option<T>; PLACES],
    /// The place of the oldest entry.
    first: usize,
    length: usize,
    lost: u32,
}

impl<T, const PLACES: usize> Backlog<T, PLACES> {
    /// An empty one.
    pub const fn new() -> Self {
        Self {
            entries: [const { None }; PLACES],
            first: 0,
            length: 0,
            lost: 0,
        }
    }

    /// Is there nothing in it, and nothing lost?
    pub const fn is_empty(&self) -> bool {
        self.length == 0 && self.lost == 0
    }

    /// Appends an entry.
    pub fn push(&mut self, entry: T) {
        if self.length == PLACES {
            drop(self.take_first());
            self.lost = self.lost.saturating_add(1);
        }
        let place = (self.first + self.length) % PLACES;
        if let Some(free) = self.entries.get_mut(place) {
            *free = Some(entry);
            self.length += 1;
        }
    }

    /// The entry that was appended last.
    pub fn last(&self) -> Option<&T> {
        let last = self.length.checked_sub(1)?;
        self.entries.get((self.first + last) % PLACES)?.as_ref()
    }

    /// Takes the oldest entry out, with the number of those that were lost before
    /// it. `None` if there is none; then nothing was lost either.
    pub fn pop(&mut self) -> Option<(T, u32)> {
        let entry = self.take_first()?;
        Some((entry, core::mem::take(&mut self.lost)))
    }

    fn take_first(&mut self) -> Option<T> {
        let entry = self.entries.get_mut(self.first)?.take()?;
        self.first = (self.first + 1) % PLACES;
        self.length -= 1;
        Some(entry)
    }
}

impl<T, const PLACES: usize> Default for Backlog<T, PLACES> {
    fn default() -> Self {
        Self::new()
    }
}
