// SPDX-License-Identifier: GPL-2.0

//! Packets that are ours to send or to drop.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)
//!
//! Any context but hard interrupts.

use super::{
    bindings,
    errno,
    netdevice::NetDevice, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    alloc::AllocError,
    error::to_result,
    prelude::*, //
};

/// A packet of which this is an owner; dropping it gives it up as consumed.
///
/// Wraps the kernel's [`struct sk_buff`](srctree/include/linux/skbuff.h).
///
/// # Invariants
///
/// The pointer is to an `sk_buff` of which this value has a count.
pub(crate) struct Packet(NonNull<kernel::bindings::sk_buff>);

// SAFETY: A packet belongs to no task or processor.
unsafe impl Send for Packet {}

impl Packet {
    /// Takes a packet over.
    ///
    /// # Safety
    ///
    /// `raw` must be a valid packet, and the caller gives away its count of it.
    pub(super) unsafe fn from_raw(raw: NonNull<kernel::bindings::sk_buff>) -> Self {
        // INVARIANT: The caller gives its count away.
        Self(raw)
    }

    /// Gives the packet away.
    fn into_raw(self) -> *mut kernel::bindings::sk_buff {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// Makes a complete Ethernet frame to leave through `device`.
    ///
    /// `header` is the Ethernet header, `pieces` is what follows it, first of all
    /// the network header. Allocates without sleeping.
    ///
    /// # Errors
    ///
    /// Out of memory.
    pub(crate) fn frame(
        device: &NetDevice,
        header: &EthernetHeader,
        pieces: &[&[u8]],
    ) -> Result<Self, AllocError> {
        let payload: usize = pieces.iter().map(|piece| piece.len()).sum();
        // SAFETY: The device is valid; the room before the data is what it asks
        // for.
        let (headroom, tailroom) = unsafe {
            (
                bindings::ll_reserved_space(device.as_raw()) as usize,
                usize::from((*device.as_raw()).needed_tailroom),
            )
        };
        let size = headroom + EthernetHeader::LEN + payload + tailroom;
        // SAFETY: An allocation; a size that is too large fails.
        let raw = unsafe { bindings::alloc_skb(size as u32, bindings::GFP_ATOMIC) };
        let packet = Self(NonNull::new(raw).ok_or(AllocError)?);
        // SAFETY: The packet is new, ours alone, and has room for `size` bytes.
        unsafe {
            bindings::skb_reserve(raw, headroom as c_int);
            bindings::skb_reset_mac_header(raw);
        }
        packet.put(&header.bytes());
        // SAFETY: As above; the network header begins where the data ends now.
        unsafe { bindings::skb_set_network_header(raw, EthernetHeader::LEN as c_int) };
        for piece in pieces {
            packet.put(piece);
        }
        if let Some(first) = pieces.first() {
            let transport = EthernetHeader::LEN + first.len();
            // SAFETY: Inside the data that was just put.
            unsafe { bindings::skb_set_transport_header(raw, transport as c_int) };
        }
        // SAFETY: The packet is ours alone.
        unsafe {
            bindings::skb_set_protocol(raw, header.protocol.to_be());
            bindings::skb_set_device(raw, device.as_raw());
            // As routing daemons' packets: not behind bulk traffic in a queue.
            bindings::skb_set_priority(raw, bindings::TC_PRIO_CONTROL);
        }
        Ok(packet)
    }

    /// Appends bytes; the caller has made the packet large enough.
    fn put(&self, bytes: &[u8]) {
        // SAFETY: There is room, by `frame`, the only caller; `skb_put` returns
        // the place where this many bytes may be written.
        unsafe {
            let place = bindings::skb_put(self.0.as_ptr(), bytes.len() as u32);
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), place.cast(), bytes.len());
        }
    }

    /// The bytes of the packet.
    pub(crate) fn len(&self) -> usize {
        // SAFETY: Valid by the type invariants.
        (unsafe { self.0.as_ref() }).len as usize
    }

    /// Sends the packet through the device it was made for.
    ///
    /// # Errors
    ///
    /// What the queue of the device says: `ENOBUFS` when it is full, `ENETDOWN`
    /// when it is not up.
    pub(crate) fn transmit(self) -> Result {
        // SAFETY: A packet with a device, given away.
        match unsafe { bindings::dev_queue_xmit(self.into_raw()) } {
            code if code < 0 => Err(Error::from_errno(code)),
            code if code == bindings::NET_XMIT_DROP as c_int => Err(errno::no_buffers()),
            _ => Ok(()),
        }
    }

    /// Sends the packet through another device instead.
    ///
    /// # Errors
    ///
    /// As [`Packet::transmit`].
    pub(crate) fn transmit_through(self, device: &NetDevice) -> Result {
        // SAFETY: The packet is ours, and the caller keeps the device valid
        // until the core has taken its own count.
        unsafe { bindings::skb_set_device(self.0.as_ptr(), device.as_raw()) };
        self.transmit()
    }

    /// The same packet, with its Ethernet header in front, from another Ethernet address.
    ///
    /// # Errors
    ///
    /// Out of memory for a header of its own, or no header; the packet is lost.
    pub(crate) fn sent_from(self, address: [u8; 6]) -> Result<Self> {
        let raw = self.0.as_ptr();
        // SAFETY: The packet is ours. If this succeeds, so many bytes are there, in linear
        // memory, and may be written to.
        unsafe {
            to_result(kernel::bindings::skb_ensure_writable(
                raw,
                EthernetHeader::LEN as c_uint,
            ))?;
            let source = (*raw).data.add(address.len()).cast::<[u8; 6]>();
            source.write_unaligned(address);
        }
        Ok(self)
    }

    /// Drops the packet so that tracing shows it as lost, not as consumed.
    pub(crate) fn discard(self) {
        let reason = kernel::bindings::skb_drop_reason_SKB_DROP_REASON_DEV_READY;
        // SAFETY: A packet of no socket, given away.
        unsafe {
            kernel::bindings::sk_skb_reason_drop(core::ptr::null(), self.into_raw(), reason);
        }
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        // SAFETY: The value has a count, by the type invariants, and gives it up.
        unsafe { bindings::consume_skb(self.0.as_ptr()) };
    }
}

/// The header of an Ethernet frame.
pub(crate) struct EthernetHeader {
    /// To whom.
    pub(crate) destination: [u8; 6],
    /// From whom.
    pub(crate) source: [u8; 6],
    /// What follows, an `ETH_P_*` in host order.
    pub(crate) protocol: u16,
}

impl EthernetHeader {
    const LEN: usize = 14;

    fn bytes(&self) -> [u8; Self::LEN] {
        let [d0, d1, d2, d3, d4, d5] = self.destination;
        let [s0, s1, s2, s3, s4, s5] = self.source;
        let [p0, p1] = self.protocol.to_be_bytes();
        [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, p0, p1]
    }
}
