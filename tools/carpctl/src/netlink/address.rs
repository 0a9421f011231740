// SPDX-License-Identifier: GPL-2.0-only
//! Addresses of network devices, over rtnetlink.

use super::message::{Request, flag};
use carp_uapi::attribute::{Attributes, Nested};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;
/// The length of `struct ifaddrmsg`.
const IFADDRMSG: usize = 8;
const IFA_ADDRESS: u32 = 1;
const IFA_LOCAL: u32 = 2;
const IFA_BROADCAST: u32 = 4;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// An address with its subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// The length of the subnet's prefix.
    pub prefix: u8,
    /// The address of all of the subnet, if there is one.
    pub broadcast: Option<Ipv4Addr>,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

/// The bits of an address, and how many there are.
fn bits(ip: IpAddr) -> (u128, u8) {
    match ip {
        IpAddr::V4(ip) => (u32::from(ip).into(), 32),
        IpAddr::V6(ip) => (ip.into(), 128),
    }
}

/// The longest prefix of the address's family.
pub fn longest_prefix(ip: IpAddr) -> u8 {
    bits(ip).1
}

/// The mask of a prefix of an IPv4 address.
pub fn mask(prefix: u8) -> u32 {
    u32::MAX
        .checked_shl(32 - u32::from(prefix.min(32)))
        .unwrap_or(0)
}

impl Address {
    /// Whether `ip` is in this address's subnet.
    pub fn subnet_has(&self, ip: IpAddr) -> bool {
        let ((ours, width), (theirs, other_width)) = (bits(self.ip), bits(ip));
        let shift = u32::from(width.saturating_sub(self.prefix));
        width == other_width && ours.checked_shr(shift) == theirs.checked_shr(shift)
    }

    /// The address with the last address of its subnet as its broadcast address.
    pub fn with_broadcast(ip: IpAddr, prefix: u8) -> Self {
        let broadcast = match ip {
            IpAddr::V4(ip) if prefix < 31 => Some((u32::from(ip) | !mask(prefix)).into()),
            _ => None,
        };
        Self {
            ip,
            prefix,
            broadcast,
        }
    }

    /// Reads the payload of a message; returns the number of the device, too.
    pub fn read(payload: &[u8]) -> Option<(u32, Self)> {
        let &[family, prefix, _, _, a, b, c, d] = payload.first_chunk::<IFADDRMSG>()?;
        let attributes = Nested(&payload[IFADDRMSG..]);
        // IFA_ADDRESS is the peer's where there is one.
        let own = attributes
            .payload(IFA_LOCAL)
            .or(attributes.payload(IFA_ADDRESS))?;
        let ip = match family {
            AF_INET | AF_INET6 => read_ip(own)?,
            _ => return None,
        };
        let broadcast = attributes
            .payload(IFA_BROADCAST)
            .and_then(|bytes| <[u8; 4]>::try_from(bytes).ok())
            .map(Ipv4Addr::from);
        let address = Self {
            ip,
            prefix,
            broadcast,
        };
        Some((u32::from_ne_bytes([a, b, c, d]), address))
    }

    fn message(&self, kind: u16, flags: u16, device: u32) -> Request {
        let family = if self.ip.is_ipv4() { AF_INET } else { AF_INET6 };
        let mut fixed = [family, self.prefix, 0, 0, 0, 0, 0, 0];
        fixed[4..].copy_from_slice(&device.to_ne_bytes());
        let bytes = match self.ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        let request = Request::new(kind, flags)
            .fixed(&fixed)
            .put(IFA_LOCAL, &bytes)
            .put(IFA_ADDRESS, &bytes);
        match self.broadcast {
            Some(broadcast) => request.put(IFA_BROADCAST, &broadcast.octets()),
            None => request,
        }
    }

    /// Puts the address on a device.
    pub fn add(&self, device: u32) -> Request {
        self.message(RTM_NEWADDR, flag::CREATE | flag::EXCLUSIVE, device)
    }

    /// Takes the address from a device.
    pub fn remove(&self, device: u32) -> Request {
        self.message(RTM_DELADDR, 0, device)
    }
}

#[cfg(test)]
impl Address {
    /// The address that is written like `10.0.0.10/24`.
    pub(crate) fn written(text: &str) -> Self {
        let (ip, prefix) = text.split_once('/').expect("a slash");
        let (ip, prefix) = (ip.parse().expect("an address"), prefix.parse());
        Self::with_broadcast(ip, prefix.expect("a number"))
    }
}

/// An address of four or sixteen bytes.
pub fn read_ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        Some(Ipv4Addr::from(bytes).into())
    } else {
        let bytes = <[u8; 16]>::try_from(bytes).ok()?;
        Some(Ipv6Addr::from(bytes).into())
    }
}

/// Asks for the addresses of all devices.
pub fn all() -> Request {
    Request::new(RTM_GETADDR, flag::DUMP).fixed(&[0; IFADDRMSG])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::message::messages;
    use proptest::prelude::*;

    #[test]
    fn what_is_added_is_read_again() {
        for address in [
            Address::with_broadcast("10.0.0.10".parse().unwrap(), 24),
            Address::with_broadcast("10.0.0.10".parse().unwrap(), 32),
            Address::with_broadcast("2001:db8::1".parse().unwrap(), 64),
        ] {
            let bytes = address.add(5).finish(1);
            let message = messages(&bytes).next().unwrap();
            assert_eq!(Address::read(message.payload), Some((5, address)));
        }
    }

    #[test]
    fn subnets() {
        let net = Address::with_broadcast("10.0.0.10".parse().unwrap(), 24);
        assert_eq!(net.broadcast, Some(Ipv4Addr::new(10, 0, 0, 255)));
        assert!(net.subnet_has("10.0.0.200".parse().unwrap()));
        assert!(!net.subnet_has("10.0.1.200".parse().unwrap()));
        assert!(!net.subnet_has("::a00:ac8".parse().unwrap()));
        let all = Address::with_broadcast("10.0.0.10".parse().unwrap(), 0);
        assert!(all.subnet_has("192.0.2.1".parse().unwrap()));
        assert_eq!((mask(0), mask(24), mask(32)), (0, 0xffff_ff00, u32::MAX));
    }

    proptest! {
        #[test]
        fn random_addresses(payload in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some((_, address)) = Address::read(&payload) {
                let _ = address.subnet_has(Ipv4Addr::LOCALHOST.into());
            }
        }
    }
}
