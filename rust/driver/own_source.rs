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

/// What this host says to itself is nobody else's business; what leaves a VRF comes by a second
/// time, with the device that it leaves by. Link-local addresses are those of one device each,
/// and a group's sends nothing of a BACKUP's.
fn judge<const LEN: usize>(device: &NetDevice, source: Ip) -> Fate<LEN> {
    if device.is_loopback() || device.is_vrf() || source.is_link_local() {
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
/// device here has it.
///
/// Most packets are from an address of the device that they leave by, or of one that the kernel
/// finds at once; of the others, all devices are asked.
fn group_elsewhere<'a>(
    out: &NetDevice,
    source: Ip,
    guard: &'a rcu::Guard,
) -> Option<&'a Device<Carp>> {
    if Device::<Carp>::downcast(out).is_none() && address::has_usable(out, source, guard) {
        return None;
    }
    let (namespace, table) = (out.namespace(), out.vrf_table(guard));
    let owner = match source {
        Ip::V4(bytes) => inet_device::owner_v4(namespace, bytes, guard),
        Ip::V6(bytes) => inet_device::owner_v6(namespace, bytes, guard),
    };
    let is_in_doubt = match owner {
        Some(owner) if owner.vrf_table(guard) == table => {
            is_of_group_elsewhere(owner, source, guard)
        }
        // The first one that was found is another table's.
        Some(_) => true,
        // IPv6 finds none in a VRF.
        None => table.is_some(),
    };
    if !is_in_doubt || address::is_here(namespace, source, table, guard) {
        return None;
    }
    address::group_with(namespace, source, table, guard)
}

/// Whether a device that has an address is a group's of which this host is not MASTER, nor of
/// another one with that address on its parent: of several with one, it usually is of some.
fn is_of_group_elsewhere(owner: &NetDevice, address: Ip, guard: &rcu::Guard) -> bool {
    let Some(device) = Device::<Carp>::downcast(owner) else {
        return false;
    };
    let group = device.private();
    let port = || rx_handler::attached::<Port>(group.parent.get()?, guard);
    let is_master_in = |port: &Port| {
        let mut owners = port.owners(address).iter();
        owners.any(|vhid| port.standing(vhid).is_master())
    };
    !group.is_master() && !port().is_some_and(is_master_in)
}
