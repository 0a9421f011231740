// SPDX-License-Identifier: GPL-2.0

//! Why a received advertisement was not used.
//!
//! Pure values that may be used in any context. The numbers are those of
//! `include/uapi/linux/if_carp.h`; a test compares them.

/// Why a received advertisement was not used, in the order of the checks
/// (`enum carp_discard`).
///
/// The core finds some of them itself; the others are its caller's, who knows
/// the groups and their keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Discard {
    /// CARP is switched off in the network namespace.
    NotAllowed = 0,
    /// The TTL or hop limit is not 255: it was not sent on this segment.
    BadHopLimit = 1,
    /// It is shorter than a CARP header.
    BadLength = 2,
    /// It is not of CARP version 2 (VRRP, for one, is not).
    BadVersion = 3,
    /// It is not an advertisement.
    BadType = 4,
    /// The checksum is wrong.
    BadChecksum = 5,
    /// There is no group of that vhid here; 0 never is one.
    UnknownVhid = 6,
    /// The group is in INIT.
    NotRunning = 7,
    /// The digest is wrong: the key or the address list differ.
    BadDigest = 8,
    /// It is our own, sent back by the network.
    OwnEcho = 9,
}
