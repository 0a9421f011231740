// SPDX-License-Identifier: GPL-2.0

//! Sorting in place.
//!
//! Pure, may be used in any context.

use core::cell::Cell;

/// Sorts `items`, by comb sort.
///
/// Not by `sort_unstable`, which panics if an order is none: that code would
/// come into the module, and objtool complains of it.
pub fn sort<T: Copy + Ord>(items: &mut [T]) {
    // Cells, so that two items can be seen at a time without an index.
    let items = Cell::from_mut(items).as_slice_of_cells();
    let mut gap = items.len();
    let mut sorted = false;
    while gap > 1 || !sorted {
        gap = (gap / 4 * 3).max(1);
        sorted = true;
        for (lower, upper) in items.iter().zip(items.get(gap..).unwrap_or_default()) {
            if lower.get() > upper.get() {
                upper.set(lower.replace(upper.get()));
                sorted = false;
            }
        }
    }
}
