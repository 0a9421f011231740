// SPDX-License-Identifier: GPL-2.0

//! Whether a group can run: what is set, what is up, which addresses it has.
//!
//! Looked at anew whenever anything of it may have changed, in process context
//! and, for IPv6 addresses, in softirq context. Nothing sleeps.

use super::{
    digest::Digests,
    group::{
        self,
        Machine,
        Outcome, //
    },
    link::Carp,
    network,
    port::Port,
    reboot, //
};
use crate::{
    net::{
        inet_device,
        link_device::Device,
        netdevice::NetDevice, //
    },
    proto::{
        Event,
        Families,
        Missing,
        Vhid, //
    }, //
};
use kernel::{
    prelude::*,
    sync::{
        rcu,
        Arc, //
    }, //
};

/// Looks at the conditions of a group and tells its machine. If there is no memory
/// to look at all of them, the old ones stay.
pub(super) fn refresh(device: &Device<Carp>) {
    let (addresses, port) = {
        let mut machine = device.private().machine.lock();
        let Ok(mut addresses) = Addresses::of(device) else {
            pr_err!("{}: out of memory for the list of addresses\n", **device);
            return;
        };
        let outcomes = update(&mut machine, device, &mut addresses);
        let port = machine.port.clone().zip(machine.vhid);
        drop(machine);
        for outcome in outcomes {
            outcome.perform(device);
        }
        (addresses, port)
    };
    if let Some((port, vhid)) = port {
        if port.set_addresses(vhid, &addresses.v4).is_err() {
            pr_err!("{}: out of memory for the list of addresses\n", **device);
        }
    }
}

/// Has a group leave the hosts of its vhid, before it gets another.
pub(super) fn leave_vhid(device: &Device<Carp>) {
    let missing = Missing::VHID;
    let families = Families::NONE;
    group::handle(device, Event::Conditions { missing, families });
}

/// Looks at the conditions of all groups of a parent.
pub(super) fn refresh_all(port: &Port) {
    for device in &port.groups() {
        refresh(device);
    }
}

/// The steps of the machine, in an order in which each advertisement is signed
/// with the addresses that its receivers know.
fn update(machine: &mut Machine, device: &Device<Carp>, addresses: &mut Addresses) -> [Outcome; 2] {
    let missing = missing(machine, device, addresses);
    let families = addresses.families();
    machine.learn_sources();

    // A bow-out is signed with what the others know; all else with what is new.
    let running = missing.is_empty();
    if running {
        machine.sign_with(addresses);
    }
    let first = machine.step(device, Event::Conditions { missing, families });
    if !running {
        machine.sign_with(addresses);
    }

    let second = machine.step(device, Event::Preempt(network::preempt(device.namespace())));
    [first, second]
}

impl Machine {
    fn sign_with(&mut self, addresses: &mut Addresses) {
        self.digests = self
            .vhid
            .map(|vhid: Vhid| Digests::new(&self.key, vhid, &mut addresses.v4, &mut addresses.v6));
    }
}

fn missing(machine: &Machine, device: &Device<Carp>, addresses: &Addresses) -> Missing {
    let port: Option<&Arc<Port>> = machine.port.as_ref();
    let parent = port.map(|port| port.parent());
    [
        (machine.vhid.is_some(), Missing::VHID),
        (port.is_some(), Missing::PARENT),
        (!addresses.families().is_empty(), Missing::ADDRESS),
        (
            device.is_running() && !reboot::is_shutting_down(),
            Missing::DEVICE_UP,
        ),
        (port.is_none_or(|port| port.is_up()), Missing::PARENT_UP),
        (parent.is_none_or(NetDevice::has_carrier), Missing::CARRIER),
        (network::allowed(device.namespace()), Missing::ALLOWED),
    ]
    .into_iter()
    .filter(|(fulfilled, _)| !fulfilled)
    .fold(Missing::NONE, |all, (_, one)| all.union(one))
}

/// The virtual addresses of a group.
struct Addresses {
    v4: KVec<[u8; 4]>,
    v6: KVec<[u8; 16]>,
}

impl Addresses {
    /// Those that the device has now. Allocates, without sleeping.
    fn of(device: &NetDevice) -> Result<Self> {
        let guard = rcu::read_lock();
        let mut addresses = Self {
            v4: KVec::new(),
            v6: KVec::new(),
        };
        let mut filled = Ok(());
        inet_device::for_each_v4(device, &guard, |address, _| {
            filled = filled.and(addresses.v4.push(address, GFP_ATOMIC));
        });
        inet_device::for_each_v6(device, &guard, |address, _, _| {
            filled = filled.and(addresses.v6.push(address, GFP_ATOMIC));
        });
        filled?;
        Ok(addresses)
    }

    fn families(&self) -> Families {
        Families {
            v4: !self.v4.is_empty(),
            v6: !self.v6.is_empty(),
        }
    }
}
