// SPDX-License-Identifier: GPL-2.0

//! Seeing the ARP packets that the kernel's own stack sends, before they leave.
//!
//! C header: [`include/linux/netfilter_arp.h`](srctree/include/linux/netfilter_arp.h)
//!
//! A hook of netfilter's ARP family ([`super::netfilter`]), which stock kernels have.

use super::{
    bindings,
    netfilter::{
        self,
        Place, //
    }, //
};

/// The length of an ARP packet for IPv4 over Ethernet, in bytes.
pub(crate) const PACKET_LEN: usize = 28;

/// Where they are looked at.
pub(crate) struct Output;

impl Place for Output {
    const FAMILY: u32 = bindings::NFPROTO_ARP;
    const HOOK: u32 = bindings::NF_ARP_OUT;
    const EXISTS: bool = cfg!(CONFIG_NETFILTER_FAMILY_ARP);
}

/// The hook in one namespace.
pub(crate) type Hook<H> = netfilter::Hook<Output, H, PACKET_LEN>;
