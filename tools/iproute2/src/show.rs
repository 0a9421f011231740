// SPDX-License-Identifier: GPL-2.0-or-later
//! What `ip -d link show` prints about a carp device.
//!
//! In JSON, `since` is in milliseconds, `missing` is an array of names, and a
//! state or reason that only a newer kernel knows is a number.
//!
//! A device with several nodes has a line for each of them, and in JSON an array
//! `nodes`; what else it has is the first node's.

use crate::ip::print;
use carp_uapi::attribute::{Attributes, Nested};
use carp_uapi::names::{BALANCINGS, MISSING, Names, REASONS, SELECTIONS, STATES, name};
use carp_uapi::numbers::*;
use core::ffi::CStr;

/// The numbers of the attributes that a device has, and each node, too.
struct Fields {
    state: u32,
    vhid: u32,
    advbase: Option<u32>,
    advskew: u32,
    reason: u32,
    missing: u32,
    transitions: u32,
    since: u32,
}

const DEVICE: Fields = Fields {
    state: IFLA_CARP_STATE,
    vhid: IFLA_CARP_VHID,
    advbase: Some(IFLA_CARP_ADVBASE),
    advskew: IFLA_CARP_ADVSKEW,
    reason: IFLA_CARP_REASON,
    missing: IFLA_CARP_MISSING,
    transitions: IFLA_CARP_TRANSITIONS,
    since: IFLA_CARP_SINCE,
};

const NODE: Fields = Fields {
    state: CARP_NODE_STATE,
    vhid: CARP_NODE_VHID,
    advbase: None,
    advskew: CARP_NODE_ADVSKEW,
    reason: CARP_NODE_REASON,
    missing: CARP_NODE_MISSING,
    transitions: CARP_NODE_TRANSITIONS,
    since: CARP_NODE_SINCE,
};

/// Prints what the kernel said; what it did not say is left out.
pub fn show(data: &impl Attributes) {
    show_fields(data, &DEVICE);
    // One node has no balancing, and nothing to select.
    if let Some(nodes) = data.payload(IFLA_CARP_NODES) {
        named(data, IFLA_CARP_BALANCING, c"balancing", BALANCINGS);
        named(data, IFLA_CARP_SELECTION, c"selection", SELECTIONS);
        show_nodes(Nested(nodes));
    }
}

fn show_fields(data: &impl Attributes, fields: &Fields) {
    named(data, fields.state, c"state", STATES);
    number(data, fields.vhid, c"vhid");
    if let Some(advbase) = fields.advbase {
        number(data, advbase, c"advbase");
    }
    number(data, fields.advskew, c"advskew");
    named(data, fields.reason, c"reason", REASONS);
    if let Some(bits) = data.u32(fields.missing) {
        missing(bits);
    }
    number(data, fields.transitions, c"transitions");
    if let Some(nanoseconds) = data.u64(fields.since) {
        print::milliseconds(c"since", nanoseconds / 1_000_000);
        print::text(c" ");
    }
}

/// Prints each node on a line of its own.
fn show_nodes(nodes: Nested<'_>) {
    print::open_array(c"nodes");
    for (_, node) in nodes.filter(|(attribute, _)| *attribute == CARP_NODES_NODE) {
        print::new_line();
        print::text(c"      node ");
        print::open_object();
        show_fields(&Nested(node), &NODE);
        print::close_object();
    }
    print::close_array();
    // `ip` goes on with the rest of its line.
    print::new_line();
    print::text(c"    ");
}

fn number(data: &impl Attributes, attribute: u32, key: &CStr) {
    if let Some(number) = data.u32(attribute) {
        print::texts(&[key, c" "]);
        print::number(Some(key), number);
        print::text(c" ");
    }
}

fn named(data: &impl Attributes, attribute: u32, key: &CStr, names: &Names) {
    if let Some(number) = data.u32(attribute) {
        print::texts(&[key, c" "]);
        match name(names, number) {
            Some(name) => print::string(Some(key), name),
            None => print::number(Some(key), number),
        }
        print::text(c" ");
    }
}

/// Prints a list of names; bits that have none end it, as one number.
fn missing(bits: u32) {
    let mut rest = bits;
    let mut separator = c"missing ";

    print::open_array(c"missing");
    for &(bit, name) in MISSING {
        if bits & bit != 0 {
            print::text(separator);
            print::string(None, name);
            separator = c",";
            rest &= !bit;
        }
    }
    if rest != 0 {
        print::text(separator);
        print::hexadecimal(rest);
    }
    print::close_array();
    if bits != 0 {
        print::text(c" ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::fake::{Attribute, json_of, text_of};
    use carp_uapi::attribute::Nested;

    fn both(attributes: &[Attribute]) -> (String, String) {
        let bytes = crate::ip::fake::attributes(attributes);
        let print = || show(&Nested(&bytes));
        (text_of(print), json_of(print))
    }

    #[test]
    fn a_master() {
        let (text, json) = both(&[
            Attribute::u32(IFLA_CARP_VHID, 1),
            Attribute::u32(IFLA_CARP_ADVBASE, 1),
            Attribute::u32(IFLA_CARP_ADVSKEW, 100),
            Attribute::u32(IFLA_CARP_STATE, CARP_STATE_MASTER),
            Attribute::u32(IFLA_CARP_REASON, CARP_REASON_TIMED_OUT),
            Attribute::u32(IFLA_CARP_MISSING, 0),
            Attribute::u32(IFLA_CARP_TRANSITIONS, 3),
            Attribute::u64(IFLA_CARP_SINCE, 12_345_678_901),
        ]);
        assert_eq!(
            text,
            "state MASTER vhid 1 advbase 1 advskew 100 reason timed-out transitions 3 \
             since 12.345s "
        );
        assert_eq!(
            json,
            r#"{"state":"MASTER","vhid":1,"advbase":1,"advskew":100,"reason":"timed-out","missing":[],"transitions":3,"since":12345}"#
        );
    }

    fn node(list: &[Attribute]) -> Attribute {
        Attribute::bytes(CARP_NODES_NODE, &crate::ip::fake::attributes(list))
    }

    #[test]
    fn several_nodes() {
        let nodes = crate::ip::fake::attributes(&[
            node(&[
                Attribute::u32(CARP_NODE_VHID, 1),
                Attribute::u32(CARP_NODE_ADVSKEW, 0),
                Attribute::u32(CARP_NODE_STATE, CARP_STATE_MASTER),
                Attribute::u32(CARP_NODE_REASON, CARP_REASON_TIMED_OUT),
                Attribute::u32(CARP_NODE_MISSING, 0),
                Attribute::u32(CARP_NODE_TRANSITIONS, 3),
                Attribute::u64(CARP_NODE_SINCE, 2_345_000_000),
            ]),
            node(&[
                Attribute::u32(CARP_NODE_VHID, 2),
                Attribute::u32(CARP_NODE_ADVSKEW, 100),
                Attribute::u32(CARP_NODE_STATE, CARP_STATE_BACKUP),
                Attribute::u32(CARP_NODE_REASON, CARP_REASON_READY),
                Attribute::u32(CARP_NODE_MISSING, 0),
            ]),
            // Of a newer kernel.
            Attribute::u32(__CARP_NODES_MAX, 7),
        ]);
        let (text, json) = both(&[
            Attribute::u32(IFLA_CARP_VHID, 1),
            Attribute::u32(IFLA_CARP_ADVBASE, 1),
            Attribute::u32(IFLA_CARP_STATE, CARP_STATE_MASTER),
            Attribute::u32(IFLA_CARP_BALANCING, CARP_BALANCING_IP_UNICAST),
            Attribute::u32(IFLA_CARP_SELECTION, CARP_SELECTION_FLOW),
            Attribute::bytes(IFLA_CARP_NODES, &nodes),
        ]);
        assert_eq!(
            text,
            "state MASTER vhid 1 advbase 1 balancing ip-unicast selection flow \
             \n      node state MASTER vhid 1 advskew 0 reason timed-out transitions 3 since 2.345s \
             \n      node state BACKUP vhid 2 advskew 100 reason ready \
             \n    "
        );
        assert_eq!(
            json,
            concat!(
                r#"{"state":"MASTER","vhid":1,"advbase":1,"balancing":"ip-unicast","selection":"flow","nodes":["#,
                r#"{"state":"MASTER","vhid":1,"advskew":0,"reason":"timed-out","missing":[],"transitions":3,"since":2345},"#,
                r#"{"state":"BACKUP","vhid":2,"advskew":100,"reason":"ready","missing":[]}]}"#
            )
        );
    }

    #[test]
    fn one_node_is_shown_without_what_only_several_have() {
        let (text, json) = both(&[
            Attribute::u32(IFLA_CARP_VHID, 1),
            Attribute::u32(IFLA_CARP_BALANCING, CARP_BALANCING_NONE),
            Attribute::u32(IFLA_CARP_SELECTION, CARP_SELECTION_ADDRESSES),
        ]);
        assert_eq!((text.as_str(), json.as_str()), ("vhid 1 ", r#"{"vhid":1}"#));
    }

    #[test]
    fn an_incomplete_group() {
        let (text, json) = both(&[
            Attribute::u32(IFLA_CARP_STATE, CARP_STATE_INIT),
            Attribute::u32(IFLA_CARP_REASON, CARP_REASON_NO_VHID),
            Attribute::u32(
                IFLA_CARP_MISSING,
                CARP_MISSING_VHID | CARP_MISSING_PARENT | CARP_MISSING_ALLOWED,
            ),
            Attribute::u64(IFLA_CARP_SINCE, 7_000_000),
        ]);
        assert_eq!(
            text,
            "state INIT reason no-vhid missing vhid,parent,allowed since 0.007s "
        );
        assert_eq!(
            json,
            r#"{"state":"INIT","reason":"no-vhid","missing":["vhid","parent","allowed"],"since":7}"#
        );
    }

    #[test]
    fn a_newer_kernel() {
        let (text, json) = both(&[
            Attribute::u32(IFLA_CARP_STATE, 9),
            Attribute::u32(IFLA_CARP_REASON, 1000),
            Attribute::u32(IFLA_CARP_MISSING, (1 << 31) | CARP_MISSING_VHID),
            Attribute::u32(IFLA_CARP_MAX + 1, 1),
        ]);
        assert_eq!(text, "state 9 reason 1000 missing vhid,0x80000000 ");
        assert_eq!(
            json,
            r#"{"state":9,"reason":1000,"missing":["vhid","0x80000000"]}"#
        );
    }

    #[test]
    fn the_key_is_never_shown() {
        let (text, json) = both(&[Attribute::bytes(IFLA_CARP_KEY, b"tyrell")]);
        assert_eq!((text.as_str(), json.as_str()), ("", "{}"));
    }
}
