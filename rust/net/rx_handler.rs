// SPDX-License-Identifier: GPL-2.0

//! Seeing every frame that a device receives, before any protocol does.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)
//!
//! A device has at most one such handler: macvlan, bridge, bond and others use
//! the same place. Frames come in softirq context, under RCU, on several
//! processors at a time.

use super::{
    bindings,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*,
    sync::{
        rcu,
        Arc, //
    }, //
};

/// What becomes of a frame.
pub(crate) enum Verdict {
    /// It goes on its way.
    Pass,
    /// It goes on its way as sent to this host, whatever its address. A packet
    /// that others share is copied first, and lost if there is no memory.
    Accept,
    /// It was taken care of and ends here.
    Consume,
    /// It is not wanted and ends here.
    Discard,
}

/// Who looks at the frames of a device.
pub(crate) trait RxHandler: Send + Sync + Sized + 'static {
    /// Looks at one frame. Softirq context, under RCU.
    fn receive(&self, frame: &Frame<'_>) -> Verdict;
}

/// A received frame. Its Ethernet header has been taken off the front.
///
/// # Invariants
///
/// `skb` is a valid packet, unchanged for `'a`, with its Ethernet header in front
/// of the data.
pub(crate) struct Frame<'a> {
    skb: NonNull<kernel::bindings::sk_buff>,
    lifetime: PhantomData<&'a kernel::bindings::sk_buff>,
}

impl Frame<'_> {
    fn raw(&self) -> *mut kernel::bindings::sk_buff {
        self.skb.as_ptr()
    }

    /// Whether the device itself looped it back.
    fn is_loopback(&self) -> bool {
        // SAFETY: Valid by the type invariants.
        unsafe { bindings::skb_pkt_type(self.raw()) == bindings::PACKET_LOOPBACK as u8 }
    }

    /// Whether it is of a VLAN that this host has no device for: the core shows it
    /// to handlers before it drops it.
    fn is_of_other_vlan(&self) -> bool {
        // SAFETY: Valid by the type invariants.
        unsafe { bindings::skb_vlan_tag_id(self.raw()) != 0 }
    }

    /// The Ethernet address that it was sent to.
    pub(crate) fn destination(&self) -> [u8; 6] {
        // SAFETY: A frame from an Ethernet device has its header in linear
        // memory, where the core has read it already.
        unsafe { *bindings::skb_mac_header(self.raw()).cast() }
    }

    /// What it carries, an `ETH_P_*` in host order.
    pub(crate) fn protocol(&self) -> u16 {
        // SAFETY: Valid by the type invariants.
        u16::from_be(unsafe { bindings::skb_protocol(self.raw()) })
    }

    /// Its bytes behind the Ethernet header.
    pub(crate) fn len(&self) -> usize {
        // SAFETY: Valid by the type invariants.
        unsafe { (*self.raw()).len as usize }
    }

    /// The first bytes behind the Ethernet header; `None` if it is shorter.
    pub(crate) fn head<const N: usize>(&self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        // SAFETY: Valid by the type invariants; `skb_copy_bits` checks lengths.
        let status = unsafe {
            kernel::bindings::skb_copy_bits(self.raw(), 0, bytes.as_mut_ptr().cast(), N as c_int)
        };
        (status == 0).then_some(bytes)
    }
}

/// Attaches a handler, which the device keeps until [`detach`].
///
/// # Errors
///
/// `EBUSY` if the device has a handler already, `EINVAL` if it can have none.
pub(crate) fn attach<H: RxHandler>(device: &NetDevice, handler: Arc<H>, _: &Rtnl) -> Result {
    let data = Arc::into_raw(handler).cast_mut();
    // SAFETY: The device is valid, the RTNL is held, and the data stays valid
    // until the handler is detached.
    let status = to_result(unsafe {
        bindings::netdev_rx_handler_register(device.as_raw(), Some(trampoline::<H>), data.cast())
    });
    if status.is_err() {
        // SAFETY: Made by `into_raw` above and known to nobody.
        drop(unsafe { Arc::from_raw(data) });
    }
    status
}

/// Detaches the handler of this kind, if the device has one, and waits until no
/// frame is being looked at. Process context.
pub(crate) fn detach<H: RxHandler>(device: &NetDevice, _: &Rtnl) {
    let Some(handler) = handler_of::<H>(device) else {
        return;
    };
    // SAFETY: The device is valid, has a handler, and the RTNL is held.
    unsafe { bindings::netdev_rx_handler_unregister(device.as_raw()) };
    // SAFETY: Made by `into_raw` in `attach`; after the grace period of the line
    // above nobody uses it.
    drop(unsafe { Arc::from_raw(handler.as_ptr()) });
}

/// Whether the device has a handler of any kind.
pub(crate) fn is_busy(device: &NetDevice, _: &Rtnl) -> bool {
    // SAFETY: The device is valid, and the RTNL is held.
    unsafe { bindings::netdev_is_rx_handler_busy(device.as_raw()) }
}

/// A count of the handler of this kind, if the device has one.
pub(crate) fn shared<H: RxHandler>(device: &NetDevice, _: &Rtnl) -> Option<Arc<H>> {
    let handler = handler_of::<H>(device)?;
    // SAFETY: Made by `into_raw` in `attach`, and not given up while the RTNL is
    // held. The count that `from_raw` takes over is the device's and stays there.
    let held = ManuallyDrop::new(unsafe { Arc::from_raw(handler.as_ptr()) });
    Some(Arc::clone(&held))
}

/// The handler of this kind that is attached to a device, if there is one.
///
/// Any context, as long as the RCU read lock is held.
pub(crate) fn attached<'a, H: RxHandler>(device: &NetDevice, _: &'a rcu::Guard) -> Option<&'a H> {
    // SAFETY: It is given up only after a grace period, and the caller is in a
    // read-side critical section for `'a`.
    handler_of(device).map(|handler| unsafe { handler.as_ref() })
}

/// The data of the device's handler, if the handler is `H`'s.
fn handler_of<H: RxHandler>(device: &NetDevice) -> Option<NonNull<H>> {
    // SAFETY: The device is valid. The core sets the data before the handler and
    // clears it after it, with a grace period in between.
    let (handler, data) = unsafe {
        let handler = core::ptr::read_volatile(&raw const (*device.as_raw()).rx_handler);
        let data = core::ptr::read_volatile(&raw const (*device.as_raw()).rx_handler_data);
        (handler?, data)
    };
    let ours: unsafe extern "C" fn(*mut *mut kernel::bindings::sk_buff) -> _ = trampoline::<H>;
    core::ptr::fn_addr_eq(handler, ours).then_some(())?;
    NonNull::new(data.cast())
}

/// Hands a frame to the handler.
///
/// # Safety
///
/// The core calls it under RCU with a valid packet of a device to which an `H`
/// is attached.
unsafe extern "C" fn trampoline<H: RxHandler>(
    place: *mut *mut kernel::bindings::sk_buff,
) -> bindings::rx_handler_result_t {
    // SAFETY: The core's argument is valid.
    let Some(skb) = NonNull::new(unsafe { *place }) else {
        return bindings::rx_handler_result_RX_HANDLER_CONSUMED;
    };
    // INVARIANT: Nobody changes the packet while the handler looks at it.
    let frame = Frame {
        skb,
        lifetime: PhantomData,
    };
    if frame.is_loopback() || frame.is_of_other_vlan() {
        return bindings::rx_handler_result_RX_HANDLER_PASS;
    }
    // SAFETY: The packet's device is the one it was received on, and its
    // handler's data is an `H`, valid for this read-side critical section.
    let handler = unsafe {
        let device = bindings::skb_device(frame.raw());
        let data = core::ptr::read_volatile(&raw const (*device).rx_handler_data);
        &*data.cast::<H>()
    };
    let verdict = handler.receive(&frame);
    let skb = skb.as_ptr();
    match verdict {
        Verdict::Pass => bindings::rx_handler_result_RX_HANDLER_PASS,
        Verdict::Accept => {
            // SAFETY: A valid packet; the core lets a handler replace one that
            // others share by a copy.
            let own = unsafe { bindings::skb_share_check(skb) };
            if own.is_null() {
                return bindings::rx_handler_result_RX_HANDLER_CONSUMED;
            }
            // SAFETY: The packet is ours alone now, and the core's argument is
            // valid.
            unsafe {
                bindings::skb_set_pkt_type(own, bindings::PACKET_HOST as u8);
                *place = own;
            }
            bindings::rx_handler_result_RX_HANDLER_PASS
        }
        Verdict::Consume => {
            // SAFETY: Ours with the verdict "consumed".
            unsafe { bindings::consume_skb(skb) };
            bindings::rx_handler_result_RX_HANDLER_CONSUMED
        }
        Verdict::Discard => {
            let reason = kernel::bindings::skb_drop_reason_SKB_DROP_REASON_NOT_SPECIFIED;
            // SAFETY: As above.
            unsafe { kernel::bindings::sk_skb_reason_drop(core::ptr::null(), skb, reason) };
            bindings::rx_handler_result_RX_HANDLER_CONSUMED
        }
    }
}
