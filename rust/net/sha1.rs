// SPDX-License-Identifier: GPL-2.0

//! The hash SHA-1, for protocols that were made with it.
//!
//! C header: [`include/crypto/sha1.h`](srctree/include/crypto/sha1.h)
//!
//! May be called in any context; nothing is allocated, and nothing sleeps.

use super::{
    bindings,
    hmac_sha1::Digest, //
};

/// The hash of some bytes.
pub(crate) fn sha1(bytes: &[u8]) -> Digest {
    let mut digest = Digest::default();
    // SAFETY: The bytes are valid for reads of their length, and the digest is valid
    // for writes of its own, which is SHA-1's.
    unsafe { bindings::sha1(bytes.as_ptr(), bytes.len(), digest.as_mut_ptr()) };
    digest
}
