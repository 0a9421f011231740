// SPDX-License-Identifier: GPL-2.0

//! Seeing the ARP packets that the kernel's own stack sends, before they leave.
//!
//! C header: [`include/linux/netfilter_arp.h`](srctree/include/linux/netfilter_arp.h)
//!
//! A hook of netfilter's ARP family ([`super::netfilter`]), which stock kernels have.

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

/// The length of an ARP packet for IPv4 over Ethernet, in bytes.
pub(crate) const PACKET_LEN: usize = 28;

/// Looks at outgoing ARP packets.
pub(crate) trait Handler: 'static {
    /// Says what becomes of a packet that is to leave through a device.
    fn output(device: &NetDevice, packet: &[u8; PACKET_LEN]) -> Fate<PACKET_LEN>;
}

/// Where they are looked at.
pub(crate) struct Output<H>(PhantomData<H>);

impl<H: Handler> Point<PACKET_LEN> for Output<H> {
    const FAMILY: u32 = bindings::NFPROTO_ARP;
    const HOOK: u32 = bindings::NF_ARP_OUT;
    const EXISTS: bool = cfg!(CONFIG_NETFILTER_FAMILY_ARP);

    fn output(device: &NetDevice, packet: &[u8; PACKET_LEN]) -> Fate<PACKET_LEN> {
        H::output(device, packet)
    }
}

/// The hook in one namespace.
pub(crate) type Hook<H> = netfilter::Hook<Output<H>, PACKET_LEN>;
