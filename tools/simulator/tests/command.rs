// SPDX-License-Identifier: GPL-2.0

//! The command line: what it prints, and what it refuses.

use std::process::{Command, Output};

fn simulator(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_carp-simulator"))
        .args(arguments)
        .output()
        .expect("the simulator runs")
}

#[test]
fn a_time_line_shows_the_takeover() {
    let arguments = "--hosts 2 --advskew 0,100 --seconds 20 --at 10.5 crash 0";
    let output = simulator(&arguments.split(' ').collect::<Vec<_>>());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    // Up at 1 s, so the time-out is at 4 s, and the last advertisement before
    // the crash at 11 s, heard 0.1 ms later. 3 s and 100/256 s after it:
    let takeover = "    14.390725 host 1: Backup -> Master (TimedOut)";
    assert!(text.contains(takeover), "{text}");
    assert!(text.contains("MASTER at the end: host [1]"), "{text}");
    assert!(!text.contains("advertises"), "{text}");
}

#[test]
fn a_time_out_without_advbase_is_three_intervals() {
    let arguments = "--hosts 2 --advbase 0 --advskew 1,2 --seconds 1 --at 0.5 crash 0";
    let output = simulator(&arguments.split(' ').collect::<Vec<_>>());
    let text = String::from_utf8_lossy(&output.stdout);
    // MASTER after 3 * 3.906 ms, and the last advertisement 125 intervals
    // later, heard 0.1 ms after that. 3 * 7.812 ms after it:
    let takeover = "     1.523504 host 1: Backup -> Master (TimedOut)";
    assert!(text.contains(takeover), "{text}");
}

#[test]
fn a_table_has_a_line_for_every_drill() {
    let output = simulator(&["--sweep", "3", "--hosts", "2"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        text.lines().filter(|line| line.ends_with("| 0 |")).count(),
        6,
        "{text}"
    );
}

#[test]
fn mistakes_are_named() {
    for (arguments, complaint) in [
        ("--hosts x", "cannot parse"),
        ("--loss 2", "a probability is from 0 to 1"),
        ("--advbase 0", "advbase 0 with advskew 0 is not valid"),
        ("--advskew 255", "not valid"),
        ("--at 1 crash 3", "there is no host 3"),
        ("--at 1 explode 1", "no such action: \"explode\""),
        ("--at -1 heal", "a time is not negative"),
        ("--freebsd 9", "there is no host 9"),
        ("--nonsense", "--nonsense"),
    ] {
        let output = simulator(&arguments.split(' ').collect::<Vec<_>>());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(text.contains(complaint), "{arguments}: {text}");
        assert!(output.stdout.is_empty(), "{arguments}");
    }
}
