// SPDX-License-Identifier: GPL-2.0

//! By which Ethernet addresses a segment knows a group, and how the hosts of a group with
//! several nodes come to see each packet.
//!
//! Pure values that may be used in any context. Sources: OpenBSD's carp(4); where its
//! code differs from it (`Documentation/load-balancing.md`), the manual is followed.

use super::{
    mac::{
        virtual_mac,
        virtual_multicast_mac, //
    },
    parameters::Vhid, //
};

/// How the hosts of a group come to see each packet. The numbers are those of
/// `enum carp_balancing`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Balancing {
    /// They do not: there is one node, and its MASTER takes all.
    #[default]
    None = 0,
    /// The virtual MAC is a multicast one.
    Ip = 1,
    /// Nobody sends from the virtual MAC, so that no switch learns where it is.
    IpStealth = 2,
    /// By a hub, or by mirrored ports.
    IpUnicast = 3,
}

impl Balancing {
    const ALL: [Self; 4] = [Self::None, Self::Ip, Self::IpStealth, Self::IpUnicast];

    /// The one with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|balancing| *balancing as u32 == number)
    }

    /// Is nothing sent from the virtual MAC?
    pub const fn hides_source(self) -> bool {
        matches!(self, Self::Ip | Self::IpStealth)
    }
}

/// Which sort of virtual MAC a frame was sent to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cast {
    /// 00:00:5e:00:01:VHID.
    Unicast,
    /// 01:00:5e:00:01:VHID.
    Multicast,
}

/// What a group looks like on its segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The lowest vhid of its nodes.
    pub leader: Vhid,
    /// How its hosts share the load.
    pub balancing: Balancing,
}

impl Identity {
    /// The virtual MAC.
    pub const fn mac(self) -> [u8; 6] {
        match self.cast() {
            Cast::Unicast => virtual_mac(self.leader),
            Cast::Multicast => virtual_multicast_mac(self.leader),
        }
    }

    /// Of which sort that is.
    pub const fn cast(self) -> Cast {
        match self.balancing {
            Balancing::None | Balancing::IpStealth | Balancing::IpUnicast => Cast::Unicast,
            Balancing::Ip => Cast::Multicast,
        }
    }

    /// The MAC that a host sends from for the group, which is the virtual one or that
    /// of the parent, `own`.
    pub const fn source(self, own: [u8; 6]) -> [u8; 6] {
        if self.balancing.hides_source() {
            own
        } else {
            self.mac()
        }
    }
}
