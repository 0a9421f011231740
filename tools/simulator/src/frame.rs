// SPDX-License-Identifier: GPL-2.0

//! What travels on the segment: one advertisement in its datagram.

use carp_proto::{Family, Recipients, Source, HEADER_LEN};

/// A datagram of IP protocol 112, reduced to what a receiver looks at.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Source address of the datagram; its family is the datagram's.
    pub source: Source,
    /// Who takes it from the segment: everybody, or who is MASTER when it
    /// arrives.
    pub recipients: Recipients,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// The CARP header as it is on the wire.
    pub payload: [u8; HEADER_LEN],
}

impl Frame {
    /// The address family that carries the advertisement.
    pub fn family(&self) -> Family {
        match self.source {
            Source::V4(_) => Family::V4,
            Source::V6(_) => Family::V6,
        }
    }
}
