// SPDX-License-Identifier: GPL-2.0

//! What Ethernet frames carry, as numbers in host order.
//!
//! C header: [`include/uapi/linux/if_ether.h`](srctree/include/uapi/linux/if_ether.h)

/// IPv4.
pub(super) const ETHERTYPE_IPV4: u16 = 0x0800;
/// ARP.
pub(super) const ETHERTYPE_ARP: u16 = 0x0806;
/// IPv6.
pub(super) const ETHERTYPE_IPV6: u16 = 0x86dd;
