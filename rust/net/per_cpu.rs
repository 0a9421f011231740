// SPDX-License-Identifier: GPL-2.0

//! Numbers that each processor counts for itself.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)
//!
//! Made in process context, which may sleep; counted and read in any context.

use super::{
    bindings,
    read_once::read_once, //
};
use core::marker::PhantomData;
use kernel::{
    alloc::AllocError,
    prelude::*,
    sync::atomic::{
        Atomic,
        Release, //
    }, //
};

/// `N` numbers that only grow, on a line of cache of each processor's own; or nothing
/// yet, which counts for nobody.
///
/// # Invariants
///
/// The pointer is to per-CPU memory for `N` numbers, which is this value's and stays until
/// this value is dropped; or it is [`unread`], which is there as long as this module.
pub(crate) struct PerCpuCounters<const N: usize>(Atomic<*mut u64>);

// SAFETY: Per-CPU memory belongs to no task.
unsafe impl<const N: usize> Send for PerCpuCounters<N> {}

// SAFETY: A processor adds to its own numbers in one instruction; the others read
// them as a whole.
unsafe impl<const N: usize> Sync for PerCpuCounters<N> {}

/// Where is counted what nobody reads, so that who counts need not ask each time.
#[inline(always)]
fn unread() -> *mut u64 {
    (&raw mut bindings::unread_counters).cast()
}

impl<const N: usize> PerCpuCounters<N> {
    /// Nothing.
    pub(crate) fn none() -> Self {
        const { assert!(N <= bindings::UNREAD_COUNTERS as usize) };
        // INVARIANT: Nobody's, and long enough.
        Self(Atomic::new(unread()))
    }

    fn is_none(&self) -> bool {
        read_once(&self.0) == unread()
    }

    /// All zero.
    ///
    /// # Errors
    ///
    /// Out of memory.
    pub(crate) fn new() -> Result<Self, AllocError> {
        let counters = Self::none();
        counters.populate()?;
        Ok(counters)
    }

    /// Makes numbers of nothing; what counts already is left as it is. Not to be
    /// called by two at a time.
    ///
    /// # Errors
    ///
    /// Out of memory.
    pub(crate) fn populate(&self) -> Result<(), AllocError> {
        if !self.is_none() {
            return Ok(());
        }
        // SAFETY: An allocation, in process context.
        let raw = unsafe { bindings::alloc_counters(N as u32) };
        if raw.is_null() {
            return Err(AllocError);
        }
        // INVARIANT: Allocated for `N` numbers, and known to nobody else.
        self.0.store(raw, Release);
        Ok(())
    }

    /// The numbers, in the way of per-CPU pointers.
    #[inline(always)]
    pub(crate) fn get(&self) -> Numbers<'_, N> {
        // What is found behind the pointer depends on it: no barrier is needed.
        // INVARIANT: As those of this type.
        Numbers {
            first: read_once(&self.0),
            lifetime: PhantomData,
        }
    }

    /// A number of all processors together. Panics if there is no such index.
    pub(crate) fn sum(&self, index: usize) -> u64 {
        assert!(index < N);
        if self.is_none() {
            return 0;
        }
        // SAFETY: Inside the memory, as the index is less than `N`.
        unsafe { bindings::sum_counters(self.get().first.add(index)) }
    }
}

/// Numbers to be counted. Each of these functions is one instruction where the kernel's
/// `this_cpu_add` is: in place, since the call of a function costs as much again.
///
/// # Invariants
///
/// The pointer is to per-CPU memory for `N` numbers, which stays for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Numbers<'a, const N: usize> {
    first: *mut u64,
    lifetime: PhantomData<&'a u64>,
}

impl<const N: usize> Numbers<'_, N> {
    /// Adds one to a number of this processor's.
    #[inline(always)]
    pub(crate) fn increment<const INDEX: usize>(self) {
        const { assert!(INDEX < N) };
        #[cfg(target_arch = "x86_64")]
        // SAFETY: Inside the memory, by the type invariants and the line above. The
        // kernel keeps the distance to the processor's own memory in `gs`.
        unsafe {
            core::arch::asm!(
                "inc qword ptr gs:[{first} + {offset}]",
                first = in(reg) self.first,
                offset = const INDEX * size_of::<u64>(),
                options(nostack),
            );
        }
        #[cfg(not(target_arch = "x86_64"))]
        self.add::<INDEX>(1);
    }

    /// Adds to a number of this processor's.
    #[inline(always)]
    pub(crate) fn add<const INDEX: usize>(self, amount: u64) {
        const { assert!(INDEX < N) };
        #[cfg(target_arch = "x86_64")]
        // SAFETY: As in `increment`.
        unsafe {
            core::arch::asm!(
                "add gs:[{first} + {offset}], {amount}",
                first = in(reg) self.first,
                offset = const INDEX * size_of::<u64>(),
                amount = in(reg) amount,
                options(nostack),
            );
        }
        #[cfg(not(target_arch = "x86_64"))]
        // SAFETY: Inside the memory, by the type invariants and the first line.
        unsafe {
            bindings::count(self.first.add(INDEX), amount);
        }
    }
}

impl<const N: usize> Drop for PerCpuCounters<N> {
    fn drop(&mut self) {
        if !self.is_none() {
            // SAFETY: Allocated by `populate`; and nobody uses it any more.
            unsafe { bindings::free_percpu(read_once(&self.0).cast()) };
        }
    }
}
