// SPDX-License-Identifier: GPL-2.0-only
//! The program: what it does is in the library, for the tests' sake.

fn main() -> std::process::ExitCode {
    carpctl::run(std::env::args_os().skip(1)).into()
}
