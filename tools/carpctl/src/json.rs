// SPDX-License-Identifier: GPL-2.0-only
//! The schema of `--json`, as types. `Documentation/json.md` describes it for its
//! users; what is there stays, and new keys may come.
//!
//! Where `ip -j` has a word for a thing, it is the same here. Times are in
//! milliseconds. A state or reason that only a newer kernel knows is a number.

use crate::group::{Group, missing_names};
use crate::netlink::address::Address;
use crate::netlink::carp;
use crate::netlink::node::Node;
use crate::text::hexadecimal;
use carp_uapi::names::{BALANCINGS, Names, REASONS, SELECTIONS, STATES, STATISTICS, name};
use serde::{Serialize, Serializer};
use std::io::{self, Write};
use std::net::IpAddr;

/// A number that has a name.
#[derive(Clone, Copy)]
pub struct Named(pub &'static Names, pub u32);

impl Named {
    /// The name, or the number as text.
    pub fn text(self) -> String {
        crate::group::named(self.0, self.1)
    }
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match name(self.0, self.1) {
            Some(name) => serializer.serialize_str(&name.to_string_lossy()),
            None => serializer.serialize_u32(self.1),
        }
    }
}

/// A state.
pub fn state(number: u32) -> Named {
    Named(STATES, number)
}

/// A reason.
pub fn reason(number: u32) -> Named {
    Named(REASONS, number)
}

/// A group.
#[derive(Serialize)]
pub struct GroupJson<'a> {
    ifname: &'a str,
    ifindex: u32,
    up: bool,
    mtu: u32,
    mac: String,
    parent: Option<&'a str>,
    vhid: Option<u32>,
    advbase: u32,
    advskew: u32,
    state: Named,
    reason: Named,
    missing: Vec<String>,
    transitions: u32,
    since: u64,
    #[serde(flatten)]
    balance: Option<BalanceJson>,
    #[serde(flatten)]
    more: Option<MoreJson<'a>>,
    addresses: Vec<AddressJson>,
    counters: Counters<'a>,
}

/// What only a group with several nodes has.
#[derive(Serialize)]
pub struct BalanceJson {
    balancing: Named,
    selection: Named,
    nodes: Vec<NodeJson>,
}

impl BalanceJson {
    /// Of these nodes, if there are several.
    pub fn of(balancing: u32, selection: u32, nodes: &[Node]) -> Option<Self> {
        (!nodes.is_empty()).then(|| Self {
            balancing: Named(BALANCINGS, balancing),
            selection: Named(SELECTIONS, selection),
            nodes: nodes.iter().map(NodeJson::from).collect(),
        })
    }
}

/// A node.
#[derive(Serialize)]
struct NodeJson {
    vhid: u32,
    advskew: u32,
    state: Named,
    reason: Named,
    missing: Vec<String>,
    transitions: u32,
    since: u64,
}

impl From<&Node> for NodeJson {
    fn from(node: &Node) -> Self {
        Self {
            vhid: node.vhid,
            advskew: node.advskew,
            state: state(node.state),
            reason: reason(node.reason),
            missing: missing_names(node.missing),
            transitions: node.transitions,
            since: milliseconds(node.since),
        }
    }
}

/// What only the family `carp` says of a group.
#[derive(Serialize)]
struct MoreJson<'a> {
    changed_at: Option<u64>,
    transitions_by_reason: ByReason<'a>,
    digest_addresses: &'a [IpAddr],
    peers: Vec<PeerJson>,
}

/// An address of the device.
#[derive(Serialize)]
struct AddressJson {
    family: &'static str,
    local: IpAddr,
    prefixlen: u8,
}

/// A sender of advertisements.
#[derive(Serialize)]
pub struct PeerJson {
    address: IpAddr,
    advbase: u32,
    advskew: u32,
    demote: u32,
    bowed_out: bool,
    since: u64,
    received: u64,
    bad_digest: u64,
    /// Of a group with several nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    vhid: Option<u32>,
}

/// Counters under their names.
pub struct Counters<'a>(pub &'a [(u32, u64)]);

impl Serialize for Counters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = STATISTICS.iter().flat_map(|group| group.counters);
        serializer.collect_map(rows.filter_map(|row| {
            let (_, value) = self.0.iter().find(|(n, _)| *n == row.attribute)?;
            Some((row.key.to_string_lossy(), value))
        }))
    }
}

struct ByReason<'a>(&'a [(u32, u32)]);

impl Serialize for ByReason<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(n, count)| (reason(*n).text(), count)))
    }
}

fn milliseconds(nanoseconds: u64) -> u64 {
    nanoseconds / 1_000_000
}

impl From<&Address> for AddressJson {
    fn from(address: &Address) -> Self {
        Self {
            family: if address.ip.is_ipv4() {
                "inet"
            } else {
                "inet6"
            },
            local: address.ip,
            prefixlen: address.prefix,
        }
    }
}

impl From<&carp::Peer> for PeerJson {
    fn from(peer: &carp::Peer) -> Self {
        Self {
            address: peer.address,
            advbase: peer.advbase,
            advskew: peer.advskew,
            demote: peer.demote,
            bowed_out: peer.bowed_out(),
            since: milliseconds(peer.since),
            received: peer.received,
            bad_digest: peer.bad_digest,
            vhid: None,
        }
    }
}

impl<'a> From<&'a Group> for GroupJson<'a> {
    fn from(group: &'a Group) -> Self {
        let link = &group.link;
        let carp = &link.carp;
        Self {
            ifname: &link.name,
            ifindex: link.index,
            up: link.is_up(),
            mtu: link.mtu,
            mac: hexadecimal(&link.mac, ":"),
            parent: group.parent.as_deref(),
            vhid: carp.vhid,
            advbase: carp.advbase,
            advskew: carp.advskew,
            state: state(carp.state),
            reason: reason(carp.reason),
            missing: missing_names(carp.missing),
            transitions: carp.transitions,
            since: milliseconds(carp.since),
            balance: BalanceJson::of(carp.balancing, carp.selection, &carp.nodes),
            more: group.more.as_ref().map(|more| MoreJson {
                changed_at: more.changed_at.map(milliseconds),
                transitions_by_reason: ByReason(&more.transitions_by_reason),
                digest_addresses: &more.digest_addresses,
                peers: peers(&more.peers, group.is_balanced()),
            }),
            addresses: group.addresses.iter().map(AddressJson::from).collect(),
            counters: Counters(&link.counters),
        }
    }
}

fn peers(peers: &[carp::Peer], is_balanced: bool) -> Vec<PeerJson> {
    let peers = peers.iter().map(|peer| PeerJson {
        vhid: peer.vhid.filter(|_| is_balanced),
        ..PeerJson::from(peer)
    });
    peers.collect()
}

/// Prints a value on lines for people, who read JSON, too.
pub fn print<T: Serialize + ?Sized>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// Prints a value on one line.
pub fn print_line<T: Serialize + ?Sized>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

/// Prints groups.
pub fn print_groups<'a>(
    out: &mut dyn Write,
    groups: impl IntoIterator<Item = &'a Group>,
) -> io::Result<()> {
    let groups: Vec<_> = groups.into_iter().map(GroupJson::from).collect();
    print(out, &groups)
}
