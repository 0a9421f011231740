# SPDX-License-Identifier: GPL-2.0
"""A real network card as parent: the guest has two (virtio), joined by a cable."""

import json
import pathlib

import pytest

from carp import group, master, virtual_mac
from rtnl import Refused
from test_data import CLIENT_MAC, echo_request
from topology import Host, eventually, run
from wire import Capture, Injector

pytestmark = pytest.mark.real  # the cable is a pair of sockets of the emulator's
DRIVER = pathlib.Path("/sys/bus/virtio/drivers/virtio_net")


def cards():
    """The cards that are in the namespace of the tests, by the names of their virtio devices."""
    return {path.name: net.name for path in sorted(DRIVER.glob("virtio*")) for net in path.glob("net/*")}


class Wired(Host):
    """A host whose eth0 is a card."""

    def plug(self, host, lines=(), **_):
        run("ip", "link", "set", self.interface, "netns", self.ns, "name", "eth0")
        host.batch("link set eth0 up", *lines)

    def __init__(self, interface, name, *addresses):
        self.interface = interface
        super().__init__(self, name, *addresses)
        self.hosts = [self]


@pytest.fixture
def pair(segment):
    """Two hosts and their virtio devices."""
    # A card returns from a namespace that was deleted some time after.
    found = eventually(lambda: len(both := list(cards().items())) == 2 and both, 10, "two cards")
    names = {}
    hosts = []
    for (bus, interface), (name, address) in zip(found, (("roy", "192.0.2.11/24"), ("leon", "192.0.2.50/24"))):
        names[name] = bus
        hosts.append(Wired(interface, name, address))
    for host in hosts:
        eventually(lambda host=host: host.rtnl.link("eth0")[33][0], 5, "carrier")
    yield hosts, names
    for host in hosts:
        run("ip", "-n", host.ns, "link", "set", "eth0", "netns", "1", "name", names[host.name], check=False)
        host.rtnl.close()
        run("ip", "netns", "del", host.ns)


def link(host, interface):
    return json.loads(run("ip", "-n", host.ns, "-d", "-j", "link", "show", "dev", interface).stdout)[0]


def test_card_filters_for_the_virtual_mac(pair):
    """Frames to it arrive, without promiscuous mode, and no longer when the group is gone."""
    (roy, leon), _ = pair
    made = master(roy)
    leon.run("ping", "-c", "3", "-i", "0.2", "-W", "2", "192.0.2.1")
    assert link(roy, "eth0")["promiscuity"] == 0
    made.delete()
    with Capture(roy.ns, "eth0", "in") as capture, Injector(leon) as injector:
        injector.send(echo_request("192.0.2.11"))
        injector.send(echo_request("192.0.2.11", "ff:ff:ff:ff:ff:ff"))
        capture.until(lambda f: f.destination == "ff:ff:ff:ff:ff:ff" and f.source == CLIENT_MAC, 2, "the broadcast")
        # (A capture on one device does not make it promiscuous.)
        assert [f for f in capture.frames if f.destination == virtual_mac(1)] == []


def test_card_fails_over(pair):
    """Two cards on one cable: elected, failed over by a lost carrier, and back."""
    (roy, leon), _ = pair
    ours, theirs = master(roy), group(leon, advskew=100)
    theirs.wait("BACKUP")
    roy.ip("link", "set", "eth0", "down")
    theirs.wait("MASTER", 5)
    ours.wait("INIT", 1, reason="parent-down")
    roy.ip("link", "set", "eth0", "up")
    roy.sysctl("net.inet.carp.preempt", 1)
    ours.wait("MASTER", 8)
    theirs.wait("BACKUP", 5)


def test_card_filters_for_ipv6(pair):
    """Two cards elect over IPv6, whose advertisements pass the BACKUP's filter; who does not know the
    address finds it, so that its solicitations pass the MASTER's. Nothing is promiscuous."""
    (roy, leon), _ = pair
    for host, number in ((roy, 11), (leon, 50)):
        host.batch("address flush dev eth0 scope global", f"address add 2001:db8:1::{number}/64 dev eth0 nodad")
        host.settled()
    virtual = "2001:db8:1::1"
    ours = master(roy, f"{virtual}/128")
    theirs = group(leon, f"{virtual}/128", advskew=100)
    theirs.wait("BACKUP")

    def heard():
        return theirs.counters()["rx_v6"]

    before = heard()
    eventually(lambda: heard() >= before + 3, 5, lambda: f"{heard() - before} advertisements heard")
    assert (ours.state, theirs.state, theirs.status()["transitions"]) == ("MASTER", "BACKUP", 1)
    leon.ip("neighbour", "flush", "dev", "eth0")
    leon.run("ping", "-6", "-c", "3", "-i", "0.2", "-W", "2", virtual)
    shown = json.loads(run("ip", "-n", leon.ns, "-j", "neigh", "show", virtual).stdout)
    assert [entry["lladdr"] for entry in shown] == [virtual_mac(1)]
    assert [link(host, "eth0")["promiscuity"] for host in (roy, leon)] == [0, 0]


def test_vlan_on_a_card(pair):
    (roy, leon), _ = pair
    for host, address in ((roy, "198.51.100.11/24"), (leon, "198.51.100.50/24")):
        host.batch("link add link eth0 name eth0.5 type vlan id 5", "link set eth0.5 up", f"address add {address} dev eth0.5")
    master(roy, "198.51.100.1/32", parent="eth0.5")
    leon.run("ping", "-c", "3", "-i", "0.2", "-W", "2", "198.51.100.1")
    assert (link(roy, "eth0.5")["promiscuity"], link(roy, "eth0")["promiscuity"]) == (0, 0)


@pytest.mark.parametrize("fail_over_mac", ["none", "active"])
def test_bond_on_a_card(pair, fail_over_mac):
    """The bond hands the virtual MAC down to the card's filter, and the next time, when the card was away."""
    (roy, leon), _ = pair
    roy.batch("address flush dev eth0", f"link add bond0 type bond mode active-backup miimon 50 fail_over_mac {fail_over_mac}",
              "link set eth0 down", "link set eth0 master bond0", "link set bond0 up", "address add 192.0.2.11/24 dev bond0")
    made = master(roy, "192.0.2.1/32", "2001:db8::1/128", parent="bond0")
    leon.run("ping", "-c", "3", "-i", "0.2", "-W", "2", "192.0.2.1")
    assert [link(roy, name)["promiscuity"] for name in ("bond0", "eth0")] == [0, 0]
    roy.ip("link", "set", "eth0", "nomaster")
    made.wait("INIT", 5, reason="no-carrier")
    roy.batch("link set eth0 down", "link set eth0 master bond0")
    made.wait("MASTER", 10)
    leon.run("ping", "-c", "3", "-i", "0.2", "-W", "2", "192.0.2.1")
    assert [link(roy, name)["promiscuity"] for name in ("bond0", "eth0")] == [0, 0]


def test_driver_is_bound_again(pair):
    """The card goes, and the group with it; when it is back, a new group is made on it as before."""
    (roy, leon), names = pair
    master(roy)
    for _ in range(3):
        (DRIVER / "unbind").write_text(names["roy"])
        with pytest.raises(Refused):
            roy.rtnl.link("carp0")
        (DRIVER / "bind").write_text(names["roy"])
        interface = eventually(lambda: cards().get(names["roy"]), 5, "the card")
        run("ip", "link", "set", interface, "netns", roy.ns, "name", "eth0")
        roy.batch("link set eth0 up", "address add 192.0.2.11/24 dev eth0")
        made = group(roy)
        made.wait("MASTER", 10)
        leon.run("ping", "-c", "2", "-i", "0.2", "-W", "2", "192.0.2.1")
