// SPDX-License-Identifier: GPL-2.0

//! The routes that we have put into a namespace's tables, and bringing them in line
//! with a plan.
//!
//! Process context, the RTNL not held. Only one's own routes are deleted: all carry
//! a protocol number of their own.

use super::{
    link::Carp,
    log,
    route_plan::{
        Plan,
        Removal,
        Wanted, //
    },
    routes::{
        self,
        Doubts, //
    }, //
};
use crate::{
    net::{
        inet_device,
        link_device::Device,
        namespace::Namespace,
        netdevice::NetDevice,
        pernet::Home,
        route_netlink::{
            self,
            Socket,
            PROTOCOL_KERNEL, //
        },
        workqueue::Pause, //
    },
    proto::{
        ownership::{
            Ip,
            Kind,
            Prefixed,
            Route, //
        },
        IP_PROTOCOL, //
    }, //
};
use kernel::{
    pr_warn_once,
    prelude::*,
    sync::rcu, //
};

/// `ip route show proto 112`: what was put there by us.
const PROTOCOL: u8 = IP_PROTOCOL;

/// IPv6: as good as can be, but not as the kernel's own local route.
const METRIC_NEIGHBOUR_V6: u32 = 1;
const METRIC_UNREACHABLE_V6: u32 = 2;
/// Worse than what the kernel or an administrator says about the same prefix.
const METRIC_LAST: u32 = 1024;

/// How long to wait for what the kernel is about to do, at first. Then twice as
/// long, and so on.
const FIRST_PAUSE: u32 = 4;
/// How often the pause doubles: to two seconds. A search for duplicate addresses can take
/// longer (`dad_transmits`, or the interval that a router advertises).
const DOUBLINGS: u32 = 9;
/// How long to wait after a failure.
const AFTER_FAILURE: Pause = Pause(1000);

/// A route of ours.
struct Entry {
    route: Route,
    /// It is in the table.
    there: bool,
}

/// The routes of ours in one namespace. When it goes, they go.
pub(super) struct Ledger {
    home: Home,
    book: Book,
    /// How often was waited since something new came, or [`DOUBLINGS`].
    waited: u32,
}

/// What was done in a namespace.
struct Book {
    /// Sorted.
    entries: KVVec<Entry>,
    /// The namespace checks source addresses by its tables, not by its addresses.
    checks_by_table: bool,
}

impl Ledger {
    /// An empty one.
    pub(super) fn new(home: Home) -> Self {
        Self {
            home,
            book: Book {
                entries: KVVec::new(),
                checks_by_table: false,
            },
            waited: 0,
        }
    }

    /// Where the routes are.
    pub(super) fn namespace(&self) -> &Namespace {
        &self.home
    }

    /// Something new came: it may be waited for again.
    pub(super) fn forget_patience(&mut self) {
        self.waited = 0;
    }

    /// Brings the tables in line with a plan, and says when to look again. `is_stale`
    /// says whether something has changed since the plan was made.
    pub(super) fn follow(
        &mut self,
        plan: &Plan,
        doubts: &Doubts,
        is_stale: impl Fn() -> bool,
    ) -> Option<Pause> {
        let pause = match self.apply(plan, doubts, &is_stale) {
            Ok(failures) => {
                self.confirm(plan, &failures, is_stale);
                failures.any.then_some(AFTER_FAILURE)
            }
            Err(error) => {
                pr_warn_once!("routes cannot follow the groups: {:?}\n", error);
                Some(AFTER_FAILURE)
            }
        };
        if plan.parts.iter().any(|part| part.to_come) {
            self.waited = DOUBLINGS.min(self.waited + 1);
            return Some(Pause(FIRST_PAUSE << self.waited));
        }
        pause
    }

    /// The groups that are MASTER, and whose addresses are this host's in the tables,
    /// need no other way for frames any more; the others do.
    fn confirm(&self, plan: &Plan, failures: &Failures, is_stale: impl Fn() -> bool) {
        let guard = rcu::read_lock();
        NetDevice::for_each_rcu(&self.home, &guard, |device| {
            let Some(group) = Device::<Carp>::downcast(device) else {
                return;
            };
            let done = plan
                .parts
                .iter()
                .zip(&failures.parts)
                .any(|(part, failed)| {
                    part.device == device.index() && part.master && !part.to_come && !failed
                });
            routes::set_routed(group, done);
            // Looked at after it was said: who changes something, says so first.
            if done && is_stale() {
                routes::set_routed(group, false);
            }
        });
    }

    /// IPv6 first: unlike IPv4's, its requests do not wait for the RTNL. In each
    /// family what is new comes before the old goes.
    fn apply(
        &mut self,
        plan: &Plan,
        doubts: &Doubts,
        is_stale: &impl Fn() -> bool,
    ) -> Result<Failures> {
        let book = &mut self.book;
        // Those in doubt are added again, which fails if they are there. Before anything
        // can fail: nobody else remembers the doubts.
        for entry in book.entries.iter_mut() {
            entry.there &= !doubts.are_about(&entry.route);
        }
        let mut failures = Failures::new(plan.parts.len())?;
        book.entries.reserve(plan.wanted.len(), GFP_KERNEL)?;
        if book.entries.is_empty() && plan.wanted.is_empty() && plan.removals.is_empty() {
            return Ok(failures);
        }
        let socket = Socket::open(&self.home)?;
        failures.any |= !book.ask_for_sources(&socket, plan);
        for v6 in [true, false] {
            let of_family = |destination: Prefixed| matches!(destination.address, Ip::V6(_)) == v6;
            for wanted in &plan.wanted {
                if of_family(wanted.route.destination) && !book.is_there(&wanted.route) {
                    if !book.add(&socket, plan, &wanted.route) {
                        failures.add(wanted);
                    }
                }
            }
            for removal in &plan.removals {
                if of_family(removal.destination) {
                    failures.any |= !remove(&self.home, &socket, removal, is_stale);
                }
            }
            let unwanted = |route: &Route| of_family(route.destination) && !plan.wants(route);
            if !book.delete(&socket, unwanted) {
                failures.add_all();
            }
        }
        Ok(failures)
    }
}

impl Book {
    fn position(&self, route: &Route) -> Result<usize, usize> {
        self.entries
            .binary_search_by_key(route, |entry| entry.route)
    }

    fn is_there(&self, route: &Route) -> bool {
        let entry = self
            .position(route)
            .ok()
            .and_then(|at| self.entries.get(at));
        entry.is_some_and(|entry| entry.there)
    }

    /// Adds a route; whether it is there now. There is room in the ledger.
    fn add(&mut self, socket: &Socket<'_>, plan: &Plan, route: &Route) -> bool {
        let v4 = matches!(route.destination.address, Ip::V4(_));
        let way_is_free = v4 || self.make_way(socket, plan, route);
        let result = socket.add(&request(route));
        let position = self.position(route);
        // There it is, if it is ours. If it is somebody else's it does what ours
        // would do, and stays. One of ours that was in the way, and had to stay for
        // want of memory, does not.
        let there = result == Ok(()) || (result == Err(EEXIST) && way_is_free);
        if there && route.kind == Kind::Multicast {
            replace_multicast(socket, route);
        }
        match position {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.there = there;
                }
            }
            Err(at) => {
                if let Err(error) = result {
                    log::route_failed(route, error);
                }
                let entry = Entry {
                    route: *route,
                    there,
                };
                let _ = self.entries.insert_within_capacity(at, entry);
            }
        }
        there
    }

    /// Deletes those that differ in the source address only: to IPv6, they are the
    /// same. So is a route that lost its source address to the kernel. Whether they are
    /// gone.
    fn make_way(&mut self, socket: &Socket<'_>, plan: &Plan, route: &Route) -> bool {
        let mut gone = true;
        let first = Route {
            source: None,
            ..*route
        };
        let mut at = self.entries.partition_point(|entry| entry.route < first);
        while let Some(entry) = self.entries.get(at).filter(|e| e.route.is_like(route)) {
            // That for multicast has no source to lose.
            let same = entry.route == *route && route.kind != Kind::Multicast;
            let wanted = plan.wants(&entry.route);
            if same || !wanted {
                let result = socket.delete(&request(&entry.route));
                gone &= matches!(result, Ok(()) | Err(ESRCH));
            }
            // One that is still there goes when the new one is asked for again, or is
            // not wanted any more: who deletes one of them, deletes the other.
            if same || wanted || self.entries.remove(at).is_err() {
                at += 1;
            }
        }
        gone
    }

    /// Deletes some of our routes. Whether they are gone.
    fn delete(&mut self, socket: &Socket<'_>, mut choose: impl FnMut(&Route) -> bool) -> bool {
        let mut gone = true;
        self.entries.retain(|entry| {
            if !choose(&entry.route) {
                return true;
            }
            match socket.delete(&request(&entry.route)) {
                Ok(()) | Err(ESRCH) => false,
                Err(_) => {
                    gone = false;
                    true
                }
            }
        });
        gone
    }

    /// Without a reverse path filter, a host does not believe a packet that comes from an
    /// address of its own, local or not, until somebody has added a local route. From
    /// then on every packet costs more. Whether somebody has, or need not.
    fn ask_for_sources(&mut self, socket: &Socket<'_>, plan: &Plan) -> bool {
        if self.checks_by_table || !plan.asks_for_sources {
            return true;
        }
        let is_v4 = |route: &Route| matches!(route.destination.address, Ip::V4(_));
        let elsewhere = plan
            .wanted
            .iter()
            .find(|wanted| is_v4(&wanted.route) && wanted.route.kind == Kind::Neighbour);
        let Some((route, part)) =
            elsewhere.and_then(|wanted| Some((&wanted.route, plan.parts.get(wanted.part)?)))
        else {
            return true;
        };
        let mut local = request(route);
        local.kind = route_netlink::Kind::Local;
        local.device = Some(part.device);
        local.source = None;
        // Behind the kernel's own, so that it is not used.
        local.metric = Some(METRIC_LAST);
        // If it exists, it was added like this once, and is in the way of nothing.
        self.checks_by_table = matches!(socket.add(&local), Ok(()) | Err(EEXIST));
        let _ = socket.delete(&local);
        self.checks_by_table
    }
}

/// Deletes the kernel's own route for multicast, if there is one: ours does what it did.
fn replace_multicast(socket: &Socket<'_>, ours: &Route) {
    let kernels = route_netlink::Route {
        protocol: PROTOCOL_KERNEL,
        metric: Some(inet_device::MULTICAST_METRIC_V6),
        ..request(ours)
    };
    // Usually there is none.
    let _ = socket.delete(&kernels);
}

/// Deletes a route that the kernel made. Whether it is gone. If something has changed since it
/// was planned, the kernel may be about to make it.
fn remove(
    namespace: &Namespace,
    socket: &Socket<'_>,
    removal: &Removal,
    is_stale: impl Fn() -> bool,
) -> bool {
    let route = route_netlink::Route {
        destination: address(removal.destination.address),
        prefix_len: removal.destination.prefix_len,
        kind: match removal.prefix_metric {
            Some(_) => route_netlink::Kind::Link,
            None => route_netlink::Kind::Local,
        },
        table: removal.table,
        protocol: PROTOCOL_KERNEL,
        device: Some(removal.device),
        source: None,
        metric: removal.prefix_metric,
    };
    // That it is gone already is fine.
    let result = socket.delete(&route);
    let gone = matches!(result, Ok(()) | Err(ESRCH));
    let to_come = result == Err(ESRCH) && is_stale();
    if removal.prefix_metric.is_some() && gone && !to_come {
        // It would come back when the device is taken down and up.
        let guard = rcu::read_lock();
        NetDevice::for_each_rcu(namespace, &guard, |device| {
            if device.index() == removal.device {
                inet_device::set_makes_prefix_route_v6(device, &guard, false, |own| {
                    removal.destination.has(Ip::V6(own))
                });
            }
        });
    }
    gone
}

impl Drop for Ledger {
    /// The groups are gone, and the module may stay out for ever.
    fn drop(&mut self) {
        if self.book.entries.is_empty() || !self.home.is_alive() {
            return;
        }
        if let Ok(socket) = Socket::open(&self.home) {
            for entry in &self.book.entries {
                let _ = socket.delete(&request(&entry.route));
            }
        }
    }
}

/// The groups of a plan whose routes could not be put in place.
struct Failures {
    parts: KVVec<bool>,
    any: bool,
}

impl Failures {
    fn new(parts: usize) -> Result<Self> {
        let parts = KVVec::from_elem(false, parts, GFP_KERNEL)?;
        Ok(Self { parts, any: false })
    }

    fn add(&mut self, wanted: &Wanted) {
        self.any = true;
        // It does not say whose the addresses are.
        if wanted.route.kind == Kind::Multicast {
            return;
        }
        if let Some(failed) = self.parts.get_mut(wanted.part) {
            *failed = true;
        }
    }

    fn add_all(&mut self) {
        self.any = true;
        self.parts.iter_mut().for_each(|failed| *failed = true);
    }
}

/// A route of ours, as the kernel is told of it.
fn request(route: &Route) -> route_netlink::Route {
    let v6 = matches!(route.destination.address, Ip::V6(_));
    let (kind, metric) = match route.kind {
        Kind::Neighbour => (route_netlink::Kind::Link, v6.then_some(METRIC_NEIGHBOUR_V6)),
        Kind::Unreachable => (
            route_netlink::Kind::Unreachable,
            v6.then_some(METRIC_UNREACHABLE_V6),
        ),
        Kind::Local => (route_netlink::Kind::Local, Some(METRIC_LAST)),
        Kind::Connected => (route_netlink::Kind::Link, Some(METRIC_LAST)),
        Kind::Broadcast => (route_netlink::Kind::Broadcast, None),
        Kind::Multicast => (route_netlink::Kind::Multicast, Some(METRIC_LAST)),
    };
    route_netlink::Route {
        destination: address(route.destination.address),
        prefix_len: route.destination.prefix_len,
        kind,
        table: route.table,
        protocol: PROTOCOL,
        device: (route.device != 0).then_some(route.device),
        source: route.source.map(address),
        metric,
    }
}

fn address(ip: Ip) -> route_netlink::Address {
    match ip {
        Ip::V4(bytes) => route_netlink::Address::V4(bytes),
        Ip::V6(bytes) => route_netlink::Address::V6(bytes),
    }
}
