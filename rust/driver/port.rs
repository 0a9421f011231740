// SPDX-License-Identifier: GPL-2.0

//! The place of CARP on one parent device, shared by all groups on it.
//!
//! Configured in process context with the RTNL held; read in softirq context.
//! The states are read without a lock, for every frame that is received. The
//! table has a lock; whoever looks a group up takes a count of it and gives the
//! lock back before doing anything with the group.

use super::{
    address_filter::{
        AddressFilter,
        Bits, //
    },
    counters::{
        Discards,
        Total,
        Traffic, //
    },
    link::Carp,
    place::{
        Glimpse,
        Place,
        Sharing,
        Standing, //
    }, //
};
use crate::{
    net::{
        extended_ack::ExtendedAck,
        inet_device,
        link_device::Device,
        local_route::LocalRoute,
        multicast::{
            JoinV4,
            JoinV6, //
        },
        netdevice::NetDevice,
        read_once::read_once,
        rtnl::Rtnl,
        rx_handler::{
            self,
            Shared, //
        },
        spin_lock_bh::{
            new_spin_lock_bh,
            SpinLockBh, //
        }, //
    },
    proto::{
        ownership::Ip,
        sort,
        BalanceKeys,
        Cast,
        Identity,
        State,
        Vhid,
        VhidSet,
        MULTICAST_V4,
        MULTICAST_V6, //
    }, //
};
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        rcu,
        SetOnce, //
    }, //
};

/// What a parent knows about CARP.
#[pin_data]
pub(crate) struct Port {
    parent: ARef<NetDevice>,
    routes: Routes,
    /// One for each vhid.
    places: [Place; Self::VHIDS],
    /// One for each vhid, apart from what every frame looks at.
    balance_keys: [KeptKeys; Self::VHIDS],
    #[pin]
    table: SpinLockBh<Table>,
    /// Of the addresses in the table.
    filter: AddressFilter,
    /// How many groups here are not MASTER, so that their addresses are elsewhere, and how
    /// many have a multicast MAC. If there are none, a packet that is not to a virtual MAC of
    /// the usual sort need not be looked at for them.
    others: Atomic<i32>,
    /// Set between the last words of the parent, or of a device that it is on, and the next
    /// start of one of them. Meanwhile what is down says so itself.
    going_down: Atomic<bool>,
    /// Advertisements of groups that are not on this parent, or of no vhid.
    pub(super) discards: Discards,
}

/// What a group is chosen with among several with one address. Who reads the numbers
/// while they change chooses wrongly once, as the other hosts do anyway until they
/// have the new key, too.
struct KeptKeys([Atomic<u64>; BalanceKeys::WORDS]);

impl KeptKeys {
    const fn new() -> Self {
        Self([const { Atomic::new(0) }; BalanceKeys::WORDS])
    }
}

/// Ways to this host that frames are given, since the routing tables do not have
/// them, or not yet.
struct Routes {
    /// To a virtual address.
    local_v4: LocalRoute,
    /// To a virtual address, once there is IPv6 on the parent.
    local_v6: SetOnce<LocalRoute>,
    /// To the group that advertisements are sent to.
    advertisements_v4: LocalRoute,
}

/// What to do with a frame to a virtual MAC.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// This host is not MASTER.
    No,
    /// That depends on the frame: the group has several nodes.
    Shared,
    /// It is MASTER, but the routing tables do not know it yet.
    Unrouted,
    /// It is MASTER.
    Routed,
}

/// The parent's memberships in the groups that advertisements are sent to. They
/// are the parent's own: reported from its own MAC, by whichever host.
#[derive(Default)]
struct Memberships {
    v4: Option<JoinV4>,
    v6: Option<JoinV6>,
}

/// Which groups there are, and which addresses they have.
struct Table {
    memberships: Memberships,
    members: KVec<Member>,
    /// Sorted.
    addresses_v4: KVec<([u8; 4], Vhid)>,
    /// Sorted.
    addresses_v6: KVec<([u8; 16], Vhid)>,
}

impl Table {
    /// The addresses of one group become those of another one, or nobody's.
    fn give_addresses(&mut self, from: Vhid, to: Option<Vhid>) {
        fn give<A: Copy + Ord>(entries: &mut KVec<(A, Vhid)>, from: Vhid, to: Option<Vhid>) {
            let Some(to) = to else {
                return entries.retain(|(_, vhid)| *vhid != from);
            };
            for (_, vhid) in entries.iter_mut().filter(|(_, vhid)| *vhid == from) {
                *vhid = to;
            }
            sort(entries);
        }
        give(&mut self.addresses_v4, from, to);
        give(&mut self.addresses_v6, from, to);
    }

    fn filter(&self) -> Bits {
        let mut bits = Bits::new();
        for (address, _) in &self.addresses_v4 {
            bits.add(address);
        }
        for (address, _) in &self.addresses_v6 {
            bits.add(address);
        }
        bits
    }
}

struct Member {
    device: ARef<Device<Carp>>,
    identity: Option<Identity>,
    /// The vhids of all its nodes.
    nodes: VhidSet,
}

impl Member {
    fn leader(&self) -> Option<Vhid> {
        self.identity.map(|identity| identity.leader)
    }
}

impl Port {
    /// As many as an octet can count, the invalid 0 among them.
    const VHIDS: usize = 256;

    fn new(parent: &NetDevice) -> Result<impl PinInit<Self>> {
        let table = Table {
            memberships: Memberships::default(),
            members: KVec::new(),
            addresses_v4: KVec::new(),
            addresses_v6: KVec::new(),
        };
        let routes = Routes {
            local_v4: LocalRoute::unicast_v4(parent)?,
            local_v6: SetOnce::new(),
            advertisements_v4: LocalRoute::multicast_v4(parent)?,
        };
        let parent = ARef::from(parent);
        Ok(pin_init!(Self {
            parent,
            routes,
            places <- pin_init::init_array_from_fn(|_| Place::new()),
            balance_keys <- pin_init::init_array_from_fn(|_| KeptKeys::new()),
            table <- new_spin_lock_bh!(table, "carp_port"),
            filter: AddressFilter::new(),
            others: Atomic::new(0),
            going_down: Atomic::new(false),
            discards: Discards::new(),
        }))
    }

    /// The port of a parent, if it has one.
    pub(super) fn of(parent: &NetDevice, rtnl: &Rtnl) -> Option<Shared<Self>> {
        rx_handler::shared(parent, rtnl)
    }

    /// Has a group join the port of `parent`, which is made if it is the first.
    /// All or nothing.
    pub(super) fn join(
        parent: &NetDevice,
        device: &Device<Carp>,
        ack: &mut ExtendedAck,
        rtnl: &Rtnl,
    ) -> Result<Shared<Self>> {
        let port = match Self::of(parent, rtnl) {
            Some(port) => port,
            None => Self::open(parent, ack, rtnl)?,
        };
        let joined = parent.link_upper(device, ack, rtnl).and_then(|()| {
            port.add_member(device)
                .inspect_err(|_| parent.unlink_upper(device, rtnl))
        });
        if let Err(error) = joined {
            port.close_if_empty(rtnl);
            return Err(error);
        }
        Ok(port)
    }

    /// Has a group leave; the last one closes the port.
    pub(super) fn leave(&self, device: &Device<Carp>, rtnl: &Rtnl) {
        self.settle(device, None, VhidSet::EMPTY, rtnl);
        let member = {
            let mut table = self.table.lock();
            let position = table
                .members
                .iter()
                .position(|member| **member.device == **device);
            position.and_then(|position| table.members.remove(position).ok())
        };
        self.parent.unlink_upper(device, rtnl);
        drop(member);
        self.close_if_empty(rtnl);
    }

    fn add_member(&self, device: &Device<Carp>) -> Result {
        let mut table = self.table.lock();
        let member = Member {
            device: ARef::from(device),
            identity: None,
            nodes: VhidSet::EMPTY,
        };
        Ok(table.members.push(member, GFP_ATOMIC)?)
    }

    fn open(parent: &NetDevice, ack: &mut ExtendedAck, rtnl: &Rtnl) -> Result<Shared<Self>> {
        let port = Shared::new(Self::new(parent)?)?;
        rx_handler::attach(parent, &port, rtnl).map_err(|error| {
            ack.refuse(c"the parent's frames cannot be looked at by CARP", error)
        })?;
        port.follow_families(rtnl)
            .inspect_err(|_| port.close_if_empty(rtnl))?;
        Ok(port)
    }

    /// Does what each family has to have on the parent for, which may have been switched on
    /// there, or made anew: joins the groups of advertisements, has a way for frames to
    /// virtual addresses.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; what there was memory for is done then.
    pub(super) fn follow_families(&self, rtnl: &Rtnl) -> Result {
        let joined = self.join_groups(rtnl);
        if self.routes.local_v6.as_ref().is_none() {
            if let Some(route) = LocalRoute::unicast_v6(&self.parent, rtnl)? {
                self.routes.local_v6.populate(route);
            }
        }
        joined
    }

    /// Joins the groups that advertisements are sent to, where it is no member (any
    /// more): the parent's configuration may have been made anew. Either family
    /// may be switched off on the parent; then it cannot join, and need not.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; it is then a member where there was memory for it.
    fn join_groups(&self, rtnl: &Rtnl) -> Result {
        let old = core::mem::take(&mut self.table.lock().memberships);
        let parent = &self.parent;
        let v4 = old.v4.filter(|v4| v4.is_current(parent, rtnl));
        let v6 = old.v6.filter(|v6| v6.is_current(parent, rtnl));
        let v4 = v4.map_or_else(|| JoinV4::join(parent, MULTICAST_V4, rtnl), Ok);
        let v6 = v6.map_or_else(|| JoinV6::join(parent, MULTICAST_V6, rtnl), Ok);
        let out_of_memory =
            v4.as_ref().err() == Some(&ENOMEM) || v6.as_ref().err() == Some(&ENOMEM);
        self.table.lock().memberships = Memberships {
            v4: v4.ok(),
            v6: v6.ok(),
        };
        if out_of_memory {
            Err(ENOMEM)
        } else {
            Ok(())
        }
    }

    fn close_if_empty(&self, rtnl: &Rtnl) {
        let memberships = {
            let mut table = self.table.lock();
            if !table.members.is_empty() {
                return;
            }
            core::mem::take(&mut table.memberships)
        };
        if let Some(v6) = memberships.v6 {
            v6.leave(&self.parent, rtnl);
        }
        if let Some(v4) = memberships.v4 {
            v4.leave(&self.parent, rtnl);
        }
        rx_handler::detach::<Self>(&self.parent, rtnl);
    }

    /// Which device the port belongs to.
    pub(super) fn parent(&self) -> &NetDevice {
        &self.parent
    }

    /// The first of some vhids that another device than `device` has here.
    pub(super) fn first_taken(&self, vhids: &VhidSet, device: &NetDevice) -> Option<Vhid> {
        let table = self.table.lock();
        vhids.iter().find(|vhid| {
            let mut members = table.members.iter();
            members.any(|member| member.nodes.contains(*vhid) && **member.device != *device)
        })
    }

    /// Has the parent receive frames to the virtual MAC of a group, before it is given it
    /// instead of the one that it has, and lets them know how it shares.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn reserve(
        &self,
        old: Option<Identity>,
        new: Identity,
        sharing: Option<KBox<Sharing>>,
        rtnl: &Rtnl,
    ) -> Result {
        let place = self.place(new.leader);
        if old.is_none_or(|old| old.leader != new.leader) {
            if let Some(place) = place {
                place.traffic.begin()?;
            }
        }
        if old.is_none_or(|old| old.mac() != new.mac()) {
            match new.cast() {
                Cast::Unicast => self.parent.add_unicast_filter(&new.mac(), rtnl)?,
                Cast::Multicast => {
                    self.parent.add_multicast_filter(&new.mac(), rtnl)?;
                    self.others.add(1, Relaxed);
                }
            }
        }
        if let (Some(place), Some(sharing)) = (place, sharing) {
            place.sharing.replace(Some(sharing), rtnl);
        }
        Ok(())
    }

    /// Gives a group another identity here, which was reserved, and other nodes, or none.
    /// Their states follow.
    pub(super) fn settle(
        &self,
        device: &Device<Carp>,
        new: Option<Identity>,
        nodes: VhidSet,
        rtnl: &Rtnl,
    ) {
        let leader = new.map(|new| new.leader);
        let (old, old_nodes) = {
            let mut table = self.table.lock();
            let Some(member) = table
                .members
                .iter_mut()
                .find(|member| **member.device == **device)
            else {
                return;
            };
            let old = core::mem::replace(&mut member.identity, new);
            let old_nodes = core::mem::replace(&mut member.nodes, nodes);
            if let Some(old) = old.filter(|old| leader != Some(old.leader)) {
                table.give_addresses(old.leader, leader);
                self.filter.set(&table.filter());
            }
            (old, old_nodes)
        };
        for vhid in old_nodes.iter().filter(|vhid| !nodes.contains(*vhid)) {
            self.set_standing(vhid, Standing::Vacant);
        }
        let Some(old) = old else {
            return;
        };
        if new.is_none_or(|new| new.mac() != old.mac()) {
            match old.cast() {
                Cast::Unicast => self.parent.remove_unicast_filter(&old.mac(), rtnl),
                Cast::Multicast => {
                    self.others.add(-1, Relaxed);
                    self.parent.remove_multicast_filter(&old.mac(), rtnl);
                }
            }
        }
        if let Some(place) = self.place(old.leader) {
            if leader != Some(old.leader) || nodes.len() < 2 {
                place.sharing.replace(None, rtnl);
            }
        }
    }

    /// Tells frames what a vhid is here. Once MASTER, it is without routes.
    pub(super) fn set_standing(&self, vhid: Vhid, standing: Standing) {
        if let Some(place) = self.place(vhid) {
            let old = place.set_standing(standing);
            let change = i32::from(standing.is_other()) - i32::from(old.is_other());
            if change != 0 {
                self.others.add(change, Relaxed);
            }
        }
    }

    /// What a vhid is here, as frames know it.
    pub(super) fn standing(&self, vhid: Vhid) -> Standing {
        self.place(vhid).map_or(Standing::Vacant, Place::standing)
    }

    /// The state of a vhid, as frames know it; `None` for one that is not here.
    pub(super) fn state(&self, vhid: Vhid) -> Option<State> {
        self.standing(vhid).state()
    }

    /// Whether this host is MASTER of the node with a vhid, as frames know it.
    pub(super) fn is_master_of(&self, vhid: Vhid) -> bool {
        self.state(vhid) == Some(State::Master)
    }

    /// Says whether the routing tables have it that the addresses of a MASTER are
    /// this host's. Until then frames to them are given a way of their own. Too
    /// late for a group that is MASTER no more, it does nothing.
    pub(super) fn set_routed(&self, vhid: Vhid, routed: bool) {
        if let Some(place) = self.place(vhid) {
            place.set_routed(routed);
        }
    }

    /// How the nodes of a group share, which has several, by the vhid of its leader.
    pub(super) fn sharing<'a>(
        &'a self,
        leader: Vhid,
        guard: &'a rcu::Guard,
    ) -> Option<&'a Sharing> {
        self.place(leader)?.sharing.get(guard)
    }

    /// Counts a frame to the virtual MAC of a group.
    pub(super) fn traffic(&self, leader: Vhid) -> Option<&Traffic> {
        self.place(leader).map(|place| &place.traffic)
    }

    /// Keeps what a group is chosen with.
    pub(super) fn set_balance_keys(&self, vhid: Vhid, keys: BalanceKeys) {
        if let Some(kept) = self.balance_keys.get(usize::from(vhid.get())) {
            for (to, from) in kept.0.iter().zip(keys.to_words()) {
                to.store(from, Relaxed);
            }
        }
    }

    /// What a group is chosen with, once it has run.
    pub(super) fn balance_keys(&self, vhid: Vhid) -> BalanceKeys {
        let mut words = [0; BalanceKeys::WORDS];
        if let Some(kept) = self.balance_keys.get(usize::from(vhid.get())) {
            for (to, from) in words.iter_mut().zip(&kept.0) {
                *to = from.load(Relaxed);
            }
        }
        BalanceKeys::from_words(words)
    }

    #[inline(always)]
    fn place(&self, vhid: Vhid) -> Option<&Place> {
        self.places.get(usize::from(vhid.get()))
    }

    /// What is to be known at a glance of a virtual MAC, by its last octet.
    #[inline(always)]
    pub(super) fn glimpse(&self, vhid: u8) -> Option<Glimpse<'_>> {
        self.places.get(usize::from(vhid)).map(Place::glimpse)
    }

    /// Takes, or drops, a frame for the virtual MAC of a group. `None` if there
    /// is no such group here.
    pub(super) fn take(&self, vhid: Vhid, bytes: usize) -> Option<Taken> {
        let place = self.place(vhid)?;
        match place.standing() {
            Standing::Vacant | Standing::Follower { .. } => None,
            Standing::Leader { .. } => Some(Taken::Shared),
            Standing::Alone {
                state: State::Master,
                routed,
            } => {
                place.traffic.add(bytes);
                Some(if routed {
                    Taken::Routed
                } else {
                    Taken::Unrouted
                })
            }
            Standing::Alone { .. } => {
                place.traffic.add_dropped();
                Some(Taken::No)
            }
        }
    }

    /// Whether there is a group here of which this host is not MASTER, or with a multicast MAC.
    #[inline(always)]
    pub(super) fn is_watchful(&self) -> bool {
        read_once(&self.others) != 0
    }

    /// Whether an IPv4 address can be that of a group of which this host is not MASTER.
    pub(super) fn may_be_elsewhere(&self, address: [u8; 4]) -> bool {
        self.is_watchful() && self.may_be_virtual(|| Some(address))
    }

    /// Whether an IPv4 address can be that of a group; so may one be that cannot be told.
    #[inline(always)]
    pub(super) fn may_be_virtual(&self, address: impl FnOnce() -> Option<[u8; 4]>) -> bool {
        address().is_none_or(|address| self.filter.may_have(&address))
    }

    /// Whether an IPv4 address is a virtual one, and another host is MASTER.
    pub(super) fn is_elsewhere(&self, address: [u8; 4]) -> bool {
        let owners = self.owners_v4(address);
        let master = |vhid| self.standing(vhid).is_master();
        !owners.is_empty()
            && !owners.iter().any(master)
            && !inet_device::has_v4(&self.parent, &rcu::read_lock(), address)
    }

    /// The way of a frame to a virtual IPv4 address.
    pub(super) fn local_v4(&self) -> &LocalRoute {
        &self.routes.local_v4
    }

    /// The way of a frame to a virtual IPv6 address.
    pub(super) fn local_v6(&self) -> Option<&LocalRoute> {
        self.routes.local_v6.as_ref()
    }

    /// The way of an IPv4 advertisement.
    pub(super) fn advertisements_v4(&self) -> &LocalRoute {
        &self.routes.advertisements_v4
    }

    /// The frames to a virtual MAC.
    pub(super) fn received(&self, vhid: Vhid) -> Total {
        self.place(vhid)
            .map(|place| place.traffic.get())
            .unwrap_or_default()
    }

    /// The group that has a node with this vhid.
    pub(super) fn group(&self, vhid: Vhid) -> Option<ARef<Device<Carp>>> {
        self.table
            .lock()
            .members
            .iter()
            .find(|member| member.nodes.contains(vhid))
            .map(|member| member.device.clone())
    }

    /// One of the groups here.
    pub(super) fn first_group(&self) -> Option<ARef<Device<Carp>>> {
        let table = self.table.lock();
        table.members.first().map(|member| member.device.clone())
    }

    /// Each group here, the last one first, so that none is left out when another
    /// one goes meanwhile.
    pub(super) fn each_group(&self) -> impl Iterator<Item = ARef<Device<Carp>>> + '_ {
        let count = self.table.lock().members.len();
        (0..count).rev().filter_map(|place| {
            let table = self.table.lock();
            table.members.get(place).map(|member| member.device.clone())
        })
    }

    /// All groups here. Allocates, without sleeping.
    pub(super) fn groups(&self) -> KVec<ARef<Device<Carp>>> {
        let table = self.table.lock();
        let mut groups = KVec::new();
        for member in &table.members {
            if groups.push(member.device.clone(), GFP_ATOMIC).is_err() {
                pr_err!("{}: out of memory\n", *self.parent);
                break;
            }
        }
        groups
    }

    /// The groups that have an address, by their leaders.
    pub(super) fn owners(&self, address: Ip) -> VhidSet {
        match address {
            Ip::V4(address) => self.owners_v4(address),
            Ip::V6(address) => self.owners_v6(address),
        }
    }

    /// The groups that have an IPv4 address, by their leaders.
    pub(super) fn owners_v4(&self, address: [u8; 4]) -> VhidSet {
        self.owners_in(address, |table| &table.addresses_v4)
    }

    /// The groups that have an IPv6 address, by their leaders.
    pub(super) fn owners_v6(&self, address: [u8; 16]) -> VhidSet {
        self.owners_in(address, |table| &table.addresses_v6)
    }

    fn owners_in<A: Ord + Copy + AsRef<[u8]>>(
        &self,
        address: A,
        entries: fn(&Table) -> &KVec<(A, Vhid)>,
    ) -> VhidSet {
        if !self.filter.may_have(address.as_ref()) {
            return VhidSet::EMPTY;
        }
        let table = self.table.lock();
        let entries = entries(&table);
        let start = entries.partition_point(|(other, _)| *other < address);
        let found = entries.get(start..).unwrap_or_default().iter();
        found
            .take_while(|(other, _)| *other == address)
            .map(|(_, vhid)| *vhid)
            .collect()
    }

    /// Notes which addresses a group has now. Allocates, without sleeping.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; only those addresses that there was memory for are known here then.
    pub(super) fn note_addresses(&self, device: &Device<Carp>) -> Result {
        let mut table = self.table.lock();
        let member = table
            .members
            .iter()
            .find(|member| **member.device == **device);
        let Some(vhid) = member.and_then(Member::leader) else {
            return Ok(());
        };
        // Read under the lock: who comes last has seen the last change.
        let guard = rcu::read_lock();
        let mut noted = Ok(());
        table.addresses_v4.retain(|(_, other)| *other != vhid);
        inet_device::for_each_v4(device, &guard, |address, _| {
            noted = noted.and(table.addresses_v4.push((address, vhid), GFP_ATOMIC));
        });
        sort(&mut table.addresses_v4);
        table.addresses_v6.retain(|(_, other)| *other != vhid);
        inet_device::for_each_v6(device, &guard, |address, _, _| {
            noted = noted.and(table.addresses_v6.push((address, vhid), GFP_ATOMIC));
        });
        sort(&mut table.addresses_v6);
        self.filter.set(&table.filter());
        Ok(noted?)
    }

    /// Whether the parent is up, and what it is on.
    pub(super) fn is_up(&self) -> bool {
        self.parent.with_below().all(NetDevice::is_running) && !self.going_down.load(Relaxed)
    }

    /// Whether the parent has carrier, and what it is on.
    pub(super) fn has_carrier(&self) -> bool {
        self.parent.with_below().all(NetDevice::has_carrier)
    }

    /// The parent, or a device that it is on, is about to go down, or is up again.
    pub(super) fn set_going_down(&self, going_down: bool) {
        self.going_down.store(going_down, Relaxed);
    }
}
