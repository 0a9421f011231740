// SPDX-License-Identifier: GPL-2.0

//! Numbers that each processor counts for itself.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)
//!
//! Made in process context, which may sleep; counted and read in any context.

use super::bindings;
use core::ptr::NonNull;
use kernel::{
    alloc::AllocError,
    prelude::*, //
};

/// `N` numbers that only grow, on a line of cache of each processor's own.
///
/// # Invariants
///
/// The pointer is to per-CPU memory for `N` numbers, which is this value's.
pub(crate) struct PerCpuCounters<const N: usize>(NonNull<u64>);

// SAFETY: Per-CPU memory belongs to no task.
unsafe impl<const N: usize> Send for PerCpuCounters<N> {}

// SAFETY: A processor adds to its own numbers in one instruction; the others read
// them as a whole.
unsafe impl<const N: usize> Sync for PerCpuCounters<N> {}

impl<const N: usize> PerCpuCounters<N> {
    /// All zero.
    ///
    /// # Errors
    ///
    /// Out of memory.
    pub(crate) fn new() -> Result<Self, AllocError> {
        // SAFETY: An allocation, in process context.
        let raw = unsafe { bindings::alloc_counters(N as u32) };
        // INVARIANT: Allocated for `N` numbers, and known to nobody else.
        Ok(Self(NonNull::new(raw).ok_or(AllocError)?))
    }

    /// The number at an index, in the way of per-CPU pointers. Panics if there is
    /// no such number.
    fn at(&self, index: usize) -> *mut u64 {
        assert!(index < N);
        self.0.as_ptr().wrapping_add(index)
    }

    /// Adds to a number.
    pub(crate) fn add(&self, index: usize, number: u64) {
        // SAFETY: Inside the memory, by `at`.
        unsafe { bindings::count(self.at(index), number) };
    }

    /// A number of all processors together.
    pub(crate) fn sum(&self, index: usize) -> u64 {
        // SAFETY: Inside the memory, by `at`.
        unsafe { bindings::sum_counters(self.at(index)) }
    }
}

impl<const N: usize> Drop for PerCpuCounters<N> {
    fn drop(&mut self) {
        // SAFETY: Allocated in `new`, and nobody uses it any more.
        unsafe { bindings::free_percpu(self.0.as_ptr().cast()) };
    }
}
