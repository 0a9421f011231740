// SPDX-License-Identifier: GPL-2.0

//! A line's words.
//!
//! On OpenBSD, a shell takes the lines apart. The same files give the same words
//! here, but nothing is expanded: `$` and `` ` `` are characters like others.

use crate::mistake::Mistake;

/// Takes a line apart.
///
/// - Blanks are space, tab and carriage return.
/// - `#` at the beginning of a word begins a comment.
/// - `"` quotes blanks, `#` and `'`; `\` inside quotes makes a `"`, `\`, `$` or
///   `` ` `` ordinary and is itself one otherwise.
/// - `\` outside quotes makes the next character an ordinary one.
///
/// # Errors
///
/// A quote that is not closed, a `'` outside of `"` (OpenBSD's shell would take it
/// for a quote), a `\` at the end, and characters that cannot be typed.
pub(crate) fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, Mistake> {
    let mut words = Vec::new();
    // The word that is being read; `None` between words.
    let mut word: Option<Vec<u8>> = None;
    let mut quoted = false;
    let mut bytes = line.iter().copied().peekable();

    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            b'\\' if quoted => {
                let escaped = bytes.next_if(|next| matches!(next, b'"' | b'\\' | b'$' | b'`'));
                word.get_or_insert_default().push(escaped.unwrap_or(byte));
            }
            b'\\' => match bytes.next() {
                Some(next) => word.get_or_insert_default().push(next),
                None => {
                    return Err(Mistake::new(
                        b"\\",
                        "at the end of a line: a line cannot go on in the next one",
                    ))
                }
            },
            b' ' | b'\t' | b'\r' if !quoted => words.extend(word.take()),
            b'#' if !quoted && word.is_none() => break,
            b'\'' if !quoted => {
                return Err(Mistake::new(
                    b"'",
                    "a single quote must stand in double quotes",
                ));
            }
            b'\t' => word.get_or_insert_default().push(byte),
            byte if byte.is_ascii_control() => {
                return Err(Mistake::new(&[byte], "a control character"));
            }
            byte => word.get_or_insert_default().push(byte),
        }
    }
    if quoted {
        return Err(Mistake::new(
            b"\"",
            "a double quote is not closed on this line",
        ));
    }
    words.extend(word);
    Ok(words)
}

/// The words of a line that are still to be read.
pub(crate) struct Words<'a> {
    rest: &'a [Vec<u8>],
    /// Is the word before the next one the value of `pass`?
    pub(crate) after_key: bool,
}

impl<'a> Words<'a> {
    pub(crate) fn new(words: &'a [Vec<u8>]) -> Self {
        Self {
            rest: words,
            after_key: false,
        }
    }

    pub(crate) fn peek(&self) -> Option<&'a [u8]> {
        self.rest.first().map(Vec::as_slice)
    }

    pub(crate) fn next(&mut self) -> Option<&'a [u8]> {
        let (word, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(word)
    }

    pub(crate) fn next_if(&mut self, wanted: impl FnOnce(&[u8]) -> bool) -> Option<&'a [u8]> {
        self.peek().filter(|&word| wanted(word))?;
        self.next()
    }

    /// The value after `word`.
    pub(crate) fn value(&mut self, word: &[u8]) -> Result<&'a [u8], Mistake> {
        self.next()
            .ok_or_else(|| Mistake::new(word, "a value is missing after it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let words = split(line.as_bytes()).unwrap();
        words
            .into_iter()
            .map(|word| String::from_utf8(word).unwrap())
            .collect()
    }

    #[test]
    fn blanks_and_comments() {
        assert_eq!(words(""), [""; 0]);
        assert_eq!(words("  # up"), [""; 0]);
        assert_eq!(words("up\t vhid 1 \r"), ["up", "vhid", "1"]);
        assert_eq!(words("vhid 1 # vhid 2"), ["vhid", "1"]);
        assert_eq!(words("pass a#b"), ["pass", "a#b"]);
    }

    #[test]
    fn quotes() {
        assert_eq!(
            words("description \"Bob's uplink\" up"),
            ["description", "Bob's uplink", "up"]
        );
        assert_eq!(words(r#"pass """#), ["pass", ""]);
        assert_eq!(
            words(r#"pass "a # \"b\" \\ \$c \d""#),
            ["pass", r#"a # "b" \ $c \d"#]
        );
        assert_eq!(words(r"pass a\ b\#\'\\"), ["pass", r"a b#'\"]);
        assert_eq!(words(r#"pass a"b c"d"#), ["pass", "ab cd"]);
        assert_eq!(words("pass $HOME`id`"), ["pass", "$HOME`id`"]);
    }

    #[test]
    fn mistakes() {
        for (line, word) in [
            ("pass 'a b'", "'"),
            ("pass \"a", "\""),
            ("pass a\\", "\\"),
            ("pass a\x1b", "\\x1b"),
            ("pass \"a\x00\"", "\\x00"),
        ] {
            assert_eq!(split(line.as_bytes()).unwrap_err().word, word, "{line}");
        }
    }
}
