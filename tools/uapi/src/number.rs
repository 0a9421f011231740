// SPDX-License-Identifier: GPL-2.0-or-later
//! Numbers and lists of nodes as people write them.
//!
//! Here they are only read. Which numbers make sense is the kernel's to say, in its own
//! sentence.

use crate::numbers::CARP_MAX_NODES;

/// A number of 32 bits, decimal or after `0x`. A leading zero is refused: elsewhere it
/// means octal, which nobody expects of an advskew.
pub fn number(digits: &[u8]) -> Option<u32> {
    let (digits, radix) = match digits {
        [b'0', b'x' | b'X', hex @ ..] => (hex, 16),
        [b'0', _, ..] => return None,
        _ => (digits, 10),
    };
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u32, |number, digit| {
        let digit = char::from(*digit).to_digit(radix)?;
        number.checked_mul(radix)?.checked_add(digit)
    })
}

/// A node of a group, as it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// The number of the node, and its group's among the peers.
    pub vhid: u32,
    /// 1/256 s.
    pub advskew: u32,
}

/// What is wrong with a list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeMistake<'a> {
    /// This part of the list is no `VHID:ADVSKEW`.
    NoNode(&'a [u8]),
    /// There are more than [`CARP_MAX_NODES`]: nobody has room for them.
    TooMany,
}

/// The nodes of a list `VHID:ADVSKEW,VHID:ADVSKEW,...`, as OpenBSD's ifconfig has it.
pub fn nodes(list: &[u8]) -> impl Iterator<Item = Result<Node, NodeMistake<'_>>> {
    list.split(|byte| *byte == b',')
        .enumerate()
        .map(|(index, part)| {
            if index >= CARP_MAX_NODES as usize {
                return Err(NodeMistake::TooMany);
            }
            node(part).ok_or(NodeMistake::NoNode(part))
        })
}

fn node(part: &[u8]) -> Option<Node> {
    let colon = part.iter().position(|byte| *byte == b':')?;
    Some(Node {
        vhid: number(&part[..colon])?,
        advskew: number(&part[colon + 1..])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(number(b"0"), Some(0));
        assert_eq!(number(b"256"), Some(256), "the range is the kernel's");
        assert_eq!(number(b"4294967295"), Some(u32::MAX));
        assert_eq!(number(b"0xff"), Some(255));
        for bad in [
            "",
            "0x",
            "-1",
            "+1",
            " 1",
            "1 ",
            "1s",
            "010",
            "4294967296",
            "one",
            "1.5",
        ] {
            assert_eq!(number(bad.as_bytes()), None, "{bad}");
        }
    }

    fn read(list: &str) -> Result<Vec<(u32, u32)>, NodeMistake<'_>> {
        nodes(list.as_bytes())
            .map(|node| node.map(|node| (node.vhid, node.advskew)))
            .collect()
    }

    #[test]
    fn lists_of_nodes() {
        assert_eq!(read("1:0"), Ok(vec![(1, 0)]));
        assert_eq!(read("2:100,1:0x10"), Ok(vec![(2, 100), (1, 16)]));
        assert_eq!(
            read("1:0,1:999"),
            Ok(vec![(1, 0), (1, 999)]),
            "the kernel says no"
        );
        for (list, part) in [
            ("", ""),
            (",", ""),
            ("1:0,", ""),
            ("1", "1"),
            ("1:0,2", "2"),
            ("1:", "1:"),
            (":0", ":0"),
            ("1:0:0", "1:0:0"),
            ("1:0, 2:0", " 2:0"),
            ("1:01", "1:01"),
        ] {
            assert_eq!(
                read(list),
                Err(NodeMistake::NoNode(part.as_bytes())),
                "{list}"
            );
        }
        let most = ["1:0"; CARP_MAX_NODES as usize].join(",");
        assert_eq!(read(&most).unwrap().len(), 32);
        let more = most + ",1:0";
        assert_eq!(read(&more), Err(NodeMistake::TooMany));
    }
}
