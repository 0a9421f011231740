// SPDX-License-Identifier: GPL-2.0-or-later
//! From the command line to the netlink message, and what the user is told.

use crate::ip::message::{Full, Message};
use crate::ip::stdio::{self, Stream};
use crate::ip::{exit, stdio::LineError};
use crate::parse::{Key, Mistake, Settings, parse};
use carp_uapi::attribute::{NESTED, header};
use carp_uapi::number::{Node, nodes};
use carp_uapi::numbers::*;
use core::ffi::CStr;

/// What `ip link help carp` prints.
pub const USAGE: &CStr = c"\
Usage: ... carp [ vhid VHID ] [ advbase SECONDS ] [ advskew SKEW ]
\t\t[ { pass KEY | passfile { FILE | - } | nopass } ]
\t\t[ state { master | backup } ]
\t\t[ carpnodes VHID:SKEW[,VHID:SKEW]... ]
\t\t[ balancing { none | ip | ip-stealth | ip-unicast } ]
\t\t[ selection { addresses | flow } ]

VHID    := 1-255
SECONDS := 0-255
SKEW    := 0-254 (1/256 s)
KEY     := at most 20 bytes

The parent is the link: ip link add link DEV name NAME type carp ...
";

/// The most of a key that is sent.  The kernel knows the limit, and refuses
/// what exceeds it; nothing is cut off silently.
const KEY_SENT_MAX: usize = 128;

/// The configuration was not sent; the user knows why.
#[derive(Debug)]
pub struct Refused;

impl From<Full> for Refused {
    // `ip` said so already.
    fn from(_: Full) -> Self {
        Refused
    }
}

/// Adds to `message` what the words after `type carp` ask for.
pub fn configure<'a>(
    words: impl Iterator<Item = &'a CStr>,
    message: &mut Message<'_>,
) -> Result<(), Refused> {
    let settings = parse(words).map_err(explain)?;
    send(&settings, message)
}

fn send(settings: &Settings<'_>, message: &mut Message<'_>) -> Result<(), Refused> {
    let numbers = [
        (IFLA_CARP_VHID, settings.vhid),
        (IFLA_CARP_ADVBASE, settings.advbase),
        (IFLA_CARP_ADVSKEW, settings.advskew),
        (IFLA_CARP_STATE, settings.state),
        (IFLA_CARP_BALANCING, settings.balancing),
        (IFLA_CARP_SELECTION, settings.selection),
    ];
    for (attribute, number) in numbers {
        if let Some(number) = number {
            message.put_u32(attribute, number)?;
        }
    }
    if let Some(list) = settings.nodes {
        send_nodes(list, message)?;
    }
    match settings.key {
        None => {}
        Some(Key::Empty) => message.put(IFLA_CARP_KEY, &[])?,
        Some(Key::Typed(key)) if key.len() > KEY_SENT_MAX => return Err(key_too_long()),
        Some(Key::Typed(key)) => message.put(IFLA_CARP_KEY, key)?,
        Some(Key::File(path)) => {
            let mut line = [0; KEY_SENT_MAX];
            message.put(IFLA_CARP_KEY, read_key(path, &mut line)?)?;
        }
    }
    Ok(())
}

/// The length of a node's attribute: a header, and two numbers with theirs.
const NODE_LEN: usize = 4 + 8 + 8;

fn send_nodes(list: &CStr, message: &mut Message<'_>) -> Result<(), Full> {
    let mut room = [0; NODE_LEN * CARP_MAX_NODES as usize];
    let mut length = 0;
    // The parser let none pass that is none.
    for (node, place) in nodes(list.to_bytes())
        .flatten()
        .zip(room.chunks_exact_mut(NODE_LEN))
    {
        place.copy_from_slice(&attribute_of(node));
        length += NODE_LEN;
    }
    message.put(IFLA_CARP_NODES | NESTED, &room[..length])
}

fn attribute_of(node: Node) -> [u8; NODE_LEN] {
    let mut bytes = [0; NODE_LEN];
    let parts = [
        header(CARP_NODES_NODE | NESTED, NODE_LEN - 4),
        header(CARP_NODE_VHID, 4),
        node.vhid.to_ne_bytes(),
        header(CARP_NODE_ADVSKEW, 4),
        node.advskew.to_ne_bytes(),
    ];
    for (place, part) in bytes.chunks_exact_mut(4).zip(parts) {
        place.copy_from_slice(&part);
    }
    bytes
}

fn read_key<'a>(path: &CStr, line: &'a mut [u8]) -> Result<&'a [u8], Refused> {
    let say = |what: &CStr| {
        stdio::print(Stream::Error, &[c"carp: passfile \"", path, c"\": ", what]);
        Refused
    };
    match stdio::first_line(path, line) {
        // More likely an accident than a wish: a wish has a word.
        Ok(0) => Err(say(c"the first line is empty (use nopass for no key)\n")),
        Ok(length) => Ok(&line[..length]),
        Err(LineError::TooLong) => Err(key_too_long()),
        Err(LineError::System(errno)) => {
            let refused = say(c"");
            stdio::print_errno(errno);
            Err(refused)
        }
    }
}

fn key_too_long() -> Refused {
    stdio::print(
        Stream::Error,
        &[c"carp: the key is far too long (at most 20 bytes)\n"],
    );
    Refused
}

/// Tells the user in the way of `ip`, which for most mistakes ends it.
fn explain(mistake: Mistake<'_>) -> Refused {
    match mistake {
        Mistake::Help => stdio::print(Stream::Error, &[USAGE]),
        Mistake::Unknown(word) => stdio::print(
            Stream::Error,
            &[c"carp: unknown command \"", word, c"\"?\n", USAGE],
        ),
        Mistake::ParentHere(word) => stdio::print(
            Stream::Error,
            &[
                c"carp: \"",
                word,
                c"\" is \"link\" here, and stands before \"type\":\n",
                c"\tip link add link DEV name NAME type carp ...\n",
            ],
        ),
        Mistake::Incomplete => exit::incomplete_command(),
        Mistake::Invalid { value, message } => exit::invalid(message, value),
        Mistake::Duplicate { word, second } => exit::duplicate(word, second),
    }
    Refused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::fake::Buffer;
    use carp_uapi::attribute::{Attributes, Nested};
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;

    fn put(words: &[&CStr]) -> Result<Vec<(u32, Vec<u8>)>, Refused> {
        let mut buffer = Buffer::empty();
        configure(words.iter().copied(), &mut buffer.message())?;
        Ok(buffer.attributes())
    }

    fn file(name: &str, content: &[u8]) -> CString {
        let path = std::env::temp_dir().join(format!("link_carp-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        CString::new(path.as_os_str().as_bytes()).unwrap()
    }

    #[test]
    fn only_what_was_said_is_sent() {
        assert_eq!(put(&[]).unwrap(), []);
        assert_eq!(
            put(&[
                c"vhid", c"1", c"advbase", c"1", c"advskew", c"100", c"pass", c"tyrell"
            ])
            .unwrap(),
            [
                (IFLA_CARP_VHID, 1u32.to_ne_bytes().to_vec()),
                (IFLA_CARP_ADVBASE, 1u32.to_ne_bytes().to_vec()),
                (IFLA_CARP_ADVSKEW, 100u32.to_ne_bytes().to_vec()),
                (IFLA_CARP_KEY, b"tyrell".to_vec()),
            ]
        );
    }

    #[test]
    fn nodes_are_nests() {
        let sent = put(&[c"carpnodes", c"2:100,1:0", c"balancing", c"ip"]).unwrap();
        assert_eq!(
            sent[0],
            (IFLA_CARP_BALANCING, CARP_BALANCING_IP.to_ne_bytes().into())
        );
        assert_eq!((sent.len(), sent[1].0), (2, IFLA_CARP_NODES));
        let read: Vec<_> = Nested(&sent[1].1)
            .map(|(number, node)| {
                let node = Nested(node);
                (
                    number,
                    node.u32(CARP_NODE_VHID),
                    node.u32(CARP_NODE_ADVSKEW),
                )
            })
            .collect();
        assert_eq!(
            read,
            [
                (CARP_NODES_NODE, Some(2), Some(100)),
                (CARP_NODES_NODE, Some(1), Some(0))
            ]
        );
    }

    #[test]
    fn as_many_nodes_as_there_can_be_fit_beside_all_else() {
        let list = CString::new(["255:254"; CARP_MAX_NODES as usize].join(",")).unwrap();
        let key = CString::new(vec![b'k'; KEY_SENT_MAX]).unwrap();
        let sent = put(&[
            c"advbase",
            c"1",
            c"pass",
            &key,
            c"balancing",
            c"ip",
            c"selection",
            c"flow",
            c"carpnodes",
            &list,
        ]);
        let sent = sent.unwrap();
        let nodes = sent.iter().find(|(number, _)| *number == IFLA_CARP_NODES);
        assert_eq!(Nested(&nodes.unwrap().1).count(), CARP_MAX_NODES as usize);
    }

    #[test]
    fn keys_are_sent_whole_or_not() {
        assert_eq!(put(&[c"nopass"]).unwrap(), [(IFLA_CARP_KEY, vec![])]);
        let long = CString::new(vec![b'k'; KEY_SENT_MAX]).unwrap();
        assert_eq!(
            put(&[c"pass", &long]).unwrap(),
            [(IFLA_CARP_KEY, long.to_bytes().to_vec())],
            "the kernel refuses it"
        );
        let longer = CString::new(vec![b'k'; KEY_SENT_MAX + 1]).unwrap();
        assert!(put(&[c"pass", &longer]).is_err());
    }

    #[test]
    fn the_key_is_a_files_first_line() {
        for (name, content, key) in [
            ("plain", &b"tyrell\n"[..], Some(&b"tyrell"[..])),
            ("no-newline", b"tyrell", Some(b"tyrell")),
            ("more", b"tyrell\nroy\n", Some(b"tyrell")),
            ("spaces", b" a b \r\n", Some(b" a b \r")),
            ("bytes", b"a\0\xff\n", Some(b"a\0\xff")),
            (
                "longest",
                &[b'k'; KEY_SENT_MAX],
                Some(&[b'k'; KEY_SENT_MAX]),
            ),
            ("too-long", &[b'k'; KEY_SENT_MAX + 1], None),
            ("empty", b"", None),
            ("empty-line", b"\nroy\n", None),
        ] {
            let path = file(name, content);
            let sent = put(&[c"passfile", &path]);
            std::fs::remove_file(path.to_str().unwrap()).unwrap();
            match key {
                Some(key) => assert_eq!(sent.unwrap(), [(IFLA_CARP_KEY, key.to_vec())], "{name}"),
                None => assert!(sent.is_err(), "{name}"),
            }
        }
        assert!(put(&[c"passfile", c"/nonexistent/key"]).is_err());
        assert!(put(&[c"passfile", c"/"]).is_err(), "a directory");
    }

    #[test]
    fn mistakes_send_nothing() {
        assert!(put(&[c"vhid", c"1", c"bogus"]).is_err());
        assert!(put(&[c"help"]).is_err());
        assert!(put(&[c"carpdev", c"eth0"]).is_err());
    }
}
