// SPDX-License-Identifier: GPL-2.0-only
//! A netlink socket: one question, one answer.

use super::message::{End, Refusal, Request, flag, messages};
use crate::failure::libc_errno;
use netlink_sys::SocketAddr;
use std::io;

/// How often an answer that changed while it was given is asked for again.
const ATTEMPTS: usize = 8;

/// A message of an answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The type.
    pub kind: u16,
    /// What follows the header.
    pub payload: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Error {
    /// The kernel refused.
    Refused(Refusal),
    /// The socket failed.
    System(io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// A socket of one of netlink's protocols.
pub struct Socket {
    socket: netlink_sys::Socket,
    sequence: u32,
}

impl Socket {
    /// Opens a socket.
    pub fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = netlink_sys::Socket::new(protocol)?;
        socket.bind_auto()?;
        socket.set_ext_ack(true)?;
        socket.set_cap_ack(true)?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// Asks, and waits for the whole answer.
    pub fn ask(&mut self, request: &Request) -> Result<Vec<Reply>, Error> {
        let mut interrupted = Ok(Vec::new());
        for _ in 0..ATTEMPTS {
            let (replies, whole) = self.ask_once(request)?;
            if whole {
                return Ok(replies);
            }
            interrupted = Ok(replies);
        }
        // It changes all the time: every message is true, though they are of
        // different moments.
        interrupted
    }

    /// An answer, and whether nothing changed while it was given.
    fn ask_once(&mut self, request: &Request) -> Result<(Vec<Reply>, bool), Error> {
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = request.finish(self.sequence);
        self.socket.send_to(&bytes, &SocketAddr::new(0, 0), 0)?;

        let mut replies = Vec::new();
        let mut whole = true;
        loop {
            let packet = self.receive()?;
            for message in messages(&packet) {
                if message.sequence != self.sequence {
                    continue;
                }
                whole &= message.flags & flag::DUMP_INTERRUPTED == 0;
                match message.end() {
                    Some(End::Done) => return Ok((replies, whole)),
                    Some(End::Refused(refusal)) => return Err(Error::Refused(refusal)),
                    None => replies.push(Reply {
                        kind: message.kind,
                        payload: message.payload.to_vec(),
                    }),
                }
            }
        }
    }

    /// The next packet of the kernel; others' are passed over.
    pub fn receive(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.socket.recv_from_full() {
                Ok((packet, sender)) if sender.port_number() == 0 => return Ok(packet),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// From now on, [`Self::receive`] has this multicast group's messages, too.
    pub fn listen(&mut self, group: u32) -> io::Result<()> {
        // Room for a thousand events: who falls further behind is told so.
        self.socket.set_rx_buf_sz(1u32 << 20)?;
        self.socket.add_membership(group)
    }

    /// Whether [`Self::receive`] returns instead of waiting.
    pub fn set_non_blocking(&mut self, yes: bool) -> io::Result<()> {
        self.socket.set_non_blocking(yes)
    }
}

/// Whether a failed [`Socket::receive`] says that messages were lost.
pub fn is_overrun(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc_errno::ENOBUFS)
}
