// SPDX-License-Identifier: GPL-2.0-or-later
//! What `ip -d link show` prints about a carp device.
//!
//! In JSON, `since` is in milliseconds, `missing` is an array of names, and a
//! state or reason that only a newer kernel knows is a number.

use crate::ip::print;
use carp_uapi::attribute::Attributes;
use carp_uapi::names::{MISSING, Names, REASONS, STATES, name};
use carp_uapi::numbers::*;
use core::ffi::CStr;

/// Prints what the kernel said; what it did not say is left out.
pub fn show(data: &impl Attributes) {
    named(data, IFLA_CARP_STATE, c"state", STATES);
    for (attribute, key) in [
        (IFLA_CARP_VHID, c"vhid"),
        (IFLA_CARP_ADVBASE, c"advbase"),
        (IFLA_CARP_ADVSKEW, c"advskew"),
    ] {
        number(data, attribute, key);
    }
    named(data, IFLA_CARP_REASON, c"reason", REASONS);
    if let Some(bits) = data.u32(IFLA_CARP_MISSING) {
        missing(bits);
    }
    number(data, IFLA_CARP_TRANSITIONS, c"transitions");
    if let Some(nanoseconds) = data.u64(IFLA_CARP_SINCE) {
        print::milliseconds(c"since", nanoseconds / 1_000_000);
        print::text(c" ");
    }
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
