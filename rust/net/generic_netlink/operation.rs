// SPDX-License-Identifier: GPL-2.0

//! The commands of a family: what answers them, and who may give them.
//!
//! Process context, several at a time, without a lock of the core's.

use super::message::{
    Recipient,
    Reply, //
};
use crate::net::{
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
    mem::MaybeUninit,
    ptr::NonNull, //
};
use kernel::{
    error::{
        from_result,
        to_result, //
    },
    prelude::*, //
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
