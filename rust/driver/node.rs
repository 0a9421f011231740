// SPDX-License-Identifier: GPL-2.0

//! The nodes of a group on this host: an election each.
//!
//! All of it is part of the machine ([`super::group::Machine`]) and under its lock.

use super::{
    digest::Digests,
    news::Snapshot, //
};
use crate::{
    net::{
        random::random_u64,
        timer, //
    },
    proto::{
        self,
        NodeList,
        NodeSettings,
        Parameters,
        Peers,
        State,
        Vhid, //
    }, //
};
use kernel::{
    alloc::AllocError,
    prelude::*, //
};

/// One node.
pub(crate) struct Node {
    pub(super) core: proto::Group,
    /// Of a group without a vhid, its only node has none.
    pub(super) vhid: Option<Vhid>,
    /// There is one as soon as it has run.
    pub(super) digests: Option<Digests>,
    /// Who was heard.
    pub(super) peers: Peers,
    /// When the state was entered, in nanoseconds of `CLOCK_REALTIME`.
    pub(super) changed_at: u64,
}

impl Node {
    fn new(vhid: Option<Vhid>, parameters: Parameters) -> Self {
        Self {
            core: proto::Group::new(parameters, random_u64()),
            vhid,
            digests: None,
            peers: Peers::new(),
            changed_at: timer::time_of_day(),
        }
    }

    /// The state, and all about how it came.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.core.state(),
            reason: self.core.reason(),
            missing: self.core.missing(),
            transitions: self.core.transitions(),
            since: self.core.since(),
            changed_at: self.changed_at,
        }
    }
}

/// Whether a group of one node, or none yet with a vhid, keeps it under another vhid: if it
/// gets a list without its own.
fn is_renamed(present: Option<&NodeList>, list: &NodeList) -> bool {
    present.is_none_or(|present| !present.are_several() && list.get(present.leader()).is_none())
}

/// Nodes that are to be added, and room for all.
pub(super) struct NewNodes(KVec<KBox<Node>>);

impl NewNodes {
    /// Makes what is missing to become the nodes of `list`. Process context.
    pub(super) fn prepare(present: Option<&NodeList>, list: &NodeList) -> Result<Self, AllocError> {
        let most = present.map_or(1, |present| present.as_slice().len()) + list.as_slice().len();
        let mut new = KVec::with_capacity(most, GFP_KERNEL)?;
        let renamed = is_renamed(present, list).then_some(list.leader());
        for settings in list.as_slice() {
            let is_there = present.is_some_and(|present| present.get(settings.vhid).is_some());
            if !is_there && renamed != Some(settings.vhid) {
                let node = Node::new(Some(settings.vhid), settings.parameters);
                new.push(KBox::new(node, GFP_KERNEL)?, GFP_KERNEL)?;
            }
        }
        Ok(Self(new))
    }
}

/// All nodes of a group, in ascending order of their vhids; one at least.
pub(crate) struct Nodes {
    leader: KBox<Node>,
    others: KVec<KBox<Node>>,
}

impl Nodes {
    /// The node of a new group. Process context.
    pub(super) fn new() -> Result<Self, AllocError> {
        Ok(Self {
            leader: KBox::new(Node::new(None, Parameters::default()), GFP_KERNEL)?,
            others: KVec::new(),
        })
    }

    /// The one with the lowest vhid, whose virtual MAC the group has.
    pub(super) fn leader(&self) -> &Node {
        &self.leader
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        1 + self.others.len()
    }

    /// Whether there are several.
    pub(super) fn are_several(&self) -> bool {
        !self.others.is_empty()
    }

    /// The one at a place, which is counted from 0.
    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Node> {
        match place.checked_sub(1) {
            None => Some(&mut self.leader),
            Some(place) => self.others.get_mut(place).map(|node| &mut **node),
        }
    }

    /// The one at a place.
    pub(super) fn get(&self, place: usize) -> Option<&Node> {
        match place.checked_sub(1) {
            None => Some(&self.leader),
            Some(place) => self.others.get(place).map(|node| &**node),
        }
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Node> {
        let others = self.others.iter().map(|node| &**node);
        Iterator::chain(core::iter::once(&*self.leader), others)
    }

    /// All of them.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        let others = self.others.iter_mut().map(|node| &mut **node);
        Iterator::chain(core::iter::once(&mut *self.leader), others)
    }

    /// The one with this vhid, if there is one, and its place.
    pub(super) fn find(&mut self, vhid: Vhid) -> Option<(usize, &mut Node)> {
        let mut nodes = self.iter_mut().enumerate();
        nodes.find(|(_, node)| node.vhid == Some(vhid))
    }

    /// The state of the group.
    pub(super) fn state(&self) -> State {
        match self.others.is_empty() {
            true => self.leader.core.state(),
            false => State::of_nodes(self.iter().map(|node| node.core.state())),
        }
    }

    /// What is set for them, if they have vhids.
    pub(super) fn list(&self) -> Option<NodeList> {
        let mut nodes = self.iter().filter_map(|node| {
            Some(NodeSettings {
                vhid: node.vhid?,
                parameters: node.core.parameters(),
            })
        });
        let mut list = NodeList::of(nodes.next()?);
        for node in nodes {
            // No vhid is there twice, nor are they too many.
            let _ = list.add(node);
        }
        Some(list)
    }

    /// Becomes these nodes. Those that stay keep their states; what parameters they have
    /// is told them as an event. Allocates nothing.
    pub(super) fn become_list(&mut self, list: &NodeList, NewNodes(mut all): NewNodes) {
        if is_renamed(self.list().as_ref(), list) {
            self.leader.vhid = Some(list.leader());
            // Those were of another group.
            self.leader.peers = Peers::new();
        }
        while let Some(node) = self.others.pop() {
            // There is room, by `prepare`.
            let _ = all.push(node, GFP_ATOMIC);
        }
        let leader = Some(list.leader());
        if self.leader.vhid != leader {
            if let Some(place) = all.iter_mut().find(|node| node.vhid == leader) {
                core::mem::swap(&mut self.leader, place);
            }
        }
        all.retain(|node| node.vhid.and_then(|vhid| list.get(vhid)).is_some());
        sort(&mut all, list);
        self.others = all;
    }
}

/// Puts nodes into the order of a list, in which they are all but the first.
fn sort(nodes: &mut [KBox<Node>], list: &NodeList) {
    let mut rest = nodes;
    for settings in list.as_slice().iter().skip(1) {
        let Some((first, tail)) = rest.split_first_mut() else {
            return;
        };
        let wanted = Some(settings.vhid);
        if first.vhid != wanted {
            if let Some(other) = tail.iter_mut().find(|node| node.vhid == wanted) {
                core::mem::swap(first, other);
            }
        }
        rest = tail;
    }
}
