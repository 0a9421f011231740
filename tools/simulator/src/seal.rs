// SPDX-License-Identifier: GPL-2.0

//! Real digests: what makes a host accept another's advertisement.

use carp_proto::{digests_equal, hash_counter, hash_group, Advertisement, Context, Hasher, Vhid};
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// HMAC-SHA1 behind the core's interface.
struct Keyed(Hmac<Sha1>);

impl Hasher for Keyed {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// Everything the digest of a group is made from, except the counter.
#[derive(Clone)]
pub struct Seal {
    vhid: Vhid,
    /// Already fed with all but the counter, as the module does it too.
    with_link_local: Hmac<Sha1>,
    without_link_local: Hmac<Sha1>,
}

impl Seal {
    /// For a group with these virtual addresses.
    pub fn new(key: &[u8], vhid: Vhid, v4: &[[u8; 4]], v6: &[[u8; 16]]) -> Self {
        let prepare = |context| {
            let hmac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes a key of any length");
            let mut hasher = Keyed(hmac);
            let (mut v4, mut v6) = (v4.to_vec(), v6.to_vec());
            hash_group(&mut hasher, vhid, &mut v4, &mut v6, context);
            hasher.0
        };
        Self {
            vhid,
            with_link_local: prepare(Context::WithLinkLocal),
            without_link_local: prepare(Context::WithoutLinkLocal),
        }
    }

    /// The group.
    pub fn vhid(&self) -> Vhid {
        self.vhid
    }

    /// The digest that an advertisement with this counter carries.
    pub fn digest(&self, counter: u64, context: Context) -> [u8; 20] {
        let mut hasher = Keyed(match context {
            Context::WithLinkLocal => self.with_link_local.clone(),
            Context::WithoutLinkLocal => self.without_link_local.clone(),
        });
        hash_counter(&mut hasher, counter);
        hasher.0.finalize().into_bytes().into()
    }

    /// Whether an advertisement is of this group, in either context.
    pub fn verifies(&self, advertisement: &Advertisement) -> bool {
        advertisement.vhid == self.vhid
            && [Context::WithoutLinkLocal, Context::WithLinkLocal]
                .into_iter()
                .any(|context| {
                    let expected = self.digest(advertisement.counter, context);
                    digests_equal(&expected, &advertisement.digest)
                })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK_LOCAL: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    fn seal(key: &[u8], v6: &[[u8; 16]]) -> Seal {
        let vhid = Vhid::new(1).expect("1 is a vhid");
        Seal::new(key, vhid, &[[192, 0, 2, 1]], v6)
    }

    fn sealed(seal: &Seal, context: Context) -> Advertisement {
        Advertisement {
            vhid: seal.vhid(),
            advbase: 1,
            advskew: 0,
            demote: 0,
            counter: 7,
            digest: seal.digest(7, context),
        }
    }

    #[test]
    fn both_contexts_are_accepted_and_no_other_key_or_address() {
        let ours = seal(b"tyrell", &[LINK_LOCAL]);
        let with = sealed(&ours, Context::WithLinkLocal);
        let without = sealed(&ours, Context::WithoutLinkLocal);
        assert_ne!(with.digest, without.digest);
        assert!(ours.verifies(&with) && ours.verifies(&without));
        assert!(!seal(b"wallace", &[LINK_LOCAL]).verifies(&without));
        assert!(seal(b"tyrell", &[]).verifies(&without));
        assert!(!seal(b"tyrell", &[]).verifies(&with));
        assert!(!ours.verifies(&Advertisement {
            counter: 8,
            ..without
        }));
    }
}
