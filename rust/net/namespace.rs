// SPDX-License-Identifier: GPL-2.0

//! Network namespaces.
//!
//! C header: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h)
//!
//! All functions may be called in any context.

use super::{
    bindings,
    rtnl::Rtnl, //
};
use kernel::{
    container_of,
    types::Opaque, //
};

/// A network namespace.
///
/// Wraps the kernel's [`struct net`].
///
/// # Invariants
///
/// For as long as a reference to it exists, the namespace is not freed, and the
/// per-namespace data of the subsystems ([`super::pernet`]) is not either: at
/// most its dismantling has begun. Whatever gives out a reference must see to
/// it. This holds
///
/// - as long as a device or a socket is in the namespace, and for the RCU
///   readers that found one there: both leave before the subsystems do;
/// - with a counted reference (`maybe_get_net`);
/// - in the callbacks of `struct pernet_operations`.
///
/// [`struct net`]: srctree/include/net/net_namespace.h
#[repr(transparent)]
pub(crate) struct Namespace(Opaque<bindings::net>);

// SAFETY: A namespace belongs to no thread; all may use it.
unsafe impl Send for Namespace {}

// SAFETY: The methods only look at the address; what else is done with a
// namespace in C takes the locks that it needs.
unsafe impl Sync for Namespace {}

impl Namespace {
    /// Gives the namespace at `ptr`.
    ///
    /// # Safety
    ///
    /// For the duration of `'a`, `ptr` must point at a namespace for which the
    /// type invariants hold.
    pub(super) unsafe fn from_raw<'a>(ptr: *mut bindings::net) -> &'a Self {
        // CAST: `Self` is a `repr(transparent)` wrapper around `bindings::net`.
        let ptr = ptr.cast::<Self>();
        // SAFETY: The caller promises that `ptr` is valid for `'a`.
        unsafe { &*ptr }
    }

    /// Gives the pointer for calls into C.
    pub(super) fn as_raw(&self) -> *mut bindings::net {
        self.0.get()
    }

    /// Whether somebody still uses it; it is being dismantled otherwise.
    pub(crate) fn is_alive(&self) -> bool {
        // SAFETY: Valid by the type invariants.
        unsafe { bindings::check_net(self.as_raw()) != 0 }
    }

    /// Calls `visit` with each namespace. Process context; sleeps.
    pub(crate) fn for_each(_: &Rtnl, mut visit: impl FnMut(&Self)) {
        // SAFETY: A lock that is never freed; it may be taken inside the RTNL.
        unsafe { bindings::down_read(&raw mut bindings::net_rwsem) };
        let head = &raw mut bindings::net_namespace_list;
        // SAFETY: The head is never freed.
        let mut entry = unsafe { (*head).next };
        while !core::ptr::eq(entry, head) {
            // SAFETY: All other entries are the `list` of a namespace, which stays
            // in the list, and valid, as long as the lock is held.
            unsafe {
                visit(Self::from_raw(container_of!(entry, bindings::net, list)));
                entry = (*entry).next;
            }
        }
        // SAFETY: Taken above.
        unsafe { bindings::up_read(&raw mut bindings::net_rwsem) };
    }
}

impl PartialEq for Namespace {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self, other)
    }
}

impl Eq for Namespace {}
