// SPDX-License-Identifier: GPL-2.0

//! What this host itself sends from a virtual address that is another host's now.
//!
//! The tables lead no new connection there ([`super::routes`]), but what has the address for
//! its source already goes on with it: connections of before, tunnels and daemons that name it
//! for their end, routes with it as preferred source. Their peers would hear two hosts that say
//! to be one. So it does not leave, as if the address were not there.
//!
//! Softirq or process context, under RCU. Only in namespaces that have a group of which
//! another host may be MASTER: others do not pay for it.

use super::{
    address,
    link::Carp,
    port::Port, //
};
use crate::{
    net::{
        inet_device,
        link_device::Device,
        local_output::{
            OutputV4,
            OutputV6,
            HEADER_LEN_V4,
            HEADER_LEN_V6, //
        },
        netdevice::NetDevice,
        netfilter::{
            Fate,
            Handler, //
        },
        rx_handler, //
    },
    proto::ownership::Ip, //
};
use kernel::sync::rcu;

/// Looks at the sources of what is sent.
pub(crate) struct OwnSource;

impl Handler<OutputV4, HEADER_LEN_V4> for OwnSource {
    fn output(device: &NetDevice, header: &[u8; HEADER_LEN_V4]) -> Fate<HEADER_LEN_V4> {
        let [.., s0, s1, s2, s3, _, _, _, _] = *header;
        judge(device, Ip::V4([s0, s1, s2, s3]))
    }
}

impl Handler<OutputV6, HEADER_LEN_V6> for OwnSource {
    fn output(device: &NetDevice, header: &[u8; HEADER_LEN_V6]) -> Fate<HEADER_LEN_V6> {
        let mut source = [0; 16];
        for (to, from) in source.iter_mut().zip(header.iter().skip(8)) {
            *to = *from;
        }
        judge(device, Ip::V6(source))
    }
}

/// What this host says to itself is nobody else's business. Link-local addresses are those of
/// one device each, and a group's sends nothing of a BACKUP's.
fn judge<const LEN: usize>(device: &NetDevice, source: Ip) -> Fate<LEN> {
    if device.is_loopback() || source.is_link_local() {
        return Fate::Keep;
    }
    let guard = rcu::read_lock();
    match group_elsewhere(device, source, &guard) {
        Some(group) => {
            group.private().counters.sent_not_master.increment();
            Fate::Drop
        }
        None => Fate::Keep,
    }
}

/// The group whose address it is, if another host may be MASTER of that, and if no other
/// device here has it for itself or as MASTER.
fn group_elsewhere<'a>(
    out: &NetDevice,
    source: Ip,
    guard: &'a rcu::Guard,
) -> Option<&'a Device<Carp>> {
    let namespace = out.namespace();
    let owner = match source {
        Ip::V4(bytes) => inet_device::owner_v4(namespace, bytes, guard),
        Ip::V6(bytes) => inet_device::owner_v6(namespace, bytes, guard),
    };
    // In a VRF nobody but its devices can be asked for IPv6.
    let is_in_doubt = match owner {
        Some(owner) => Device::<Carp>::downcast(owner).is_some_and(|group| {
            let (group, parent) = (group.private(), group.private().parent.get());
            !group.is_master() && !parent.is_some_and(|parent| has_master(parent, source, guard))
        }),
        None => matches!(source, Ip::V6(_)) && out.vrf_table(guard).is_some(),
    };
    if !is_in_doubt {
        return None;
    }
    let (mut group, mut is_here) = (None, false);
    NetDevice::for_each_rcu(namespace, guard, |other| {
        if !address::has(other, source, guard) {
            return;
        }
        match Device::<Carp>::downcast(other) {
            Some(elsewhere) if !elsewhere.private().is_master() => group = Some(elsewhere),
            _ => is_here = true,
        }
    });
    group.filter(|_| !is_here)
}

/// Whether this host is MASTER of a group on a parent that has an address: of several with
/// one address, it is usually MASTER of some.
fn has_master(parent: &NetDevice, address: Ip, guard: &rcu::Guard) -> bool {
    rx_handler::attached::<Port>(parent, guard).is_some_and(|port| {
        let owners = match address {
            Ip::V4(bytes) => port.owners_v4(bytes),
            Ip::V6(bytes) => port.owners_v6(bytes),
        };
        owners.iter().any(|vhid| port.standing(vhid).is_master())
    })
}
