// SPDX-License-Identifier: GPL-2.0-only
//! The words that can follow an interface: one table for the grammar, the usage, the
//! completions and the manual's test.

/// A word that carpctl knows.
pub struct Word {
    /// The word.
    pub name: &'static str,
    /// What follows it, as usage shows it; empty: nothing.
    pub argument: &'static str,
    /// What it does, for the completions.
    pub summary: &'static str,
}

const fn word(name: &'static str, argument: &'static str, summary: &'static str) -> Word {
    Word {
        name,
        argument,
        summary,
    }
}

/// All words that can follow an interface, in the order of the manual.
pub static WORDS: &[Word] = &[
    word("create", "", "make the interface"),
    word("destroy", "", "delete the interface"),
    word("up", "", "take the interface up"),
    word(
        "down",
        "",
        "take the interface down; a MASTER takes its leave",
    ),
    word("vhid", "number", "the number of the group, 1 to 255"),
    word("carpdev", "interface", "the parent: where the group is"),
    word("-carpdev", "", "no parent"),
    word(
        "advbase",
        "seconds",
        "the base of the advertisement interval, 0 to 255",
    ),
    word(
        "advskew",
        "number",
        "1/256 seconds more of the interval, 0 to 254",
    ),
    word(
        "pass",
        "word",
        "the key, for every user of this host to see",
    ),
    word(
        "passfile",
        "file",
        "take the key from a file's first line; -: from standard input",
    ),
    word("passprompt", "", "ask for the key on the terminal"),
    word("nopass", "", "an empty key"),
    word(
        "state",
        "master|backup",
        "ask a running group to change its state",
    ),
    word(
        "carpnodes",
        "vhid:advskew,...",
        "the nodes of a group that shares its load",
    ),
    word(
        "balancing",
        "none|ip|ip-stealth|ip-unicast",
        "how all hosts come to see each packet",
    ),
    word(
        "selection",
        "addresses|flow",
        "by what the node for a packet is selected",
    ),
    word(
        "inet",
        "address[/prefix]",
        "an IPv4 address, instead of the first one",
    ),
    word("inet6", "address[/prefix]", "an IPv6 address"),
    word("netmask", "mask", "the address's subnet, as an IPv4 mask"),
    word(
        "prefixlen",
        "number",
        "the address's subnet, as a number of bits",
    ),
    word("broadcast", "address", "the subnet's broadcast address"),
    word("alias", "", "the address is one more"),
    word("-alias", "", "take the address away"),
    word("delete", "", "take the address away"),
    word("mtu", "bytes", "the longest packet"),
    word(
        "dev",
        "interface",
        "an interface whose name is one of these words",
    ),
];

/// Words of the BSDs that cannot be done, and what to do instead.
pub static FOREIGN: &[(&str, &str)] = &[
    ("carppeer", "advertisements are sent by multicast only"),
    ("peer", "advertisements are sent by multicast only"),
    ("peer6", "advertisements are sent by multicast only"),
    ("carpver", "the protocol is CARP version 2 only"),
    ("vrrpprio", "the protocol is CARP version 2 only"),
    (
        "lladdr",
        "the MAC of a carp interface follows from its vhid",
    ),
    ("ether", "the MAC of a carp interface follows from its vhid"),
    ("link", "the parent is called carpdev here"),
    ("type", "every interface is of type carp here"),
    ("carpdemote", "there is no demotion counter; use advskew"),
    ("plumb", "use create"),
    ("unplumb", "use destroy"),
];

/// The word of this name.
pub fn find(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.name == name)
}

/// The name that `word` is a misspelling of.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(distance, name)| *distance <= 2 && *distance < name.len().min(word.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
