// SPDX-License-Identifier: GPL-2.0-only
//! Netlink messages: built, and taken apart.

use carp_uapi::attribute::{Attributes, NESTED, Nested, header};
use std::fmt;
use std::io;

/// The length of `struct nlmsghdr`.
const HEADER: usize = 16;
/// Attributes and messages begin at multiples of this.
const ALIGN: usize = 4;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

/// Flags of a request.
pub mod flag {
    #![allow(missing_docs)]
    pub const REQUEST: u16 = 0x1;
    pub const ACK: u16 = 0x4;
    pub const DUMP_INTERRUPTED: u16 = 0x10;
    pub const CAPPED: u16 = 0x100;
    pub const ACK_TLVS: u16 = 0x200;
    pub const DUMP: u16 = 0x300;
    pub const EXCLUSIVE: u16 = 0x200;
    pub const CREATE: u16 = 0x400;
}

/// A request that is being put together.
#[derive(Clone, Debug)]
pub struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// A request of this type; an acknowledgement is asked for.
    pub fn new(kind: u16, flags: u16) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | flag::REQUEST | flag::ACK).to_ne_bytes());
        Self { bytes }
    }

    /// Adds the fixed part that stands before the attributes.
    #[must_use]
    pub fn fixed(mut self, part: &[u8]) -> Self {
        self.bytes.extend(part);
        self.align();
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn put(mut self, kind: u32, payload: &[u8]) -> Self {
        let start = self.begin(kind);
        self.bytes.extend(payload);
        self.end(start);
        self
    }

    /// Adds a number of 32 bits.
    #[must_use]
    pub fn put_u32(self, kind: u32, number: u32) -> Self {
        self.put(kind, &number.to_ne_bytes())
    }

    /// Adds a string, which ends with a zero.
    #[must_use]
    pub fn put_text(self, kind: u32, text: &str) -> Self {
        self.put(kind, &[text.as_bytes(), &[0]].concat())
    }

    /// Adds what `content` adds, as one attribute.
    #[must_use]
    pub fn nest(mut self, kind: u32, content: impl FnOnce(Self) -> Self) -> Self {
        let start = self.begin(kind | NESTED);
        self = content(self);
        self.end(start);
        self
    }

    /// Whether the kernel answers with any number of messages.
    pub fn is_dump(&self) -> bool {
        u16::from_ne_bytes([self.bytes[6], self.bytes[7]]) & flag::DUMP == flag::DUMP
    }

    /// The bytes to send, with the number by which the answer is known.
    pub fn finish(&self, sequence: u32) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let length = bytes.len() as u32;
        bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        bytes
    }

    fn begin(&mut self, kind: u32) -> usize {
        let start = self.bytes.len();
        self.bytes.extend(header(kind, 0));
        start
    }

    fn end(&mut self, start: usize) {
        let length = (self.bytes.len() - start) as u16;
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.align();
    }

    fn align(&mut self) {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(ALIGN), 0);
    }
}

/// A message of the kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message<'a> {
    /// The type.
    pub kind: u16,
    /// See [`flag`].
    pub flags: u16,
    /// The number of the request that it answers.
    pub sequence: u32,
    /// What follows the header.
    pub payload: &'a [u8],
}

/// The messages in a packet, up to the first that is not whole.
pub fn messages(packet: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = packet;
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(*rest.first_chunk()?) as usize;
        let header: &[u8; HEADER] = rest.first_chunk()?;
        let payload = rest.get(HEADER..length)?;
        let message = Message {
            kind: u16::from_ne_bytes([header[4], header[5]]),
            flags: u16::from_ne_bytes([header[6], header[7]]),
            sequence: u32::from_ne_bytes([header[8], header[9], header[10], header[11]]),
            payload,
        };
        rest = rest.get(length.next_multiple_of(ALIGN)..).unwrap_or(&[]);
        Some(message)
    })
}

/// How an answer ends.
#[derive(Debug, PartialEq)]
pub enum End {
    /// All was done.
    Done,
    /// The kernel said no.
    Refused(Refusal),
}

impl<'a> Message<'a> {
    /// Whether this message ends an answer, and how.
    pub fn end(&self) -> Option<End> {
        if self.kind != NLMSG_ERROR && self.kind != NLMSG_DONE {
            return None;
        }
        let number = self
            .payload
            .first_chunk()
            .map_or(0, |b| i32::from_ne_bytes(*b));
        if number >= 0 {
            return Some(End::Done);
        }
        Some(End::Refused(Refusal {
            errno: number.saturating_neg(),
            text: self.extended_ack(),
        }))
    }

    /// The attributes after a fixed part of `length` bytes.
    pub fn attributes(&self, length: usize) -> Nested<'a> {
        Nested(
            self.payload
                .get(length.next_multiple_of(ALIGN)..)
                .unwrap_or(&[]),
        )
    }

    /// The kernel's own sentence, after the number and the request that it refused.
    fn extended_ack(&self) -> Option<String> {
        const MESSAGE: u32 = 1;
        if self.flags & flag::ACK_TLVS == 0 {
            return None;
        }
        let request = if self.kind == NLMSG_DONE {
            0
        } else if self.flags & flag::CAPPED != 0 {
            HEADER
        } else {
            u32::from_ne_bytes(*self.payload.get(4..)?.first_chunk()?) as usize
        };
        let attributes = Nested(
            self.payload
                .get(request.checked_add(4)?.next_multiple_of(ALIGN)..)?,
        );
        let text = text(attributes.payload(MESSAGE)?);
        (!text.is_empty()).then_some(text)
    }
}

/// A string of the kernel, up to its zero.
pub fn text(payload: &[u8]) -> String {
    let end = payload.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&payload[..end.unwrap_or(payload.len())]).into_owned()
}

/// The kernel's no.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The number of the error.
    pub errno: i32,
    /// The sentence, if the kernel gave one.
    pub text: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => write!(f, "{}", crate::text::Plain(text)),
            None => {
                // "No such device (os error 19)"
                let text = io::Error::from_raw_os_error(self.errno).to_string();
                f.write_str(text.split(" (os error").next().unwrap_or(&text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
        Request::new(kind, flags).fixed(payload).finish(7)
    }

    #[test]
    fn what_is_built_is_read_again() {
        let bytes = Request::new(16, flag::DUMP)
            .fixed(&[1; 16])
            .put_text(3, "carp0")
            .nest(18, |nest| nest.put_u32(1, 5).put(2, &[9]))
            .finish(42);
        let read: Vec<_> = messages(&bytes).collect();
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].kind, read[0].sequence), (16, 42));
        let attributes = read[0].attributes(16);
        assert_eq!(text(attributes.payload(3).unwrap()), "carp0");
        let nest = Nested(attributes.payload(18).unwrap());
        assert_eq!(nest.u32(1), Some(5));
        assert_eq!(nest.payload(2), Some(&[9][..]));
    }

    #[test]
    fn a_refusal_has_the_kernels_sentence() {
        let sentence = b"vhid must be from 1 to 255\0";
        for (flags, request) in [(flag::CAPPED, 16u32), (0, 40)] {
            let mut payload = (-22i32).to_ne_bytes().to_vec();
            payload.extend(request.to_ne_bytes());
            payload.resize(4 + request as usize, 0);
            let attribute = Request::new(0, 0).put(1, sentence).finish(0);
            payload.extend(&attribute[HEADER..]);
            let bytes = packet(NLMSG_ERROR, flags | flag::ACK_TLVS, &payload);
            let end = messages(&bytes).next().unwrap().end().unwrap();
            let End::Refused(refusal) = end else { panic!() };
            assert_eq!(refusal.errno, 22);
            assert_eq!(refusal.to_string(), "vhid must be from 1 to 255");
        }
    }

    #[test]
    fn a_refusal_without_a_sentence_has_the_systems() {
        let bytes = packet(NLMSG_ERROR, 0, &(-19i32).to_ne_bytes());
        let Some(End::Refused(refusal)) = messages(&bytes).next().unwrap().end() else {
            panic!()
        };
        assert_eq!(refusal.to_string(), "No such device");
        let ack = packet(NLMSG_ERROR, 0, &0i32.to_ne_bytes());
        assert_eq!(messages(&ack).next().unwrap().end(), Some(End::Done));
    }

    proptest! {
        /// Whatever comes, it is read or left, and nothing panics.
        #[test]
        fn random_packets(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for message in messages(&bytes) {
                let _ = message.end();
                let _ = message.attributes(16).count();
            }
        }

        /// Packets that look right as far as their header.
        #[test]
        fn random_ends(flags: u16, payload in proptest::collection::vec(any::<u8>(), 0..120)) {
            for kind in [NLMSG_ERROR, NLMSG_DONE] {
                let bytes = packet(kind, flags, &payload);
                prop_assert!(messages(&bytes).next().unwrap().end().is_some());
            }
        }
    }
}
