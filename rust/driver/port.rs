// SPDX-License-Identifier: GPL-2.0

//! The place of CARP on one parent device, shared by all groups on it.
//!
//! Configured in process context with the RTNL held; read in softirq context.
//! The states are read without a lock, for every frame that is received. The
//! table has a lock; whoever looks a group up takes a count of it and gives the
//! lock back before doing anything with the group.

use super::{
    counters::{
        Counter,
        Discards,
        Traffic, //
    },
    link::Carp, //
};
use crate::{
    net::{
        extended_ack::ExtendedAck,
        link_device::Device,
        multicast::{
            JoinV4,
            JoinV6, //
        },
        netdevice::NetDevice,
        rtnl::Rtnl,
        rx_handler,
        spin_lock_bh::{
            new_spin_lock_bh,
            SpinLockBh, //
        }, //
    },
    proto::{
        virtual_mac,
        State,
        Vhid,
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
        Arc, //
    }, //
};

/// What a parent knows about CARP.
#[pin_data]
pub(crate) struct Port {
    parent: ARef<NetDevice>,
    /// One for each vhid.
    places: [Place; Self::VHIDS],
    #[pin]
    table: SpinLockBh<Table>,
    /// Set between the parent's last words and its next start.
    going_down: Atomic<bool>,
    /// Advertisements of groups that are not on this parent, or of no vhid.
    pub(super) discards: Discards,
}

/// What frames have to know about one vhid.
struct Place {
    /// A [`State`], or [`Place::VACANT`].
    state: Atomic<u32>,
    /// Frames to the virtual MAC that were taken.
    taken: Traffic,
    /// Frames to the virtual MAC that were dropped: not MASTER.
    dropped: Counter,
}

impl Place {
    const VACANT: u32 = u32::MAX;

    const fn new() -> Self {
        Self {
            state: Atomic::new(Self::VACANT),
            taken: Traffic::new(),
            dropped: Counter::new(),
        }
    }

    /// Begins to count anew, for another group.
    fn reset(&self) {
        self.taken.reset();
        self.dropped.reset();
    }
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
    /// Sorted by address.
    addresses: KVec<([u8; 4], Vhid)>,
}

struct Member {
    device: ARef<Device<Carp>>,
    vhid: Option<Vhid>,
}

impl Port {
    /// As many as an octet can count, the invalid 0 among them.
    const VHIDS: usize = 256;

    fn new(parent: &NetDevice) -> impl PinInit<Self> {
        let table = Table {
            memberships: Memberships::default(),
            members: KVec::new(),
            addresses: KVec::new(),
        };
        let parent = ARef::from(parent);
        pin_init!(Self {
            parent,
            places <- pin_init::init_array_from_fn(|_| Place::new()),
            table <- new_spin_lock_bh!(table, "carp_port"),
            going_down: Atomic::new(false),
            discards: Discards::new(),
        })
    }

    /// The port of a parent, if it has one.
    pub(super) fn of(parent: &NetDevice, rtnl: &Rtnl) -> Option<Arc<Self>> {
        rx_handler::shared(parent, rtnl)
    }

    /// Has a group join the port of `parent`, which is made if it is the first.
    /// All or nothing.
    pub(super) fn join(
        parent: &NetDevice,
        device: &Device<Carp>,
        ack: &mut ExtendedAck,
        rtnl: &Rtnl,
    ) -> Result<Arc<Self>> {
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
        self.set_vhid(device, None, rtnl);
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
            vhid: None,
        };
        Ok(table.members.push(member, GFP_ATOMIC)?)
    }

    fn open(parent: &NetDevice, ack: &mut ExtendedAck, rtnl: &Rtnl) -> Result<Arc<Self>> {
        let port = Arc::pin_init(Self::new(parent), GFP_KERNEL)?;
        rx_handler::attach(parent, port.clone(), rtnl).map_err(|error| {
            ack.refuse(c"the parent's frames cannot be looked at by CARP", error)
        })?;
        port.join_groups(rtnl);
        Ok(port)
    }

    /// Joins the groups that advertisements are sent to, where it is no member (any
    /// more): the parent's configuration may have been made anew. Either family
    /// may be switched off on the parent; then it cannot join, and need not.
    pub(super) fn join_groups(&self, rtnl: &Rtnl) {
        let old = core::mem::take(&mut self.table.lock().memberships);
        let parent = &self.parent;
        let v4 = old.v4.filter(|v4| v4.is_current(parent, rtnl));
        let v6 = old.v6.filter(|v6| v6.is_current(parent, rtnl));
        let memberships = Memberships {
            v4: v4.or_else(|| JoinV4::join(parent, MULTICAST_V4, rtnl).ok()),
            v6: v6.or_else(|| JoinV6::join(parent, MULTICAST_V6, rtnl).ok()),
        };
        self.table.lock().memberships = memberships;
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

    /// Whether another device than `device` has this vhid here.
    pub(super) fn has_other(&self, vhid: Vhid, device: &NetDevice) -> bool {
        self.table
            .lock()
            .members
            .iter()
            .any(|member| member.vhid == Some(vhid) && **member.device != *device)
    }

    /// Has the parent receive frames to the virtual MAC of a vhid, before a group
    /// is given it.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn reserve(&self, vhid: Vhid, rtnl: &Rtnl) -> Result {
        self.parent.add_unicast_filter(&virtual_mac(vhid), rtnl)
    }

    /// Gives a group another vhid here, which was reserved, or none.
    pub(super) fn set_vhid(&self, device: &Device<Carp>, vhid: Option<Vhid>, rtnl: &Rtnl) {
        let old = {
            let mut table = self.table.lock();
            let Some(member) = table
                .members
                .iter_mut()
                .find(|member| **member.device == **device)
            else {
                return;
            };
            let old = core::mem::replace(&mut member.vhid, vhid);
            if old != vhid {
                table.addresses.retain(|(_, other)| Some(*other) != old);
            }
            old
        };
        if old == vhid {
            return;
        }
        if let Some(old) = old {
            self.set_state(old, None);
            self.parent.remove_unicast_filter(&virtual_mac(old), rtnl);
        }
        if let Some(vhid) = vhid {
            if let Some(place) = self.places.get(usize::from(vhid.get())) {
                place.reset();
            }
            self.set_state(vhid, Some(State::Init));
        }
    }

    /// Tells frames the state of a group; `None` for one that is not here.
    pub(super) fn set_state(&self, vhid: Vhid, state: Option<State>) {
        let value = state.map_or(Place::VACANT, |state| u32::from(state as u8));
        if let Some(place) = self.places.get(usize::from(vhid.get())) {
            place.state.store(value, Relaxed);
        }
    }

    /// Takes, or drops, a frame for the virtual MAC of a group. `None` if there
    /// is no such group here.
    pub(super) fn take(&self, vhid: Vhid, bytes: usize) -> Option<bool> {
        let place = self.places.get(usize::from(vhid.get()))?;
        match place.state.load(Relaxed) {
            Place::VACANT => None,
            state if state == u32::from(State::Master as u8) => {
                place.taken.add(bytes);
                Some(true)
            }
            _ => {
                place.dropped.increment();
                Some(false)
            }
        }
    }

    /// Frames and bytes to a virtual MAC that were taken, and frames dropped.
    pub(super) fn received(&self, vhid: Vhid) -> ((u64, u64), u64) {
        self.places
            .get(usize::from(vhid.get()))
            .map_or(((0, 0), 0), |place| {
                (place.taken.get(), place.dropped.get())
            })
    }

    /// The group with this vhid.
    pub(super) fn group(&self, vhid: Vhid) -> Option<ARef<Device<Carp>>> {
        self.table
            .lock()
            .members
            .iter()
            .find(|member| member.vhid == Some(vhid))
            .map(|member| member.device.clone())
    }

    /// One of the groups here.
    pub(super) fn first_group(&self) -> Option<ARef<Device<Carp>>> {
        let table = self.table.lock();
        table.members.first().map(|member| member.device.clone())
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

    /// Asks `decide` about each group that has an IPv4 address, in the order of
    /// the vhids, until it says yes; without the lock. Returns whether there is
    /// such a group.
    pub(super) fn owner(
        &self,
        address: [u8; 4],
        mut decide: impl FnMut(Vhid, &Device<Carp>) -> bool,
    ) -> bool {
        let mut after = None;
        let mut found = false;
        loop {
            let next = {
                let table = self.table.lock();
                let start = table
                    .addresses
                    .partition_point(|(other, vhid)| (*other, Some(*vhid)) <= (address, after));
                table
                    .addresses
                    .get(start)
                    .filter(|(other, _)| *other == address)
                    .map(|(_, vhid)| *vhid)
            };
            let Some(vhid) = next else {
                return found;
            };
            after = Some(vhid);
            if let Some(device) = self.group(vhid) {
                found = true;
                if decide(vhid, &device) {
                    return true;
                }
            }
        }
    }

    /// Whether any group here has an IPv4 address.
    pub(super) fn owns(&self, address: [u8; 4]) -> bool {
        let table = self.table.lock();
        let found = table
            .addresses
            .binary_search_by_key(&address, |(other, _)| *other);
        found.is_ok()
    }

    /// Notes which IPv4 addresses a group has. Allocates, without sleeping.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; the old addresses are then gone as well.
    pub(super) fn set_addresses(&self, vhid: Vhid, addresses: &[[u8; 4]]) -> Result {
        let entries = &mut self.table.lock().addresses;
        entries.retain(|(_, other)| *other != vhid);
        entries.reserve(addresses.len(), GFP_ATOMIC)?;
        for address in addresses {
            let entry = (*address, vhid);
            let place = entries.partition_point(|other| *other < entry);
            // There is room, and the place is inside.
            let _ = entries.insert_within_capacity(place, entry);
        }
        Ok(())
    }

    /// Whether frames can be sent and received through the parent.
    pub(super) fn is_up(&self) -> bool {
        self.parent.is_running() && !self.going_down.load(Relaxed)
    }

    /// The parent is about to go down, or is up again.
    pub(super) fn set_going_down(&self, going_down: bool) {
        self.going_down.store(going_down, Relaxed);
    }
}
