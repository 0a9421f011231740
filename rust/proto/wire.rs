// SPDX-License-Identifier: GPL-2.0

//! The CARP header on the wire.
//!
//! Pure functions that may be called in any context. Layout, checksum and
//! receive checks, and their sources: `Documentation/protocol.md`, "Wire
//! format".

use super::{
    digest::DIGEST_LEN,
    discard::Discard,
    headers::HOP_LIMIT,
    parameters::Vhid, //
};

/// The length of a CARP header, which is all of an advertisement, in bytes.
pub const HEADER_LEN: usize = 36;

/// The CARP version that is spoken here.
pub(super) const VERSION: u8 = 2;

/// The only packet type there is.
pub(super) const TYPE_ADVERTISEMENT: u8 = 1;

/// The length of counter and digest in 32-bit words.
const AUTHENTICATION_WORDS: u8 = 7;

/// The value of both advbase and advskew with which a MASTER takes its leave.
pub(super) const BOW_OUT: u8 = 255;

/// The fields of an advertisement; all but the constant ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Advertisement {
    /// The group it is about.
    pub vhid: Vhid,
    /// Seconds, 0..=255.
    pub advbase: u8,
    /// 1/256 seconds, 0..=254; 255 when taking leave.
    pub advskew: u8,
    /// OpenBSD's demotion counter, 0..=255; others send 0.
    pub demote: u8,
    /// What makes every digest different; opaque.
    pub counter: u64,
    /// HMAC-SHA1 over what [`digest`](super::digest) feeds.
    pub digest: [u8; DIGEST_LEN],
}

impl Advertisement {
    /// Reads the advertisement in `payload`, what follows the IP header of a
    /// packet that arrived with a TTL or hop limit of `hop_limit`.
    ///
    /// Bytes after the header are ignored, and so is the length of the
    /// authentication data, as in every implementation.
    ///
    /// # Errors
    ///
    /// The first check that fails, of those that need no configuration, in
    /// this order: hop limit, length, version, type, checksum, a vhid of 0.
    pub fn parse(hop_limit: u8, payload: &[u8]) -> Result<Self, Discard> {
        if hop_limit != HOP_LIMIT {
            return Err(Discard::BadHopLimit);
        }
        let Some(header) = payload.first_chunk::<HEADER_LEN>() else {
            return Err(Discard::BadLength);
        };
        // A pattern instead of ranges: its length is checked when compiling.
        let &[version_type, vhid, advskew, _, demote, advbase, _, _, ref authentication @ ..] =
            header;
        if version_type >> 4 != VERSION {
            return Err(Discard::BadVersion);
        }
        if version_type & 0x0f != TYPE_ADVERTISEMENT {
            return Err(Discard::BadType);
        }
        // The sum over a header that holds its right checksum is all ones.
        if sum(header) != 0xffff {
            return Err(Discard::BadChecksum);
        }
        let Some(vhid) = Vhid::new(vhid) else {
            return Err(Discard::UnknownVhid);
        };
        let &[c0, c1, c2, c3, c4, c5, c6, c7, ref digest @ ..] = authentication;
        Ok(Self {
            vhid,
            advbase,
            advskew,
            demote,
            counter: u64::from_be_bytes([c0, c1, c2, c3, c4, c5, c6, c7]),
            digest: *digest,
        })
    }

    /// The advertisement as it is sent, checksum included.
    pub fn emit(&self) -> [u8; HEADER_LEN] {
        let mut header = [0; HEADER_LEN];
        {
            let [version_type, vhid, advskew, authentication_words, demote, advbase, _, _, authentication @ ..] =
                &mut header;
            *version_type = (VERSION << 4) | TYPE_ADVERTISEMENT;
            *vhid = self.vhid.get();
            *advskew = self.advskew;
            *authentication_words = AUTHENTICATION_WORDS;
            *demote = self.demote;
            *advbase = self.advbase;
            if let Some((first, rest)) = authentication.split_first_chunk_mut() {
                *first = self.counter.to_be_bytes();
                if let Some(digest) = rest.first_chunk_mut() {
                    *digest = self.digest;
                }
            }
        }
        let checksum = (!sum(&header)).to_be_bytes();
        let [_, _, _, _, _, _, high, low, ..] = &mut header;
        [*high, *low] = checksum;
        header
    }

    /// Does the sender take its leave as MASTER?
    pub const fn is_bow_out(&self) -> bool {
        self.advbase == BOW_OUT && self.advskew == BOW_OUT
    }
}

/// The vhid that a packet claims to be about, even if the packet is broken
/// otherwise, so that its being discarded can be charged to a group.
pub fn claimed_vhid(payload: &[u8]) -> Option<Vhid> {
    payload.get(1).copied().and_then(Vhid::new)
}

/// The one's complement sum of `bytes` as big-endian 16-bit words; a last odd
/// byte counts as the upper half of a word. Good for up to 64 KiB.
pub(super) fn sum(bytes: &[u8]) -> u16 {
    let mut words = bytes.chunks_exact(2);
    let mut sum: u32 = 0;
    for word in &mut words {
        if let [high, low] = *word {
            sum = sum.wrapping_add(u32::from(u16::from_be_bytes([high, low])));
        }
    }
    if let [last] = *words.remainder() {
        sum = sum.wrapping_add(u32::from(last) << 8);
    }
    // Twice, because adding the carries can carry once more.
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}
