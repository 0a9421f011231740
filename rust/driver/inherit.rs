// SPDX-License-Identifier: GPL-2.0

//! What a group's device has from its parent: offloads, header room, MTU.
//!
//! Process context with the RTNL held.

use super::{
    limit::Limit,
    link::Carp, //
};
use crate::net::{
    features::Features,
    link_device::Device,
    netdevice::NetDevice,
    rtnl::Rtnl,
    stacking::SegmentationLimits, //
};
use kernel::prelude::*;

/// The limits of a device that are the parent's, unless the user chose smaller ones.
pub(crate) struct Limits {
    pub(super) mtu: Limit,
    bytes: Limit,
    bytes_v4: Limit,
    pieces: Limit,
}

impl Limits {
    /// What `ether_setup` and `alloc_netdev` begin with.
    const MTU: u32 = 1500;
    const BYTES: u32 = 65536;
    const PIECES: u32 = 65535;

    /// Those of a new device.
    pub(crate) const fn new() -> Self {
        Self {
            mtu: Limit::new(Self::MTU),
            bytes: Limit::new(Self::BYTES),
            bytes_v4: Limit::new(Self::BYTES),
            pieces: Limit::new(Self::PIECES),
        }
    }
}

/// Takes over what the parent has now. Packets go through the device unchanged:
/// what the parent can do with large ones is for the parent to do, not for the
/// stack before.
pub(super) fn follow(device: &Device<Carp>, parent: &NetDevice, rtnl: &Rtnl) {
    let limits = &device.private().limits;
    let (now, most) = (
        SegmentationLimits::of(device, rtnl),
        SegmentationLimits::of(parent, rtnl),
    );
    // What this lowers, nobody has chosen.
    device.inherit(parent, rtnl);
    let target = SegmentationLimits {
        bytes: limits.bytes.follow(now.bytes, most.bytes),
        bytes_v4: limits.bytes_v4.follow(now.bytes_v4, most.bytes_v4),
        pieces: limits.pieces.follow(now.pieces, most.pieces),
    };
    device.set_segmentation_limits(target, rtnl);
    device.update_features(rtnl);
    follow_mtu(device, parent, rtnl);
}

fn follow_mtu(device: &Device<Carp>, parent: &NetDevice, rtnl: &Rtnl) {
    let limit = &device.private().limits.mtu;
    let now = device.mtu();
    let most = device.set_largest_mtu(parent.mtu(), rtnl);
    let target = limit.follow(now, most);
    if target != now && device.set_mtu(target, rtnl).is_err() {
        limit.refused(now);
        pr_warn!("{}: the MTU of {} does not fit\n", **device, *parent);
    }
}

/// The features that the device is to have, of those that are wanted: what is done
/// to received packets is the parent's doing, the rest can be had in any case.
pub(super) fn features(device: &Device<Carp>, wanted: Features) -> Features {
    let parent = device.private().parent.get();
    let received = match parent {
        Some(parent) => parent.features().intersection(Features::RECEIVING),
        None => Features::RECEIVING,
    };
    wanted.without(Features::RECEIVING.without(received))
}
