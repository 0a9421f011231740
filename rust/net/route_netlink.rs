// SPDX-License-Identifier: GPL-2.0

//! Adding and deleting routes, by the kernel's own rtnetlink.
//!
//! C headers: [`include/uapi/linux/rtnetlink.h`](srctree/include/uapi/linux/rtnetlink.h),
//! [`include/linux/net.h`](srctree/include/linux/net.h)
//!
//! The routing tables have no interface for modules; this is the one that everybody
//! has. Process context, the RTNL not held: requests for IPv4 routes take it.

use super::{
    bindings,
    namespace::Namespace, //
};
use core::ptr::NonNull;
use kernel::{error::to_result, prelude::*};

/// An address of either family.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    V4([u8; 4]),
    V6([u8; 16]),
}

impl Address {
    fn family(&self) -> u32 {
        match self {
            Self::V4(_) => bindings::AF_INET,
            Self::V6(_) => bindings::AF_INET6,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::V4(bytes) => bytes,
            Self::V6(bytes) => bytes,
        }
    }
}

/// What a route does with packets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Sends them to neighbours on its device.
    Link,
    /// Delivers them here.
    Local,
    /// Sends them to all neighbours on its device.
    Broadcast,
    /// Sends them to the members of a multicast group on its device.
    Multicast,
    /// Refuses them.
    Unreachable,
}

/// `RTPROT_KERNEL`: a route that the kernel made for an address.
pub(crate) const PROTOCOL_KERNEL: u8 = bindings::RTPROT_KERNEL as u8;

/// A route, or what has to be known of one to delete it.
pub(crate) struct Route {
    pub(crate) destination: Address,
    pub(crate) prefix_len: u8,
    pub(crate) kind: Kind,
    pub(crate) table: u32,
    /// Who made it, for people and for deleting nobody else's.
    pub(crate) protocol: u8,
    /// The number of its device.
    pub(crate) device: Option<u32>,
    /// The source address of what is sent here.
    pub(crate) source: Option<Address>,
    /// Smaller is preferred. For IPv6, none means any if it is deleted.
    pub(crate) metric: Option<u32>,
}

/// A socket for requests in one namespace.
///
/// # Invariants
///
/// `socket` is a kernel's netlink socket, which this owns. As it does not keep its
/// namespace, it may not outlive `'a`.
pub(crate) struct Socket<'a> {
    socket: NonNull<bindings::socket>,
    _namespace: core::marker::PhantomData<&'a Namespace>,
}

impl<'a> Socket<'a> {
    /// Opens a socket in a namespace.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, `ENFILE`.
    pub(crate) fn open(namespace: &'a Namespace) -> Result<Self> {
        let mut socket = core::ptr::null_mut();
        // SAFETY: The namespace is valid, and outlives the socket.
        to_result(unsafe {
            bindings::sock_create_kern(
                namespace.as_raw(),
                bindings::AF_NETLINK as c_int,
                bindings::sock_type_SOCK_RAW as c_int,
                bindings::NETLINK_ROUTE as c_int,
                &raw mut socket,
            )
        })?;
        // INVARIANT: Just made.
        Ok(Self {
            socket: NonNull::new(socket).ok_or(ENOMEM)?,
            _namespace: core::marker::PhantomData,
        })
    }

    /// Adds a route, before others that are as good.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is such a route, and whatever the kernel has to say about
    /// it.
    pub(crate) fn add(&self, route: &Route) -> Result {
        let flags = bindings::NLM_F_CREATE;
        self.request(&Message::new(bindings::RTM_NEWROUTE, flags, route))
    }

    /// Deletes a route.
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is none, and whatever the kernel has to say about it.
    pub(crate) fn delete(&self, route: &Route) -> Result {
        self.request(&Message::new(bindings::RTM_DELROUTE, 0, route))
    }

    /// Sends a request and reads the answer, which is there when it was sent.
    fn request(&self, message: &Message) -> Result {
        // To the kernel. Without an address, the sender's rights would be looked
        // for in the file that a kernel's socket has none of.
        let mut kernel = bindings::sockaddr_nl {
            nl_family: bindings::AF_NETLINK as u16,
            ..pin_init::zeroed()
        };
        let mut header = no_header();
        header.msg_name = (&raw mut kernel).cast();
        header.msg_namelen = size_of::<bindings::sockaddr_nl>() as c_int;
        let mut part = bindings::kvec {
            iov_base: message.bytes.as_ptr().cast_mut().cast(),
            iov_len: message.len,
        };
        // SAFETY: By the type invariants; the message is only read from.
        let sent = unsafe {
            bindings::kernel_sendmsg(
                self.socket.as_ptr(),
                &raw mut header,
                &raw mut part,
                1,
                message.len,
            )
        };
        to_result(sent)?;
        self.answer()
    }

    fn answer(&self) -> Result {
        const HEADER: usize = size_of::<bindings::nlmsghdr>();
        let mut answer = [0_u8; 256];
        let mut header = no_header();
        let mut part = bindings::kvec {
            iov_base: answer.as_mut_ptr().cast(),
            iov_len: answer.len(),
        };
        // SAFETY: By the type invariants; there is room for as much as is said.
        let received = unsafe {
            bindings::kernel_recvmsg(
                self.socket.as_ptr(),
                &raw mut header,
                &raw mut part,
                1,
                answer.len(),
                bindings::MSG_DONTWAIT as c_int,
            )
        };
        // None, if there was no memory for it.
        to_result(received)?;
        let errno = answer
            .get(HEADER..HEADER + 4)
            .and_then(|bytes| bytes.try_into().ok());
        to_result(c_int::from_ne_bytes(errno.ok_or(EBADMSG)?))
    }
}

impl Drop for Socket<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::sock_release(self.socket.as_ptr()) };
    }
}

/// A message header that says nothing.
fn no_header() -> bindings::msghdr {
    // SAFETY: A C structure for which zero is a valid state.
    unsafe { core::mem::MaybeUninit::zeroed().assume_init() }
}

/// A request.
struct Message {
    bytes: [u8; Self::ROOM],
    len: usize,
}

impl Message {
    /// Header, `struct rtmsg`, two addresses and three numbers.
    const ROOM: usize = 16 + 12 + 2 * (4 + 16) + 3 * (4 + 4);

    fn new(kind: u32, flags: u32, route: &Route) -> Self {
        let mut message = Self {
            bytes: [0; Self::ROOM],
            len: 0,
        };
        let flags = flags | bindings::NLM_F_REQUEST | bindings::NLM_F_ACK;
        // struct nlmsghdr; the length comes last.
        message.push(&[0; 4]);
        message.push(&(kind as u16).to_ne_bytes());
        message.push(&(flags as u16).to_ne_bytes());
        message.push(&[0; 8]);
        // struct rtmsg
        let (kind, scope) = match route.kind {
            Kind::Link => (bindings::RTN_UNICAST, bindings::rt_scope_t_RT_SCOPE_LINK),
            Kind::Local => (bindings::RTN_LOCAL, bindings::rt_scope_t_RT_SCOPE_HOST),
            Kind::Broadcast => (bindings::RTN_BROADCAST, bindings::rt_scope_t_RT_SCOPE_LINK),
            Kind::Multicast => (bindings::RTN_MULTICAST, bindings::rt_scope_t_RT_SCOPE_LINK),
            Kind::Unreachable => (
                bindings::RTN_UNREACHABLE,
                bindings::rt_scope_t_RT_SCOPE_UNIVERSE,
            ),
        };
        message.push(&[
            route.destination.family() as u8,
            route.prefix_len,
            0,
            0,
            // The table comes in an attribute.
            bindings::rt_class_t_RT_TABLE_UNSPEC as u8,
            route.protocol,
            scope as u8,
            kind as u8,
        ]);
        message.push(&[0; 4]);
        message.attribute(bindings::rtattr_type_t_RTA_DST, route.destination.bytes());
        message.attribute(
            bindings::rtattr_type_t_RTA_TABLE,
            &route.table.to_ne_bytes(),
        );
        if let Some(device) = route.device {
            message.attribute(bindings::rtattr_type_t_RTA_OIF, &device.to_ne_bytes());
        }
        if let Some(metric) = route.metric {
            message.attribute(bindings::rtattr_type_t_RTA_PRIORITY, &metric.to_ne_bytes());
        }
        if let Some(source) = &route.source {
            message.attribute(bindings::rtattr_type_t_RTA_PREFSRC, source.bytes());
        }
        let len = message.len as u32;
        if let Some(place) = message.bytes.get_mut(..4) {
            place.copy_from_slice(&len.to_ne_bytes());
        }
        message
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if let Some(place) = self.bytes.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
            self.len = end;
        }
    }

    /// All payloads are of whole words.
    fn attribute(&mut self, kind: u32, payload: &[u8]) {
        self.push(&(4 + payload.len() as u16).to_ne_bytes());
        self.push(&(kind as u16).to_ne_bytes());
        self.push(payload);
    }
}
