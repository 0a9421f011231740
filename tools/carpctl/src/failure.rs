// SPDX-License-Identifier: GPL-2.0-only
//! Why something was not done, as a sentence for the user and an exit status.

use crate::exit::ExitStatus;
use crate::netlink::Refusal;
use std::io;

/// What went wrong. Nothing is printed until the end of the program.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends.
    pub status: ExitStatus,
    /// What the user is told, without the program's name.
    pub text: String,
    /// Whether the reader of our output went away, which nobody wants to hear of.
    pub silent: bool,
}

impl Failure {
    /// A failure with this status.
    pub fn new(status: ExitStatus, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            silent: false,
        }
    }

    /// A word of the command line is wrong.
    pub fn usage(word: &str, what: &str) -> Self {
        Self::new(ExitStatus::Usage, format!("{word}: {what}"))
    }

    /// There is no such interface.
    pub fn no_interface(name: &str, what: &str) -> Self {
        Self::new(ExitStatus::NoInterface, format!("{name}: {what}"))
    }

    /// The kernel refused what was asked of `subject`.
    pub fn refused(subject: &str, refusal: &Refusal) -> Self {
        let status = match refusal.errno {
            libc_errno::EPERM | libc_errno::EACCES => ExitStatus::NotPermitted,
            libc_errno::ENODEV => ExitStatus::NoInterface,
            _ => ExitStatus::Failed,
        };
        let mut text = format!("{subject}: {refusal}");
        if status == ExitStatus::NotPermitted {
            text += " (this needs root, or the capability CAP_NET_ADMIN)";
        }
        Self::new(status, text)
    }
}

/// The numbers of errors that carpctl tells apart.
pub mod libc_errno {
    #![allow(missing_docs)]
    pub const EPERM: i32 = 1;
    pub const ENOENT: i32 = 2;
    pub const EACCES: i32 = 13;
    pub const EEXIST: i32 = 17;
    pub const ENODEV: i32 = 19;
    pub const EOPNOTSUPP: i32 = 95;
    pub const EADDRNOTAVAIL: i32 = 99;
    pub const ENOBUFS: i32 = 105;
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self {
            silent: error.kind() == io::ErrorKind::BrokenPipe,
            ..Self::new(ExitStatus::Failed, error.to_string())
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}
