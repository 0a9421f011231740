// SPDX-License-Identifier: GPL-2.0

//! Network devices of any kind, as others see them.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)
//!
//! Any context unless a function wants an [`Rtnl`]. A device that a driver of
//! ours implements is a [`super::link_device::Device`].

use super::{
    bindings,
    extended_ack::ExtendedAck,
    features::Features,
    namespace::Namespace,
    rtnl::Rtnl, //
};
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    fmt,
    prelude::*,
    sync::{
        aref::AlwaysRefCounted,
        rcu, //
    },
    types::Opaque, //
};

/// The bytes of an Ethernet address.
pub(crate) const ADDRESS_LEN: usize = 6;

/// A network device.
///
/// Wraps the kernel's [`struct net_device`](srctree/include/linux/netdevice.h).
///
/// # Invariants
///
/// The device was allocated by the networking core and its memory stays valid
/// while a reference to it exists: a holder has a count of it (`ARef`), or is in
/// a callback or an RCU section in which the core keeps it.
#[repr(transparent)]
pub(crate) struct NetDevice(Opaque<bindings::net_device>);

// SAFETY: The networking core hands devices from one context to another.
unsafe impl Send for NetDevice {}

// SAFETY: What is read here without a lock, the core reads without one too.
unsafe impl Sync for NetDevice {}

// SAFETY: `dev_hold` and `dev_put` count, and the core waits for the count to
// fall before it frees a device.
unsafe impl AlwaysRefCounted for NetDevice {
    fn inc_ref(&self) {
        // SAFETY: Valid by the type invariants.
        unsafe { bindings::dev_hold(self.as_raw()) };
    }

    unsafe fn dec_ref(device: NonNull<Self>) {
        // SAFETY: The caller gives up a count that it has.
        unsafe { bindings::dev_put(device.as_ptr().cast()) };
    }
}

impl PartialEq for NetDevice {
    /// The same device, not a like one.
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self, other)
    }
}

/// The name of the device.
impl fmt::Display for NetDevice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        if let Ok(text) = core::str::from_utf8(name.bytes()) {
            return formatter.write_str(text);
        }
        for byte in name.bytes() {
            fmt::Write::write_char(formatter, char::from(*byte))?;
        }
        Ok(())
    }
}

/// The name of a device, as it was at one moment.
///
/// # Invariants
///
/// The last byte is zero.
#[derive(Clone, Copy)]
pub(crate) struct DeviceName([u8; Self::LEN + 1]);

impl DeviceName {
    /// The bytes of the longest name, without the zero that ends it.
    pub(crate) const LEN: usize = bindings::IFNAMSIZ as usize - 1;

    /// A name from bytes of which one is zero, if they are short enough to be one.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        let name = bytes.split(|byte| *byte == 0).next()?;
        let mut padded = [0; Self::LEN + 1];
        // INVARIANT: One byte at least is not copied to.
        padded
            .get_mut(..Self::LEN)?
            .get_mut(..name.len())?
            .copy_from_slice(name);
        Some(Self(padded))
    }

    /// The name without its end.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    /// The name, and the zero that ends it.
    pub(crate) fn bytes_with_nul(&self) -> &[u8] {
        self.0.get(..=self.bytes().len()).unwrap_or_default()
    }
}

impl NetDevice {
    /// Wraps a pointer.
    ///
    /// # Safety
    ///
    /// `raw` must be a device that stays valid for `'a`.
    pub(super) unsafe fn from_raw<'a>(raw: *mut bindings::net_device) -> &'a Self {
        // CAST: `NetDevice` is transparent.
        // SAFETY: The caller promises that it is valid for `'a`.
        unsafe { &*raw.cast() }
    }

    /// The wrapped pointer.
    pub(super) fn as_raw(&self) -> *mut bindings::net_device {
        self.0.get()
    }

    /// The device of this number in a namespace.
    pub(crate) fn by_index<'a>(namespace: &Namespace, index: u32, _: &'a Rtnl) -> Option<&'a Self> {
        let index = c_int::try_from(index).ok()?;
        // SAFETY: The namespace is valid, and the RTNL is held.
        let raw = unsafe { bindings::__dev_get_by_index(namespace.as_raw(), index) };
        // SAFETY: A registered device stays as long as the RTNL is held.
        (!raw.is_null()).then(|| unsafe { Self::from_raw(raw) })
    }

    /// As [`NetDevice::by_index`], without the RTNL.
    pub(crate) fn by_index_rcu<'a>(
        namespace: &Namespace,
        index: u32,
        _: &'a rcu::Guard,
    ) -> Option<&'a Self> {
        let index = c_int::try_from(index).ok()?;
        // SAFETY: The namespace is valid, and the guard is of a read-side section.
        let raw = unsafe { bindings::dev_get_by_index_rcu(namespace.as_raw(), index) };
        // SAFETY: A device that is found is not freed in the read-side section.
        (!raw.is_null()).then(|| unsafe { Self::from_raw(raw) })
    }

    /// The device of this name, or alternative name, in a namespace.
    pub(crate) fn by_name_rcu<'a>(
        namespace: &Namespace,
        name: &DeviceName,
        _: &'a rcu::Guard,
    ) -> Option<&'a Self> {
        // SAFETY: The namespace is valid, the name ends with a zero by its
        // invariants, and the guard is of a read-side section.
        let raw =
            unsafe { bindings::dev_get_by_name_rcu(namespace.as_raw(), name.0.as_ptr().cast()) };
        // SAFETY: A device that is found is not freed in the read-side section.
        (!raw.is_null()).then(|| unsafe { Self::from_raw(raw) })
    }

    /// The device of a namespace with the smallest number that is not below `from`.
    ///
    /// Who asks for one after the other in this way sees each device once that is
    /// there all the time, whatever comes and goes meanwhile.
    pub(crate) fn next_by_index_rcu<'a>(
        namespace: &Namespace,
        from: u32,
        _: &'a rcu::Guard,
    ) -> Option<&'a Self> {
        // SAFETY: The namespace is valid, and the guard is of a read-side section.
        let raw = unsafe { bindings::next_net_device_by_index(namespace.as_raw(), from as usize) };
        // SAFETY: A device that is found is not freed in the read-side section.
        (!raw.is_null()).then(|| unsafe { Self::from_raw(raw) })
    }

    /// Calls `visit` with each device of a namespace, until it returns `Some`.
    pub(crate) fn find<'a, R>(
        namespace: &Namespace,
        _: &'a Rtnl,
        mut visit: impl FnMut(&'a Self) -> Option<R>,
    ) -> Option<R> {
        // SAFETY: The namespace is valid, and the RTNL is held, which keeps the
        // list of its devices unchanged unless `visit` changes it.
        let mut raw = unsafe { bindings::first_net_device(namespace.as_raw()) };
        while !raw.is_null() {
            // SAFETY: A listed device stays as long as the RTNL is held.
            let device = unsafe { Self::from_raw(raw) };
            if let Some(result) = visit(device) {
                return Some(result);
            }
            // SAFETY: As above.
            raw = unsafe { bindings::next_net_device(raw) };
        }
        None
    }

    /// Calls `visit` with each device of a namespace. One that comes or goes
    /// meanwhile may be seen or not.
    pub(crate) fn for_each_rcu<'a>(
        namespace: &Namespace,
        _: &'a rcu::Guard,
        mut visit: impl FnMut(&'a Self),
    ) {
        // SAFETY: The namespace is valid, and the guard is of a read-side section.
        let mut raw = unsafe { bindings::first_net_device_rcu(namespace.as_raw()) };
        while !raw.is_null() {
            // SAFETY: Found in the list, and so not freed in the read-side section.
            visit(unsafe { Self::from_raw(raw) });
            // SAFETY: As above.
            raw = unsafe { bindings::next_net_device_rcu(raw) };
        }
    }

    /// The routing table of the VRF that the device is in, if it is in one.
    pub(crate) fn vrf_table(&self, _: &rcu::Guard) -> Option<u32> {
        // SAFETY: Valid by the type invariants, and the guard is of a read-side
        // section.
        let table = unsafe { bindings::vrf_table_rcu(self.as_raw()) };
        (table != 0).then_some(table)
    }

    /// Its name now. One that is being changed can be read half, as in every message of
    /// the kernel's that has a name.
    pub(crate) fn name(&self) -> DeviceName {
        // SAFETY: Valid by the type invariants, for reads of any byte.
        let name = unsafe { (*self.as_raw()).name };
        let mut bytes = [0; DeviceName::LEN + 1];
        // INVARIANT: The last byte is left as it is.
        for (byte, letter) in bytes.iter_mut().take(DeviceName::LEN).zip(name) {
            *byte = letter;
        }
        DeviceName(bytes)
    }

    /// The number of the device in its namespace.
    pub(crate) fn index(&self) -> u32 {
        // SAFETY: Valid by the type invariants.
        (unsafe { (*self.as_raw()).ifindex }) as u32
    }

    /// The namespace the device is in.
    pub(crate) fn namespace(&self) -> &Namespace {
        // SAFETY: Valid by the type invariants, and a device keeps its namespace.
        unsafe { Namespace::from_raw(bindings::dev_net(self.as_raw())) }
    }

    fn flags(&self) -> u32 {
        // SAFETY: Valid by the type invariants.
        unsafe { (*self.as_raw()).flags }
    }

    /// Whether it is up for the stack, which has routes by it: a moment after it was opened, and
    /// until a moment after it was stopped.
    pub(crate) fn is_up(&self) -> bool {
        self.flags() & bindings::net_device_flags_IFF_UP != 0
    }

    /// Whether it is open: after the driver's `open`, until just before `stop`.
    pub(crate) fn is_running(&self) -> bool {
        self.has_state(bindings::netdev_state_t___LINK_STATE_START)
    }

    /// Whether it has carrier.
    pub(crate) fn has_carrier(&self) -> bool {
        !self.has_state(bindings::netdev_state_t___LINK_STATE_NOCARRIER)
    }

    fn has_state(&self, bit: bindings::netdev_state_t) -> bool {
        // SAFETY: Valid by the type invariants.
        let state = unsafe { core::ptr::read_volatile(&raw const (*self.as_raw()).state) };
        state & (1 << bit) != 0
    }

    /// Whether it speaks Ethernet and is not the loopback device.
    pub(crate) fn is_ethernet(&self) -> bool {
        // SAFETY: Valid by the type invariants.
        let kind = unsafe { (*self.as_raw()).type_ };
        u32::from(kind) == bindings::ARPHRD_ETHER && !self.is_loopback()
    }

    /// Whether it is the loopback device of its namespace.
    pub(crate) fn is_loopback(&self) -> bool {
        self.flags() & bindings::net_device_flags_IFF_LOOPBACK != 0
    }

    /// Whether it is on the way out: being unregistered, or queued for that.
    pub(crate) fn is_unregistering(&self, _: &Rtnl) -> bool {
        // SAFETY: Valid by the type invariants; the RTNL protects both fields.
        let (state, queued) = unsafe {
            let list = &raw const (*self.as_raw()).unreg_list;
            (
                (*self.as_raw()).reg_state,
                !core::ptr::eq((*list).next, list),
            )
        };
        queued || u32::from(state) != bindings::netdev_reg_state_NETREG_REGISTERED
    }

    /// The Ethernet address, of an Ethernet device. Without a lock: while it is being
    /// changed, some bytes of it may be the old one's.
    pub(crate) fn address(&self) -> [u8; ADDRESS_LEN] {
        // SAFETY: Valid by the type invariants. The pointer is set before the device is
        // registered, to a place for `MAX_ADDR_LEN` bytes, whatever the device, and stays
        // until the device is freed. Its bytes are changed in place, and are read as they
        // come, as by all who write an Ethernet header.
        unsafe {
            let address = core::ptr::read_volatile(&raw const (*self.as_raw()).dev_addr);
            core::ptr::read_volatile(address.cast::<[u8; ADDRESS_LEN]>())
        }
    }

    /// The largest packet in bytes, without the link header.
    pub(crate) fn mtu(&self) -> u32 {
        // SAFETY: Valid by the type invariants.
        unsafe { (*self.as_raw()).mtu }
    }

    /// What it does for packets now.
    pub(crate) fn features(&self) -> Features {
        // SAFETY: Valid by the type invariants.
        Features::from_raw(unsafe { (*self.as_raw()).features })
    }

    /// Adds an address to the unicast filter: frames to it are received, in
    /// promiscuous mode only where the device has no filter.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn add_unicast_filter(&self, address: &[u8; ADDRESS_LEN], _: &Rtnl) -> Result {
        // SAFETY: Valid by the type invariants; an Ethernet device's addresses
        // are of this length.
        to_result(unsafe { bindings::dev_uc_add(self.as_raw(), address.as_ptr()) })
    }

    /// Takes back one [`NetDevice::add_unicast_filter`].
    pub(crate) fn remove_unicast_filter(&self, address: &[u8; ADDRESS_LEN], _: &Rtnl) {
        // SAFETY: As in `add_unicast_filter`. The error, that there is no such
        // address, is of no interest.
        let _ = unsafe { bindings::dev_uc_del(self.as_raw(), address.as_ptr()) };
    }

    /// Adds an address to the multicast filter: frames to it are received. Nothing is
    /// joined, and nothing is reported to other hosts.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn add_multicast_filter(&self, address: &[u8; ADDRESS_LEN], _: &Rtnl) -> Result {
        // SAFETY: As in `add_unicast_filter`.
        to_result(unsafe { bindings::dev_mc_add(self.as_raw(), address.as_ptr()) })
    }

    /// Takes back one [`NetDevice::add_multicast_filter`].
    pub(crate) fn remove_multicast_filter(&self, address: &[u8; ADDRESS_LEN], _: &Rtnl) {
        // SAFETY: As in `add_unicast_filter`. The error, that there is no such
        // address, is of no interest.
        let _ = unsafe { bindings::dev_mc_del(self.as_raw(), address.as_ptr()) };
    }

    /// Notes that `upper` is stacked on this device.
    ///
    /// # Errors
    ///
    /// `EBUSY`, `EEXIST`, `EMLINK`, `ENOMEM`, with an explanation.
    pub(crate) fn link_upper(&self, upper: &Self, ack: &mut ExtendedAck, _: &Rtnl) -> Result {
        // SAFETY: Both are valid and registered, and the RTNL is held.
        to_result(unsafe {
            bindings::netdev_upper_dev_link(self.as_raw(), upper.as_raw(), ack.as_raw())
        })
    }

    /// Takes back [`NetDevice::link_upper`].
    pub(crate) fn unlink_upper(&self, upper: &Self, _: &Rtnl) {
        // SAFETY: Both are valid, and the RTNL is held.
        unsafe { bindings::netdev_upper_dev_unlink(self.as_raw(), upper.as_raw()) };
    }

    /// Who has the frames that this device receives, as far as can be told: its
    /// master, or else the first device on top of it that is no VLAN.
    pub(crate) fn frame_taker<'a>(&'a self, _: &'a Rtnl) -> Option<&'a Self> {
        // SAFETY: Valid by the type invariants, and the RTNL is held, which keeps
        // the list; its first position is its head.
        unsafe {
            let master = bindings::netdev_master_upper_dev_get(self.as_raw());
            if !master.is_null() {
                return Some(Self::from_raw(master));
            }
            let mut position = &raw mut (*self.as_raw()).adj_list.upper;
            loop {
                let upper =
                    bindings::netdev_upper_get_next_dev_rcu(self.as_raw(), &raw mut position);
                if upper.is_null() {
                    return None;
                }
                if !bindings::is_vlan_dev(upper) {
                    return Some(Self::from_raw(upper));
                }
            }
        }
    }

    /// Sets the largest packet.
    ///
    /// # Errors
    ///
    /// What the driver and the notifiers say.
    pub(crate) fn set_mtu(&self, mtu: u32, _: &Rtnl) -> Result {
        // SAFETY: Valid by the type invariants, and the RTNL is held.
        to_result(unsafe { bindings::dev_set_mtu(self.as_raw(), mtu as c_int) })
    }
}
