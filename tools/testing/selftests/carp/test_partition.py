# SPDX-License-Identifier: GPL-2.0
"""Two MASTERs after a partition heal by themselves: one yields, and the one that stays announces
itself again, so that the switch's and the neighbours' tables are right within one advertisement
interval. It is counted and logged.
"""

import json

import debug_kernel
import packets
import pytest
import wire
from carp import NS, group, interval, master, virtual_mac
from gateways import CLIENT_MAC, VIP, VIRTUAL_MAC, Gateways, mac_of
from kernel_log import KernelLog
from topology import eventually, run
from wire import Capture, Injector, advertisements

MS = 1_000_000


def heal(segment, away, first):
    """Ends the partition that `away` was cut off by, when `first`, rachael or pris, is the next of the two to
    speak. Rachael does so every second, pris more seldom."""
    intervals = {"rachael": interval(1, 0), "pris": interval(1, 100)}
    other = "pris" if first == "rachael" else "rachael"
    with Capture(first, "eth0", "out") as theirs, Capture(other, "eth0", "out") as capture:
        for _ in range(20):
            now = capture.advertisement(3).time
            theirs.drain()
            last = max((f.time for f in advertisements(theirs.frames)), default=0)
            if now + 100 * MS < last + intervals[first] < now + intervals[other] - 100 * MS:
                segment.heal(away)
                return
    raise AssertionError(f"{first} was never the next to speak")


class Partition:
    """rachael is the better one; both are MASTER, and the client has been with pris."""

    def __init__(self, segment, families=("v4",), **options):
        self.net = Gateways(segment, families)
        self.first, self.second = self.net.groups(**options)
        self.segment = segment
        segment.cut(self.net.rachael)
        self.second.wait("MASTER")
        assert self.first.state == "MASTER"
        self.log = KernelLog()

    def heal(self, first):
        heal(self.segment, self.net.rachael, first)

    def port_of_the_virtual_mac(self):
        shown = json.loads(run("bridge", "-n", self.segment.ns, "-j", "fdb", "show", "br", "br0").stdout)
        return [entry["ifname"] for entry in shown if entry["mac"] == VIRTUAL_MAC and entry.get("master")]


@pytest.mark.both_clocks
@pytest.mark.parametrize("families", [("v4", "v6"), ("v6",)], ids=" and ".join)
@pytest.mark.parametrize("first", ["rachael", "pris"])
def test_healing_makes_one_master_and_it_announces(segment, first, families):
    """In both families, whichever of the two speaks first when the partition ends."""
    split = Partition(segment, families)
    client = split.net.client
    assert split.port_of_the_virtual_mac() == ["pris"]
    with Capture(client.ns, "eth0", "in") as capture:
        split.heal(first)
        healed = capture.until(lambda f: f.advertisement and f.advertisement["advskew"] == 0, 3, "rachael's advertisement")
        split.second.wait("BACKUP", 2)
        frames = capture.during(3)
    assert split.first.state == "MASTER"

    def announced(is_one):
        """Announcements since healing: there are, within an interval, and from the virtual MAC."""
        mine = [f for f in capture.frames if is_one(f) and f.time >= healed.time - 5 * MS]
        assert mine, "the one that stays has announced nothing"
        assert mine[0].time - healed.time <= interval(1, 0) + MS
        assert {f.source for f in mine} == {VIRTUAL_MAC}
        return mine

    if "v4" in families:
        found = announced(lambda f: f.arp and f.arp["sender"] == f.arp["target"] == VIP["v4"])
        assert {f.arp["sender_mac"] for f in found} == {VIRTUAL_MAC}
    found = announced(lambda f: (packets.nd(f) or {}).get("target") == VIP["v6"]
                      and packets.nd(f)["flags"] & packets.NA_OVERRIDE)
    assert {packets.nd(f)["mac"] for f in found} == {VIRTUAL_MAC}
    assert split.port_of_the_virtual_mac() == ["rachael"]
    assert advertisements(frames, advskew=100) == []
    for family in families:
        client.run("ping", "-c", "1", "-W", "2", VIP[family])


def test_traffic_flows_within_an_interval_of_healing(segment):
    """Pings every 20 ms from the moment of healing: after an interval, none is lost."""
    split = Partition(segment)
    with Capture(split.net.client.ns, "eth0", "in") as capture, Injector(split.net.client) as injector:
        segment.heal(split.net.rachael)
        for number in range(150):
            injector.send(packets.echo((VIRTUAL_MAC, CLIENT_MAC), "192.0.2.50", VIP["v4"], number))
            capture.during(0.02)
        capture.during(0.2)
    answered = {packets.echo_number(f) for f in capture.frames if packets.echo_reply(f)}
    lost = [number for number in range(150) if number not in answered]
    print("lost", lost)
    assert not [number for number in lost if number * 0.02 > interval(1, 0) / NS + 0.1]


@pytest.mark.parametrize("family", ["v4", "v6"])
@pytest.mark.parametrize("first, heard", [("rachael", 1), ("pris", 2)])
def test_another_master_is_counted_and_logged(segment, first, heard, family):
    """By both: whoever speaks first, each of them hears of the other one. If it is pris, rachael hears her
    twice, the second time when she steps down."""
    split = Partition(segment, (family,))
    before = [made.counters() for made in (split.first, split.second)]
    split.heal(first)
    split.second.wait("BACKUP", 2)
    eventually(lambda: split.first.counters()["other_master"] >= heard, 1, "counted by the one that stays")
    with Capture(split.net.client.ns, "eth0", "in") as capture:
        capture.during(5)
    grown = [made.counters()["other_master"] - old["other_master"]
             for made, old in zip((split.first, split.second), before)]
    assert grown == [heard, 1]
    assert split.first.counters()[f"rx_{family}"] - before[0][f"rx_{family}"] == heard
    said = [line for line in split.log.read() if "carp" in line]
    print("\n".join(said))
    ends = {"v4": ("192.0.2.12", "192.0.2.11"), "v6": ("fe80:", "fe80:")}[family]
    assert len([line for line in said if f": {ends[0]}" in line and "is MASTER, too" in line]) == heard
    assert len([line for line in said if f"gives way to {ends[1]}" in line]) == 1


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_the_last_advertisement_is_for_the_master_alone(segment, family):
    """From the parent's own MAC, to the virtual MAC; otherwise it is as any other. Nothing follows it, and
    the switch sends it to nobody else."""
    split = Partition(segment, (family,), **{"pass": "tyrell"})
    # At the takeover, and once more: those are no matter of this test.
    eventually(lambda: split.second.counters()["announcements"] == 2, 3, "both announcements")
    sent = split.second.counters()
    with Capture("pris", "eth0", "out") as capture, Capture("rachael", "eth0", "in") as arrived, \
            Capture(split.net.client.ns, "eth0", "in") as elsewhere:
        split.heal("rachael")
        frame = capture.until(lambda f: f.advertisement and f.destination == VIRTUAL_MAC, 2)
        after = capture.during(5)
        arrived.during(0)
        elsewhere.during(0)
    assert frame.source == mac_of(split.net.pris)
    own = "192.0.2.12" if family == "v4" else "fe80:"
    ip = frame.ip
    assert ip["source"].startswith(own)
    assert (ip["destination"], ip["ttl"], ip["length"]) == {
        "v4": ("224.0.0.18", 255, 56), "v6": ("ff02::12", 255, 36)}[family]
    advert = frame.advertisement
    assert (advert["advbase"], advert["advskew"], advert["demote"], advert["vhid"]) == (1, 100, 0, 1)
    assert wire.checksum(advert["payload"]) == 0
    assert advert["digest"] == wire.digest("tyrell", 1, [VIP[family]], advert["counter"])
    others = advertisements(capture.frames[:-len(after) or None] + arrived.frames)
    assert [f.advertisement["counter"] for f in others].count(advert["counter"]) == 2  # sent, and arrived
    assert [f for f in after if f.advertisement or f.source == VIRTUAL_MAC] == []
    assert [f for f in elsewhere.frames if f.destination == VIRTUAL_MAC] == []
    now = split.second.counters()
    spoken = len(advertisements(capture.frames))
    assert now[f"tx_{family}"] - sent[f"tx_{family}"] >= spoken
    assert (now["tx_errors"], now["tx_bow_out"], now["announcements"]) == (
        sent["tx_errors"], sent["tx_bow_out"], sent["announcements"])


def test_a_backup_that_preempts_does_not_react_to_the_last_advertisement(segment):
    """Not even on a hub, where it gets that frame: better than the one that steps down, it would take over."""
    run("ip", "-n", segment.ns, "link", "set", "br0", "type", "bridge", "ageing_time", "0")
    hosts = [segment.host(name, f"192.0.2.{number}/24") for name, number in (("rachael", 11), ("pris", 12), ("deckard", 13))]
    hosts[2].sysctl("net.inet.carp.preempt", 1)
    first = master(hosts[0])
    third = group(hosts[2], advskew=50)
    segment.cut(hosts[1])
    second = master(hosts[1], advskew=100)
    before, was = third.counters(), third.status()
    with Capture("deckard", "eth0", "in") as capture:
        heal(segment, hosts[1], "rachael")
        second.wait("BACKUP", 3)
        capture.until(lambda f: f.advertisement and f.destination == VIRTUAL_MAC, 1, "the last advertisement")
        capture.during(5)
    now, grown = third.status(), third.counters()
    assert (first.state, now["state"], second.state) == ("MASTER", "BACKUP", "BACKUP")
    assert now["transitions"] == was["transitions"]
    assert grown["rx_not_master"] - before["rx_not_master"] == 1
    assert [f.destination for f in advertisements(capture.frames, advskew=100)] == [VIRTUAL_MAC]
    assert (first.counters()["other_master"], second.counters()["other_master"]) == (1, 1)


def test_deaf_in_one_direction(segment):
    """What rachael says does not arrive at pris, what pris says does arrive: two MASTERs that last.
    The better one goes on announcing, not more often than it advertises."""
    net = Gateways(segment, ("v4",))
    first, second = net.groups()
    run("ip", "netns", "exec", segment.ns, "tc", "qdisc", "add", "dev", "pris", "root", "netem", "loss", "100%")
    second.wait("MASTER")
    before = first.counters()["other_master"]
    with Capture("rachael", "eth0", "out") as capture:
        frames = capture.during(10)
    announced = [f for f in frames if f.arp and f.arp["sender"] == f.arp["target"] == VIP["v4"]]
    adverts = advertisements(frames)
    print(len(announced), "announcements,", len(adverts), "advertisements")
    assert 5 <= first.counters()["other_master"] - before <= 9
    assert 4 <= len(announced) <= 12
    assert len(adverts) <= 20
    assert (first.state, second.state) == ("MASTER", "MASTER")
    assert first.status()["transitions"] == 2
    run("ip", "netns", "exec", segment.ns, "tc", "qdisc", "del", "dev", "pris", "root")
    second.wait("BACKUP", 3)


def test_isolated_ports(segment):
    """The switch lets no two of them speak to each other, but both to the client; then it does."""
    net = Gateways(segment, ("v4",))
    first, second = net.groups()
    for port in ("rachael", "pris"):
        run("bridge", "-n", segment.ns, "link", "set", "dev", port, "isolated", "on")
    second.wait("MASTER")
    for port in ("rachael", "pris"):
        run("bridge", "-n", segment.ns, "link", "set", "dev", port, "isolated", "off")
    second.wait("BACKUP", 3)
    assert first.state == "MASTER"
    shown = lambda: json.loads(run("bridge", "-n", segment.ns, "-j", "fdb", "show", "br", "br0").stdout)  # noqa: E731
    eventually(lambda: [e["ifname"] for e in shown() if e["mac"] == virtual_mac(1) and e.get("master")] == ["rachael"],
               interval(1, 0) / NS + 0.2, "the switch knows where the virtual MAC is")
    net.client.run("ping", "-c", "1", "-W", "2", VIP["v4"])
