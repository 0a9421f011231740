// SPDX-License-Identifier: GPL-2.0

//! The nodes of a group that shares its load.

use carp_proto::{Parameters, Vhid};
use carp_uapi::names::{number, Names, BALANCINGS, SELECTIONS};
use carp_uapi::number::{nodes, NodeMistake};
use carp_uapi::numbers::{CARP_BALANCING_IP, CARP_BALANCING_NONE, CARP_SELECTION_ADDRESSES};

use crate::draft::Placed;
use crate::mistake::Mistake;

/// A node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Node {
    /// The number of the node.
    pub vhid: Vhid,
    /// How often to advertise it; advbase is that of all nodes.
    pub parameters: Parameters,
}

/// What a group with several nodes has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Balance {
    /// At least two, by vhid.
    pub nodes: Vec<Node>,
    /// `enum carp_balancing`, and not none.
    pub mode: u32,
    /// `enum carp_selection`.
    pub selection: u32,
}

/// What the lines so far say of it.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// vhid and advskew of each node, by vhid; at least one.
    pub(crate) nodes: Option<Placed<Vec<(Vhid, u32)>>>,
    pub(crate) mode: Option<Placed<u32>>,
    pub(crate) selection: Option<Placed<u32>>,
}

impl Draft {
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_none() && self.mode.is_none() && self.selection.is_none()
    }

    /// The mode and the selection for so many nodes; none for one.
    pub(crate) fn finish(&self, count: usize) -> Result<Option<(u32, u32)>, Mistake> {
        let none = CARP_BALANCING_NONE;
        let mode = self.mode.as_ref().map(|mode| (mode.line, mode.value));
        let wrong = |line, word: &str, rule| {
            Err(Mistake {
                line: Some(line),
                ..Mistake::new(word.as_bytes(), rule)
            })
        };
        if count > 1 {
            let selection = self.selection.as_ref().map(|it| it.value);
            return match mode {
                Some((line, mode)) if mode == none => wrong(
                    line,
                    "balancing",
                    "with several nodes it is ip, ip-stealth or ip-unicast",
                ),
                _ => Ok(Some((
                    mode.map_or(CARP_BALANCING_IP, |(_, mode)| mode),
                    selection.unwrap_or(CARP_SELECTION_ADDRESSES),
                ))),
            };
        }
        let rule = "it takes several nodes, which carpnodes names";
        match (mode, &self.selection) {
            (Some((line, mode)), _) if mode != none => wrong(line, "balancing", rule),
            (_, Some(selection)) if selection.value != CARP_SELECTION_ADDRESSES => {
                wrong(selection.line, "selection", rule)
            }
            _ => Ok(None),
        }
    }
}

/// The value of `carpnodes`, sorted.
pub(crate) fn node_list(word: &[u8]) -> Result<Vec<(Vhid, u32)>, Mistake> {
    let mut list = Vec::new();
    for node in nodes(word) {
        let node = node.map_err(|mistake| match mistake {
            NodeMistake::NoNode(part) => Mistake::new(
                part,
                "a node is VHID:ADVSKEW, and a comma stands between two of them",
            ),
            NodeMistake::TooMany => Mistake::new(b"carpnodes", "a group has at most 32 nodes"),
        })?;
        let shown = format!("{}:{}", node.vhid, node.advskew);
        let wrong = |rule| Mistake::new(shown.as_bytes(), rule);
        let vhid = u8::try_from(node.vhid)
            .ok()
            .and_then(Vhid::new)
            .ok_or_else(|| wrong("vhid is a number in 1..255"))?;
        if node.advskew > u32::from(Parameters::ADVSKEW_MAX) {
            return Err(wrong("advskew is a number in 0..254"));
        }
        if list.iter().any(|(other, _)| *other == vhid) {
            return Err(wrong("this vhid is in the list already"));
        }
        list.push((vhid, node.advskew));
    }
    list.sort_by_key(|(vhid, _)| vhid.get());
    Ok(list)
}

/// The value of `balancing`.
pub(crate) fn mode(word: &[u8]) -> Result<u32, Mistake> {
    named(word, BALANCINGS, "balancing")
}

/// The value of `selection`.
pub(crate) fn selection(word: &[u8]) -> Result<u32, Mistake> {
    named(word, SELECTIONS, "selection")
}

fn named(word: &[u8], names: &Names, what: &str) -> Result<u32, Mistake> {
    number(names, word).ok_or_else(|| {
        let all: Vec<_> = names
            .iter()
            .map(|(_, name)| name.to_string_lossy())
            .collect();
        Mistake::new(word, format!("{what} is one of {}", all.join(", ")))
    })
}
