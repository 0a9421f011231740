// SPDX-License-Identifier: GPL-2.0

//! Who may read and write a file that holds a key and commands for root.

use std::fmt;

use crate::configuration::{Configuration, KeySource};

/// The owner and the mode of a file, as stat(2) gives them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ownership {
    /// The owner's user id.
    pub uid: u32,
    /// The group's id.
    pub gid: u32,
    /// The permission bits.
    pub mode: u32,
}

/// What is wrong with who may do what with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Danger {
    /// Everybody can read the key: a warning.
    KeyReadable,
    /// Others than root can write commands that root would run: do not.
    CommandsWritable,
}

impl Danger {
    /// Must the file not be used at all?
    pub fn forbids(self) -> bool {
        self == Self::CommandsWritable
    }
}

impl fmt::Display for Danger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::KeyReadable => {
                "has a key, and everybody can read it: \"chmod o-rwx\" it, or keep the key apart (passfile)"
            }
            Self::CommandsWritable => {
                "has commands that root would run, and others than root can write it: \"chown root\" and \"chmod go-w\" it"
            }
        })
    }
}

/// Looks for a danger in the permissions of a file that says `configuration`.
pub fn check_permissions(ownership: Ownership, configuration: &Configuration) -> Option<Danger> {
    let by_group = ownership.mode & 0o020 != 0 && ownership.gid != 0;
    let by_others = ownership.mode & 0o002 != 0;
    if !configuration.commands.is_empty() && (ownership.uid != 0 || by_group || by_others) {
        return Some(Danger::CommandsWritable);
    }
    let has_key = matches!(&configuration.key, KeySource::Typed(_));
    (has_key && ownership.mode & 0o007 != 0).then_some(Danger::KeyReadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dangers() {
        let cases = [
            ("vhid 1 pass tyrell", 0, 0, 0o640, None),
            ("vhid 1 pass tyrell", 0, 0, 0o644, Some(Danger::KeyReadable)),
            ("vhid 1 passfile /etc/carp.key", 0, 0, 0o644, None),
            ("vhid 1", 0, 0, 0o644, None),
            ("vhid 1", 1000, 1000, 0o666, None),
            ("vhid 1\n!true", 0, 0, 0o644, None),
            ("vhid 1\n!true", 0, 0, 0o664, None),
            (
                "vhid 1\n!true",
                1000,
                0,
                0o644,
                Some(Danger::CommandsWritable),
            ),
            (
                "vhid 1\n!true",
                0,
                50,
                0o664,
                Some(Danger::CommandsWritable),
            ),
            ("vhid 1\n!true", 0, 0, 0o646, Some(Danger::CommandsWritable)),
        ];
        for (text, uid, gid, mode, danger) in cases {
            let configuration = Configuration::read(text.as_bytes(), "carp0").unwrap();
            let ownership = Ownership { uid, gid, mode };
            assert_eq!(
                check_permissions(ownership, &configuration),
                danger,
                "{text}, {ownership:?}"
            );
        }
    }
}
