// SPDX-License-Identifier: GPL-2.0

//! Devices that have a card together with others, and receive what is theirs by a table: macvlan
//! and ipvlan.
//!
//! C header: [`include/linux/if_macvlan.h`](srctree/include/linux/if_macvlan.h)
//!
//! Process context with the RTNL held, but for what a macvlan is on, which never changes: that in any
//! context.

use super::{
    bindings,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use kernel::prelude::*;

/// What such a device receives, besides what is for many.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// What is for its MAC: a macvlan or macvtap, but not in passthru mode, which has the card to
    /// itself.
    OwnMac,
    /// What is for its IP addresses: an ipvlan or ipvtap.
    OwnAddresses,
    /// Nothing: what comes is for who has opened it. A macvtap.
    Opened,
}

impl NetDevice {
    /// Whether it receives only a share of what is on its card, and which. Never changes: who is
    /// in passthru mode stays there.
    pub(crate) fn share(&self, rtnl: &Rtnl) -> Option<Share> {
        let kind = self.kind(rtnl)?;
        if kind == c"macvtap" {
            return Some(Share::Opened);
        }
        if self.is_macvlan() {
            // SAFETY: Valid by the type invariants, and a macvlan.
            let is_passthru = unsafe { bindings::macvlan_is_passthru(self.as_raw()) };
            return (!is_passthru).then_some(Share::OwnMac);
        }
        [c"ipvlan", c"ipvtap"]
            .contains(&kind)
            .then_some(Share::OwnAddresses)
    }

    /// Whether the device is a macvlan or macvtap.
    fn is_macvlan(&self) -> bool {
        // SAFETY: Valid by the type invariants.
        unsafe { bindings::netif_is_macvlan(self.as_raw()) }
    }

    /// The device below a macvlan or macvtap.
    pub(crate) fn below_macvlan(&self) -> Option<&Self> {
        if !self.is_macvlan() {
            return None;
        }
        // SAFETY: Valid by the type invariants, and a macvlan, which keeps the device below it.
        Some(unsafe { Self::from_raw(bindings::macvlan_below(self.as_raw())) })
    }

    /// The kind in `ip link add … type KIND`, if it was made like that.
    fn kind<'a>(&'a self, _: &'a Rtnl) -> Option<&'a CStr> {
        // SAFETY: Valid by the type invariants; operations and name are those of a driver,
        // which cannot go while its device is there, and the RTNL keeps that.
        unsafe {
            let operations = (*self.as_raw()).rtnl_link_ops.as_ref()?;
            (!operations.kind.is_null()).then(|| CStr::from_char_ptr(operations.kind))
        }
    }
}
