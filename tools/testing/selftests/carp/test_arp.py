# SPDX-License-Identifier: GPL-2.0
"""Announcements and address resolution: gratuitous ARP at takeover and once more,
requests answered by the MASTER alone and always with the virtual MAC, whatever
the arp_* settings are; the real MAC never claims a virtual address.
"""

import pytest

from carp import group, master, virtual_mac
from wire import BROADCAST, Capture, Injector, advertisements, arp_request

CLIENT_MAC = "02:00:00:00:00:50"


def announcements(frames, address):
    return [f for f in frames if f.arp and f.arp["sender"] == f.arp["target"] == address]


def test_gratuitous_arp_at_takeover_and_again(rachael, client):
    """For every address at the takeover, and again at the second own advertisement."""
    made = group(rachael, "192.0.2.1/32", "192.0.2.2/32")
    with Capture(client.ns, "eth0", "in") as capture:
        capture.advertisement(6)
        first = capture.during(0.5)
        capture.advertisement(2)
        second = capture.during(3)
    frames = capture.frames
    took_over = advertisements(frames)[0].time
    for address in ("192.0.2.1", "192.0.2.2"):
        seen = announcements(frames, address)
        assert len(seen) == 2, seen
        assert seen[0].time - took_over < 1_000_000
        assert seen[0] in first or seen[0].time < first[0].time
        assert seen[1] in second or seen[1].time - took_over >= 990_000_000
        for frame in seen:
            assert frame.source == virtual_mac(1)
            assert frame.destination == BROADCAST
            assert frame.arp["sender_mac"] == virtual_mac(1)
            assert frame.arp["operation"] == 1
            assert frame.arp["target_mac"] == "00:00:00:00:00:00"
    assert made.counters()["announcements"] == 4


def answers(capture, address="192.0.2.1", seconds=1):
    return [f for f in capture.during(seconds)
            if f.arp and f.arp["operation"] == 2 and f.arp["sender"] == address]


def ask(client, address="192.0.2.1", sender="192.0.2.50", destination=BROADCAST):
    with Injector(client) as injector, Capture(client.ns, "eth0", "in") as capture:
        injector.send(arp_request(CLIENT_MAC, sender, address, destination))
        return answers(capture, address)


@pytest.mark.parametrize("sender, destination", [
    ("192.0.2.50", BROADCAST), ("0.0.0.0", BROADCAST), ("192.0.2.50", virtual_mac(1)),
], ids=["request", "probe", "unicast"])
def test_master_answers_with_the_virtual_mac(rachael, client, sender, destination):
    made = master(rachael)
    seen = ask(client, sender=sender, destination=destination)
    assert len(seen) == 1
    assert seen[0].arp["sender_mac"] == seen[0].source == virtual_mac(1)
    assert seen[0].destination == CLIENT_MAC
    assert made.counters()["arp_replies"] == 1


@pytest.mark.parametrize("setting", [
    "arp_ignore=1", "arp_ignore=2", "arp_ignore=8", "arp_filter=1", "rp_filter=1", "rp_filter=2", "arp_announce=2"])
def test_master_answers_whatever_the_sysctls_are(rachael, client, setting):
    rachael.ipv4_conf(*setting.split("="))
    master(rachael)
    assert [f.arp["sender_mac"] for f in ask(client)] == [virtual_mac(1)]


@pytest.mark.parametrize("sender, destination", [
    ("192.0.2.50", BROADCAST), ("0.0.0.0", BROADCAST), ("192.0.2.50", virtual_mac(1)),
], ids=["request", "probe", "unicast"])
def test_backup_does_not_answer(rachael, client, sender, destination):
    made = group(rachael, advbase=100)
    assert ask(client, sender=sender, destination=destination) == []
    assert made.counters()["arp_replies"] == 0


def test_init_does_not_answer(rachael, client):
    """A group in INIT does not own its addresses either."""
    made = master(rachael)
    made.down()
    assert ask(client) == []


def test_own_address_of_the_parent_is_answered_as_before(rachael, client):
    group(rachael, advbase=100)
    seen = ask(client, "192.0.2.11")
    assert len(seen) == 1
    assert seen[0].arp["sender_mac"] != virtual_mac(1)


def test_other_addresses_are_not_answered(rachael, client):
    master(rachael)
    assert ask(client, "192.0.2.77") == []


def test_real_mac_never_claims_the_virtual_address(rachael, client):
    """Resolving the client for a reply, the host must not say "tell 192.0.2.1" with its real
    MAC: the client would move the virtual address there (design-checks.md, C1.1)."""
    master(rachael)
    with Capture(client.ns, "eth0", "in") as capture:
        client.run("ping", "-c", "1", "-W", "2", "192.0.2.1")
        rachael.ip("neigh", "flush", "all")
        client.run("ping", "-c", "2", "-W", "2", "192.0.2.1")
        frames = capture.during(1)
    for frame in frames + capture.frames:
        if frame.arp and frame.arp["sender"] == "192.0.2.1":
            assert frame.arp["sender_mac"] == virtual_mac(1), frame
    assert virtual_mac(1) in client.ip("neigh", "show", "192.0.2.1").stdout


def test_client_follows_a_takeover(rachael, pris, client, segment):
    """The client's entry stays the virtual MAC, and pings go on after the MASTER's silent end."""
    master(rachael, advskew=0)
    group(pris, advskew=100).wait("BACKUP", 1)
    client.run("ping", "-c", "2", "-W", "2", "192.0.2.1")
    segment.cut(rachael)
    client.run("ping", "-c", "1", "-w", "10", "192.0.2.1")
    assert virtual_mac(1) in client.ip("neigh", "show", "192.0.2.1").stdout
