// SPDX-License-Identifier: GPL-2.0-only
//! Generic netlink: the number of the family `carp` and of its multicast groups.

use super::message::{Request, text};
use super::socket::{Error, Socket};
use crate::failure::libc_errno;
use carp_uapi::attribute::{Attributes, Nested};
use carp_uapi::numbers::{CARP_GENL_NAME, CARP_GENL_VERSION, CARP_MCGRP_EVENTS};
use std::ffi::CStr;

/// The length of `struct genlmsghdr`.
pub const GENLMSGHDR: usize = 4;

const GENL_ID_CTRL: u16 = 16;
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
        let request = Request::new(GENL_ID_CTRL, 0)
            .fixed(&[CTRL_CMD_GETFAMILY, 1, 0, 0])
            .put_text(CTRL_ATTR_FAMILY_NAME, constant(CARP_GENL_NAME));
        match socket.ask(&request) {
            Ok(replies) => Ok(replies.iter().find_map(|reply| Self::read(&reply.payload))),
            Err(Error::Refused(refusal)) if refusal.errno == libc_errno::ENOENT => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let attributes = Nested(payload.get(GENLMSGHDR..)?);
        let id = *attributes.payload(CTRL_ATTR_FAMILY_ID)?.first_chunk()?;
        let mut groups = Nested(attributes.payload(CTRL_ATTR_MCAST_GROUPS)?);
        let events = groups.find_map(|(_, group)| {
            let group = Nested(group);
            let name = text(group.payload(CTRL_ATTR_MCAST_GRP_NAME)?);
            (name == constant(CARP_MCGRP_EVENTS)).then_some(group.u32(CTRL_ATTR_MCAST_GRP_ID)?)
        })?;
        Some(Self {
            id: u16::from_ne_bytes(id),
            events,
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

    #[test]
    fn a_family() {
        let bytes = Request::new(GENL_ID_CTRL, 0)
            .fixed(&[1, 2, 0, 0])
            .put(CTRL_ATTR_FAMILY_ID, &37u16.to_ne_bytes())
            .nest(CTRL_ATTR_MCAST_GROUPS, |groups| {
                groups
                    .nest(1, |group| {
                        group
                            .put_text(CTRL_ATTR_MCAST_GRP_NAME, "other")
                            .put_u32(CTRL_ATTR_MCAST_GRP_ID, 8)
                    })
                    .nest(2, |group| {
                        group
                            .put_text(CTRL_ATTR_MCAST_GRP_NAME, "events")
                            .put_u32(CTRL_ATTR_MCAST_GRP_ID, 9)
                    })
            })
            .finish(1);
        let payload = messages(&bytes).next().unwrap().payload;
        assert_eq!(Family::read(payload), Some(Family { id: 37, events: 9 }));
        assert_eq!(Family::read(&payload[..12]), None);
    }
}
