// SPDX-License-Identifier: GPL-2.0

//! The chain of events of network devices.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)
//!
//! Handlers run in process context with RTNL held, for the devices of all
//! namespaces.
//!
//! A handler that is registered is told of the devices that there are, as if they
//! had just come ([`Event::Register`], [`Event::Up`]). One that is unregistered is
//! told of them as if they went ([`Event::GoingDown`], [`Event::Down`],
//! [`Event::Unregister`]).

use crate::net::{
    bindings,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use core::marker::PhantomData;
use kernel::{
    ffi::{
        c_int,
        c_ulong, //
    },
    prelude::*,
};

/// What happens to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It was registered, or has come from another namespace.
    Register,
    /// It is being unregistered, or goes to another namespace.
    Unregister,
    /// It is up.
    Up,
    /// It is still up, but about to go down.
    GoingDown,
    /// It is down.
    Down,
    /// Its flags or its carrier changed.
    Change,
    /// Its MTU changed.
    ChangeMtu,
    /// Its features changed, or its header room.
    FeatChange,
    /// Its link-layer address changed.
    ChangeAddr,
    /// Its name changed.
    ChangeName,
    /// It got or lost a device above it.
    ChangeUpper,
    /// Its link-layer type is about to change.
    PreTypeChange,
    /// Frames leave a bond by another slave.
    BondingFailover,
    /// Its neighbours should be told of its addresses.
    NotifyPeers,
    /// It should report its IGMP groups again.
    ResendIgmp,
    /// Something else, by its number in `enum netdev_cmd`.
    Other(usize),
}

impl Event {
    /// Gives the name to a number.
    fn from_raw(event: c_ulong) -> Self {
        let Ok(command) = bindings::netdev_cmd::try_from(event) else {
            return Self::Other(event);
        };
        match command {
            bindings::netdev_cmd_NETDEV_REGISTER => Self::Register,
            bindings::netdev_cmd_NETDEV_UNREGISTER => Self::Unregister,
            bindings::netdev_cmd_NETDEV_UP => Self::Up,
            bindings::netdev_cmd_NETDEV_GOING_DOWN => Self::GoingDown,
            bindings::netdev_cmd_NETDEV_DOWN => Self::Down,
            bindings::netdev_cmd_NETDEV_CHANGE => Self::Change,
            bindings::netdev_cmd_NETDEV_CHANGEMTU => Self::ChangeMtu,
            bindings::netdev_cmd_NETDEV_FEAT_CHANGE => Self::FeatChange,
            bindings::netdev_cmd_NETDEV_CHANGEADDR => Self::ChangeAddr,
            bindings::netdev_cmd_NETDEV_CHANGENAME => Self::ChangeName,
            bindings::netdev_cmd_NETDEV_CHANGEUPPER => Self::ChangeUpper,
            bindings::netdev_cmd_NETDEV_PRE_TYPE_CHANGE => Self::PreTypeChange,
            bindings::netdev_cmd_NETDEV_BONDING_FAILOVER => Self::BondingFailover,
            bindings::netdev_cmd_NETDEV_NOTIFY_PEERS => Self::NotifyPeers,
            bindings::netdev_cmd_NETDEV_RESEND_IGMP => Self::ResendIgmp,
            _ => Self::Other(event),
        }
    }
}

/// Is told what happens to network devices.
pub(crate) trait Handler: 'static {
    /// Handlers of greater priority are called first.
    const PRIORITY: c_int = 0;

    /// Whether a device may become one of another type, with addresses of another length.
    fn may_change_type(_device: &NetDevice, _rtnl: &Rtnl) -> bool {
        true
    }

    /// Called for an event.
    fn event(device: &NetDevice, event: Event, rtnl: &Rtnl);
}

/// The chain, with a handler.
pub(crate) struct Chain<H>(PhantomData<H>);

/// The registration of a handler.
pub(crate) type Registration<H> = super::Registration<Chain<H>>;

// SAFETY: The functions are those of `netdev_chain`, which is called with RTNL
// held, as they take it.
unsafe impl<H: Handler> super::Chain for Chain<H> {
    const PRIORITY: c_int = H::PRIORITY;
    const REGISTER: super::BlockFn = bindings::register_netdevice_notifier;
    const UNREGISTER: super::BlockFn = bindings::unregister_netdevice_notifier;

    unsafe fn notify(event: c_ulong, data: *mut c_void) -> Result {
        // SAFETY: The data of this chain begins with this struct.
        let device = unsafe { (*data.cast::<bindings::netdev_notifier_info>()).dev };
        // SAFETY: The device is valid during the call.
        let device = unsafe { NetDevice::from_raw(device) };
        // SAFETY: This chain is called with RTNL held.
        let rtnl = unsafe { Rtnl::assume_held() };
        let event = Event::from_raw(event);
        if event == Event::PreTypeChange && !H::may_change_type(device, &rtnl) {
            return Err(EBUSY);
        }
        H::event(device, event, &rtnl);
        Ok(())
    }
}
