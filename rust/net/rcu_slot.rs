// SPDX-License-Identifier: GPL-2.0

//! A place for a value that readers look at without a lock, and that is replaced as a whole.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)
//!
//! Read in any context under RCU; replaced in process context with the RTNL held.

use super::{
    bindings,
    rtnl::Rtnl, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed, //
        },
        rcu, //
    }, //
};

/// A place for one value, or none.
///
/// # Invariants
///
/// The pointer is null or of a `KBox` that the slot owns. It is replaced with the RTNL held
/// only, and what was replaced is dropped after a grace period.
pub(crate) struct RcuSlot<T: Send + Sync>(Atomic<*mut T>);

// SAFETY: It owns a value that may be sent, and only lends it out as shared.
unsafe impl<T: Send + Sync> Send for RcuSlot<T> {}

// SAFETY: As above; the pointer is read and written atomically.
unsafe impl<T: Send + Sync> Sync for RcuSlot<T> {}

impl<T: Send + Sync> RcuSlot<T> {
    /// An empty one.
    pub(crate) const fn new() -> Self {
        // INVARIANT: Null.
        Self(Atomic::new(core::ptr::null_mut()))
    }

    /// What is in it, if there is something.
    #[inline]
    pub(crate) fn get<'a>(&'a self, _: &'a rcu::Guard) -> Option<&'a T> {
        // SAFETY: Null or valid by the type invariants, and what is replaced is not dropped
        // before the caller's read-side critical section has ended.
        unsafe { self.0.load(Acquire).as_ref() }
    }

    /// Puts a value in, or nothing. If there was one before, it waits until nobody looks at
    /// that any more.
    pub(crate) fn replace(&self, new: Option<KBox<T>>, _: &Rtnl) {
        let new = new.map_or(core::ptr::null_mut(), KBox::into_raw);
        // INVARIANT: The slot owns the new one from now on; the RTNL is held.
        let old = self.0.xchg(new, Full);
        if !old.is_null() {
            // SAFETY: Process context, as the RTNL is held. The old one was the slot's, by
            // the type invariants, and after the grace period nobody else's.
            unsafe {
                bindings::synchronize_net();
                drop(KBox::from_raw(old));
            }
        }
    }
}

impl<T: Send + Sync> Drop for RcuSlot<T> {
    fn drop(&mut self) {
        let last = self.0.load(Relaxed);
        if !last.is_null() {
            // SAFETY: The slot's, by the type invariants. Who has the only reference to the
            // slot knows that nobody reads it.
            drop(unsafe { KBox::from_raw(last) });
        }
    }
}
