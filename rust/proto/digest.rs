// SPDX-License-Identifier: GPL-2.0

//! What the digest of an advertisement covers.
//!
//! Pure, may be called in any context. HMAC-SHA1 itself is the caller's: this
//! module feeds it. Sources: `Documentation/protocol.md`, "Digest".

use core::hint::black_box;

use super::{
    parameters::Vhid,
    sort::sort,
    wire::{
        TYPE_ADVERTISEMENT,
        VERSION, //
    }, //
};

/// The length of a digest in bytes.
pub const DIGEST_LEN: usize = 20;

/// An HMAC-SHA1 computation that has been given the key.
pub trait Hasher {
    /// Continues the message with `bytes`.
    fn update(&mut self, bytes: &[u8]);
}

/// Which IPv6 addresses are hashed. The two agree where a group has no
/// link-local address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Context {
    /// All of them: what FreeBSD and NetBSD send and accept, and OpenBSD
    /// accepts.
    WithLinkLocal,
    /// Those that are not link-local: what OpenBSD sends, and accepts too.
    WithoutLinkLocal,
}

/// Feeds all that is the same in each advertisement of a group, until its
/// vhid, addresses or key change.
///
/// Sorts the addresses, as each is hashed once and in ascending order;
/// 0.0.0.0, 255.255.255.255, :: and the address of all ones are left out. The
/// interface index that BSD kernels keep inside a link-local address, in the
/// second pair of bytes, is cleared.
pub fn hash_group(
    hasher: &mut impl Hasher,
    vhid: Vhid,
    v4: &mut [[u8; 4]],
    v6: &mut [[u8; 16]],
    context: Context,
) {
    hasher.update(&[VERSION, TYPE_ADVERTISEMENT, vhid.get()]);
    hash_addresses(hasher, v4, |_| true);
    v6.iter_mut().for_each(clear_scope);
    hash_addresses(hasher, v6, |address| {
        context == Context::WithLinkLocal || !is_link_local(address)
    });
}

/// Does the digest of our advertisements cover an IPv4 address of the group?
pub fn covers_v4(address: &[u8; 4]) -> bool {
    is_hashed(address)
}

/// Does it cover an IPv6 address?
pub fn covers_v6(address: &[u8; 16]) -> bool {
    is_hashed(address) && !is_link_local(address)
}

/// Feeds what differs in each advertisement: its counter.
pub fn hash_counter(hasher: &mut impl Hasher, counter: u64) {
    hasher.update(&counter.to_be_bytes());
}

/// Are two digests equal? Takes the same time wherever they differ, so that
/// the time says nothing to somebody who guesses.
pub fn digests_equal(a: &[u8; DIGEST_LEN], b: &[u8; DIGEST_LEN]) -> bool {
    let difference = a
        .iter()
        .zip(b)
        // Hides from the compiler that it could stop at the first difference.
        .fold(0, |difference, (a, b)| black_box(difference | (a ^ b)));
    difference == 0
}

/// Sorts `addresses` and feeds each one once that is to be hashed at all.
fn hash_addresses<const LEN: usize>(
    hasher: &mut impl Hasher,
    addresses: &mut [[u8; LEN]],
    included: impl Fn(&[u8; LEN]) -> bool,
) {
    sort(addresses);
    let mut previous = None;
    for address in addresses.iter() {
        if is_hashed(address) && previous != Some(address) && included(address) {
            hasher.update(address);
        }
        previous = Some(address);
    }
}

/// Is it an address at all?
fn is_hashed<const LEN: usize>(address: &[u8; LEN]) -> bool {
    *address != [0x00; LEN] && *address != [0xff; LEN]
}

/// Clears the place where BSD kernels keep the interface index.
fn clear_scope(address: &mut [u8; 16]) {
    if is_link_local(address) {
        let [_, _, high, low, ..] = address;
        [*high, *low] = [0, 0];
    }
}

/// Is it a link-local unicast (fe80::/10) or multicast (ff02::/16, whatever
/// its flags) address?
fn is_link_local(address: &[u8; 16]) -> bool {
    let [first, second, ..] = *address;
    (first == 0xfe && second & 0xc0 == 0x80) || (first == 0xff && second & 0x0f == 0x02)
}
