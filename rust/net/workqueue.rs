// SPDX-License-Identifier: GPL-2.0

//! Work that is done later, in process context.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)
//!
//! The kernel crate's works are counted objects that a queue keeps; a [`Work`] here
//! belongs to what it is part of, which ends it. Queueing is possible in any context
//! but NMIs.

use super::bindings;
use core::{
    marker::PhantomPinned,
    ops::Deref, //
};
use kernel::{
    container_of,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Release, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    types::Opaque, //
};

/// A queue of the module's own, whose workers run on any processor. Lives in a static.
///
/// # Invariants
///
/// A pointer that is not null is a queue, which is not destroyed while `users` is
/// not zero.
pub(crate) struct Queue {
    name: &'static CStr,
    flags: bindings::wq_flags,
    raw: Atomic<*mut bindings::workqueue_struct>,
    users: Atomic<i32>,
}

impl Queue {
    /// A queue that is not open, whose workers will run before ordinary tasks.
    pub(crate) const fn urgent(name: &'static CStr) -> Self {
        Self::new(name, bindings::wq_flags_WQ_HIGHPRI)
    }

    /// A queue that is not open, whose workers will be ordinary tasks.
    pub(crate) const fn ordinary(name: &'static CStr) -> Self {
        Self::new(name, 0)
    }

    const fn new(name: &'static CStr, flags: bindings::wq_flags) -> Self {
        Self {
            name,
            flags,
            raw: Atomic::new(core::ptr::null_mut()),
            users: Atomic::new(0),
        }
    }

    /// Opens the queue. Process context.
    ///
    /// # Errors
    ///
    /// `EBUSY` if it is open, `ENOMEM`.
    pub(crate) fn open(&'static self) -> Result<Open> {
        // SAFETY: The format, and its argument, are static strings.
        let made = unsafe {
            bindings::alloc_workqueue_noprof(
                c"%s".as_char_ptr(),
                bindings::wq_flags_WQ_UNBOUND | self.flags,
                0,
                self.name.as_char_ptr(),
            )
        };
        if made.is_null() {
            return Err(ENOMEM);
        }
        // INVARIANT: Just made.
        if self.raw.cmpxchg(core::ptr::null_mut(), made, Full).is_err() {
            // SAFETY: Just made, and nobody else knows it.
            unsafe { bindings::destroy_workqueue(made) };
            return Err(EBUSY);
        }
        Ok(Open(self))
    }
}

/// An open queue. Closing it waits until all works that use it are gone: drop it
/// after them.
pub(crate) struct Open(&'static Queue);

impl Drop for Open {
    fn drop(&mut self) {
        // INVARIANT: Null from now on; nobody begins to use it any more.
        let raw = self.0.raw.xchg(core::ptr::null_mut(), Full);
        while self.0.users.load(Acquire) != 0 {
            fsleep(Delta::from_millis(1));
        }
        // SAFETY: By the type invariants, and nobody has the pointer any more.
        unsafe { bindings::destroy_workqueue(raw) };
    }
}

/// The use of an open queue.
///
/// # Invariants
///
/// `raw` is the queue of `queue`, which counts this user.
struct User {
    queue: &'static Queue,
    raw: *mut bindings::workqueue_struct,
}

impl User {
    fn new(queue: &'static Queue) -> Result<Self> {
        // Counted first: who closes the queue takes the pointer away first.
        queue.users.fetch_add(1, Full);
        let user = Self {
            queue,
            raw: queue.raw.load(Acquire),
        };
        if user.raw.is_null() {
            return Err(ENODEV);
        }
        // INVARIANT: Counted, and open after that.
        Ok(user)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.queue.users.fetch_sub(1, Release);
    }
}

/// What a [`Work`] does.
pub(crate) trait Task: Send + Sync + 'static {
    /// Called in process context, without locks. Never twice at the same time.
    ///
    /// Gives how long to wait before it wants to be called once more, if it does.
    fn run(&self) -> Option<Pause>;
}

/// A time to wait, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pause(pub(crate) u32);

/// A task with its place in a queue. When it is dropped, the task is first waited
/// for, and then dropped.
///
/// # Invariants
///
/// `work` is set up, and on the queue of `user` if on any.
#[pin_data(PinnedDrop)]
pub(crate) struct Work<T: Task> {
    #[pin]
    work: Opaque<bindings::delayed_work>,
    user: User,
    #[pin]
    task: T,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: The C side locks works; the task may be used by any thread.
unsafe impl<T: Task> Send for Work<T> {}

// SAFETY: As above.
unsafe impl<T: Task> Sync for Work<T> {}

impl<T: Task> Work<T> {
    /// Makes a work that waits to be queued.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the queue is not open, and those of the task.
    pub(crate) fn new(
        queue: &'static Queue,
        task: impl PinInit<T, Error>,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            user: User::new(queue)?,
            task <- task,
            // INVARIANT: This sets up the work.
            work <- Opaque::ffi_init(|place| {
                // SAFETY: `place` is valid for writes, and pinned from now on.
                unsafe { bindings::init_delayed_work(place, Some(Self::call)) }
            }),
            _pin: PhantomPinned,
        })
    }

    /// Has the task run soon; once more if it is running.
    pub(crate) fn queue(&self) {
        // SAFETY: By the type invariants, the work is set up and the queue open.
        unsafe {
            bindings::mod_delayed_work_on(
                bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int,
                self.user.raw,
                self.work.get(),
                0,
            )
        };
    }

    /// Waits until the task does not run, and never lets it run again. Process
    /// context; nothing may be held that the task takes.
    pub(crate) fn stop(&self) {
        // SAFETY: By the type invariants, the work is set up. To disable it more
        // than once is fine, as it is never enabled.
        unsafe { bindings::disable_delayed_work_sync(self.work.get()) };
    }

    /// As [`Work::queue`], but not yet, unless somebody wants it earlier.
    fn queue_later(&self, pause: Pause) {
        // SAFETY: A pure function.
        let delay = unsafe { bindings::__msecs_to_jiffies(pause.0) };
        // SAFETY: By the type invariants, the work is set up and the queue open.
        // If it is queued already, this does nothing.
        unsafe {
            bindings::queue_delayed_work_on(
                bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int,
                self.user.raw,
                self.work.get(),
                delay,
            )
        };
    }

    /// # Safety
    ///
    /// Only to be called by the C side, as the function of a `work`.
    unsafe extern "C" fn call(work: *mut bindings::work_struct) {
        // SAFETY: The work is that of a `delayed_work`, which is that of a `Self`.
        let this = unsafe {
            let delayed = container_of!(work, bindings::delayed_work, work);
            container_of!(Opaque::cast_from(delayed), Self, work)
        };
        // SAFETY: The drop waits for this call.
        let this = unsafe { &*this };
        if let Some(pause) = this.task.run() {
            this.queue_later(pause);
        }
    }
}

impl<T: Task> Deref for Work<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.task
    }
}

#[pinned_drop]
impl<T: Task> PinnedDrop for Work<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants, the work is set up. It is not used again.
        unsafe { bindings::disable_delayed_work_sync(self.work.get()) };
    }
}
