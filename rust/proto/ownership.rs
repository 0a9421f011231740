// SPDX-License-Identifier: GPL-2.0

//! Which routes make a virtual address this host's, or the MASTER's.
//!
//! An address of a device that is up is local in Linux, whatever the state of its
//! group. What has to be in the routing tables besides, so that a host which is
//! not MASTER finds the MASTER, is decided here, for one address at a time; putting
//! it there is the driver's business. Pure functions, for any context.

use super::neighbour::is_link_local;

/// An IP address of either family.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ip {
    /// IPv4.
    V4([u8; 4]),
    /// IPv6.
    V6([u8; 16]),
}

impl Ip {
    /// How long it is.
    pub const fn bits(self) -> u8 {
        match self {
            Self::V4(_) => 32,
            Self::V6(_) => 128,
        }
    }

    /// Is it an IPv6 address that means something on one link only?
    pub const fn is_link_local(self) -> bool {
        matches!(self, Self::V6(bytes) if is_link_local(bytes))
    }

    /// Is it this host for every host: of the loopback device?
    pub const fn is_loopback(self) -> bool {
        match self {
            Self::V4(bytes) => bytes[0] == 127,
            Self::V6(bytes) => u128::from_be_bytes(bytes) == 1,
        }
    }

    /// The address with all bits but the first few cleared.
    fn network(self, prefix_len: u8) -> Self {
        let host_bits = u32::from(self.bits().saturating_sub(prefix_len));
        match self {
            Self::V4(bytes) => {
                let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
                Self::V4((u32::from_be_bytes(bytes) & mask).to_be_bytes())
            }
            Self::V6(bytes) => {
                let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
                Self::V6((u128::from_be_bytes(bytes) & mask).to_be_bytes())
            }
        }
    }
}

/// An address of an interface, with the length of its prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Prefixed {
    /// The address.
    pub address: Ip,
    /// How many of its bits all neighbours share.
    pub prefix_len: u8,
}

impl Prefixed {
    /// The address alone.
    pub const fn single(address: Ip) -> Self {
        Self {
            address,
            prefix_len: address.bits(),
        }
    }

    /// Has it no neighbours?
    pub const fn is_single(self) -> bool {
        self.prefix_len >= self.address.bits()
    }

    /// The address of all neighbours: the last one of an IPv4 subnet that has one.
    fn broadcast(self) -> Option<Self> {
        let host_bits = u32::from(self.address.bits().saturating_sub(self.prefix_len));
        match self.address {
            Ip::V4(bytes) if host_bits >= 2 => {
                let host = !u32::MAX.checked_shl(host_bits).unwrap_or(0);
                let last = u32::from_be_bytes(bytes) | host;
                Some(Self::single(Ip::V4(last.to_be_bytes())))
            }
            _ => None,
        }
    }

    /// The prefix, without the rest of the address.
    pub fn network(self) -> Self {
        Self {
            address: self.address.network(self.prefix_len),
            ..self
        }
    }

    /// Whether an address is in the prefix, of which this is the network.
    pub fn has(self, address: Ip) -> bool {
        let other = Self { address, ..self };
        other.network() == self
    }

    /// Are all neighbours of `other` neighbours of this one, of which there are?
    pub fn covers(self, other: Self) -> bool {
        !self.is_single()
            && self.prefix_len <= other.prefix_len
            && self.address.network(self.prefix_len) == other.address.network(self.prefix_len)
    }
}

/// `RT_TABLE_MAIN`: where connected routes are.
pub const TABLE_MAIN: u32 = 254;
/// `RT_TABLE_LOCAL`: which addresses are local. It is looked at first.
pub const TABLE_LOCAL: u32 = 255;

/// The parent of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parent {
    /// Its number.
    pub device: u32,
    /// The table of the VRF that it is in, if it is.
    pub table: Option<u32>,
    /// Whether routes can use it.
    pub up: bool,
}

/// How a group stands on this host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Whether its addresses are this host's.
    pub master: bool,
    /// The number of its device.
    pub device: u32,
    /// The table of the VRF that the device is in, if it is.
    pub table: Option<u32>,
    /// Where the MASTER can be reached.
    pub parent: Option<Parent>,
}

/// A virtual address, as the kernel has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Virtual {
    /// The address.
    pub own: Prefixed,
    /// Whether the kernel's own local route for it is there, for certain.
    pub local: bool,
}

/// What else a host has, seen from one virtual address.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Surroundings {
    /// This host has this very address whatever becomes of the group: the parent or another
    /// device has it for itself, or another group with it is MASTER here.
    pub same: bool,
    /// The parent has an address in a subnet that has all of the address's.
    pub covered: bool,
    /// The best address to talk to the subnet from, and how good it is.
    source: Option<(Merit, Ip)>,
}

/// How good a source address is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Merit {
    Elsewhere,
    LinkLocal,
    Parent,
    Neighbour,
}

impl Surroundings {
    /// Takes note of an address of the parent's own.
    pub fn add_parents(&mut self, virtual_address: Prefixed, own: Prefixed) {
        if own.address.bits() != virtual_address.address.bits() {
            return;
        }
        self.covered |= own.covers(virtual_address);
        if own.address == virtual_address.address {
            self.same = true;
            return;
        }
        let merit = if own.address.is_link_local() {
            Merit::LinkLocal
        } else if own.covers(Prefixed::single(virtual_address.address)) {
            Merit::Neighbour
        } else {
            Merit::Parent
        };
        self.offer(merit, own.address);
    }

    /// Takes note of another device with this very address: one that has it for itself, or
    /// that of a group that is MASTER here.
    ///
    /// Link-local addresses are those of one device each.
    pub fn add_owner(&mut self, virtual_address: Prefixed) {
        self.same |= !virtual_address.address.is_link_local();
    }

    /// Takes note of an address that another device has, which must not be virtual.
    pub fn add_other(&mut self, virtual_address: Prefixed, other: Ip) {
        let usable = other.bits() == virtual_address.address.bits()
            && other != virtual_address.address
            && !other.is_link_local()
            && !other.is_loopback();
        if usable {
            self.offer(Merit::Elsewhere, other);
        }
    }

    /// Would an address of another device be of use?
    pub const fn wants_other(&self) -> bool {
        self.source.is_none()
    }

    /// Is the source address one of another device?
    pub fn speaks_for_another(&self) -> bool {
        matches!(self.source, Some((Merit::Elsewhere, _)))
    }

    /// The first of the best wins: it is the one that the kernel would take.
    fn offer(&mut self, merit: Merit, address: Ip) {
        if self.source.is_none_or(|(best, _)| best < merit) {
            self.source = Some((merit, address));
        }
    }

    fn source(&self) -> Option<Ip> {
        self.source.map(|(_, address)| address)
    }
}

/// What a route does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// The address is a neighbour's on the parent: the MASTER's. Stands before the
    /// kernel's local route, or in its place.
    Neighbour,
    /// The MASTER cannot be reached now, and the address is not this host's.
    Unreachable,
    /// The address is this host's.
    Local,
    /// The subnet is on the parent.
    Connected,
    /// All neighbours of the subnet are on the parent. Stands before the kernel's own routes,
    /// of which that to the group's device can be the first.
    Broadcast,
    /// Multicast for which nobody has chosen a device. Stands behind the kernel's routes for it by
    /// all other devices, in the place of that by the group's.
    Multicast,
}

/// A route that is to be there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Route {
    /// Where it leads; a prefix without a rest.
    pub destination: Prefixed,
    /// What it does.
    pub kind: Kind,
    /// The table that it is in.
    pub table: u32,
    /// The number of its device; 0 if it needs none.
    pub device: u32,
    /// The source address of what this host sends there.
    pub source: Option<Ip>,
}

impl Route {
    /// Do they differ in the source address at most?
    pub fn is_like(&self, other: &Self) -> bool {
        Self {
            source: other.source,
            ..*self
        } == *other
    }
}

/// The route for multicast that has to be there for a group that speaks IPv6. (IPv4 needs
/// none.) It is for those who choose the group's device: who does not, is not to get it, which
/// sends nothing of a BACKUP's.
pub fn multicast(standing: &Standing) -> Route {
    Route {
        destination: Prefixed {
            address: Ip::V6([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            prefix_len: 8,
        },
        kind: Kind::Multicast,
        table: standing.table.unwrap_or(TABLE_LOCAL),
        device: standing.device,
        source: None,
    }
}

/// The routes that have to be there for an address: the one that says whose it is,
/// the one to its subnet, and the one to all neighbours there.
pub fn routes(standing: &Standing, address: Virtual, around: &Surroundings) -> [Option<Route>; 3] {
    [
        claim(standing, address, around),
        connected(standing, address.own, around),
        broadcast(standing, address.own, around),
    ]
}

/// Whether the kernel's own local route has to go. IPv4's may stay, as it can be
/// hidden; for IPv6, no route can be better than it.
pub fn hides_local(standing: &Standing, address: Virtual, around: &Surroundings) -> bool {
    !standing.master && !around.same && address.local && matches!(address.own.address, Ip::V6(_))
}

/// An address that another device has as well is this host's in any state, as the
/// administrator has said so; and one that another group is MASTER of is.
/// The kernel's local routes stay as they are.
fn claim(standing: &Standing, address: Virtual, around: &Surroundings) -> Option<Route> {
    if around.same {
        return None;
    }
    let ip = address.own.address;
    let route = Route {
        destination: Prefixed::single(ip),
        kind: Kind::Unreachable,
        table: standing.table.unwrap_or(TABLE_LOCAL),
        device: 0,
        source: None,
    };
    if standing.master {
        return (!address.local).then_some(Route {
            kind: Kind::Local,
            device: standing.device,
            // IPv4 would take the first of the device's.
            source: matches!(ip, Ip::V4(_)).then_some(ip),
            ..route
        });
    }
    // Neighbours on the link are found without a route of ours.
    if ip.is_link_local() {
        return None;
    }
    let parent = standing.parent.filter(|parent| parent.up);
    Some(match parent.zip(around.source()) {
        Some((parent, source)) => Route {
            kind: Kind::Neighbour,
            device: parent.device,
            source: Some(source),
            ..route
        },
        // Nothing is better than to talk to the MASTER in its own name.
        None => route,
    })
}

/// The same in all states, so that what is forwarded to the subnet is not disturbed
/// when the state changes.
fn connected(standing: &Standing, address: Prefixed, around: &Surroundings) -> Option<Route> {
    if around.covered || address.is_single() || address.address.is_link_local() {
        return None;
    }
    let parent = standing.parent.filter(|parent| parent.up)?;
    Some(Route {
        destination: address.network(),
        kind: Kind::Connected,
        table: parent.table.unwrap_or(TABLE_MAIN),
        device: parent.device,
        source: around.source().filter(|source| !source.is_link_local()),
    })
}

/// Where the parent is in the subnet, its broadcasts are the parent's: from its own address, in
/// all states. Where it is not, the kernel's route to the group's device is the only one.
fn broadcast(standing: &Standing, address: Prefixed, around: &Surroundings) -> Option<Route> {
    let parent = standing.parent.filter(|parent| parent.up)?;
    Some(Route {
        destination: address.broadcast().filter(|_| around.covered)?,
        kind: Kind::Broadcast,
        table: parent.table.unwrap_or(TABLE_LOCAL),
        device: parent.device,
        source: Some(around.source()?),
    })
}
