// SPDX-License-Identifier: GPL-2.0

//! The numbers of the core are those of `include/uapi/linux/if_carp.h`.

use std::collections::BTreeMap;

use carp_proto::key::KEY_LEN;
use carp_proto::{Discard, Missing, Parameters, Reason, State};

/// The names and numbers of the header: enumerators as the compiler would
/// count them, and macros that are a number or a shifted one.
fn header() -> BTreeMap<String, u32> {
    const PATH: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../include/uapi/linux/if_carp.h"
    );
    let text = std::fs::read_to_string(PATH).unwrap();
    let mut numbers = BTreeMap::new();
    let mut next = None;
    for line in text.lines() {
        let code = line.split("/*").next().unwrap().trim();
        if let Some(definition) = code.strip_prefix("#define ") {
            let (name, value) = definition
                .split_once(char::is_whitespace)
                .unwrap_or((definition, ""));
            let value = value.trim().trim_matches(['(', ')']);
            let number = match value.split_once("<<") {
                Some((one, by)) => one
                    .trim()
                    .parse::<u32>()
                    .ok()
                    .zip(by.trim().parse::<u32>().ok())
                    .map(|(one, by)| one << by),
                None => value.parse().ok(),
            };
            numbers.extend(number.map(|number| (name.to_owned(), number)));
        } else if code.starts_with("enum") && code.ends_with('{') {
            next = Some(0);
        } else if code.starts_with('}') {
            next = None;
        } else if let (Some(number), Some(name)) = (next, code.strip_suffix(',')) {
            assert!(!name.contains('='), "{line}");
            numbers.insert(name.to_owned(), number);
            next = Some(number + 1);
        }
    }
    numbers
}

/// CamelCase as the header has it.
fn upper(name: &str) -> String {
    let mut upper = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !upper.is_empty() {
            upper.push('_');
        }
        upper.extend(letter.to_uppercase());
    }
    upper
}

/// The header's names that start with `prefix`, but for its limits.
fn with_prefix(header: &BTreeMap<String, u32>, prefix: &str) -> BTreeMap<String, u32> {
    header
        .iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, number)| (name.clone(), *number))
        .collect()
}

#[test]
fn states() {
    let ours = [State::Init, State::Backup, State::Master].map(|state| {
        (
            format!("CARP_STATE_{}", upper(&format!("{state:?}"))),
            state as u32,
        )
    });
    assert_eq!(BTreeMap::from(ours), with_prefix(&header(), "CARP_STATE_"));
}

#[test]
fn reasons() {
    let ours = [
        Reason::Created,
        Reason::NoVhid,
        Reason::NoParent,
        Reason::NoAddress,
        Reason::DeviceDown,
        Reason::ParentDown,
        Reason::NoCarrier,
        Reason::NotAllowed,
        Reason::Ready,
        Reason::BetterMaster,
        Reason::EqualMaster,
        Reason::Requested,
        Reason::TimedOut,
        Reason::Preempted,
        Reason::MasterDemoted,
        Reason::MasterTooSlow,
        Reason::MasterBowedOut,
    ]
    .map(|reason| {
        let name = format!("CARP_REASON_{}", upper(&format!("{reason:?}")));
        (name, reason as u32)
    });
    assert_eq!(BTreeMap::from(ours), with_prefix(&header(), "CARP_REASON_"));
}

#[test]
fn discards() {
    let ours = [
        Discard::NotAllowed,
        Discard::BadHopLimit,
        Discard::BadLength,
        Discard::BadVersion,
        Discard::BadType,
        Discard::BadChecksum,
        Discard::UnknownVhid,
        Discard::NotRunning,
        Discard::BadDigest,
        Discard::OwnEcho,
    ]
    .map(|discard| {
        let name = format!("CARP_DISCARD_{}", upper(&format!("{discard:?}")));
        (name, discard as u32)
    });
    assert_eq!(
        BTreeMap::from(ours),
        with_prefix(&header(), "CARP_DISCARD_")
    );
}

#[test]
fn missing() {
    let ours = [
        ("VHID", Missing::VHID),
        ("PARENT", Missing::PARENT),
        ("ADDRESS", Missing::ADDRESS),
        ("DEVICE_UP", Missing::DEVICE_UP),
        ("PARENT_UP", Missing::PARENT_UP),
        ("CARRIER", Missing::CARRIER),
        ("ALLOWED", Missing::ALLOWED),
    ]
    .map(|(name, missing)| (format!("CARP_MISSING_{name}"), missing.bits()));
    let theirs = with_prefix(&header(), "CARP_MISSING_");
    assert_eq!(BTreeMap::from(ours), theirs);
    let all = theirs.values().fold(0, |all, bit| all | bit);
    assert_eq!(Missing::ALL.bits(), all);
}

/// Every bit has its reason, and of several the lowest one's is told.
#[test]
fn what_is_missing_gives_a_reason() {
    assert_eq!(Missing::NONE.first_reason(), Reason::Ready);
    assert!(!Missing::VHID.contains(Missing::VHID.union(Missing::PARENT)));
    assert_eq!(Missing::ALL.first_reason(), Reason::NoVhid);
    for (missing, reason) in [
        (Missing::VHID, Reason::NoVhid),
        (Missing::PARENT, Reason::NoParent),
        (Missing::ADDRESS, Reason::NoAddress),
        (Missing::DEVICE_UP, Reason::DeviceDown),
        (Missing::PARENT_UP, Reason::ParentDown),
        (Missing::CARRIER, Reason::NoCarrier),
        (Missing::ALLOWED, Reason::NotAllowed),
    ] {
        assert_eq!(missing.first_reason(), reason);
        assert_eq!(missing.union(Missing::ALLOWED).first_reason(), reason);
    }
}

#[test]
fn limits() {
    let header = header();
    assert_eq!(header["CARP_KEY_LEN"] as usize, KEY_LEN);
    assert_eq!(
        header["CARP_ADVSKEW_MAX"],
        u32::from(Parameters::ADVSKEW_MAX)
    );
    let largest = Parameters::new(header["CARP_ADVBASE_MAX"], header["CARP_ADVSKEW_MAX"]);
    assert!(largest.is_ok());
    assert!(Parameters::new(header["CARP_ADVBASE_MAX"] + 1, 0).is_err());
    assert_eq!(
        Parameters::new(
            header["CARP_ADVBASE_DEFAULT"],
            header["CARP_ADVSKEW_DEFAULT"]
        ),
        Ok(Parameters::default())
    );
}
