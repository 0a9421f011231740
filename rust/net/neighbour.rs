// SPDX-License-Identifier: GPL-2.0

//! What the kernel knows of a device's neighbours.
//!
//! C header: [`include/net/neighbour.h`](srctree/include/net/neighbour.h)
//!
//! Softirq or process context.

use super::{
    bindings,
    netdevice::NetDevice, //
};
use core::ffi::c_void;

/// Notes where a neighbour is that has just asked something of this host by ARP, as
/// the stack does that answers it itself.
pub(crate) fn asks_v4(device: &NetDevice, mut address: [u8; 4], mac: [u8; 6]) {
    // SAFETY: The table is the kernel's, and an address of it has four bytes.
    unsafe {
        let table = &raw mut bindings::arp_tbl;
        asks(table, device, (&raw mut address).cast(), mac);
    }
}

/// As [`asks_v4`], by a neighbour solicitation.
pub(crate) fn asks_v6(device: &NetDevice, mut address: [u8; 16], mac: [u8; 6]) {
    // SAFETY: The table is the kernel's, made unless IPv6 was switched off as the kernel was
    // started, and an address of it has sixteen bytes.
    unsafe {
        if bindings::ipv6_mod_enabled() {
            let table = &raw mut bindings::nd_tbl;
            asks(table, device, (&raw mut address).cast(), mac);
        }
    }
}

/// # Safety
///
/// `table` must be a neighbour table, and `address` point to an address of its family.
unsafe fn asks(
    table: *mut bindings::neigh_table,
    device: &NetDevice,
    address: *mut c_void,
    mut mac: [u8; 6],
) {
    // SAFETY: By the promise of the caller; an Ethernet device's neighbours have six bytes. A
    // neighbour that is found, or made, comes with a count, which is given back.
    unsafe {
        let neighbour = bindings::neigh_event_ns(table, mac.as_mut_ptr(), address, device.as_raw());
        if !neighbour.is_null() {
            bindings::neigh_release(neighbour);
        }
    }
}
