// SPDX-License-Identifier: GPL-2.0

//! What happens to a group, and what is to be done about it.
//!
//! Pure values that may be used in any context.

use super::{
    discard::Discard,
    election::Bid,
    family::{
        Families,
        Family,
        Source,
        Sources, //
    },
    parameters::Parameters,
    state::{
        Missing,
        Reason,
        State, //
    }, //
};

/// Something that happened to a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// What the group lacks to take part, and the families it has addresses
    /// in; told at every change. No families at all count as
    /// [`Missing::ADDRESS`].
    Conditions {
        /// What is missing.
        missing: Missing,
        /// The families that the group has virtual addresses in.
        families: Families,
    },
    /// The addresses this host sends advertisements from; told at every
    /// change. They decide between equal hosts, and tell echoes.
    Sources(Sources),
    /// New parameters.
    Parameters(Parameters),
    /// How much this host is demoted, 0..=255; 0 unless told otherwise.
    Demotion(u8),
    /// Does a BACKUP take over from a MASTER that advertises less often? No,
    /// unless told otherwise.
    Preempt(bool),
    /// A valid advertisement of the group arrived: parsed, vhid and digest
    /// verified.
    Heard(Heard),
    /// [`advertisement_due`](super::Group::advertisement_due) may have come.
    AdvertisementTimer,
    /// [`time_out_due`](super::Group::time_out_due) may have come.
    TimeOutTimer,
    /// Another host has told the segment that an address of the group is at a MAC of its
    /// own. A MASTER tells it otherwise with its next advertisement (RFC 5227 section 2.4).
    AddressClaimed,
    /// A user asks for a state. Only BACKUP and MASTER can be had, and not in
    /// INIT; what cannot be had is ignored, as in the BSDs.
    Request(State),
}

/// What the core has to know of an advertisement that arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    /// The family it came in: that of `source`.
    pub family: Family,
    /// Seconds, 0..=255.
    pub advbase: u8,
    /// 1/256 seconds, 0..=255.
    pub advskew: u8,
    /// The sender's demotion, 0..=255.
    pub demote: u8,
    /// The counter.
    pub counter: u64,
    /// Its source address.
    pub source: Source,
    /// Is that an address of this host, be it not the one it sends from?
    pub from_own_address: bool,
}

impl Heard {
    /// What the sender brings into the election.
    pub const fn bid(&self) -> Bid {
        Bid {
            demote: self.demote,
            advbase: self.advbase,
            advskew: self.advskew,
        }
    }
}

/// What is to be done after an event, in the order of the fields. The
/// deadlines may have changed too.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Actions {
    /// The state changed.
    pub transition: Option<Transition>,
    /// An advertisement is to be sent now.
    pub advertise: Option<Advertise>,
    /// All virtual addresses are to be announced now: gratuitous ARP,
    /// unsolicited neighbour advertisement.
    pub announce: bool,
    /// The advertisement that was heard was not used.
    pub discard: Option<Discard>,
    /// Something that the administrator should know of.
    pub notice: Option<Notice>,
}

impl Actions {
    /// Nothing is to be done.
    pub(super) const NONE: Self = Self {
        transition: None,
        advertise: None,
        announce: false,
        discard: None,
        notice: None,
    };
}

/// A change of state; `from` and `to` differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transition {
    /// The state that was left.
    pub from: State,
    /// The state that was entered.
    pub to: State,
    /// Why.
    pub reason: Reason,
}

/// An advertisement to be sent in every one of `families`, IPv4 first, each
/// packet with a counter of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Advertise {
    /// Seconds, 0..=255.
    pub advbase: u8,
    /// 1/256 seconds, 0..=255.
    pub advskew: u8,
    /// The demotion of this host.
    pub demote: u8,
    /// Where to send; never empty.
    pub families: Families,
    /// To whom.
    pub recipients: Recipients,
    /// This host takes its leave as MASTER. If its addresses or its vhid are
    /// just going, the digest is still the one from before.
    pub bow_out: bool,
}

/// Who an advertisement is for. The packet is the same, its Ethernet header is
/// not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recipients {
    /// Everybody in the group, and every switch, which learns by it where the
    /// MASTER is: to the multicast MAC, from the virtual MAC.
    All,
    /// The MASTER alone, which only learns by it that there was another one:
    /// to the virtual MAC, from the parent's own MAC. Hosts that are not
    /// MASTER, BSDs too, drop what is for the virtual MAC.
    Master,
}

/// Something that the administrator should know of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// This host is MASTER and stays it, and there is another one.
    OtherMaster,
    /// The other one's parameters are equal, so that only the addresses
    /// decided for this host.
    Tie,
}
