# SPDX-License-Identifier: GPL-2.0
"""A BACKUP is silent: a minute of capture on its parent shows no frame from the virtual MAC,
no group report for the carp device, and nothing that names a virtual address, through up and
down, address changes, carrier changes and the module's loading.
"""

import contextlib
import subprocess

import packets
import pytest
from carp import Group, group, master
from gateways import CLIENT, CLIENT_MAC, VIRTUAL_MAC
from test_bond import bond
from test_bridge import on_a_bridge
from topology import eventually
from wire import Capture, Injector, arp_request

V4, V6, LINK_LOCAL = ["192.0.2.1", "192.0.2.2"], ["2001:db8::1", "2001:db8::2"], "fe80::1"
ADDRESSES = ["192.0.2.1/24", "192.0.2.2/32", "2001:db8::1/64", "2001:db8::2/128", "fe80::1/64"]
VIRTUAL = {*V4, *V6, LINK_LOCAL}


def names_a_virtual_address(frame):
    if frame.source == VIRTUAL_MAC:
        return True
    if frame.arp:
        return frame.arp["sender"] in VIRTUAL
    found = packets.nd(frame)
    if found and (found["target"] in VIRTUAL or found["source"] in VIRTUAL):
        return True
    groups = {packets.solicited_node(address) for address in (*V6, LINK_LOCAL)}
    if groups.intersection(packets.groups_reported(frame)):
        return True
    return bool(frame.ip) and frame.ip["source"] in VIRTUAL


@contextlib.contextmanager
def silence(host, seconds=60, interface="eth0"):
    """Nothing of a BACKUP is to be heard from here until `seconds` after the block's end."""
    with Capture(host.ns, interface, "out") as capture:
        yield capture
        frames = capture.frames + capture.during(seconds)
    assert [frame for frame in frames if names_a_virtual_address(frame)] == []


@pytest.fixture
def backup(rachael, pris, segment):
    """pris is the BACKUP of rachael, with forwarding on, and has not been anything else."""
    master(rachael, *ADDRESSES)
    pris.sysctl("net.ipv4.ip_forward", 1)
    pris.sysctl("net.ipv6.conf.all.forwarding", 1)
    return lambda **options: group(pris, *ADDRESSES, **{"advskew": 100, **options})


def test_a_minute_as_backup(backup, pris):
    """From before the device is made."""
    with silence(pris):
        made = backup()
        made.wait("BACKUP", 2)
    assert (made.state, made.status()["transitions"]) == ("BACKUP", 1)
    assert made.counters()["tx_v4"] == made.counters()["tx_v6"] == made.counters()["announcements"] == 0


def test_up_and_down(backup, pris):
    made = backup()
    with silence(pris):
        for _ in range(3):
            made.down()
            made.up()
            made.wait("BACKUP", 2)
    assert made.state == "BACKUP"


def test_parent_down_and_up(backup, pris):
    made = backup()
    with silence(pris):
        for _ in range(3):
            pris.rtnl.down("eth0")
            pris.rtnl.up("eth0")
            made.wait("BACKUP", 5)
    assert made.state == "BACKUP"


@pytest.mark.both_clocks
def test_carrier_changes(backup, pris, segment):
    made = backup()
    with silence(pris):
        for _ in range(3):
            segment.unplug(pris)
            made.wait("INIT", 2)
            segment.replug(pris)
            made.wait("BACKUP", 5)
    assert made.state == "BACKUP"


def test_address_changes(backup, pris):
    """Added, removed, added again, on the BACKUP alone; the lists must agree in the end."""
    made = backup()
    with silence(pris):
        for address in ADDRESSES[1:]:
            made.remove_address(address)
        for address in ADDRESSES[1:]:
            made.add_address(address)
    assert made.state == "BACKUP"


def test_forwarding_switched(backup, pris):
    made = backup()
    with silence(pris):
        for value in (0, 1, 0):
            pris.sysctl("net.ipv4.ip_forward", value)
            pris.sysctl("net.ipv6.conf.all.forwarding", value)
    assert made.state == "BACKUP"


def test_parameters_changed(backup, pris):
    made = backup()
    with silence(pris):
        made.set(advskew=50)
        made.set(advbase=2)
        made.set(advbase=1, advskew=200)
    assert made.state == "BACKUP"


def test_asked_in_every_way(backup, pris, client):
    """Questions for the virtual addresses, to everybody and to the virtual MAC, provoke nothing."""
    made = backup()
    made.wait("BACKUP", 2)
    client.batch(f"link set eth0 address {CLIENT_MAC}", "address add 2001:db8::50/64 dev eth0 nodad")

    with silence(pris, 10), Injector(pris.segment, "pris") as injector:
        for target in V4:
            injector.send(arp_request(CLIENT_MAC, CLIENT["v4"], target))
            injector.send(arp_request(CLIENT_MAC, CLIENT["v4"], target, VIRTUAL_MAC))
            injector.send(arp_request(CLIENT_MAC, "0.0.0.0", target))
        for target in (*V6, LINK_LOCAL):
            source = "fe80::50" if target == LINK_LOCAL else "2001:db8::50"
            injector.send(packets.neighbour_solicitation(CLIENT_MAC, source, target))
            injector.send(packets.neighbour_solicitation(CLIENT_MAC, source, target, target, VIRTUAL_MAC))
            injector.send(packets.neighbour_solicitation(CLIENT_MAC, "::", target))
        injector.send(packets.router_solicitation(CLIENT_MAC, "fe80::50"))
    assert made.state == "BACKUP"


@pytest.mark.parametrize("parent", ["bond", "bridge", "vlan", "another MAC"])
def test_other_parents(segment, rachael, parent):
    """Heard at the segment's ports: a bond's and a bridge's own words, too, as cables fail and ports come."""
    pris = segment.host("pris", "192.0.2.12/24")
    name = {"bond": "bond0", "bridge": "br0", "vlan": "eth0.5"}.get(parent, "eth0")
    if parent == "bond":
        bond(pris, segment, address="192.0.2.12/24")
    elif parent == "bridge":
        on_a_bridge(pris, "192.0.2.12/24")
    elif parent == "vlan":
        for host in (rachael, pris):
            host.batch("link add link eth0 name eth0.5 type vlan id 5", "link set eth0.5 up")
    master(rachael, *ADDRESSES, parent="eth0.5" if parent == "vlan" else "eth0")
    made = group(pris, *ADDRESSES, parent=name, advskew=100)
    made.wait("BACKUP", 5)
    ports = ["pris", "pris1"] if parent == "bond" else ["pris"]
    with contextlib.ExitStack() as stack:
        captures = [stack.enter_context(Capture(segment.ns, port, "in")) for port in ports]
        for number in range(3):
            if parent == "bond":
                segment.rtnl.down(ports[number % 2])
                eventually(lambda: f"Currently Active Slave: eth{1 - number % 2}" in bonding(pris), 2, "the other cable")
                segment.rtnl.up(ports[number % 2])
            elif parent == "bridge":
                pris.batch("link add w0 type veth peer name w1", "link set w1 up", "link set w0 master br0 up")
                captures[0].during(3)
                pris.ip("link", "del", "w0")
            elif parent == "vlan":
                pris.rtnl.down("eth0")
                pris.rtnl.up("eth0")
            else:
                pris.ip("link", "set", "eth0", "address", f"02:00:00:00:00:a{number}")
            made.wait("BACKUP", 5)
            captures[0].during(5)
        frames = [frame for capture in captures for frame in capture.frames + capture.during(10)]
    assert frames, "the host itself is silent"
    assert made.state == "BACKUP"
    assert [frame for frame in frames if names_a_virtual_address(frame)] == []


def bonding(host):
    return host.run("cat", "/proc/net/bonding/bond0").stdout


def test_somebody_else_claims_the_address(backup, pris):
    """A BACKUP does not defend what is not its own: neither against ARP nor against ND."""

    made = backup()
    made.wait("BACKUP", 2)
    with silence(pris, 10), Injector(pris.segment, "pris") as injector:
        injector.send(arp_request(CLIENT_MAC, V4[0], V4[0]))
        injector.send(packets.neighbour_advertisement(CLIENT_MAC, V6[0], V6[0]))
    assert made.state == "BACKUP"


def test_module_load(pris, rachael):
    """The module goes and comes: what had been a BACKUP leaves no word, and what becomes one is silent."""
    master(rachael, *ADDRESSES)
    group(pris, *ADDRESSES, advskew=100).wait("BACKUP", 2)
    with silence(pris):
        subprocess.run(["rmmod", "carp"], check=True)
        subprocess.run(["modprobe", "carp"], check=True)
        master(rachael, *ADDRESSES)
        made = group(pris, *ADDRESSES, advskew=100)
        made.wait("BACKUP", 2)
    assert made.state == "BACKUP"


def test_an_incomplete_group_is_silent(pris):
    """INIT: made, but with no number, and then never allowed."""
    pris.sysctl("net.inet.carp.allow", 0)
    with silence(pris):
        made = Group(pris)
        made.create()
        made.up()
        made.add_address(*ADDRESSES)
        made.set(vhid=1)
    assert made.state == "INIT"


def test_after_mastership_nothing_more_than_the_farewell(rachael, pris):
    """A MASTER that yields becomes silent: after its last advertisement nothing is from the virtual MAC."""
    pris.sysctl("net.ipv4.ip_forward", 1)
    was = master(pris, *ADDRESSES, advskew=100)
    rachael.sysctl("net.inet.carp.preempt", 1)
    group(rachael, *ADDRESSES).wait("MASTER")
    was.wait("BACKUP", 2)
    with silence(pris):
        pass
    assert was.state == "BACKUP"
