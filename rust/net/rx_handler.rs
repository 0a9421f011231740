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
    local_route::LocalRoute,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use core::{
    any::TypeId,
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull,
    sync::atomic::{
        fence,
        Ordering, //
    }, //
};
use kernel::{
    error::to_result,
    ffi::c_void,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Atomic, //
        },
        rcu,
        Arc,
        ArcBorrow, //
    }, //
};

/// What becomes of a frame.
///
/// A packet that others share is copied before anything of it is changed, and
/// lost if there is no memory.
pub(crate) enum Verdict<'a> {
    /// It goes on its way.
    Pass,
    /// It goes on its way as sent to this host, whatever its Ethernet address.
    Accept,
    /// It goes on its way to this host's own protocols, whatever its addresses and
    /// the routes say, and as sent to this host.
    Deliver(&'a LocalRoute),
    /// It goes on its way to this host's own protocols, as sent to whom it was.
    Hear(&'a LocalRoute),
    /// It goes on its way as received by another device, and sent to this host.
    Redirect(ARef<NetDevice>),
    /// It was taken care of and ends here.
    Consume,
    /// It is not wanted and ends here.
    Discard,
}

/// What is seen of a frame at a glance.
pub(crate) enum Glance {
    /// As [`Verdict::Pass`].
    Pass,
    /// As [`Verdict::Accept`]; to be said only of frames to one Ethernet address.
    Accept,
    /// [`RxHandler::receive`] has to look at it.
    Closer,
}

/// Who looks at the frames of a device. Softirq context, under RCU.
pub(crate) trait RxHandler: Send + Sync + Sized + 'static {
    /// Looks at a frame, at every frame: decided in a few instructions, or left to
    /// [`Self::receive`]. It may be one that the device looped back, or of a VLAN for
    /// which there is no device, and which the core drops whatever is said here.
    fn glance(&self, frame: &Frame<'_>) -> Glance;

    /// Looks at a frame for which a glance is not enough.
    fn receive(&self, frame: &Frame<'_>) -> Verdict<'_>;
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

// Every frame of the device comes by here: what is asked of most of them is read in
// place.
impl Frame<'_> {
    #[inline(always)]
    fn raw(&self) -> *mut kernel::bindings::sk_buff {
        self.skb.as_ptr()
    }

    /// Whether the device itself looped it back, or it is of a VLAN that this host
    /// has no device for, which the core shows to handlers before it drops it.
    #[inline(always)]
    fn is_no_business(&self) -> bool {
        const VLAN_ID: u16 = bindings::VLAN_VID_MASK as u16;
        // SAFETY: Valid by the type invariants; all of the union is plain data.
        unsafe {
            let headers = (*self.raw()).__bindgen_anon_4.headers.as_ref();
            let vlan = headers.__bindgen_anon_2.__bindgen_anon_1.vlan_tci;
            vlan & VLAN_ID != 0 || headers.pkt_type() == bindings::PACKET_LOOPBACK as u8
        }
    }

    /// The Ethernet header of a frame from an Ethernet device, which is in linear
    /// memory, where the core has read it already. That of one which the device looped
    /// back is its IP header, and so no address that a device has.
    #[inline(always)]
    fn ethernet(&self) -> *const [u8; 14] {
        // SAFETY: Valid by the type invariants; the offset is inside the packet.
        unsafe {
            let headers = (*self.raw()).__bindgen_anon_4.headers.as_ref();
            (*self.raw())
                .head
                .add(usize::from(headers.mac_header))
                .cast()
        }
    }

    /// The Ethernet address that it was sent to.
    #[inline(always)]
    pub(crate) fn destination(&self) -> &[u8; 6] {
        // SAFETY: The header is longer than that, and nobody changes it meanwhile.
        unsafe { &*self.ethernet().cast() }
    }

    /// The same as a number: its bytes from the most significant one on.
    #[inline(always)]
    pub(crate) fn destination_number(&self) -> u64 {
        // SAFETY: The header is longer than that.
        let start = unsafe { self.ethernet().cast::<u64>().read_unaligned() };
        u64::from_be(start) >> u16::BITS
    }

    /// The first two octets of the Ethernet address that it was sent to, as they were sent. Read
    /// anew each time, so that they are compared where that is written.
    #[inline(always)]
    pub(crate) fn destination_begins(&self) -> u16 {
        let place = self.ethernet().cast::<[u8; 2]>();
        // SAFETY: The header is longer than that, and bytes have no alignment.
        u16::from_ne_bytes(unsafe { place.read_volatile() })
    }

    /// The Ethernet address that it was sent from.
    pub(crate) fn source(&self) -> [u8; 6] {
        // SAFETY: The header is as long as that.
        let [_, _, _, _, _, _, s0, s1, s2, s3, s4, s5, ..] = unsafe { *self.ethernet() };
        [s0, s1, s2, s3, s4, s5]
    }

    /// What it carries, an `ETH_P_*` in host order.
    #[inline(always)]
    pub(crate) fn protocol(&self) -> u16 {
        u16::from_be(self.protocol_as_sent())
    }

    /// The same in the order of the network, for who has no instruction to spare. Read
    /// anew each time, so that comparisons are made in the order in which they are written.
    #[inline(always)]
    pub(crate) fn protocol_as_sent(&self) -> u16 {
        // SAFETY: Valid by the type invariants; all of the union is plain data.
        unsafe {
            let headers = (*self.raw()).__bindgen_anon_4.headers.as_ref();
            (&raw const headers.protocol).read_volatile()
        }
    }

    /// The same, where it is read only once: the compiler may compare it in memory.
    #[inline(always)]
    pub(crate) fn protocol_once(&self) -> u16 {
        // SAFETY: Valid by the type invariants; all of the union is plain data.
        unsafe { (*self.raw()).__bindgen_anon_4.headers.as_ref() }.protocol
    }

    /// Whether it was sent to the device's own address, and to no other or to many.
    pub(crate) fn is_for_device(&self) -> bool {
        // SAFETY: Valid by the type invariants; all of the union is plain data.
        let headers = unsafe { (*self.raw()).__bindgen_anon_4.headers.as_ref() };
        headers.pkt_type() == bindings::PACKET_HOST as u8
    }

    /// Its bytes behind the Ethernet header.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        // SAFETY: Valid by the type invariants.
        unsafe { (*self.raw()).len as usize }
    }

    /// Some bytes behind the Ethernet header, from an offset on; `None` if they are not
    /// there, or not where they can be read at once.
    #[inline(always)]
    pub(crate) fn peek<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        // SAFETY: Valid by the type invariants: so many bytes are in linear memory.
        unsafe {
            let linear = (*self.raw()).len.wrapping_sub((*self.raw()).data_len);
            (linear as usize >= offset + N).then(|| {
                let place = (*self.raw()).data.add(offset);
                place.cast::<[u8; N]>().read_unaligned()
            })
        }
    }

    /// The first bytes behind the Ethernet header; `None` if it is shorter.
    #[inline(always)]
    pub(crate) fn head<const N: usize>(&self) -> Option<[u8; N]> {
        if let Some(bytes) = self.peek(0) {
            return Some(bytes);
        }
        let mut bytes = [0; N];
        self.copy_from(0, &mut bytes).then_some(bytes)
    }

    /// Copies what is from a place behind the Ethernet header on, if there are so
    /// many bytes, and says whether.
    pub(crate) fn copy_from(&self, place: usize, bytes: &mut [u8]) -> bool {
        if place.saturating_add(bytes.len()) > self.len() {
            return false;
        }
        // SAFETY: Valid by the type invariants; so many bytes may be written. A packet's
        // length is no larger than an `int`.
        let status = unsafe {
            kernel::bindings::skb_copy_bits(
                self.raw(),
                place as c_int,
                bytes.as_mut_ptr().cast(),
                bytes.len() as c_int,
            )
        };
        status == 0
    }

    /// The first bytes behind the Ethernet header, as many as there are and fit.
    pub(crate) fn beginning<'b>(&self, bytes: &'b mut [u8]) -> &'b [u8] {
        let length = bytes.len().min(self.len());
        let bytes = bytes.get_mut(..length).unwrap_or_default();
        if self.copy_from(0, bytes) {
            bytes
        } else {
            &[]
        }
    }

    /// Shows a copy of the frame to another device, as if that had received it.
    /// Without memory, it does not see it.
    pub(crate) fn show_to(&self, device: &NetDevice) {
        // SAFETY: Valid by the type invariants. The copy is ours, shares the data,
        // which receivers do not change, and is given away; the core keeps a
        // device while packets of it wait.
        unsafe {
            let copy = kernel::bindings::skb_clone(self.raw(), bindings::GFP_ATOMIC);
            if !copy.is_null() {
                bindings::skb_set_device(copy, device.as_raw());
                bindings::netif_rx(copy);
            }
        }
    }
}

/// What is in front of what the data of a device's handler points to, if it is ours.
#[repr(C, align(64))]
struct Header {
    /// Which type of handler it is.
    id: TypeId,
}

/// A handler, in the way in which a device has it.
#[pin_data]
#[repr(C)]
struct Attachment<H: RxHandler> {
    header: Header,
    // In place, and what the device points to: for every frame, a pointer less is followed.
    #[pin]
    handler: H,
}

impl<H: RxHandler> Attachment<H> {
    /// Where the handler is, whatever it is.
    const HANDLER: usize = size_of::<Header>();
    const LAYOUT: () = assert!(core::mem::offset_of!(Self, handler) == Self::HANDLER);
}

/// A count of a handler that can be attached to a device.
pub(crate) struct Shared<H: RxHandler>(Arc<Attachment<H>>);

impl<H: RxHandler> Shared<H> {
    /// Makes a handler. Process context.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(handler: impl PinInit<H>) -> Result<Self> {
        let attachment = pin_init!(Attachment {
            header: Header {
                id: TypeId::of::<H>(),
            },
            handler <- handler,
        });
        Ok(Self(Arc::pin_init(attachment, GFP_KERNEL)?))
    }
}

impl<H: RxHandler> Deref for Shared<H> {
    type Target = H;

    fn deref(&self) -> &H {
        &self.0.handler
    }
}

impl<H: RxHandler> Clone for Shared<H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Attaches a handler, of which the device keeps a count until [`detach`].
///
/// The handler is code of this module: detach it before the module goes.
///
/// # Errors
///
/// `EBUSY` if the device has a handler already, `EINVAL` if it can have none,
/// `ENOMEM`.
pub(crate) fn attach<H: RxHandler>(device: &NetDevice, handler: &Shared<H>, _: &Rtnl) -> Result {
    const { Attachment::<H>::LAYOUT };
    let attachment = Arc::into_raw(handler.0.clone());
    // SAFETY: The device is valid, the RTNL is held, and the data, which is in the attachment,
    // stays valid until the handler is detached.
    let status = to_result(unsafe {
        bindings::netdev_rx_handler_register(
            device.as_raw(),
            Some(trampoline::<H>),
            attachment
                .cast_mut()
                .byte_add(Attachment::<H>::HANDLER)
                .cast(),
        )
    });
    if status.is_err() {
        // SAFETY: Made by `into_raw` above and known to nobody.
        drop(unsafe { Arc::from_raw(attachment) });
    }
    status
}

/// Detaches the handler of this kind, if the device has one, and waits until no
/// frame is being looked at. Process context.
pub(crate) fn detach<H: RxHandler>(device: &NetDevice, _: &Rtnl) {
    let Some(attachment) = attachment_of::<H>(device) else {
        return;
    };
    // SAFETY: The device is valid, has a handler, and the RTNL is held.
    unsafe { bindings::netdev_rx_handler_unregister(device.as_raw()) };
    // SAFETY: Made by `into_raw` in `attach`; after the grace period of the line
    // above nobody finds it there any more.
    drop(unsafe { Arc::from_raw(attachment.as_ptr()) });
}

/// Whether the device has a handler of any kind.
pub(crate) fn is_busy(device: &NetDevice, _: &Rtnl) -> bool {
    // SAFETY: The device is valid, and the RTNL is held.
    unsafe { bindings::netdev_is_rx_handler_busy(device.as_raw()) }
}

/// A count of the handler of this kind, if the device has one.
pub(crate) fn shared<H: RxHandler>(device: &NetDevice, _: &Rtnl) -> Option<Shared<H>> {
    let attachment = attachment_of::<H>(device)?;
    // SAFETY: Made by `into_raw` in `attach`; the device does not give its count up while
    // the RTNL is held.
    let borrowed = unsafe { ArcBorrow::from_raw(attachment.as_ptr()) };
    Some(Shared(borrowed.into()))
}

/// The handler of this kind that is attached to a device, if there is one.
///
/// Any context, as long as the RCU read lock is held.
pub(crate) fn attached<'a, H: RxHandler>(device: &NetDevice, _: &'a rcu::Guard) -> Option<&'a H> {
    let attachment = attachment_of::<H>(device)?;
    // SAFETY: It is given up only after a grace period, and the caller is in a
    // read-side critical section for `'a`.
    Some(&unsafe { &*attachment.as_ptr() }.handler)
}

/// The data of the device's handler, if the handler is an `H`.
///
/// To be used under the RTNL or RCU only.
fn attachment_of<H: RxHandler>(device: &NetDevice) -> Option<NonNull<Attachment<H>>> {
    // The kernel compiles a crate as one unit, in which a function has one address.
    // (Two of them may have the same one, if they do the same.)
    let ours: unsafe extern "C" fn(*mut *mut kernel::bindings::sk_buff) -> _ = trampoline::<H>;
    // SAFETY: The device is valid, and the core writes the pointer as a whole. It sets
    // the data before the handler, with release, and clears it after it, with a grace
    // period in between.
    let data = unsafe {
        let place = (&raw mut (*device.as_raw()).rx_handler).cast::<*mut c_void>();
        let handler = Atomic::from_ptr(place).load(Acquire);
        (handler == ours as *mut c_void).then_some(())?;
        core::ptr::read_volatile(&raw const (*device.as_raw()).rx_handler_data)
    };
    let handler = NonNull::new(data)?;
    // SAFETY: The data of our handler is in an attachment, which begins with a header, and
    // is valid for the caller's lock or read-side critical section.
    let header = unsafe { handler.byte_sub(Attachment::<H>::HANDLER) }.cast::<Header>();
    // SAFETY: As above.
    let id = unsafe { header.as_ref() }.id;
    (id == TypeId::of::<H>()).then_some(header.cast())
}

/// Hands a frame to the handler.
///
/// # Safety
///
/// The core calls it under RCU with a valid packet of a device to which an
/// `Attachment<H>` is attached.
unsafe extern "C" fn trampoline<H: RxHandler>(
    place: *mut *mut kernel::bindings::sk_buff,
) -> bindings::rx_handler_result_t {
    // SAFETY: The core's argument is valid, and so is the packet in it.
    let skb = unsafe { NonNull::new_unchecked(*place) };
    // INVARIANT: Nobody changes the packet while the handler looks at it.
    let frame = Frame {
        skb,
        lifetime: PhantomData,
    };
    // SAFETY: The core calls with a packet of a device that has an attachment.
    let handler = unsafe { handler_of::<H>(&frame) };
    match handler.glance(&frame) {
        Glance::Pass => bindings::rx_handler_result_RX_HANDLER_PASS,
        // SAFETY: The core's argument is valid, and the packet in it.
        Glance::Accept if unsafe { is_ours_alone(skb) } => {
            // SAFETY: As above.
            unsafe { set_for_host(skb) };
            bindings::rx_handler_result_RX_HANDLER_PASS
        }
        // SAFETY: The core's argument, and the verdict that was meant.
        Glance::Accept => unsafe { carry_out(place, Verdict::Accept) },
        // SAFETY: The core's argument.
        Glance::Closer => unsafe { look_closer::<H>(place) },
    }
}

/// The handler of the device that a frame was received on.
///
/// # Safety
///
/// An `Attachment<H>` must be attached to the device, and RCU held for `'a`.
#[inline(always)]
unsafe fn handler_of<'a, H: RxHandler>(frame: &Frame<'_>) -> &'a H {
    // SAFETY: The packet's device is the one it was received on, by the caller's
    // promise with an attachment, which is valid for this read-side section.
    unsafe {
        let links = &(*frame.raw()).__bindgen_anon_1.__bindgen_anon_1;
        let device: *mut bindings::net_device = links.__bindgen_anon_1.dev.cast();
        // The core has just read that we are the handler, and set the data before that.
        // (`smp_rmb()`, which is a call from here also where it is no instruction.)
        fence(Ordering::Acquire);
        let data = core::ptr::read_volatile(&raw const (*device).rx_handler_data);
        &*data.cast::<H>()
    }
}

/// As [`trampoline`], for frames for which a glance is not enough. The other ones do
/// not pay for what it needs.
///
/// # Safety
///
/// As for [`trampoline`].
#[inline(never)]
unsafe fn look_closer<H: RxHandler>(
    place: *mut *mut kernel::bindings::sk_buff,
) -> bindings::rx_handler_result_t {
    // SAFETY: The core's argument is valid, and so is the packet in it.
    let skb = unsafe { NonNull::new_unchecked(*place) };
    // INVARIANT: Nobody changes the packet while the handler looks at it.
    let frame = Frame {
        skb,
        lifetime: PhantomData,
    };
    if frame.is_no_business() {
        return bindings::rx_handler_result_RX_HANDLER_PASS;
    }
    // SAFETY: As the caller promises.
    let handler = unsafe { handler_of::<H>(&frame) };
    match handler.receive(&frame) {
        Verdict::Pass => bindings::rx_handler_result_RX_HANDLER_PASS,
        // SAFETY: The core's argument.
        verdict => unsafe { carry_out(place, verdict) },
    }
}

/// Whether nobody else has the packet.
///
/// # Safety
///
/// `skb` must be valid.
#[inline(always)]
unsafe fn is_ours_alone(skb: NonNull<kernel::bindings::sk_buff>) -> bool {
    // SAFETY: The caller's promise.
    // It may be given up by others at this moment, but not be shared anew: who would
    // do that has it.
    let users = unsafe { (&raw const (*skb.as_ptr()).users.refs.counter).read_volatile() };
    users == 1
}

/// Makes a packet one for this host.
///
/// # Safety
///
/// `skb` must be valid, and nobody else may have it.
#[inline(always)]
unsafe fn set_for_host(skb: NonNull<kernel::bindings::sk_buff>) {
    // SAFETY: The caller's promise; all of the union is plain data.
    unsafe {
        let headers = (*skb.as_ptr()).__bindgen_anon_4.headers.as_mut();
        headers.set_pkt_type(bindings::PACKET_HOST as u8);
    }
}

/// Does with a frame what the handler said.
///
/// # Safety
///
/// `place` must be the core's argument to a handler, with a valid packet.
#[inline(never)]
unsafe fn carry_out(
    place: *mut *mut kernel::bindings::sk_buff,
    verdict: Verdict<'_>,
) -> bindings::rx_handler_result_t {
    // SAFETY: Valid by the promise of the caller.
    let skb = unsafe { *place };
    match verdict {
        Verdict::Pass => return bindings::rx_handler_result_RX_HANDLER_PASS,
        Verdict::Consume => {
            // SAFETY: Ours with the verdict "consumed".
            unsafe { bindings::consume_skb(skb) };
            return bindings::rx_handler_result_RX_HANDLER_CONSUMED;
        }
        Verdict::Discard => {
            let reason = kernel::bindings::skb_drop_reason_SKB_DROP_REASON_OTHERHOST;
            // SAFETY: As above.
            unsafe { kernel::bindings::sk_skb_reason_drop(core::ptr::null(), skb, reason) };
            return bindings::rx_handler_result_RX_HANDLER_CONSUMED;
        }
        Verdict::Accept | Verdict::Deliver(_) | Verdict::Hear(_) | Verdict::Redirect(_) => {}
    }
    // SAFETY: A valid packet; the core lets a handler replace one that others
    // share by a copy. If there is no memory for it, the packet is gone.
    let own = unsafe { bindings::skb_share_check(skb) };
    let Some(alone) = NonNull::new(own) else {
        return bindings::rx_handler_result_RX_HANDLER_CONSUMED;
    };
    // SAFETY: The core's argument is valid, and the packet ours alone now.
    unsafe {
        *place = own;
        if !matches!(verdict, Verdict::Hear(_)) {
            set_for_host(alone);
        }
    }
    match verdict {
        Verdict::Deliver(route) | Verdict::Hear(route) => {
            // SAFETY: As above.
            unsafe { route.give(own) };
            bindings::rx_handler_result_RX_HANDLER_PASS
        }
        Verdict::Redirect(device) => {
            // SAFETY: As above. The device stays for the read-side critical section
            // in which the core goes on with the packet.
            unsafe { bindings::skb_set_device(own, device.as_raw()) };
            bindings::rx_handler_result_RX_HANDLER_ANOTHER
        }
        _ => bindings::rx_handler_result_RX_HANDLER_PASS,
    }
}
