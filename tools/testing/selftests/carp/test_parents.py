# SPDX-License-Identifier: GPL-2.0
"""What may be a parent, what happens to it, and what the group makes of it.
(test_bond.py, test_bridge.py and test_virtio.py have kinds of their own.)
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
import struct
import subprocess
import time

import pytest

import packets
from carp import Group, group, master, virtual_mac
from rtnl import is_gone
from test_data import CLIENT_MAC, echo_request
from test_takeover import rtnl_held
from topology import eventually, inside, run
from wire import Capture, Injector, advertisements, mac


def link(host, interface):
    return json.loads(run("ip", "-n", host.ns, "-d", "-j", "link", "show", "dev", interface).stdout)[0]


def filters(host, interface):
    """Whether the parent receives what CARP wants: virtual MAC, 224.0.0.18, ff02::12."""
    fdb = run("bridge", "-n", host.ns, "fdb", "show", "dev", interface).stdout
    groups = host.ip("maddr", "show", "dev", interface).stdout
    return virtual_mac(1) in fdb, "224.0.0.18" in groups, "ff02::12" in groups


# ---- one rx handler ----

OTHERS = {
    "macvlan": ["link add link eth0 name other type macvlan mode bridge"],
    "ipvlan": ["link add link eth0 name other type ipvlan mode l2"],
    "bridge": ["link add other type bridge", "link set eth0 master other"],
    "bond": ["link add other type bond mode active-backup", "link set eth0 down", "link set eth0 master other"],
}


@pytest.mark.parametrize("kind", OTHERS)
def test_parent_that_another_driver_has_is_refused_by_name(rachael, kind):
    rachael.batch("address flush dev eth0", *OTHERS[kind])
    refused = Group(rachael).create(check=False, vhid=1).stderr
    assert "the parent's frames are taken already, by other" in refused
    assert is_gone(rachael, "carp0")


@pytest.mark.parametrize("kind", OTHERS)
def test_parent_of_a_group_is_refused_to_other_drivers(rachael, client, kind):
    """And the group goes on."""
    made = master(rachael)
    for line in OTHERS[kind]:
        done = rachael.ip(*line.split(), check=False)
    assert done.returncode and ("busy" in done.stderr or "in use" in done.stderr)
    rachael.ip("link", "set", "eth0", "up")
    made.wait("MASTER")
    client.run("ping", "-c", "1", "-W", "2", "192.0.2.1")


# ---- a share of a card ----

SHARES = {
    "macvlan": ("macvlan mode bridge", "share is a macvlan: it hears its own MAC only, but in passthru mode"),
    "macvlan of given sources": ("macvlan mode source", "share is a macvlan"),
    "macvtap": ("macvtap mode vepa", "share is a macvtap: its frames are for who opens it"),
    "macvtap alone": ("macvtap mode passthru", "share is a macvtap"),
    "ipvlan": ("ipvlan mode l2", "share is an ipvlan: it hears its own IP addresses only"),
}


@pytest.mark.parametrize("kind", SHARES)
def test_parent_that_has_a_share_of_a_card_is_refused(rachael, kind):
    """It hears nothing that is for the virtual MAC. The group was MASTER, answered to ARP, and nobody was there."""
    what, sentence = SHARES[kind]
    rachael.batch("address flush dev eth0", f"link add link eth0 name share type {what}",
                  "address add 192.0.2.11/24 dev share")
    # The kernel takes none on an ipvlan.
    vlan = rachael.ip(*"link add link share name share.5 type vlan id 5".split(), check=False)
    for parent in ["share"] + ["share.5"] * (vlan.returncode == 0):
        refused = Group(rachael).create(check=False, parent=parent, vhid=1).stderr
        assert sentence in refused, parent
    # Nor is it found by an address.
    rachael.batch("link add carp0 type carp vhid 1", "address add 192.0.2.1/24 dev carp0")
    assert "link" not in link(rachael, "carp0")


def test_a_parent_whose_name_is_not_ascii_is_named_as_it_is(rachael):
    """Each byte of it was a character in refusals and in the log."""
    rachael.batch("link add lanö type veth peer name other", "link set lanö up")
    group(rachael, parent="lanö")
    assert "vhid 1 is used already on lanö." in Group(rachael, "carp1").create(check=False, parent="lanö", vhid=1).stderr


def test_a_macvlan_that_has_the_card_to_itself_is_a_parent(rachael, client):
    rachael.batch("address flush dev eth0", "link add link eth0 name whole type macvlan mode passthru",
                  "address add 192.0.2.11/24 dev whole", "link set whole up")
    master(rachael, parent="whole")
    client.run("ping", "-c", "1", "-W", "2", "192.0.2.1")


# ---- what happens to a parent ----


def test_a_parent_does_not_stop_being_ethernet(rachael):
    """A tap that becomes a tunnel has addresses of another length: the kernel's filters were given bytes that
    were behind ours. Without a group it may."""
    TUNSETIFF, TUNSETLINK, IFF_TAP, IFF_NO_PI, IP6GRE, ETHER = 0x400454CA, 0x400454CD, 2, 0x1000, 823, 1
    run("modprobe", "tun")
    rachael.ip("tuntap", "add", "tap0", "mode", "tap")
    made = group(rachael, parent="tap0")
    with inside(rachael.ns):
        tap = os.open("/dev/net/tun", os.O_RDWR)
    try:
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", b"tap0", IFF_TAP | IFF_NO_PI))
        with pytest.raises(OSError) as refused:
            fcntl.ioctl(tap, TUNSETLINK, IP6GRE)
        assert refused.value.errno == errno.EBUSY
        assert link(rachael, "tap0")["link_type"] == "ether"
        made.delete()
        fcntl.ioctl(tap, TUNSETLINK, IP6GRE)
        assert link(rachael, "tap0")["link_type"] != "ether"
        fcntl.ioctl(tap, TUNSETLINK, ETHER)
    finally:
        os.close(tap)

EVENTS = {
    "down and up": ["link set eth0 down", "link set eth0 up"],
    "another MAC": ["link set eth0 address 02:00:00:00:00:aa"],
    "too small an MTU": ["link set eth0 mtu 600", "link set eth0 mtu 1500"],
    "renamed": ["link set eth0 down", "link set eth0 name outside", "link set outside up"],
    "renamed and back": ["link set eth0 down", "link set eth0 name outside", "link set outside up", "link set outside name eth0"],
    "no IPv6": [],
    "flushed": ["address flush dev eth0", "address add 192.0.2.11/24 dev eth0"],
    "promiscuous": ["link set eth0 promisc on", "link set eth0 promisc off"],
}


@pytest.mark.parametrize("event", EVENTS)
def test_filters_and_memberships_are_there_afterwards(rachael, client, event):
    """Pitfall P18: a parent that was reconfigured left its group deaf."""
    made = master(rachael)
    assert filters(rachael, "eth0") == (True, True, True)
    if event == "no IPv6":
        rachael.sysctl("net.ipv6.conf.eth0.disable_ipv6", 1)
        rachael.sysctl("net.ipv6.conf.eth0.disable_ipv6", 0)
    for line in EVENTS[event]:
        rachael.ip(*line.split())
    name = "outside" if event == "renamed" else "eth0"
    assert filters(rachael, name) == (True, True, True)
    assert link(rachael, made.name)["link"] == name
    made.wait("MASTER", 8)
    client.run("ping", "-c", "1", "-W", "2", "192.0.2.1")
    # It hears as well: a better one is followed.
    other = client.segment.host("pris", "192.0.2.12/24")
    other.sysctl("net.inet.carp.preempt", 1)
    made.set(advskew=100)
    better = master(other, advskew=0)
    assert (made.state, better.state) == ("BACKUP", "MASTER")
    made.delete()
    assert filters(rachael, name) == (False, False, False)


def test_carrier_lost_and_found(rachael, segment):
    made = master(rachael)
    segment.unplug(rachael)
    made.wait("INIT", 3, reason="no-carrier")
    segment.replug(rachael)
    made.wait("MASTER", 5)
    assert filters(rachael, "eth0") == (True, True, True)


def test_group_goes_with_its_parent(rachael):
    for vhid in (1, 2):
        group(rachael, f"192.0.2.{vhid}/32", name=f"carp{vhid}", vhid=vhid)
    rachael.rtnl.delete("eth0")
    assert is_gone(rachael, "carp1") and is_gone(rachael, "carp2")


def test_group_does_not_go_with_its_parent_to_another_namespace(rachael, client):
    """It is deleted, politely; the parent is free there."""
    master(rachael)
    with Capture(client.ns, "eth0", "in") as capture:
        rachael.ip("link", "set", "eth0", "netns", client.ns, "name", "eth7")
        capture.advertisement(1, bow_out=True)
    assert is_gone(rachael, "carp0") and is_gone(client, "carp0")
    client.ip("link", "set", "eth7", "up")
    assert filters(client, "eth7") == (False, False, False)
    client.ip("address", "add", "192.0.2.11/24", "dev", "eth7")
    group(client, "192.0.2.1/32", parent="eth7")


def test_carp_device_cannot_change_its_namespace(rachael, client):
    """The kernel says why."""
    made = master(rachael)
    done = rachael.ip("link", "set", "carp0", "netns", client.ns, check=False)
    assert "immutable" in done.stderr
    assert made.state == "MASTER"


def test_tcpdump_changes_nothing(rachael, pris, client, segment):
    """It listens, in promiscuous mode, on both devices of both hosts, in every state: each ping has one answer, and
    a host that is not MASTER has none, though it sees all frames."""
    groups = [group(host, up=False, advskew=skew) for host, skew in ((rachael, 0), (pris, 100))]
    with contextlib.ExitStack() as stack:

        def listen(host, device):
            process = stack.enter_context(host.background("tcpdump", "-U", "-n", "-i", device, "-w", "/dev/null",
                                                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE))
            assert "listening on" in process.stderr.readline()

        for host in (rachael, pris):
            listen(host, "eth0")
        client.ip("neigh", "replace", "192.0.2.1", "lladdr", virtual_mac(1), "dev", "eth0", "nud", "permanent")

        def answered(number):
            shown = client.run("ping", "-c", "5", "-i", "0.1", "-W", "1", "192.0.2.1", check=False).stdout
            assert f"5 packets transmitted, {number} received" in shown and "duplicates" not in shown, shown

        answered(0)
        assert groups[0].counters()["rx_not_master"] == groups[1].counters()["rx_not_master"] == 5
        for made in groups:
            made.up()
            listen(made.host, "carp0")
        groups[0].wait("MASTER")
        groups[1].wait("BACKUP")
        answered(5)
        segment.cut(rachael)
        groups[1].wait("MASTER")
        answered(5)
        segment.heal(rachael)
        groups[1].wait("BACKUP")
        answered(5)
        assert [made.status()["transitions"] for made in groups] == [2, 3]


# ---- VLANs ----

def test_same_vhid_on_several_parents(rachael, client, segment):
    """A trunk, two VLANs on it, and another card: what comes in on one is no other's business."""
    segment.plug(rachael, "eth1", "rachael1")
    rachael.ip("link", "set", "eth1", "up")
    names = ["eth0"]
    for vlan in (5, 6):
        rachael.batch(f"link add link eth0 name eth0.{vlan} type vlan id {vlan}", f"link set eth0.{vlan} up",
                      f"address add 198.51.{vlan}.11/24 dev eth0.{vlan}")
        names.append(f"eth0.{vlan}")
    segment.rtnl.down("rachael1")  # a copy of everything would come in there as well
    made = {name: group(rachael, f"198.18.0.{n}/32", name=f"carp{n}", parent=name, advbase=100)
            for n, name in enumerate([*names, "eth1"])}

    def dropped():
        return {name: one.counters()["rx_not_master"] for name, one in made.items()}

    plain = echo_request("192.0.2.1", virtual_mac(1))
    with Injector(client) as injector:
        for number, name in enumerate(names):
            tag = mac("8100") + int(name[5:]).to_bytes(2, "big") if name != "eth0" else b""
            before = dropped()
            for _ in range(number + 1):
                injector.send(plain[:12] + tag + plain[12:])
            after = eventually(lambda before=before: (now := dropped()) != before and now, 1, "a frame")
            assert {key: after[key] - before[key] for key in after if after[key] != before[key]} == {name: number + 1}


def test_frame_of_a_vlan_without_a_device_is_not_the_trunks(rachael, client):
    made = master(rachael)
    rachael.ip("neigh", "replace", "192.0.2.50", "lladdr", CLIENT_MAC, "dev", "eth0")
    frame = echo_request("192.0.2.1")
    with Capture(rachael.ns, "eth0", "out") as capture, Injector(client) as injector:
        injector.send(frame[:12] + mac("81000009") + frame[12:])
        assert [f for f in capture.during(0.5) if f.ip and f.ip["protocol"] == 1] == []
    assert made.state == "MASTER"


LAYERS = {
    "VLAN": ["link add link eth0 name inner type vlan id 5"],
    "loose binding": ["link add link eth0 name inner type vlan id 5 loose_binding on"],
    "VLAN in a VLAN": ["link add link eth0 name outer type vlan id 5", "link set outer up",
                       "link add link outer name inner type vlan id 6"],
    "loosely in a VLAN": ["link add link eth0 name outer type vlan id 5", "link set outer up",
                          "link add link outer name inner type vlan id 6 loose_binding on"],
    "macvlan": ["address flush dev eth0", "link add link eth0 name inner type macvlan mode passthru"],
    "VLAN on a macvlan": ["address flush dev eth0", "link add link eth0 name outer type macvlan mode passthru",
                          "link set outer up", "link add link outer name inner type vlan id 5 loose_binding on"],
    "VLAN on a bond": ["address flush dev eth0", "link add bond0 type bond mode active-backup miimon 50",
                       "link set eth0 down", "link set eth0 master bond0", "link set bond0 up",
                       "link add link bond0 name inner type vlan id 5"],
}


def on_layers(host, kind, **options):
    """A group on a device that is on others. Returns it, and the lowest of those."""
    own = {"rachael": 11, "pris": 12}[host.name]
    host.batch(*LAYERS[kind], "link set inner up", f"address add 198.51.100.{own}/24 dev inner")
    return group(host, "198.51.100.1/32", parent="inner", **options), "bond0" if "bond" in kind else "eth0"


@pytest.mark.parametrize("kind", LAYERS)
def test_master_bows_out_when_what_its_parent_is_on_goes_down(rachael, pris, kind):
    """The kernel takes a VLAN down later, when nothing leaves any more, or, with a loose binding, never, as it does
    with a macvlan: the group was MASTER until then, and the other host waited for a whole time-out, or there were
    two afterwards."""
    ours, below = on_layers(rachael, kind)
    ours.wait("MASTER")
    theirs, _ = on_layers(pris, kind, advskew=100)
    theirs.wait("BACKUP")
    with Capture(pris.ns, "inner", "in") as capture:
        rachael.ip("link", "set", below, "down")
        assert [f.advertisement["vhid"] for f in advertisements(capture.during(0.5), bow_out=True)] == [1]
    assert theirs.state == "MASTER"
    now = ours.status()
    assert (now["state"], now["reason"]) == ("INIT", "parent-down")
    assert (ours.counters()["tx_bow_out"], ours.counters()["tx_errors"]) == (1, 0)
    rachael.ip("link", "set", below, "up")
    ours.wait("BACKUP", 3)
    theirs.down()
    ours.wait("MASTER", 1)


@pytest.mark.parametrize("kind", LAYERS)
def test_what_a_parent_is_on_goes_down_and_up_at_once(rachael, pris, kind):
    """The parent has no event of its own, and the group does not stay in INIT."""
    ours, below = on_layers(rachael, kind)
    ours.wait("MASTER")
    on_layers(pris, kind, up=False)
    before = ours.status()["transitions"]
    with Capture(pris.ns, "inner", "in") as capture:
        rachael.batch(f"link set {below} down", f"link set {below} up")
        capture.advertisement(1, bow_out=True)
    eventually(lambda: ours.status()["transitions"] > before, 1, ours.status)
    ours.wait("MASTER", 6)
    assert ours.status()["missing"] == []


def test_what_a_vlan_is_on_comes_up_without_carrier(rachael, segment):
    """A VLAN that is bound loosely keeps the carrier that it had, and hears nothing of it."""
    ours, below = on_layers(rachael, "loose binding")
    ours.wait("MASTER")
    rachael.ip("link", "set", below, "down")
    assert ours.state == "INIT"
    segment.unplug(rachael)
    rachael.ip("link", "set", below, "up")
    assert link(rachael, "inner")["operstate"] == "UP"
    assert (ours.state, ours.status()["missing"]) == ("INIT", ["carrier"])
    segment.replug(rachael)
    ours.wait("MASTER", 5)


@pytest.mark.parametrize("kind", ["loose binding", "macvlan"])
def test_group_is_made_while_what_its_parent_is_on_is_down(rachael, kind):
    rachael.batch(*LAYERS[kind], "link set inner up", "link set eth0 down")
    made = group(rachael, parent="inner")
    assert (made.status()["state"], made.status()["reason"]) == ("INIT", "parent-down")
    rachael.ip("link", "set", "eth0", "up")
    made.wait("MASTER", 5)


@pytest.mark.parametrize("kind, theirs", [("vlan id 5 loose_binding on", "VLAN"), ("macvlan mode passthru", "macvlan")])
def test_parent_is_in_another_namespace_than_what_it_is_on(rachael, pris, client, kind, theirs):
    """As a container's is."""
    rachael.batch("address flush dev eth0", f"link add link eth0 name inner netns {client.ns} type {kind}")
    client.batch("link set inner up", "address add 198.51.100.50/24 dev inner")
    ours = master(client, "198.51.100.1/32", parent="inner")
    on_layers(pris, theirs, up=False)
    with Capture(pris.ns, "inner", "in") as capture:
        rachael.ip("link", "set", "eth0", "down")
        capture.advertisement(1, bow_out=True)
    assert ours.state == "INIT"
    rachael.ip("link", "set", "eth0", "up")
    ours.wait("MASTER", 5)


# ---- VRFs ----

def vrf(host, name="vrf0", table=10):
    return [f"link add {name} type vrf table {table}", f"link set {name} up", f"link set eth0 master {name}"]


@pytest.mark.parametrize("rules", ["default", "local after l3mdev"])
def test_parent_in_a_vrf(rachael, client, rules):
    """The carp device is put into the same one when it is made."""
    rachael.batch(*vrf(rachael))
    if rules != "default":
        rachael.batch("rule add pref 32765 table local", "rule del pref 0")
    master(rachael)
    assert link(rachael, "carp0")["master"] == "vrf0"
    client.run("ping", "-c", "2", "-W", "2", "192.0.2.1")


def test_a_parent_in_a_vrf_is_found_by_an_address(rachael, client):
    """The subnet's route stays the parent's: one of the carp device came with the VRF, and was the first one
    when the parent had been down."""
    rachael.batch(*vrf(rachael), "link add carp0 type carp vhid 1", "link set carp0 up",
                  "address add 192.0.2.1/24 dev carp0")
    assert link(rachael, "carp0")["master"] == "vrf0"
    shown = rachael.ip("route", "show", "table", "10").stdout
    assert "192.0.2.0/24 dev eth0" in shown and "192.0.2.0/24 dev carp0" not in shown
    rachael.batch("link set eth0 down", "link set eth0 up")
    Group(rachael).wait("MASTER")
    client.run("ping", "-c", "2", "-W", "2", "192.0.2.1")


@pytest.mark.both_clocks
def test_group_follows_its_parent_into_a_vrf_and_the_next(rachael, client):
    """With all its addresses, of both families."""
    made = master(rachael, "192.0.2.1/32", "2001:db8::1/128")
    rachael.batch(*vrf(rachael))
    assert link(rachael, "carp0")["master"] == "vrf0"
    made.wait("MASTER", 8)
    client.run("ping", "-c", "2", "-W", "2", "192.0.2.1")
    rachael.batch(*vrf(rachael, "vrf1", 11))
    assert link(rachael, "carp0")["master"] == "vrf1"
    shown = rachael.ip("address", "show", "dev", "carp0").stdout
    assert "192.0.2.1/32" in shown and "2001:db8::1/128" in shown
    made.wait("MASTER", 8)
    client.run("ping", "-c", "2", "-W", "2", "192.0.2.1")


@pytest.mark.parametrize("rp_filter", [0, 1])
def test_pair_in_a_vrf(rachael, pris, client, segment, rp_filter):
    """Both families: the MASTER answers, a BACKUP's own connections in the VRF reach the MASTER from its own
    address, and it takes over."""
    virtual = ("192.0.2.1", "2001:db8::1")
    own = {}
    for number, host in enumerate((rachael, pris), 1):
        host.batch(*vrf(host), f"address add 2001:db8::1{number}/64 dev eth0 nodad")
        host.settled()
        own[host] = (f"192.0.2.1{number}", f"2001:db8::1{number}")
        host.ipv4_conf("rp_filter", rp_filter)
    client.ip("address", "add", "2001:db8::50/64", "dev", "eth0", "nodad")
    addresses = [f"{virtual[0]}/32", f"{virtual[1]}/128"]
    first, second = group(rachael, *addresses), group(pris, *addresses, advskew=100)
    first.wait("MASTER")
    second.wait("BACKUP")

    def all_reach(owner, backup=None):
        for address in virtual:
            client.run("ping", "-c", "2", "-i", "0.2", "-W", "2", address)
        if not backup:
            return
        with Capture(owner.ns, "eth0", "in") as capture:
            for address, source in zip(virtual, own[backup]):
                backup.run("ping", "-I", "vrf0", "-c", "1", "-W", "2", address)
                capture.until(lambda f: f.destination == virtual_mac(1) and f.ip and f.ip["source"] == source, 1,  # noqa: B023
                              f"a ping from {source}")

    all_reach(rachael, pris)
    segment.cut(rachael)
    second.wait("MASTER")
    all_reach(pris)
    segment.heal(rachael)
    second.wait("BACKUP")
    all_reach(rachael, pris)


def test_new_master_in_a_vrf_answers_before_its_routes(rachael, client):
    """With the RTNL held, and a strict filter, in both families."""
    rachael.ipv4_conf("rp_filter", 1)
    asks = {"192.0.2.1": "192.0.2.50", "2001:db8::1": "2001:db8::50"}
    rachael.batch(*vrf(rachael), "address add 2001:db8::11/64 dev eth0 nodad",
                  *(f"neigh replace {address} lladdr {CLIENT_MAC} dev eth0" for address in asks.values()))
    rachael.settled()
    group(rachael, *(f"{address}/{128 if ':' in address else 32}" for address in asks))
    with Capture(client.ns, "eth0", "in") as capture, Injector(client) as injector, rtnl_held(60_000):
        capture.advertisement(5)
        for address, source in asks.items():
            injector.send(packets.echo((virtual_mac(1), CLIENT_MAC), source, address))
            capture.until(lambda f: packets.echo_reply(f, address), 1, f"an answer of {address}")  # noqa: B023


def test_vrf_is_deleted_under_a_group(rachael, client):
    rachael.batch(*vrf(rachael))
    made = master(rachael)
    rachael.rtnl.delete("vrf0")
    assert "master" not in link(rachael, "carp0")
    made.wait("MASTER", 8)
    client.run("ping", "-c", "2", "-W", "2", "192.0.2.1")


# ---- changes of the group while MASTER ----

# As many as are sent while all changes are made, and more.
PROBES = 4000

def test_changes_while_master_lose_no_packet(rachael, pris, client):
    """A thousand probes a second of each family, while parameters, key, addresses and MTU change; the BACKUP is
    given the same, each time a moment later, and stays it."""
    virtual = ("192.0.2.1", "2001:db8::1")
    for host, number in ((rachael, 11), (pris, 12), (client, 50)):
        host.ip("address", "add", f"2001:db8::{number}/64", "dev", "eth0", "nodad")
        host.settled()
    addresses = [f"{virtual[0]}/32", f"{virtual[1]}/64", "192.0.2.2/32"]
    groups = {0: master(rachael, *addresses), 100: group(pris, *addresses, advskew=100)}
    ours, theirs = groups.values()
    theirs.wait("BACKUP", 2)
    for address in virtual:
        client.run("ping", "-c", "1", "-W", "2", address)
    before = [made.status() for made in groups.values()]
    with contextlib.ExitStack() as stack:
        begin = time.monotonic()
        pings = [stack.enter_context(client.background(
            "ping", "-q", "-i", "0.001", "-c", PROBES, "-W", "1", address, stdout=-1, stop=False)) for address in virtual]
        for advskew in (10, 150, 0):
            for more, made in groups.items():
                made.set(advskew=advskew + more)
        for change in ({"advbase": 2}, {"pass": "tyrell"}):
            for made in groups.values():
                made.set(**change)
        for made in groups.values():
            made.add_address("192.0.2.3/32", "192.0.2.4/24", "2001:db8::2/64")
        for address in ("192.0.2.2/32", "192.0.2.4/24", "2001:db8::2/64"):
            for made in groups.values():
                made.remove_address(address)
        for made in groups.values():
            made.host.ip("link", "set", "eth0", "mtu", "1400")
            made.host.ip("link", "set", "eth0", "mtu", "1500")
            made.host.run("ethtool", "-K", "eth0", "tso", "off")
        for made in groups.values():
            made.set(advbase=1)
        print(f"measured: all changes took {time.monotonic() - begin:.3f} s")
        assert [ping.poll() for ping in pings] == [None, None], "the probes ended before the last change"
        answers = [ping.stdout.read() for ping in pings]
    for answer in answers:
        assert f"{PROBES} packets transmitted, {PROBES} received, 0% packet loss" in answer, answer
    # As long as the BACKUP would wait if it still had something else than the MASTER.
    refused = theirs.counters()["discard_bad_digest"]
    time.sleep(4)
    assert theirs.counters()["discard_bad_digest"] == refused
    now = [made.status() for made in groups.values()]
    assert [made["state"] for made in now] == ["MASTER", "BACKUP"]
    assert [made["transitions"] for made in now] == [made["transitions"] for made in before]
    assert ours.counters()["discard_bad_digest"] == 0


IOCTLS = {"mask": (0x891C, "255.255.255.128"), "broadcast address": (0x891A, "192.0.2.127"),
          "peer's address": (0x8918, "192.0.2.2")}


@pytest.mark.parametrize("what", IOCTLS)
def test_ifconfig_of_the_only_address_keeps_a_master_master(rachael, pris, client, what):
    """To set something of an IPv4 address by ioctl, the kernel takes it away and gives it again: the host bowed
    out, and the other one stayed MASTER."""
    made = [master(rachael, "192.0.2.1/24"), group(pris, "192.0.2.1/24", advskew=100)]
    made[1].wait("BACKUP")
    before = [each.status()["transitions"] for each in made]
    request, value = IOCTLS[what]
    with inside(rachael.ns):
        anything = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with anything:
        fcntl.ioctl(anything, request,
                    struct.pack("16sHH4s8x", b"carp0", socket.AF_INET, 0, socket.inet_aton(value)))
    assert ("192.0.2.1/25" if what == "mask" else value) in rachael.ip("address", "show", "dev", "carp0").stdout
    time.sleep(4)
    assert [each.status()["transitions"] for each in made] == before
    assert made[0].counters()["tx_bow_out"] == 0
    client.run("ping", "-c", "1", "-W", "2", "192.0.2.1")


@pytest.mark.parametrize("first", ["rachael", "pris"])
def test_address_added_on_both_hosts_within_the_time_out_changes_nothing(rachael, pris, client, first):
    """Pitfall P2: in between the digests do not match, and the BACKUP counts that, and waits."""
    ours, theirs = master(rachael), group(pris, advskew=100)
    theirs.wait("BACKUP")
    order = [ours, theirs] if first == "rachael" else [theirs, ours]
    with Capture(client.ns, "eth0", "in") as capture:
        capture.advertisement(2)
        order[0].add_address("192.0.2.2/32")
        capture.advertisement(2)
        capture.advertisement(2)
        order[1].add_address("192.0.2.2/32")
        capture.during(5)
    assert (ours.state, theirs.state) == ("MASTER", "BACKUP")
    assert (ours.status()["transitions"], theirs.status()["transitions"]) == (2, 1)
    assert theirs.counters()["discard_bad_digest"] == 2


@pytest.mark.parametrize("first", ["rachael", "pris"])
def test_address_added_on_one_host_only_heals_when_the_other_has_it(rachael, pris, client, first):
    """Until then both are MASTER, as the protocol has it; then the better one is, within one interval, and the
    segment is told where the addresses are."""
    ours, theirs = master(rachael), group(pris, advskew=100)
    theirs.wait("BACKUP")
    order = [ours, theirs] if first == "rachael" else [theirs, ours]
    order[0].add_address("192.0.2.2/32")
    theirs.wait("MASTER")
    assert ours.state == "MASTER"
    order[1].add_address("192.0.2.2/32")
    theirs.wait("BACKUP", 1.1)
    assert ours.status()["transitions"] == 2
    for address in ("192.0.2.1", "192.0.2.2"):
        client.run("ping", "-c", "1", "-W", "2", address)
