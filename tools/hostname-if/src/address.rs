// SPDX-License-Identifier: GPL-2.0

//! An address of a group, and the length of its prefix, if it is said.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// A unicast address, and the length of its prefix in bits, if it is said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address {
    ip: IpAddr,
    prefix: Option<u8>,
}

impl Address {
    /// Checks and takes an address and its prefix.
    ///
    /// # Errors
    ///
    /// The prefix is longer than the address, or hosts cannot share the address.
    pub fn new(ip: IpAddr, prefix: Option<u8>) -> Result<Self, AddressError> {
        let loopback_or_group = match ip {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_multicast() || v4.is_broadcast(),
            IpAddr::V6(v6) => {
                v6.is_loopback() || v6.is_multicast() || v6.to_ipv4_mapped().is_some()
            }
        };
        if loopback_or_group || ip.is_unspecified() {
            return Err(AddressError::NotUnicast);
        }
        if prefix.is_some_and(|prefix| prefix > Self::bits(ip)) {
            return Err(AddressError::PrefixTooLong);
        }
        Ok(Self { ip, prefix })
    }

    /// The address.
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// The length of the prefix, 0..=32 or 0..=128; `None` if it is not said.
    pub fn prefix(&self) -> Option<u8> {
        self.prefix
    }

    /// The broadcast address of the subnet; `None` for IPv6, if the prefix is not said,
    /// and where there is none, as in subnets of one or two addresses.
    pub fn broadcast(&self) -> Option<Ipv4Addr> {
        match (self.ip, self.prefix) {
            (IpAddr::V4(v4), Some(prefix)) if prefix < 31 => {
                let hosts = u32::MAX >> prefix;
                Some(Ipv4Addr::from(u32::from(v4) | hosts))
            }
            _ => None,
        }
    }

    fn bits(ip: IpAddr) -> u8 {
        if ip.is_ipv4() {
            32
        } else {
            128
        }
    }
}

/// "ADDRESS/PREFIX", or "ADDRESS".
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (ip, prefix) = match text.split_once('/') {
            Some((ip, prefix)) => (ip, Some(prefix)),
            None => (text, None),
        };
        let ip = ip.parse().map_err(|_| AddressError::NoAddress)?;
        let prefix = match prefix {
            Some(prefix) => Some(number(prefix).ok_or(AddressError::NoPrefix)?),
            None => None,
        };
        Self::new(ip, prefix)
    }
}

/// "192.0.2.10/24", or "192.0.2.10" if the prefix is not said.
impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.ip)?;
        match self.prefix {
            Some(prefix) => write!(formatter, "/{prefix}"),
            None => Ok(()),
        }
    }
}

/// Why there is no [`Address`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressError {
    /// No address at all.
    NoAddress,
    /// What follows the slash is no number.
    NoPrefix,
    /// The prefix is longer than the address.
    PrefixTooLong,
    /// Hosts cannot share it: loopback, multicast, broadcast, unspecified.
    NotUnicast,
}

impl fmt::Display for AddressError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoAddress => "not an IPv4 or IPv6 address (names are not looked up)",
            Self::NoPrefix => "what follows the slash is not a number of bits",
            Self::PrefixTooLong => "the prefix is longer than the address",
            Self::NotUnicast => "not an address that hosts can share",
        })
    }
}

impl std::error::Error for AddressError {}

/// A netmask's length in bits: "255.255.255.0" or "0xffffff00"; `None` if it is
/// none, or has holes.
pub(crate) fn mask_length(text: &str) -> Option<u8> {
    let mask = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            u32::from_str_radix(digits, 16).ok()?
        }
        Some(_) => return None,
        None => text.parse::<Ipv4Addr>().ok()?.into(),
    };
    // All ones before all zeros.
    (mask.leading_ones() + mask.trailing_zeros() >= 32).then_some(mask.leading_ones() as u8)
}

/// A decimal number without sign or leading zeros.
pub(crate) fn number<T: FromStr>(text: &str) -> Option<T> {
    let plain = text.bytes().all(|digit| digit.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if plain && !leading_zero {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, shown) in [
            ("10.0.0.10/24", "10.0.0.10/24"),
            ("10.0.0.10", "10.0.0.10"),
            ("2001:DB8::10", "2001:db8::10"),
            ("fe80::1/128", "fe80::1/128"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
        for (text, error) in [
            ("", AddressError::NoAddress),
            ("rachael", AddressError::NoAddress),
            ("10.0.0", AddressError::NoAddress),
            ("10.0.0.010", AddressError::NoAddress),
            ("10.0.0.1/", AddressError::NoPrefix),
            ("10.0.0.1/+8", AddressError::NoPrefix),
            ("10.0.0.1/24/", AddressError::NoPrefix),
            ("10.0.0.1/33", AddressError::PrefixTooLong),
            ("::2/129", AddressError::PrefixTooLong),
            ("0.0.0.0", AddressError::NotUnicast),
            ("127.0.0.1/8", AddressError::NotUnicast),
            ("224.0.0.18", AddressError::NotUnicast),
            ("255.255.255.255", AddressError::NotUnicast),
            ("::", AddressError::NotUnicast),
            ("::1", AddressError::NotUnicast),
            ("ff02::12", AddressError::NotUnicast),
            ("::ffff:10.0.0.1", AddressError::NotUnicast),
        ] {
            assert_eq!(text.parse::<Address>(), Err(error), "{text}");
        }
    }

    #[test]
    fn masks() {
        for (text, length) in [
            ("255.255.255.0", Some(24)),
            ("0xffffff00", Some(24)),
            ("0xFFFFFFFF", Some(32)),
            ("0.0.0.0", Some(0)),
            ("0x80000000", Some(1)),
            ("255.0.255.0", None),
            ("0.0.0.255", None),
            ("0x", None),
            ("0x+f", None),
            ("0xfffffff00", None),
            ("24", None),
        ] {
            assert_eq!(mask_length(text), length, "{text}");
        }
    }

    #[test]
    fn broadcast_addresses() {
        for (text, broadcast) in [
            ("10.1.2.3/0", Some([255, 255, 255, 255])),
            ("10.1.2.3/24", Some([10, 1, 2, 255])),
            ("10.1.2.3/30", Some([10, 1, 2, 3])),
            ("10.1.2.3/31", None),
            ("10.1.2.3", None),
            ("2001:db8::1/64", None),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.broadcast(), broadcast.map(Ipv4Addr::from), "{text}");
        }
    }
}
