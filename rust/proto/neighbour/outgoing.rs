// SPDX-License-Identifier: GPL-2.0

//! Messages of neighbour discovery that the host's own stack is about to send.
//!
//! Pure values that may be used in any context.

use super::{
    message::{
        changed_checksum,
        sixteen, //
    },
    Beginning,
    IPV6_LEN,
    MESSAGE_LEN,
    SOLICITATION_TARGET, //
};

/// The length of what is looked at of one, in bytes.
pub const OUTGOING_LEN: usize = IPV6_LEN + MESSAGE_LEN;

/// A question for an address, or an answer, without its options: what the stack has made,
/// and so neither fragmented nor behind other headers.
pub struct Outgoing<'a>(&'a [u8; OUTGOING_LEN]);

impl<'a> Outgoing<'a> {
    const SOURCE: usize = 8;
    const CHECKSUM: usize = IPV6_LEN + 2;

    /// Takes the beginning of an IPv6 packet; `None` if it is another one.
    pub fn new(beginning: &'a [u8; OUTGOING_LEN]) -> Option<Self> {
        let message = Self(beginning);
        (message.is_solicitation() || message.is_advertisement()).then_some(message)
    }

    fn beginning(&self) -> Option<Beginning> {
        self.0.first_chunk().copied().map(Beginning::new)
    }

    /// Whether it is a question.
    pub fn is_solicitation(&self) -> bool {
        self.beginning().is_some_and(|head| head.is_solicitation())
    }

    /// Whether it is an answer, or says the same unasked.
    pub fn is_advertisement(&self) -> bool {
        self.beginning().is_some_and(|head| head.is_advertisement())
    }

    /// Who says it.
    pub fn source(&self) -> [u8; 16] {
        sixteen(&self.0[Self::SOURCE..]).unwrap_or_default()
    }

    /// What it is about.
    pub fn target(&self) -> [u8; 16] {
        sixteen(&self.0[SOLICITATION_TARGET..]).unwrap_or_default()
    }

    /// The same, said by somebody else.
    pub fn from(&self, source: [u8; 16]) -> [u8; OUTGOING_LEN] {
        let mut other = *self.0;
        let old = [other[Self::CHECKSUM], other[Self::CHECKSUM + 1]];
        let new = changed_checksum(u16::from_be_bytes(old), self.source(), source);
        for (to, from) in other.iter_mut().skip(Self::SOURCE).zip(source) {
            *to = from;
        }
        for (to, from) in other.iter_mut().skip(Self::CHECKSUM).zip(new.to_be_bytes()) {
            *to = from;
        }
        other
    }
}
