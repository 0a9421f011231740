// SPDX-License-Identifier: GPL-2.0-only
//! The options, which may stand anywhere, and the words between them.

use crate::failure::Failure;
use crate::vocabulary::nearest;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// An option that carpctl knows.
pub struct OptionWord {
    /// After two dashes.
    pub long: &'static str,
    /// After one dash.
    pub short: Option<char>,
    /// What follows it, as usage shows it; empty: nothing.
    pub argument: &'static str,
    /// The commands that take it; empty: all.
    pub commands: &'static [&'static str],
    /// What it does, for the completions.
    pub summary: &'static str,
}

const fn option(
    long: &'static str,
    short: Option<char>,
    argument: &'static str,
    commands: &'static [&'static str],
    summary: &'static str,
) -> OptionWord {
    OptionWord {
        long,
        short,
        argument,
        commands,
        summary,
    }
}

/// All options, in the order of the manual.
pub static OPTIONS: &[OptionWord] = &[
    option("json", Some('j'), "", &[], "JSON instead of text"),
    option("all", Some('a'), "", &["list"], "all groups"),
    option("color", None, "when", &[], "colours: auto, always or never"),
    option(
        "exec",
        None,
        "directory",
        &["monitor"],
        "run the programs in it at every change of state",
    ),
    option(
        "output",
        Some('o'),
        "file",
        &["metrics"],
        "replace this file, whole or not",
    ),
    option(
        "interval",
        Some('n'),
        "seconds",
        &["watch"],
        "how often the screen is read anew",
    ),
    option(
        "check",
        None,
        "",
        &["load"],
        "look for mistakes, and change nothing",
    ),
    option(
        "diff",
        None,
        "",
        &["load"],
        "say what would be changed, and change nothing",
    ),
    option("help", Some('h'), "", &[], "show the usage"),
    option("version", Some('V'), "", &[], "show the version"),
];

/// Whether colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// The options that were given.
#[derive(Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "named as the options")]
pub struct Options {
    pub json: bool,
    pub color: Color,
    pub exec: Option<PathBuf>,
    pub output: Option<PathBuf>,
    pub interval: Option<Duration>,
    pub check: bool,
    pub diff: bool,
    pub help: bool,
    pub version: bool,
    /// Those that were given, by their long names.
    pub given: Vec<&'static str>,
}

impl Options {
    /// Refuses options of other commands.
    pub fn check(&self, command: &str) -> Result<(), Failure> {
        let wrong = |given: &&&'static str| {
            OPTIONS.iter().any(|option| {
                option.long == **given
                    && !option.commands.is_empty()
                    && !option.commands.contains(&command)
            })
        };
        match self.given.iter().find(wrong) {
            Some(given) => Err(Failure::usage(
                &format!("--{given}"),
                &format!("{command} has no such option"),
            )),
            None => Ok(()),
        }
    }
}

/// Whether this is an option, and no word such as `-alias`.
fn is_option(word: &str) -> bool {
    word.starts_with("--")
        || (word.len() == 2 && word.starts_with('-') && word != "--")
        // With its value attached: -oFILE
        || OPTIONS.iter().any(|option| {
            let mut chars = word.chars();
            !option.argument.is_empty()
                && chars.next() == Some('-')
                && chars.next() == option.short
                && option.short.is_some()
                && crate::vocabulary::find(word).is_none()
        })
}

/// Parts the options from the words.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<(Options, Vec<String>), Failure> {
    let mut parser = Parser::from_args(arguments);
    let mut options = Options::default();
    let mut words = Vec::new();
    loop {
        if let Some(mut raw) = parser.try_raw_args() {
            // `-alias` is a word, and so is everything after `--`.
            let mut is_last = false;
            let taken = raw.next_if(|next| {
                is_last = next == "--";
                is_last || !is_option(&next.to_string_lossy())
            });
            if is_last {
                for word in raw {
                    words.push(word.string().map_err(misused)?);
                }
                break;
            }
            if let Some(word) = taken {
                words.push(word.string().map_err(misused)?);
                continue;
            }
        }
        let option = match parser.next().map_err(misused)? {
            Some(argument) => find(&argument)?,
            None => break,
        };
        take(&mut parser, option, &mut options)?;
    }
    Ok((options, words))
}

fn misused(error: lexopt::Error) -> Failure {
    Failure::new(crate::exit::ExitStatus::Usage, error.to_string())
}

fn find(argument: &Arg<'_>) -> Result<&'static OptionWord, Failure> {
    let option = OPTIONS.iter().find(|option| match argument {
        Arg::Long(long) => option.long == *long,
        Arg::Short(short) => option.short == Some(*short),
        Arg::Value(_) => false,
    });
    option.ok_or_else(|| {
        let (word, near) = match argument {
            Arg::Long(long) => (
                format!("--{long}"),
                nearest(long, OPTIONS.iter().map(|option| option.long)),
            ),
            Arg::Short(short) => (format!("-{short}"), None),
            Arg::Value(value) => (value.to_string_lossy().into_owned(), None),
        };
        let mut what = "no such option".to_owned();
        if let Some(near) = near {
            what += &format!(" (did you mean --{near}?)");
        }
        Failure::usage(&word, &what)
    })
}

fn take(parser: &mut Parser, option: &OptionWord, options: &mut Options) -> Result<(), Failure> {
    options.given.push(option.long);
    let mut value = || parser.value().and_then(ValueExt::string).map_err(misused);
    match option.long {
        "json" => options.json = true,
        "all" => {}
        "check" => options.check = true,
        "diff" => options.diff = true,
        "help" => options.help = true,
        "version" => options.version = true,
        "exec" => options.exec = Some(value()?.into()),
        "output" => options.output = Some(value()?.into()),
        "color" => {
            let when = value()?;
            options.color = match when.as_str() {
                "auto" => Color::Auto,
                "always" => Color::Always,
                "never" => Color::Never,
                _ => return Err(Failure::usage(&when, "color must be auto, always or never")),
            };
        }
        "interval" => {
            let digits = value()?;
            let seconds = digits.parse().ok().filter(|s| (0.1..=3600.0).contains(s));
            let seconds = seconds.ok_or_else(|| {
                Failure::usage(&digits, "interval must be from 0.1 to 3600 seconds")
            })?;
            options.interval = Some(Duration::from_secs_f64(seconds));
        }
        // A row of the table that nobody reads.
        other => unreachable!("the option {other}"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<(Options, Vec<String>), Failure> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_stand_anywhere() {
        for line in ["--json show carp0", "show -j carp0", "show carp0 --json"] {
            let (options, words) = read(line).unwrap();
            assert!(options.json, "{line}");
            assert_eq!(words, ["show", "carp0"], "{line}");
        }
        let (options, words) = read("monitor --exec=/etc/carp -j").unwrap();
        assert_eq!(options.exec, Some("/etc/carp".into()));
        assert_eq!(words, ["monitor"]);
        for line in ["metrics -o /x", "metrics -o/x", "metrics --output /x"] {
            assert_eq!(read(line).unwrap().0.output, Some("/x".into()), "{line}");
        }
    }

    #[test]
    fn words_with_a_dash_are_words() {
        let (options, words) = read("carp0 -alias 10.0.0.1 -carpdev --json").unwrap();
        assert_eq!(words, ["carp0", "-alias", "10.0.0.1", "-carpdev"]);
        assert!(options.json);
        let (_, words) = read("carp0 passfile - -- --json").unwrap();
        assert_eq!(words, ["carp0", "passfile", "-", "--json"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, text) in [
            ("--jsno", "--jsno: no such option (did you mean --json?)"),
            ("-x", "-x: no such option"),
            ("--color blue", "blue: color must be auto, always or never"),
            (
                "--interval 0",
                "0: interval must be from 0.1 to 3600 seconds",
            ),
            ("--exec", "missing argument for option '--exec'"),
            ("--json=1", "unexpected argument for option '--json': \"1\""),
        ] {
            match read(line) {
                Err(failure) => assert_eq!(failure.text, text),
                Ok(read) => panic!("{line}: {read:?}"),
            }
        }
    }

    /// No row of the table is forgotten by the parser.
    #[test]
    fn the_table_is_what_is_read() {
        for option in OPTIONS {
            let value = match option.long {
                "color" => "auto",
                "interval" => "1",
                _ => "x",
            };
            let value = if option.argument.is_empty() {
                ""
            } else {
                value
            };
            let (options, words) = read(&format!("--{} {value}", option.long)).unwrap();
            assert_eq!((options.given, words.len()), (vec![option.long], 0));
        }
    }

    #[test]
    fn options_of_other_commands_are_refused() {
        let (options, _) = read("--exec /x").unwrap();
        assert!(options.check("monitor").is_ok());
        let failure = options.check("show").unwrap_err();
        assert_eq!(failure.text, "--exec: show has no such option");
    }
}
