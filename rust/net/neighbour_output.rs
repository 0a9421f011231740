// SPDX-License-Identifier: GPL-2.0

//! Seeing the messages of IPv6 neighbour discovery that the kernel's own stack sends, before
//! they leave.
//!
//! C header: [`include/linux/netfilter_ipv6.h`](srctree/include/linux/netfilter_ipv6.h)
//!
//! A hook of netfilter for all IPv6 packets that this host sends ([`super::netfilter`]): there
//! is none for these messages alone, so it is for those namespaces only that need it.

use super::{
    bindings,
    netdevice::NetDevice,
    netfilter::{
        self,
        Fate,
        Point, //
    }, //
};
use core::marker::PhantomData;

/// The length of a solicitation or an advertisement, without its options, in bytes.
pub(crate) const PACKET_LEN: usize = 64;

/// Looks at outgoing IPv6 packets of at least [`PACKET_LEN`].
pub(crate) trait Handler: 'static {
    /// Says what becomes of a packet that is to leave through a device.
    fn output(device: &NetDevice, beginning: &[u8; PACKET_LEN]) -> Fate<PACKET_LEN>;
}

/// Where they are looked at.
pub(crate) struct Output<H>(PhantomData<H>);

impl<H: Handler> Point<PACKET_LEN> for Output<H> {
    const FAMILY: u32 = bindings::NFPROTO_IPV6;
    const HOOK: u32 = bindings::nf_inet_hooks_NF_INET_LOCAL_OUT;
    const EXISTS: bool = cfg!(CONFIG_NETFILTER);

    fn output(device: &NetDevice, beginning: &[u8; PACKET_LEN]) -> Fate<PACKET_LEN> {
        H::output(device, beginning)
    }
}

/// The hook in one namespace.
pub(crate) type Hook<H> = netfilter::Hook<Output<H>, PACKET_LEN>;
