// SPDX-License-Identifier: GPL-2.0-only
//! Generic netlink: the number of the family `carp` and of its multicast groups, which are
//! others each time that the module is loaded.

use super::message::{Message, Request, flag, text};
use super::socket::{Error, Socket};
use crate::failure::libc_errno;
use carp_uapi::attribute::{Attributes, Nested};
use carp_uapi::numbers::{CARP_GENL_NAME, CARP_GENL_VERSION, CARP_MCGRP_EVENTS};
use std::ffi::CStr;

/// The length of `struct genlmsghdr`.
pub const GENLMSGHDR: usize = 4;

const GENL_ID_CTRL: u16 = 16;
const CTRL_NAME: &str = "nlctrl";
const CTRL_MCGRP_NOTIFY: &str = "notify";
const CTRL_CMD_NEWFAMILY: u8 = 1;
const CTRL_CMD_DELFAMILY: u8 = 2;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u32 = 1;
const CTRL_ATTR_FAMILY_NAME: u32 = 2;
const CTRL_ATTR_MCAST_GROUPS: u32 = 7;
const CTRL_ATTR_MCAST_GRP_NAME: u32 = 1;
const CTRL_ATTR_MCAST_GRP_ID: u32 = 2;

/// The family `carp` in this kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Family {
    /// The type of its messages.
    pub id: u16,
    /// The number of the group of events.
    pub events: u32,
}

/// That the family `carp` comes or goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Announcement {
    /// The module was loaded.
    New(Family),
    /// The module was unloaded: the family of this number is no more, and nobody is a
    /// member of its groups.
    Gone(u16),
}

impl Announcement {
    /// Reads a message of the group [`announcements`]; others are none.
    pub fn read(message: &Message<'_>) -> Option<Self> {
        if message.kind != GENL_ID_CTRL {
            return None;
        }
        match *message.payload.first()? {
            CTRL_CMD_NEWFAMILY => Family::read(message.payload).map(Self::New),
            CTRL_CMD_DELFAMILY => read_id(message.payload, carp_name()).map(Self::Gone),
            _ => None,
        }
    }
}

/// The number of the multicast group that tells of families that come and go.
pub fn announcements(socket: &mut Socket) -> Result<u32, Error> {
    let replies = socket.ask(&by_name(CTRL_NAME))?;
    let told = replies.iter().find_map(|reply| {
        read_id(&reply.payload, CTRL_NAME)?;
        read_group(&reply.payload, CTRL_MCGRP_NOTIFY)
    });
    Ok(told.unwrap_or(GENL_ID_CTRL.into()))
}

fn question(flags: u16) -> Request {
    Request::new(GENL_ID_CTRL, flags).fixed(&[CTRL_CMD_GETFAMILY, 1, 0, 0])
}

fn by_name(name: &str) -> Request {
    question(0).put_text(CTRL_ATTR_FAMILY_NAME, name)
}

fn carp_name() -> &'static str {
    constant(CARP_GENL_NAME)
}

/// The number of the family that a message is about, if it is the one of this name.
fn read_id(payload: &[u8], name: &str) -> Option<u16> {
    let attributes = Nested(payload.get(GENLMSGHDR..)?);
    if text(attributes.payload(CTRL_ATTR_FAMILY_NAME)?) != name {
        return None;
    }
    let id = *attributes.payload(CTRL_ATTR_FAMILY_ID)?.first_chunk()?;
    Some(u16::from_ne_bytes(id))
}

/// The number of the multicast group of this name, of the family that a message is about.
fn read_group(payload: &[u8], name: &str) -> Option<u32> {
    let attributes = Nested(payload.get(GENLMSGHDR..)?);
    let mut groups = Nested(attributes.payload(CTRL_ATTR_MCAST_GROUPS)?);
    groups.find_map(|(_, group)| {
        let group = Nested(group);
        let named = text(group.payload(CTRL_ATTR_MCAST_GRP_NAME)?) == name;
        named.then_some(group.u32(CTRL_ATTR_MCAST_GRP_ID)?)
    })
}

fn constant(bytes: &'static [u8]) -> &'static str {
    CStr::from_bytes_with_nul(bytes)
        .ok()
        .and_then(|text| text.to_str().ok())
        .unwrap_or_default()
}

impl Family {
    /// Asks the kernel, which loads the module for it if the asker may do so.
    /// There is none where the module is not loaded.
    pub fn find(socket: &mut Socket) -> Result<Option<Self>, Error> {
        match socket.ask(&by_name(carp_name())) {
            Ok(replies) => Ok(replies.iter().find_map(|reply| Self::read(&reply.payload))),
            Err(Error::Refused(refusal)) if refusal.errno == libc_errno::ENOENT => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks through all families that there are: unlike a question by name, this never
    /// loads the module.
    pub fn find_loaded(socket: &mut Socket) -> Result<Option<Self>, Error> {
        let replies = socket.ask(&question(flag::DUMP))?;
        Ok(replies.iter().find_map(|reply| Self::read(&reply.payload)))
    }

    fn read(payload: &[u8]) -> Option<Self> {
        Some(Self {
            id: read_id(payload, carp_name())?,
            events: read_group(payload, constant(CARP_MCGRP_EVENTS))?,
        })
    }

    /// A request of the family.
    pub fn request(&self, command: u32, flags: u16) -> Request {
        Request::new(self.id, flags).fixed(&[command as u8, CARP_GENL_VERSION as u8, 0, 0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::message::messages;
    use proptest::prelude::*;

    /// What nlctrl says of a family.
    fn told(command: u8, name: &str) -> Vec<u8> {
        let group = |groups: Request, number, name: &str, id| {
            groups.nest(number, |group| {
                group
                    .put_text(CTRL_ATTR_MCAST_GRP_NAME, name)
                    .put_u32(CTRL_ATTR_MCAST_GRP_ID, id)
            })
        };
        Request::new(GENL_ID_CTRL, 0)
            .fixed(&[command, 2, 0, 0])
            .put_text(CTRL_ATTR_FAMILY_NAME, name)
            .put(CTRL_ATTR_FAMILY_ID, &37u16.to_ne_bytes())
            .nest(CTRL_ATTR_MCAST_GROUPS, |groups| {
                group(group(groups, 1, "other", 8), 2, "events", 9)
            })
            .finish(0)
    }

    fn announced(bytes: &[u8]) -> Option<Announcement> {
        Announcement::read(&messages(bytes).next()?)
    }

    const CARP: Family = Family { id: 37, events: 9 };

    #[test]
    fn a_family() {
        let bytes = told(CTRL_CMD_NEWFAMILY, "carp");
        let payload = messages(&bytes).next().unwrap().payload;
        assert_eq!(Family::read(payload), Some(CARP));
        assert_eq!(Family::read(&payload[..12]), None);
        assert_eq!(read_group(payload, "other"), Some(8));
        assert_eq!(read_group(payload, "notify"), None);
    }

    #[test]
    fn a_family_that_comes_and_goes_is_announced() {
        const CTRL_CMD_NEWMCAST_GRP: u8 = 7;
        let of = |command, name| announced(&told(command, name));
        let new = Some(Announcement::New(CARP));
        assert_eq!(of(CTRL_CMD_NEWFAMILY, "carp"), new);
        let gone = Some(Announcement::Gone(37));
        assert_eq!(of(CTRL_CMD_DELFAMILY, "carp"), gone);
        assert_eq!(of(CTRL_CMD_NEWMCAST_GRP, "carp"), None);
        for command in [CTRL_CMD_NEWFAMILY, CTRL_CMD_DELFAMILY] {
            assert_eq!(of(command, "carpet"), None, "another one");
        }
    }

    #[test]
    fn an_event_is_no_announcement() {
        let mut bytes = told(CTRL_CMD_NEWFAMILY, "carp");
        bytes[4..6].copy_from_slice(&37u16.to_ne_bytes());
        assert_eq!(announced(&bytes), None);
    }

    proptest! {
        #[test]
        fn random_announcements(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            for command in [CTRL_CMD_NEWFAMILY, CTRL_CMD_DELFAMILY] {
                let request = Request::new(GENL_ID_CTRL, 0).fixed(&[command, 2, 0, 0]);
                let _ = announced(&request.fixed(&payload).finish(0));
            }
        }

        #[test]
        fn damaged_announcements(at in 16usize..120, byte: u8, cut in 16usize..120) {
            let mut bytes = told(CTRL_CMD_NEWFAMILY, "carp");
            let last = bytes.len() - 1;
            bytes[at.min(last)] = byte;
            bytes.truncate(cut);
            let _ = Announcement::read(&Message {
                kind: GENL_ID_CTRL,
                flags: 0,
                sequence: 0,
                payload: &bytes[16..],
            });
        }
    }
}
