# SPDX-License-Identifier: GPL-2.0
"""Another host announces a virtual address as its own: the MASTER counts it, says so in the
log, and announces its addresses again with the next advertisement, once in ten seconds.
"""

import debug_kernel
import packets
import pytest
from carp import group, master, virtual_mac
from gateways import mac_of
from kernel_log import KernelLog
from nodes import sharing
from test_arp import announcements
from test_ipv6 import unsolicited as unsolicited_of
from topology import eventually, run
from wire import Capture, Injector, advertisements, arp_request

V4, V6 = "192.0.2.1", "2001:db8::1"
ADDRESSES = f"{V4}/24", f"{V6}/64"
OTHER = "02:00:00:00:00:99"


def gratuitous(mac, operation=1, address=V4):
    frame = arp_request(mac, address, address)
    return frame[:21] + bytes([operation]) + frame[22:]


def unsolicited(mac, **fields):
    return packets.neighbour_advertisement(mac, V6, V6, **fields)


CLAIMS = {"request": lambda: gratuitous(OTHER), "reply": lambda: gratuitous(OTHER, 2),
          "advertisement": lambda: unsolicited(OTHER)}
claims = pytest.mark.parametrize("claim", CLAIMS)


def announced(frames, address):
    """Announcements of the address by the group."""
    if ":" in address:
        return [frame for frame in unsolicited_of(frames, address) if packets.nd(frame)["mac"] == virtual_mac(1)]
    return [frame for frame in announcements(frames, address) if frame.source == virtual_mac(1)]


@pytest.fixture
def settled(rachael, client):
    """A MASTER that has announced its addresses twice, as after every takeover."""
    made = master(rachael, *ADDRESSES)
    eventually(lambda: made.counters()["announcements"] == 4, 5, "both rounds of announcements")
    return made


@claims
def test_a_claimed_address_is_counted_logged_and_announced_again(settled, client, claim):
    """A burst of claims: behind it, all addresses are announced with one advertisement; what is
    claimed afterwards is announced ten seconds later. Nothing of it is an event of the election."""
    log = KernelLog()
    with Capture(client.ns, "eth0", "in") as capture, Injector(client) as injector:
        capture.advertisement(2)
        for _ in range(5):
            injector.send(CLAIMS[claim]())
        first = capture.during(1.5)
        injector.send(CLAIMS[claim]())
        paused = capture.during(6)
        second = capture.during(5)
    for address in (V4, V6):
        assert len(announced(first, address)) == 1, address
        time = announced(first, address)[0].time
        before = [frame.time for frame in advertisements(first) if frame.time <= time]
        assert time - before[-1] < 1_000_000 * debug_kernel.SLOWNESS, "it did not come with an advertisement"
        assert announced(paused, address) == [], address
        assert len(announced(second, address)) == 1, address
    after = announced(second, V4)[0].time - announced(first, V4)[0].time
    assert abs(after - 10_000_000_000) < 1_000_000 * debug_kernel.SLOWNESS
    assert settled.counters()["address_conflict"] == 6
    assert (settled.state, settled.status()["transitions"]) == ("MASTER", 2)
    address = V6 if claim == "advertisement" else V4
    said = [line for line in log.read() if "claimed" in line]
    assert said and all(line.endswith(f"carp: carp0: {address} is claimed by {OTHER}, too") for line in said), said


def test_a_backup_takes_no_notice(rachael, pris, client):
    noticing = master(rachael, *ADDRESSES)
    made = group(pris, *ADDRESSES, advskew=100)
    made.wait("BACKUP")
    with Injector(client) as injector:
        for claim in CLAIMS.values():
            injector.send(claim())
    eventually(lambda: noticing.counters()["address_conflict"] == 3, 2, "the MASTER's notice")
    assert (made.state, made.counters()["address_conflict"]) == ("BACKUP", 0)
    assert "\t0 conflicts\n" in pris.run("carpctl", "stats", "carp0").stdout


@pytest.mark.both_clocks
def test_a_takeover_is_no_conflict(segment, rachael, pris):
    """What MASTERs announce, and be there two for a while, is the virtual MAC."""
    ours, theirs = master(rachael, *ADDRESSES), group(pris, *ADDRESSES, advskew=100)
    theirs.wait("BACKUP")
    # Pris takes over because she is deaf, and rachael hears it.
    run("ip", "netns", "exec", segment.ns, "tc", "qdisc", "add", "dev", "pris", "root", "netem", "loss", "100%")
    with Capture(rachael.ns, "eth0", "in") as capture:
        theirs.wait("MASTER")
        capture.during(0.5)
    assert all(announced(capture.frames, address) for address in (V4, V6))
    assert ours.state == "MASTER"
    assert [made.counters()["address_conflict"] for made in (ours, theirs)] == [0, 0]


def test_questions_answers_and_broken_messages_claim_nothing(settled, rachael, client):
    """Who asks for the address, or for another in its name; who answers for it or announces another one;
    wrong checksums; the group itself, and its host."""
    told = arp_request(OTHER, V4, "192.0.2.50")
    broken, rachael_mac = bytearray(unsolicited(OTHER)), mac_of(rachael)
    broken[-1] ^= 1
    with Injector(client) as injector:
        for frame in (arp_request(OTHER, "192.0.2.50", V4), arp_request(OTHER, "0.0.0.0", V4),
                      gratuitous(OTHER, address="192.0.2.99"), bytes(broken),
                      packets.neighbour_advertisement(OTHER, "2001:db8::99", "2001:db8::99"),
                      told, told[:21] + b"\2" + told[22:], unsolicited(OTHER, flags=0x60),
                      unsolicited(OTHER, destination="2001:db8::50"),
                      gratuitous(virtual_mac(1)), unsolicited(virtual_mac(1)), gratuitous(rachael_mac)):
            injector.send(frame)
        injector.send(gratuitous(OTHER))
    eventually(lambda: settled.counters()["address_conflict"], 2, "the one that does")
    assert settled.counters()["address_conflict"] == 1


@pytest.mark.parametrize("arpbalance", [0, 1])
def test_of_several_groups_each_one_counts_who_has_none_of_their_macs(rachael, client, arpbalance):
    """Two groups with one address: the MAC of either is right, and any other is not. An address that both
    answer for is announced by neither."""
    rachael.sysctl("net.inet.carp.arpbalance", arpbalance)
    made = [master(rachael, *ADDRESSES, name=f"carp{vhid}", vhid=vhid) for vhid in (1, 2)]
    with Injector(client) as injector:
        for vhid in (1, 2, 3):
            injector.send(gratuitous(virtual_mac(vhid)))
        with Capture(client.ns, "eth0", "in") as capture:
            frames = capture.during(2.5)
    assert [each.counters()["address_conflict"] for each in made] == [1, 1]
    assert bool(announced(frames, V4)) == (not arpbalance)


def test_a_group_with_several_nodes_counts_and_announces_nothing(rachael, client):
    made = sharing(rachael, [(1, 0), (2, 0)], *ADDRESSES, balancing="ip")
    made.wait_states({1: "MASTER", 2: "MASTER"})
    with Injector(client) as injector, Capture(client.ns, "eth0", "in") as capture:
        injector.send(gratuitous(OTHER))
        frames = capture.during(2.5)
    assert made.counters()["address_conflict"] == 1
    assert [frame for frame in frames if frame.arp] == []


def test_carpctl_says_what_a_conflict_is(settled, rachael, client):
    with Injector(client) as injector:
        injector.send(gratuitous(OTHER))
    eventually(lambda: settled.counters()["address_conflict"], 2, "the conflict")
    assert "address_conflict was counted 1 times" in rachael.run("carpctl", "diag", "carp0", check=False).stdout
    assert 'carp_address_conflicts_total{ifname="carp0",vhid="1"} 1\n' in rachael.run("carpctl", "metrics").stdout
