// SPDX-License-Identifier: GPL-2.0

//! Integers of a network namespace under `/proc/sys`.
//!
//! C headers: [`include/linux/sysctl.h`](srctree/include/linux/sysctl.h),
//! [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h)
//!
//! Tables are made and dropped in process context, which may sleep. The values
//! themselves are atomic: they may be read in any context.

use super::{
    bindings,
    namespace::Namespace,
    pernet::{
        Founding,
        Hold, //
    },
};
use core::{
    marker::PhantomPinned,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    sync::atomic::Atomic, //
};

/// A set of integers that are shown in one directory.
pub(crate) trait Values: Send + Sync + Sized + 'static {
    /// The directory, as `c"net/inet/name"`.
    const PATH: &'static CStr;

    /// The integers.
    const ENTRIES: &'static [Entry<Self>];

    /// Called after an integer was written, also if its value is the old one.
    ///
    /// Process context, without RTNL; may sleep. `entry` is one of
    /// [`Self::ENTRIES`].
    fn changed(&self, namespace: &Namespace, entry: &Entry<Self>) {
        let _ = (namespace, entry);
    }
}

/// An integer under `/proc/sys`.
///
/// Everyone can read it; who administers the namespace's network can write it.
pub(crate) struct Entry<V: 'static> {
    /// The name of the file.
    pub(crate) name: &'static CStr,
    /// The least value; `EINVAL` for what is less.
    pub(crate) min: i32,
    /// The greatest value; `EINVAL` for what is more.
    pub(crate) max: i32,
    /// Where the integer is.
    pub(crate) value: fn(&V) -> &Atomic<i32>,
}

/// Integers that are shown under `/proc/sys` as long as this exists.
///
/// Part of the namespace's data ([`super::pernet`]); it keeps the namespace from
/// being freed.
///
/// # Invariants
///
/// - `header` is the registration of `rows`, and each row's `data` points to this
///   struct.
/// - `values` is never borrowed exclusively.
#[pin_data(PinnedDrop)]
pub(crate) struct Table<V: Values> {
    values: V,
    namespace: *mut bindings::net,
    hold: Hold,
    rows: KVec<bindings::ctl_table>,
    #[pin]
    _pin: PhantomPinned,
    header: NonNull<bindings::ctl_table_header>,
}

// SAFETY: The values are `Send`; nothing else depends on the thread.
unsafe impl<V: Values> Send for Table<V> {}

// SAFETY: The values are `Sync`, and all else is constant after initialisation.
unsafe impl<V: Values> Sync for Table<V> {}

impl<V: Values> Deref for Table<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.values
    }
}

impl<V: Values> Table<V> {
    /// Shows `values` in the namespace that is being founded.
    ///
    /// `ENOMEM` if the directory has a file of that name already, or there is no
    /// memory: the C side does not tell which.
    pub(crate) fn new(founding: &Founding<'_>, values: V) -> impl PinInit<Self, Error> {
        let namespace = founding.as_raw();
        let hold = founding.hold();
        // The fields are initialised from the first to the last: a handler may
        // run as soon as the rows are registered.
        try_pin_init!(&this in Self {
            values,
            namespace,
            hold,
            rows: Self::rows(this.as_ptr())?,
            _pin: PhantomPinned,
            header: {
                // SAFETY: `rows` was just initialised.
                let rows = unsafe { &(*this.as_ptr()).rows };
                // SAFETY: `namespace` is being founded, and held. The rows are
                // neither moved nor freed before they are unregistered.
                let header = unsafe {
                    bindings::register_net_sysctl_sz(
                        *namespace,
                        V::PATH.as_char_ptr(),
                        // Before 7.3, it wants a pointer to what it does not write.
                        rows.as_ptr().cast_mut(),
                        rows.len(),
                    )
                };
                // INVARIANT: Registered.
                NonNull::new(header).ok_or(ENOMEM)?
            },
        })
    }

    /// Makes the rows of the table at `table`.
    fn rows(table: *mut Self) -> Result<KVec<bindings::ctl_table>> {
        let mut rows = KVec::with_capacity(V::ENTRIES.len(), GFP_KERNEL)?;
        for (index, entry) in V::ENTRIES.iter().enumerate() {
            rows.push(
                bindings::ctl_table {
                    procname: entry.name.as_char_ptr(),
                    data: table.cast(),
                    maxlen: size_of::<i32>() as kernel::ffi::c_int,
                    mode: 0o644,
                    proc_handler: Some(Self::handle),
                    extra1: core::ptr::without_provenance_mut(index),
                    ..pin_init::zeroed()
                },
                GFP_KERNEL,
            )?;
        }
        Ok(rows)
    }

    /// # Safety
    ///
    /// Only to be called by the C side, as the handler of one of [`Self::rows`]
    /// that are registered, with `buffer`, `length` and `position` as it says in
    /// `proc_dointvec_minmax`.
    unsafe extern "C" fn handle(
        row: *const bindings::ctl_table,
        direction: kernel::ffi::c_int,
        buffer: *mut c_void,
        length: *mut usize,
        position: *mut bindings::loff_t,
    ) -> kernel::ffi::c_int {
        // SAFETY: The row is one of those made by `rows`.
        let (table, index) = unsafe { ((*row).data.cast::<Self>(), (*row).extra1.addr()) };
        // SAFETY: The table outlives this call, because unregistering waits for
        // it, and its values were initialised before the rows were registered.
        // The table may not be wholly initialised yet, so no reference is made.
        let values = unsafe { &(*table).values };
        let entry = &V::ENTRIES[index];
        let integer = (entry.value)(values);

        let mut limits = [entry.min, entry.max];
        let bounded = bindings::ctl_table {
            // SAFETY: The row is valid.
            procname: unsafe { (*row).procname },
            data: integer.as_ptr().cast(),
            maxlen: size_of::<i32>() as kernel::ffi::c_int,
            extra1: (&raw mut limits[0]).cast(),
            extra2: (&raw mut limits[1]).cast(),
            ..pin_init::zeroed()
        };
        // SAFETY: `data` points to an integer that C accesses with READ_ONCE and
        // WRITE_ONCE, the limits live through the call, and the rest is the
        // caller's promise.
        let result = unsafe {
            bindings::proc_dointvec_minmax(&bounded, direction, buffer, length, position)
        };
        if result == 0 && direction != 0 {
            // SAFETY: The table holds the namespace, so that it is not freed, and
            // initialised the pointer before the rows were registered.
            let namespace = unsafe { Namespace::from_raw((*table).namespace) };
            values.changed(namespace, entry);
        }
        result
    }
}

#[pinned_drop]
impl<V: Values> PinnedDrop for Table<V> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants, the header is a registration. This
        // waits for the handlers that are running.
        unsafe { bindings::unregister_net_sysctl_table(self.header.as_ptr()) };
    }
}
