// SPDX-License-Identifier: GPL-2.0

//! A parent in a VRF: the group's device goes into the same one.
//!
//! Process context with the RTNL held.

use super::link::Carp;
use crate::net::{
    extended_ack::ExtendedAck,
    link_device::Device,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use kernel::prelude::*;

/// Looks at where the parent is now. Outside of the parent's VRF, the addresses of
/// the device would be local in another routing table than the one in which frames
/// are looked up that come in on the parent.
///
/// The parent leaves a VRF, among other times, when the VRF is deleted. Then the
/// device is taken out as well, by the one who does that, and cannot be here;
/// otherwise it stays, and the log says so.
pub(super) fn follow(device: &Device<Carp>, parent: &NetDevice, rtnl: &Rtnl) {
    match (device.master(rtnl), parent.vrf(rtnl)) {
        (None, Some(wanted)) => enter(device, wanted, rtnl),
        // From one VRF to the next: nobody deletes the old one now.
        (Some(now), Some(wanted)) if *now != *wanted => {
            if device.vrf(rtnl).is_some() && device.leave_vrf(now, rtnl).is_ok() {
                enter(device, wanted, rtnl);
            }
        }
        (Some(now), None) if device.vrf(rtnl).is_some() => {
            pr_warn!(
                "{}: in {}, where {} is no more: ip link set {} nomaster\n",
                **device,
                *now,
                *parent,
                **device
            );
        }
        _ => {}
    }
}

fn enter(device: &Device<Carp>, vrf: &NetDevice, rtnl: &Rtnl) {
    if device
        .enter_vrf(vrf, &mut ExtendedAck::none(), rtnl)
        .is_err()
    {
        pr_warn!("{}: cannot follow its parent into {}\n", **device, *vrf);
    }
}
