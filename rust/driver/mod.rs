// SPDX-License-Identifier: GPL-2.0

//! The driver: what joins the protocol core to the kernel.
//!
//! A group of hosts that share addresses is a network device of kind `carp`
//! ([`link`]); its state machine, key and timers are a [`group::Group`]. The
//! device it sits on, its parent, has one [`port::Port`] for all groups on it,
//! which sees every frame the parent receives.
//!
//! # Contexts and locks
//!
//! - Configuration (netlink, sysctl, notifiers) runs in process context with the
//!   RTNL held, and changes which port and vhid a group has.
//! - The state machine runs wherever something happens: frames and time-outs in
//!   softirq context, the rest in process context. Its lock
//!   (`Group::machine`) is held only while it decides; sending comes after.
//! - A port's table of groups has a lock of its own. It is never taken while a
//!   machine's lock is held, nor the other way round.
//! - Nothing on the way from a time-out to the first frame sent or taken waits
//!   for the RTNL or a process.
//!
//! There is no `unsafe` here.

pub(crate) mod address;
pub(crate) mod address_filter;
pub(crate) mod advertise;
pub(crate) mod announce;
pub(crate) mod arrangement;
pub(crate) mod bridge;
pub(crate) mod conditions;
pub(crate) mod conflict;
pub(crate) mod counters;
pub(crate) mod description;
pub(crate) mod digest;
pub(crate) mod ethertype;
pub(crate) mod events;
pub(crate) mod frame;
pub(crate) mod generic_netlink;
pub(crate) mod group;
pub(crate) mod inherit;
pub(crate) mod key;
pub(crate) mod limit;
pub(crate) mod link;
pub(crate) mod link_messages;
pub(crate) mod log;
pub(crate) mod network;
pub(crate) mod news;
pub(crate) mod node;
pub(crate) mod own_source;
pub(crate) mod own_stack;
pub(crate) mod parent;
pub(crate) mod place;
pub(crate) mod port;
pub(crate) mod question;
pub(crate) mod reboot;
pub(crate) mod receive;
pub(crate) mod report;
pub(crate) mod request;
pub(crate) mod request_nodes;
pub(crate) mod route_ledger;
pub(crate) mod route_plan;
pub(crate) mod routes;
pub(crate) mod sharing;
pub(crate) mod vrf;
