// SPDX-License-Identifier: GPL-2.0

//! Which routes a namespace should have for its groups, as things are now.
//!
//! Process context. What is looked at is read under RCU: the RTNL may be held by
//! somebody else for long.

use super::{
    address,
    link::Carp, //
};
use crate::{
    net::{
        inet_device::{
            self,
            RoutesV6, //
        },
        link_device::Device,
        namespace::Namespace,
        netdevice::NetDevice, //
    },
    proto::{
        ownership::{
            self,
            Ip,
            Parent,
            Prefixed,
            Route,
            Standing,
            Surroundings,
            Virtual,
            TABLE_LOCAL,
            TABLE_MAIN, //
        },
        sort_by_key, //
    }, //
};
use kernel::{
    prelude::*,
    sync::rcu, //
};

/// A route that the kernel made for a virtual address and that has to go.
pub(super) struct Removal {
    pub(super) destination: Prefixed,
    pub(super) table: u32,
    pub(super) device: u32,
    /// To the prefix, with this metric; else a local one. In a VRF both can be to one
    /// address and in one table.
    pub(super) prefix_metric: Option<u32>,
}

/// What is planned for one group.
pub(super) struct Part {
    /// The number of its device.
    pub(super) device: u32,
    pub(super) master: bool,
    /// The kernel is about to do something of which nobody is told: make a local
    /// route, or find an address of the parent's to be free.
    pub(super) to_come: bool,
}

/// A route of the plan.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) route: Route,
    /// Whose it is: a position in [`Plan::parts`].
    pub(super) part: usize,
}

/// What should be there, and what should not.
pub(super) struct Plan {
    pub(super) parts: KVVec<Part>,
    /// Sorted; one that two groups want is there twice.
    pub(super) wanted: KVVec<Wanted>,
    pub(super) removals: KVVec<Removal>,
    /// An address of a group is another host's, or nobody's.
    pub(super) elsewhere: bool,
    /// The tables have to say who may send what.
    pub(super) asks_for_sources: bool,
    /// A group has an IPv6 address that its parent has for itself, too.
    pub(super) shares_v6: bool,
}

impl Plan {
    /// Looks around in a namespace.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn of(namespace: &Namespace) -> Result<Self> {
        let mut room = 16;
        loop {
            let mut plan = Self {
                parts: KVVec::with_capacity(room, GFP_KERNEL)?,
                wanted: KVVec::with_capacity(room, GFP_KERNEL)?,
                removals: KVVec::with_capacity(room, GFP_KERNEL)?,
                elsewhere: false,
                asks_for_sources: false,
                shares_v6: false,
            };
            if plan.fill(namespace).is_ok() {
                sort_by_key(&mut plan.wanted, |wanted| wanted.route);
                return Ok(plan);
            }
            room *= 4;
        }
    }

    /// Whether a route is wanted.
    pub(super) fn wants(&self, route: &Route) -> bool {
        let found = self
            .wanted
            .binary_search_by_key(route, |wanted| wanted.route);
        found.is_ok()
    }

    fn fill(&mut self, namespace: &Namespace) -> Result<(), NoRoom> {
        let guard = rcu::read_lock();
        let mut filled = Ok(());
        NetDevice::for_each_rcu(namespace, &guard, |device| {
            if let (Some(group), Ok(())) = (Device::<Carp>::downcast(device), filled) {
                filled = self.add_group(group, &guard);
            }
        });
        filled
    }

    fn add_group(&mut self, group: &Device<Carp>, guard: &rcu::Guard) -> Result<(), NoRoom> {
        let parent = group.private().parent.get();
        let standing = Standing {
            master: group.private().is_master(),
            device: group.index(),
            table: group.vrf_table(guard),
            parent: parent.map(|parent| Parent {
                device: parent.index(),
                table: parent.vrf_table(guard),
                up: parent.is_running(),
            }),
        };
        let view = View {
            standing,
            parent,
            guard,
            group,
        };
        let mut part = Part {
            device: standing.device,
            master: standing.master,
            to_come: false,
        };
        let position = self.parts.len();
        // Without carrier, nothing is asked; when it is back, the groups' state changes.
        if let Some(parent) = parent.filter(|parent| parent.has_carrier()) {
            const WAITING: u32 = inet_device::flags::TENTATIVE;
            const FAILED: u32 = inet_device::flags::DADFAILED;
            inet_device::for_each_v6(parent, guard, |_, _, flags| {
                part.to_come |= flags & (WAITING | FAILED) == WAITING;
            });
        }
        let mut filled = Ok(());
        inet_device::for_each_rank_v4(group, guard, |address, prefix_len, secondary| {
            let own = Prefixed {
                address: Ip::V4(address),
                prefix_len,
            };
            // The kernel's route for a secondary address names the primary one as
            // source, which is refused while that is not local.
            let routes = Routes::V4 { local: !secondary };
            filled = filled.and_then(|()| self.add_address(&view, position, own, routes));
        });
        inet_device::for_each_route_v6(group, guard, |address, prefix_len, routes| {
            let own = Prefixed {
                address: Ip::V6(address),
                prefix_len,
            };
            part.to_come |= routes.local_to_come && group.is_running();
            filled =
                filled.and_then(|()| self.add_address(&view, position, own, Routes::V6(routes)));
        });
        filled?;
        if group.is_up() && inet_device::is_enabled_v6(group, guard) {
            let route = ownership::multicast(&standing);
            push(
                &mut self.wanted,
                Wanted {
                    route,
                    part: position,
                },
            )?;
        }
        push(&mut self.parts, part)
    }

    fn add_address(
        &mut self,
        view: &View<'_>,
        part: usize,
        own: Prefixed,
        routes: Routes,
    ) -> Result<(), NoRoom> {
        let standing = &view.standing;
        let around = view.surroundings(own);
        // What the kernel is about to put there is as good as there for a MASTER.
        let (local, prefix_metric) = match routes {
            Routes::V4 { local } => (local, None),
            Routes::V6(routes) => {
                let soon = standing.master && routes.local_to_come && view.group.is_running();
                (routes.local || soon, routes.prefix_metric)
            }
        };
        if let (Ip::V6(bytes), Some(parent)) = (own.address, view.parent) {
            self.shares_v6 |= inet_device::has_v6(parent, view.guard, bytes);
        }
        self.elsewhere |= !standing.master && !around.same && !own.address.is_link_local();
        // The MASTER's answers do not come for the parent's address.
        self.asks_for_sources |= !standing.master && around.speaks_for_another();
        let address = Virtual { own, local };
        for route in ownership::routes(standing, address, &around)
            .into_iter()
            .flatten()
        {
            push(&mut self.wanted, Wanted { route, part })?;
        }
        if ownership::hides_local(standing, address, &around) {
            let removal = Removal {
                destination: Prefixed::single(own.address),
                table: standing.table.unwrap_or(TABLE_LOCAL),
                device: standing.device,
                prefix_metric: None,
            };
            push(&mut self.removals, removal)?;
        }
        if prefix_metric.is_some() && !own.address.is_link_local() {
            let removal = Removal {
                destination: own.network(),
                table: standing.table.unwrap_or(TABLE_MAIN),
                device: standing.device,
                prefix_metric,
            };
            push(&mut self.removals, removal)?;
        }
        Ok(())
    }
}

/// The lists are too short; they cannot grow while RCU is held.
#[derive(Clone, Copy)]
struct NoRoom;

fn push<T>(list: &mut KVVec<T>, item: T) -> Result<(), NoRoom> {
    list.push_within_capacity(item).map_err(|_| NoRoom)
}

/// What the kernel has done for a virtual address.
enum Routes {
    /// Whether the local route is certain.
    V4 {
        local: bool,
    },
    V6(RoutesV6),
}

/// What one group sees.
struct View<'a> {
    standing: Standing,
    group: &'a Device<Carp>,
    parent: Option<&'a NetDevice>,
    guard: &'a rcu::Guard,
}

impl View<'_> {
    fn surroundings(&self, address: Prefixed) -> Surroundings {
        let mut around = Surroundings::default();
        let (namespace, table) = (self.group.namespace(), self.standing.table);
        if !self.standing.master && address::is_here(namespace, address.address, table, self.guard)
        {
            around.add_owner(address);
        }
        let Some(parent) = self.parent else {
            return around;
        };
        for_each_usable(parent, address.address, self.guard, |own| {
            around.add_parents(address, own);
        });
        if around.wants_other() {
            // The first that there is, as for who sends without a preference.
            NetDevice::for_each_rcu(self.group.namespace(), self.guard, |other| {
                let elsewhere =
                    other.vrf_table(self.guard) != self.standing.parent.and_then(|p| p.table);
                if elsewhere
                    || !around.wants_other()
                    || Device::<Carp>::downcast(other).is_some()
                    || !other.is_running()
                {
                    return;
                }
                for_each_usable(other, address.address, self.guard, |own| {
                    if around.wants_other() {
                        around.add_other(address, own.address);
                    }
                });
            });
        }
        around
    }
}

/// Calls `visit` for the addresses of a device that may be used, of the family of
/// `like`.
fn for_each_usable(
    device: &NetDevice,
    like: Ip,
    guard: &rcu::Guard,
    mut visit: impl FnMut(Prefixed),
) {
    match like {
        Ip::V4(_) => inet_device::for_each_v4(device, guard, |address, prefix_len| {
            visit(Prefixed {
                address: Ip::V4(address),
                prefix_len,
            });
        }),
        Ip::V6(_) => inet_device::for_each_v6(device, guard, |address, prefix_len, flags| {
            if flags & inet_device::flags::UNUSABLE == 0 {
                visit(Prefixed {
                    address: Ip::V6(address),
                    prefix_len,
                });
            }
        }),
    }
}
