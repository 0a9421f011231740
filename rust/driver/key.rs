// SPDX-License-Identifier: GPL-2.0

//! The key of a group: as it was set, and prepared for signing.
//!
//! Any context. Both forms are wiped when they are dropped.

use crate::{
    net::{
        hmac_sha1,
        sha1::sha1, //
    },
    proto::{
        self,
        balance::flow::Flow,
        BalanceKeys,
        EvenKey,
        MacKey,
        Vhid, //
    }, //
};

/// A key.
pub(crate) struct Key {
    raw: proto::Key,
    prepared: hmac_sha1::Key,
}

impl Key {
    /// The key of these bytes; `None` if they are too many.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let raw = proto::Key::new(bytes)?;
        let prepared = hmac_sha1::Key::new(raw.as_bytes());
        Some(Self { raw, prepared })
    }

    /// The key of groups that were given none.
    pub(super) fn empty() -> Self {
        Self {
            raw: proto::Key::default(),
            prepared: hmac_sha1::Key::new(&[]),
        }
    }

    /// What digests are begun with.
    pub(super) fn prepared(&self) -> &hmac_sha1::Key {
        &self.prepared
    }

    /// What a group with this key is chosen with among several with one address.
    pub(super) fn balance(&self, vhid: Vhid) -> BalanceKeys {
        let mut hasher = self.prepared.start();
        EvenKey::hash(&mut hasher, vhid);
        BalanceKeys {
            mac: MacKey::new(&self.raw, sha1),
            even: EvenKey::from_digest(&hasher.finish()),
        }
    }

    /// What flows are told apart with among the nodes of a group with this key.
    pub(super) fn flow(&self) -> EvenKey {
        let mut hasher = self.prepared.start();
        Flow::hash_key(&mut hasher);
        EvenKey::from_digest(&hasher.finish())
    }

    /// The key as it was set, padded with zeros: for who may see it.
    pub(super) fn secret(&self) -> &proto::Key {
        &self.raw
    }
}

impl PartialEq for Key {
    /// In a time that does not depend on where they differ.
    fn eq(&self, other: &Self) -> bool {
        hmac_sha1::equal(self.raw.as_bytes(), other.raw.as_bytes())
    }
}
