// SPDX-License-Identifier: GPL-2.0

//! ARP packets for IPv4 over Ethernet (RFC 826).
//!
//! Pure values that may be used in any context.

/// The length of an ARP packet for IPv4 over Ethernet, in bytes.
pub const ARP_LEN: usize = 28;

/// Hardware type Ethernet, protocol type IPv4, and the lengths of both kinds of
/// addresses: how every such packet begins.
const KIND: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// What an ARP packet is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Who has the target address?
    Request,
    /// The sender has its address.
    Reply,
}

/// An ARP packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arp {
    /// What it is for.
    pub operation: Operation,
    /// The Ethernet address of the sender.
    pub sender_mac: [u8; 6],
    /// The IPv4 address of the sender; 0.0.0.0 in a probe.
    pub sender: [u8; 4],
    /// The Ethernet address of the target, zero if it is asked for.
    pub target_mac: [u8; 6],
    /// The IPv4 address of the target.
    pub target: [u8; 4],
}

impl Arp {
    /// Reads a packet; `None` if it is of another kind or operation.
    pub fn parse(bytes: &[u8; ARP_LEN]) -> Option<Self> {
        let [k0, k1, k2, k3, k4, k5, o0, o1, a0, a1, a2, a3, a4, a5, s0, s1, s2, s3, b0, b1, b2, b3, b4, b5, t0, t1, t2, t3] =
            *bytes;
        if [k0, k1, k2, k3, k4, k5] != KIND {
            return None;
        }
        Some(Self {
            operation: match [o0, o1] {
                [0, 1] => Operation::Request,
                [0, 2] => Operation::Reply,
                _ => return None,
            },
            sender_mac: [a0, a1, a2, a3, a4, a5],
            sender: [s0, s1, s2, s3],
            target_mac: [b0, b1, b2, b3, b4, b5],
            target: [t0, t1, t2, t3],
        })
    }

    /// The bytes of the packet.
    pub fn emit(&self) -> [u8; ARP_LEN] {
        let operation = match self.operation {
            Operation::Request => 1,
            Operation::Reply => 2,
        };
        let [k0, k1, k2, k3, k4, k5] = KIND;
        let [a0, a1, a2, a3, a4, a5] = self.sender_mac;
        let [s0, s1, s2, s3] = self.sender;
        let [b0, b1, b2, b3, b4, b5] = self.target_mac;
        let [t0, t1, t2, t3] = self.target;
        [
            k0, k1, k2, k3, k4, k5, 0, operation, a0, a1, a2, a3, a4, a5, s0, s1, s2, s3, b0, b1,
            b2, b3, b4, b5, t0, t1, t2, t3,
        ]
    }

    /// The announcement of a virtual address at the virtual MAC `mac`: a request for it
    /// by itself, as the BSDs send it.
    pub fn announcement(mac: [u8; 6], address: [u8; 4]) -> Self {
        Self {
            operation: Operation::Request,
            sender_mac: mac,
            sender: address,
            target_mac: [0; 6],
            target: address,
        }
    }

    /// The answer to this request: the group with the virtual MAC `mac` has the target
    /// address.
    #[must_use]
    pub fn answer(&self, mac: [u8; 6]) -> Self {
        Self {
            operation: Operation::Reply,
            sender_mac: mac,
            sender: self.target,
            target_mac: self.sender_mac,
            target: self.sender,
        }
    }
}
