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

use super::{
    attribute::{
        Attributes,
        Message,
        Policy, //
    },
    bindings,
    extended_ack::ExtendedAck,
    namespace::Namespace, //
};
use core::{
    marker::PhantomData,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ptr::NonNull, //
};
use kernel::{
    error::{
        from_result,
        to_result, //
    },
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

/// Who may make a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Everybody who has a socket in the namespace.
    Anybody,
    /// Who has `CAP_NET_ADMIN` in the user namespace that the network namespace belongs
    /// to.
    NamespaceAdministrator,
    /// Who has `CAP_NET_ADMIN` on the whole machine.
    Administrator,
}

impl Permission {
    const fn flags(self) -> u32 {
        match self {
            Self::Anybody => 0,
            Self::NamespaceAdministrator => bindings::GENL_UNS_ADMIN_PERM,
            Self::Administrator => bindings::GENL_ADMIN_PERM,
        }
    }
}

/// A command that is answered with one message.
pub(crate) trait Answer: 'static {
    /// The number of the command; the answer has it too.
    const COMMAND: u8;

    /// Who may give it.
    const PERMISSION: Permission;

    /// What the core checks in its attributes. Entry 0 is no attribute; an empty policy
    /// allows none at all.
    const POLICY: &'static [Policy];

    /// Answers a request. Process context.
    ///
    /// # Errors
    ///
    /// What the sender is told instead, with the sentence in `ack`.
    fn answer(request: &Request<'_>, ack: &mut ExtendedAck) -> Result<Reply>;
}

/// A command that is answered with a message for each of many things.
pub(crate) trait Dump: 'static {
    /// The number of the command; the messages have it too.
    const COMMAND: u8;

    /// Who may give it.
    const PERMISSION: Permission;

    /// As [`Answer::POLICY`].
    const POLICY: &'static [Policy];

    /// One of the things.
    type Entry;

    /// The bytes of attributes that the largest message needs now.
    fn largest(namespace: &Namespace) -> usize;

    /// A number that changes whenever one of the things comes or goes; never zero.
    /// Whoever made a dump meanwhile is told to make another.
    fn generation(namespace: &Namespace) -> u32;

    /// The first thing whose place is `from`, or after it. Things are in the order of
    /// their places, and keep them.
    fn next(namespace: &Namespace, from: u32) -> Option<(u32, Self::Entry)>;

    /// Writes the message of one thing.
    ///
    /// # Errors
    ///
    /// Those of the message; it is begun anew with more room then.
    fn fill(entry: &Self::Entry, message: &mut Message<'_>) -> Result;
}

/// A command of a family.
///
/// Wraps the kernel's [`struct genl_split_ops`](srctree/include/net/genetlink.h).
#[repr(transparent)]
pub(crate) struct Operation(bindings::genl_split_ops);

// SAFETY: Only read from, and all that it points to is static.
unsafe impl Sync for Operation {}

impl Operation {
    /// A command that is answered with one message.
    pub(crate) const fn answer<T: Answer>() -> Self {
        let mut ops = Self::common(T::COMMAND, T::PERMISSION, T::POLICY);
        ops.flags |= bindings::GENL_CMD_CAP_DO as u8;
        ops.__bindgen_anon_1.__bindgen_anon_1 =
            bindings::genl_split_ops__bindgen_ty_1__bindgen_ty_1 {
                pre_doit: None,
                doit: Some(answer_callback::<T>),
                post_doit: None,
            };
        Self(ops)
    }

    /// A command that is answered with a message for each of many things. If there is
    /// another one of the same number, that is answered with one message, it comes
    /// first in the list.
    pub(crate) const fn dump<T: Dump>() -> Self {
        let mut ops = Self::common(T::COMMAND, T::PERMISSION, T::POLICY);
        ops.flags |= bindings::GENL_CMD_CAP_DUMP as u8;
        ops.__bindgen_anon_1.__bindgen_anon_2 =
            bindings::genl_split_ops__bindgen_ty_1__bindgen_ty_2 {
                start: Some(start_callback::<T>),
                dumpit: Some(dump_callback::<T>),
                done: None,
            };
        Self(ops)
    }

    const fn common(
        command: u8,
        permission: Permission,
        policy: &'static [Policy],
    ) -> bindings::genl_split_ops {
        // SAFETY: A C structure for which zero is a valid state.
        let mut ops: bindings::genl_split_ops = unsafe { MaybeUninit::zeroed().assume_init() };
        ops.cmd = command;
        ops.flags = permission.flags() as u8;
        if !policy.is_empty() {
            ops.policy = policy.as_ptr().cast();
            ops.maxattr = (policy.len() - 1) as u32;
        }
        ops
    }
}

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
        let to = Recipient {
            family,
            portid: 0,
            sequence: 0,
        };
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

/// A request.
///
/// # Invariants
///
/// `info` is what the core hands to a callback, for `'a`; its table of attributes, if it
/// has one, has `count` entries.
pub(crate) struct Request<'a> {
    info: NonNull<bindings::genl_info>,
    count: usize,
    lifetime: PhantomData<&'a bindings::genl_info>,
}

impl<'a> Request<'a> {
    /// Its attributes, as the policy wants them.
    pub(crate) fn attributes(&self) -> Attributes<'a> {
        // SAFETY: Valid by the type invariants.
        unsafe { Attributes::from_raw((*self.info.as_ptr()).attrs, self.count) }
    }

    /// The namespace of the socket that it came by.
    pub(crate) fn namespace(&self) -> &'a Namespace {
        // SAFETY: Valid by the type invariants. The socket keeps its namespace, and is
        // there until the request is answered.
        unsafe { Namespace::from_raw(bindings::genl_info_net(self.info.as_ptr()).cast()) }
    }

    /// Makes the answer, with `room` bytes for attributes.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, and those of `fill`: `EMSGSIZE` if there is too little room.
    pub(crate) fn reply(
        &self,
        room: usize,
        fill: impl FnOnce(&mut Message<'_>) -> Result,
    ) -> Result<Reply> {
        // SAFETY: Valid by the type invariants.
        let (to, command) = unsafe {
            let info = self.info.as_ptr();
            (Recipient::of(info), (*(*info).genlhdr).cmd)
        };
        Reply::new(&to, command, room, bindings::GFP_KERNEL, fill)
    }
}

/// Whom a message is for.
///
/// # Invariants
///
/// `family` is valid.
struct Recipient {
    family: *const bindings::genl_family,
    portid: u32,
    sequence: u32,
}

impl Recipient {
    /// The sender of a request.
    ///
    /// # Safety
    ///
    /// `info` must be what the core hands to a callback.
    unsafe fn of(info: *const bindings::genl_info) -> Self {
        // INVARIANT: The core keeps the family during the callback.
        // SAFETY: The caller's promise.
        unsafe {
            Self {
                family: (*info).family,
                portid: (*info).snd_portid,
                sequence: (*info).snd_seq,
            }
        }
    }

    /// Adds a whole message for it to `skb`. After an error nothing was added.
    ///
    /// # Safety
    ///
    /// `skb` must be valid, and nobody else may use it.
    unsafe fn add_to(
        &self,
        skb: NonNull<kernel::bindings::sk_buff>,
        flags: u32,
        command: u8,
        fill: impl FnOnce(&mut Message<'_>) -> Result,
        check: impl FnOnce(*mut c_void),
    ) -> Result {
        // SAFETY: Both are valid, by the caller's promise and the type invariants.
        let header = unsafe {
            bindings::genlmsg_put(
                skb.as_ptr(),
                self.portid,
                self.sequence,
                self.family,
                flags as c_int,
                command,
            )
        };
        if header.is_null() {
            return Err(EMSGSIZE);
        }
        // SAFETY: The caller's promise.
        let filled = fill(&mut unsafe { Message::from_raw(skb) });
        // SAFETY: The header is that of the message that was begun in `skb`.
        unsafe {
            match filled {
                Ok(()) => {
                    check(header);
                    bindings::genlmsg_end(skb.as_ptr(), header);
                }
                Err(_) => bindings::genlmsg_cancel(skb.as_ptr(), header),
            }
        }
        filled
    }
}

/// A message that is complete.
///
/// # Invariants
///
/// The pointer is to an `sk_buff` that this owns.
pub(crate) struct Reply(NonNull<kernel::bindings::sk_buff>);

impl Reply {
    fn new(
        to: &Recipient,
        command: u8,
        room: usize,
        flags: kernel::bindings::gfp_t,
        fill: impl FnOnce(&mut Message<'_>) -> Result,
    ) -> Result<Self> {
        // SAFETY: An allocation, in the context that the flags are for.
        let skb = unsafe { bindings::genlmsg_new(room, flags) };
        // INVARIANT: Just made.
        let reply = Self(NonNull::new(skb).ok_or(ENOMEM)?);
        // SAFETY: It is new, and nobody else has it.
        unsafe { to.add_to(reply.0, 0, command, fill, |_| ())? };
        Ok(reply)
    }

    fn into_raw(self) -> *mut kernel::bindings::sk_buff {
        ManuallyDrop::new(self).0.as_ptr()
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; it was not sent.
        unsafe { bindings::consume_skb(self.0.as_ptr()) };
    }
}

/// # Safety
///
/// Only to be called by the core, as `doit` of an operation.
unsafe extern "C" fn answer_callback<T: Answer>(
    _: *mut kernel::bindings::sk_buff,
    info: *mut bindings::genl_info,
) -> c_int {
    from_result(|| {
        // INVARIANT: The core has parsed the attributes into a table for all numbers
        // that the policy has.
        let request = Request {
            info: NonNull::new(info).ok_or(EINVAL)?,
            count: T::POLICY.len(),
            lifetime: PhantomData,
        };
        // SAFETY: The core's argument is valid during the call.
        let mut ack = unsafe { ExtendedAck::from_raw((*info).extack) };
        let reply = T::answer(&request, &mut ack)?;
        // SAFETY: As above; the message is given away.
        to_result(unsafe { bindings::genlmsg_reply(reply.into_raw(), info) })?;
        Ok(0)
    })
}

/// The namespace in which a dump is made.
///
/// # Safety
///
/// `callback` must be the core's, in `start` or `dumpit`.
unsafe fn dump_namespace<'a>(callback: *mut bindings::netlink_callback) -> &'a Namespace {
    // SAFETY: By the caller's promise; the socket that the dump is made for keeps its
    // namespace.
    unsafe {
        let info = bindings::genl_info_dump(callback);
        Namespace::from_raw(bindings::genl_info_net(info).cast())
    }
}

/// # Safety
///
/// Only to be called by the core, as `start` of an operation.
unsafe extern "C" fn start_callback<T: Dump>(callback: *mut bindings::netlink_callback) -> c_int {
    // The headers of generic netlink, and of netlink.
    const HEADERS: usize = 64;
    // SAFETY: The core's argument is valid during the call.
    let namespace = unsafe { dump_namespace(callback) };
    let room = T::largest(namespace).saturating_add(HEADERS);
    // SAFETY: As above.
    unsafe { (*callback).min_dump_alloc = u32::try_from(room).unwrap_or(u32::MAX) };
    0
}

/// Writes as many messages as there is room for. The core calls until there is none to
/// write, so that the last call tells whether anything has come or gone.
///
/// # Safety
///
/// Only to be called by the core, as `dumpit` of an operation.
unsafe extern "C" fn dump_callback<T: Dump>(
    skb: *mut kernel::bindings::sk_buff,
    callback: *mut bindings::netlink_callback,
) -> c_int {
    from_result(|| {
        let skb = NonNull::new(skb).ok_or(EINVAL)?;
        // SAFETY: The core's arguments are valid during the call, and nobody else uses
        // them. The place where the next call goes on is ours; it is zero at first.
        let (namespace, to, place) = unsafe {
            (
                dump_namespace(callback),
                Recipient::of(bindings::genl_info_dump(callback)),
                &mut *(&raw mut (*callback).__bindgen_anon_1.args).cast::<u32>(),
            )
        };
        // SAFETY: As above.
        unsafe { (*callback).seq = T::generation(namespace) };
        let mut status = Ok(());
        while let Some((found, entry)) = T::next(namespace, *place) {
            // SAFETY: As above; the header is the one that was just put.
            status = unsafe {
                to.add_to(
                    skb,
                    bindings::NLM_F_MULTI,
                    T::COMMAND,
                    |message| T::fill(&entry, message),
                    |header| bindings::genl_dump_check_consistent(callback, header),
                )
            };
            if status.is_err() {
                break;
            }
            *place = found.saturating_add(1);
        }
        // SAFETY: As above.
        match unsafe { skb.as_ref() }.len {
            0 => status.map(|()| 0),
            written => Ok(written as c_int),
        }
    })
}
