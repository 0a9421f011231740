// SPDX-License-Identifier: GPL-2.0

//! Message authentication with HMAC-SHA1.
//!
//! C headers: [`include/crypto/sha1.h`](srctree/include/crypto/sha1.h),
//! [`include/crypto/utils.h`](srctree/include/crypto/utils.h)
//!
//! All functions may be called in any context; none allocates or sleeps.
//!
//! Keys and contexts are wiped when they are dropped. Moving one copies it, and
//! what is copied by a move is not wiped: keep a key where it was made.

use super::bindings;

/// The length of a digest in bytes.
pub(crate) const DIGEST_SIZE: usize = bindings::SHA1_DIGEST_SIZE as usize;

/// A digest.
pub(crate) type Digest = [u8; DIGEST_SIZE];

/// A prepared key: the key's blocks are hashed already.
///
/// Wraps the kernel's [`struct hmac_sha1_key`].
///
/// [`struct hmac_sha1_key`]: srctree/include/crypto/sha1.h
#[derive(Clone)]
pub(crate) struct Key(bindings::hmac_sha1_key);

impl Key {
    /// Prepares a key of any length.
    ///
    /// The caller has to wipe `raw`.
    pub(crate) fn new(raw: &[u8]) -> Self {
        let mut key = Self(bindings::hmac_sha1_key::default());
        // SAFETY: The key is valid for writes, and `raw` for reads of its length.
        unsafe { bindings::hmac_sha1_preparekey(&mut key.0, raw.as_ptr(), raw.len()) };
        key
    }

    /// Begins the digest of a message.
    pub(crate) fn start(&self) -> Context {
        let mut context = Context(bindings::hmac_sha1_ctx::default());
        // SAFETY: The context is valid for writes, and the key is prepared.
        unsafe { bindings::hmac_sha1_init(&mut context.0, &self.0) };
        context
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// The digest of a message of which a part was seen.
///
/// A clone goes on from there by itself, so that a common beginning of several
/// messages is hashed once.
///
/// Wraps the kernel's [`struct hmac_sha1_ctx`].
///
/// [`struct hmac_sha1_ctx`]: srctree/include/crypto/sha1.h
#[derive(Clone)]
pub(crate) struct Context(bindings::hmac_sha1_ctx);

impl Context {
    /// Adds a part of the message.
    pub(crate) fn update(&mut self, data: &[u8]) {
        // SAFETY: The context is initialised, and `data` is valid for reads of
        // its length.
        unsafe { bindings::hmac_sha1_update(&mut self.0, data.as_ptr(), data.len()) };
    }

    /// Ends the message.
    pub(crate) fn finish(mut self) -> Digest {
        let mut digest = [0; DIGEST_SIZE];
        // SAFETY: The context is initialised, and the digest is valid for writes
        // of its length.
        unsafe { bindings::hmac_sha1_final(&mut self.0, digest.as_mut_ptr()) };
        digest
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites what held a secret, also if the compiler thinks that in vain.
fn wipe<T: Copy>(secret: &mut T) {
    // SAFETY: The bytes are valid for writes; both types may be all zeroes.
    unsafe { bindings::memzero_explicit(core::ptr::from_mut(secret).cast(), size_of::<T>()) };
}

/// Compares two digests, in a time that does not depend on where they differ.
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    // SAFETY: Both are valid for reads of the length, which is the same.
    let different =
        unsafe { bindings::__crypto_memneq(one.as_ptr().cast(), other.as_ptr().cast(), one.len()) };
    different == 0
}
