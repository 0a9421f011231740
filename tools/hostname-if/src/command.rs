// SPDX-License-Identifier: GPL-2.0

//! `!command` lines: what a file has a shell do.

/// A command, ready for `sh -c`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// Where it stands, counted from 1.
    pub line: usize,
    /// When it is to run.
    pub moment: Moment,
    /// The text, with the interface's name in place of `$if`.
    pub text: Vec<u8>,
}

/// When a command is to run, by where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// Before anything is configured: no other line is above it.
    Before,
    /// When the interface is as the file says.
    After,
}

/// A command's text, without the `!`, as a shell is given it: `$if` and `\$if` are
/// the interface's name, but not the beginning of another name such as `$iface`.
pub(crate) fn expand(text: &[u8], interface: &str) -> Vec<u8> {
    let mut expanded = Vec::with_capacity(text.len());
    let mut rest = text.trim_ascii();
    while let Some(&byte) = rest.first() {
        let after = rest
            .strip_prefix(b"\\$if")
            .or_else(|| rest.strip_prefix(b"$if"))
            .filter(|after| {
                !matches!(
                    after.first(),
                    Some(b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')
                )
            });
        match after {
            Some(after) => {
                expanded.extend_from_slice(interface.as_bytes());
                rest = after;
            }
            None => {
                expanded.push(byte);
                rest = &rest[1..];
            }
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_interface() {
        for (text, expanded) in [
            ("ip route add 10/8 dev $if", "ip route add 10/8 dev carp0"),
            (r"logger \$if, $if.", "logger carp0, carp0."),
            ("echo $iface $if2 $i", "echo $iface $if2 $i"),
            (" true \r", "true"),
            ("", ""),
        ] {
            assert_eq!(
                expand(text.as_bytes(), "carp0"),
                expanded.as_bytes(),
                "{text}"
            );
        }
    }
}
