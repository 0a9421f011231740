// SPDX-License-Identifier: GPL-2.0

//! Bridges, as those see them that have an address of their own behind one.
//!
//! C header: [`include/linux/if_bridge.h`](srctree/include/linux/if_bridge.h)
//!
//! Process context with the RTNL held. The bridge's functions are reached through
//! its operations, and those that have none by the name of the symbol: this module
//! does not need the bridge's to be loaded.

use super::{
    bindings,
    netdevice::{
        NetDevice,
        ADDRESS_LEN, //
    },
    rtnl::Rtnl, //
};
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    ffi::c_void,
    prelude::*, //
};

/// A bridge, and the VLAN in it that a device on it stands for.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    bridge: &'a NetDevice,
    /// 0: the bridge does not tell VLANs apart.
    vlan: u16,
}

/// A symbol of another module, which stays loaded meanwhile.
///
/// # Invariants
///
/// The pointer is what `__symbol_get` gave for the name, not put back yet.
struct Symbol(&'static CStr, NonNull<c_void>);

impl Symbol {
    fn get(name: &'static CStr) -> Option<Self> {
        // SAFETY: A name that ends with a zero; process context.
        let address = NonNull::new(unsafe { bindings::__symbol_get(name.as_char_ptr()) })?;
        // INVARIANT: It was just got.
        Some(Self(name, address))
    }
}

impl Drop for Symbol {
    fn drop(&mut self) {
        // SAFETY: Got once, by the type invariants, and put back once.
        unsafe { bindings::__symbol_put(self.0.as_char_ptr()) };
    }
}

impl NetDevice {
    /// Whether the device is that of a bridge itself.
    pub(crate) fn is_bridge(&self) -> bool {
        // SAFETY: Valid by the type invariants.
        unsafe { bindings::netif_is_bridge_master(self.as_raw()) }
    }

    /// The bridge that the device is, or of which it is a VLAN.
    pub(crate) fn bridge_place<'a>(&'a self, rtnl: &'a Rtnl) -> Option<Place<'a>> {
        if self.is_bridge() {
            let vlan = self.default_vlan(rtnl);
            return Some(Place { bridge: self, vlan });
        }
        // Of a VLAN in a VLAN, the bridge sees the tag of the lowest one, if it reads such tags.
        let mut lowest = self;
        let below = loop {
            let below = lowest.below_vlan()?;
            if !below.is_vlan() {
                break below;
            }
            lowest = below;
        };
        below.is_bridge().then(|| Place {
            bridge: below,
            vlan: if below.tells_vlans_apart(rtnl) && below.reads_tag_of(lowest, rtnl) {
                // SAFETY: Valid by the type invariants, and a VLAN.
                unsafe { bindings::vlan_dev_vlan_id(lowest.as_raw()) }
            } else {
                below.default_vlan(rtnl)
            },
        })
    }

    /// Whether a bridge reads tags of the kind (802.1Q, 802.1ad) that a VLAN puts on frames. Those
    /// of the other kind are content to it.
    fn reads_tag_of(&self, vlan: &Self, rtnl: &Rtnl) -> bool {
        // SAFETY: A bridge, and the symbol of this name has the type, in all kernels that have it.
        let read = unsafe { self.number(c"br_vlan_get_proto", rtnl) };
        // SAFETY: Valid by the type invariants, and a VLAN.
        let put = u16::from_be(unsafe { bindings::vlan_dev_vlan_proto(vlan.as_raw()) });
        read.is_none_or(|read| read == put)
    }

    /// What a function of the bridge's says of it, if there is one and if it says something.
    ///
    /// # Safety
    ///
    /// The device must be a bridge, and a symbol of this name a function
    /// `int (const struct net_device *, u16 *)`.
    unsafe fn number(&self, name: &'static CStr, _: &Rtnl) -> Option<u16> {
        let symbol = Symbol::get(name)?;
        type Function = unsafe extern "C" fn(*const bindings::net_device, *mut u16) -> c_int;
        // SAFETY: The caller promises the type; its module stays as long as `symbol`.
        let function: Function = unsafe { core::mem::transmute(symbol.1.as_ptr()) };
        let mut number = 0;
        // SAFETY: A bridge, the RTNL is held, and the place is ours.
        let result = unsafe { function(self.as_raw(), &raw mut number) };
        (result == 0).then_some(number)
    }

    /// Whether a bridge has an entry for each VLAN.
    fn tells_vlans_apart(&self, _: &Rtnl) -> bool {
        let Some(symbol) = Symbol::get(c"br_vlan_enabled") else {
            return false;
        };
        type Function = unsafe extern "C" fn(*const bindings::net_device) -> bool;
        // SAFETY: The symbol of this name has this type, in all kernels that have
        // it, and its module stays as long as `symbol`.
        let function: Function = unsafe { core::mem::transmute(symbol.1.as_ptr()) };
        // SAFETY: A bridge, and the RTNL is held.
        unsafe { function(self.as_raw()) }
    }

    /// The VLAN that the bridge's own device is in, untagged.
    fn default_vlan(&self, rtnl: &Rtnl) -> u16 {
        if !self.tells_vlans_apart(rtnl) {
            return 0;
        }
        // SAFETY: A bridge, and the symbol of this name has the type, in all kernels that have it.
        unsafe { self.number(c"br_vlan_get_pvid", rtnl) }.unwrap_or(0)
    }
}

impl Place<'_> {
    /// The VLAN; 0 if the bridge has one table for all.
    pub(crate) fn vlan(&self) -> u16 {
        self.vlan
    }

    /// Has the bridge keep frames to an address for its own host, wherever it has
    /// seen the address before, and send them to no port.
    ///
    /// # Errors
    ///
    /// What the bridge says: `ENOMEM`, `EINVAL` if it does not have the VLAN.
    pub(crate) fn keep(&self, address: &[u8; ADDRESS_LEN], _: &Rtnl) -> Result {
        let raw = self.bridge.as_raw();
        let mut message = bindings::ndmsg {
            ndm_family: bindings::AF_BRIDGE as u8,
            ndm_ifindex: self.bridge.index() as i32,
            ndm_state: bindings::NUD_PERMANENT as u16,
            ndm_flags: bindings::NTF_SELF as u8,
            ..Default::default()
        };
        let mut attributes = [core::ptr::null_mut(); bindings::__NDA_MAX as usize];
        let mut notified = false;
        // SAFETY: A bridge, which has these operations, and the RTNL is held; the
        // arguments are what a request without attributes comes with.
        to_result(unsafe {
            let add = (*(*raw).netdev_ops).ndo_fdb_add.ok_or(ENOSYS)?;
            add(
                &raw mut message,
                attributes.as_mut_ptr(),
                raw,
                address.as_ptr(),
                self.vlan,
                bindings::NLM_F_CREATE as u16,
                &raw mut notified,
                core::ptr::null_mut(),
            )
        })
    }

    /// Takes back [`Place::keep`] for a VLAN that it had then.
    pub(crate) fn give_up(&self, address: &[u8; ADDRESS_LEN], vlan: u16, _: &Rtnl) {
        let raw = self.bridge.as_raw();
        let mut message = bindings::ndmsg {
            ndm_family: bindings::AF_BRIDGE as u8,
            ndm_ifindex: self.bridge.index() as i32,
            ..Default::default()
        };
        let mut attributes = [core::ptr::null_mut(); bindings::__NDA_MAX as usize];
        let mut notified = false;
        // SAFETY: As in `keep`.
        unsafe {
            if let Some(delete) = (*(*raw).netdev_ops).ndo_fdb_del {
                // That somebody else has taken it away is of no interest.
                let _ = delete(
                    &raw mut message,
                    attributes.as_mut_ptr(),
                    raw,
                    address.as_ptr(),
                    vlan,
                    &raw mut notified,
                    core::ptr::null_mut(),
                );
            }
        }
    }
}
