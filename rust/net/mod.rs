// SPDX-License-Identifier: GPL-2.0

//! Safe abstractions of the kernel's networking interfaces.
//!
//! One file per interface. All `unsafe` of the module is here, nothing here
//! knows CARP, and each file says in which contexts its functions may be called.
//! Written in the manner of the kernel crate's own, to be proposed to it.

pub(crate) mod arp_output;
pub(crate) mod attribute;
pub(crate) mod bindings;
pub(crate) mod bridge;
pub(crate) mod device_slot;
pub(crate) mod errno;
pub(crate) mod extended_ack;
pub(crate) mod features;
pub(crate) mod generic_netlink;
pub(crate) mod hmac_sha1;
pub(crate) mod inet_device;
pub(crate) mod inet_protocol;
pub(crate) mod layers;
pub(crate) mod link_device;
pub(crate) mod local_output;
pub(crate) mod local_route;
pub(crate) mod macvlan;
pub(crate) mod multicast;
pub(crate) mod multicast_filter;
pub(crate) mod namespace;
pub(crate) mod neighbour;
pub(crate) mod neighbour_output;
pub(crate) mod netdevice;
pub(crate) mod netfilter;
pub(crate) mod notifier;
pub(crate) mod per_cpu;
pub(crate) mod pernet;
mod placement;
pub(crate) mod random;
pub(crate) mod ratelimit;
pub(crate) mod rcu_slot;
pub(crate) mod read_once;
pub(crate) mod route_netlink;
pub(crate) mod rtnl;
pub(crate) mod rtnl_link;
pub(crate) mod rx_handler;
pub(crate) mod sha1;
pub(crate) mod skbuff;
pub(crate) mod spin_lock_bh;
pub(crate) mod stacking;
pub(crate) mod sysctl;
pub(crate) mod timer;
pub(crate) mod vlan;
pub(crate) mod vrf;
pub(crate) mod workqueue;
