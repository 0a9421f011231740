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
    netfilter::{
        self,
        Place, //
    }, //
};

/// The length of a solicitation or an advertisement, without its options, in bytes.
pub(crate) const PACKET_LEN: usize = 64;

/// Where they are looked at.
pub(crate) struct Output;

impl Place for Output {
    const FAMILY: u32 = bindings::NFPROTO_IPV6;
    const HOOK: u32 = bindings::nf_inet_hooks_NF_INET_LOCAL_OUT;
    const EXISTS: bool = cfg!(CONFIG_NETFILTER);
}

/// The hook in one namespace.
pub(crate) type Hook<H> = netfilter::Hook<Output, H, PACKET_LEN>;
