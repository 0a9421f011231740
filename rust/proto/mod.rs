// SPDX-License-Identifier: GPL-2.0

//! The CARP protocol, free of input and output.
//!
//! Wire format, digest layout, election, timers and the state machine of one
//! group on one host. Everything enters by argument (packets as byte slices,
//! the time as an [`Instant`], changes as an [`Event`]) and leaves as a value
//! ([`Actions`], deadlines); nothing here reads a clock, allocates, locks,
//! sleeps or touches hardware, so every function may be called in any context.
//! No function panics, whatever its arguments.
//!
//! The same files are compiled into the kernel module and, as the crate
//! `carp-proto` (`tools/proto`), on the host, where they are tested.
//! `Documentation/protocol.md` gives the source of every protocol choice.

pub mod arp;
pub mod backlog;
pub mod balance;
pub mod counter;
pub mod digest;
pub mod discard;
pub mod election;
pub mod event;
pub mod family;
pub mod group;
pub mod headers;
pub mod identity;
pub mod key;
pub mod listener;
pub mod mac;
pub mod mix;
pub mod neighbour;
pub mod nodes;
pub mod ownership;
pub mod pace;
pub mod parameters;
pub mod peers;
pub mod sort;
pub mod state;
pub mod time;
pub mod timers;
pub mod vhid_set;
pub mod wire;

pub use arp::{
    Arp,
    Operation,
    ARP_LEN, //
};
pub use backlog::Backlog;
pub use balance::{
    Asker,
    Balance,
    BalanceKeys,
    EvenKey,
    MacKey,
    Selection,
    Share,
    Takers, //
};
pub use digest::{
    digests_equal,
    hash_counter,
    hash_group,
    Context,
    Hasher,
    DIGEST_LEN, //
};
pub use discard::Discard;
pub use event::{
    Actions,
    Advertise,
    Event,
    Heard,
    Notice,
    Recipients,
    Transition, //
};
pub use family::{
    Families,
    Family,
    Source,
    Sources, //
};
pub use group::{
    Group,
    LastHeard, //
};
pub use headers::{
    ipv4_header,
    ipv6_header,
    HOP_LIMIT,
    IP_PROTOCOL,
    MULTICAST_V4,
    MULTICAST_V6,
    TOS, //
};
pub use identity::{
    Balancing,
    Cast,
    Identity, //
};
pub use key::{
    Key,
    KEY_LEN, //
};
pub use mac::{
    group_of_mac,
    is_virtual_multicast_mac,
    multicast_mac,
    number_of_mac,
    octet_of_virtual_mac,
    vhid_of_mac,
    virtual_mac,
    virtual_multicast_mac, //
};
pub use nodes::{
    NodeList,
    NodeListError,
    NodeSettings,
    MAX_NODES, //
};
pub use pace::Pace;
pub use parameters::{
    ParameterError,
    Parameters,
    Vhid, //
};
pub use peers::{
    Peer,
    Peers, //
};
pub use sort::{
    sort,
    sort_by_key, //
};
pub use state::{
    Missing,
    Reason,
    State, //
};
pub use time::{
    Instant,
    Interval, //
};
pub use vhid_set::VhidSet;
pub use wire::{
    claimed_vhid,
    Advertisement,
    HEADER_LEN, //
};
