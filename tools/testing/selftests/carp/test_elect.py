# SPDX-License-Identifier: GPL-2.0
"""Who becomes MASTER: alone, with two and with three hosts, with equal parameters,
with and without preempt (carp-protocol.md, section 4).
"""

import time

import pytest

from carp import NS, group, interval, master, master_down
from topology import eventually
from wire import Capture, advertisements

MS = 1_000_000


def exactly_one_master(groups, seconds):
    """Waits until one is MASTER and all others are BACKUP; returns the MASTER."""
    def settled():
        states = sorted(made.state for made in groups)
        return states == ["BACKUP"] * (len(groups) - 1) + ["MASTER"]

    eventually(settled, seconds, lambda: [(made.host.name, made.status()) for made in groups])
    return next(made for made in groups if made.state == "MASTER")


@pytest.mark.parametrize("advbase, advskew", [(1, 0), (1, 100), (2, 254), (0, 1), (0, 128)])
def test_alone_takes_over_after_the_time_out(rachael, advbase, advskew):
    """INIT -> BACKUP at once, -> MASTER after 3*advbase + advskew/256 s, within 1 ms."""
    made = group(rachael, advbase=advbase, advskew=advskew, up=False)
    assert made.state == "INIT"
    with Capture(rachael.ns, "eth0", "out") as capture:
        asked = time.time_ns()
        made.up()
        ready = time.time_ns()
        frame = capture.advertisement(5 + master_down(advbase, advskew) / NS)
    down = master_down(advbase, advskew)
    assert asked + down <= frame.time <= ready + down + MS
    now = made.status()
    assert (now["state"], now["reason"], now["transitions"]) == ("MASTER", "timed-out", 2)


def test_backup_comes_before_master(rachael):
    made = group(rachael)
    now = made.status()
    assert (now["state"], now["reason"], now["transitions"]) == ("BACKUP", "ready", 1)
    made.wait("MASTER")


@pytest.mark.parametrize("skews", [(0, 100), (100, 0), (10, 20)], ids=str)
def test_two_hosts_the_lower_skew_wins(rachael, pris, skews):
    groups = [group(host, advskew=skew) for host, skew in zip((rachael, pris), skews)]
    winner = exactly_one_master(groups, 6)
    assert winner is groups[skews.index(min(skews))]


def test_three_hosts(rachael, pris, segment):
    deckard = segment.host("deckard", "192.0.2.13/24")
    groups = [group(host, advskew=skew) for host, skew in ((rachael, 200), (pris, 0), (deckard, 100))]
    assert exactly_one_master(groups, 6) is groups[1]
    segment.cut(pris)
    assert exactly_one_master([groups[0], groups[2]], 6) is groups[2]
    segment.heal(pris)
    assert exactly_one_master(groups, 6) is groups[1]


def test_equal_hosts_end_with_one_master(rachael, pris, segment):
    """Two MASTERs with equal parameters meet: the higher address stays, and that is all."""
    groups = [master(rachael)]
    segment.cut(rachael)
    groups.append(master(pris))
    segment.heal(rachael)
    assert exactly_one_master(groups, 5) is groups[1]
    assert groups[0].status()["reason"] == "equal-master"
    before = [made.status()["transitions"] for made in groups]
    with Capture(pris.ns, "eth0") as capture:
        frames = advertisements(capture.during(10))
    assert [made.status()["transitions"] for made in groups] == before
    assert {frame.ip["source"] for frame in frames} == {"192.0.2.12"}


def test_equal_hosts_that_start_together(rachael, pris):
    groups = [group(host, up=False) for host in (rachael, pris)]
    for made in groups:
        made.up()
    exactly_one_master(groups, 15)


def test_equal_host_joins_quietly(rachael, pris):
    """A BACKUP never preempts an equal MASTER."""
    first = master(rachael, advskew=50)
    second = group(pris, advskew=50)
    pris.sysctl("net.inet.carp.preempt", 1)
    second.wait("BACKUP", 1)
    with Capture(pris.ns, "eth0", "out") as capture:
        assert not advertisements(capture.during(8))
    assert (first.state, second.state) == ("MASTER", "BACKUP")


def test_without_preempt_the_better_host_waits(rachael, pris):
    master(rachael, advskew=100)
    better = group(pris, advskew=0)
    with Capture(pris.ns, "eth0", "out") as capture:
        assert not advertisements(capture.during(10))
    assert better.state == "BACKUP"


def test_with_preempt_the_better_host_takes_over(rachael, pris):
    worse = master(rachael, advskew=100)
    pris.sysctl("net.inet.carp.preempt", 1)
    better = group(pris, advskew=0)
    now = better.wait("MASTER", 3, reason="preempted")
    assert now["transitions"] == 2
    worse.wait("BACKUP", 1, reason="better-master")


def test_preempt_switched_on_takes_effect(rachael, pris):
    master(rachael, advskew=100)
    better = group(pris, advskew=0)
    better.wait("BACKUP", 1)
    pris.sysctl("net.inet.carp.preempt", 1)
    better.wait("MASTER", 3, reason="preempted")


def test_better_skew_given_later(rachael, pris):
    """advskew 0 given to a BACKUP with preempt: it takes over at the next advertisement."""
    master(rachael, advskew=100)
    made = group(pris, advskew=200)
    pris.sysctl("net.inet.carp.preempt", 1)
    made.wait("BACKUP", 1)
    made.set(advskew=0)
    made.wait("MASTER", 3, reason="preempted")


def test_too_slow_master_is_replaced(rachael, pris):
    """A MASTER slower than three of one's own intervals will time out anyway (rule B3)."""
    slow = master(rachael, advbase=10)
    quick = group(pris, advbase=1)
    quick.wait("MASTER", 11)
    slow.wait("BACKUP", 2)


def test_asked_for_master_and_backup(rachael, pris):
    first = master(rachael, advskew=0)
    second = group(pris, advskew=100)
    second.wait("BACKUP", 1)
    first.set(state="backup")
    now = first.status()
    assert (now["state"], now["reason"]) == ("BACKUP", "requested")
    second.wait("MASTER", 1)
    first.set(state="master")
    assert first.status()["reason"] == "requested"
    assert first.state == "MASTER"
    second.wait("BACKUP", 1, reason="better-master")


def test_partition_heals_to_one_master(rachael, pris, segment):
    groups = [group(rachael, advskew=0), group(pris, advskew=100)]
    exactly_one_master(groups, 6)
    segment.cut(rachael)
    groups[1].wait("MASTER")
    assert groups[0].state == "MASTER"
    segment.heal(rachael)
    assert exactly_one_master(groups, 3) is groups[0]
    assert groups[1].status()["reason"] == "better-master"


def test_advertisements_keep_their_interval(rachael):
    made = master(rachael, advskew=128)
    with Capture(rachael.ns, "eth0", "out") as capture:
        times = [frame.time for frame in advertisements(capture.during(20))]
    assert made.state == "MASTER"
    assert len(times) >= 12
    for earlier, later in zip(times, times[1:]):
        assert abs(later - earlier - interval(1, 128)) <= MS
