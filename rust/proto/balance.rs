// SPDX-License-Identifier: GPL-2.0

//! Which of the groups that share an address answers a client that asks for it:
//! `net.inet.carp.arpbalance`.
//!
//! The members are those groups that run, MASTER or BACKUP, in ascending order of
//! their vhids. Every host of the segment makes the same choice, each for itself,
//! from what all of them know: the question, the members and their keys. So exactly
//! one member is chosen, and the host that is MASTER of it answers.
//!
//! In [`share`] is who takes a packet where all hosts see each, by [`fold`] or [`flow`].
//!
//! Pure functions that may be called in any context; nothing is allocated, and no
//! choice depends on the processor's byte order. `Documentation/load-balancing.md`
//! tells which to use when.

pub mod even;
pub mod flow;
pub mod fold;
pub mod mac_hash;
pub mod modulo;
pub mod share;
pub mod siphash;

pub use even::EvenKey;
pub use mac_hash::MacKey;
pub use share::{
    Selection,
    Share,
    Takers, //
};

use super::{
    ownership::Ip,
    parameters::Vhid,
    vhid_set::VhidSet, //
};

/// How a member is chosen. The numbers are those of `net.inet.carp.arpbalance`,
/// where 0 is no choice at all: then every MASTER answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Balance {
    /// As FreeBSD 5 to 9: the source address modulo the number of members.
    Modulo = 1,
    /// As NetBSD, and OpenBSD 3.6 to 5.8: a keyed hash of the source MAC.
    MacHash = 2,
    /// Ours: the largest of one keyed hash of the source address for each member.
    Even = 3,
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asker {
    /// The source address: of the sender in ARP, 0.0.0.0 in a probe; of the packet
    /// in neighbour discovery, `::` in a probe.
    pub address: Ip,
    /// The MAC: of the sender in ARP; in neighbour discovery that of the source
    /// link-layer option, or of the frame if there is no such option.
    pub mac: [u8; 6],
}

/// What the choice needs of one member's key; of no use for anything else.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct BalanceKeys {
    /// For [`Balance::MacHash`].
    pub mac: MacKey,
    /// For [`Balance::Even`].
    pub even: EvenKey,
}

impl BalanceKeys {
    /// How many numbers they are.
    pub const WORDS: usize = 3;

    /// As numbers, to be kept.
    pub fn to_words(self) -> [u64; Self::WORDS] {
        let Self {
            mac: MacKey { b, c },
            even: EvenKey([first, second]),
        } = self;
        [(u64::from(b) << 32) | u64::from(c), first, second]
    }

    /// From those numbers.
    pub fn from_words([mac, first, second]: [u64; Self::WORDS]) -> Self {
        Self {
            mac: MacKey {
                b: (mac >> 32) as u32,
                c: mac as u32,
            },
            even: EvenKey([first, second]),
        }
    }
}

impl Balance {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Modulo, Self::MacHash, Self::Even];

    /// The choice with this number; `None` for 0 and what is no number of any.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|balance| *balance as i32 == number)
    }

    /// The member that answers; `None` if there is no member. `keys` tells those of
    /// a member.
    pub fn choose(
        self,
        members: &VhidSet,
        asker: &Asker,
        keys: impl Fn(Vhid) -> BalanceKeys,
    ) -> Option<Vhid> {
        match self {
            Self::Modulo => modulo::choose(members, asker.address),
            Self::MacHash => mac_hash::choose(members, asker.mac, |vhid| keys(vhid).mac),
            Self::Even => even::choose(members, asker.address, |vhid| keys(vhid).even),
        }
    }
}

/// The member at a place, which is counted from 0 and begins again behind the last
/// one.
fn member_at(members: &VhidSet, place: u32) -> Option<Vhid> {
    let place = place.checked_rem(members.len())?;
    members.iter().nth(place as usize)
}
