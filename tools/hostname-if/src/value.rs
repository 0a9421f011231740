// SPDX-License-Identifier: GPL-2.0

//! Words that are values.

use std::net::IpAddr;
use std::str::FromStr;

use crate::address::{mask_length, number, Address};
use crate::mistake::Mistake;

pub(crate) fn text(word: &[u8]) -> Result<String, Mistake> {
    String::from_utf8(word.to_vec()).map_err(|_| Mistake::new(word, "not text in UTF-8"))
}

pub(crate) fn decimal<T: FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok().and_then(number)
}

/// The address with the prefix that a word says: a netmask, or bits.
pub(crate) fn with_prefix(address: Address, word: &[u8]) -> Result<Address, Mistake> {
    let word_text = text(word)?;
    let prefix = match address.ip() {
        // A plain number is a length for prefixlen, and no mask.
        IpAddr::V4(_) => mask_length(&word_text).or_else(|| number(&word_text)),
        IpAddr::V6(_) => number(&word_text),
    };
    prefix
        .and_then(|prefix| Address::new(address.ip(), Some(prefix)).ok())
        .ok_or_else(|| {
            Mistake::new(
                word,
                match address.ip() {
                    IpAddr::V4(_) => "not a netmask (such as 255.255.255.0)",
                    IpAddr::V6(_) => "not a prefixlen (a number in 0..128)",
                },
            )
        })
}

/// Linux knows the broadcast address of a subnet by itself, and no other one.
pub(crate) fn check_broadcast(address: Address, word: &[u8]) -> Result<(), Mistake> {
    let said: IpAddr = text(word)?
        .parse()
        .map_err(|_| Mistake::new(word, "not a broadcast address"))?;
    match address.broadcast() {
        Some(right) if said != right => Err(Mistake::new(
            word,
            format!("the broadcast address of {address} is {right}"),
        )),
        None if address.ip().is_ipv6() => {
            Err(Mistake::new(word, "IPv6 has no broadcast addresses"))
        }
        _ => Ok(()),
    }
}
