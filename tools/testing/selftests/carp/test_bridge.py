# SPDX-License-Identifier: GPL-2.0
"""A bridge as parent.

     client ---- segment ---- eth0 [ rachael: br0 ] w0 ---- eth0 inner
"""

import pytest

import kernel_log
from carp import Group, group, master, virtual_mac
from gateways import mac_of
from test_data import CLIENT_MAC, echo_request
from test_partition import heal
from topology import Host, eventually, run
from wire import Capture, Injector


class Inner(Host):
    """A host behind a port of rachael's bridge."""

    def plug(self, host, lines=(), **_):
        self.outer.batch(f"link add w0 type veth peer name eth0 netns {self.ns}", "link set w0 master br0 up")
        host.batch("link set eth0 up", *lines)

    def __init__(self, outer, name, *addresses):
        self.outer = outer
        super().__init__(self, name, *addresses)
        self.segment = outer.segment
        self.segment.hosts.append(self)


def on_a_bridge(host, address):
    """The host with br0 as its interface to the segment."""
    host.batch("address flush dev eth0", "link add br0 type bridge forward_delay 0 mcast_snooping 0",
               "link set eth0 master br0", "link set br0 up", f"address add {address} dev br0")
    return host


@pytest.fixture
def bridged(rachael):
    return on_a_bridge(rachael, "192.0.2.11/24")


@pytest.fixture
def inner(bridged):
    return Inner(bridged, "inner", "192.0.2.13/24")


def entries(host, bridge="br0", vhid=1):
    """What the bridge's table has of the virtual MAC for its own host (not the unicast filter)."""
    shown = run("bridge", "-n", host.ns, "fdb", "show", "br", bridge).stdout
    return sorted(line for line in shown.splitlines()
                  if line.startswith(f"{virtual_mac(vhid)} dev {bridge}") and " master " in line)


def test_master_on_a_bridge_keeps_its_frames(bridged, inner, client):
    """Nothing for the virtual MAC goes to the other ports."""
    made = master(bridged, parent="br0")
    eventually(lambda: entries(bridged), 1, "the bridge's entry")
    bridged.ip("neigh", "replace", "192.0.2.50", "lladdr", CLIENT_MAC, "dev", "br0")
    with Capture(inner.ns, "eth0", "in") as behind, Capture(client.ns, "eth0", "in") as answers, Injector(client) as injector:
        injector.send(echo_request("192.0.2.1"))
        answers.until(lambda f: f.ip and f.ip["source"] == "192.0.2.1" and f.ip["protocol"] == 1, 1, "the answer")
        assert [f for f in behind.during(0.5) if f.destination == virtual_mac(1)] == []
    made.delete()
    assert entries(bridged) == []


def test_entry_goes_when_mastership_does(bridged):
    """A BACKUP, a group in INIT and one with another vhid have none."""
    made = master(bridged, parent="br0")
    eventually(lambda: entries(bridged), 1, "the bridge's entry")
    made.set(state="backup")
    eventually(lambda: not entries(bridged), 1, lambda: entries(bridged))
    made.wait("MASTER")
    eventually(lambda: entries(bridged), 1, "the bridge's entry")
    made.down()
    assert entries(bridged) == []
    made.up()
    made.wait("MASTER")
    eventually(lambda: entries(bridged), 1, "the bridge's entry")
    made.set(vhid=2)
    eventually(lambda: not entries(bridged), 1, lambda: entries(bridged))
    made.wait("MASTER")
    eventually(lambda: entries(bridged, vhid=2), 1, "the bridge's entry")
    assert entries(bridged) == []


@pytest.mark.both_clocks
def test_backup_on_a_bridge_lets_frames_pass_to_the_master_behind_a_port(bridged, inner, client):
    """And the log has no word of an own address."""
    log = kernel_log.KernelLog()
    theirs = master(inner)
    ours = group(bridged, parent="br0", advbase=2, advskew=100)
    ours.wait("BACKUP")
    client.run("ping", "-c", "10", "-i", "0.5", "-W", "1", "192.0.2.1")
    assert (ours.state, theirs.state) == ("BACKUP", "MASTER")
    # It takes over, and gives it back.
    theirs.down()
    ours.wait("MASTER")
    client.run("ping", "-c", "3", "-i", "0.1", "-W", "1", "192.0.2.1")
    eventually(lambda: entries(bridged), 1, "the bridge's entry")
    ours.set(state="backup")
    eventually(lambda: not entries(bridged), 1, lambda: entries(bridged))
    theirs.up()
    theirs.wait("MASTER")
    client.run("ping", "-c", "3", "-i", "0.1", "-W", "1", "192.0.2.1")
    assert [line for line in log.read() if "own address" in line] == []


def test_frames_are_taken_before_the_bridge_knows(bridged, client):
    """The first frame after the takeover, for which the bridge has the port of the last MASTER in its table."""
    bridged.ip("neigh", "replace", "192.0.2.50", "lladdr", CLIENT_MAC, "dev", "br0")
    group(bridged, parent="br0")
    with Capture(client.ns, "eth0", "in") as capture, Injector(client) as injector:
        # Rachael's bridge believes the virtual MAC behind its port to the segment.
        injector.send(bytes.fromhex("ffffffffffff" + virtual_mac(1).replace(":", "") + "88b5") + bytes(46))
        capture.advertisement(6)
        injector.send(echo_request("192.0.2.1"))
        capture.until(lambda f: f.ip and f.ip["source"] == "192.0.2.1" and f.ip["protocol"] == 1, 1, "the answer")


def test_vlans_of_a_bridge_have_entries_of_their_own(bridged):
    """The same vhid on the bridge and on a VLAN of it: MASTER here, BACKUP there."""
    bridged.batch("link set br0 type bridge vlan_filtering 1", "link add link br0 name br0.10 type vlan id 10",
                  "link set br0.10 up", "address add 198.51.100.11/24 dev br0.10")
    run("bridge", "-n", bridged.ns, "vlan", "add", "vid", "10", "dev", "br0", "self")
    master(bridged, parent="br0")
    tagged = group(bridged, "198.51.100.1/32", name="carp1", parent="br0.10", advbase=3)
    eventually(lambda: entries(bridged), 1, "the bridge's entry")
    assert ["vlan 1 " in line for line in entries(bridged)] == [True]
    tagged.wait("MASTER")
    eventually(lambda: len(entries(bridged)) == 2, 1, lambda: entries(bridged))
    assert any("vlan 10 " in line for line in entries(bridged))
    Group(bridged).delete()
    assert ["vlan 10 " in line for line in entries(bridged)] == [True]


def test_a_vlan_in_a_vlan_has_an_entry_in_the_outer_one(bridged):
    """Which is the tag that the bridge sees; it was in the inner one, and swallowed another segment's frames."""
    bridged.batch("link set br0 type bridge vlan_filtering 1", "link add link br0 name br0.10 type vlan id 10",
                  "link set br0.10 up", "link add link br0.10 name inner type vlan id 20", "link set inner up",
                  "address add 198.51.100.11/24 dev inner")
    for vid in ("10", "20"):
        run("bridge", "-n", bridged.ns, "vlan", "add", "vid", vid, "dev", "br0", "self")
    master(bridged, "198.51.100.1/32", parent="inner")
    eventually(lambda: entries(bridged), 1, "the bridge's entry")
    assert ["vlan 10 " in line for line in entries(bridged)] == [True]


@pytest.mark.parametrize("bridge, vlan", [("802.1ad", "802.1Q"), ("802.1Q", "802.1ad")])
def test_a_tag_that_the_bridge_does_not_read_is_no_vlan_of_its(bridged, bridge, vlan):
    """It is content, and the frame in the VLAN of what is not tagged. The entry was in a VLAN of the same number,
    and swallowed another segment's frames."""
    bridged.batch(f"link set br0 type bridge vlan_filtering 1 vlan_protocol {bridge}",
                  f"link add link br0 name inner type vlan protocol {vlan} id 10", "link set inner up",
                  "address add 198.51.100.11/24 dev inner")
    run("bridge", "-n", bridged.ns, "vlan", "add", "vid", "10", "dev", "br0", "self")
    master(bridged, "198.51.100.1/32", parent="inner")
    eventually(lambda: entries(bridged), 1, "the bridge's entry")
    assert ["vlan 1 " in line for line in entries(bridged)] == [True]


def kept(host):
    """{device: VLANs of its entries in the bridge's table}, for vhids 1 and 2; 0 is without VLAN."""
    found = {}
    for vhid, name in ((1, "br0"), (2, "br0.10")):
        lines = map(str.split, entries(host, vhid=vhid))
        found[name] = sorted(int(words[words.index("vlan") + 1]) if "vlan" in words else 0 for words in lines)
    return found


def test_entries_stay_behind_when_the_bridge_learns_of_vlans(bridged, inner, client):
    """A MASTER's frames went to all ports again once VLANs were told apart, or the bridge had another one for
    what is not tagged. The kernel does not tell of the last kind of change; the next one is as good."""
    bridged.batch("link add link br0 name br0.10 type vlan id 10", "link set br0.10 up")
    run("bridge", "-n", bridged.ns, "vlan", "add", "vid", "10", "dev", "br0", "self")
    master(bridged, parent="br0")
    master(bridged, "198.51.100.1/32", name="carp1", parent="br0.10", vhid=2)
    bridged.ip("neigh", "replace", "192.0.2.50", "lladdr", CLIENT_MAC, "dev", "br0")

    def nothing_floods(expected):
        eventually(lambda: kept(bridged) == expected, 1, lambda: f"{expected}; it is {kept(bridged)}")
        with Capture(inner.ns, "eth0", "in") as behind, Capture(client.ns, "eth0", "in") as answers, Injector(client) as injector:
            injector.send(echo_request("192.0.2.1"))
            answers.until(lambda f: f.ip and f.ip["source"] == "192.0.2.1" and f.ip["protocol"] == 1, 1, "the answer")
            assert [f for f in behind.during(0.3) if f.destination == virtual_mac(1)] == []

    nothing_floods({"br0": [0, 1, 10], "br0.10": [0, 1, 10]})  # an entry without VLAN is one in each
    bridged.ip("link", "set", "br0", "type", "bridge", "vlan_filtering", "1")
    nothing_floods({"br0": [1], "br0.10": [10]})
    for port in ("br0", "eth0", "w0"):
        run("bridge", "-n", bridged.ns, "vlan", "add", "vid", "20", "dev", port, "pvid", "untagged",
            *(["self"] if port == "br0" else []))
    bridged.ip("link", "set", "br0", "type", "bridge", "ageing_time", "20000")
    nothing_floods({"br0": [20], "br0.10": [10]})
    bridged.ip("link", "set", "br0", "type", "bridge", "vlan_filtering", "0")
    nothing_floods({"br0": [0, 1, 10, 20], "br0.10": [0, 1, 10, 20]})


def test_last_advertisement_is_kept_by_the_bridge_of_the_one_that_steps_down(rachael, pris, segment):
    """It keeps what is for the virtual MAC of a MASTER. The one that stays hears of the other one nevertheless,
    once."""
    first = master(rachael)
    segment.cut(pris)
    second = master(on_a_bridge(pris, "192.0.2.12/24"), parent="br0", advskew=100)
    eventually(lambda: entries(pris), 1, "the bridge's entry")
    with Capture("rachael", "eth0", "in") as capture:
        heal(segment, pris, "rachael")
        second.wait("BACKUP", 2)
        frame = capture.until(lambda f: f.advertisement and f.destination == virtual_mac(1), 2)
        later = capture.during(5)
    assert frame.source == mac_of(pris, "br0")
    assert [f for f in later if f.advertisement or f.source == virtual_mac(1)] == []
    assert [made.counters()["other_master"] for made in (first, second)] == [1, 1]
    assert (first.state, second.state) == ("MASTER", "BACKUP")
