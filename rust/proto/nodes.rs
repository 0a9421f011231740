// SPDX-License-Identifier: GPL-2.0

//! The nodes of a group: one for a group whose MASTER takes all, several for one whose
//! hosts share the load.
//!
//! Each node is an election of its own, with a vhid and an advskew of its own; advbase is
//! the same for all. Pure values that may be used in any context; a list that exists is
//! valid: sorted by vhid, each vhid once, and never empty.

use super::{
    parameters::{
        Parameters,
        Vhid, //
    },
    vhid_set::VhidSet, //
};

/// The most nodes that a group can have, as on OpenBSD.
pub const MAX_NODES: usize = 32;

/// What is set for one node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeSettings {
    /// Which election it is.
    pub vhid: Vhid,
    /// How well this host does in it.
    pub parameters: Parameters,
}

/// The nodes of one group, in ascending order of their vhids.
#[derive(Clone, Copy, Debug)]
pub struct NodeList {
    /// The first `len` of these; what follows them means nothing.
    nodes: [NodeSettings; MAX_NODES],
    /// 1..=[`MAX_NODES`].
    len: usize,
}

/// Why [`NodeList::add`] refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodeListError {
    /// There is a node with this vhid already.
    VhidTwice,
    /// There are [`MAX_NODES`] already.
    TooMany,
}

impl NodeList {
    /// A list of one node.
    pub const fn of(node: NodeSettings) -> Self {
        Self {
            nodes: [node; MAX_NODES],
            len: 1,
        }
    }

    /// Adds a node, in its place.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, in the order of [`NodeListError`]; the list stays as
    /// it was.
    pub fn add(&mut self, node: NodeSettings) -> Result<(), NodeListError> {
        let place = self
            .as_slice()
            .partition_point(|other| other.vhid < node.vhid);
        if self.as_slice().get(place).map(|other| other.vhid) == Some(node.vhid) {
            return Err(NodeListError::VhidTwice);
        }
        let Some(tail) = self.nodes.get_mut(place..=self.len) else {
            return Err(NodeListError::TooMany);
        };
        tail.rotate_right(1);
        if let Some(first) = tail.first_mut() {
            *first = node;
        }
        self.len += 1;
        Ok(())
    }

    /// The nodes, in ascending order of their vhids.
    pub fn as_slice(&self) -> &[NodeSettings] {
        self.nodes.get(..self.len).unwrap_or_default()
    }

    /// The vhid whose virtual MAC the group has: the lowest one.
    pub const fn leader(&self) -> Vhid {
        let [first, ..] = &self.nodes;
        first.vhid
    }

    /// Are there several?
    pub const fn are_several(&self) -> bool {
        self.len > 1
    }

    /// What is set for the node with this vhid, if there is one.
    pub fn get(&self, vhid: Vhid) -> Option<NodeSettings> {
        let mut nodes = self.as_slice().iter();
        nodes.find(|node| node.vhid == vhid).copied()
    }

    /// The vhids.
    pub fn vhids(&self) -> VhidSet {
        self.as_slice().iter().map(|node| node.vhid).collect()
    }
}

impl PartialEq for NodeList {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for NodeList {}
