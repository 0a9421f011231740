// SPDX-License-Identifier: GPL-2.0-only
//! Network devices, over rtnetlink.

use super::message::{Request, flag, text};
use super::node::{self, Node};
use carp_uapi::attribute::{Attributes, Nested};
use carp_uapi::number;
use carp_uapi::numbers::{
    IFLA_CARP_ADVBASE, IFLA_CARP_ADVSKEW, IFLA_CARP_BALANCING, IFLA_CARP_KEY, IFLA_CARP_MISSING,
    IFLA_CARP_NODES, IFLA_CARP_REASON, IFLA_CARP_SELECTION, IFLA_CARP_SINCE, IFLA_CARP_STATE,
    IFLA_CARP_TRANSITIONS, IFLA_CARP_VHID,
};

/// The kind of our devices.
pub const KIND: &str = "carp";

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
/// The length of `struct ifinfomsg`.
const IFINFOMSG: usize = 16;

const IFLA_ADDRESS: u32 = 1;
const IFLA_IFNAME: u32 = 3;
const IFLA_MTU: u32 = 4;
const IFLA_LINK: u32 = 5;
const IFLA_LINKINFO: u32 = 18;
const IFLA_IFALIAS: u32 = 20;
const IFLA_GROUP: u32 = 27;
const IFLA_CARRIER: u32 = 33;
const IFLA_LINK_NETNSID: u32 = 37;
const IFLA_INFO_KIND: u32 = 1;
const IFLA_INFO_DATA: u32 = 2;
const IFLA_INFO_XSTATS: u32 = 3;

/// Flags of a device.
pub mod iff {
    #![allow(missing_docs)]
    pub const UP: u32 = 0x1;
    /// In the order in which ifconfig prints them.
    pub static NAMES: &[(u32, &str)] = &[
        (UP, "UP"),
        (0x2, "BROADCAST"),
        (0x8, "LOOPBACK"),
        (0x10, "POINTOPOINT"),
        (0x40, "RUNNING"),
        (0x80, "NOARP"),
        (0x100, "PROMISC"),
        (0x200, "ALLMULTI"),
        (0x1000, "MULTICAST"),
        (0x10000, "LOWER_UP"),
    ];
}

/// A network device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// See [`iff`].
    pub flags: u32,
    /// The longest packet.
    pub mtu: u32,
    /// Its MAC.
    pub mac: Vec<u8>,
    /// What somebody said of it; empty: nothing.
    pub description: String,
    /// Whether it has carrier.
    pub carrier: bool,
    /// The number of the device that it is on.
    pub parent: Option<u32>,
    /// Whether that is in another network namespace, where the number is somebody else's here.
    pub parent_is_elsewhere: bool,
    /// The number of its group of devices.
    pub group: u32,
    /// What it is, if the kernel says so.
    pub kind: Option<String>,
    /// What only a device of kind carp has.
    pub carp: Parameters,
    /// The counters of a device of kind carp, by number.
    pub counters: Vec<(u32, u64)>,
}

/// The attributes of a device of kind carp.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// None is set: `None`.
    pub vhid: Option<u32>,
    /// Seconds.
    pub advbase: u32,
    /// 1/256 s.
    pub advskew: u32,
    /// `enum carp_state`.
    pub state: u32,
    /// `enum carp_reason`.
    pub reason: u32,
    /// `CARP_MISSING_*`.
    pub missing: u32,
    /// Changes of state so far.
    pub transitions: u32,
    /// Nanoseconds since the last one.
    pub since: u64,
    /// `enum carp_balancing`.
    pub balancing: u32,
    /// `enum carp_selection`.
    pub selection: u32,
    /// If there are several: all of them, by vhid. What else is here is the first one's
    /// then, but for the state.
    pub nodes: Vec<Node>,
}

impl Link {
    /// Reads the payload of a message; one that makes no sense is none.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut link = Self {
            index: u32::from_ne_bytes(*payload.get(4..)?.first_chunk()?),
            flags: u32::from_ne_bytes(*payload.get(8..)?.first_chunk()?),
            ..Self::default()
        };
        let attributes = Nested(payload.get(IFINFOMSG..)?);
        link.name = text(attributes.payload(IFLA_IFNAME)?);
        link.mtu = attributes.u32(IFLA_MTU).unwrap_or(0);
        link.mac = attributes.payload(IFLA_ADDRESS).unwrap_or(&[]).to_vec();
        link.description = attributes
            .payload(IFLA_IFALIAS)
            .map(text)
            .unwrap_or_default();
        link.carrier = attributes.payload(IFLA_CARRIER).is_some_and(|c| c == [1]);
        link.parent = attributes.u32(IFLA_LINK).filter(|index| *index != 0);
        link.parent_is_elsewhere = attributes.payload(IFLA_LINK_NETNSID).is_some();
        link.group = attributes.u32(IFLA_GROUP).unwrap_or(0);
        if let Some(info) = attributes.payload(IFLA_LINKINFO).map(Nested) {
            link.kind = info.payload(IFLA_INFO_KIND).map(text);
            if link.is_carp() {
                let data = Nested(info.payload(IFLA_INFO_DATA).unwrap_or(&[]));
                link.carp = Parameters::read(data);
                let counters = Nested(info.payload(IFLA_INFO_XSTATS).unwrap_or(&[]));
                link.counters = read_counters(counters);
            }
        }
        Some(link)
    }

    /// Whether it is one of ours.
    pub fn is_carp(&self) -> bool {
        self.kind.as_deref() == Some(KIND)
    }

    /// If it is a VLAN or a macvlan, the number of the device that it is on, if that is here.
    pub fn below(&self) -> Option<u32> {
        let is_on_another = matches!(self.kind.as_deref(), Some("vlan" | "macvlan"));
        self.parent
            .filter(|_| is_on_another && !self.parent_is_elsewhere)
    }

    /// Whether somebody took it up.
    pub fn is_up(&self) -> bool {
        self.flags & iff::UP != 0
    }
}

impl Parameters {
    fn read(data: Nested<'_>) -> Self {
        let number = |attribute| data.u32(attribute).unwrap_or(0);
        Self {
            vhid: data.u32(IFLA_CARP_VHID),
            advbase: number(IFLA_CARP_ADVBASE),
            advskew: number(IFLA_CARP_ADVSKEW),
            state: number(IFLA_CARP_STATE),
            reason: number(IFLA_CARP_REASON),
            missing: number(IFLA_CARP_MISSING),
            transitions: number(IFLA_CARP_TRANSITIONS),
            since: data.u64(IFLA_CARP_SINCE).unwrap_or(0),
            balancing: number(IFLA_CARP_BALANCING),
            selection: number(IFLA_CARP_SELECTION),
            nodes: node::read(data.payload(IFLA_CARP_NODES).unwrap_or(&[])),
        }
    }
}

/// Counters by number, in the kernel's order.
pub fn read_counters(attributes: Nested<'_>) -> Vec<(u32, u64)> {
    attributes
        .filter_map(|(number, payload)| {
            (payload.len() == 8).then_some((number, carp_uapi::attribute::u64_of(payload)?))
        })
        .collect()
}

/// What can be set of a device of kind carp; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// 1 to 255.
    pub vhid: Option<u32>,
    /// Seconds.
    pub advbase: Option<u32>,
    /// 1/256 s.
    pub advskew: Option<u32>,
    /// At most 20 bytes.
    pub key: Option<Key>,
    /// `enum carp_state`.
    pub state: Option<u32>,
    /// The number of the parent.
    pub parent: Option<u32>,
    /// The longest packet.
    pub mtu: Option<u32>,
    /// All nodes, in the place of `vhid` and `advskew`.
    pub nodes: Option<Vec<number::Node>>,
    /// `enum carp_balancing`.
    pub balancing: Option<u32>,
    /// `enum carp_selection`.
    pub selection: Option<u32>,
}

/// A key, which no debugging output shows.
#[derive(Clone, PartialEq)]
pub struct Key(pub Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Settings {
    /// Whether nothing is to be set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn put(&self, mut request: Request) -> Request {
        for (attribute, number) in [(IFLA_LINK, self.parent), (IFLA_MTU, self.mtu)] {
            if let Some(number) = number {
                request = request.put_u32(attribute, number);
            }
        }
        request.nest(IFLA_LINKINFO, |info| {
            info.put_text(IFLA_INFO_KIND, KIND)
                .nest(IFLA_INFO_DATA, |mut data| {
                    for (attribute, number) in [
                        (IFLA_CARP_VHID, self.vhid),
                        (IFLA_CARP_ADVBASE, self.advbase),
                        (IFLA_CARP_ADVSKEW, self.advskew),
                        (IFLA_CARP_STATE, self.state),
                        (IFLA_CARP_BALANCING, self.balancing),
                        (IFLA_CARP_SELECTION, self.selection),
                    ] {
                        if let Some(number) = number {
                            data = data.put_u32(attribute, number);
                        }
                    }
                    if let Some(nodes) = &self.nodes {
                        data = data.nest(IFLA_CARP_NODES, |list| node::put(list, nodes));
                    }
                    match &self.key {
                        Some(key) => data.put(IFLA_CARP_KEY, &key.0),
                        None => data,
                    }
                })
        })
    }
}

fn ifinfomsg(index: u32, flags: u32, change: u32) -> [u8; IFINFOMSG] {
    let mut bytes = [0; IFINFOMSG];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..12].copy_from_slice(&flags.to_ne_bytes());
    bytes[12..16].copy_from_slice(&change.to_ne_bytes());
    bytes
}

/// Asks for the device of this name.
pub fn by_name(name: &str) -> Request {
    Request::new(RTM_GETLINK, 0)
        .fixed(&ifinfomsg(0, 0, 0))
        .put_text(IFLA_IFNAME, name)
}

/// Asks for the device of this number.
pub fn by_index(index: u32) -> Request {
    Request::new(RTM_GETLINK, 0).fixed(&ifinfomsg(index, 0, 0))
}

/// Asks for all devices of kind carp. (A kernel without the module answers with
/// all devices.)
pub fn all() -> Request {
    Request::new(RTM_GETLINK, flag::DUMP)
        .fixed(&ifinfomsg(0, 0, 0))
        .nest(IFLA_LINKINFO, |info| info.put_text(IFLA_INFO_KIND, KIND))
}

/// Makes a device of kind carp.
pub fn create(name: &str, settings: &Settings) -> Request {
    let request = Request::new(RTM_NEWLINK, flag::CREATE | flag::EXCLUSIVE)
        .fixed(&ifinfomsg(0, 0, 0))
        .put_text(IFLA_IFNAME, name);
    settings.put(request)
}

/// Changes a device of kind carp.
pub fn change(index: u32, settings: &Settings) -> Request {
    settings.put(Request::new(RTM_NEWLINK, 0).fixed(&ifinfomsg(index, 0, 0)))
}

/// Says something of a device, for people.
pub fn describe(index: u32, text: &str) -> Request {
    Request::new(RTM_NEWLINK, 0)
        .fixed(&ifinfomsg(index, 0, 0))
        .put(IFLA_IFALIAS, text.as_bytes())
}

/// Gives a device another name.
pub fn rename(index: u32, name: &str) -> Request {
    Request::new(RTM_NEWLINK, 0)
        .fixed(&ifinfomsg(index, 0, 0))
        .put_text(IFLA_IFNAME, name)
}

/// Takes a device up or down.
pub fn set_up(index: u32, up: bool) -> Request {
    let flags = if up { iff::UP } else { 0 };
    Request::new(RTM_NEWLINK, 0).fixed(&ifinfomsg(index, flags, iff::UP))
}

/// Has a device keep the other IPv4 addresses of a subnet when the first one is taken
/// away. (By default they vanish with it; systemd's sysctl.d changes that.)
pub fn keep_other_addresses(index: u32) -> Request {
    const IFLA_AF_SPEC: u32 = 26;
    const AF_INET: u32 = 2;
    const IFLA_INET_CONF: u32 = 1;
    const IPV4_DEVCONF_PROMOTE_SECONDARIES: u32 = 20;
    Request::new(RTM_NEWLINK, 0)
        .fixed(&ifinfomsg(index, 0, 0))
        .nest(IFLA_AF_SPEC, |families| {
            families.nest(AF_INET, |inet| {
                inet.nest(IFLA_INET_CONF, |conf| {
                    conf.put_u32(IPV4_DEVCONF_PROMOTE_SECONDARIES, 1)
                })
            })
        })
}

/// Deletes a device.
pub fn delete(index: u32) -> Request {
    Request::new(RTM_DELLINK, 0).fixed(&ifinfomsg(index, 0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::message::messages;
    use carp_uapi::numbers::{CARP_NODE_SINCE, CARP_NODE_STATE, CARP_NODE_VHID, CARP_NODES_NODE};
    use proptest::prelude::*;

    /// What the kernel would answer about a device.
    fn answer() -> Vec<u8> {
        Request::new(RTM_NEWLINK, 0)
            .fixed(&ifinfomsg(7, 0x11043, 0))
            .put_text(IFLA_IFNAME, "carp0")
            .put_u32(IFLA_MTU, 1500)
            .put_u32(IFLA_LINK, 2)
            .put(IFLA_ADDRESS, &[0, 0, 0x5e, 0, 1, 1])
            .put(IFLA_CARRIER, &[1])
            .nest(IFLA_LINKINFO, |info| {
                info.put_text(IFLA_INFO_KIND, KIND)
                    .nest(IFLA_INFO_DATA, |data| {
                        data.put_u32(IFLA_CARP_VHID, 1)
                            .put_u32(IFLA_CARP_STATE, 2)
                            .put(IFLA_CARP_SINCE, &5u64.to_ne_bytes())
                            .put_u32(IFLA_CARP_BALANCING, 1)
                            .nest(IFLA_CARP_NODES, |list| {
                                list.nest(CARP_NODES_NODE, |node| {
                                    node.put_u32(CARP_NODE_VHID, 1)
                                        .put_u32(CARP_NODE_STATE, 2)
                                        .put(CARP_NODE_SINCE, &5u64.to_ne_bytes())
                                })
                                .put(CARP_NODES_NODE + 1, &[1])
                                .nest(CARP_NODES_NODE, |node| node.put_u32(CARP_NODE_VHID, 2))
                            })
                    })
                    .nest(IFLA_INFO_XSTATS, |stats| {
                        stats.put(2, &9u64.to_ne_bytes()).put(3, &[1])
                    })
            })
            .finish(1)
    }

    #[test]
    fn a_device() {
        let bytes = answer();
        let link = Link::read(messages(&bytes).next().unwrap().payload).unwrap();
        assert_eq!((link.index, link.name.as_str()), (7, "carp0"));
        assert!(link.is_carp() && link.is_up() && link.carrier);
        assert_eq!(link.parent, Some(2));
        assert_eq!(link.carp.vhid, Some(1));
        assert_eq!((link.carp.state, link.carp.since), (2, 5));
        assert_eq!(link.counters, [(2, 9)]);
        assert_eq!(link.carp.balancing, 1);
        let nodes: Vec<_> = link.carp.nodes.iter().map(|node| node.vhid).collect();
        assert_eq!(nodes, [1, 2]);
        assert_eq!((link.carp.nodes[0].state, link.carp.nodes[0].since), (2, 5));
    }

    #[test]
    fn only_what_is_set_is_sent() {
        let settings = Settings {
            vhid: Some(3),
            key: Some(Key(b"tyrell".to_vec())),
            ..Settings::default()
        };
        let bytes = create("carp1", &settings).finish(1);
        let message = messages(&bytes).next().unwrap();
        let attributes = message.attributes(IFINFOMSG);
        assert_eq!(attributes.u32(IFLA_LINK), None);
        let info = Nested(attributes.payload(IFLA_LINKINFO).unwrap());
        let data: Vec<_> = Nested(info.payload(IFLA_INFO_DATA).unwrap()).collect();
        assert_eq!(
            data,
            [
                (IFLA_CARP_VHID, &3u32.to_ne_bytes()[..]),
                (IFLA_CARP_KEY, b"tyrell")
            ]
        );
        assert!(!format!("{settings:?}").contains("tyrell"));
    }

    #[test]
    fn nodes_are_sent_as_a_list() {
        let nodes = [(2, 100), (1, 0)].map(|(vhid, advskew)| number::Node { vhid, advskew });
        let settings = Settings {
            nodes: Some(nodes.to_vec()),
            selection: Some(1),
            ..Settings::default()
        };
        let bytes = change(7, &settings).finish(1);
        let message = messages(&bytes).next().unwrap();
        let attributes = message.attributes(IFINFOMSG);
        let info = Nested(attributes.payload(IFLA_LINKINFO).unwrap());
        let data = Nested(info.payload(IFLA_INFO_DATA).unwrap());
        assert_eq!(data.count(), 2);
        assert_eq!(data.u32(IFLA_CARP_SELECTION), Some(1));
        let sent = node::read(data.payload(IFLA_CARP_NODES).unwrap());
        let sent: Vec<_> = sent.iter().map(Node::settings).collect();
        assert_eq!(sent, nodes);
        assert_eq!(node::shown(&sent), "2:100,1:0");
    }

    proptest! {
        #[test]
        fn random_devices(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Link::read(&payload);
        }

        /// A right message with one byte changed, and cut anywhere.
        #[test]
        fn damaged_devices(at in 16usize..300, byte: u8, cut in 0usize..300) {
            let mut bytes = answer();
            let last = bytes.len() - 1;
            bytes[at.min(last)] = byte;
            bytes.truncate(cut.max(16));
            let _ = Link::read(&bytes[16..]);
        }
    }
}
