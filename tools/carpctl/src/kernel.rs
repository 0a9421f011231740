// SPDX-License-Identifier: GPL-2.0-only
//! The kernel: reads groups from it, and has it change them.

use crate::exit::ExitStatus;
use crate::failure::{Failure, libc_errno};
use crate::group::{Group, More};
use crate::netlink::address::{self, Address};
use crate::netlink::carp::Report;
use crate::netlink::family::{self, Family};
use crate::netlink::link::{self, Link};
use crate::netlink::message::{Request, flag};
use crate::netlink::socket::{Error, Socket};
use carp_uapi::numbers::{CARP_A_IFINDEX, CARP_CMD_GROUP_GET, CARP_CMD_KEY_GET};
use netlink_sys::protocols::{NETLINK_GENERIC, NETLINK_ROUTE};
use std::collections::HashMap;
use std::path::Path;

/// Connections to the kernel's netlink families.
pub struct Kernel {
    route: Socket,
    generic: Socket,
    family: Option<Family>,
}

/// All groups of this network namespace at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// In the order of the kernel's list of devices.
    pub groups: Vec<Group>,
    /// The number of the last event before it. Later ones may be in it already.
    pub sequence: Option<u32>,
}

/// A device that groups are on.
#[derive(Default)]
struct Parent {
    name: Option<String>,
    /// See [`Group::down`].
    down: Option<String>,
}

fn failed(what: &str, error: Error) -> Failure {
    match error {
        Error::Refused(refusal) => Failure::refused(what, &refusal),
        Error::System(error) => Failure::new(ExitStatus::Failed, format!("{what}: {error}")),
    }
}

impl Kernel {
    /// Connects to the kernel, with or without the module in it.
    pub fn connect() -> Result<Self, Failure> {
        let mut generic = Socket::open(NETLINK_GENERIC)?;
        let family = Family::find(&mut generic).map_err(|error| failed("netlink", error))?;
        Ok(Self {
            route: Socket::open(NETLINK_ROUTE)?,
            generic,
            family,
        })
    }

    /// The device of this name, of whatever kind.
    pub fn link(&mut self, name: &str) -> Result<Option<Link>, Failure> {
        // Longer names are refused, as if they were something strange.
        const LONGEST: usize = 15;
        if name.is_empty() || name.len() > LONGEST {
            return Ok(None);
        }
        match self.route.ask(&link::by_name(name)) {
            Ok(replies) => Ok(replies.iter().find_map(|reply| Link::read(&reply.payload))),
            Err(Error::Refused(refusal)) if refusal.errno == libc_errno::ENODEV => Ok(None),
            Err(error) => Err(failed(name, error)),
        }
    }

    /// The device of this name, which must exist.
    pub fn existing_link(&mut self, name: &str) -> Result<Link, Failure> {
        self.link(name)?
            .ok_or_else(|| Failure::no_interface(name, "no such interface"))
    }

    /// The group of this name, if there is one. A device of another kind is a
    /// mistake.
    pub fn group(&mut self, name: &str) -> Result<Option<Group>, Failure> {
        let Some(link) = self.link(name)? else {
            return Ok(None);
        };
        if !link.is_carp() {
            return Err(Failure::no_interface(name, "not a carp interface"));
        }
        let (reports, _) = self.reports()?;
        let groups = self.complete(vec![link], reports)?;
        Ok(groups.into_iter().next())
    }

    /// The group of this name, which must exist.
    pub fn existing_group(&mut self, name: &str) -> Result<Group, Failure> {
        self.group(name)?.ok_or_else(|| {
            Failure::no_interface(
                name,
                &format!("no such interface (\"carpctl {name} create\" makes it)"),
            )
        })
    }

    /// All groups.
    pub fn snapshot(&mut self) -> Result<Snapshot, Failure> {
        // The number of the last event comes first: what is asked for after it is not
        // older, and what happens meanwhile has a larger one.
        let (mut reports, sequence) = self.reports()?;
        let replies = self
            .route
            .ask(&link::all())
            .map_err(|error| failed("netlink", error))?;
        let links: Vec<_> = replies
            .iter()
            .filter_map(|reply| Link::read(&reply.payload))
            .filter(Link::is_carp)
            .collect();
        if links.iter().any(|link| !reports.contains_key(&link.index)) {
            // It was made meanwhile.
            (reports, _) = self.reports()?;
        }
        let groups = self.complete(links, reports)?;
        Ok(Snapshot { groups, sequence })
    }

    /// Adds what other requests say of these devices.
    fn complete(
        &mut self,
        links: Vec<Link>,
        mut reports: HashMap<u32, More>,
    ) -> Result<Vec<Group>, Failure> {
        if links.is_empty() {
            return Ok(Vec::new());
        }
        let mut parents = HashMap::new();
        for index in links.iter().filter_map(|link| link.parent) {
            if let std::collections::hash_map::Entry::Vacant(entry) = parents.entry(index) {
                entry.insert(self.parent(index));
            }
        }
        let addresses = self.addresses()?;
        Ok(links
            .into_iter()
            .map(|link| Group {
                parent: link.parent.and_then(|index| parents[&index].name.clone()),
                down: link.parent.and_then(|index| parents[&index].down.clone()),
                addresses: addresses
                    .iter()
                    .filter(|(device, _)| *device == link.index)
                    .map(|(_, address)| *address)
                    .collect(),
                more: reports.remove(&link.index),
                link,
            })
            .collect())
    }

    /// The device with this number, which may have gone by now, and what it is on.
    fn parent(&mut self, index: u32) -> Parent {
        /// The kernel's `MAX_NEST_DEV`.
        const DEEPEST: usize = 8;
        let mut found = Parent::default();
        let mut next = Some(index);
        for _ in 0..DEEPEST {
            let Some(index) = next else { break };
            let replies = self.route.ask(&link::by_index(index)).unwrap_or_default();
            let Some(link) = replies.iter().find_map(|reply| Link::read(&reply.payload)) else {
                break;
            };
            if !link.is_up() {
                found.down = Some(link.name.clone());
            }
            next = link.below();
            found.name.get_or_insert(link.name);
        }
        found
    }

    /// All addresses, each with the number of its device.
    pub fn addresses(&mut self) -> Result<Vec<(u32, Address)>, Failure> {
        let replies = self
            .route
            .ask(&address::all())
            .map_err(|error| failed("netlink", error))?;
        Ok(replies
            .iter()
            .filter_map(|reply| Address::read(&reply.payload))
            .collect())
    }

    /// What the family says of all groups, and the number of the last event.
    fn reports(&mut self) -> Result<(HashMap<u32, More>, Option<u32>), Failure> {
        let Some(family) = self.family else {
            return Ok((HashMap::new(), None));
        };
        let request = family.request(CARP_CMD_GROUP_GET, flag::DUMP);
        let replies = match self.generic.ask(&request) {
            Ok(replies) => replies,
            Err(Error::Refused(refusal)) if refusal.errno == libc_errno::ENOENT => {
                // The module was unloaded meanwhile, and has taken all groups with it.
                return Ok((HashMap::new(), None));
            }
            Err(error) => return Err(failed("carp", error)),
        };
        let mut sequence = None;
        let reports = replies
            .iter()
            .filter_map(|reply| Report::read(&reply.payload))
            .map(|report| {
                // The first: what happened during the dump is told again.
                sequence = sequence.or(report.sequence);
                (report.ifindex, report.into())
            })
            .collect();
        Ok((reports, sequence))
    }

    /// The key of a group, which only CAP_NET_ADMIN may see.
    pub fn key(&mut self, group: &Group) -> Result<Option<Vec<u8>>, Failure> {
        let family = self.family()?;
        let request = family
            .request(CARP_CMD_KEY_GET, 0)
            .put_u32(CARP_A_IFINDEX, group.link.index);
        let replies = self
            .generic
            .ask(&request)
            .map_err(|error| failed(group.name(), error))?;
        let key = replies
            .iter()
            .filter_map(|reply| Report::read(&reply.payload))
            .find_map(|report| report.key);
        // Shorter keys are padded with zeros.
        Ok(key.map(|mut key| {
            while key.last() == Some(&0) {
                key.pop();
            }
            key
        }))
    }

    /// The family `carp`; without the module there is none.
    pub fn family(&self) -> Result<Family, Failure> {
        self.family.ok_or_else(no_module)
    }

    /// Looks whether the family is there now, and does not load the module for it.
    pub fn look_for_family(&mut self) -> Result<(), Failure> {
        let found = Family::find_loaded(&mut self.generic);
        self.family = found.map_err(|error| failed("netlink", error))?;
        Ok(())
    }

    /// From now on, this is the family; or there is none.
    pub fn set_family(&mut self, family: Option<Family>) {
        self.family = family;
    }

    /// A socket that hears when families come and go.
    pub fn announcements(&mut self) -> Result<Socket, Failure> {
        let group =
            family::announcements(&mut self.generic).map_err(|error| failed("netlink", error))?;
        let mut socket = Socket::open(NETLINK_GENERIC)?;
        socket.listen(group)?;
        Ok(socket)
    }

    /// Has the kernel do something with the device `subject`.
    pub fn perform(&mut self, subject: &str, request: &Request) -> Result<(), Failure> {
        match self.route.ask(request) {
            Ok(_) => Ok(()),
            Err(Error::Refused(refusal))
                if refusal.errno == libc_errno::EOPNOTSUPP && !is_module_loaded() =>
            {
                Err(no_module())
            }
            Err(error) => Err(failed(subject, error)),
        }
    }
}

/// Whether the module is in the kernel.
pub fn is_module_loaded() -> bool {
    Path::new("/sys/module/carp").exists()
}

/// The module is not there, and is not to be had.
pub fn no_module() -> Failure {
    Failure::new(
        ExitStatus::NoModule,
        "this kernel does not have the module carp (\"modprobe carp\" loads it)",
    )
}
