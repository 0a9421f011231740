// SPDX-License-Identifier: GPL-2.0

//! Handlers for the protocols above IP.
//!
//! C header: [`include/net/protocol.h`](srctree/include/net/protocol.h)
//!
//! Handlers run in softirq context, in an RCU read-side section. They are
//! registered and unregistered in process context; unregistering waits for those
//! that are running.
//!
//! IPv6 that is disabled at boot (`ipv6.disable=1`) is no hindrance: the handler
//! is registered, and nothing comes.

use super::{
    bindings,
    namespace::Namespace,
    netdevice::NetDevice, //
};
use core::marker::{
    PhantomData,
    PhantomPinned, //
};
use kernel::{
    prelude::*,
    types::Opaque, //
};

/// Receives the packets of one protocol above IP.
///
/// The packets are those for this host: whole ones, if they came in fragments,
/// and for IPv6 without extension headers. IPsec policies are not asked.
/// The packet is freed after the call.
pub(crate) trait Handler: 'static {
    /// The number of the protocol.
    const PROTOCOL: u8;

    /// Receives a packet over IPv4.
    fn receive_v4(packet: &Received<'_, AddressV4>);

    /// Receives a packet over IPv6.
    fn receive_v6(packet: &Received<'_, AddressV6>);
}

/// The bytes of an IPv4 address.
pub(crate) type AddressV4 = [u8; 4];

/// The bytes of an IPv6 address.
pub(crate) type AddressV6 = [u8; 16];

/// A packet that was received.
///
/// # Invariants
///
/// `skb` is valid and not shared, and its data begins after the IP header.
pub(crate) struct Received<'a, Address> {
    skb: *mut bindings::sk_buff,
    device: &'a NetDevice,
    hop_limit: u8,
    source: Address,
    destination: Address,
}

impl<'a, Address: Copy> Received<'a, Address> {
    /// The device that the packet came in by; for a VRF, the one enslaved to it.
    pub(crate) fn device(&self) -> &'a NetDevice {
        self.device
    }

    /// The namespace of the device.
    pub(crate) fn namespace(&self) -> &'a Namespace {
        self.device.namespace()
    }

    /// The time to live, or hop limit.
    pub(crate) fn hop_limit(&self) -> u8 {
        self.hop_limit
    }

    /// The source address.
    pub(crate) fn source(&self) -> Address {
        self.source
    }

    /// The destination address.
    pub(crate) fn destination(&self) -> Address {
        self.destination
    }

    /// The length of the payload by the IP header.
    pub(crate) fn payload_len(&self) -> usize {
        // SAFETY: By the type invariants, the buffer is valid. What the link
        // layer padded was cut off when the IP header was checked.
        unsafe { (*self.skb).len as usize }
    }

    /// Copies the beginning of the payload, and says how much.
    ///
    /// This is the whole if `buffer` is not shorter than [`Self::payload_len`].
    pub(crate) fn payload(&self, buffer: &mut [u8]) -> usize {
        let length = self.payload_len().min(buffer.len());
        // SAFETY: The buffer is valid, has that many bytes, be they linear or in
        // fragments, and so has the place where they go.
        let result = unsafe {
            bindings::skb_copy_bits(
                self.skb,
                0,
                buffer.as_mut_ptr().cast(),
                length as kernel::ffi::c_int,
            )
        };
        if result == 0 {
            length
        } else {
            0
        }
    }
}

/// Finds the device that a packet came in by.
///
/// # Safety
///
/// `skb` must be valid and have a device, and `slave` be the index of the device
/// that is enslaved to it, or 0. In an RCU read-side section, of length `'a`.
unsafe fn device_of<'a>(
    skb: *mut bindings::sk_buff,
    slave: kernel::ffi::c_int,
) -> Option<&'a NetDevice> {
    // SAFETY: The caller promises that the buffer has a device, which is not
    // freed in the read-side section.
    let device = unsafe { NetDevice::from_raw(bindings::skb_device(skb)) };
    if slave == 0 {
        return Some(device);
    }
    // SAFETY: The namespace is valid, and this is in a read-side section.
    let slave = unsafe { bindings::dev_get_by_index_rcu(device.namespace().as_raw(), slave) };
    if slave.is_null() {
        return None;
    }
    // SAFETY: Just found, and not freed in the read-side section.
    Some(unsafe { NetDevice::from_raw(slave) })
}

/// Copies a part of a header.
fn part<const N: usize>(header: &[u8], offset: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&header[offset..offset + N]);
    part
}

/// The callbacks of `struct net_protocol` and `struct inet6_protocol`.
struct Adapter<H>(PhantomData<H>);

impl<H: Handler> Adapter<H> {
    /// # Safety
    ///
    /// Only to be called by the C side, as `handler` of a `struct net_protocol`,
    /// which gives up the buffer.
    unsafe extern "C" fn receive_v4(skb: *mut bindings::sk_buff) -> kernel::ffi::c_int {
        // SAFETY: The buffer is valid, and came through IPv4's input.
        let device = unsafe { device_of(skb, bindings::inet_sdif(skb)) };
        if let Some(device) = device {
            // SAFETY: An IPv4 header, of at least that size, was checked, and
            // lies before the data in the linear part.
            let header = unsafe { *bindings::skb_network_header(skb).cast::<[u8; 20]>() };
            // INVARIANT: The C side gives the buffer to this function, which
            // frees it when the value is gone.
            H::receive_v4(&Received {
                skb,
                device,
                hop_limit: header[8],
                source: part(&header, 12),
                destination: part(&header, 16),
            });
        }
        // SAFETY: The buffer is valid and ours, and nobody uses it any more.
        unsafe { bindings::consume_skb(skb) };
        // Not negative: that would ask to go on with another protocol.
        0
    }

    /// # Safety
    ///
    /// Only to be called by the C side, as `handler` of a
    /// `struct inet6_protocol`, which gives up the buffer.
    unsafe extern "C" fn receive_v6(skb: *mut bindings::sk_buff) -> kernel::ffi::c_int {
        // SAFETY: The buffer is valid, and came through IPv6's input.
        let device = unsafe { device_of(skb, bindings::inet6_sdif(skb)) };
        if let Some(device) = device {
            // SAFETY: An IPv6 header was checked, and lies before the data in
            // the linear part.
            let header = unsafe { *bindings::skb_network_header(skb).cast::<[u8; 40]>() };
            // INVARIANT: The C side gives the buffer to this function, which
            // frees it when the value is gone.
            H::receive_v6(&Received {
                skb,
                device,
                hop_limit: header[7],
                source: part(&header, 8),
                destination: part(&header, 24),
            });
        }
        // SAFETY: The buffer is valid and ours, and nobody uses it any more.
        unsafe { bindings::consume_skb(skb) };
        // Not positive: that would ask to go on with another protocol.
        0
    }
}

/// The registration of a handler with IPv4.
///
/// # Invariants
///
/// `protocol` is registered for `H::PROTOCOL`.
#[pin_data(PinnedDrop)]
pub(crate) struct RegistrationV4<H: Handler> {
    #[pin]
    protocol: Opaque<bindings::net_protocol>,
    #[pin]
    _pin: PhantomPinned,
    _handler: PhantomData<H>,
}

// SAFETY: All that can be done with it is to drop it, in any thread.
unsafe impl<H: Handler> Send for RegistrationV4<H> {}

// SAFETY: It has no methods.
unsafe impl<H: Handler> Sync for RegistrationV4<H> {}

impl<H: Handler> RegistrationV4<H> {
    /// Registers the handler; `EEXIST` if the protocol has one.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            protocol <- Opaque::try_ffi_init(|place: *mut bindings::net_protocol| {
                let mut protocol = bindings::net_protocol {
                    handler: Some(Adapter::<H>::receive_v4),
                    ..pin_init::zeroed()
                };
                protocol.set_no_policy(1);
                // SAFETY: `place` is valid for writes, and pinned until the drop
                // of `Self` unregisters it.
                let result = unsafe {
                    place.write(protocol);
                    bindings::inet_add_protocol(place, H::PROTOCOL)
                };
                // INVARIANT: Registered.
                if result == 0 { Ok(()) } else { Err(EEXIST) }
            }),
            _pin: PhantomPinned,
            _handler: PhantomData,
        })
    }
}

#[pinned_drop]
impl<H: Handler> PinnedDrop for RegistrationV4<H> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants, the protocol is registered. This waits
        // for the read-side sections of the handlers that are running.
        unsafe { bindings::inet_del_protocol(self.protocol.get(), H::PROTOCOL) };
    }
}

/// The registration of a handler with IPv6.
///
/// # Invariants
///
/// `protocol` is registered for `H::PROTOCOL`.
#[pin_data(PinnedDrop)]
pub(crate) struct RegistrationV6<H: Handler> {
    #[pin]
    protocol: Opaque<bindings::inet6_protocol>,
    #[pin]
    _pin: PhantomPinned,
    _handler: PhantomData<H>,
}

// SAFETY: All that can be done with it is to drop it, in any thread.
unsafe impl<H: Handler> Send for RegistrationV6<H> {}

// SAFETY: It has no methods.
unsafe impl<H: Handler> Sync for RegistrationV6<H> {}

impl<H: Handler> RegistrationV6<H> {
    /// Registers the handler; `EEXIST` if the protocol has one.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            protocol <- Opaque::try_ffi_init(|place: *mut bindings::inet6_protocol| {
                // SAFETY: `place` is valid for writes, and pinned until the drop
                // of `Self` unregisters it.
                let result = unsafe {
                    place.write(bindings::inet6_protocol {
                        handler: Some(Adapter::<H>::receive_v6),
                        // Final: no extension header, so that groups that the
                        // device has not joined are filtered out.
                        flags: bindings::INET6_PROTO_NOPOLICY | bindings::INET6_PROTO_FINAL,
                        ..pin_init::zeroed()
                    });
                    bindings::inet6_add_protocol(place, H::PROTOCOL)
                };
                // INVARIANT: Registered.
                if result == 0 { Ok(()) } else { Err(EEXIST) }
            }),
            _pin: PhantomPinned,
            _handler: PhantomData,
        })
    }
}

#[pinned_drop]
impl<H: Handler> PinnedDrop for RegistrationV6<H> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants, the protocol is registered. This waits
        // for the read-side sections of the handlers that are running.
        unsafe { bindings::inet6_del_protocol(self.protocol.get(), H::PROTOCOL) };
    }
}
