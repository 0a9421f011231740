// SPDX-License-Identifier: GPL-2.0

//! Sorting in place.
//!
//! Pure, may be used in any context.

use core::cell::Cell;

/// Sorts `items`.
pub fn sort<T: Copy + Ord>(items: &mut [T]) {
    sort_by_key(items, |item| item);
}

/// Sorts `items` by what `key` gives for each, by comb sort. Those with the same key
/// may end in any order.
///
/// Not by `sort_unstable`, which panics if an order is none: that code would
/// come into the module, and objtool complains of it.
pub fn sort_by_key<T: Copy, K: Ord>(items: &mut [T], key: impl Fn(T) -> K) {
    // Cells, so that two items can be seen at a time without an index.
    let items = Cell::from_mut(items).as_slice_of_cells();
    let mut gap = items.len();
    let mut sorted = false;
    while gap > 1 || !sorted {
        gap = (gap / 4 * 3).max(1);
        sorted = true;
        for (lower, upper) in items.iter().zip(items.get(gap..).unwrap_or_default()) {
            if key(lower.get()) > key(upper.get()) {
                upper.set(lower.replace(upper.get()));
                sorted = false;
            }
        }
    }
}
