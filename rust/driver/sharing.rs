// SPDX-License-Identifier: GPL-2.0

//! What becomes of a frame for the virtual MAC of a group whose hosts share the load.
//!
//! Softirq context, under RCU, for every such frame: no lock (but for ICMP errors, and what
//! [`to_group`] takes one for), no allocation. All hosts of
//! the group see the frame, choose the node that it is for from what all of them know, and
//! the one that is MASTER of that node takes it, as a group of one node does.

use super::{
    ethertype::{
        ETHERTYPE_IPV4,
        ETHERTYPE_IPV6, //
    },
    frame::to_group,
    port::{
        Port,
        Taken, //
    }, //
};
use crate::{
    net::rx_handler::{
        Frame,
        Verdict, //
    },
    proto::{
        ownership::Ip,
        Cast,
        Selection,
        Share,
        Takers,
        Vhid, //
    }, //
};
use kernel::sync::rcu;

/// A frame to the virtual MAC of the group with this leader, of this sort; `None` if there
/// is no such MAC here, or if it is for whoever has joined the IP group.
pub(super) fn to_sharing<'a>(
    port: &'a Port,
    leader: Vhid,
    cast: Cast,
    frame: &Frame<'_>,
) -> Option<Verdict<'a>> {
    let takers = {
        let guard = rcu::read_lock();
        let sharing = port.sharing(leader, &guard)?;
        if sharing.cast != cast {
            return None;
        }
        takers(&sharing.share, frame)
    };
    let standing = port.standing(leader);
    let is_node_master = |vhid| port.is_master_of(vhid);
    let taken = match takers {
        Takers::Members if cast == Cast::Multicast => return None,
        Takers::Members | Takers::Masters => standing.is_master(),
        Takers::Node(vhid) => is_node_master(vhid),
        Takers::Knowing { node, destination } => {
            is_node_master(node) || standing.is_master() && has(port, leader, destination)
        }
    };
    let traffic = port.traffic(leader)?;
    if taken {
        traffic.add(frame.len());
        let taken = if standing.is_routed() {
            Taken::Routed
        } else {
            Taken::Unrouted
        };
        return Some(to_group(port, leader, frame, taken));
    }
    if standing.is_master() {
        traffic.add_not_selected();
    } else {
        traffic.add_dropped();
    }
    Some(Verdict::Discard)
}

fn takers(share: &Share, frame: &Frame<'_>) -> Takers {
    if !matches!(frame.protocol(), ETHERTYPE_IPV4 | ETHERTYPE_IPV6) {
        return Takers::Masters;
    }
    match share.selection {
        Selection::Addresses => share.takers(frame.beginning(&mut [0; Share::ADDRESSES_LOOK_AT])),
        Selection::Flow => share.takers(frame.beginning(&mut [0; Share::FLOW_LOOKS_AT])),
    }
}

/// Whether an address is one of the group's.
fn has(port: &Port, leader: Vhid, address: Ip) -> bool {
    port.owners(address).contains(leader)
}
