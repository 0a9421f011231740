// SPDX-License-Identifier: GPL-2.0

//! The lines of a file, one after the other.
//!
//! A line is one of
//!
//! ```text
//! inet  [alias] ADDRESS [NETMASK [BROADCAST | NONE]] [OPTION ...]
//! inet6 [alias] ADDRESS [PREFIXLEN] [OPTION ...]
//! [ADDRESS | OPTION] ...
//! !COMMAND
//! ```
//!
//! where ADDRESS may be ADDRESS/PREFIXLEN, and OPTION is what ifconfig takes for a
//! carp interface. Nothing may be said twice: OpenBSD obeys the last one, which hides
//! mistakes.

use std::path::PathBuf;

use carp_proto::{Key, Parameters, Vhid, KEY_LEN};

use crate::address::{Address, AddressError};
use crate::balance::{mode, node_list, selection};
use crate::command::{expand, Command, Moment};
use crate::configuration::KeySource;
use crate::draft::{Draft, Placed};
use crate::interface::is_interface_name;
use crate::mistake::Mistake;
use crate::refusal::refusal;
use crate::value::{check_broadcast, decimal, text, with_prefix};
use crate::words::{split, Words};

/// The words that may stand in a line, for people.
const OPTIONS: &str = "no such word: it is one of advbase, advskew, alias, balancing, broadcast, \
    carpdev, carpnodes, description, down, inet, inet6, mtu, netmask, nopass, pass, passfile, \
    prefixlen, selection, up and vhid, or an address";

/// The longest description, in bytes: that of the kernel (IFALIASZ without its end).
const DESCRIPTION_MAX: usize = 255;

impl Draft<'_> {
    /// Takes the next line.
    pub(crate) fn add_line(&mut self, number: usize, line: &[u8]) -> Result<(), Mistake> {
        self.line = number;
        if let Some(command) = line.trim_ascii_start().strip_prefix(b"!") {
            return self.add_command(command);
        }
        let words = split(line)?;
        let mut words = Words::new(&words);
        match words.peek() {
            None => Ok(()),
            Some(b"inet" | b"inet6") => self.add_packed(&mut words),
            Some(_) => self.add_options(&mut words),
        }
    }

    fn add_command(&mut self, command: &[u8]) -> Result<(), Mistake> {
        let text = expand(command, self.interface);
        if text.is_empty() {
            return Err(Mistake::new(b"!", "a command is missing"));
        }
        if text.contains(&0) {
            return Err(Mistake::new(b"\0", "a command cannot have this character"));
        }
        let moment = if self.is_empty() {
            Moment::Before
        } else {
            Moment::After
        };
        self.commands.push(Command {
            line: self.line,
            moment,
            text,
        });
        Ok(())
    }

    /// A line that begins with a family: what follows is told apart by its place.
    fn add_packed(&mut self, words: &mut Words<'_>) -> Result<(), Mistake> {
        let family = words.next().unwrap_or_default();
        let alias = words.next_if(|word| word == b"alias").is_some();
        let Some(word) = words.next() else {
            return Err(Mistake::new(family, "an address is missing after it"));
        };
        if let Some(rule) = refusal(word) {
            return Err(Mistake::new(word, rule));
        }
        let mut address = self.address(word)?;
        if address.ip().is_ipv6() != (family == b"inet6") {
            return Err(Mistake::new(
                word,
                format!("not an address of {}", text(family)?),
            ));
        }

        let by_place = words.next_if(|word| match family {
            b"inet6" => word.iter().all(u8::is_ascii_digit),
            _ => word.first().is_some_and(u8::is_ascii_digit) && !word.contains(&b'/'),
        });
        if let Some(word) = by_place {
            if address.prefix().is_some() {
                return Err(Mistake::new(word, "the prefix is in the address already"));
            }
            address = with_prefix(address, word)?;
        }
        let broadcast = words.next_if(|word| {
            family == b"inet" && (word == b"NONE" || word.first().is_some_and(u8::is_ascii_digit))
        });
        if let Some(word) = broadcast.filter(|&word| word != b"NONE") {
            check_broadcast(address, word)?;
        }
        self.push_address(address, alias)?;
        self.add_options(words)
    }

    /// Words in any order.
    fn add_options(&mut self, words: &mut Words<'_>) -> Result<(), Mistake> {
        let mut alias = false;
        while let Some(word) = words.next() {
            match word {
                b"up" => self.set_up(word, true)?,
                b"down" => self.set_up(word, false)?,
                b"alias" => alias = true,
                b"inet" | b"inet6" => {
                    let is_address = words.peek().is_some_and(|next| {
                        let v6 = self.address(next).map(|address| address.ip().is_ipv6());
                        v6 == Ok(word == b"inet6") || next == b"alias"
                    });
                    if !is_address {
                        return Err(Mistake::new(
                            word,
                            "an address of this family is missing after it",
                        ));
                    }
                }
                b"vhid" => {
                    let value = words.value(word)?;
                    let vhid = decimal(value).and_then(Vhid::new);
                    let vhid =
                        vhid.ok_or_else(|| Mistake::new(value, "vhid is a number in 1..255"))?;
                    let place = self.place(word, vhid, |draft| &mut draft.vhid);
                    place?;
                }
                b"advbase" => {
                    let value = words.value(word)?;
                    let seconds = decimal::<u8>(value).ok_or_else(|| {
                        Mistake::new(value, "advbase is a number of seconds in 0..255")
                    })?;
                    self.place(word, seconds.into(), |draft| &mut draft.advbase)?;
                }
                b"advskew" => {
                    let value = words.value(word)?;
                    let skew = decimal(value)
                        .filter(|&skew: &u8| skew <= Parameters::ADVSKEW_MAX)
                        .ok_or_else(|| Mistake::new(value, "advskew is a number in 0..254"))?;
                    self.place(word, skew.into(), |draft| &mut draft.advskew)?;
                }
                b"carpnodes" => {
                    let nodes = node_list(words.value(word)?)?;
                    self.place(word, nodes, |draft| &mut draft.balance.nodes)?;
                }
                b"balancing" => {
                    let mode = mode(words.value(word)?)?;
                    self.place(word, mode, |draft| &mut draft.balance.mode)?;
                }
                b"selection" => {
                    let selection = selection(words.value(word)?)?;
                    self.place(word, selection, |draft| &mut draft.balance.selection)?;
                }
                b"pass" => {
                    let value = words.value(word)?;
                    let key = Key::new(value).ok_or_else(|| {
                        Mistake::new(
                            word,
                            format!("a key of {} bytes: at most {KEY_LEN}", value.len()),
                        )
                    })?;
                    self.place(word, KeySource::Typed(key), |draft| &mut draft.key)?;
                    words.after_key = true;
                }
                b"nopass" => self.place(word, KeySource::Empty, |draft| &mut draft.key)?,
                b"passfile" => {
                    let value = words.value(word)?;
                    let path = text(value)?;
                    if !path.starts_with('/') {
                        return Err(Mistake::new(value, "passfile is an absolute path"));
                    }
                    self.place(word, KeySource::File(PathBuf::from(path)), |draft| {
                        &mut draft.key
                    })?;
                }
                b"carpdev" => {
                    let value = words.value(word)?;
                    if !is_interface_name(value) || value == self.interface.as_bytes() {
                        return Err(Mistake::new(
                            value,
                            "carpdev is the name of another interface",
                        ));
                    }
                    self.place(word, text(value)?, |draft| &mut draft.parent)?;
                }
                b"mtu" => {
                    let value = words.value(word)?;
                    // The kernel knows the parent's; this much every carp device has.
                    let mtu = decimal(value)
                        .filter(|mtu| (68..=65535).contains(mtu))
                        .ok_or_else(|| {
                            Mistake::new(value, "mtu is a number of bytes in 68..65535")
                        })?;
                    self.place(word, mtu, |draft| &mut draft.mtu)?;
                }
                b"description" | b"descr" => {
                    let value = words.value(word)?;
                    if value.len() > DESCRIPTION_MAX {
                        return Err(Mistake::new(
                            value,
                            format!("at most {DESCRIPTION_MAX} bytes"),
                        ));
                    }
                    self.place(word, text(value)?, |draft| &mut draft.description)?;
                }
                b"netmask" | b"prefixlen" => {
                    let value = words.value(word)?;
                    self.add_prefix(word, value)?;
                }
                b"broadcast" => {
                    let value = words.value(word)?;
                    check_broadcast(self.last_address(word)?.value, value)?;
                }
                _ => {
                    let address = self.unknown(word, words.after_key)?;
                    alias |= words.next_if(|word| word == b"alias").is_some();
                    self.push_address(address, alias)?;
                    alias = false;
                }
            }
            words.after_key &= word == b"pass";
        }
        if alias {
            return Err(Mistake::new(b"alias", "an address is missing after it"));
        }
        Ok(())
    }

    /// A word that is no option: an address, or a mistake.
    fn unknown(&self, word: &[u8], after_key: bool) -> Result<Address, Mistake> {
        if let Some(rule) = refusal(word) {
            return Err(Mistake::new(word, rule));
        }
        self.address(word).map_err(|mistake| {
            let looks_like_one =
                word.first().is_some_and(u8::is_ascii_digit) || word.contains(&b':');
            if after_key && !looks_like_one {
                // It may be a part of the key, which is not for the log.
                Mistake::new(
                    b"pass",
                    "a key with blanks or # must stand in double quotes",
                )
            } else if looks_like_one {
                mistake
            } else {
                Mistake::new(word, OPTIONS)
            }
        })
    }

    /// ADDRESS or ADDRESS/PREFIXLEN, an IPv6 one also as ADDRESS%INTERFACE.
    fn address(&self, word: &[u8]) -> Result<Address, Mistake> {
        let shown = text(word)?;
        let mut plain = shown.clone();
        if let Some((ip, rest)) = shown.split_once('%') {
            let zone = rest.split('/').next().unwrap_or(rest);
            if zone != self.interface {
                return Err(Mistake::new(
                    word,
                    format!("the zone can only be {}", self.interface),
                ));
            }
            plain = format!("{ip}{}", &rest[zone.len()..]);
        }
        plain
            .parse()
            .map_err(|error: AddressError| Mistake::new(word, error.to_string()))
    }

    /// `netmask MASK` or `prefixlen LENGTH` after an address.
    fn add_prefix(&mut self, word: &[u8], value: &[u8]) -> Result<(), Mistake> {
        let last = self.last_address(word)?;
        if last.value.prefix().is_some() {
            return Err(Mistake::new(word, "the prefix was said already"));
        }
        if last.value.ip().is_ipv6() && word == b"netmask" {
            return Err(Mistake::new(word, "IPv6 addresses have a prefixlen"));
        }
        last.value = with_prefix(last.value, value)?;
        Ok(())
    }

    /// The address before `word` on this line.
    fn last_address(&mut self, word: &[u8]) -> Result<&mut Placed<Address>, Mistake> {
        let line = self.line;
        self.addresses
            .last_mut()
            .filter(|address| address.line == line)
            .ok_or_else(|| Mistake::new(word, "no address before it on this line"))
    }
}
