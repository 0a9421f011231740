// SPDX-License-Identifier: GPL-2.0

//! hostname.carp(5) has every word, and what it and the examples show is right.

use carp_hostname_if::Configuration;

static MANUAL: &str = include_str!("../../../Documentation/man/hostname.carp.5");

/// The words that may stand in a line, as the message about an unknown one lists them.
fn words() -> Vec<String> {
    let mistakes = Configuration::read(b"unknown", "carp0").unwrap_err();
    let (_, list) = mistakes[0].rule.split_once("one of ").unwrap();
    let (list, _) = list.split_once(", or").unwrap();
    list.replace(" and ", ", ")
        .split(", ")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_manual_has_every_word() {
    // The tags of lists: `.It Cm up , down`, or in more lines from `.It Xo` to `.Xc`.
    let mut tags = Vec::new();
    let mut open = false;
    for line in MANUAL.lines() {
        open |= line == ".It Xo";
        if open || line.starts_with(".It Cm") {
            tags.extend(line.split_whitespace());
        }
        open &= line != ".Xc";
    }
    let words = words();
    assert!(words.len() > 10, "{words:?}");
    for word in words {
        assert!(tags.contains(&word.as_str()), "{word}");
    }
}

#[test]
fn the_manuals_examples_are_right() {
    let (_, examples) = MANUAL.split_once(".Sh EXAMPLES").unwrap();
    let (examples, _) = examples.split_once(".Sh DIAGNOSTICS").unwrap();
    let mut count = 0;
    for example in examples.split(".Bd -literal").skip(1) {
        // The rest of the line is the display's; roff has its own quote and backslash.
        let (_, text) = example.split_once('\n').unwrap();
        let (text, _) = text.split_once(".Ed").unwrap();
        let text = text.replace("\\(dq", "\"").replace("\\e", "\\");
        let read = Configuration::read(text.as_bytes(), "carp0");
        assert!(read.is_ok(), "{text}: {read:?}");
        count += 1;
    }
    assert!(count >= 2, "only {count} examples were found");
}

#[test]
fn the_examples_that_are_installed_are_right() {
    let file = include_str!("../../persistence/examples/hostname.carp0");
    let networkd = include_str!("../../persistence/examples/systemd-networkd/20-carp0.network");
    let line = networkd
        .lines()
        .find_map(|line| line.strip_prefix("#     "));
    for text in [file, line.unwrap()] {
        let read = Configuration::read(text.as_bytes(), "carp0");
        assert!(read.is_ok(), "{text}: {read:?}");
    }
}
