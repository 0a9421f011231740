// SPDX-License-Identifier: GPL-2.0

//! What becomes of the frames that a parent receives.
//!
//! Softirq context, under RCU, for every frame: nothing is allocated or locked
//! but for ARP, neighbour discovery, what goes to a group's device, and, until the
//! routes are there, what is for a group. A frame that is not for a group costs a few
//! instructions (`Documentation/benchmarks.md`). `Documentation/data-path.md` has it
//! as a picture.

use super::{
    conflict,
    ethertype::{
        ETHERTYPE_ARP,
        ETHERTYPE_IPV4,
        ETHERTYPE_IPV6, //
    },
    link::Carp,
    port::{
        Port,
        Taken, //
    },
    question,
    routes,
    sharing::to_sharing, //
};
use crate::{
    net::{
        inet_device,
        link_device::Device,
        netdevice::NetDevice,
        rx_handler::{
            Frame,
            Glance,
            RxHandler,
            Verdict, //
        }, //
    },
    proto::{
        group_of_mac,
        is_virtual_multicast_mac,
        listener,
        multicast_mac,
        neighbour::{
            begins_link_local,
            is_link_local,
            is_solicited_node_mac,
            may_be_icmpv6,
            Beginning,
            ALL_NODES_MAC,
            ALL_ROUTERS_MAC,
            NEXT_HEADER,
            SOLICITED_NODE_MAC, //
        },
        number_of_mac,
        octet_of_virtual_mac,
        Arp,
        Cast,
        Family,
        Operation,
        Vhid,
        IP_PROTOCOL,
        MULTICAST_V4, //
    }, //
};
use kernel::sync::{
    aref::ARef,
    rcu, //
};

impl RxHandler for Port {
    #[inline(always)]
    fn glance(&self, frame: &Frame<'_>) -> Glance {
        const IPV4: u16 = ETHERTYPE_IPV4.to_be();
        const IPV6: u16 = ETHERTYPE_IPV6.to_be();
        const ARP: u16 = ETHERTYPE_ARP.to_be();
        if let Some(group) =
            octet_of_virtual_mac(frame.destination()).and_then(|octet| self.glimpse(octet))
        {
            // What is taken of IPv4 stands for what goes beyond the link.
            if group.takes(frame.protocol_once()) {
                group.counting.add(frame.len());
                return Glance::Accept;
            }
            if frame.protocol_as_sent() == IPV6 && group.takes(IPV4) && goes_beyond_link_v6(frame) {
                group.counting.add(frame.len());
                return Glance::Accept;
            }
            return if group.is_vacant() {
                Glance::Pass
            } else {
                Glance::Closer
            };
        }
        let destination = frame.destination_number();
        let is_for_carp = if frame.protocol_as_sent() == IPV4 {
            destination == ADVERTISEMENTS
                || self.is_watchful()
                    && (is_virtual_multicast_mac(destination)
                        || self.may_be_virtual(|| source_v4(frame)))
        } else {
            match frame.protocol_as_sent() {
                IPV6 => may_concern_v6(destination, frame) || is_virtual_multicast_mac(destination),
                ARP => true,
                _ => false,
            }
        };
        if is_for_carp {
            Glance::Closer
        } else {
            Glance::Pass
        }
    }

    /// A frame to a virtual MAC is taken by the MASTER, as one for this host, and
    /// goes on where it came in: on the parent, with the parent's firewall rules
    /// and routes. A BACKUP drops it and neither delivers nor forwards it.
    fn receive(&self, frame: &Frame<'_>) -> Verdict<'_> {
        match group_of_mac(*frame.destination()) {
            Some((vhid, Cast::Unicast)) => match self.take(vhid, frame.len()) {
                None => Verdict::Pass,
                Some(Taken::No) => Verdict::Discard,
                Some(Taken::Shared) => {
                    to_sharing(self, vhid, Cast::Unicast, frame).unwrap_or(Verdict::Pass)
                }
                Some(taken) => to_group(self, vhid, frame, taken),
            },
            Some((vhid, Cast::Multicast)) => to_sharing(self, vhid, Cast::Multicast, frame)
                .unwrap_or_else(|| to_others(self, frame)),
            None => to_others(self, frame),
        }
    }
}

/// The source of what is an IPv4 packet if it is long enough, and looked at closer.
#[inline(always)]
fn source_v4(frame: &Frame<'_>) -> Option<[u8; 4]> {
    const OFFSET: usize = 12;
    frame.peek(OFFSET)
}

/// Whether an IPv6 packet can be a solicitation, a question who listens, or a neighbour's
/// advertisement to all.
#[inline(always)]
fn may_concern_v6(destination: u64, frame: &Frame<'_>) -> bool {
    // What is none of these is told so by one comparison: the last four octets, counted round from
    // those of the first solicited node, end with those of all routers.
    const FIRST: u32 = number_of_mac(SOLICITED_NODE_MAC) as u32;
    const LAST: u32 = (ROUTERS as u32).wrapping_sub(FIRST);
    (destination as u32).wrapping_sub(FIRST) <= LAST
        && frame.destination_begins() == MULTICAST_V6
        && (destination != NODES
            || frame
                .peek(NEXT_HEADER)
                .is_none_or(|[next_header]| may_be_icmpv6(next_header)))
}

/// Whether an IPv6 packet is certainly none of those that the device of a group is for
/// ([`ipv6_to_group`]).
#[inline(always)]
fn goes_beyond_link_v6(frame: &Frame<'_>) -> bool {
    // From the next header to the beginning of the destination, at 24.
    let bytes: Option<[u8; 20]> = frame.peek(NEXT_HEADER);
    bytes.is_some_and(|[next_header, .., first, second]| {
        !may_be_icmpv6(next_header) && !begins_link_local([first, second])
    })
}

/// Where IPv4 advertisements are sent to.
const ADVERTISEMENTS: u64 = number_of_mac(multicast_mac(Family::V4));
/// With what IPv6 multicast begins, the same in both orders.
const MULTICAST_V6: u16 = 0x3333;
/// Where all are asked and told.
const NODES: u64 = number_of_mac(ALL_NODES_MAC);
/// Where routers are asked.
const ROUTERS: u64 = number_of_mac(ALL_ROUTERS_MAC);

/// A frame to the virtual MAC of a MASTER that is no plain matter.
pub(super) fn to_group<'a>(
    port: &'a Port,
    vhid: Vhid,
    frame: &Frame<'_>,
    taken: Taken,
) -> Verdict<'a> {
    match frame.protocol() {
        ETHERTYPE_IPV6 => ipv6_to_group(port, vhid, frame, taken),
        ETHERTYPE_IPV4 if taken == Taken::Unrouted => {
            let to_virtual = frame
                .head::<20>()
                .is_some_and(|header| is_to_virtual_v4(port, vhid, &header));
            if to_virtual {
                Verdict::Deliver(port.local_v4())
            } else {
                Verdict::Accept
            }
        }
        ETHERTYPE_ARP => match arp(frame) {
            // The answer to a question that was asked through the group's device,
            // which is where the stack waits for it.
            Some(packet) if packet.operation == Operation::Reply => to_device(port, vhid),
            Some(request) if question::by_arp(port, &request) => Verdict::Consume,
            _ => Verdict::Accept,
        },
        _ => Verdict::Accept,
    }
}

/// Whether an IPv4 packet is to an address of a group, and from one that it can come
/// from: whatever else it is, is for the routing code to refuse.
fn is_to_virtual_v4(port: &Port, vhid: Vhid, header: &[u8; 20]) -> bool {
    let (source, destination) = addresses(header);
    let guard = rcu::read_lock();
    port.group(vhid)
        .is_some_and(|device| inet_device::has_v4(&device, &guard, destination))
        && is_from_elsewhere(port, source, &guard)
}

/// Whether an IPv4 address is one that another host can speak from, and is none of this
/// host's, nor a virtual one of it.
pub(super) fn is_from_elsewhere(port: &Port, source: [u8; 4], guard: &rcu::Guard) -> bool {
    !is_martian(source) && inet_device::owner_v4(port.parent().namespace(), source, guard).is_none()
}

/// An IPv6 packet to the virtual MAC of a MASTER. What concerns the link alone is
/// the business of the group's device: a link-local address is one of its own, and
/// neighbours are those of a device.
fn ipv6_to_group<'a>(port: &'a Port, vhid: Vhid, frame: &Frame<'_>, taken: Taken) -> Verdict<'a> {
    let Some(beginning) = frame.head().map(Beginning::new) else {
        return Verdict::Accept;
    };
    if beginning.is_solicitation() && question::by_solicitation(port, frame, Some(vhid)) {
        return Verdict::Consume;
    }
    let destination = beginning.destination();
    if beginning.is_neighbour_discovery() || is_link_local(destination) {
        return to_device(port, vhid);
    }
    if taken == Taken::Unrouted {
        let is_virtual = port
            .group(vhid)
            .is_some_and(|device| inet_device::has_v6(&device, &rcu::read_lock(), destination));
        if let Some(route) = port.local_v6().filter(|_| is_virtual) {
            return Verdict::Deliver(route);
        }
    }
    Verdict::Accept
}

/// A frame to the device of a group.
fn to_device<'a>(port: &Port, vhid: Vhid) -> Verdict<'a> {
    match port.group(vhid) {
        Some(device) => Verdict::Redirect(ARef::<NetDevice>::from(&**device)),
        None => Verdict::Discard,
    }
}

/// A frame to many, or by ARP to the parent.
fn to_others<'a>(port: &'a Port, frame: &Frame<'_>) -> Verdict<'a> {
    let destination = *frame.destination();
    match frame.protocol() {
        ETHERTYPE_ARP => {
            if let Some(packet) = arp(frame) {
                conflict::by_arp(port, &packet);
                if question::by_arp(port, &packet) {
                    return Verdict::Consume;
                }
                // The MASTER may be one that asks in the name of the address. It asks
                // again. (Who answers is believed.)
                if packet.operation == Operation::Request
                    && port.may_be_elsewhere(packet.sender)
                    && port.is_elsewhere(packet.sender)
                {
                    routes::ask_for_sources(port.parent());
                }
            }
        }
        ETHERTYPE_IPV4 => {
            let Some(header) = frame.head::<20>() else {
                return Verdict::Pass;
            };
            if destination == multicast_mac(Family::V4) && is_advertisement(&header) {
                return Verdict::Hear(port.advertisements_v4());
            }
            return from_others(port, frame, &header);
        }
        ETHERTYPE_IPV6 => {
            if destination == ALL_ROUTERS_MAC {
                show_to_routers(port, frame);
            } else if is_solicited_node_mac(destination)
                && question::by_solicitation(port, frame, None)
            {
                return Verdict::Consume;
            } else {
                show_to_listeners(port, frame);
                if destination == ALL_NODES_MAC {
                    conflict::by_advertisement(port, frame);
                }
            }
        }
        _ => {}
    }
    Verdict::Pass
}

/// Whether it is an IPv4 advertisement to the group of them all. By itself the
/// stack loses one that comes from an address for which a reverse path filter has
/// no route, or from one of this host's own, as its own echo does. It still goes
/// through the firewall, to the protocol's handler.
fn is_advertisement(header: &[u8; 20]) -> bool {
    let [.., protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *header;
    let unnumbered = [s0, s1, s2, s3] == [0; 4];
    protocol == IP_PROTOCOL
        && [d0, d1, d2, d3] == MULTICAST_V4
        && (unnumbered || !is_martian([s0, s1, s2, s3]))
}

/// An IPv4 packet that is not for a group. Where the reverse path filter is off, the
/// stack believes no packet from an address in its own list, be it the MASTER's: what the
/// MASTER answers to this host is given its way, and before anything else of it comes,
/// the tables have to be asked instead. So they are where this host forwards: by then what
/// was sent to its address may be for somebody else, behind it (NAT), and loses its way again.
fn from_others<'a>(port: &'a Port, frame: &Frame<'_>, header: &[u8; 20]) -> Verdict<'a> {
    let (source, destination) = addresses(header);
    if !port.is_elsewhere(source) {
        return Verdict::Pass;
    }
    let (parent, guard) = (port.parent(), rcu::read_lock());
    let is_own = inet_device::has_v4(parent, &guard, destination) && frame.is_for_device();
    if !is_own || inet_device::forwards_v4(parent, &guard) {
        routes::ask_for_sources(parent);
    }
    if is_own {
        Verdict::Deliver(port.local_v4())
    } else {
        Verdict::Pass
    }
}

/// The source and the destination of an IPv4 packet.
fn addresses(header: &[u8; 20]) -> ([u8; 4], [u8; 4]) {
    let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *header;
    ([s0, s1, s2, s3], [d0, d1, d2, d3])
}

/// Whether no packet on a link can come from an IPv4 address. The routing code
/// refuses such packets, and has to see them for that.
fn is_martian([first, ..]: [u8; 4]) -> bool {
    matches!(first, 0 | 127 | 224..)
}

fn arp(frame: &Frame<'_>) -> Option<Arp> {
    frame.head().and_then(|bytes| Arp::parse(&bytes))
}

/// Shows a router solicitation to the devices of the groups that this host is
/// MASTER of: what advertises a virtual address as a router listens there.
fn show_to_routers(port: &Port, frame: &Frame<'_>) {
    let solicits = frame
        .head()
        .is_some_and(|bytes| Beginning::new(bytes).is_router_solicitation());
    if solicits {
        // Who does not forward, advertises nothing.
        show(port, frame, |device| {
            inet_device::forwards_v6(device, &rcu::read_lock())
        });
    }
}

/// Shows the question who listens to the devices of the groups that this host is MASTER
/// of. Their stacks answer for the addresses at which neighbours are solicited; of what
/// nobody answers for, a switch that snoops keeps solicitations back.
fn show_to_listeners(port: &Port, frame: &Frame<'_>) {
    if frame.head().is_some_and(|head| listener::is_query(&head)) {
        show(port, frame, |_| true);
    }
}

/// Shows a frame to the devices of those groups that this host is MASTER of, and that are
/// `concerned`.
fn show(port: &Port, frame: &Frame<'_>, concerned: impl Fn(&Device<Carp>) -> bool) {
    for device in port.each_group() {
        if device.has_carrier() && concerned(&device) {
            frame.show_to(&device);
        }
    }
}
