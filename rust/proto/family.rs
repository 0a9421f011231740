// SPDX-License-Identifier: GPL-2.0

//! The two address families and what exists once in each.
//!
//! Pure values that may be used in any context.

/// An address family that advertisements travel in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// A set of address families: those in which a group has virtual addresses.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Families {
    /// The group has an IPv4 address.
    pub v4: bool,
    /// The group has an IPv6 address.
    pub v6: bool,
}

impl Families {
    /// Neither family.
    pub const NONE: Self = Self {
        v4: false,
        v6: false,
    };

    /// `family` and not the other one.
    pub const fn only(family: Family) -> Self {
        Self {
            v4: matches!(family, Family::V4),
            v6: matches!(family, Family::V6),
        }
    }

    /// Is it neither family?
    pub const fn is_empty(self) -> bool {
        !self.v4 && !self.v6
    }

    /// Is `family` in the set?
    pub const fn contains(self, family: Family) -> bool {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }

    /// The family whose source addresses decide between equal hosts: IPv4
    /// where the group has it. One family only, because the two could order
    /// the hosts differently.
    pub const fn tie_break(self) -> Family {
        if self.v4 {
            Family::V4
        } else {
            Family::V6
        }
    }
}

/// The address an advertisement was sent from, in network byte order. Those of
/// one family compare as the numbers that they are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    /// An IPv4 source address.
    V4([u8; 4]),
    /// An IPv6 source address.
    V6([u8; 16]),
}

impl Source {
    /// The family of the address.
    pub const fn family(self) -> Family {
        match self {
            Self::V4(_) => Family::V4,
            Self::V6(_) => Family::V6,
        }
    }
}

/// The address this host sends its advertisements from in each family, in
/// network byte order; `None` if it has none and sends from 0.0.0.0 or ::.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Sources {
    /// Source of the IPv4 advertisements.
    pub v4: Option<[u8; 4]>,
    /// Source of the IPv6 advertisements.
    pub v6: Option<[u8; 16]>,
}

impl Sources {
    /// The source in `family`, as others see it.
    pub fn get(&self, family: Family) -> Source {
        match family {
            Family::V4 => Source::V4(self.v4.unwrap_or_default()),
            Family::V6 => Source::V6(self.v6.unwrap_or_default()),
        }
    }
}
