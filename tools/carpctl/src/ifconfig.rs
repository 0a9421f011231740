// SPDX-License-Identifier: GPL-2.0-only
//! A group as ifconfig prints it on OpenBSD.

use crate::group::{Group, balancing_name, missing_names, selection_name, state_name};
use crate::netlink::address::{Address, mask};
use crate::netlink::link::{Parameters, iff};
use crate::text::{Plain, hexadecimal};
use carp_uapi::numbers::CARP_SELECTION_ADDRESSES;
use std::io::{self, Write};
use std::net::IpAddr;

/// Prints one group.
pub fn print(out: &mut dyn Write, group: &Group) -> io::Result<()> {
    let link = &group.link;
    let flags: Vec<_> = iff::NAMES
        .iter()
        .filter(|(bit, _)| link.flags & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    writeln!(
        out,
        "{}: flags={:x}<{}> mtu {}",
        Plain(&link.name),
        link.flags,
        flags.join(","),
        link.mtu
    )?;
    if !link.mac.is_empty() {
        writeln!(out, "\tlladdr {}", hexadecimal(&link.mac, ":"))?;
    }
    writeln!(out, "\tindex {}", link.index)?;

    let carp = &link.carp;
    let state = state_name(carp.state);
    let parent = Plain(group.parent.as_deref().unwrap_or("none"));
    if group.is_balanced() {
        print_nodes(out, &parent, carp)?;
    } else {
        write!(out, "\tcarp: {state} carpdev {parent}")?;
        match carp.vhid {
            Some(vhid) => write!(out, " vhid {vhid}")?,
            None => write!(out, " vhid none")?,
        }
        writeln!(out, " advbase {} advskew {}", carp.advbase, carp.advskew)?;
    }
    if carp.missing != 0 {
        writeln!(out, "\tmissing: {}", missing_names(carp.missing).join(" "))?;
    }
    if link.group != 0 {
        writeln!(out, "\tgroups: {}", link.group)?;
    }
    writeln!(out, "\tstatus: {}", state.to_lowercase())?;
    for address in &group.addresses {
        print_address(out, address)?;
    }
    Ok(())
}

/// A line for what all nodes have, and one for each of them.
fn print_nodes(out: &mut dyn Write, parent: &Plain<'_>, carp: &Parameters) -> io::Result<()> {
    let balancing = balancing_name(carp.balancing);
    let advbase = carp.advbase;
    write!(
        out,
        "\tcarp: carpdev {parent} advbase {advbase} balancing {balancing}"
    )?;
    // OpenBSD has only the other one.
    if carp.selection != CARP_SELECTION_ADDRESSES {
        write!(out, " selection {}", selection_name(carp.selection))?;
    }
    writeln!(out)?;
    for node in &carp.nodes {
        let state = state_name(node.state);
        writeln!(
            out,
            "\t\tstate {state} vhid {} advskew {}",
            node.vhid, node.advskew
        )?;
    }
    Ok(())
}

fn print_address(out: &mut dyn Write, address: &Address) -> io::Result<()> {
    match address.ip {
        IpAddr::V4(ip) => {
            write!(out, "\tinet {ip} netmask {:#010x}", mask(address.prefix))?;
            if let Some(broadcast) = address.broadcast {
                write!(out, " broadcast {broadcast}")?;
            }
            writeln!(out)
        }
        IpAddr::V6(ip) => writeln!(out, "\tinet6 {ip} prefixlen {}", address.prefix),
    }
}
