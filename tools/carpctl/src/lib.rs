// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl`: configures, shows and watches carp devices, in the manner of BSD's
//! ifconfig.
//!
//! | module | what |
//! | --- | --- |
//! | [`options`], [`words`], [`vocabulary`], [`key`] | the command line |
//! | [`command`] | the commands, one file and one row of a table each |
//! | [`apply`] | from what is to what is wanted |
//! | [`kernel`], [`netlink`] | the kernel |
//! | [`group`] | a group on this host |
//! | [`event`], [`follow`], [`hooks`] | what happens to groups |
//! | [`diagnose`], [`losses`] | what may be wrong with it |
//! | [`ifconfig`], [`json`], [`prometheus`], [`table`], [`text`] | output |
//! | [`completion`] | the shells' completions |
//! | [`exit`], [`failure`] | how it ends |
//!
//! It runs as one process and, but for the hooks of `monitor`, one thread.
#![forbid(unsafe_code)]

pub mod apply;
pub mod command;
pub mod completion;
pub mod diagnose;
pub mod event;
pub mod exit;
pub mod failure;
pub mod follow;
pub mod group;
pub mod hooks;
pub mod ifconfig;
pub mod json;
pub mod kernel;
pub mod key;
pub mod losses;
pub mod netlink;
pub mod options;
pub mod output;
pub mod prometheus;
pub mod table;
pub mod text;
pub mod vocabulary;
pub mod words;

use exit::ExitStatus;
use failure::Failure;
use std::ffi::OsString;
use std::io::Write;

/// Runs the program with these arguments.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitStatus {
    match try_to_run(arguments) {
        Ok(status) => status,
        Err(failure) => {
            // Nobody is left to tell if that fails, too.
            let _ = complain(&failure);
            failure.status
        }
    }
}

fn try_to_run(arguments: impl IntoIterator<Item = OsString>) -> Result<ExitStatus, Failure> {
    let (options, words) = options::parse(arguments)?;
    let mut out = output::open(options.color);
    let status = command::run(&options, &words, &mut out)?;
    out.flush()?;
    Ok(status)
}

fn complain(failure: &Failure) -> std::io::Result<()> {
    if failure.silent {
        return Ok(());
    }
    let mut err = std::io::stderr().lock();
    writeln!(err, "carpctl: {}", text::Plain(&failure.text))?;
    if failure.status == ExitStatus::Usage {
        write!(err, "{}", command::USAGE)?;
    }
    Ok(())
}
