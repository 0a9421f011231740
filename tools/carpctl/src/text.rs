// SPDX-License-Identifier: GPL-2.0-only
//! Text that is safe to print, and quantities as people read them.

use std::fmt;
use std::time::Duration;

/// Text of others, such as the name of an interface, with control characters
/// escaped: they could say anything to a terminal.
pub struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.contains(char::is_control) {
            return f.pad(self.0);
        }
        let escaped: String = self
            .0
            .chars()
            .flat_map(|c| {
                let (plain, escape) = if c.is_control() {
                    (None, Some(c.escape_default()))
                } else {
                    (Some(c), None)
                };
                plain.into_iter().chain(escape.into_iter().flatten())
            })
            .collect();
        f.pad(&escaped)
    }
}

/// Bytes as hexadecimal digits, with something between the bytes.
pub fn hexadecimal(bytes: &[u8], between: &str) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(between)
}

/// How long ago, in the two largest units.
pub struct Ago(pub Duration);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
        let text = if seconds < 10 {
            format!("{}.{}s", seconds, self.0.subsec_millis() / 100)
        } else if minutes == 0 {
            format!("{seconds}s")
        } else if hours == 0 {
            format!("{minutes}m{:02}s", seconds % 60)
        } else if days == 0 {
            format!("{hours}h{:02}m", minutes % 60)
        } else {
            format!("{days}d{:02}h", hours % 24)
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(Plain("carp0").to_string(), "carp0");
        assert_eq!(Plain("a\u{1b}[2Jb").to_string(), "a\\u{1b}[2Jb");
        assert_eq!(Plain("a\u{9b}b\n").to_string(), "a\\u{9b}b\\n");
        assert_eq!(Plain("é").to_string(), "é");
        assert_eq!(format!("{:6}|", Plain("ab")), "ab    |");
    }

    #[test]
    fn times() {
        let of = |milliseconds| Ago(Duration::from_millis(milliseconds)).to_string();
        assert_eq!(of(0), "0.0s");
        assert_eq!(of(9_999), "9.9s");
        assert_eq!(of(10_000), "10s");
        assert_eq!(of(61_000), "1m01s");
        assert_eq!(of(3_600_000), "1h00m");
        assert_eq!(of(90_000_000), "1d01h");
    }
}
