// SPDX-License-Identifier: GPL-2.0

//! A bridge as parent: which frames for the virtual MAC it keeps for this host.
//!
//! Process context with the RTNL held.
//!
//! A bridge that does not know where the virtual MAC is sends frames for it to
//! every port, and one that has heard the last MASTER sends them there. A MASTER has
//! it keep them instead, by an entry of the bridge's own. On a BACKUP such an entry
//! would swallow the frames for a MASTER behind one of the ports, so it is there for
//! a MASTER only. It comes and goes with the carrier's notification, which needs the
//! RTNL. Nothing waits for it: until then frames are received as well, since the
//! bridge's own device is in promiscuous mode (it has no filter), and go to the
//! ports, too. One thing does wait: the last advertisement of a MASTER that steps
//! down is for the virtual MAC, and the bridge would keep it.

use super::{
    advertise,
    link::Carp, //
};
use crate::{
    net::{
        link_device::Device,
        netdevice::NetDevice,
        rtnl::Rtnl, //
    },
    proto::{
        virtual_mac,
        State,
        Vhid, //
    }, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// The entry that a group has in its parent's table: 0, or the vhid and the VLAN.
/// Changed with the RTNL held.
pub(crate) struct Entry(Atomic<u32>);

impl Entry {
    /// None.
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Whether there is one, so that the bridge lets out nothing for the virtual MAC.
    /// Any context.
    pub(super) fn is_there(&self) -> bool {
        self.get().is_some()
    }

    fn get(&self) -> Option<(Vhid, u16)> {
        let [vhid, _, vlan @ ..] = self.0.load(Relaxed).to_be_bytes();
        Vhid::new(vhid).map(|vhid| (vhid, u16::from_be_bytes(vlan)))
    }

    fn set(&self, entry: Option<(Vhid, u16)>) {
        let number = entry.map_or(0, |(vhid, vlan)| {
            u32::from(vhid.get()) << 24 | u32::from(vlan)
        });
        self.0.store(number, Relaxed);
    }
}

/// Sees to it that a group has an entry if, and only if, it is MASTER.
pub(super) fn follow(device: &Device<Carp>, rtnl: &Rtnl) {
    let group = device.private();
    let (port, master) = {
        let machine = group.machine.lock();
        // Where the hosts of a group share, each has to see each frame.
        let keeps = machine.nodes.state() == State::Master && !machine.nodes.are_several();
        let leader = machine.nodes.leader().vhid;
        (machine.port.clone(), leader.filter(|_| keeps))
    };
    let Some(port) = port else {
        return;
    };
    set(device, port.parent(), master, rtnl);
    if master.is_some() {
        return;
    }
    // Taken only now: whatever has happened to the group since, has discarded it.
    let (waiting, identity) = {
        let mut machine = group.machine.lock();
        (machine.waiting_for_bridge.take(), machine.identity())
    };
    if let Some((outbox, identity)) = waiting.zip(identity) {
        advertise::send(&outbox, port.parent(), identity, &group.counters);
    }
}

/// A bridge changed, and with it perhaps the VLAN that a device on it stands for: the
/// entries of all groups on it go along. (When the bridge's own device is only put into
/// another VLAN, the kernel tells nobody; that is seen at the next change.)
pub(super) fn changed(bridge: &NetDevice, rtnl: &Rtnl) {
    if !bridge.is_bridge() {
        return;
    }
    let _ = NetDevice::find(bridge.namespace(), rtnl, |device| -> Option<()> {
        if let Some(group) = Device::<Carp>::downcast(device) {
            follow(group, rtnl);
        }
        None
    });
}

/// Takes the entry of a group away, which is about to leave its parent.
pub(super) fn forget(device: &Device<Carp>, parent: &NetDevice, rtnl: &Rtnl) {
    set(device, parent, None, rtnl);
}

fn set(device: &Device<Carp>, parent: &NetDevice, master: Option<Vhid>, rtnl: &Rtnl) {
    let Some(place) = parent.bridge_place(rtnl) else {
        return;
    };
    let entry = &device.private().bridge_entry;
    let wanted = master.map(|vhid| (vhid, place.vlan()));
    let old = entry.get();
    if old == wanted {
        return;
    }
    if let Some((vhid, vlan)) = old {
        place.give_up(&virtual_mac(vhid), vlan, rtnl);
        entry.set(None);
    }
    if let Some((vhid, _)) = wanted {
        match place.keep(&virtual_mac(vhid), rtnl) {
            Ok(()) => entry.set(wanted),
            Err(_) => pr_warn!(
                "{}: {} sends frames for the virtual MAC to its ports, too\n",
                **device,
                *parent
            ),
        }
    }
}
