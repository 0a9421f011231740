// SPDX-License-Identifier: GPL-2.0-only
//! The manual and the pages of Documentation name everything that the program's
//! tables have.

use carp_uapi::names::{EVENTS, STATISTICS};
use carpctl::command::COMMANDS;
use carpctl::diagnose::CODES;
use carpctl::exit::STATUSES;
use carpctl::hooks::ENVIRONMENT;
use carpctl::options::OPTIONS;
use carpctl::vocabulary::WORDS;

static MANUAL: &str = include_str!("../carpctl.8");
static SCHEMA: &str = include_str!("../../../Documentation/json.md");

/// Whether the manual has a list item that begins so.
#[track_caller]
fn item(begin: &str) {
    let found = MANUAL.lines().any(|line| {
        line.strip_prefix(begin)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    assert!(found, "the manual has no line \"{begin} ...\"");
}

#[test]
fn the_manual_has_every_word_command_and_option() {
    for word in WORDS {
        let name = word
            .name
            .strip_prefix('-')
            .map_or(word.name.to_owned(), |name| format!("\\-{name}"));
        item(&format!(".It Cm {name}"));
    }
    for command in COMMANDS {
        item(&format!(".It Cm {}", command.name));
    }
    for option in OPTIONS {
        item(&format!(".It Fl \\-{}", option.long));
    }
}

#[test]
fn the_manual_has_every_status_and_variable() {
    for (status, sentence) in STATUSES {
        item(&format!(".It {}", *status as u8));
        let flat = MANUAL
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase();
        assert!(flat.contains(&sentence.to_lowercase()), "{sentence}");
    }
    for (name, _) in ENVIRONMENT {
        item(&format!(".It Ev {name}"));
    }
}

#[test]
fn the_schema_has_every_name() {
    for (code, _) in CODES {
        assert!(SCHEMA.contains(&format!("`{code}`")), "{code}");
    }
    for (_, name) in EVENTS {
        let name = name.to_str().unwrap();
        assert!(SCHEMA.contains(&format!("`{name}`")), "{name}");
    }
    // The counters are described once, elsewhere.
    let interface = include_str!("../../../Documentation/interface.md");
    for row in STATISTICS.iter().flat_map(|rows| rows.counters) {
        let key = row.key.to_str().unwrap();
        let short = key.strip_prefix("discard_").unwrap_or(key);
        assert!(interface.contains(&format!("`{short}`")), "{key}");
    }
}

/// Every key of the golden files is described.
#[test]
fn the_schema_has_every_key() {
    for golden in ["groups.json", "events.json", "findings.json"] {
        let path = format!("{}/tests/golden/{golden}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        let values = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
        for value in values {
            keys(&value.unwrap());
        }
    }
}

fn keys(value: &serde_json::Value) {
    match value {
        serde_json::Value::Array(values) => values.iter().for_each(keys),
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                assert!(
                    SCHEMA.contains(&format!("`{key}`")),
                    "{key} is not described"
                );
                // What is under these are names of counters and reasons.
                if key != "counters" && key != "transitions_by_reason" {
                    keys(value);
                }
            }
        }
        _ => {}
    }
}
