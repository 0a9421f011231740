// SPDX-License-Identifier: GPL-2.0

//! Which nodes a group has, and how they share: giving it others.
//!
//! Process context with the RTNL held. Nodes that stay keep their states, and lose nothing;
//! those that go leave politely.

use super::{
    announce,
    bridge,
    conditions,
    key::Key,
    link::Carp,
    node::NewNodes,
    place::Sharing,
    port::Port,
    routes, //
};
use crate::{
    net::{
        link_device::Device,
        rtnl::Rtnl, //
    },
    proto::{
        Balancing,
        Identity,
        NodeList,
        Selection,
        Share, //
    }, //
};
use kernel::prelude::*;

/// What a group is to have, with the memory for it.
pub(super) struct Arrangement {
    list: NodeList,
    identity: Identity,
    selection: Selection,
    new: NewNodes,
    sharing: Option<KBox<Sharing>>,
}

impl Arrangement {
    /// Gets ready to give a group these nodes. `key` is the one that it will have, if that
    /// is another.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn prepare(
        device: &Device<Carp>,
        list: NodeList,
        balancing: Balancing,
        selection: Selection,
        key: Option<&Key>,
    ) -> Result<Self> {
        let (present, flow_key) = {
            let machine = device.private().machine.lock();
            (machine.nodes.list(), key.unwrap_or(&machine.key).flow())
        };
        let identity = Identity {
            leader: list.leader(),
            balancing,
        };
        let sharing = Sharing {
            cast: identity.cast(),
            share: Share {
                nodes: list.vhids(),
                selection,
                key: flow_key,
            },
        };
        Ok(Self {
            new: NewNodes::prepare(present.as_ref(), &list)?,
            sharing: if list.are_several() {
                Some(KBox::new(sharing, GFP_KERNEL)?)
            } else {
                None
            },
            list,
            identity,
            selection,
        })
    }

    /// Gets ready to give a group what it has already, on another parent; `None` if it has
    /// no vhid yet.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn present(device: &Device<Carp>) -> Result<Option<Self>> {
        let (list, balancing, selection) = {
            let machine = device.private().machine.lock();
            (machine.nodes.list(), machine.balancing, machine.selection)
        };
        list.map(|list| Self::prepare(device, list, balancing, selection, None))
            .transpose()
    }

    /// Has a port receive for the group.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; nothing has changed then.
    pub(super) fn reserve(&mut self, old: Option<Identity>, port: &Port, rtnl: &Rtnl) -> Result {
        port.reserve(old, self.identity, self.sharing.take(), rtnl)
    }

    /// Gives the group its nodes, after its port, if it has one, has reserved them.
    pub(super) fn settle(self, device: &Device<Carp>, port: Option<&Port>, rtnl: &Rtnl) {
        let identity = self.identity;
        let vhids = self.list.vhids();
        conditions::leave_others(device, &self.list);
        let old = {
            let mut machine = device.private().machine.lock();
            let old = machine.identity();
            machine.arrange(&self.list, self.new, identity.balancing, self.selection);
            device.private().show_identity(identity);
            machine.publish(device);
            old
        };
        if old.map(Identity::mac) != Some(identity.mac()) {
            device.set_hardware_address(&identity.mac(), rtnl);
        }
        if let Some(port) = port {
            port.settle(device, Some(identity), vhids, rtnl);
        }
    }
}

/// Gives a group other nodes. All or nothing.
///
/// # Errors
///
/// `ENOMEM`.
pub(super) fn arrange(device: &Device<Carp>, mut arrangement: Arrangement, rtnl: &Rtnl) -> Result {
    let (old, port) = {
        let machine = device.private().machine.lock();
        (machine.identity(), machine.port.clone())
    };
    if let Some(port) = &port {
        arrangement.reserve(old, port, rtnl)?;
    }
    let moves = old.is_some_and(|old| old != arrangement.identity);
    arrangement.settle(device, port.as_deref(), rtnl);
    conditions::refresh_addresses(device);
    if moves {
        // What is known of the routes was known of another leader; and what a bridge keeps
        // is for a group of one node.
        routes::changed(device);
        bridge::follow(device, rtnl);
        // Nothing, if there are several nodes, or this host is not MASTER.
        announce::again(device);
    }
    Ok(())
}
