// SPDX-License-Identifier: GPL-2.0-only
//! The commands: one file and one row of [`COMMANDS`] each. What is no command is
//! a line of ifconfig's words.

mod completion;
mod configure;
mod diag;
mod key;
mod list;
mod load;
mod metrics;
mod monitor;
mod show;
mod stats;
mod watch;

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::group::Group;
use crate::kernel::Kernel;
use crate::options::{OPTIONS, Options};
use crate::output::Output;
use std::io::Write;

/// A command.
pub struct Command {
    /// Its word, the first one.
    pub name: &'static str,
    /// What follows it, as usage shows it.
    pub arguments: &'static str,
    /// What it does, for the completions.
    pub summary: &'static str,
    /// Does it.
    pub run: fn(&mut Context<'_>, &[String]) -> Result<ExitStatus, Failure>,
}

/// All commands, in the order of the manual.
pub static COMMANDS: &[Command] = &[
    show::COMMAND,
    stats::COMMAND,
    load::COMMAND,
    monitor::COMMAND,
    watch::COMMAND,
    diag::COMMAND,
    metrics::COMMAND,
    key::COMMAND,
    completion::COMMAND,
];

/// What a command works with.
pub struct Context<'a> {
    /// The options that were given.
    pub options: &'a Options,
    /// Where to print.
    pub out: &'a mut Output,
}

/// What is printed with a mistake of the command line; `--help` says more.
pub const USAGE: &str = "\
usage: carpctl [--json] [interface]
       carpctl interface word ...
       carpctl command [--json] [interface ...]
       carpctl --help
";

/// Runs what the words ask for.
pub fn run(options: &Options, words: &[String], out: &mut Output) -> Result<ExitStatus, Failure> {
    if options.version {
        writeln!(out, "carpctl {}", env!("CARGO_PKG_VERSION"))?;
        return Ok(ExitStatus::Success);
    }
    if options.help {
        help(out)?;
        return Ok(ExitStatus::Success);
    }
    let mut context = Context { options, out };
    let first = words.first().map(String::as_str);
    if let Some(command) = COMMANDS.iter().find(|command| Some(command.name) == first) {
        options.check(command.name)?;
        return (command.run)(&mut context, &words[1..]);
    }
    let wish = crate::words::parse(words)?;
    if wish.is_question() {
        options.check("list")?;
        list::run(&mut context, wish.interface.as_deref())
    } else {
        options.check("configure")?;
        configure::run(&wish)
    }
}

fn help(out: &mut Output) -> std::io::Result<()> {
    write!(out, "{USAGE}\nCommands:\n")?;
    for command in COMMANDS {
        let left = format!("{} {}", command.name, command.arguments);
        writeln!(out, "  {left:30} {}", command.summary)?;
    }
    writeln!(out, "\nWords, in any order:")?;
    for word in crate::vocabulary::WORDS {
        let left = format!("{} {}", word.name, word.argument);
        writeln!(out, "  {left:30} {}", word.summary)?;
    }
    writeln!(out, "\nOptions:")?;
    for option in OPTIONS {
        let short = option
            .short
            .map_or("    ".to_owned(), |c| format!("-{c}, "));
        let left = format!("{short}--{} {}", option.long, option.argument);
        writeln!(out, "  {left:30} {}", option.summary)?;
    }
    writeln!(out, "\nThe manual is carpctl(8).")
}

/// The groups of these names, each of which must exist; without names, all.
fn groups(kernel: &mut Kernel, names: &[String]) -> Result<Vec<Group>, Failure> {
    if names.is_empty() {
        return Ok(kernel.snapshot()?.groups);
    }
    names
        .iter()
        .map(|name| kernel.existing_group(name))
        .collect()
}
