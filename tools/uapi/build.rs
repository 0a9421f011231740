// SPDX-License-Identifier: GPL-2.0-or-later
//! Takes the numbers of the netlink interface from the kernel's header, by
//! the program `bindgen` (or the one that `BINDGEN` names).

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

const HEADER: &str = "../../include/uapi/linux/if_carp.h";

fn main() {
    println!("cargo::rerun-if-changed={HEADER}");
    println!("cargo::rerun-if-env-changed=BINDGEN");

    let bindgen = env::var("BINDGEN").unwrap_or_else(|_| "bindgen".into());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let status = Command::new(&bindgen)
        .args(["--use-core", "--ctypes-prefix", "core::ffi"])
        .args(["--no-layout-tests", "--no-prepend-enum-name"])
        .args(["--default-enum-style", "consts"])
        .args(["--allowlist-var", "(__)?(IFLA_)?CARP_.*"])
        .args(["--allowlist-type", "carp_.*"])
        .arg("--output")
        .arg(out.join("uapi.rs"))
        .arg(HEADER)
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{bindgen} could not read {HEADER}: {status}"),
        Err(error) => panic!("{bindgen}: {error}: install Debian's package bindgen"),
    }

    // The tests check the tables of names against the header's own text.
    fs::copy(HEADER, out.join("if_carp.h")).expect("copy the header");
}
