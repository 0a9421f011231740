// SPDX-License-Identifier: GPL-2.0

//! The key that the hosts of a group share.
//!
//! Pure, may be used in any context. Sources: `Documentation/protocol.md`,
//! "Digest".

use core::{
    fmt,
    hint::black_box, //
};

/// The length of a key in bytes.
pub const KEY_LEN: usize = 20;

/// A key: up to 20 arbitrary bytes, padded with zeros.
///
/// It is used as it is, not hashed; HMAC pads a key with zeros itself, so
/// that the padding changes no digest. The empty key is valid, and the
/// default on every BSD. Never printed, and overwritten when dropped.
#[derive(Clone, Default)]
pub struct Key([u8; KEY_LEN]);

impl Key {
    /// The key `bytes`, or `None` if they are more than 20.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > KEY_LEN {
            return None;
        }
        let mut key = Self::default();
        for (to, from) in key.0.iter_mut().zip(bytes) {
            *to = *from;
        }
        Some(key)
    }

    /// The key with its padding, as HMAC-SHA1 takes it.
    pub const fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// Is it the empty key, zeros only?
    pub fn is_empty(&self) -> bool {
        self.0 == [0; KEY_LEN]
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(..)")
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0 = [0; KEY_LEN];
        // Without a reader, the compiler could leave the line above out.
        black_box(&self.0);
    }
}
