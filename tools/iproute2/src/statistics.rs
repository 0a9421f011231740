// SPDX-License-Identifier: GPL-2.0-or-later
//! What `ip -s -d link show` adds: the counters of the group.
//!
//! In text, a line for each group of counters, and of discards only those that
//! happened.  In JSON, every counter under the name of its attribute, in lower
//! case; an array `unknown` follows if a newer kernel counts more.

use crate::ip::print;
use carp_uapi::attribute::{Attributes, Nested, u64_of};
use carp_uapi::names::{Group, STATISTICS, is_known_counter};

/// Prints the counters, each group on a line of its own.
pub fn show(counters: Nested<'_>) {
    for group in STATISTICS {
        show_group(group, &counters);
    }
    show_unknown(counters);
    // `ip` goes on with the rest of its line.
    print::new_line();
    print::text(c"    ");
}

fn begin_line() {
    print::new_line();
    print::text(c"      ");
}

fn show_group(group: &Group, counters: &Nested<'_>) {
    let values = || {
        group
            .counters
            .iter()
            .filter_map(|row| Some((row, counters.u64(row.attribute)?)))
    };
    if values().next().is_none() {
        return;
    }

    begin_line();
    print::text(group.title);
    let mut none = true;
    for (row, value) in values() {
        if group.sparse && value == 0 {
            print::number_json(row.key, value);
        } else {
            none = false;
            print::texts(&[c" ", row.label, c" "]);
            print::number_long(Some(row.key), value);
        }
    }
    if none {
        print::text(c" none");
    }
}

fn show_unknown(counters: Nested<'_>) {
    let mut unknown = counters
        .filter(|(attribute, _)| !is_known_counter(*attribute))
        .filter_map(|(attribute, payload)| Some((attribute, u64_of(payload)?)))
        .peekable();
    if unknown.peek().is_none() {
        return;
    }

    begin_line();
    print::text(c"unknown:");
    print::open_array(c"unknown");
    for (attribute, value) in unknown {
        print::open_object();
        print::text(c" ");
        print::number(Some(c"attribute"), attribute);
        print::text(c" ");
        print::number_long(Some(c"value"), value);
        print::close_object();
    }
    print::close_array();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::fake::{Attribute, attributes, json_of, text_of};
    use carp_uapi::numbers::*;

    fn both(list: &[Attribute]) -> (String, String) {
        let bytes = attributes(list);
        let print = || show(Nested(&bytes));
        (text_of(print), json_of(print))
    }

    #[test]
    fn all_counters() {
        let list: Vec<_> = (IFLA_CARP_STATS_TX_V4..=IFLA_CARP_STATS_MAX)
            .map(|attribute| Attribute::u64(attribute, u64::from(attribute) << 32))
            .collect();
        let (text, json) = both(&list);
        for row in STATISTICS.iter().flat_map(|group| group.counters) {
            let value = u64::from(row.attribute) << 32;
            let label = row.label.to_str().unwrap();
            let key = row.key.to_str().unwrap();
            assert!(text.contains(&format!(" {label} {value}")), "{text}");
            assert!(json.contains(&format!("\"{key}\":{value}")), "{json}");
        }
    }

    #[test]
    fn discards_only_if_there_were_some() {
        let quiet = [
            Attribute::u64(IFLA_CARP_STATS_TX_V4, 10),
            Attribute::u64(IFLA_CARP_STATS_TX_V6, 0),
            Attribute::u64(IFLA_CARP_STATS_DISCARD_BAD_TYPE, 0),
        ];
        let (text, json) = both(&quiet);
        assert_eq!(
            text,
            "\n      advertisements sent: v4 10 v6 0\
             \n      advertisements discarded: none\
             \n    "
        );
        assert_eq!(json, r#"{"tx_v4":10,"tx_v6":0,"discard_bad_type":0}"#);

        let (text, _) = both(&[
            Attribute::u64(IFLA_CARP_STATS_DISCARD_BAD_TYPE, 0),
            Attribute::u64(IFLA_CARP_STATS_DISCARD_BAD_DIGEST, 2),
        ]);
        assert_eq!(text, "\n      advertisements discarded: bad-digest 2\n    ");
    }

    #[test]
    fn a_newer_kernel() {
        let (text, json) = both(&[
            Attribute::u64(IFLA_CARP_STATS_MAX + 1, 5),
            Attribute::u32(IFLA_CARP_STATS_MAX + 2, 6),
            Attribute::u64(1000, 7),
        ]);
        let first = IFLA_CARP_STATS_MAX + 1;
        assert_eq!(text, format!("\n      unknown: {first} 5 1000 7\n    "));
        assert_eq!(
            json,
            format!(
                r#"{{"unknown":[{{"attribute":{first},"value":5}},{{"attribute":1000,"value":7}}]}}"#
            )
        );
    }
}
