// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl load --check`: what is said of files, by the program itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory of its own for a test.
fn directory(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("load-{test}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn write(directory: &Path, name: &str, text: &str, mode: u32) -> String {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn check(files: &[&str]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_carpctl"))
        .args(["load", "--check"])
        .args(files)
        .output()
        .unwrap();
    assert_eq!(stdout, b"");
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_right_file_is_nothing_to_talk_of() {
    let path = write(
        &directory("right"),
        "hostname.carp0",
        "vhid 1 pass tyrell\n",
        0o640,
    );
    assert_eq!(check(&[&path]), (Some(0), String::new()));
}

#[test]
fn all_mistakes_of_all_files_are_named() {
    let directory = directory("mistakes");
    let one = write(&directory, "hostname.carp0", "vhid 0\nup\nfast\n", 0o640);
    let two = write(&directory, "hostname.carp1", "up\n", 0o640);
    let (status, text) = check(&[&one, &two]);
    assert_eq!(status, Some(2));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(
        lines[0],
        format!("carpctl: {one}:1: 0: vhid is a number in 1..255")
    );
    assert!(lines[1].starts_with(&format!("carpctl: {one}:3: fast: no such word: ")));
    assert_eq!(
        lines[2],
        format!("carpctl: {two}: no vhid: a group has a number in 1..255")
    );
}

#[test]
fn right_files_are_named_in_json() {
    let directory = directory("json");
    let right = write(&directory, "hostname.carp0", "vhid 1\n", 0o640);
    let wrong = write(&directory, "hostname.carp1", "vhid 0\n", 0o640);
    let output = Command::new(env!("CARGO_BIN_EXE_carpctl"))
        .args(["load", "--check", "--json", &right, &wrong])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = serde_json::json!([{ "ifname": "carp0", "file": right, "changes": [] }]);
    assert_eq!(printed, expected);
}

#[test]
fn names_of_files() {
    let directory = directory("names");
    for name in [
        "carp0",
        "hostname.",
        "hostname.a name",
        "hostname.sixteen-letters-",
    ] {
        let path = write(&directory, name, "vhid 1\n", 0o640);
        let text = format!("carpctl: {path}: a file's name is hostname.INTERFACE\n");
        assert_eq!(check(&[&path]), (Some(2), text));
    }
    let missing = directory.join("hostname.carp7");
    let missing = missing.to_str().unwrap();
    let text = format!("carpctl: {missing}: No such file or directory (os error 2)\n");
    assert_eq!(check(&[missing]), (Some(2), text));
}

#[test]
fn a_key_that_everybody_can_read_is_warned_of() {
    let path = write(
        &directory("readable"),
        "hostname.carp0",
        "vhid 1 pass tyrell\n",
        0o644,
    );
    let (status, text) = check(&[&path]);
    assert_eq!(status, Some(0));
    assert!(text.contains("everybody can read it"), "{text}");
    assert!(!text.contains("tyrell"));
}

#[test]
fn commands_that_others_can_write_are_not_run() {
    let path = write(
        &directory("writable"),
        "hostname.carp0",
        "vhid 1\n!true\n",
        0o666,
    );
    let (status, text) = check(&[&path]);
    assert_eq!(status, Some(2));
    assert!(text.contains("others than root can write it"), "{text}");
}

#[test]
fn options_of_load_are_its_own() {
    let output = Command::new(env!("CARGO_BIN_EXE_carpctl"))
        .args(["show", "--check"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("carpctl: --check: show has no such option\n"),
        "{text}"
    );
}
