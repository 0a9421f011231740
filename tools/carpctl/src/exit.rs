// SPDX-License-Identifier: GPL-2.0-only
//! How carpctl ends: all of its exit statuses, which the manual lists.

use std::process::ExitCode;

/// What the exit status says to a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// All was done.
    Success = 0,
    /// The kernel refused, or the system failed; the message says what.
    Failed = 1,
    /// A word, an option or a line of a file is wrong; nothing was done for it.
    Usage = 2,
    /// There is no such interface, or it is no carp interface.
    NoInterface = 3,
    /// The user may read but not change.
    NotPermitted = 4,
    /// The kernel does not have the module carp.
    NoModule = 5,
    /// `diag` found something to change.
    Diagnosed = 6,
}

/// Every status with the sentence of the manual.
pub static STATUSES: &[(ExitStatus, &str)] = &[
    (ExitStatus::Success, "all was done"),
    (
        ExitStatus::Failed,
        "the kernel refused, or the system failed; the message says what",
    ),
    (
        ExitStatus::Usage,
        "a word, an option or a line of a file is wrong; nothing was done for it",
    ),
    (
        ExitStatus::NoInterface,
        "there is no such interface, or it is no carp interface",
    ),
    (
        ExitStatus::NotPermitted,
        "it needs the capability CAP_NET_ADMIN",
    ),
    (
        ExitStatus::NoModule,
        "the kernel does not have the module carp",
    ),
    (ExitStatus::Diagnosed, "diag found something to change"),
];

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}
