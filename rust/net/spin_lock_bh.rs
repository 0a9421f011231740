// SPDX-License-Identifier: GPL-2.0

//! A spin lock that is shared by process context and softirqs.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)
//!
//! Process and softirq context; never hard interrupts. While the lock is held,
//! bottom halves are off and nothing may sleep.

use super::bindings;
use kernel::sync::lock::{
    Backend,
    Lock, //
};

/// A lock whose holder has bottom halves switched off.
pub(crate) type SpinLockBh<T> = Lock<T, SpinLockBhBackend>;

/// `spin_lock_bh()` and `spin_unlock_bh()` behind the kernel crate's [`Lock`].
pub(crate) struct SpinLockBhBackend;

// SAFETY: The underlying `spinlock_t` ensures mutual exclusion, and `relock` is
// the default, which locks as `lock` does.
unsafe impl Backend for SpinLockBhBackend {
    type State = kernel::bindings::spinlock_t;
    type GuardState = ();

    unsafe fn init(
        ptr: *mut Self::State,
        name: *const kernel::ffi::c_char,
        key: *mut kernel::bindings::lock_class_key,
    ) {
        // SAFETY: The caller promises that `ptr` is valid for writes and that
        // `name` and `key` live for ever.
        unsafe { kernel::bindings::__spin_lock_init(ptr, name, key) }
    }

    unsafe fn lock(ptr: *mut Self::State) -> Self::GuardState {
        // SAFETY: The caller promises that `ptr` was initialised.
        unsafe { bindings::spin_lock_bh(ptr) }
    }

    unsafe fn try_lock(ptr: *mut Self::State) -> Option<Self::GuardState> {
        // SAFETY: The caller promises that `ptr` was initialised.
        unsafe { bindings::spin_trylock_bh(ptr) }.then_some(())
    }

    unsafe fn unlock(ptr: *mut Self::State, _guard_state: &Self::GuardState) {
        // SAFETY: The caller promises that it owns the lock.
        unsafe { bindings::spin_unlock_bh(ptr) }
    }

    unsafe fn assert_is_held(ptr: *mut Self::State) {
        // SAFETY: The caller promises that `ptr` was initialised.
        unsafe { kernel::bindings::spin_assert_is_held(ptr) }
    }
}

/// Makes the initialiser of a [`SpinLockBh`] with a lock class of its own.
macro_rules! new_spin_lock_bh {
    ($value:expr, $name:literal) => {
        $crate::net::spin_lock_bh::SpinLockBh::new(
            $value,
            ::kernel::c_str!($name),
            ::kernel::static_lock_class!(),
        )
    };
}
pub(crate) use new_spin_lock_bh;
