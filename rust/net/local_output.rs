// SPDX-License-Identifier: GPL-2.0

//! Seeing the IP packets that this host itself sends, before they leave.
//!
//! C headers: [`include/linux/netfilter_ipv4.h`](srctree/include/linux/netfilter_ipv4.h),
//! [`include/linux/netfilter_ipv6.h`](srctree/include/linux/netfilter_ipv6.h)
//!
//! Hooks of netfilter ([`super::netfilter`]). What is forwarded by routes does not come by.

use super::{
    bindings,
    netfilter::{
        Hook,
        Place, //
    }, //
};

/// The length of an IPv4 header without options, in bytes.
pub(crate) const HEADER_LEN_V4: usize = 20;
/// The length of an IPv6 header, in bytes.
pub(crate) const HEADER_LEN_V6: usize = 40;

/// Where IPv4 packets are looked at.
pub(crate) struct OutputV4;

impl Place for OutputV4 {
    const FAMILY: u32 = bindings::NFPROTO_IPV4;
    const HOOK: u32 = bindings::nf_inet_hooks_NF_INET_LOCAL_OUT;
    const EXISTS: bool = cfg!(CONFIG_NETFILTER);
}

/// Where IPv6 packets are looked at.
pub(crate) struct OutputV6;

impl Place for OutputV6 {
    const FAMILY: u32 = bindings::NFPROTO_IPV6;
    const HOOK: u32 = bindings::nf_inet_hooks_NF_INET_LOCAL_OUT;
    const EXISTS: bool = cfg!(CONFIG_NETFILTER);
}

/// The hook in one namespace that sees the headers of its IPv4 packets.
pub(crate) type HookV4<H> = Hook<OutputV4, H, HEADER_LEN_V4>;
/// The same for IPv6.
pub(crate) type HookV6<H> = Hook<OutputV6, H, HEADER_LEN_V6>;
