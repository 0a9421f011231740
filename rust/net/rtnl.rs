// SPDX-License-Identifier: GPL-2.0

//! The RTNL mutex, which serialises changes of network configuration.
//!
//! C header: [`include/linux/rtnetlink.h`](srctree/include/linux/rtnetlink.h)
//!
//! Process context. Nothing that runs in a softirq may wait for this mutex.

use super::bindings;
use core::{
    marker::PhantomData,
    ops::Deref, //
};

/// Evidence that the calling task holds the RTNL mutex.
///
/// Functions that need the mutex take a reference to it; callbacks that the
/// networking core makes with the mutex held are given one.
///
/// # Invariants
///
/// The current task holds the RTNL mutex as long as a reference to the value
/// can exist.
pub(crate) struct Rtnl {
    /// Neither `Send` nor `Sync`: the evidence is of one task only.
    not_send: PhantomData<*mut ()>,
}

impl Rtnl {
    /// Asserts that the mutex is held.
    ///
    /// # Safety
    ///
    /// The current task must hold the RTNL mutex for as long as the returned
    /// value, or a reference to it, exists.
    pub(super) unsafe fn assume_held() -> Self {
        // INVARIANT: The caller promises that the mutex is held.
        Self {
            not_send: PhantomData,
        }
    }

    /// Takes the mutex; sleeps until it is free.
    pub(crate) fn lock() -> Guard {
        // SAFETY: A sleeping lock; this is called in process context and no
        // caller can hold the mutex without an [`Rtnl`] at hand.
        unsafe { bindings::rtnl_lock() };
        // SAFETY: The mutex was just taken and is given back by `Guard::drop`.
        Guard(unsafe { Self::assume_held() })
    }
}

/// Gives the RTNL mutex back when it is dropped.
pub(crate) struct Guard(Rtnl);

impl Deref for Guard {
    type Target = Rtnl;

    fn deref(&self) -> &Rtnl {
        &self.0
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // SAFETY: The guard exists, so this task took the mutex.
        unsafe { bindings::rtnl_unlock() };
    }
}
