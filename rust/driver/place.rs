// SPDX-License-Identifier: GPL-2.0

//! What frames have to know about one vhid of a port.
//!
//! Read in softirq context without a lock, for every frame to a virtual MAC; written under
//! the lock of the group's machine, and by the work that keeps routes.

use super::{
    counters::{
        Counting,
        Traffic, //
    },
    ethertype::ETHERTYPE_IPV4, //
};
use crate::{
    net::{
        rcu_slot::RcuSlot,
        read_once::read_once, //
    },
    proto::{
        Cast,
        Share,
        State, //
    }, //
};
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// One vhid: a line of cache.
#[repr(align(64))]
pub(super) struct Place {
    /// A [`Standing`] as a number. Above all, a frame is compared with its lower half: if they
    /// are the same, it is of the protocol of which frames are taken at a glance.
    state: Atomic<u32>,
    /// Frames to the virtual MAC: taken, dropped for want of being MASTER, or left to
    /// others. Counted from the first group with this vhid on.
    pub(super) traffic: Traffic,
    /// If it is the leader of several nodes, how they share. Written with the RTNL held.
    pub(super) sharing: RcuSlot<Sharing>,
}

/// How the nodes of a group share what is sent to its virtual MAC.
pub(super) struct Sharing {
    /// Of which sort that MAC is.
    pub(super) cast: Cast,
    pub(super) share: Share,
}

/// What a vhid is here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// No group's.
    Vacant,
    /// That of a group with one node. `routed`: it is MASTER, and the routing tables have
    /// it that the group's addresses are this host's.
    Alone { state: State, routed: bool },
    /// The lowest one of a group with several nodes. `group`: the state of all together,
    /// to which `routed` applies.
    Leader {
        state: State,
        group: State,
        routed: bool,
    },
    /// Another one of such a group: its virtual MAC is nobody's.
    Follower { state: State },
}

impl Standing {
    /// MASTER and routed: IPv4 packets are no matter of the group's. In the order in
    /// which frames have it. What others have there, 0, is the type of no Ethernet frame.
    const ROUTED: u32 = ETHERTYPE_IPV4.to_be() as u32;
    const VACANT: u32 = 0xff << Self::STATE;
    const FOLLOWER: u32 = 1 << 24;
    const LEADER: u32 = 1 << 25;
    const LEADER_ROUTED: u32 = 1 << 26;
    /// By how much the state of the vhid is shifted.
    const STATE: u32 = 16;
    /// By how much the state of the group is shifted.
    const GROUP: u32 = 20;

    const fn alone(state: State) -> u32 {
        (state as u32) << Self::STATE
    }

    const fn number(self) -> u32 {
        match self {
            Self::Vacant => Self::VACANT,
            Self::Alone { routed: true, .. } => Self::ROUTED,
            Self::Alone { state, .. } => Self::alone(state),
            Self::Follower { state } => Self::alone(state) | Self::FOLLOWER,
            Self::Leader {
                state,
                group,
                routed,
            } => {
                let routed = if routed { Self::LEADER_ROUTED } else { 0 };
                Self::alone(state) | Self::LEADER | routed | (group as u32) << Self::GROUP
            }
        }
    }

    fn of_number(number: u32) -> Self {
        let state = |place: u32| match number >> place & 0x0f {
            2 => State::Master,
            1 => State::Backup,
            _ => State::Init,
        };
        match number {
            Self::VACANT => Self::Vacant,
            Self::ROUTED => Self::Alone {
                state: State::Master,
                routed: true,
            },
            _ if number & Self::FOLLOWER != 0 => Self::Follower {
                state: state(Self::STATE),
            },
            _ if number & Self::LEADER != 0 => Self::Leader {
                state: state(Self::STATE),
                group: state(Self::GROUP),
                routed: number & Self::LEADER_ROUTED != 0,
            },
            _ => Self::Alone {
                state: state(Self::STATE),
                routed: false,
            },
        }
    }

    /// The state of the vhid.
    pub(super) fn state(self) -> Option<State> {
        match self {
            Self::Vacant => None,
            Self::Alone { state, .. } | Self::Leader { state, .. } | Self::Follower { state } => {
                Some(state)
            }
        }
    }

    /// The state of the group that it leads, alone or with others.
    fn group(self) -> Option<State> {
        match self {
            Self::Vacant | Self::Follower { .. } => None,
            Self::Alone { state, .. } => Some(state),
            Self::Leader { group, .. } => Some(group),
        }
    }

    /// Whether this host is MASTER of the group that it leads, or of a part of it.
    pub(super) fn is_master(self) -> bool {
        self.group() == Some(State::Master)
    }

    /// Whether it leads a group that is elsewhere.
    pub(super) fn is_other(self) -> bool {
        self.group().is_some_and(|state| state != State::Master)
    }

    /// Whether the routing tables are known to have it.
    pub(super) fn is_routed(self) -> bool {
        matches!(
            self,
            Self::Alone { routed: true, .. } | Self::Leader { routed: true, .. }
        )
    }

    /// The same, routed or not, if it can be.
    fn routed(self, is_routed: bool) -> Self {
        match self {
            Self::Alone { state, .. } => Self::Alone {
                state,
                routed: is_routed && state == State::Master,
            },
            Self::Leader { state, group, .. } => Self::Leader {
                state,
                group,
                routed: is_routed && group == State::Master,
            },
            other => other,
        }
    }
}

/// What a frame to a virtual MAC is to know at a glance. All of it is read at once, as what is
/// read later has to be found again.
pub(super) struct Glimpse<'a> {
    number: u32,
    /// Of the frames that are taken.
    pub(super) counting: Counting<'a>,
}

impl Glimpse<'_> {
    /// Whether a frame that carries this, as it was sent, is taken for that.
    #[inline(always)]
    pub(super) fn takes(&self, protocol: u16) -> bool {
        self.number as u16 == protocol
    }

    /// Whether the vhid is no group's.
    #[inline(always)]
    pub(super) fn is_vacant(&self) -> bool {
        self.number == Standing::VACANT
    }
}

impl Place {
    pub(super) fn new() -> Self {
        Self {
            state: Atomic::new(Standing::VACANT),
            traffic: Traffic::none(),
            sharing: RcuSlot::new(),
        }
    }

    pub(super) fn standing(&self) -> Standing {
        Standing::of_number(self.state.load(Relaxed))
    }

    /// What is to be known at a glance.
    #[inline(always)]
    pub(super) fn glimpse(&self) -> Glimpse<'_> {
        Glimpse {
            number: read_once(&self.state),
            counting: self.traffic.counting(),
        }
    }

    /// Gives it another standing, and says which it had. The routes may be confirmed at any
    /// time: of a MASTER that stays one, they stay.
    pub(super) fn set_standing(&self, standing: Standing) -> Standing {
        self.update(|old| {
            standing.routed(old.is_master() && (old.is_routed() || standing.is_routed()))
        })
    }

    /// Says whether the routing tables have it. Too late for what is MASTER no more, it
    /// does nothing.
    pub(super) fn set_routed(&self, routed: bool) {
        self.update(|old| old.routed(routed));
    }

    fn update(&self, next: impl Fn(Standing) -> Standing) -> Standing {
        let mut old = self.state.load(Relaxed);
        loop {
            let standing = Standing::of_number(old);
            let number = next(standing).number();
            if number == old {
                return standing;
            }
            match self.state.cmpxchg(old, number, Relaxed) {
                Ok(_) => return standing,
                Err(now) => old = now,
            }
        }
    }
}
