// SPDX-License-Identifier: GPL-2.0

//! The part of a request that is about nodes: which ones, and how they share.
//!
//! Process context with the RTNL held; nothing changes here. Every refusal has a sentence
//! that names the attribute and the rule.

use crate::{
    net::{
        attribute::{
            Attribute,
            Policy, //
        },
        bindings::{
            carp_node_attribute_CARP_NODE_ADVSKEW,
            carp_node_attribute_CARP_NODE_MISSING,
            carp_node_attribute_CARP_NODE_PAD,
            carp_node_attribute_CARP_NODE_REASON,
            carp_node_attribute_CARP_NODE_SINCE,
            carp_node_attribute_CARP_NODE_STATE,
            carp_node_attribute_CARP_NODE_TRANSITIONS,
            carp_node_attribute_CARP_NODE_VHID,
            carp_node_attribute___CARP_NODE_MAX,
            CARP_NODES_NODE,
            IFLA_CARP_ADVBASE,
            IFLA_CARP_ADVSKEW,
            IFLA_CARP_BALANCING,
            IFLA_CARP_NODES,
            IFLA_CARP_SELECTION,
            IFLA_CARP_VHID,
            __CARP_NODES_MAX, //
        },
        extended_ack::ExtendedAck,
        rtnl_link::Request, //
    },
    proto::{
        Balancing,
        NodeList,
        NodeListError,
        NodeSettings,
        ParameterError,
        Parameters,
        Selection,
        Vhid,
        VhidSet, //
    }, //
};
use kernel::prelude::*;

/// What netlink checks in `IFLA_CARP_NODES`.
pub(super) static LIST_POLICY: [Policy; __CARP_NODES_MAX as usize] = {
    let mut policy = [Policy::STRICT; __CARP_NODES_MAX as usize];
    policy[CARP_NODES_NODE as usize] = Policy::nested(&NODE_POLICY);
    policy
};

/// What netlink checks in each node.
static NODE_POLICY: [Policy; carp_node_attribute___CARP_NODE_MAX as usize] = {
    let mut policy = [Policy::STRICT; carp_node_attribute___CARP_NODE_MAX as usize];
    policy[carp_node_attribute_CARP_NODE_PAD as usize] =
        Policy::reject(c"padding is no attribute of a request");
    policy[carp_node_attribute_CARP_NODE_VHID as usize] = Policy::U32;
    policy[carp_node_attribute_CARP_NODE_ADVSKEW as usize] = Policy::U32;
    policy[carp_node_attribute_CARP_NODE_STATE as usize] =
        Policy::reject(c"a node's state is read only");
    policy[carp_node_attribute_CARP_NODE_REASON as usize] = Policy::reject(c"reason is read only");
    policy[carp_node_attribute_CARP_NODE_MISSING as usize] =
        Policy::reject(c"missing is read only");
    policy[carp_node_attribute_CARP_NODE_TRANSITIONS as usize] =
        Policy::reject(c"transitions is read only");
    policy[carp_node_attribute_CARP_NODE_SINCE as usize] = Policy::reject(c"since is read only");
    policy
};

/// The nodes of a group, and how they share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Settings {
    /// `None` as long as no vhid is set.
    pub(super) nodes: Option<NodeList>,
    /// Of the only node, or of the first.
    pub(super) parameters: Parameters,
    pub(super) balancing: Balancing,
    pub(super) selection: Selection,
}

impl Settings {
    /// The vhids of the nodes.
    pub(super) fn vhids(&self) -> Option<VhidSet> {
        self.nodes.map(|nodes| nodes.vhids())
    }
}

/// What a request makes of the nodes.
///
/// # Errors
///
/// `EINVAL`, with a sentence.
pub(super) fn settings(
    present: &Settings,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
) -> Result<Settings> {
    let (nodes, parameters) = nodes(present, request, ack)?;
    let are_several = nodes.is_some_and(|nodes| nodes.are_several());
    Ok(Settings {
        nodes,
        parameters,
        balancing: balancing(present, are_several, request, ack)?,
        selection: selection(present, are_several, request, ack)?,
    })
}

fn nodes(
    present: &Settings,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
) -> Result<(Option<NodeList>, Parameters)> {
    let own = request.own;
    if let Some(list) = own.get(IFLA_CARP_NODES) {
        if let Some(other) = own.get(IFLA_CARP_VHID).or(own.get(IFLA_CARP_ADVSKEW)) {
            let sentence = c"carpnodes has all vhids and advskews, give no other ones";
            return Err(ack.refuse_attribute(other, sentence, EINVAL));
        }
        let nodes = list_of(list, present, request, ack)?;
        let parameters = nodes
            .get(nodes.leader())
            .map_or(present.parameters, |first| first.parameters);
        return Ok((Some(nodes), parameters));
    }
    let vhid = vhid(request, ack)?;
    let Some(old) = present
        .nodes
        .filter(|nodes| vhid.is_none() && nodes.are_several())
    else {
        // One node.
        let stays = vhid.and_then(|vhid| present.nodes?.get(vhid));
        let before = stays.map_or(present.parameters, |node| node.parameters);
        let advskew = own.get(IFLA_CARP_ADVSKEW);
        let parameters = parameters(before, advskew, request, ack)?;
        let vhid = vhid.or(present.nodes.map(|nodes| nodes.leader()));
        let nodes = vhid.map(|vhid| NodeList::of(NodeSettings { vhid, parameters }));
        return Ok((nodes, parameters));
    };
    if let Some(advskew) = own.get(IFLA_CARP_ADVSKEW) {
        let sentence = c"advskew is each node's own, give carpnodes";
        return Err(ack.refuse_attribute(advskew, sentence, EINVAL));
    }
    // They stay, with another advbase perhaps.
    let mut nodes = None;
    for node in old.as_slice() {
        let parameters = parameters(node.parameters, None, request, ack)?;
        add(
            &mut nodes,
            NodeSettings {
                parameters,
                ..*node
            },
        )
        .map_err(|_| EINVAL)?;
    }
    let first = nodes.and_then(|nodes| nodes.get(nodes.leader()));
    Ok((
        nodes,
        first.map_or(present.parameters, |first| first.parameters),
    ))
}

/// Adds a node to a list, or begins it.
fn add(nodes: &mut Option<NodeList>, node: NodeSettings) -> Result<(), NodeListError> {
    match nodes {
        Some(nodes) => nodes.add(node),
        None => {
            *nodes = Some(NodeList::of(node));
            Ok(())
        }
    }
}

fn list_of(
    list: Attribute<'_>,
    present: &Settings,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
) -> Result<NodeList> {
    let mut nodes = None;
    for (_, attribute) in list.nested() {
        let node = node(attribute, present, request, ack)?;
        add(&mut nodes, node).map_err(|error| match error {
            NodeListError::VhidTwice => {
                ack.refuse_attribute(attribute, c"carpnodes has a vhid twice", EINVAL)
            }
            NodeListError::TooMany => {
                ack.refuse_attribute(attribute, c"carpnodes has more than 32 nodes", EINVAL)
            }
        })?;
    }
    nodes.ok_or_else(|| ack.refuse_attribute(list, c"carpnodes has no node", EINVAL))
}

/// One node of a list. Its advskew is 0 if none is given, whatever it was before: a list
/// says all.
fn node(
    attribute: Attribute<'_>,
    present: &Settings,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
) -> Result<NodeSettings> {
    let part = |wanted| {
        let parts = attribute.nested().filter(|(number, _)| *number == wanted);
        parts.last().map(|(_, part)| part)
    };
    let Some(vhid) = part(carp_node_attribute_CARP_NODE_VHID) else {
        return Err(ack.refuse_attribute(attribute, c"a node needs a vhid", EINVAL));
    };
    let vhid = vhid_of(vhid, ack)?;
    let before = (present.parameters.advbase(), 0);
    let advskew = part(carp_node_attribute_CARP_NODE_ADVSKEW);
    let advbase = request.own.get(IFLA_CARP_ADVBASE);
    Ok(NodeSettings {
        vhid,
        parameters: checked(before, advbase, advskew, attribute, ack)?,
    })
}

fn vhid(request: &Request<'_>, ack: &mut ExtendedAck) -> Result<Option<Vhid>> {
    request
        .own
        .get(IFLA_CARP_VHID)
        .map(|attribute| vhid_of(attribute, ack))
        .transpose()
}

fn vhid_of(attribute: Attribute<'_>, ack: &mut ExtendedAck) -> Result<Vhid> {
    u8::try_from(attribute.u32()?)
        .ok()
        .and_then(Vhid::new)
        .ok_or_else(|| ack.refuse_attribute(attribute, c"vhid must be from 1 to 255", EINVAL))
}

/// The parameters of a node that had others before.
fn parameters(
    before: Parameters,
    advskew: Option<Attribute<'_>>,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
) -> Result<Parameters> {
    let advbase = request.own.get(IFLA_CARP_ADVBASE);
    let Some(named) = advbase.or(advskew) else {
        return Ok(before);
    };
    let before = (before.advbase(), before.advskew());
    checked(before, advbase, advskew, named, ack)
}

/// The parameters that are given, or else those of `before`. `whole` is named in a refusal
/// that is about neither.
fn checked(
    (base, skew): (u8, u8),
    advbase: Option<Attribute<'_>>,
    advskew: Option<Attribute<'_>>,
    whole: Attribute<'_>,
    ack: &mut ExtendedAck,
) -> Result<Parameters> {
    let base = advbase.map_or(Ok(base.into()), |value| value.u32())?;
    let skew = advskew.map_or(Ok(skew.into()), |value| value.u32())?;
    Parameters::new(base, skew).map_err(|error| {
        let (attribute, sentence) = match error {
            ParameterError::AdvbaseOutOfRange => {
                (advbase, c"advbase must be from 0 to 255 seconds")
            }
            ParameterError::AdvskewOutOfRange => {
                (advskew, c"advskew must be from 0 to 254 256ths of a second")
            }
            ParameterError::BothZero => (
                advbase.or(advskew),
                c"advbase 0 needs an advskew of at least 1",
            ),
        };
        ack.refuse_attribute(attribute.unwrap_or(whole), sentence, EINVAL)
    })
}

/// Several nodes share in the way that they are told, or already do, or else by a multicast
/// MAC; one node has nothing to share.
fn balancing(
    present: &Settings,
    are_several: bool,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
) -> Result<Balancing> {
    let Some(attribute) = request.own.get(IFLA_CARP_BALANCING) else {
        return Ok(match present.balancing {
            _ if !are_several => Balancing::None,
            Balancing::None => Balancing::Ip,
            kept => kept,
        });
    };
    let sentence = match Balancing::from_number(attribute.u32()?) {
        Some(balancing) if are_several == (balancing != Balancing::None) => return Ok(balancing),
        Some(Balancing::None) => c"several nodes need a balancing other than none",
        Some(_) => c"balancing needs several nodes, give carpnodes",
        None => c"balancing must be none, ip, ip-stealth or ip-unicast",
    };
    Err(ack.refuse_attribute(attribute, sentence, EINVAL))
}

/// One node takes all, whatever it was before.
fn selection(
    present: &Settings,
    are_several: bool,
    request: &Request<'_>,
    ack: &mut ExtendedAck,
) -> Result<Selection> {
    let Some(attribute) = request.own.get(IFLA_CARP_SELECTION) else {
        return Ok(if are_several {
            present.selection
        } else {
            Selection::default()
        });
    };
    let sentence = match Selection::from_number(attribute.u32()?) {
        Some(selection) if are_several || selection == Selection::default() => {
            return Ok(selection);
        }
        Some(_) => c"selection needs several nodes, give carpnodes",
        None => c"selection must be addresses or flow",
    };
    Err(ack.refuse_attribute(attribute, sentence, EINVAL))
}
