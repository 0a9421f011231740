// SPDX-License-Identifier: GPL-2.0-or-later
//! The words after `type carp`.
//!
//! Words are taken whole: `ip`'s abbreviations change their meaning when a
//! word is added.  Numbers are checked to be numbers; which of them make
//! sense is the kernel's to say, in its extended ack.

use carp_uapi::names::{self, BALANCINGS, Names, SELECTIONS};
use carp_uapi::number::{NodeMistake, nodes, number};
use carp_uapi::numbers::{CARP_STATE_BACKUP, CARP_STATE_MASTER};
use core::ffi::CStr;

/// Where the key comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Key<'a> {
    /// No key: twenty zeros.
    Empty,
    /// The key stood on the command line.
    Typed(&'a [u8]),
    /// The key is the first line of this file; `-` is the standard input.
    File(&'a CStr),
}

/// What the command line asks for.
#[derive(Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Settings<'a> {
    pub vhid: Option<u32>,
    pub advbase: Option<u32>,
    pub advskew: Option<u32>,
    pub key: Option<Key<'a>>,
    pub state: Option<u32>,
    /// A list of nodes that was looked through.
    pub nodes: Option<&'a CStr>,
    pub balancing: Option<u32>,
    pub selection: Option<u32>,
}

/// Why the command line was not understood.
#[derive(Debug, PartialEq)]
pub enum Mistake<'a> {
    /// The word `help`: no mistake, but nothing to send either.
    Help,
    /// No such option.
    Unknown(&'a CStr),
    /// `carpdev`: the parent stands elsewhere on `ip`'s command line.
    ParentHere(&'a CStr),
    /// The value of the last word is missing.
    Incomplete,
    /// An option's value is not of its kind; the message says of which.
    Invalid {
        /// The value.
        value: &'a CStr,
        /// What it should have been.
        message: &'static CStr,
    },
    /// An option stood there before.
    Duplicate {
        /// The option.
        word: &'static CStr,
        /// Its second value, or for keys, which are secret, its word.
        second: &'a CStr,
    },
}

/// Reads the words after `type carp`.
pub fn parse<'a>(mut words: impl Iterator<Item = &'a CStr>) -> Result<Settings<'a>, Mistake<'a>> {
    let mut settings = Settings::default();

    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(Mistake::Incomplete);
        match word.to_bytes() {
            b"vhid" => set_number(&mut settings.vhid, c"vhid", value()?, c"invalid vhid")?,
            b"advbase" => set_number(
                &mut settings.advbase,
                c"advbase",
                value()?,
                c"invalid advbase",
            )?,
            b"advskew" => set_number(
                &mut settings.advskew,
                c"advskew",
                value()?,
                c"invalid advskew",
            )?,
            b"pass" => set_key(&mut settings.key, word, Key::Typed(value()?.to_bytes()))?,
            b"passfile" => set_key(&mut settings.key, word, Key::File(value()?))?,
            b"nopass" => set_key(&mut settings.key, word, Key::Empty)?,
            b"state" => {
                let value = value()?;
                set(&mut settings.state, c"state", value, state(value)?)?;
            }
            b"carpnodes" => {
                let value = value()?;
                set(&mut settings.nodes, c"carpnodes", value, list(value)?)?;
            }
            b"balancing" => set_name(
                &mut settings.balancing,
                c"balancing",
                value()?,
                BALANCINGS,
                c"balancing is \"none\", \"ip\", \"ip-stealth\" or \"ip-unicast\"",
            )?,
            b"selection" => set_name(
                &mut settings.selection,
                c"selection",
                value()?,
                SELECTIONS,
                c"selection is \"addresses\" or \"flow\"",
            )?,
            b"help" => return Err(Mistake::Help),
            b"carpdev" => return Err(Mistake::ParentHere(word)),
            _ => return Err(Mistake::Unknown(word)),
        }
    }
    Ok(settings)
}

fn set<'a, T>(
    place: &mut Option<T>,
    word: &'static CStr,
    second: &'a CStr,
    value: T,
) -> Result<(), Mistake<'a>> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Mistake::Duplicate { word, second }),
    }
}

fn set_number<'a>(
    place: &mut Option<u32>,
    word: &'static CStr,
    value: &'a CStr,
    message: &'static CStr,
) -> Result<(), Mistake<'a>> {
    let number = number(value.to_bytes()).ok_or(Mistake::Invalid { value, message })?;
    set(place, word, value, number)
}

fn set_key<'a>(
    place: &mut Option<Key<'a>>,
    word: &'a CStr,
    key: Key<'a>,
) -> Result<(), Mistake<'a>> {
    set(place, c"pass", word, key)
}

fn set_name<'a>(
    place: &mut Option<u32>,
    word: &'static CStr,
    value: &'a CStr,
    names: &Names,
    message: &'static CStr,
) -> Result<(), Mistake<'a>> {
    let number =
        names::number(names, value.to_bytes()).ok_or(Mistake::Invalid { value, message })?;
    set(place, word, value, number)
}

/// A list of nodes, each of which can be read.
fn list(value: &CStr) -> Result<&CStr, Mistake<'_>> {
    let message = match nodes(value.to_bytes()).find_map(Result::err) {
        None => return Ok(value),
        Some(NodeMistake::NoNode(_)) => c"carpnodes is VHID:SKEW,VHID:SKEW,...",
        Some(NodeMistake::TooMany) => c"more than 32 carpnodes",
    };
    Err(Mistake::Invalid { value, message })
}

/// The two states that can be asked for, in either case, as on the BSDs.
fn state(value: &CStr) -> Result<u32, Mistake<'_>> {
    let word = value.to_bytes();
    if word.eq_ignore_ascii_case(b"master") {
        Ok(CARP_STATE_MASTER)
    } else if word.eq_ignore_ascii_case(b"backup") {
        Ok(CARP_STATE_BACKUP)
    } else {
        Err(Mistake::Invalid {
            value,
            message: c"state is \"master\" or \"backup\"",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carp_uapi::numbers::{CARP_BALANCING_IP_STEALTH, CARP_SELECTION_FLOW};

    fn words<'a>(words: &'a [&'a CStr]) -> Result<Settings<'a>, Mistake<'a>> {
        parse(words.iter().copied())
    }

    #[test]
    fn all_options() {
        assert_eq!(words(&[]), Ok(Settings::default()));
        assert_eq!(
            words(&[
                c"vhid", c"1", c"advbase", c"0x2", c"advskew", c"100", c"pass", c"tyrell",
                c"state", c"MASTER"
            ]),
            Ok(Settings {
                vhid: Some(1),
                advbase: Some(2),
                advskew: Some(100),
                key: Some(Key::Typed(b"tyrell")),
                state: Some(CARP_STATE_MASTER),
                ..Settings::default()
            })
        );
        assert_eq!(words(&[c"nopass"]).unwrap().key, Some(Key::Empty));
        assert_eq!(
            words(&[c"passfile", c"-"]).unwrap().key,
            Some(Key::File(c"-"))
        );
        assert_eq!(
            words(&[c"state", c"backup"]).unwrap().state,
            Some(CARP_STATE_BACKUP)
        );
        // An option's name may be another's value.
        assert_eq!(
            words(&[c"pass", c"vhid"]).unwrap().key,
            Some(Key::Typed(b"vhid"))
        );
    }

    #[test]
    fn balancing() {
        assert_eq!(
            words(&[
                c"selection",
                c"flow",
                c"balancing",
                c"ip-stealth",
                c"carpnodes",
                c"1:0,2:100"
            ]),
            Ok(Settings {
                nodes: Some(c"1:0,2:100"),
                balancing: Some(CARP_BALANCING_IP_STEALTH),
                selection: Some(CARP_SELECTION_FLOW),
                ..Settings::default()
            })
        );
        for (word, value, message) in [
            (c"carpnodes", c"1", c"carpnodes is VHID:SKEW,VHID:SKEW,..."),
            (c"carpnodes", c"", c"carpnodes is VHID:SKEW,VHID:SKEW,..."),
            (
                c"balancing",
                c"arp",
                c"balancing is \"none\", \"ip\", \"ip-stealth\" or \"ip-unicast\"",
            ),
            (
                c"selection",
                c"ports",
                c"selection is \"addresses\" or \"flow\"",
            ),
        ] {
            assert_eq!(
                words(&[word, value]),
                Err(Mistake::Invalid { value, message })
            );
        }
        let many = std::ffi::CString::new(["1:0"; 33].join(",")).unwrap();
        assert_eq!(
            words(&[c"carpnodes", &many]),
            Err(Mistake::Invalid {
                value: &many,
                message: c"more than 32 carpnodes"
            })
        );
        assert_eq!(
            words(&[c"balancing", c"ip", c"balancing", c"none"]),
            Err(Mistake::Duplicate {
                word: c"balancing",
                second: c"none"
            })
        );
    }

    #[test]
    fn mistakes() {
        assert_eq!(words(&[c"vhi", c"1"]), Err(Mistake::Unknown(c"vhi")));
        assert_eq!(words(&[c"VHID", c"1"]), Err(Mistake::Unknown(c"VHID")));
        assert_eq!(words(&[c"carpdev"]), Err(Mistake::ParentHere(c"carpdev")));
        for word in [
            c"vhid",
            c"advbase",
            c"advskew",
            c"pass",
            c"passfile",
            c"state",
            c"carpnodes",
            c"balancing",
            c"selection",
        ] {
            assert_eq!(words(&[word]), Err(Mistake::Incomplete));
        }
        assert_eq!(
            words(&[c"advskew", c"fast"]),
            Err(Mistake::Invalid {
                value: c"fast",
                message: c"invalid advskew"
            })
        );
        assert!(matches!(
            words(&[c"state", c"init"]),
            Err(Mistake::Invalid { value, .. }) if value == c"init"
        ));
        assert_eq!(words(&[c"vhid", c"1", c"help"]), Err(Mistake::Help));
    }

    #[test]
    fn duplicates_are_named_but_no_key_is_repeated() {
        assert_eq!(
            words(&[c"vhid", c"1", c"vhid", c"2"]),
            Err(Mistake::Duplicate {
                word: c"vhid",
                second: c"2"
            })
        );
        for [first, second] in [[c"pass", c"passfile"], [c"passfile", c"pass"]] {
            assert_eq!(
                words(&[first, c"secret", second, c"secret"]),
                Err(Mistake::Duplicate {
                    word: c"pass",
                    second
                })
            );
        }
        assert_eq!(
            words(&[c"pass", c"secret", c"nopass"]),
            Err(Mistake::Duplicate {
                word: c"pass",
                second: c"nopass"
            })
        );
    }
}
