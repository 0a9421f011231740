// SPDX-License-Identifier: GPL-2.0

//! What a device that sends through another one has to know of it.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)
//!
//! Process context with the RTNL held. What is set here, the core reads without a
//! lock while packets are made.

use super::{
    bindings,
    link_device::{
        Device,
        Driver, //
    },
    netdevice::NetDevice,
    rtnl::Rtnl, //
};

/// How large the packets are that the stack leaves to a device to cut into pieces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentationLimits {
    /// Bytes of one of IPv6.
    pub(crate) bytes: u32,
    /// Bytes of one of IPv4.
    pub(crate) bytes_v4: u32,
    /// Pieces of one.
    pub(crate) pieces: u32,
}

impl SegmentationLimits {
    /// Those of a device.
    pub(crate) fn of(device: &NetDevice, _: &Rtnl) -> Self {
        let raw = device.as_raw();
        // SAFETY: Valid by the type invariants; the RTNL protects the fields.
        unsafe {
            Self {
                bytes: (*raw).gso_max_size,
                bytes_v4: (*raw).gso_ipv4_max_size,
                pieces: (*raw).gso_max_segs.into(),
            }
        }
    }
}

impl<T: Driver> Device<T> {
    /// Takes over from the device below what this one cannot have otherwise: the
    /// room for headers, and how much that one can be given at a time.
    pub(crate) fn inherit(&self, below: &NetDevice, _: &Rtnl) {
        let (raw, below) = (self.as_raw(), below.as_raw());
        // SAFETY: Both are valid, and the RTNL is held.
        unsafe {
            bindings::netif_inherit_tso_max(raw, below);
            // The header is Ethernet's here, and may be a longer one below.
            let longer = (*below)
                .hard_header_len
                .saturating_sub(bindings::ETH_HLEN as u16);
            let headroom = (*below).needed_headroom.saturating_add(longer);
            (&raw mut (*raw).needed_headroom).write_volatile(headroom);
            (&raw mut (*raw).needed_tailroom).write_volatile((*below).needed_tailroom);
        }
    }

    /// Sets the limits of the packets that the stack makes. Not to be more than the
    /// device below can be given.
    pub(crate) fn set_segmentation_limits(&self, limits: SegmentationLimits, _: &Rtnl) {
        let raw = self.as_raw();
        // SAFETY: Valid by the type invariants, and the RTNL is held.
        unsafe {
            let bytes = limits.bytes.min((*raw).tso_max_size);
            let bytes_v4 = limits.bytes_v4.min((*raw).tso_max_size);
            let pieces = limits.pieces.min((*raw).tso_max_segs.into()) as u16;
            (&raw mut (*raw).gso_max_size).write_volatile(bytes);
            (&raw mut (*raw).gso_ipv4_max_size).write_volatile(bytes_v4);
            (&raw mut (*raw).gso_max_segs).write_volatile(pieces);
        }
    }

    /// Has the core ask for the features again ([`Driver::fix_features`]).
    pub(crate) fn update_features(&self, _: &Rtnl) {
        // SAFETY: Valid by the type invariants, and the RTNL is held.
        unsafe { bindings::netdev_update_features(self.as_raw()) };
    }
}
