# SPDX-License-Identifier: GPL-2.0
"""As in the article's second scenario: the shared address is already the physical address of one
of the hosts, and stays it. In both families.
"""

import packets
import pytest
import test_ipv6
from carp import group, master
from gateways import CLIENT, CLIENT_MAC, VIRTUAL_MAC, mac_of
from test_routes import is_local, ours, settle
from topology import eventually
from wire import Capture, Injector, arp_request

PREFIX = {"v4": 24, "v6": 64}
SHARED = {"v4": "192.0.2.10", "v6": "2001:db8:1::10"}
OTHER = {"v4": "192.0.2.12", "v6": "2001:db8:1::12"}


@pytest.fixture
def shared(family):
    return SHARED[family]


@pytest.fixture
def virtual(family):
    """The shared address as it is given to the groups."""
    return f"{SHARED[family]}/{PREFIX[family]}"


@pytest.fixture
def hosts(segment, family):
    """rachael has the shared address on her own interface; pris has one of her own."""
    made = [segment.host(name, f"{address[family]}/{PREFIX[family]}")
            for name, address in (("rachael", SHARED), ("pris", OTHER), ("client", CLIENT))]
    made[2].batch(f"link set eth0 address {CLIENT_MAC}")
    for host in made[:2]:
        host.settled()
    return made


def answers(client, target):
    """The MACs that the client is told when it asks all for the address."""
    if ":" in target:
        return [packets.nd(frame)["mac"] for frame in test_ipv6.ask(client, target)]
    with Injector(client) as injector, Capture(client.ns, "eth0", "in") as capture:
        injector.send(arp_request(CLIENT_MAC, CLIENT["v4"], target))
        return [f.arp["sender_mac"] for f in capture.during(0.5)
                if f.arp and f.arp["operation"] == 2 and f.arp["sender"] == target]


def says(frame, address):
    """Whether a frame says where an address is: in a packet of ARP, or of neighbour discovery. An
    advertisement need not have the MAC in it: who has asked at one is answered by it."""
    found = packets.nd(frame)
    if found:
        is_told = found["type"] == packets.NEIGHBOUR_ADVERTISEMENT and found["target"] == address
        return is_told or found["mac"] is not None and found["source"] == address
    return frame.arp is not None and frame.arp["sender"] == address


def test_owner_as_master(hosts, shared, virtual):
    """She answers, with the virtual MAC and with nothing else."""
    rachael, pris, client = hosts
    master(rachael, virtual)
    group(pris, virtual, advskew=100).wait("BACKUP", 2)
    assert answers(client, shared) == [VIRTUAL_MAC]
    client.run("ping", "-c", "2", "-i", "0.2", "-W", "2", shared)
    assert VIRTUAL_MAC in client.ip("neigh", "show", shared).stdout


def test_owner_as_backup_is_silent(hosts, shared, virtual):
    """pris is MASTER: the owner of the physical address does not answer for it, and the ping is pris'."""
    rachael, pris, client = hosts
    master(pris, virtual)
    made = group(rachael, virtual, advskew=100)
    made.wait("BACKUP", 2)
    with Capture(rachael.ns, "eth0", "out") as silent:
        assert answers(client, shared) == [VIRTUAL_MAC]
        client.run("ping", "-c", "2", "-i", "0.2", "-W", "2", shared)
        frames = silent.drain()
    assert [f for f in frames if says(f, shared) or packets.echo_reply(f)] == []
    assert made.state == "BACKUP"


@pytest.mark.parametrize("state", ["MASTER", "BACKUP"])
def test_owner_who_asks_for_others_does_not_say_that_the_address_is_hers(hosts, shared, virtual, family, state):
    """She knows nobody, and asks for the client to send it something from the shared address."""
    rachael, pris, client = hosts
    master(rachael if state == "MASTER" else pris, virtual)
    group(pris if state == "MASTER" else rachael, virtual, advskew=100).wait("BACKUP", 2)
    client.run("ping", "-c", "1", "-W", "2", shared)
    with Capture(rachael.ns, "eth0", "out") as capture:
        rachael.ip("neighbour", "flush", "dev", "eth0")
        rachael.run("ping", "-c", "1", "-W", "2", "-I", shared, CLIENT[family], check=False)
        frames = capture.during(1)
    assert VIRTUAL_MAC in client.ip("neigh", "show", shared).stdout
    assert [f for f in frames if says(f, shared) and f.source != VIRTUAL_MAC] == []


def test_owner_as_backup_makes_nobody_sure(hosts, shared, virtual):
    """A client that knew her address before there was a group asks at the MAC that it knows."""
    rachael, pris, client = hosts
    master(pris, virtual)
    group(rachael, virtual, advskew=100).wait("BACKUP", 2)
    to = mac_of(rachael)
    question = (packets.neighbour_solicitation(CLIENT_MAC, CLIENT["v6"], shared, destination=shared, destination_mac=to)
                if ":" in shared else arp_request(CLIENT_MAC, CLIENT["v4"], shared, to))
    with Injector(client) as injector, Capture(rachael.ns, "eth0", "out") as silent:
        injector.send(question)
        assert [f for f in silent.during(0.5) if says(f, shared)] == []


@pytest.mark.both_clocks
def test_failover_from_the_owner_and_back(hosts, segment, shared, virtual):
    rachael, pris, client = hosts
    for host in (rachael, pris):
        host.sysctl("net.inet.carp.preempt", 1)
    first = master(rachael, virtual)
    second = group(pris, virtual, advskew=100)
    second.wait("BACKUP", 2)
    client.run("ping", "-c", "1", "-W", "2", shared)
    segment.cut(rachael)
    second.wait("MASTER")
    client.run("ping", "-c", "1", "-W", "2", shared)
    segment.heal(rachael)
    second.wait("BACKUP", 5)
    assert first.state == "MASTER"
    client.run("ping", "-c", "1", "-W", "2", shared)
    assert VIRTUAL_MAC in client.ip("neigh", "show", shared).stdout


def test_advertisements_of_the_owner_are_not_taken_for_ones_own(segment, family):
    """They come from the shared address itself; the other host's list has it, too. In IPv6 that is
    a link-local one."""
    source, prefix = ("fe80::10", 64) if family == "v6" else (SHARED["v4"], 24)
    rachael, pris = segment.host("rachael"), segment.host("pris", f"{OTHER[family]}/{PREFIX[family]}")
    for host in (rachael, pris):
        host.settled()
    rachael.batch("address flush dev eth0 scope link",
                  f"address add {source}/{prefix} dev eth0" + (" nodad" if family == "v6" else ""))
    master(rachael, f"{source}/{prefix}")
    made = group(pris, f"{source}/{prefix}", advskew=100)
    with Capture(pris.ns, "eth0", "in") as capture:
        capture.advertisement(3, source=source)
        capture.during(5)
    assert made.state == "BACKUP"
    assert made.counters()[f"rx_{family}"] >= 4


def test_address_is_the_owners_in_any_state(hosts, shared, virtual):
    """By her routing table, as the administrator has said so."""
    rachael, pris, _ = hosts
    assert is_local(rachael, shared)
    made = group(rachael, virtual, advskew=100)
    made.wait("MASTER")
    settle(rachael, is_local, shared)
    made.set(state="backup")
    settle(rachael, is_local, shared)
    group(pris, virtual).wait("MASTER", 8)
    made.wait("BACKUP", 5)
    settle(rachael, is_local, shared)
    made.down()
    settle(rachael, is_local, shared)
    made.delete()
    settle(rachael, is_local, shared)
    assert ours(rachael) == []


@pytest.mark.parametrize("first", ["parent", "group"])
def test_owners_address_is_never_taken_for_a_duplicate(segment, first):
    """On neither of her devices, whichever has it first, although another host is MASTER of it. (One that comes
    to her parent when the other host is MASTER has to be `nodad`: the MASTER defends it.)"""
    rachael, pris = (segment.host(name) for name in ("rachael", "pris"))
    for host in (rachael, pris):
        host.settled()
    virtual = f"{SHARED['v6']}/64"

    def own(*how):
        rachael.ip("address", "add", virtual, "dev", "eth0", *how)
        eventually(lambda: "tentative" not in test_ipv6.addresses(rachael, "eth0")[SHARED["v6"]], 5, "it is looked for")

    if first == "parent":
        own()
    made = [group(pris, virtual), group(rachael, virtual, advskew=100)]
    made[0].wait("MASTER")
    made[1].wait("BACKUP")
    if first == "group":
        own("nodad")
    made[1].down()
    made[1].up()
    made[1].wait("BACKUP", 2)
    assert test_ipv6.addresses(rachael)[SHARED["v6"]] == ["nodad"]
    assert test_ipv6.addresses(rachael, "eth0")[SHARED["v6"]] == ([] if first == "parent" else ["nodad"])


def test_owner_without_a_group_keeps_her_address(hosts, shared, virtual):
    """When the group is removed, the address is the host's own again, at its own MAC."""
    rachael, _, client = hosts
    made = master(rachael, virtual)
    assert answers(client, shared) == [VIRTUAL_MAC]
    made.delete()
    assert answers(client, shared) == [mac_of(rachael)]
    client.run("ping", "-c", "1", "-W", "2", shared, check=False)  # renews a stale entry
    client.run("ping", "-c", "1", "-W", "4", shared)
