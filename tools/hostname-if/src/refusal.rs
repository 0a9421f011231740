// SPDX-License-Identifier: GPL-2.0

//! Words of OpenBSD's that mean something there and cannot be carried out here.

/// Why a word is refused; `None` if it means nothing on OpenBSD, either.
pub(crate) fn refusal(word: &[u8]) -> Option<&'static str> {
    Some(match word {
        b"state" => {
            "a state is no configuration: \"carpctl IFNAME state backup\" asks for it, once"
        }
        b"carppeer" => "advertisements are multicast; unicast is not supported",
        b"dest" => "a carp interface has no destination address",
        b"dhcp" | b"autoconf" | b"autoconfprivacy" | b"temporary" | b"rtsol" => {
            "the addresses of a group must be the same on all hosts, and so are written down"
        }
        b"eui64" => "the virtual MAC is the same on all hosts; write the whole address",
        b"anycast" | b"tentative" | b"pltime" | b"vltime" => {
            "not supported: the kernel chooses the flags of a virtual address"
        }
        b"-alias" | b"delete" | b"-inet" | b"-inet6" => {
            "nothing is taken away here: an address without a line is removed"
        }
        b"lladdr" => "the MAC is 00:00:5e:00:01:VHID and cannot be chosen",
        b"group" | b"-group" => "interface groups are not supported",
        b"rdomain" | b"rtable" | b"vrf" => "the device is always in the VRF of its parent",
        b"create" => "the device is created if it is missing",
        b"destroy" => "remove the file, and \"carpctl IFNAME destroy\"",
        b"media" | b"mediaopt" | b"mode" | b"debug" | b"-debug" | b"priority" | b"metric"
        | b"link0" | b"link1" | b"link2" | b"arp" | b"-arp" => "not supported for carp interfaces",
        _ => return None,
    })
}
