// SPDX-License-Identifier: GPL-2.0

//! Choosing for each client, and counting.

use carp_proto::{Asker, Balance, BalanceKeys, EvenKey, Hasher, Key, MacKey, Vhid, VhidSet};
use hmac::{Hmac, Mac};
use sha1::{Digest, Sha1};

/// HMAC-SHA1 behind the core's interface.
struct Keyed(Hmac<Sha1>);

impl Hasher for Keyed {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// What a group is chosen with, as the module derives it.
///
/// # Panics
///
/// If the passphrase is too long for a key.
pub fn keys(passphrase: &str, vhid: Vhid) -> BalanceKeys {
    let key = Key::new(passphrase.as_bytes()).expect("a key has at most 20 bytes");
    let hmac = Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    let mut hasher = Keyed(hmac);
    EvenKey::hash(&mut hasher, vhid);
    BalanceKeys {
        mac: MacKey::new(&key, |bytes| Sha1::digest(bytes).into()),
        even: EvenKey::from_digest(&hasher.0.finalize().into_bytes().into()),
    }
}

/// How many of the clients each of the groups 1 to `members` answers.
///
/// # Panics
///
/// If a client is answered by none of them.
pub fn counts(balance: Balance, members: u8, passphrase: &str, clients: &[Asker]) -> Vec<u32> {
    let vhids: VhidSet = (1..=members).filter_map(Vhid::new).collect();
    let kept: Vec<BalanceKeys> = vhids.iter().map(|vhid| keys(passphrase, vhid)).collect();
    let place = |vhid: Vhid| usize::from(vhid.get() - 1);
    let mut counts = vec![0; kept.len()];
    for client in clients {
        let chosen = balance
            .choose(&vhids, client, |vhid| kept[place(vhid)])
            .expect("somebody answers");
        counts[place(chosen)] += 1;
    }
    counts
}

/// The same as parts of all clients, in percent.
pub fn shares(balance: Balance, members: u8, passphrase: &str, clients: &[Asker]) -> Vec<f64> {
    counts(balance, members, passphrase, clients)
        .into_iter()
        .map(|count| 100.0 * f64::from(count) / clients.len() as f64)
        .collect()
}

/// By how many percentage points the share that is furthest from even is off.
pub fn deviation(shares: &[f64]) -> f64 {
    let even = 100.0 / shares.len() as f64;
    shares
        .iter()
        .map(|share| (share - even).abs())
        .fold(0.0, f64::max)
}

/// By how many points a share is off typically, its standard deviation, if a fair coin
/// (or die) is thrown for each client.
pub fn coin(clients: usize, members: u8) -> f64 {
    let even = 1.0 / f64::from(members);
    100.0 * (even * (1.0 - even) / clients as f64).sqrt()
}
