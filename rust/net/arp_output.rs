// SPDX-License-Identifier: GPL-2.0

//! Seeing the ARP packets that the kernel's own stack sends, before they leave.
//!
//! C headers: [`include/linux/netfilter.h`](srctree/include/linux/netfilter.h),
//! [`include/linux/netfilter_arp.h`](srctree/include/linux/netfilter_arp.h)
//!
//! A hook of netfilter's ARP family, which stock kernels have; in a kernel without
//! it, nothing is seen. Packets come in softirq or process context, under RCU;
//! nothing may sleep. Frames that are made elsewhere, by packet sockets or by
//! drivers, do not come here.

use super::{
    bindings,
    netdevice::NetDevice,
    pernet::{
        Founding,
        Hold, //
    }, //
};
use core::marker::PhantomData;
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// The length of an ARP packet for IPv4 over Ethernet, in bytes.
pub(crate) const PACKET_LEN: usize = 28;

/// What becomes of an outgoing ARP packet.
pub(crate) enum Fate {
    /// It leaves as it is.
    Keep,
    /// This one leaves instead.
    Replace([u8; PACKET_LEN]),
    /// It does not leave.
    Drop,
}

/// Looks at outgoing ARP packets.
pub(crate) trait Handler: 'static {
    /// Says what becomes of a packet that is to leave through a device.
    fn output(device: &NetDevice, packet: &[u8; PACKET_LEN]) -> Fate;
}

/// A hook in one namespace, for as long as this exists.
///
/// Part of the namespace's data ([`super::pernet`]), and made with it.
///
/// # Invariants
///
/// `operations` are registered in `namespace`, which is not freed before `hold`
/// is dropped.
#[pin_data(PinnedDrop)]
pub(crate) struct Hook<H: Handler> {
    #[pin]
    operations: Opaque<bindings::nf_hook_ops>,
    namespace: *mut bindings::net,
    hold: Hold,
    handler: PhantomData<fn() -> H>,
}

// SAFETY: All that can be done with it is to drop it, in any thread.
unsafe impl<H: Handler> Send for Hook<H> {}

// SAFETY: It has no methods.
unsafe impl<H: Handler> Sync for Hook<H> {}

impl<H: Handler> Hook<H> {
    /// Registers the handler in the namespace that is being founded. Process
    /// context.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(founding: &Founding<'_>) -> impl PinInit<Self, Error> {
        let namespace = founding.as_raw();
        let hold = founding.hold();
        try_pin_init!(Self {
            operations <- Opaque::try_ffi_init(move |place: *mut bindings::nf_hook_ops| {
                let operations = bindings::nf_hook_ops {
                    hook: Some(trampoline::<H>),
                    pf: bindings::NFPROTO_ARP as u8,
                    hooknum: bindings::NF_ARP_OUT,
                    ..pin_init::zeroed()
                };
                // SAFETY: `place` is valid for writes, and pinned until the drop
                // of `Self` unregisters it; the namespace is being founded.
                unsafe {
                    place.write(operations);
                    if cfg!(CONFIG_NETFILTER_FAMILY_ARP) {
                        to_result(bindings::nf_register_net_hook(namespace, place))?;
                    }
                }
                Ok::<(), Error>(())
            }),
            namespace,
            hold,
            handler: PhantomData,
        })
    }
}

#[pinned_drop]
impl<H: Handler> PinnedDrop for Hook<H> {
    fn drop(self: Pin<&mut Self>) {
        if cfg!(CONFIG_NETFILTER_FAMILY_ARP) {
            // SAFETY: Registered, by the type invariants. Who is in the handler meanwhile has
            // its function from netfilter's own copy, nothing of `operations`, and is waited
            // for before the module's code goes.
            unsafe { bindings::nf_unregister_net_hook(self.namespace, self.operations.get()) };
        }
    }
}

/// Hands a packet to the handler.
///
/// # Safety
///
/// Only to be called by netfilter, as a hook of the ARP family.
unsafe extern "C" fn trampoline<H: Handler>(
    _: *mut c_void,
    skb: *mut kernel::bindings::sk_buff,
    state: *const bindings::nf_hook_state,
) -> c_uint {
    // SAFETY: Netfilter's arguments are valid, and an outgoing packet has a
    // device, which stays for the RCU read-side section that the hook is in.
    let device = unsafe { NetDevice::from_raw((*state).out) };
    let mut packet = [0; PACKET_LEN];
    // SAFETY: The packet is valid; `skb_copy_bits` and `skb_store_bits` check
    // that it is long enough, and the latter is called on one that is ours to
    // write to.
    unsafe {
        let offset = bindings::skb_network_offset(skb);
        let length = PACKET_LEN as c_int;
        let end = offset + length;
        if kernel::bindings::skb_copy_bits(skb, offset, packet.as_mut_ptr().cast(), length) != 0 {
            return bindings::NF_ACCEPT;
        }
        let other = match H::output(device, &packet) {
            Fate::Keep => return bindings::NF_ACCEPT,
            Fate::Replace(other) => other,
            Fate::Drop => return bindings::NF_DROP,
        };
        let status = match kernel::bindings::skb_ensure_writable(skb, end as c_uint) {
            0 => bindings::skb_store_bits(skb, offset, other.as_ptr().cast(), length),
            error => error,
        };
        // Rather none than the one that was not to leave.
        if status != 0 {
            return bindings::NF_DROP;
        }
    }
    bindings::NF_ACCEPT
}
