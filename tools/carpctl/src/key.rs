// SPDX-License-Identifier: GPL-2.0-only
//! The key: where it comes from, and how it is shown when somebody may see it.

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::netlink::link::Key;
use crate::text::hexadecimal;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The most of a key that is read. The kernel knows the limit, and refuses what
/// exceeds it; nothing is cut off.
const LONGEST: u64 = 128;

/// Where a key comes from.
#[derive(Clone, PartialEq)]
pub enum Source {
    /// It stood on the command line; an empty one is no key.
    Typed(String),
    /// It is the first line of this file; `-` is the standard input.
    File(PathBuf),
    /// The user is asked on the terminal.
    Prompt,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Typed(_) => f.write_str("Typed(…)"),
            Self::File(path) => write!(f, "File({path:?})"),
            Self::Prompt => f.write_str("Prompt"),
        }
    }
}

impl Source {
    /// Reads the key.
    pub fn read(&self) -> Result<Key, Failure> {
        let key = match self {
            Self::Typed(key) => key.clone().into_bytes(),
            Self::File(path) if path == Path::new("-") => {
                first_line(io::stdin().lock(), "standard input")?
            }
            Self::File(path) => {
                let name = path.display().to_string();
                let file = File::open(path).map_err(|error| unreadable(&name, &error))?;
                first_line(BufReader::new(file), &name)?
            }
            Self::Prompt => prompt()?,
        };
        Ok(Key(key))
    }
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::new(ExitStatus::Failed, format!("passfile {name}: {error}"))
}

/// The first line, without its newline; an empty one is more likely an accident
/// than a wish, for which there is a word.
fn first_line(reader: impl BufRead, name: &str) -> Result<Vec<u8>, Failure> {
    let mut line = Vec::new();
    reader
        .take(LONGEST)
        .read_until(b'\n', &mut line)
        .map_err(|error| unreadable(name, &error))?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if line.is_empty() {
        let text = format!("passfile {name}: the first line is empty (use nopass for no key)");
        return Err(Failure::new(ExitStatus::Failed, text));
    }
    Ok(line)
}

fn prompt() -> Result<Vec<u8>, Failure> {
    let ask = |question| {
        rpassword::prompt_password(question)
            .map_err(|error| Failure::new(ExitStatus::Failed, format!("passprompt: {error}")))
    };
    let key = ask("Key: ")?;
    if key.is_empty() {
        let text = "passprompt: nothing was typed (use nopass for no key)";
        return Err(Failure::new(ExitStatus::Failed, text));
    }
    if ask("The same again: ")? != key {
        let text = "passprompt: the two differ; nothing was changed";
        return Err(Failure::new(ExitStatus::Failed, text));
    }
    Ok(key.into_bytes())
}

/// A key as text, or as hexadecimal digits if it is none.
pub fn shown(key: &[u8]) -> String {
    match std::str::from_utf8(key) {
        Ok(text) if !text.contains(char::is_control) => text.to_owned(),
        _ => format!("0x{}", hexadecimal(key, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_a_first_line() {
        for (content, key) in [
            (&b"tyrell\n"[..], Some(&b"tyrell"[..])),
            (b"tyrell", Some(b"tyrell")),
            (b"tyrell\nroy\n", Some(b"tyrell")),
            (b" a b \r\n", Some(b" a b \r")),
            (b"a\0\xff\n", Some(b"a\0\xff")),
            (b"", None),
            (b"\nroy\n", None),
        ] {
            match key {
                Some(key) => assert_eq!(first_line(content, "x").unwrap(), key),
                None => assert!(first_line(content, "x").is_err()),
            }
        }
        assert_eq!(first_line(&[b'k'; 1000][..], "x").unwrap().len(), 128);
    }

    #[test]
    fn a_missing_file_is_named() {
        let source = Source::File("/nonexistent/key".into());
        assert!(source.read().unwrap_err().text.contains("/nonexistent/key"));
    }

    #[test]
    fn nothing_shows_a_key_by_accident() {
        let source = Source::Typed("tyrell".into());
        assert!(!format!("{source:?} {:?}", source.read().unwrap()).contains("tyrell"));
    }

    #[test]
    fn keys_that_are_no_text() {
        assert_eq!(shown(b"tyrell"), "tyrell");
        assert_eq!(shown(&[0x1b, 0xff]), "0x1bff");
    }
}
