// SPDX-License-Identifier: GPL-2.0

//! Seeing the messages of IPv6 neighbour discovery that the kernel's own stack sends, before
//! they leave.
//!
//! C header: [`include/linux/netfilter_ipv6.h`](srctree/include/linux/netfilter_ipv6.h)
//!
//! A hook of netfilter for all IPv6 packets that this host sends ([`super::local_output`]):
//! there is none for these messages alone, so it is for those namespaces only that need it.

use super::{
    local_output::OutputV6,
    netfilter, //
};

/// The length of a solicitation or an advertisement, without its options, in bytes.
pub(crate) const PACKET_LEN: usize = 64;

/// The hook in one namespace.
pub(crate) type Hook<H> = netfilter::Hook<OutputV6, H, PACKET_LEN>;
