// SPDX-License-Identifier: GPL-2.0-only
//! The nodes of a group that shares its load, as both families tell them.

use super::message::Request;
use carp_uapi::attribute::{Attributes, Nested};
use carp_uapi::number;
use carp_uapi::numbers::*;

/// A node as it is.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "named as the attributes in the header")]
pub struct Node {
    pub vhid: u32,
    pub advskew: u32,
    pub state: u32,
    pub reason: u32,
    pub missing: u32,
    pub transitions: u32,
    /// Nanoseconds since the last transition.
    pub since: u64,
}

impl Node {
    /// Reads the attributes of a node.
    pub fn read(attributes: Nested<'_>) -> Self {
        let number = |attribute| attributes.u32(attribute).unwrap_or(0);
        Self {
            vhid: number(CARP_NODE_VHID),
            advskew: number(CARP_NODE_ADVSKEW),
            state: number(CARP_NODE_STATE),
            reason: number(CARP_NODE_REASON),
            missing: number(CARP_NODE_MISSING),
            transitions: number(CARP_NODE_TRANSITIONS),
            since: attributes.u64(CARP_NODE_SINCE).unwrap_or(0),
        }
    }

    /// What of it can be set.
    pub fn settings(&self) -> number::Node {
        number::Node {
            vhid: self.vhid,
            advskew: self.advskew,
        }
    }
}

/// The nodes in a list of the kernel.
pub fn read(list: &[u8]) -> Vec<Node> {
    Nested(list)
        .filter(|(number, _)| *number == CARP_NODES_NODE)
        .map(|(_, node)| Node::read(Nested(node)))
        .collect()
}

/// Adds a list of nodes to a request.
pub fn put(list: Request, nodes: &[number::Node]) -> Request {
    nodes.iter().fold(list, |list, node| {
        list.nest(CARP_NODES_NODE, |nest| {
            nest.put_u32(CARP_NODE_VHID, node.vhid)
                .put_u32(CARP_NODE_ADVSKEW, node.advskew)
        })
    })
}

/// A list of nodes, as the word `carpnodes` has it.
pub fn shown(nodes: &[number::Node]) -> String {
    let nodes: Vec<_> = nodes
        .iter()
        .map(|node| format!("{}:{}", node.vhid, node.advskew))
        .collect();
    nodes.join(",")
}
