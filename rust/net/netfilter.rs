// SPDX-License-Identifier: GPL-2.0

//! Seeing what the kernel's own stack sends, before it leaves: hooks of netfilter.
//!
//! C header: [`include/linux/netfilter.h`](srctree/include/linux/netfilter.h)
//!
//! Packets come in softirq or process context, under RCU; nothing may sleep. Frames that are
//! made elsewhere, by packet sockets or by drivers, do not come here. The places have files
//! of their own: [`super::arp_output`], [`super::local_output`], [`super::neighbour_output`].

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
    sync::{
        new_mutex,
        Mutex, //
    },
    types::Opaque, //
};

/// What becomes of an outgoing packet, of whose beginning so many bytes were looked at.
pub(crate) enum Fate<const LEN: usize> {
    /// It leaves as it is.
    Keep,
    /// This is its beginning instead.
    Replace([u8; LEN]),
    /// It does not leave. Who sends it is told that the address is not there.
    Drop,
}

/// A place at which packets are looked at.
pub(crate) trait Place: 'static {
    /// One of `NFPROTO_*`.
    const FAMILY: u32;
    /// One of that family's hooks for what is to leave.
    const HOOK: u32;
    /// Whether the kernel was built with it. If not, nothing is seen.
    const EXISTS: bool;
}

/// Looks at the outgoing packets of a place.
pub(crate) trait Handler<P: Place, const LEN: usize>: 'static {
    /// Says what becomes of a packet that is to leave through a device, and begins like this.
    /// One that is shorter leaves.
    fn output(device: &NetDevice, beginning: &[u8; LEN]) -> Fate<LEN>;
}

/// A hook in one namespace, for as long as this exists.
///
/// Part of the namespace's data ([`super::pernet`]), and made with it.
///
/// # Invariants
///
/// `operations` are registered in `namespace` if `registered` says so; that is not freed
/// before `hold` is dropped.
#[pin_data(PinnedDrop)]
pub(crate) struct Hook<P: Place, H: Handler<P, LEN>, const LEN: usize> {
    #[pin]
    operations: Opaque<bindings::nf_hook_ops>,
    #[pin]
    registered: Mutex<bool>,
    namespace: *mut bindings::net,
    hold: Hold,
    handler: PhantomData<fn() -> (P, H)>,
}

// SAFETY: What can be done with it is to register it, under its lock, and to drop it, in any
// thread.
unsafe impl<P: Place, H: Handler<P, LEN>, const LEN: usize> Send for Hook<P, H, LEN> {}

// SAFETY: As above.
unsafe impl<P: Place, H: Handler<P, LEN>, const LEN: usize> Sync for Hook<P, H, LEN> {}

impl<P: Place, H: Handler<P, LEN>, const LEN: usize> Hook<P, H, LEN> {
    /// A hook in the namespace that is being founded, which sees nothing yet. Process context.
    pub(crate) fn new(founding: &Founding<'_>) -> impl PinInit<Self, Error> {
        let operations = bindings::nf_hook_ops {
            hook: Some(trampoline::<P, H, LEN>),
            pf: P::FAMILY as u8,
            hooknum: P::HOOK,
            ..pin_init::zeroed()
        };
        let namespace = founding.as_raw();
        let hold = founding.hold();
        try_pin_init!(Self {
            operations: Opaque::new(operations),
            registered <- new_mutex!(false, "carp_netfilter_hook"),
            namespace,
            hold,
            handler: PhantomData,
        })
    }

    /// Looks no more, if it does. Who is looking at this moment goes on. Process context, may
    /// sleep.
    pub(crate) fn unregister(&self) {
        let mut registered = self.registered.lock();
        if *registered {
            // SAFETY: Registered, by the type invariants. Who is in the handler meanwhile has
            // its function from netfilter's own copy, nothing of `operations`, and is waited
            // for before the module's code goes.
            unsafe { bindings::nf_unregister_net_hook(self.namespace, self.operations.get()) };
            // INVARIANT: Just unregistered.
            *registered = false;
        }
    }

    /// Begins to look, if it does not yet. Process context, may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `E2BIG` if the namespace has more than a thousand such hooks.
    pub(crate) fn register(&self) -> Result {
        let mut registered = self.registered.lock();
        if P::EXISTS && !*registered {
            // SAFETY: The operations are pinned until the drop of `Self` unregisters them, and
            // the namespace is there as long.
            to_result(unsafe {
                bindings::nf_register_net_hook(self.namespace, self.operations.get())
            })?;
            // INVARIANT: Just registered.
            *registered = true;
        }
        Ok(())
    }
}

#[pinned_drop]
impl<P: Place, H: Handler<P, LEN>, const LEN: usize> PinnedDrop for Hook<P, H, LEN> {
    fn drop(self: Pin<&mut Self>) {
        self.unregister();
    }
}

/// As the kernel's `NF_DROP_ERR(-EADDRNOTAVAIL)`. Drops are told as `EPERM` otherwise, as those of
/// a firewall.
const NOT_THERE: c_uint = bindings::EADDRNOTAVAIL << bindings::NF_VERDICT_QBITS | bindings::NF_DROP;

/// Hands a packet to who looks.
///
/// # Safety
///
/// Only to be called by netfilter, as a hook of outgoing packets.
unsafe extern "C" fn trampoline<P: Place, H: Handler<P, LEN>, const LEN: usize>(
    _: *mut c_void,
    skb: *mut kernel::bindings::sk_buff,
    state: *const bindings::nf_hook_state,
) -> c_uint {
    // SAFETY: Netfilter's arguments are valid, and an outgoing packet has a
    // device, which stays for the RCU read-side section that the hook is in.
    let device = unsafe { NetDevice::from_raw((*state).out) };
    let mut beginning = [0; LEN];
    // SAFETY: The packet is valid; `skb_copy_bits` and `skb_store_bits` check
    // that it is long enough, and the latter is called on one that is ours to
    // write to.
    unsafe {
        let offset = bindings::skb_network_offset(skb);
        let length = LEN as c_int;
        let end = offset + length;
        if kernel::bindings::skb_copy_bits(skb, offset, beginning.as_mut_ptr().cast(), length) != 0
        {
            return bindings::NF_ACCEPT;
        }
        let other = match H::output(device, &beginning) {
            Fate::Keep => return bindings::NF_ACCEPT,
            Fate::Replace(other) => other,
            Fate::Drop => return NOT_THERE,
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
