// SPDX-License-Identifier: GPL-2.0

//! A group's digests: HMAC-SHA1 with all that stays the same hashed already.
//!
//! Any context, no lock, no allocation. Only the counter is hashed per packet.

use crate::{
    net::hmac_sha1,
    proto::{
        hash_counter,
        hash_group,
        Advertisement,
        Context,
        Hasher,
        Vhid, //
    }, //
};

impl Hasher for hmac_sha1::Context {
    fn update(&mut self, bytes: &[u8]) {
        hmac_sha1::Context::update(self, bytes);
    }
}

/// What a group signs and checks advertisements with.
pub(crate) struct Digests {
    /// With link-local IPv6 addresses: what FreeBSD and NetBSD send.
    with_link_local: hmac_sha1::Context,
    /// Without them: what OpenBSD sends, and we do.
    without_link_local: hmac_sha1::Context,
}

impl Digests {
    /// Hashes the vhid and the addresses, in any order; they are sorted in place.
    pub(crate) fn new(
        key: &hmac_sha1::Key,
        vhid: Vhid,
        v4: &mut [[u8; 4]],
        v6: &mut [[u8; 16]],
    ) -> Self {
        let mut hash = |context| {
            let mut hasher = key.start();
            hash_group(&mut hasher, vhid, v4, v6, context);
            hasher
        };
        Self {
            with_link_local: hash(Context::WithLinkLocal),
            without_link_local: hash(Context::WithoutLinkLocal),
        }
    }

    /// The digest of an advertisement of ours with this counter.
    pub(crate) fn sign(&self, counter: u64) -> hmac_sha1::Digest {
        finish(&self.without_link_local, counter)
    }

    /// Whether an advertisement is of this group: same key, vhid and addresses.
    pub(crate) fn verify(&self, advertisement: &Advertisement) -> bool {
        [&self.without_link_local, &self.with_link_local]
            .into_iter()
            .any(|context| {
                let digest = finish(context, advertisement.counter);
                hmac_sha1::equal(&digest, &advertisement.digest)
            })
    }
}

fn finish(context: &hmac_sha1::Context, counter: u64) -> hmac_sha1::Digest {
    let mut hasher = context.clone();
    hash_counter(&mut hasher, counter);
    hasher.finish()
}
