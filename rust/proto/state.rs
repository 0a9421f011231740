// SPDX-License-Identifier: GPL-2.0

//! The states of a group on a host, why it is in one, and what keeps it from
//! leaving INIT.
//!
//! Pure values that may be used in any context. The numbers are those of
//! `include/uapi/linux/if_carp.h`; a test compares them.

/// The state of a group on this host (`enum carp_state`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    /// Not taking part: something is missing.
    Init = 0,
    /// Listening to the MASTER, silent.
    Backup = 1,
    /// Owns the addresses and says so regularly.
    Master = 2,
}

impl State {
    /// The state of a group with nodes in these states: MASTER if any of them is, else
    /// BACKUP if any of them is.
    pub fn of_nodes(nodes: impl IntoIterator<Item = Self>) -> Self {
        nodes
            .into_iter()
            .max_by_key(|state| *state as u8)
            .unwrap_or(Self::Init)
    }
}

/// Why a group is in its state (`enum carp_reason`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Reason {
    /// INIT: nothing happened yet.
    Created = 0,
    /// INIT: no vhid is set.
    NoVhid = 1,
    /// INIT: no parent device.
    NoParent = 2,
    /// INIT: no virtual address.
    NoAddress = 3,
    /// INIT: the carp device is down.
    DeviceDown = 4,
    /// INIT: the parent is down.
    ParentDown = 5,
    /// INIT: the parent has no carrier.
    NoCarrier = 6,
    /// INIT: CARP is not allowed in this network namespace.
    NotAllowed = 7,
    /// BACKUP: the configuration became complete.
    Ready = 8,
    /// BACKUP: a better MASTER was heard.
    BetterMaster = 9,
    /// BACKUP: an equal MASTER was heard, and its address wins.
    EqualMaster = 10,
    /// BACKUP or MASTER: a user asked for it.
    Requested = 11,
    /// MASTER: no advertisement was heard for too long.
    TimedOut = 12,
    /// MASTER: the old one advertised less often, and preemption is on.
    Preempted = 13,
    /// MASTER: the old one is demoted more than this host.
    MasterDemoted = 14,
    /// MASTER: the old one advertises so seldom that it would time out.
    MasterTooSlow = 15,
    /// MASTER: the old one took its leave.
    MasterBowedOut = 16,
}

impl Reason {
    /// How many reasons there are.
    pub const COUNT: usize = Self::MasterBowedOut as usize + 1;
}

/// What a group lacks to take part: a set, empty when it can
/// (`CARP_MISSING_*`).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Missing(u32);

impl Missing {
    /// Nothing is missing.
    pub const NONE: Self = Self(0);
    /// No vhid is set.
    pub const VHID: Self = Self(1 << 0);
    /// There is no parent device.
    pub const PARENT: Self = Self(1 << 1);
    /// There is no virtual address.
    pub const ADDRESS: Self = Self(1 << 2);
    /// The carp device is down.
    pub const DEVICE_UP: Self = Self(1 << 3);
    /// The parent is down.
    pub const PARENT_UP: Self = Self(1 << 4);
    /// The parent has no carrier.
    pub const CARRIER: Self = Self(1 << 5);
    /// CARP is switched off in the network namespace.
    pub const ALLOWED: Self = Self(1 << 6);
    /// All of them: what is known of a group before anything is told.
    pub const ALL: Self = Self((1 << 7) - 1);

    /// Each single thing that can be missing, with the reason it gives, the
    /// one to name first at the front.
    const REASONS: [(Self, Reason); 7] = [
        (Self::VHID, Reason::NoVhid),
        (Self::PARENT, Reason::NoParent),
        (Self::ADDRESS, Reason::NoAddress),
        (Self::DEVICE_UP, Reason::DeviceDown),
        (Self::PARENT_UP, Reason::ParentDown),
        (Self::CARRIER, Reason::NoCarrier),
        (Self::ALLOWED, Reason::NotAllowed),
    ];

    /// The set as the bits of `CARP_MISSING_*`.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Everything that is in one of the two sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Is all of `other` missing?
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Is nothing missing?
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The reason to give for INIT: what a user would put right first;
    /// [`Reason::Ready`] if nothing is missing.
    pub fn first_reason(self) -> Reason {
        Self::REASONS
            .iter()
            .find(|(missing, _)| self.contains(*missing))
            .map_or(Reason::Ready, |(_, reason)| *reason)
    }
}
