// SPDX-License-Identifier: GPL-2.0

//! What the host's own stack is about to say of virtual addresses by ARP and neighbour
//! discovery, through devices that are no group's: that is for the MASTER to say
//! ([`super::announce`]), and with the virtual MAC.
//!
//! Softirq or process context, under RCU.

use super::{
    address,
    link::Carp,
    port::Port, //
};
use crate::{
    net::{
        arp_output,
        inet_device,
        link_device::Device,
        local_output::OutputV6,
        netdevice::NetDevice,
        netfilter::{
            Fate,
            Handler, //
        },
        rx_handler, //
    },
    proto::{
        neighbour::{
            is_link_local,
            Outgoing,
            OUTGOING_LEN, //
        },
        ownership::{
            Ip,
            Prefixed, //
        },
        Arp,
        Operation,
        State,
        ARP_LEN, //
    }, //
};
use kernel::sync::rcu;

/// Looks at what it says.
pub(crate) struct OwnStack;

impl Handler<arp_output::Output, ARP_LEN> for OwnStack {
    /// An answer from a virtual address leaves through the parent, and to find the
    /// client the stack asks in the name of that address, but with the parent's
    /// own MAC, as a BACKUP's stack may too. Clients would believe it, and lose
    /// the address with this host. It asks in the name of an address of the
    /// device's own instead that is the client's neighbour, or of none, as a probe does:
    /// strict clients do not answer addresses of other subnets, of which the stack itself
    /// chooses one if it is told to choose (`arp_announce`). Anything else in the name
    /// of a virtual address, be it said through the parent or through another
    /// device on the same segment, is only the MASTER's to say, and said by
    /// [`announce`](super::announce).
    fn output(device: &NetDevice, packet: &[u8; ARP_LEN]) -> Fate<ARP_LEN> {
        let guard = rcu::read_lock();
        let Some(packet) = Arp::parse(packet) else {
            return Fate::Keep;
        };
        let asks = packet.operation == Operation::Request && packet.sender != packet.target;
        let target = Prefixed::single(Ip::V4(packet.target));
        if is_virtual(device, packet.sender, &guard) {
            if !asks {
                return Fate::Drop;
            }
        } else if !asks || !is_stranger(device, packet.sender, packet.target, &guard) {
            return Fate::Keep;
        }
        // The first one that the client knows for a neighbour by the device's own subnets, or
        // else by a group's.
        let mut sender = None;
        let mut by_group = None;
        inet_device::for_each_v4(device, &guard, |address, prefix_len| {
            if sender.is_some() || is_virtual(device, address, &guard) {
                return;
            }
            let own = Prefixed {
                address: Ip::V4(address),
                prefix_len,
            };
            if own.covers(target) {
                sender = Some(address);
            } else if by_group.is_none() && is_groups_subnet(device, packet.target, address, &guard)
            {
                by_group = Some(address);
            }
        });
        let sender = sender.or(by_group).unwrap_or_default();
        Fate::Replace(Arp { sender, ..packet }.emit())
    }
}

impl Handler<OutputV6, OUTGOING_LEN> for OwnStack {
    /// IPv6's stack asks in the name of an address only that the parent has for itself. One
    /// that it shares with a group is not to be heard with the parent's own MAC: so the
    /// question comes from another address of the parent's, a link-local one at best, and
    /// no answer leaves, as it is only the MASTER's to give.
    fn output(device: &NetDevice, beginning: &[u8; OUTGOING_LEN]) -> Fate<OUTGOING_LEN> {
        let Some(message) = Outgoing::new(beginning) else {
            return Fate::Keep;
        };
        let guard = rcu::read_lock();
        if message.is_advertisement() {
            return if is_shared_v6(device, message.target(), &guard) {
                Fate::Drop
            } else {
                Fate::Keep
            };
        }
        if !is_shared_v6(device, message.source(), &guard) {
            return Fate::Keep;
        }
        let mut source = None;
        inet_device::for_each_v6(device, &guard, |address, _, flags| {
            let better = match source {
                None => true,
                Some(found) => !is_link_local(found) && is_link_local(address),
            };
            if better
                && flags & inet_device::flags::UNUSABLE == 0
                && !is_shared_v6(device, address, &guard)
            {
                source = Some(address);
            }
        });
        source.map_or(Fate::Drop, |source| Fate::Replace(message.from(source)))
    }
}

/// Whether a client that knows the group's subnet alone takes `sender` for a stranger: it is
/// in none of the device's own subnets, but in a group's on it, and `sender` is in neither.
fn is_stranger(device: &NetDevice, sender: [u8; 4], target: [u8; 4], guard: &rcu::Guard) -> bool {
    !covers(device, &[target], guard)
        && is_groups_subnet(device, target, target, guard)
        && !is_groups_subnet(device, target, sender, guard)
}

/// Whether two IPv4 addresses are in the subnet of one group on a device.
fn is_groups_subnet(device: &NetDevice, a: [u8; 4], b: [u8; 4], guard: &rcu::Guard) -> bool {
    rx_handler::attached::<Port>(device, guard).is_some_and(|port| {
        port.each_group()
            .any(|group| covers(&group, &[a, b], guard))
    })
}

/// Whether all these IPv4 addresses are in one subnet of a device.
fn covers(device: &NetDevice, addresses: &[[u8; 4]], guard: &rcu::Guard) -> bool {
    let mut found = false;
    inet_device::for_each_v4(device, guard, |address, prefix_len| {
        let own = Prefixed {
            address: Ip::V4(address),
            prefix_len,
        };
        found |= addresses
            .iter()
            .all(|address| own.covers(Prefixed::single(Ip::V4(*address))));
    });
    found
}

/// Whether a group that runs on a device has an IPv6 address.
fn is_shared_v6(device: &NetDevice, address: [u8; 16], guard: &rcu::Guard) -> bool {
    rx_handler::attached::<Port>(device, guard).is_some_and(|port| {
        let runs = |vhid| port.state(vhid) != Some(State::Init);
        port.owners_v6(address).iter().any(runs)
    })
}

/// Whether an address is not that of `device`, but of a group in the same table.
fn is_virtual(device: &NetDevice, address: [u8; 4], guard: &rcu::Guard) -> bool {
    if Device::<Carp>::downcast(device).is_some() {
        return false;
    }
    // A host can have the address of a group for its own, too, and has it for its
    // own as long as the group does not run.
    let is_own = inet_device::has_v4(device, guard, address);
    if let Some(port) = rx_handler::attached::<Port>(device, guard) {
        let owners = port.owners_v4(address);
        if !owners.is_empty() {
            return owners
                .iter()
                .any(|vhid| !is_own || port.state(vhid) != Some(State::Init));
        }
    }
    if is_own {
        return false;
    }
    let (namespace, table) = (device.namespace(), device.vrf_table(guard));
    match inet_device::owner_v4(namespace, address, guard) {
        Some(owner) if owner.vrf_table(guard) == table => Device::<Carp>::downcast(owner).is_some(),
        // The first one that was found is another table's.
        Some(_) => address::group_with(namespace, Ip::V4(address), table, guard).is_some(),
        None => false,
    }
}
