// SPDX-License-Identifier: GPL-2.0

//! The generator, run as systemd runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// All links and files below a directory, with what they say.
fn tree(directory: &Path, below: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path
            .strip_prefix(below)
            .unwrap()
            .to_str()
            .unwrap()
            .to_string();
        if path.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            found.push((name, target.to_str().unwrap().to_string()));
        } else if path.is_dir() {
            tree(&path, below, found);
        } else {
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn each_file_has_its_unit() {
    let work = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("generator");
    let _ = fs::remove_dir_all(&work);
    let (etc, units) = (work.join("etc"), work.join("units"));
    fs::create_dir_all(&etc).unwrap();
    for (name, text) in [
        ("hostname", "rachael\n"),
        ("hostname.carp0", "vhid 1 carpdev eth0 pass tyrell\n"),
        ("hostname.carp0.dpkg-old", "vhid 2\n"),
        ("hostname.eth0", "dhcp\n"),
    ] {
        fs::write(etc.join(name), text).unwrap();
    }
    let status = Command::new(env!("CARGO_BIN_EXE_carp-generator"))
        .env("CARP_HOSTNAME_DIRECTORY", &etc)
        .args([&units, &work.join("early"), &work.join("late")])
        .status()
        .unwrap();
    assert!(status.success());

    let mut found = Vec::new();
    tree(&units, &units, &mut found);
    found.sort();
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "carp@carp0.service.d/50-parent.conf",
            "multi-user.target.wants/carp@carp0.service",
            "sys-subsystem-net-devices-eth0.device.wants/carp@carp0.service",
        ]
    );
    assert!(
        !format!("{found:?}").contains("tyrell"),
        "no key leaves the file"
    );
}

#[test]
fn without_a_directory_it_says_what_it_wants() {
    let output = Command::new(env!("CARGO_BIN_EXE_carp-generator"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("usage: carp-generator"));
}
