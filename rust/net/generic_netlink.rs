// SPDX-License-Identifier: GPL-2.0

//! Families of generic netlink: requests, dumps, and events for whoever listens.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)
//!
//! Registering, and dropping the registration, sleep. Requests are answered in process
//! context, several at a time, without a lock of the core's. Events may be sent in
//! softirq and process context, also with spin locks held.
//!
//! The kernel crate's `net::netlink` has events only, of the first namespace.

mod message;
mod operation;

pub(crate) use message::Reply;
pub(crate) use operation::{
    Answer,
    Dump,
    Operation,
    Permission,
    Request, //
};

use super::{
    attribute::Message,
    bindings,
    namespace::Namespace, //
};
use core::mem::MaybeUninit;
use kernel::{
    error::to_result,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Release, //
        },
        rcu, //
    },
    types::Opaque, //
};
use message::Recipient;

/// A group of listeners of a family.
///
/// Wraps the kernel's [`struct genl_multicast_group`](srctree/include/net/genetlink.h).
#[repr(transparent)]
pub(crate) struct MulticastGroup(bindings::genl_multicast_group);

impl MulticastGroup {
    /// A group that everybody may join. The name ends with a zero, as those of C headers
    /// do.
    pub(crate) const fn new(name: &'static [u8]) -> Self {
        Self(bindings::genl_multicast_group {
            name: padded(name),
            flags: 0,
        })
    }
}

/// A name as the structures of the C side have it.
const fn padded<const LEN: usize>(name: &[u8]) -> [kernel::ffi::c_char; LEN] {
    // As the last byte is zero, so is the last one of what it is copied to.
    assert!(matches!(name.last(), Some(0)) && name.len() <= LEN);
    let mut padded = [0; LEN];
    let mut place = 0;
    while place < name.len() {
        padded[place] = name[place] as kernel::ffi::c_char;
        place += 1;
    }
    padded
}

/// Nothing is registered.
const FREE: u32 = 0;
/// Being registered or unregistered.
const BUSY: u32 = 1;
/// Registered: events may be sent.
const LIVE: u32 = 2;

/// A family, registered or to be registered. Lives in a static.
///
/// Each network namespace has it, and talks of its own things only.
///
/// Wraps the kernel's [`struct genl_family`](srctree/include/net/genetlink.h).
pub(crate) struct Family {
    state: Atomic<u32>,
    raw: Opaque<bindings::genl_family>,
}

// SAFETY: Written to by `register` alone, while `state` says so; the core has its own
// locks for what it keeps in it.
unsafe impl Sync for Family {}

impl Family {
    /// A family with these commands, in the order of their numbers, and these groups of
    /// listeners. The name ends with a zero.
    pub(crate) const fn new(
        name: &'static [u8],
        version: u32,
        operations: &'static [Operation],
        groups: &'static [MulticastGroup],
    ) -> Self {
        assert!(operations.len() <= u8::MAX as usize && groups.len() <= u8::MAX as usize);
        // SAFETY: A C structure for which zero is a valid state.
        let mut family: bindings::genl_family = unsafe { MaybeUninit::zeroed().assume_init() };
        family.name = padded(name);
        family.version = version;
        // CAST: Both are transparent.
        family.split_ops = operations.as_ptr().cast();
        family.n_split_ops = operations.len() as u8;
        family.mcgrps = groups.as_ptr().cast();
        family.n_mcgrps = groups.len() as u8;
        Self {
            state: Atomic::new(FREE),
            raw: Opaque::new(family),
        }
    }

    /// Registers the family, for `module`, which is not unloaded during a dump.
    ///
    /// # Errors
    ///
    /// `EBUSY` if this is registered, `EEXIST` if there is another one of this name,
    /// `ENOMEM`.
    pub(crate) fn register(&'static self, module: &'static ThisModule) -> Result<Registration> {
        if self.state.cmpxchg(FREE, BUSY, Full).is_err() {
            return Err(EBUSY);
        }
        let raw = self.raw.get();
        // SAFETY: Lives for ever, as does what it points to; nobody else uses it, as the
        // state says.
        let registered = to_result(unsafe {
            (*raw).set_netnsok(1);
            (*raw).set_parallel_ops(1);
            (*raw).module = module.as_ptr();
            bindings::genl_register_family(raw)
        });
        // INVARIANT: Registered, if it is live.
        let state = if registered.is_ok() { LIVE } else { FREE };
        self.state.store(state, Release);
        registered.map(|()| Registration(self))
    }

    /// Sends an event to those who listen in a namespace. If nobody does, `fill` is not
    /// called, and this costs next to nothing.
    ///
    /// `group` is the place of the group of listeners in the family's list, `room` gives
    /// the bytes of attributes that `fill` needs. Softirq or process context; allocates,
    /// without sleeping. Who could not be told, for want of memory or of room in its
    /// socket, learns by an error of its socket (`ENOBUFS`) that it has missed something.
    pub(crate) fn send(
        &self,
        namespace: &Namespace,
        group: u32,
        command: u8,
        room: impl FnOnce() -> usize,
        fill: impl FnOnce(&mut Message<'_>) -> Result,
    ) {
        let _section = rcu::read_lock();
        if self.state.load(Acquire) != LIVE {
            return;
        }
        let (family, net) = (self.raw.get(), namespace.as_raw());
        // SAFETY: The family is registered until the end of this read-side section, as
        // who unregisters it waits for that. The namespace is valid, and has the socket
        // of generic netlink, which is older than every subsystem of a module's.
        if unsafe { bindings::genl_has_listeners(family, net.cast(), group) } <= 0 {
            return;
        }
        // SAFETY: As above.
        let to = unsafe { Recipient::everybody(family) };
        let made = Reply::new(&to, command, room(), bindings::GFP_ATOMIC, fill);
        // SAFETY: As above; the message is given away. That nobody listens any more, or
        // somebody had no room, the core tells whom it concerns.
        unsafe {
            match made {
                Ok(reply) => {
                    let _ = bindings::genlmsg_multicast_netns(
                        family,
                        net.cast(),
                        reply.into_raw(),
                        0,
                        group,
                        bindings::GFP_ATOMIC,
                    );
                }
                Err(_) => {
                    let code = bindings::ENOBUFS as c_int;
                    let _ = bindings::genl_set_err(family, net.cast(), 0, group, -code);
                }
            }
        }
    }
}

/// A registered family.
///
/// # Invariants
///
/// The family is registered, and live.
pub(crate) struct Registration(&'static Family);

impl Drop for Registration {
    fn drop(&mut self) {
        self.0.state.store(BUSY, Release);
        // SAFETY: Process context, which may sleep. After this nobody sends an event who
        // has found the family live.
        unsafe { bindings::synchronize_rcu() };
        // SAFETY: By the type invariants, the family is registered. This waits for
        // requests that are being answered.
        unsafe { bindings::genl_unregister_family(self.0.raw.get()) };
        self.0.state.store(FREE, Release);
    }
}
