// SPDX-License-Identifier: GPL-2.0

//! What is wrong with a file: the line, the word, the rule.

use std::fmt;

/// Something in a file that cannot be carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// Counted from 1; `None` if it is about the file as a whole.
    pub line: Option<usize>,
    /// The word; empty if there is none. Never a key.
    pub word: String,
    /// What it should have been, for people.
    pub rule: String,
}

impl Mistake {
    pub(crate) fn new(word: &[u8], rule: impl Into<String>) -> Self {
        Self {
            line: None,
            word: printable(word),
            rule: rule.into(),
        }
    }
}

/// "LINE: WORD: RULE"; put the file's name and a colon before it.
impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(formatter, "{line}: ")?;
        } else {
            formatter.write_str(" ")?;
        }
        if !self.word.is_empty() {
            write!(formatter, "{}: ", self.word)?;
        }
        formatter.write_str(&self.rule)
    }
}

/// All that is wrong with a file, one for each wrong line; never empty.
pub type Mistakes = Vec<Mistake>;

/// A word as it can be shown on a terminal: whatever is no printable ASCII is
/// escaped, and a long one is cut.
pub(crate) fn printable(word: &[u8]) -> String {
    const SHOWN: usize = 40;
    let mut text = String::new();
    for &byte in word.iter().take(SHOWN) {
        if byte.is_ascii_graphic() || byte == b' ' {
            text.push(byte.into());
        } else {
            text.extend(std::ascii::escape_default(byte).map(char::from));
        }
    }
    if word.len() > SHOWN {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_what_can_be_seen() {
        assert_eq!(printable(b"advskew"), "advskew");
        assert_eq!(printable(b"\x1b[2J\xff\n"), "\\x1b[2J\\xff\\n");
        assert_eq!(printable(b"it's"), "it's");
        assert_eq!(printable(&[b'a'; 100]), format!("{}...", "a".repeat(40)));
    }
}
