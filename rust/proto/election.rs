// SPDX-License-Identifier: GPL-2.0

//! Who should be MASTER of two hosts of a group.
//!
//! Pure, may be used in any context. The rules are OpenBSD's, where the
//! demotion counter is compared first; `Documentation/protocol.md`, "States",
//! says where not.

use super::{
    parameters::Parameters,
    state::Reason,
    wire::BOW_OUT, //
};

/// What a host brings into the election. The smaller one is the better one:
/// less demoted, and then more frequent.
///
/// The fields are compared in the order they stand in. Comparing an advskew
/// is comparing the microseconds it stands for, as these grow with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Bid {
    /// The demotion counter.
    pub demote: u8,
    /// Seconds.
    pub advbase: u8,
    /// 1/256 seconds.
    pub advskew: u8,
}

impl Bid {
    /// The bid of a host with `parameters` that is demoted by `demote`.
    pub const fn new(parameters: Parameters, demote: u8) -> Self {
        Self {
            demote,
            advbase: parameters.advbase(),
            advskew: parameters.advskew(),
        }
    }

    /// Is it the bid of a MASTER that takes its leave?
    pub const fn is_bow_out(self) -> bool {
        self.advbase == BOW_OUT && self.advskew == BOW_OUT
    }

    /// How long it lasts from one advertisement to the next, for comparing.
    const fn pace(self) -> (u16, u8) {
        (self.advbase as u16, self.advskew)
    }

    /// What a BACKUP with this bid allows a MASTER to take between two
    /// advertisements, for comparing with its [`pace`](Self::pace).
    const fn patience(self) -> (u16, u8) {
        (3 * self.advbase as u16, self.advskew)
    }
}

/// Why a BACKUP with the bid `own` takes over from a MASTER heard with the bid
/// `master`; `None` if it does not.
pub fn reason_to_take_over(own: Bid, master: Bid, preempt: bool) -> Option<Reason> {
    if master.is_bow_out() {
        // Whatever the numbers: to an advbase above 85 the 255 s of a bow-out
        // are not too slow, and no MASTER that stays can be configured so.
        Some(Reason::MasterBowedOut)
    } else if master.demote > own.demote {
        Some(Reason::MasterDemoted)
    } else if preempt && master.demote == own.demote && own.pace() < master.pace() {
        Some(Reason::Preempted)
    } else if master.demote == own.demote && own.advbase != 0 && own.patience() < master.pace() {
        // It would time out before its next advertisement. Not if this host is
        // demoted more, as with OpenBSD: the other one is the better MASTER
        // still, and the two would take over from each other without end, at
        // the speed of the network.
        Some(Reason::MasterTooSlow)
    } else {
        None
    }
}
