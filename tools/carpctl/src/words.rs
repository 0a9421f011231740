// SPDX-License-Identifier: GPL-2.0-only
//! ifconfig's words: from a command line to a [`Wish`].
//!
//! Words may come in any order. Numbers are checked to be numbers here; which of
//! them make sense is the kernel's to say, in its own sentence.

use crate::failure::Failure;
use crate::key::Source;
use crate::vocabulary::{FOREIGN, WORDS, find, nearest};
use carp_uapi::names::{self, BALANCINGS, Names, SELECTIONS};
use carp_uapi::number::{Node, NodeMistake, nodes, number};
use carp_uapi::numbers::{CARP_MAX_NODES, CARP_STATE_BACKUP, CARP_STATE_MASTER};
use std::iter::Peekable;
use std::net::{IpAddr, Ipv4Addr};
use std::slice::Iter;

/// What becomes of an address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// It takes the place of the first IPv4 address; an IPv6 address is one more.
    Set,
    /// It is one more.
    Alias,
    /// It is taken away.
    Delete,
}

/// An address on the command line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddressWish {
    /// What becomes of it.
    pub change: Change,
    /// The address.
    pub ip: IpAddr,
    /// The length of the subnet's prefix, if it was said.
    pub prefix: Option<u8>,
    /// The broadcast address, if it was said.
    pub broadcast: Option<Ipv4Addr>,
}

/// What the words ask for; what is `None` stays as it is.
#[derive(Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "named as the words")]
pub struct Wish {
    pub interface: Option<String>,
    pub create: bool,
    pub destroy: bool,
    pub up: Option<bool>,
    pub vhid: Option<u32>,
    pub carpdev: Option<String>,
    pub no_carpdev: bool,
    pub advbase: Option<u32>,
    pub advskew: Option<u32>,
    pub key: Option<Source>,
    pub state: Option<u32>,
    pub mtu: Option<u32>,
    pub nodes: Option<Vec<Node>>,
    pub balancing: Option<u32>,
    pub selection: Option<u32>,
    pub addresses: Vec<AddressWish>,
}

impl Wish {
    /// Whether nothing is asked for but to show the interface.
    pub fn is_question(&self) -> bool {
        let interface = self.interface.clone();
        *self
            == Self {
                interface,
                ..Self::default()
            }
    }
}

/// Reads the words, of which one is the interface.
pub fn parse(words: &[String]) -> Result<Wish, Failure> {
    Parser {
        words: words.iter().peekable(),
        wish: Wish::default(),
        family: None,
        next: Pending::default(),
    }
    .parse()
}

/// What was said before the address that it belongs to.
#[derive(Default)]
struct Pending {
    change: Option<Change>,
    prefix: Option<(u8, String)>,
    broadcast: Option<(Ipv4Addr, String)>,
}

struct Parser<'a> {
    words: Peekable<Iter<'a, String>>,
    wish: Wish,
    /// The last word was `inet` or `inet6`.
    family: Option<&'a str>,
    next: Pending,
}

/// An address, perhaps with the length of a prefix; `None` if it is neither.
fn address(word: &str) -> Option<Result<(IpAddr, Option<u8>), Failure>> {
    let (ip, prefix) = match word.split_once('/') {
        Some((ip, prefix)) => (ip, Some(prefix)),
        None => (word, None),
    };
    let ip: IpAddr = ip.parse().ok()?;
    let Some(digits) = prefix else {
        return Some(Ok((ip, None)));
    };
    let longest = crate::netlink::address::longest_prefix(ip);
    Some(match number(digits.as_bytes()) {
        Some(prefix) if prefix <= longest.into() => Ok((ip, Some(prefix as u8))),
        _ => Err(Failure::usage(
            word,
            &format!("the prefix of {ip} is a number from 0 to {longest}"),
        )),
    })
}

/// A mask in dots or in hexadecimal, as a length.
fn netmask(word: &str) -> Result<u8, Failure> {
    let wrong = |what| Err(Failure::usage(word, what));
    let bits = match word.parse::<Ipv4Addr>() {
        Ok(mask) => u32::from(mask),
        Err(_) => match number(word.as_bytes()).filter(|_| word.starts_with("0x")) {
            Some(bits) => bits,
            None => return wrong("a netmask is like 255.255.255.0 or 0xffffff00"),
        },
    };
    if bits.leading_ones() + bits.trailing_zeros() < 32 {
        return wrong("the ones of a netmask stand before its zeros");
    }
    Ok(bits.leading_ones() as u8)
}

impl<'a> Parser<'a> {
    fn parse(mut self) -> Result<Wish, Failure> {
        while let Some(word) = self.words.next() {
            self.take(word)?;
        }
        if let Some(family) = self.family {
            return Err(Failure::usage(family, "an address must follow"));
        }
        self.check_leftovers()?;
        self.check_whole()?;
        Ok(self.wish)
    }

    fn take(&mut self, word: &'a str) -> Result<(), Failure> {
        if let Some(address) = address(word) {
            return self.take_address(word, address?);
        }
        match word {
            "alias" => self.change(Change::Alias, word)?,
            "-alias" | "delete" => self.change(Change::Delete, word)?,
            _ => match self.family {
                None => self.take_word(word)?,
                Some(family) => {
                    let what = format!("no address of the family {family}");
                    return Err(Failure::usage(word, &what));
                }
            },
        }
        Ok(())
    }

    fn take_word(&mut self, word: &'a str) -> Result<(), Failure> {
        match word {
            "create" => self.wish.create = true,
            "destroy" => self.wish.destroy = true,
            "up" | "down" => once(&mut self.wish.up, word, word == "up")?,
            "vhid" => self.number(word, |wish| &mut wish.vhid)?,
            "advbase" => self.number(word, |wish| &mut wish.advbase)?,
            "advskew" => self.number(word, |wish| &mut wish.advskew)?,
            "mtu" => self.number(word, |wish| &mut wish.mtu)?,
            "carpdev" => {
                let parent = self.argument(word)?.to_owned();
                once(&mut self.wish.carpdev, word, parent)?;
            }
            "-carpdev" => self.wish.no_carpdev = true,
            "pass" => {
                let key = self.argument(word)?.to_owned();
                once(&mut self.wish.key, word, Source::Typed(key))?;
            }
            "passfile" => {
                let file = self.argument(word)?.into();
                once(&mut self.wish.key, word, Source::File(file))?;
            }
            "passprompt" => once(&mut self.wish.key, word, Source::Prompt)?,
            "nopass" => once(&mut self.wish.key, word, Source::Typed(String::new()))?,
            "state" => self.state(word)?,
            "carpnodes" => {
                let nodes = node_list(self.argument(word)?)?;
                once(&mut self.wish.nodes, word, nodes)?;
            }
            "balancing" => self.name(word, BALANCINGS, |wish| &mut wish.balancing)?,
            "selection" => self.name(word, SELECTIONS, |wish| &mut wish.selection)?,
            "inet" | "inet6" => self.family = Some(word),
            "netmask" => {
                let mask = self.argument(word)?;
                self.prefix(word, mask, netmask(mask)?)?;
            }
            "prefixlen" => {
                let digits = self.argument(word)?;
                let prefix = number(digits.as_bytes())
                    .filter(|prefix| *prefix <= 128)
                    .ok_or_else(|| Failure::usage(digits, "prefixlen is a number from 0 to 128"))?;
                self.prefix(word, digits, prefix as u8)?;
            }
            "broadcast" => self.broadcast(word)?,
            "dev" => {
                let name = self.argument(word)?;
                self.interface(name)?;
            }
            _ => self.other(word)?,
        }
        Ok(())
    }

    /// The word after `word`.
    fn argument(&mut self, word: &str) -> Result<&'a str, Failure> {
        let what = find(word).map_or("value", |word| word.argument);
        self.words
            .next()
            .map(String::as_str)
            .ok_or_else(|| Failure::usage(word, &format!("the {what} after it is missing")))
    }

    fn number(
        &mut self,
        word: &'a str,
        place: impl FnOnce(&mut Wish) -> &mut Option<u32>,
    ) -> Result<(), Failure> {
        let digits = self.argument(word)?;
        let number = number(digits.as_bytes())
            .ok_or_else(|| Failure::usage(digits, &format!("{word} must be a number")))?;
        once(place(&mut self.wish), word, number)
    }

    fn name(
        &mut self,
        word: &'a str,
        names: &Names,
        place: impl FnOnce(&mut Wish) -> &mut Option<u32>,
    ) -> Result<(), Failure> {
        let name = self.argument(word)?;
        let number = names::number(names, name.as_bytes()).ok_or_else(|| {
            let all: Vec<_> = names
                .iter()
                .map(|(_, name)| name.to_string_lossy())
                .collect();
            Failure::usage(name, &format!("{word} must be one of {}", all.join(", ")))
        })?;
        once(place(&mut self.wish), word, number)
    }

    fn state(&mut self, word: &str) -> Result<(), Failure> {
        let name = self.argument(word)?;
        let state = if name.eq_ignore_ascii_case("master") {
            CARP_STATE_MASTER
        } else if name.eq_ignore_ascii_case("backup") {
            CARP_STATE_BACKUP
        } else {
            return Err(Failure::usage(name, "state must be master or backup"));
        };
        once(&mut self.wish.state, word, state)
    }

    fn interface(&mut self, name: &str) -> Result<(), Failure> {
        once(&mut self.wish.interface, name, name.to_owned())
    }

    /// A word that is in no table: the interface, or a mistake.
    fn other(&mut self, word: &str) -> Result<(), Failure> {
        if let Some((_, instead)) = FOREIGN.iter().find(|(name, _)| *name == word) {
            return Err(Failure::usage(word, instead));
        }
        if self.wish.interface.is_none() && !word.starts_with('-') && !word.is_empty() {
            return self.interface(word);
        }
        let mut what = "no such word, and no address".to_owned();
        if let Some(near) = nearest(word, WORDS.iter().map(|word| word.name)) {
            what += &format!(" (did you mean {near}?)");
        }
        Err(Failure::usage(word, &what))
    }

    fn take_address(
        &mut self,
        word: &'a str,
        (ip, prefix): (IpAddr, Option<u8>),
    ) -> Result<(), Failure> {
        match self.family.take() {
            Some("inet") if !ip.is_ipv4() => {
                return Err(Failure::usage(word, "no address of the family inet"));
            }
            Some("inet6") if ip.is_ipv4() => {
                return Err(Failure::usage(word, "no address of the family inet6"));
            }
            _ => {}
        }
        // As in hostname.carp0: `inet 10.0.0.10 255.255.255.0`.
        let follows = |next: &&String| {
            prefix.is_none() && ip.is_ipv4() && matches!(next.parse(), Ok(mask) if is_mask(mask))
        };
        let mask = match self.words.next_if(follows) {
            Some(mask) => Some(netmask(mask)?),
            None => None,
        };
        let pending = std::mem::take(&mut self.next);
        self.wish.addresses.push(AddressWish {
            change: pending.change.unwrap_or(Change::Set),
            ip,
            prefix: prefix.or(mask),
            broadcast: None,
        });
        if let Some((prefix, word)) = pending.prefix {
            self.prefix(&word, &word, prefix)?;
        }
        if let Some((broadcast, word)) = pending.broadcast {
            self.set_broadcast(&word, broadcast)?;
        }
        Ok(())
    }

    /// `alias` belongs to the address after it, or else to the one before it.
    fn change(&mut self, change: Change, word: &str) -> Result<(), Failure> {
        let address_follows = self.family.is_some()
            || self.words.peek().is_some_and(|next| {
                matches!(next.as_str(), "inet" | "inet6") || address(next).is_some()
            });
        let place = match self.wish.addresses.last_mut() {
            Some(last) if !address_follows => &mut last.change,
            _ => {
                return match self.next.change.replace(change) {
                    None => Ok(()),
                    Some(_) => Err(Failure::usage(word, "the address has one of these already")),
                };
            }
        };
        if *place != Change::Set {
            return Err(Failure::usage(word, "the address has one of these already"));
        }
        *place = change;
        Ok(())
    }

    /// A prefix for the last address, or for the next one if there is none yet.
    fn prefix(&mut self, word: &str, value: &str, prefix: u8) -> Result<(), Failure> {
        let Some(last) = self.wish.addresses.last_mut() else {
            return once(&mut self.next.prefix, word, (prefix, value.to_owned()));
        };
        let longest = crate::netlink::address::longest_prefix(last.ip);
        if prefix > longest || (word == "netmask" && !last.ip.is_ipv4()) {
            let what = format!("no {word} of {}", last.ip);
            return Err(Failure::usage(value, &what));
        }
        once(&mut last.prefix, value, prefix)
    }

    fn broadcast(&mut self, word: &str) -> Result<(), Failure> {
        let value = self.argument(word)?;
        let broadcast = value
            .parse()
            .map_err(|_| Failure::usage(value, "broadcast must be an IPv4 address"))?;
        if self.wish.addresses.is_empty() {
            return once(
                &mut self.next.broadcast,
                word,
                (broadcast, value.to_owned()),
            );
        }
        self.set_broadcast(value, broadcast)
    }

    fn set_broadcast(&mut self, value: &str, broadcast: Ipv4Addr) -> Result<(), Failure> {
        match self.wish.addresses.last_mut() {
            Some(last) if last.ip.is_ipv4() => once(&mut last.broadcast, value, broadcast),
            _ => Err(Failure::usage(
                value,
                "only IPv4 addresses have a broadcast address",
            )),
        }
    }

    fn check_leftovers(&self) -> Result<(), Failure> {
        let lonely = |word: &str| {
            Err(Failure::usage(
                word,
                "there is no address it could belong to",
            ))
        };
        match &self.next {
            Pending {
                change: Some(Change::Delete),
                ..
            } => lonely("-alias"),
            Pending {
                change: Some(_), ..
            } => lonely("alias"),
            Pending {
                prefix: Some((_, word)),
                ..
            } => lonely(word),
            Pending {
                broadcast: Some((_, word)),
                ..
            } => lonely(word),
            _ => Ok(()),
        }
    }

    /// Rules between words.
    fn check_whole(&self) -> Result<(), Failure> {
        let wish = &self.wish;
        let Some(interface) = &wish.interface else {
            return if wish.is_question() {
                Ok(())
            } else {
                Err(Failure::usage("interface", "its name is missing"))
            };
        };
        let alone = Wish {
            interface: Some(interface.clone()),
            destroy: true,
            ..Wish::default()
        };
        if wish.destroy && *wish != alone {
            return Err(Failure::usage("destroy", "no other word goes with it"));
        }
        if wish.no_carpdev && wish.carpdev.is_some() {
            return Err(Failure::usage("-carpdev", "carpdev says the opposite"));
        }
        let number = [("vhid", wish.vhid), ("advskew", wish.advskew)]
            .into_iter()
            .find(|(_, number)| number.is_some() && wish.nodes.is_some());
        if let Some((word, _)) = number {
            return Err(Failure::usage(word, "carpnodes says it of each node"));
        }
        Ok(())
    }
}

/// The nodes of a list `1:0,2:100`.
fn node_list(list: &str) -> Result<Vec<Node>, Failure> {
    nodes(list.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|mistake| match mistake {
            NodeMistake::NoNode(part) => Failure::usage(
                &String::from_utf8_lossy(part),
                "a node is VHID:ADVSKEW, and a comma stands between two of them",
            ),
            NodeMistake::TooMany => Failure::usage(
                "carpnodes",
                &format!("a group has at most {CARP_MAX_NODES} nodes"),
            ),
        })
}

/// Whether this is a mask rather than another address.
fn is_mask(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    bits.leading_ones() >= 8 && bits.leading_ones() + bits.trailing_zeros() == 32
}

/// What is said twice is a mistake.
fn once<T>(place: &mut Option<T>, word: &str, value: T) -> Result<(), Failure> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Failure::usage(word, "this was said before")),
    }
}

#[cfg(test)]
mod tests;
