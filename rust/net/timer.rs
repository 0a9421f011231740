// SPDX-License-Identifier: GPL-2.0

//! One-shot timers that may be started again from anywhere, also by themselves.
//!
//! C headers: [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h),
//! [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)
//!
//! Times are absolute, in nanoseconds of `CLOCK_MONOTONIC` ([`now`]). Both sorts
//! call back in softirq context:
//!
//! - [`SoftTimer`] from the softirq of the timers. It comes after that of received
//!   packets: what was queued before the time-out is processed before the call.
//! - [`UrgentTimer`] from the first of all softirqs. It is not late because of
//!   packets that wait to be received, except those that are being received.
//!
//! The kernel crate's `hrtimer` ties a started timer to a handle that owns it;
//! these here belong to what they call, which starts and stops them as it likes.
//!
//! Starting and stopping is possible in any context but NMIs, also from hard
//! interrupts; waiting for the end, and dropping, in process context.

use super::bindings;
use core::marker::{
    PhantomData,
    PhantomPinned, //
};
use kernel::{
    container_of,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    types::Opaque,
};

/// The time, in nanoseconds of `CLOCK_MONOTONIC`.
pub(crate) fn now() -> u64 {
    // SAFETY: May be called in any context but NMIs.
    unsafe { bindings::ktime_get() as u64 }
}

/// The time of day, in nanoseconds of `CLOCK_REALTIME`, which can be set.
pub(crate) fn time_of_day() -> u64 {
    // SAFETY: May be called in any context but NMIs.
    unsafe { bindings::ktime_get_with_offset(bindings::tk_offsets_TK_OFFS_REAL) as u64 }
}

/// What to do when a timer of a `T` expires.
///
/// The call may be that of an earlier start, if it crossed with a new one or with
/// a stop: compare the time that is wanted with [`now`].
pub(crate) trait Expire<T>: 'static {
    /// Called in softirq context; must not sleep.
    fn expired(target: &T);
}

/// All timers of one device, or of whatever else has several.
pub(crate) trait Timers: Send + Sync {
    /// Stops each of them, and waits for calls that have begun. Process context.
    fn stop_all_and_wait(&self);
}

/// Starts a timer, or moves it if it runs.
///
/// # Safety
///
/// `timer` must be set up, for `mode`.
unsafe fn start(timer: *mut bindings::hrtimer, at: u64, mode: bindings::hrtimer_mode) {
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    // SAFETY: The caller's promise.
    unsafe { bindings::hrtimer_start_range_ns(timer, at, 0, mode) };
}

/// A timer that calls back from the softirq of the timers.
///
/// # Invariants
///
/// - `timer` is set up.
/// - `target` is valid from the first start to the end of the last call.
#[pin_data(PinnedDrop)]
pub(crate) struct SoftTimer<T, H: Expire<T>> {
    #[pin]
    timer: Opaque<bindings::hrtimer>,
    target: Atomic<*const T>,
    #[pin]
    _pin: PhantomPinned,
    _handler: PhantomData<H>,
}

// SAFETY: The C side locks timers; the target is used in any thread, as it may be.
unsafe impl<T: Sync, H: Expire<T>> Send for SoftTimer<T, H> {}

// SAFETY: As above.
unsafe impl<T: Sync, H: Expire<T>> Sync for SoftTimer<T, H> {}

impl<T: Sync, H: Expire<T>> SoftTimer<T, H> {
    const MODE: bindings::hrtimer_mode = bindings::hrtimer_mode_HRTIMER_MODE_ABS_PINNED_SOFT;

    /// Makes a timer that does not run.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: This sets up the timer.
            timer <- Opaque::ffi_init(|place| {
                // SAFETY: `place` is valid for writes, and pinned from now on.
                unsafe {
                    bindings::hrtimer_setup(
                        place,
                        Some(Self::run),
                        bindings::CLOCK_MONOTONIC as bindings::clockid_t,
                        Self::MODE,
                    )
                }
            }),
            target: Atomic::new(core::ptr::null()),
            _pin: PhantomPinned,
            _handler: PhantomData,
        })
    }

    /// Calls `target` back at a time; this forgets an earlier start.
    ///
    /// If the time is over, it calls as soon as possible. Any context.
    ///
    /// # Safety
    ///
    /// `target` must stay valid until the timer was dropped, or
    /// [`Self::stop_and_wait`] returned and nobody starts it any more; it must be
    /// the same in all starts.
    pub(super) unsafe fn start_raw(&self, target: *const T, at: u64) {
        self.target.store(target, Relaxed);
        // SAFETY: By the type invariants, the timer is set up.
        unsafe { start(self.timer.get(), at, Self::MODE) };
    }

    /// Stops the timer without waiting; a call that has begun goes on.
    ///
    /// Any context, also from the call itself.
    pub(crate) fn stop(&self) {
        // SAFETY: By the type invariants, the timer is set up.
        unsafe { bindings::hrtimer_try_to_cancel(self.timer.get()) };
    }

    /// Stops the timer, and waits for a call that has begun; what that call, or
    /// anybody meanwhile, starts is stopped too.
    ///
    /// Process context, not with a lock held that the call takes.
    pub(crate) fn stop_and_wait(&self) {
        // SAFETY: By the type invariants, the timer is set up.
        unsafe { bindings::hrtimer_cancel(self.timer.get()) };
    }

    /// # Safety
    ///
    /// Only to be called by the C side, as the function of a `timer`.
    unsafe extern "C" fn run(timer: *mut bindings::hrtimer) -> bindings::hrtimer_restart {
        // SAFETY: The timer is that of a `Self`.
        let this = unsafe { container_of!(Opaque::cast_from(timer), Self, timer) };
        // SAFETY: The drop waits for this call.
        let target = unsafe { &*this }.target.load(Relaxed);
        // SAFETY: By the type invariants, as the timer was started.
        H::expired(unsafe { &*target });
        bindings::HRTIMER_NORESTART
    }
}

#[pinned_drop]
impl<T, H: Expire<T>> PinnedDrop for SoftTimer<T, H> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants, the timer is set up.
        unsafe { bindings::hrtimer_cancel(self.timer.get()) };
    }
}

/// A timer that calls back from the first of all softirqs.
///
/// A timer in hard interrupt context queues the work that makes the call.
///
/// # Invariants
///
/// - `timer` and `work` are set up.
/// - `target` is valid from the first start to the end of the last call.
#[pin_data(PinnedDrop)]
pub(crate) struct UrgentTimer<T, H: Expire<T>> {
    #[pin]
    timer: Opaque<bindings::hrtimer>,
    #[pin]
    work: Opaque<bindings::work_struct>,
    target: Atomic<*const T>,
    #[pin]
    _pin: PhantomPinned,
    _handler: PhantomData<H>,
}

// SAFETY: The C side locks timers and works; the target is used in any thread, as
// it may be.
unsafe impl<T: Sync, H: Expire<T>> Send for UrgentTimer<T, H> {}

// SAFETY: As above.
unsafe impl<T: Sync, H: Expire<T>> Sync for UrgentTimer<T, H> {}

impl<T: Sync, H: Expire<T>> UrgentTimer<T, H> {
    const MODE: bindings::hrtimer_mode = bindings::hrtimer_mode_HRTIMER_MODE_ABS_PINNED_HARD;

    /// Makes a timer that does not run.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: This sets up the timer.
            timer <- Opaque::ffi_init(|place| {
                // SAFETY: `place` is valid for writes, and pinned from now on.
                unsafe {
                    bindings::hrtimer_setup(
                        place,
                        Some(Self::queue),
                        bindings::CLOCK_MONOTONIC as bindings::clockid_t,
                        Self::MODE,
                    )
                }
            }),
            // INVARIANT: This sets up the work.
            work <- Opaque::ffi_init(|place| {
                // SAFETY: `place` is valid for writes, and pinned from now on; the
                // name and the class are static.
                unsafe {
                    bindings::init_work_with_key(
                        place,
                        Some(Self::run),
                        false,
                        c"UrgentTimer::work".as_char_ptr(),
                        kernel::static_lock_class!().as_ptr(),
                    )
                }
            }),
            target: Atomic::new(core::ptr::null()),
            _pin: PhantomPinned,
            _handler: PhantomData,
        })
    }

    /// Calls `target` back at a time; this forgets an earlier start.
    ///
    /// If the time is over, it calls as soon as possible. Any context.
    ///
    /// # Safety
    ///
    /// `target` must stay valid until the timer was dropped, or
    /// [`Self::stop_and_wait`] returned and nobody starts it any more; it must be
    /// the same in all starts.
    pub(super) unsafe fn start_raw(&self, target: *const T, at: u64) {
        self.target.store(target, Relaxed);
        // SAFETY: By the type invariants, the timer is set up.
        unsafe { start(self.timer.get(), at, Self::MODE) };
    }

    /// Stops the timer without waiting; a call that has begun goes on, and one may
    /// yet come if the timer is just expiring on another processor.
    ///
    /// Any context, also from the call itself.
    pub(crate) fn stop(&self) {
        // SAFETY: By the type invariants, the timer and the work are set up.
        unsafe {
            bindings::hrtimer_try_to_cancel(self.timer.get());
            bindings::cancel_work(self.work.get());
        }
    }

    /// Stops the timer, and waits for a call that has begun; what that call, or
    /// anybody meanwhile, starts is stopped too.
    ///
    /// Process context, not with a lock held that the call takes.
    pub(crate) fn stop_and_wait(&self) {
        self.disable();
        // SAFETY: By the type invariants, the work is set up; it was just disabled.
        unsafe { bindings::enable_work(self.work.get()) };
    }

    /// # Safety
    ///
    /// Only to be called by the C side, as the function of a `timer`.
    unsafe extern "C" fn queue(timer: *mut bindings::hrtimer) -> bindings::hrtimer_restart {
        // SAFETY: The timer is that of a `Self`.
        let this = unsafe { container_of!(Opaque::cast_from(timer), Self, timer) };
        // SAFETY: The drop waits for this call, and for the work. The queue is
        // there for ever.
        unsafe {
            bindings::queue_work_on(
                bindings::wq_misc_consts_WORK_CPU_UNBOUND as kernel::ffi::c_int,
                bindings::system_bh_highpri_wq,
                Opaque::cast_into(&raw const (*this).work),
            )
        };
        bindings::HRTIMER_NORESTART
    }

    /// # Safety
    ///
    /// Only to be called by the C side, as the function of a `work`.
    unsafe extern "C" fn run(work: *mut bindings::work_struct) {
        // SAFETY: The work is that of a `Self`.
        let this = unsafe { container_of!(Opaque::cast_from(work), Self, work) };
        // SAFETY: The drop waits for this call.
        let target = unsafe { &*this }.target.load(Relaxed);
        // SAFETY: By the type invariants, as the timer was started.
        H::expired(unsafe { &*target });
    }
}

impl<T, H: Expire<T>> UrgentTimer<T, H> {
    /// Ends all that goes on, and keeps the work from being queued.
    ///
    /// First the work, which may start the timer, but then is not running, nor
    /// can it be queued; then the timer, which nothing starts any more.
    fn disable(&self) {
        // SAFETY: By the type invariants, the timer and the work are set up.
        unsafe {
            bindings::disable_work_sync(self.work.get());
            bindings::hrtimer_cancel(self.timer.get());
        }
    }
}

#[pinned_drop]
impl<T, H: Expire<T>> PinnedDrop for UrgentTimer<T, H> {
    fn drop(self: Pin<&mut Self>) {
        self.disable();
    }
}
