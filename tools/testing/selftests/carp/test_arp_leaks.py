# SPDX-License-Identifier: GPL-2.0
"""Nothing gives the real MAC away for a virtual address, and advertisements are heard whatever
the reverse path filter says: the traps of design-checks.md, C1, C1.1, C1.2 and C4.

On the host where one trap opens, each of them is closed.
"""

import json

import packets
import pytest
from carp import group, master, virtual_mac
from gateways import CLIENT_MAC, SERVER, VIRTUAL_MAC, Gateways, mac_of
from topology import run
from wire import BROADCAST, Advertisement, Capture, Injector, arp_request

VIP, CLIENT = "192.0.2.1", "192.0.2.50"
prefixes = pytest.mark.parametrize("prefix", [24, 32])


def unnumbered(host):
    """The parent has no IPv4 address, only a route."""
    host.batch("address flush dev eth0", "route add 192.0.2.0/24 dev eth0")


def claims(frames, address=VIP):
    """Those ARP messages that say where the address is, and are not from the virtual MAC."""
    return [f for f in frames if f.arp and f.arp["sender"] == address
            and VIRTUAL_MAC not in (f.arp["sender_mac"],)]


def talk(host, client, capture):
    """The host resolves the client: once for an answer in the virtual address's name, once for itself."""
    with Injector(client) as injector:
        host.ip("neigh", "flush", "dev", "eth0")
        injector.send(packets.echo((VIRTUAL_MAC, mac_of(client)), CLIENT, VIP))
        capture.during(0.5)
        host.ip("neigh", "flush", "dev", "eth0")
        host.run("ping", "-c", "1", "-W", "1", CLIENT, check=False)
        capture.during(0.5)


@pytest.mark.both_clocks
@prefixes
@pytest.mark.parametrize("state", ["MASTER", "BACKUP"])
@pytest.mark.parametrize("parent", ["numbered", "unnumbered"])
def test_own_questions_do_not_name_the_virtual_address(rachael, pris, client, prefix, state, parent):
    """A request of the parent's own says "tell 192.0.2.1" with the real MAC for no prefix length,
    numbered or not, as MASTER or BACKUP, before or after a bounce of the parent."""
    if parent == "unnumbered":
        unnumbered(rachael)
    if state == "BACKUP":
        master(pris, f"{VIP}/{prefix}")
    made = group(rachael, f"{VIP}/{prefix}", advskew=100)
    made.wait(state)
    with Capture(rachael.ns, "eth0", "out") as capture:
        talk(rachael, client, capture)
        rachael.rtnl.down("eth0")
        rachael.rtnl.up("eth0")
        if parent == "unnumbered":
            rachael.ip("route", "replace", "192.0.2.0/24", "dev", "eth0")
        made.wait(state)
        talk(rachael, client, capture)
        frames = capture.frames
    questions = [f for f in frames if f.arp and f.arp["operation"] == 1 and f.arp["target"] == CLIENT]
    # What a BACKUP that has no other address says does not even come to a question (test_own_source).
    speaks = state == "MASTER" or parent == "numbered"
    assert bool(questions) == speaks, "who has an address to speak as asks, who has none does not"
    assert claims(frames) == []
    if state == "BACKUP":
        assert [f for f in frames if f.source == VIRTUAL_MAC] == []


@pytest.mark.parametrize("parent", ["numbered", "unnumbered"])
def test_neighbours_keep_the_virtual_mac(rachael, client, parent):
    """After a ping in both directions the client's entry for the virtual address is the virtual MAC."""
    if parent == "unnumbered":
        unnumbered(rachael)
    master(rachael)
    client.run("ping", "-c", "1", "-W", "2", VIP)
    rachael.ip("neigh", "flush", "all")
    client.run("ping", "-c", "1", "-W", "2", VIP)
    rachael.run("ping", "-c", "1", "-W", "2", CLIENT, check=parent == "numbered")
    entry = json.loads(run("ip", "-n", client.ns, "-j", "neigh", "show", VIP).stdout)
    assert [e["lladdr"] for e in entry] == [VIRTUAL_MAC]


@prefixes
@pytest.mark.parametrize("parent", ["numbered", "unnumbered"])
def test_address_answers_with_every_reverse_path_filter(rachael, client, prefix, parent):
    """Also when the subnet's only route is the carp device's, or would be, and after a bounce."""
    if parent == "unnumbered":
        unnumbered(rachael)
    made = master(rachael, f"{VIP}/{prefix}")
    for rp_filter in (0, 1, 2):
        rachael.ipv4_conf("rp_filter", rp_filter)
        client.run("ping", "-c", "1", "-W", "2", VIP)
        rachael.rtnl.down("eth0")
        rachael.rtnl.up("eth0")
        if parent == "unnumbered":
            rachael.ip("route", "replace", "192.0.2.0/24", "dev", "eth0")
        made.wait("MASTER")
        for address in [VIP] + ["192.0.2.11"] * (parent == "numbered"):
            client.run("ping", "-c", "1", "-W", "2", address)


@pytest.mark.parametrize("family", ["-4", "-6"])
@prefixes
def test_subnet_stays_on_the_parent(rachael, prefix, family):
    """No route of the virtual address's prefix is on the carp device, also after it or its parent
    was down, and when a second address of the prefix comes and the first goes."""
    rachael.sysctl("net.ipv4.conf.all.promote_secondaries", 1)
    first, second, length = ((VIP, "192.0.2.2", prefix) if family == "-4"
                             else ("2001:db8::1", "2001:db8::2", {24: 64, 32: 128}[prefix]))
    made = master(rachael, f"{first}/{length}")

    def routes():
        shown = run("ip", "-n", rachael.ns, family, "route", "show", "dev", made.name).stdout.splitlines()
        return [line for line in shown if not line.startswith(("fe80", "ff00"))]

    assert routes() == []
    rachael.batch("link set eth0 down", "link set eth0 up", "link set carp0 down", "link set carp0 up")
    assert routes() == []
    made.wait("MASTER")  # Linux gives the route to who has the address, by the tables
    made.add_address(f"{second}/{length}")
    made.remove_address(f"{first}/{length}")
    assert routes() == []
    made.delete()
    assert "192.0.2.0/24 dev eth0" in rachael.ip("route").stdout


@pytest.mark.parametrize("kind", ["unnumbered", "another subnet", "no route at all"])
def test_advertisements_pass_the_reverse_path_filter(rachael, client, kind):
    """From a peer that the filter has no route for, with and without an address of the parent."""
    if kind == "unnumbered":
        unnumbered(rachael)
    if kind == "no route at all":
        rachael.batch("address flush dev eth0")
    made = group(rachael, advbase=100)
    source = "192.0.2.12" if kind == "unnumbered" else "198.51.100.12"
    for rp_filter in (0, 1, 2):
        rachael.ipv4_conf("rp_filter", rp_filter)
        with Injector(client) as injector:
            injector.send(Advertisement(source=source, advbase=100, counter=rp_filter + 1))
        assert made.counters()["rx_v4"] == rp_filter + 1


def test_pair_on_unnumbered_parents_elects_one(rachael, pris):
    """Neither has an address of its own on the segment, and strict filters everywhere."""
    for host in (rachael, pris):
        unnumbered(host)
        host.ipv4_conf("rp_filter", 1)
    first = master(rachael, advskew=0)
    second = group(pris, advskew=100)
    second.wait("BACKUP", 2)
    heard = second.counters()["rx_v4"]
    with Capture(pris.ns, "eth0") as capture:
        frames = capture.during(8)
    assert (first.state, second.state) == ("MASTER", "BACKUP")
    assert second.counters()["rx_v4"] - heard >= 7
    assert [f for f in frames if f.advertisement and f.outgoing] == []


def answer_of(client, target, destination=BROADCAST):
    """The MACs of the answers to a question."""
    with Injector(client) as injector, Capture(client.ns, "eth0", "in") as capture:
        injector.send(arp_request(mac_of(client), CLIENT, target, destination))
        return [f.arp["sender_mac"] for f in capture.during(0.5)
                if f.arp and f.arp["operation"] == 2 and f.arp["sender"] == target]


@pytest.mark.parametrize("state", ["MASTER", "BACKUP", "INIT"])
def test_own_address_is_always_at_the_own_mac(rachael, client, state):
    """Whatever the group's state, and also when asked at the virtual MAC, the parent's address is
    said to be at the parent's MAC, or not said at all."""
    made = group(rachael, advbase=100)
    if state == "MASTER":
        made.set(state="master")
    elif state == "INIT":
        made.down()
    assert made.state == state
    assert answer_of(client, "192.0.2.11") == [mac_of(rachael)]
    assert set(answer_of(client, "192.0.2.11", VIRTUAL_MAC)) <= {mac_of(rachael)}
    assert answer_of(client, VIP) == ([VIRTUAL_MAC] if state == "MASTER" else [])


def test_removed_address_is_not_answered(rachael, client):
    """Nor is its successor forgotten when it was a secondary one (promote_secondaries)."""
    rachael.sysctl("net.ipv4.conf.all.promote_secondaries", 1)
    made = master(rachael, "192.0.2.1/24", "192.0.2.2/24")
    made.remove_address("192.0.2.1/24")
    assert answer_of(client, "192.0.2.1") == []
    assert answer_of(client, "192.0.2.2") == [VIRTUAL_MAC]
    client.run("ping", "-c", "1", "-W", "2", "192.0.2.2")
    made.remove_address("192.0.2.2/24")
    assert answer_of(client, "192.0.2.2") == []
    client.run("ping", "-c", "1", "-W", "2", "192.0.2.11")


def test_answers_to_the_virtual_mac_reach_the_carp_device(rachael, client):
    """What the carp device itself has asked: its neighbour entry becomes complete."""
    master(rachael)
    rachael.ip("route", "add", "198.51.100.50/32", "dev", "carp0", "src", VIP)
    client.batch("address add 198.51.100.50/32 dev lo")
    for device in ("all", "eth0"):  # The client answers for it, whatever the hosts do.
        client.sysctl(f"net.ipv4.conf.{device}.arp_ignore", 0)
    rachael.run("ping", "-c", "1", "-W", "2", "198.51.100.50", check=False)
    entry = json.loads(run("ip", "-n", rachael.ns, "-j", "neigh", "show", "198.51.100.50").stdout)
    assert [(e["dev"], e.get("lladdr")) for e in entry] == [("carp0", mac_of(client))]
    assert entry[0]["state"][0] in ("REACHABLE", "DELAY", "STALE", "PROBE")


def test_answers_to_the_virtual_mac_do_not_confuse_the_parent(rachael, client):
    """A reply that is sent to the virtual MAC updates no more than entries that were asked for."""
    master(rachael)
    reply = bytearray(arp_request(CLIENT_MAC, "192.0.2.77", VIP, VIRTUAL_MAC))
    reply[21] = 2
    with Injector(client) as injector:
        injector.send(bytes(reply))
    assert "192.0.2.77" not in rachael.ip("neigh").stdout


def test_backup_learns_nothing_for_its_own_virtual_address(rachael, pris, client):
    """The MASTER's gratuitous ARP is for the neighbours; the BACKUP's stack does not answer or object."""
    made = group(pris, advskew=100)
    with Capture(pris.ns, "eth0", "out") as capture:
        master(rachael)
        made.wait("BACKUP", 2)
        frames = capture.during(3)
    assert [f for f in frames if f.arp and VIP in (f.arp["sender"], f.arp["target"])] == []
    client.run("ping", "-c", "1", "-W", "2", VIP)


SETTINGS = ["arp_ignore=0", "arp_ignore=1", "arp_ignore=2", "arp_ignore=8", "arp_filter=1", "arp_announce=1", "arp_announce=2",
            "rp_filter=1", "rp_filter=2", "proxy_arp=1", "proxy_arp_pvlan=1", "drop_gratuitous_arp=1", "arp_accept=1",
            "arp_notify=1"]


def test_one_answer_with_every_setting(rachael, pris, client):
    """The MASTER answers once, the BACKUP never, whatever the arp_* settings of both are."""
    master(rachael)
    group(pris, advskew=100).wait("BACKUP", 2)
    for setting in SETTINGS:
        print(f"# {setting}")
        name, _, value = setting.partition("=")
        devices = [(host, f"net.ipv4.conf.{device}.{name}") for host in (rachael, pris) for device in ("all", "eth0", "carp0")]
        before = [host.sysctl(path) for host, path in devices]
        for host, path in devices:
            host.sysctl(path, value)
        with Capture(pris.ns, "eth0", "out") as capture:
            assert answer_of(client, VIP) == [virtual_mac(1)], setting
            assert answer_of(client, VIP, VIRTUAL_MAC) == [virtual_mac(1)], setting
            assert [f for f in capture.drain() if f.arp] == [], setting
        for (host, path), value in zip(devices, before):
            host.sysctl(path, value)


@pytest.mark.parametrize("strict", ["rp_filter=1", "arp_ignore=2"])
@pytest.mark.parametrize("parents", [["198.51.100.11/24", "192.0.2.11/24"], ["198.51.100.11/24", "192.0.2.11/32"],
                                     ["198.51.100.11/24"]], ids="-".join)
@pytest.mark.parametrize("announce", [0, 1, 2])
def test_strict_clients_answer_whoever_asks_for_the_group(rachael, client, parents, announce, strict):
    """The host asked in the name of its parent's first address, which was of another subnet, and a client that
    has no way there, or answers its subnet only, did not answer: nothing came back from the virtual address."""
    rachael.batch("address flush dev eth0", *(f"address add {address} dev eth0" for address in parents))
    client.ipv4_conf(*strict.split("="))
    rachael.ipv4_conf("arp_announce", announce)
    master(rachael, f"{VIP}/24")
    client.ip("neighbour", "replace", VIP, "lladdr", VIRTUAL_MAC, "nud", "permanent", "dev", "eth0")
    rachael.ip("neighbour", "flush", "dev", "eth0")
    with Capture(client.ns, "eth0", "in") as capture:
        client.run("ping", "-c", "1", "-W", "2", VIP)
        asked = [f.arp["sender"] for f in capture.drain() if f.arp and f.arp["target"] == CLIENT]
    assert set(asked) == {"192.0.2.11" if len(parents) == 2 else "0.0.0.0"}
    if len(parents) == 2:
        # Questions of the host's own are in its own name, which the client may learn.
        rachael.ip("neighbour", "flush", "dev", "eth0")
        with Capture(client.ns, "eth0", "in") as capture:
            rachael.run("ping", "-c", "1", "-W", "2", "-I", "192.0.2.11", CLIENT)
            asked = [f.arp["sender"] for f in capture.drain() if f.arp and f.arp["target"] == CLIENT]
        assert set(asked) == {"192.0.2.11"}


def test_questions_on_one_leg_do_not_name_the_address_of_another(segment):
    """A gateway with a group on each leg: who talked from behind to the address in front was asked in its name,
    with the real MAC, and a strict one did not answer."""
    them = Gateways(segment, families=("v4",), routers=("rachael",))
    them.group("rachael", addresses=[f"{VIP}/24"])
    made = group(them.rachael, "203.0.113.1/24", name="carp1", parent="eth1", vhid=2)
    made.wait("MASTER")
    for device in ("all", "eth0"):
        them.server.sysctl(f"net.ipv4.conf.{device}.arp_ignore", 2)
    them.server.batch("route add default via 203.0.113.1",
                      f"neighbour replace 203.0.113.1 lladdr {virtual_mac(2)} nud permanent dev eth0")
    them.rachael.ip("neighbour", "delete", SERVER["v4"], "dev", "eth1")
    with Capture(them.server.ns, "eth0", "in") as capture:
        them.server.run("ping", "-c", "1", "-W", "2", VIP)
        asked = [f.arp["sender"] for f in capture.drain() if f.arp and f.arp["target"] == SERVER["v4"]]
    assert asked and set(asked) == {"203.0.113.11"}


@pytest.mark.parametrize("claim", ["request", "reply", "advertisement"])
def test_a_master_whose_address_somebody_else_claims_goes_on(rachael, client, claim):
    """By a gratuitous request or reply, or an unsolicited advertisement: it says nothing with its own MAC,
    believes nothing, and who asks is answered as before."""
    client.batch(f"link set eth0 address {CLIENT_MAC}", "address add 2001:db8::50/64 dev eth0 nodad")
    rachael.ip("address", "add", "2001:db8::11/64", "dev", "eth0", "nodad")
    made = master(rachael, f"{VIP}/24", "2001:db8::1/64")
    other = "02:00:00:00:00:99"
    frame = arp_request(other, VIP, VIP)
    if claim == "reply":
        frame = frame[:20] + b"\0\2" + frame[22:32] + bytes.fromhex("ff" * 6) + frame[38:]
    elif claim == "advertisement":
        frame = packets.neighbour_advertisement(other, "2001:db8::1", "2001:db8::1")
    with Capture(client.ns, "eth0", "in") as capture, Injector(client) as injector:
        for _ in range(3):
            injector.send(frame)
        seen = capture.during(2.5)
    assert claims(seen) == []
    found = [packets.nd(f) for f in seen if packets.nd(f)]
    named = [nd for nd in found if "2001:db8::1" in (nd["source"], nd.get("target"))]
    assert [nd for nd in named if nd["mac"] == mac_of(rachael)] == []
    assert (made.state, made.status()["transitions"]) == ("MASTER", 2)
    assert other not in rachael.ip("neighbour", "show").stdout
    for address in (VIP, "2001:db8::1"):
        client.ip("neighbour", "flush", "dev", "eth0")
        client.run("ping", "-c", "1", "-W", "2", address)
        assert VIRTUAL_MAC in client.ip("neighbour", "show", address).stdout


@pytest.mark.parametrize("first", ["the group", "the VRF's"])
def test_a_vrf_with_the_same_address_answers_for_it_and_nobody_else_does(rachael, client, segment, first):
    """The kernel's table of addresses is the namespace's and knows no VRFs. It was silent in the VRF, or answered
    for the group's address with the MAC of a second card, by which address was there first."""
    rachael.batch(f"link add eth2 type veth peer name eth2 netns {client.ns}", "link add vrf0 type vrf table 20",
                  "link set vrf0 up", "link set eth2 master vrf0 up", "address add 198.51.100.11/24 dev eth2",
                  "link add own type dummy", "link set own master vrf0 up")
    client.batch("link set eth2 up", "address add 198.51.100.50/24 dev eth2")
    segment.plug(rachael, "eth1", "rachael1", ["address add 192.0.2.21/24 dev eth1"])
    if first == "the group":
        master(rachael)
    rachael.ip("address", "add", f"{VIP}/32", "dev", "own")
    if first != "the group":
        master(rachael)
    # Otherwise the kernel answers by no other device than the one that has the address.
    for name in ("arp_ignore", "arp_filter"):
        rachael.ipv4_conf(name, 0)
    for interface, asks, answers in (("eth2", "198.51.100.50", mac_of(rachael, "eth2")), ("eth0", CLIENT, VIRTUAL_MAC)):
        with Capture(client.ns, interface, "in") as capture, Injector(client, interface) as injector:
            injector.send(arp_request(mac_of(client, interface), asks, VIP))
            heard = [f.arp["sender_mac"] for f in capture.during(1) if f.arp and f.arp["operation"] == 2]
            assert set(heard) == {answers}, interface
