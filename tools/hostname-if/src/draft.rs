// SPDX-License-Identifier: GPL-2.0

//! What the lines of a file so far ask for; nothing twice.

use carp_proto::{ParameterError, Parameters, Vhid};

use crate::address::Address;
use crate::balance::{self, Balance, Node};
use crate::command::Command;
use crate::configuration::{Configuration, KeySource};
use crate::mistake::Mistake;

/// A value, and the line that it stands on.
#[derive(Clone, Debug)]
pub(crate) struct Placed<T> {
    pub(crate) line: usize,
    pub(crate) value: T,
}

/// What the lines so far ask for.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) interface: &'a str,
    pub(crate) line: usize,
    pub(crate) parent: Option<Placed<String>>,
    pub(crate) vhid: Option<Placed<Vhid>>,
    pub(crate) advbase: Option<Placed<u32>>,
    pub(crate) advskew: Option<Placed<u32>>,
    pub(crate) balance: balance::Draft,
    pub(crate) key: Option<Placed<KeySource>>,
    pub(crate) up: Option<Placed<bool>>,
    pub(crate) mtu: Option<Placed<u32>>,
    pub(crate) description: Option<Placed<String>>,
    pub(crate) addresses: Vec<Placed<Address>>,
    pub(crate) commands: Vec<Command>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(interface: &'a str) -> Self {
        Self {
            interface,
            line: 0,
            parent: None,
            vhid: None,
            advbase: None,
            advskew: None,
            balance: balance::Draft::default(),
            key: None,
            up: None,
            mtu: None,
            description: None,
            addresses: Vec::new(),
            commands: Vec::new(),
        }
    }

    /// Did no line so far configure anything?
    pub(crate) fn is_empty(&self) -> bool {
        self.parent.is_none()
            && self.vhid.is_none()
            && self.advbase.is_none()
            && self.advskew.is_none()
            && self.balance.is_empty()
            && self.key.is_none()
            && self.up.is_none()
            && self.mtu.is_none()
            && self.description.is_none()
            && self.addresses.is_empty()
    }

    pub(crate) fn push_address(&mut self, address: Address, alias: bool) -> Result<(), Mistake> {
        let shown = address.ip().to_string();
        if let Some(other) = self
            .addresses
            .iter()
            .find(|other| other.value.ip() == address.ip())
        {
            return Err(Mistake::new(
                shown.as_bytes(),
                format!("this address is on line {} already", other.line),
            ));
        }
        // ifconfig would take the first one away.
        let first = self
            .addresses
            .iter()
            .find(|other| other.value.ip().is_ipv4());
        if let Some(other) = first.filter(|_| address.ip().is_ipv4() && !alias) {
            return Err(Mistake::new(
                shown.as_bytes(),
                format!(
                    "a further address needs the word alias: {} is on line {}",
                    other.value, other.line
                ),
            ));
        }
        self.addresses.push(Placed {
            line: self.line,
            value: address,
        });
        Ok(())
    }

    pub(crate) fn set_up(&mut self, word: &[u8], up: bool) -> Result<(), Mistake> {
        match &self.up {
            // Each line of a file used to end so.
            Some(before) if before.value == up => Ok(()),
            _ => self.place(word, up, |draft| &mut draft.up),
        }
    }

    /// Writes a value down, once.
    pub(crate) fn place<T>(
        &mut self,
        word: &[u8],
        value: T,
        field: impl FnOnce(&mut Self) -> &mut Option<Placed<T>>,
    ) -> Result<(), Mistake> {
        let line = self.line;
        let place = field(self);
        if let Some(before) = place {
            return Err(Mistake::new(
                word,
                format!("it was said on line {} already", before.line),
            ));
        }
        *place = Some(Placed { line, value });
        Ok(())
    }

    /// What the lines ask for together.
    pub(crate) fn finish(self) -> Result<Configuration, Mistake> {
        let nodes = self.nodes()?;
        let Some(first) = nodes.first().copied() else {
            return Err(Mistake::new(b"", "no vhid: a group has a number in 1..255"));
        };
        let balance = self.balance.finish(nodes.len())?;
        Ok(Configuration {
            parent: self.parent.map(|it| it.value),
            vhid: first.vhid,
            parameters: first.parameters,
            balance: balance.map(|(mode, selection)| Balance {
                nodes,
                mode,
                selection,
            }),
            key: self.key.map_or(KeySource::Empty, |it| it.value),
            up: self.up.is_none_or(|it| it.value),
            mtu: self.mtu.map(|it| it.value),
            description: self.description.map(|it| it.value),
            addresses: self.addresses.into_iter().map(|it| it.value).collect(),
            commands: self.commands,
        })
    }

    /// All nodes by vhid, of which there may be one; or none.
    fn nodes(&self) -> Result<Vec<Node>, Mistake> {
        let default = Parameters::default();
        let advskew = self.advskew.as_ref();
        let list = match (&self.balance.nodes, &self.vhid) {
            (Some(nodes), vhid) => {
                let vhid = vhid.as_ref().map(|it| ("vhid", it.line));
                let advskew = advskew.map(|it| ("advskew", it.line));
                if let Some((word, line)) = vhid.or(advskew) {
                    return Err(Mistake {
                        line: Some(line.max(nodes.line)),
                        ..Mistake::new(word.as_bytes(), "carpnodes says it of each node")
                    });
                }
                nodes.value.clone()
            }
            (None, Some(vhid)) => {
                let advskew = advskew.map_or(default.advskew().into(), |it| it.value);
                vec![(vhid.value, advskew)]
            }
            (None, None) => Vec::new(),
        };
        let advbase = self.advbase.as_ref();
        let parameters = |advskew| {
            let seconds = advbase.map_or(default.advbase().into(), |it| it.value);
            Parameters::new(seconds, advskew).map_err(|error| Mistake {
                line: advbase.map(|it| it.line),
                ..match error {
                    ParameterError::BothZero => {
                        Mistake::new(b"advbase", "with advbase 0, advskew must not be 0")
                    }
                    ParameterError::AdvbaseOutOfRange => Mistake::new(b"advbase", "out of range"),
                    ParameterError::AdvskewOutOfRange => Mistake::new(b"advskew", "out of range"),
                }
            })
        };
        list.into_iter()
            .map(|(vhid, advskew)| {
                let parameters = parameters(advskew)?;
                Ok(Node { vhid, parameters })
            })
            .collect()
    }
}
