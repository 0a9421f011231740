# SPDX-License-Identifier: GPL-2.0
"""As in the article's second scenario: the shared address is already the physical address of one
of the hosts, and stays it.
"""

import packets
import pytest
from carp import group, master
from gateways import CLIENT_MAC, VIRTUAL_MAC, mac_of
from wire import Capture, Injector, arp_request

SHARED, CLIENT = "192.0.2.10", "192.0.2.50"


@pytest.fixture
def hosts(segment):
    """rachael has the shared address on her own interface; pris has one of her own."""
    rachael = segment.host("rachael", f"{SHARED}/24")
    pris = segment.host("pris", "192.0.2.12/24")
    client = segment.host("client", f"{CLIENT}/24")
    client.batch(f"link set eth0 address {CLIENT_MAC}")
    return rachael, pris, client


def answers(client, target=SHARED):
    with Injector(client) as injector, Capture(client.ns, "eth0", "in") as capture:
        injector.send(arp_request(CLIENT_MAC, CLIENT, target))
        return [f.arp["sender_mac"] for f in capture.during(0.5)
                if f.arp and f.arp["operation"] == 2 and f.arp["sender"] == target]


def test_owner_as_master(hosts):
    """She answers, with the virtual MAC and with nothing else."""
    rachael, pris, client = hosts
    master(rachael, f"{SHARED}/24")
    group(pris, f"{SHARED}/24", advskew=100).wait("BACKUP", 2)
    assert answers(client) == [VIRTUAL_MAC]
    client.run("ping", "-c", "2", "-i", "0.2", "-W", "2", SHARED)
    assert VIRTUAL_MAC in client.ip("neigh", "show", SHARED).stdout


def test_owner_as_backup_is_silent(hosts):
    """pris is MASTER: the owner of the physical address does not answer for it, and the ping is pris'."""
    rachael, pris, client = hosts
    master(pris, f"{SHARED}/24")
    made = group(rachael, f"{SHARED}/24", advskew=100)
    made.wait("BACKUP", 2)
    assert answers(client) == [VIRTUAL_MAC]
    with Capture(rachael.ns, "eth0", "out") as silent:
        client.run("ping", "-c", "2", "-i", "0.2", "-W", "2", SHARED)
        frames = silent.drain()
    assert [f for f in frames if f.arp and f.arp["sender"] == SHARED or packets.echo_reply(f)] == []
    assert made.state == "BACKUP"


@pytest.mark.both_clocks
def test_failover_from_the_owner_and_back(hosts, segment):
    rachael, pris, client = hosts
    for host in (rachael, pris):
        host.sysctl("net.inet.carp.preempt", 1)
    first = master(rachael, f"{SHARED}/24")
    second = group(pris, f"{SHARED}/24", advskew=100)
    second.wait("BACKUP", 2)
    client.run("ping", "-c", "1", "-W", "2", SHARED)
    segment.cut(rachael)
    second.wait("MASTER")
    client.run("ping", "-c", "1", "-W", "2", SHARED)
    segment.heal(rachael)
    second.wait("BACKUP", 5)
    assert first.state == "MASTER"
    client.run("ping", "-c", "1", "-W", "2", SHARED)
    assert VIRTUAL_MAC in client.ip("neigh", "show", SHARED).stdout


def test_advertisements_of_the_owner_are_not_taken_for_ones_own(hosts):
    """They come from the shared address itself; the other host's list has it, too."""
    rachael, pris, _ = hosts
    master(rachael, f"{SHARED}/24")
    made = group(pris, f"{SHARED}/24", advskew=100)
    with Capture(pris.ns, "eth0", "in") as capture:
        capture.advertisement(3, source=SHARED)
        capture.during(5)
    assert made.state == "BACKUP"
    assert made.counters()["rx_v4"] >= 4


def test_owner_without_a_group_keeps_her_address(hosts):
    """When the group is removed, the address is the host's own again, at its own MAC."""
    rachael, _, client = hosts
    made = master(rachael, f"{SHARED}/24")
    assert answers(client) == [VIRTUAL_MAC]
    made.delete()
    assert answers(client) == [mac_of(rachael)]
    client.run("ping", "-c", "1", "-W", "2", SHARED, check=False)  # renews a stale entry
    client.run("ping", "-c", "1", "-W", "4", SHARED)
