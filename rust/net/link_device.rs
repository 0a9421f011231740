// SPDX-License-Identifier: GPL-2.0

//! Network devices that a driver of ours implements.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)
//!
//! A driver is a type that implements [`Driver`]; it is announced to the core by
//! a [`super::rtnl_link::Link`]. Contexts are said at each of its functions.

use super::{
    attribute::Message,
    bindings,
    extended_ack::ExtendedAck,
    features::Features,
    netdevice::{
        NetDevice,
        ADDRESS_LEN, //
    },
    placement::initialise,
    rtnl::Rtnl,
    rtnl_link::{
        Link,
        Request, //
    },
    skbuff::Packet,
    timer::{
        Expire,
        SoftTimer,
        Timers,
        UrgentTimer, //
    }, //
};
use core::{
    ffi::CStr,
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    ffi::c_ulong,
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            Acquire,
            Atomic,
            Release, //
        }, //
    },
    types::Opaque, //
};

/// A driver of virtual Ethernet devices.
pub(crate) trait Driver: Sized + Send + Sync + 'static {
    /// What users call the kind of device: `ip link add … type KIND`.
    const KIND: &'static CStr;

    /// The timers of one device. They are stopped, and their callbacks waited
    /// for, before anything of the device goes.
    type Timers: Timers;

    /// What the driver keeps for one device.
    type Private: Send + Sync;

    /// A request to make a device, checked and taken apart.
    type Prepared;

    /// The one place where the driver is announced.
    fn link() -> &'static Link<Self>;

    /// Makes the timers. Process context.
    fn timers() -> impl PinInit<Self::Timers>;

    /// Makes the private data, before anybody can see the device. Process
    /// context, RTNL held.
    fn private(device: &NetDevice) -> impl PinInit<Self::Private, Error>;

    /// Checks a request to make a device, changing nothing. Process context,
    /// RTNL held.
    fn prepare(
        device: &NetDevice,
        request: &Request<'_>,
        ack: &mut ExtendedAck,
        rtnl: &Rtnl,
    ) -> Result<Self::Prepared>;

    /// Does what [`Driver::prepare`] accepted; the device was just registered
    /// and goes again if this fails. Process context, RTNL held.
    fn configure(
        device: &Device<Self>,
        prepared: Self::Prepared,
        ack: &mut ExtendedAck,
        rtnl: &Rtnl,
    ) -> Result;

    /// Changes a device: all of the request or nothing. Process context, RTNL
    /// held.
    fn change(
        device: &Device<Self>,
        request: &Request<'_>,
        ack: &mut ExtendedAck,
        rtnl: &Rtnl,
    ) -> Result;

    /// The room that [`Driver::fill_information`] needs now, in bytes. As that, and before it,
    /// with the RTNL held from the one to the other.
    fn information_size(device: &Device<Self>) -> usize;

    /// Writes the device's parameters (`IFLA_INFO_DATA`). Process context, under
    /// RTNL or RCU.
    fn fill_information(device: &Device<Self>, message: &mut Message<'_>) -> Result;

    /// The room that [`Driver::fill_statistics`] needs, in bytes.
    const STATISTICS_SIZE: usize;

    /// Writes the device's own counters (`IFLA_INFO_XSTATS`). Process context,
    /// under RTNL or RCU.
    fn fill_statistics(device: &Device<Self>, message: &mut Message<'_>) -> Result;

    /// The number of the device that this one is stacked on (`IFLA_LINK`), if it
    /// is. Any context.
    fn link_index(device: &Device<Self>) -> Option<u32>;

    /// Adds to the counters that all devices have. Any context.
    fn statistics(device: &Device<Self>, statistics: &mut Statistics<'_>);

    /// Which of the features that are wanted the device is to have. Process
    /// context, RTNL held.
    fn fix_features(device: &Device<Self>, wanted: Features) -> Features;

    /// The device that this one receives through: its filter lets pass what this
    /// one has joined. Any context.
    fn below(device: &Device<Self>) -> Option<&NetDevice>;

    /// The device is being brought up. Process context, RTNL held.
    fn open(device: &Device<Self>, rtnl: &Rtnl) -> Result;

    /// The device is being taken down. Process context, RTNL held.
    fn stop(device: &Device<Self>, rtnl: &Rtnl);

    /// The last call for a device: nothing may find it any more afterwards.
    /// Process context, RTNL held.
    fn uninit(device: &Device<Self>, rtnl: &Rtnl);

    /// A packet is sent through the device. Softirq or process context with
    /// bottom halves off; several processors at a time.
    fn transmit(device: &Device<Self>, packet: Packet);
}

/// What is kept in the private area of a device.
pub(super) struct Slot<T: Driver> {
    /// No timer is started any more.
    closing: Atomic<bool>,
    timers: T::Timers,
    private: T::Private,
}

/// A network device of driver `T`.
///
/// # Invariants
///
/// A device of the kind that `T` announces; its private area has a `Slot<T>`
/// that stays initialised as long as the device's memory is valid and it is
/// visible to anybody.
#[repr(transparent)]
pub(crate) struct Device<T: Driver> {
    device: NetDevice,
    driver: PhantomData<T>,
}

// SAFETY: As for `NetDevice`, which is all that it is.
unsafe impl<T: Driver> AlwaysRefCounted for Device<T> {
    fn inc_ref(&self) {
        self.device.inc_ref();
    }

    unsafe fn dec_ref(device: NonNull<Self>) {
        // SAFETY: The caller gives up a count that it has.
        unsafe { NetDevice::dec_ref(device.cast()) };
    }
}

impl<T: Driver> Deref for Device<T> {
    type Target = NetDevice;

    fn deref(&self) -> &NetDevice {
        &self.device
    }
}

impl<T: Driver> Device<T> {
    /// Wraps the pointer that a callback of the driver was given.
    ///
    /// # Safety
    ///
    /// `raw` must be a device of driver `T` whose slot is initialised, and both
    /// must stay so for `'a`.
    pub(super) unsafe fn from_raw<'a>(raw: *mut bindings::net_device) -> &'a Self {
        // CAST: `Device` is transparent over `NetDevice`, and that over it.
        // SAFETY: The caller promises that it is valid for `'a`.
        unsafe { &*raw.cast() }
    }

    /// The device, if it is one of this driver's and is registered or was.
    pub(crate) fn downcast(device: &NetDevice) -> Option<&Self> {
        // SAFETY: Valid by the type invariants of `NetDevice`.
        let (ops, state) = unsafe {
            (
                (*device.as_raw()).rtnl_link_ops,
                (*device.as_raw()).reg_state,
            )
        };
        let visible = u32::from(state) != bindings::netdev_reg_state_NETREG_UNINITIALIZED;
        if !core::ptr::eq(ops, T::link().as_raw()) || !visible {
            return None;
        }
        // SAFETY: Its kind is ours, and a device is visible only after `init`
        // has filled the slot.
        Some(unsafe { Self::from_raw(device.as_raw()) })
    }

    pub(super) fn slot(device: *mut bindings::net_device) -> *mut Slot<T> {
        // SAFETY: Address arithmetic only.
        unsafe { bindings::netdev_priv(device) }.cast()
    }

    fn live_slot(&self) -> &Slot<T> {
        // SAFETY: Initialised by the type invariants.
        unsafe { &*Self::slot(self.as_raw()) }
    }

    /// The driver's data for this device.
    pub(crate) fn private(&self) -> &T::Private {
        &self.live_slot().private
    }

    /// Starts a timer of this device, or moves the one that runs.
    ///
    /// `at` is in nanoseconds of the monotonic clock. Any context.
    pub(crate) fn start_timer<H: Expire<Self>>(
        &self,
        choose: impl FnOnce(&T::Timers) -> &SoftTimer<Self, H>,
        at: u64,
    ) {
        let timer = self.own(choose(self.timers()));
        if self.may_start_timers() {
            // SAFETY: The timer is part of this device's slot, and stopped before
            // that goes, as the flag is set before.
            unsafe { timer.start_raw(self, at) };
        }
    }

    /// As [`Device::start_timer`], for an urgent one.
    pub(crate) fn start_urgent_timer<H: Expire<Self>>(
        &self,
        choose: impl FnOnce(&T::Timers) -> &UrgentTimer<Self, H>,
        at: u64,
    ) {
        let timer = self.own(choose(self.timers()));
        if self.may_start_timers() {
            // SAFETY: As in `start_timer`.
            unsafe { timer.start_raw(self, at) };
        }
    }

    fn may_start_timers(&self) -> bool {
        !self.live_slot().closing.load(Acquire)
    }

    /// Panics unless `timer` is one of this device's own: only such a timer is
    /// stopped in time.
    fn own<'a, U>(&'a self, timer: &'a U) -> &'a U {
        let slot = core::ptr::from_ref(self.timers()).addr();
        let end = slot + size_of::<T::Timers>();
        assert!((slot..end).contains(&core::ptr::from_ref(timer).addr()));
        timer
    }

    /// The timers of this device, to stop them.
    pub(crate) fn timers(&self) -> &T::Timers {
        &self.live_slot().timers
    }

    /// Carrier: others see the device as working. Any context.
    pub(crate) fn set_carrier(&self, on: bool) {
        // SAFETY: Valid by the type invariants; both only set a bit and leave
        // the rest to a work item.
        unsafe {
            if on {
                bindings::netif_carrier_on(self.as_raw());
            } else {
                bindings::netif_carrier_off(self.as_raw());
            }
        }
    }

    /// Tells rtnetlink's listeners (`ip monitor link`) what [`Driver::fill_information`]
    /// says now. Process context.
    ///
    /// Of the events that make the core send such a message this one alone means
    /// nothing to anybody else.
    pub(crate) fn notify_information(&self, _: &Rtnl) {
        // SAFETY: Valid by the type invariants, and the RTNL is held. No handler of this
        // event can object.
        let _ = unsafe {
            bindings::call_netdevice_notifiers(
                bindings::netdev_cmd_NETDEV_CHANGEINFODATA as c_ulong,
                self.as_raw(),
            )
        };
    }

    /// Gives the device another Ethernet address and tells everybody.
    pub(crate) fn set_hardware_address(&self, address: &[u8; ADDRESS_LEN], _: &Rtnl) {
        // SAFETY: Valid by the type invariants, and the RTNL is held. A notifier
        // that objects has no say: the address is the driver's alone to choose.
        unsafe {
            bindings::eth_hw_addr_set(self.as_raw(), address.as_ptr());
            let _ = bindings::call_netdevice_notifiers(
                bindings::netdev_cmd_NETDEV_CHANGEADDR as c_ulong,
                self.as_raw(),
            );
        }
    }

    /// The smallest and the largest MTU that the device can be set to.
    pub(crate) fn mtu_limits(&self, _: &Rtnl) -> (u32, u32) {
        // SAFETY: Valid by the type invariants, and the RTNL is held, under which
        // alone the fields are changed.
        unsafe { ((*self.as_raw()).min_mtu, (*self.as_raw()).max_mtu) }
    }

    /// Sets the largest packet that the device can be set to.
    pub(crate) fn set_largest_mtu(&self, mtu: u32, _: &Rtnl) -> u32 {
        // SAFETY: Valid by the type invariants, and the RTNL is held, under which
        // alone the field is looked at.
        unsafe {
            (*self.as_raw()).max_mtu = mtu.max((*self.as_raw()).min_mtu);
            (*self.as_raw()).max_mtu
        }
    }

    /// Unregisters devices, but those that are on their way out already. Process
    /// context, RTNL held; they are gone when the RTNL is given back.
    ///
    /// All at once: what the core waits for, it waits for once.
    pub(crate) fn unregister_all(devices: &[ARef<Self>], rtnl: &Rtnl) {
        let head = Opaque::<kernel::bindings::list_head>::uninit();
        // SAFETY: The list lives until the end of this function and is empty by
        // then. The devices are registered, none of them is in another list of
        // this kind, nor twice in this one, as a queued one counts as being on its
        // way out; and the RTNL is held.
        unsafe {
            kernel::bindings::INIT_LIST_HEAD(head.get());
            for device in devices {
                if !device.is_unregistering(rtnl) {
                    bindings::unregister_netdevice_queue(device.as_raw(), head.get());
                }
            }
            bindings::unregister_netdevice_many(head.get());
        }
    }
}

/// The counters that all devices have, as far as they are the driver's to add.
pub(crate) struct Statistics<'a>(pub(super) &'a mut bindings::rtnl_link_stats64);

impl Statistics<'_> {
    /// Packets and bytes that were received.
    pub(crate) fn add_received(&mut self, packets: u64, bytes: u64) {
        self.0.rx_packets += packets;
        self.0.rx_bytes += bytes;
    }

    /// Packets and bytes that were sent.
    pub(crate) fn add_sent(&mut self, packets: u64, bytes: u64) {
        self.0.tx_packets += packets;
        self.0.tx_bytes += bytes;
    }

    /// Packets that were not accepted, received and sent ones.
    pub(crate) fn add_dropped(&mut self, received: u64, sent: u64) {
        self.0.rx_dropped += received;
        self.0.tx_dropped += sent;
    }
}

/// Fills the slot of a device that is about to be registered.
///
/// # Safety
///
/// `raw` must be a device of driver `T` whose slot is not initialised.
pub(super) unsafe fn initialise_slot<T: Driver>(raw: *mut bindings::net_device) -> Result {
    let slot = Device::<T>::slot(raw);
    // SAFETY: The device is valid by the promise of the caller.
    let device = unsafe { NetDevice::from_raw(raw) };
    // SAFETY: The private area is as large as a slot, aligned to 32 bytes, does
    // not move, and nobody else writes to it yet.
    unsafe {
        (&raw mut (*slot).closing).write(Atomic::new(false));
        initialise(&raw mut (*slot).private, T::private(device))?;
        let Ok(()) = initialise(&raw mut (*slot).timers, T::timers());
    }
    Ok(())
}

/// Empties the slot of a device that nobody can see any more.
///
/// # Safety
///
/// `raw` must be a device of driver `T` whose slot is initialised, and nothing
/// may use it afterwards.
pub(super) unsafe fn drop_slot<T: Driver>(raw: *mut bindings::net_device) {
    let slot = Device::<T>::slot(raw);
    {
        // SAFETY: The caller promises that it is initialised.
        let slot = unsafe { &*slot };
        // One timer's call can start another timer. After the first pass all
        // calls that have not seen the flag are over, and after the second all
        // timers that those started.
        slot.closing.store(true, Release);
        slot.timers.stop_all_and_wait();
        slot.timers.stop_all_and_wait();
    }
    // SAFETY: The caller promises that it is used no more, and no timer runs. It
    // was pinned in place and is dropped there.
    unsafe { core::ptr::drop_in_place(slot) };
}
