// SPDX-License-Identifier: GPL-2.0-only
//! The manual and the pages of Documentation name everything that the program's
//! tables have.

use carp_uapi::names::{EVENTS, STATISTICS};
use carpctl::command::COMMANDS;
use carpctl::diagnose::CODES;
use carpctl::exit::STATUSES;
use carpctl::hooks::ENVIRONMENT;
use carpctl::options::{self, OPTIONS};
use carpctl::prometheus;
use carpctl::vocabulary::WORDS;
use carpctl::words;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

static MANUAL: &str = include_str!("../carpctl.8");
static MANUAL_OF_THE_DRIVER: &str = include_str!("../../../Documentation/man/carp.4");
static README: &str = include_str!("../../../README.md");
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
fn the_manual_has_every_metric() {
    let text = prometheus::text(&[], UNIX_EPOCH);
    let metrics: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .collect();
    assert!(!metrics.is_empty());
    for (name, _) in metrics {
        item(&format!(".It Va {name}"));
    }
}

/// All Rust files of the driver.
fn sources(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => sources(&path),
            Some(extension) if extension == "rs" => vec![fs::read_to_string(&path).unwrap()],
            _ => Vec::new(),
        })
        .collect()
}

/// The string that a piece of source begins with, after white space.
fn literal(source: &str) -> Option<&str> {
    let rest = source.trim_start().strip_prefix('"')?;
    Some(rest.split_once('"').expect("a string that ends").0)
}

/// Whether a format can print a line.
fn can_print(format: &str, line: &str) -> bool {
    match format.split_once("{}") {
        None => format == line,
        Some((begin, format)) => line.strip_prefix(begin).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| can_print(format, &rest[at..]))
        }),
    }
}

/// Each line of the kernel's log is explained, and each sentence in one.
#[test]
fn the_drivers_manual_has_every_message() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rust");
    let items: Vec<_> = MANUAL_OF_THE_DRIVER
        .lines()
        .filter_map(|line| line.strip_prefix(".It "))
        .collect();
    let mut count = 0;
    for source in sources(&top) {
        for call in ["pr_info", "pr_notice", "pr_warn", "pr_err"] {
            for rest in source.split(call).skip(1) {
                // Of all sorts: `_once!(`, `_ratelimited!(`.
                let Some((_, rest)) = rest.split_once("!(") else {
                    continue;
                };
                let format = literal(rest).expect("a string").replace("{:?}", "{}");
                let format = format.trim_end_matches("\\n");
                let found = items.iter().any(|item| can_print(format, item));
                assert!(found, "carp.4 does not have: {format}");
                count += 1;
            }
        }
    }
    assert!(count >= 15, "only {count} messages were found");
    let log = fs::read_to_string(top.join("driver/log.rs")).unwrap();
    let sentences: Vec<_> = log.split("=>").skip(1).filter_map(literal).collect();
    assert!(sentences.len() >= 30, "only {sentences:?} were found");
    for sentence in sentences {
        // What comes then is left out there.
        let begin = sentence.split([':', ';']).next().unwrap();
        assert!(
            MANUAL_OF_THE_DRIVER.contains(begin),
            "carp.4 does not have: {sentence}"
        );
    }
}

/// What a page shows of carpctl is understood by it.
#[test]
fn the_examples_are_right() {
    for (page, least) in [(MANUAL, 8), (MANUAL_OF_THE_DRIVER, 1), (README, 1)] {
        // A line that goes on in the next one, in roff and in Markdown.
        let page = page.replace("\\e\n", " ").replace("\\\n", " ");
        let lines = page.lines().filter_map(|line| {
            let command = line.strip_prefix(".Dl ").unwrap_or(line);
            // After a prompt, and before a pipe or a comment.
            let command = command.rsplit_once("# ").map_or(command, |(_, rest)| rest);
            command.trim_start().strip_prefix("carpctl ")
        });
        let mut count = 0;
        for line in lines {
            let line = line.split(['|', '#']).next().unwrap();
            let given = line.split_whitespace().map(OsString::from);
            let understood = options::parse(given).and_then(|(options, words)| {
                match COMMANDS
                    .iter()
                    .find(|row| Some(row.name) == words.first().map(String::as_str))
                {
                    Some(command) => options.check(command.name),
                    None => words::parse(&words).map(|_| ()),
                }
            });
            assert!(understood.is_ok(), "{line}: {understood:?}");
            count += 1;
        }
        assert!(count >= least, "only {count} lines were found");
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
    for golden in [
        "groups.json",
        "events.json",
        "findings.json",
        "balanced-groups.json",
        "balanced-events.json",
    ] {
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
