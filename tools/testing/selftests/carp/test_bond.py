# SPDX-License-Identifier: GPL-2.0
"""A bond as parent: two cables from a host to the segment, of which one is in use."""

import pytest

from carp import master, virtual_mac
from topology import eventually, run
from wire import Capture

MS = 1_000_000


def bond(host, segment, fail_over_mac="none", address="192.0.2.11/24"):
    segment.plug(host, "eth1", f"{host.name}1")
    host.batch("address flush dev eth0",
               f"link add bond0 type bond mode active-backup miimon 20 fail_over_mac {fail_over_mac}",
               "link set eth0 down", "link set eth0 master bond0", "link set eth1 down", "link set eth1 master bond0",
               "link set bond0 type bond active_slave eth0", "link set bond0 up", f"address add {address} dev bond0")


def learned(segment, vhid=1):
    """The port behind which the segment's bridge has seen the virtual MAC."""
    shown = run("bridge", "-n", segment.ns, "fdb", "show", "br", "br0").stdout
    return [line.split()[2] for line in shown.splitlines() if line.startswith(virtual_mac(vhid))]


@pytest.mark.parametrize("fail_over_mac", ["none", "active", "follow"])
def test_slave_failover_announces_again(rachael, client, segment, fail_over_mac):
    """The segment's bridge knows the new port of the virtual MAC, and clients reach the address, without a
    change of state, with the first frame from the new slave."""
    bond(rachael, segment, fail_over_mac)
    made = master(rachael, "192.0.2.1/32", "2001:db8::1/128", parent="bond0")
    client.run("ping", "-c", "1", "-W", "2", "192.0.2.1")
    with Capture(client.ns, "eth0", "in") as capture:
        segment.unplug(rachael)
        capture.until(lambda f: f.arp and f.arp["sender"] == "192.0.2.1" and f.source == virtual_mac(1), 1, "a gratuitous ARP")
        capture.until(lambda f: f.ip and f.ip["source"] == "2001:db8::1" and f.source == virtual_mac(1), 1, "an unsolicited NA")
    assert learned(segment) == ["rachael1"]
    client.run("ping", "-c", "3", "-i", "0.1", "-W", "1", "192.0.2.1")
    # And back, when the other cable fails.
    segment.replug(rachael)
    segment.rtnl.down("rachael1")
    eventually(lambda: learned(segment) == ["rachael"], 1, lambda: learned(segment))
    client.run("ping", "-c", "3", "-i", "0.1", "-W", "1", "192.0.2.1")
    now = made.status()
    assert (now["state"], now["transitions"]) == ("MASTER", 2)


@pytest.mark.parametrize("parent", ["br0", "br0.5"])
def test_slave_failover_below_a_bridge_announces_again(rachael, segment, parent):
    """A bridge hands on of its ports that memberships have to be told again, and nothing else: the segment had
    the virtual MAC behind the old cable until the next advertisement."""
    bond(rachael, segment)
    rachael.batch("address flush dev bond0", "link add br0 type bridge forward_delay 0", "link set bond0 master br0",
                  "link set br0 up", "link add link br0 name br0.5 type vlan id 5", "link set br0.5 up",
                  f"address add 192.0.2.11/24 dev {parent}")
    master(rachael, parent=parent, advbase=20)
    assert learned(segment) == ["rachael"]
    rachael.ip("link", "set", "bond0", "type", "bond", "active_slave", "eth1")
    eventually(lambda: learned(segment) == ["rachael1"], 1, lambda: learned(segment))


def test_bond_without_carrier(rachael, segment):
    """Both cables are out: INIT, and MASTER again when one is back."""
    bond(rachael, segment)
    made = master(rachael, parent="bond0")
    segment.unplug(rachael)
    segment.rtnl.down("rachael1")
    made.wait("INIT", 2, reason="no-carrier")
    segment.rtnl.up("rachael1")
    made.wait("MASTER", 5)


@pytest.mark.both_clocks
def test_slave_that_comes_later_receives_for_the_virtual_mac(rachael, client, segment):
    """The unicast filter and the groups are the bond's, and go to each new slave."""
    bond(rachael, segment)
    master(rachael, parent="bond0")
    rachael.batch("link set eth0 nomaster", "link set eth1 nomaster", "link set eth1 down",
                  "link set eth1 master bond0")
    shown = rachael.ip("maddr", "show", "dev", "eth1").stdout
    assert "01:00:5e:00:00:12" in shown and "33:33:00:00:00:12" in shown
    assert virtual_mac(1) in run("bridge", "-n", rachael.ns, "fdb", "show", "dev", "eth1").stdout
    client.run("ping", "-c", "1", "-W", "5", "192.0.2.1")


def test_neighbours_are_told_when_a_parent_asks_for_it(rachael, client):
    """NETDEV_NOTIFY_PEERS, as after the live migration of a virtual machine: here by a new MAC of the parent."""
    master(rachael)
    with Capture(client.ns, "eth0", "in") as capture:
        rachael.ip("link", "set", "eth0", "address", "02:00:00:00:00:aa")
        capture.until(lambda f: f.arp and f.arp["sender"] == "192.0.2.1" and f.source == virtual_mac(1), 1, "a gratuitous ARP")
