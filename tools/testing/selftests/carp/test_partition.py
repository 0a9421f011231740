# SPDX-License-Identifier: GPL-2.0
"""Two MASTERs after a partition heal by themselves: one yields, and the one that stays announces
itself again, so that the switch's and the neighbours' tables are right within one advertisement
interval. It is counted and logged.
"""

import json

import packets
import pytest
from carp import NS, interval, virtual_mac
from gateways import CLIENT_MAC, VIP, VIRTUAL_MAC, Gateways
from kernel_log import KernelLog
from topology import eventually, run
from wire import Capture, Injector, advertisements

MS = 1_000_000


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

    def port_of_the_virtual_mac(self):
        shown = json.loads(run("bridge", "-n", self.segment.ns, "-j", "fdb", "show", "br", "br0").stdout)
        return [entry["ifname"] for entry in shown if entry["mac"] == VIRTUAL_MAC and entry.get("master")]


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
