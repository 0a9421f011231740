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


@pytest.mark.parametrize("after", ["rachael"])
def test_healing_makes_one_master_and_it_announces(segment, after):
    """In both families, whichever of the two speaks first when the partition ends."""
    split = Partition(segment, ("v4", "v6"))
    client = split.net.client
    assert split.port_of_the_virtual_mac() == ["pris"]
    # Heal just after an advertisement of the one, so that the other's is the first.
    with Capture(after, "eth0", "out") as capture:
        capture.advertisement(3)
    with Capture(client.ns, "eth0", "in") as capture:
        segment.heal(split.net.rachael)
        healed = capture.until(lambda f: f.advertisement and f.advertisement["ip"]["source"] == "192.0.2.11", 3,
                               "rachael's advertisement")
        split.second.wait("BACKUP", 2)
        frames = capture.during(3)
    assert split.first.state == "MASTER"
    announced = [f for f in capture.frames if f.arp and f.arp["sender"] == f.arp["target"] == VIP["v4"]]
    mine = [f for f in announced if f.time >= healed.time - 5 * MS]
    assert mine, "the one that stays has announced nothing"
    assert mine[0].time - healed.time <= interval(1, 0) + MS
    assert {(f.source, f.arp["sender_mac"]) for f in mine} == {(VIRTUAL_MAC, VIRTUAL_MAC)}
    neighbours = [f for f in capture.frames if (packets.nd(f) or {}).get("target") == VIP["v6"]
                  and packets.nd(f)["flags"] & packets.NA_OVERRIDE and f.time >= healed.time - 5 * MS]
    assert neighbours and neighbours[0].time - healed.time <= interval(1, 0) + MS
    assert {(f.source, packets.nd(f)["mac"]) for f in neighbours} == {(VIRTUAL_MAC, VIRTUAL_MAC)}
    assert split.port_of_the_virtual_mac() == ["rachael"]
    assert [f for f in advertisements(frames) if f.advertisement["ip"]["source"] == "192.0.2.12"] == []
    client.run("ping", "-c", "1", "-W", "2", VIP["v4"])


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


def test_another_master_is_counted_and_logged(segment):
    """The MASTER that hears another says so, once and not for every advertisement."""
    split = Partition(segment)
    with Capture("pris", "eth0", "out") as capture, Capture("rachael", "eth0", "out") as better:
        better.advertisement(3)  # so that pris is the next to speak, and rachael to hear
        segment.heal(split.net.rachael)
        capture.advertisement(3)
    split.second.wait("BACKUP", 2)
    assert split.first.counters()["other_master"] + split.second.counters()["other_master"] >= 1
    said = [line for line in split.log.read() if "carp" in line]
    print("\n".join(said))
    assert [line for line in said if "192.0.2.1" in line and "master" in line.lower()]


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
