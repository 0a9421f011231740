# SPDX-License-Identifier: GPL-2.0
"""net.inet.carp.allow, preempt, log and arpbalance: their ranges and defaults, one set per
network namespace, and what allow=0 does.
"""

import errno

import pytest

from carp import group, master
from wire import Advertisement, Capture, Injector, advertisements

RANGES = {"allow": (1, 0, 1), "preempt": (0, 0, 1), "log": (2, 0, 7), "arpbalance": (0, 0, 3)}


@pytest.mark.parametrize("name", RANGES)
def test_default_and_range(rachael, name):
    default, low, high = RANGES[name]
    knob = f"net.inet.carp.{name}"
    assert rachael.sysctl(knob) == str(default)
    for value in range(low, high + 1):
        rachael.sysctl(knob, value)
        assert rachael.sysctl(knob) == str(value)
    for value in (low - 1, high + 1, 2**31, "replicant"):
        with pytest.raises(OSError) as refused:
            rachael.sysctl(knob, value)
        assert refused.value.errno == errno.EINVAL
        assert rachael.sysctl(knob) == str(high)


@pytest.mark.parametrize("name", RANGES)
def test_each_namespace_has_its_own(rachael, pris, name):
    default, low, high = RANGES[name]
    other = low if default != low else high
    rachael.sysctl(f"net.inet.carp.{name}", other)
    assert rachael.sysctl(f"net.inet.carp.{name}") == str(other)
    assert pris.sysctl(f"net.inet.carp.{name}") == str(default)


def test_sysctl_command(rachael):
    assert rachael.run("sysctl", "-n", "net.inet.carp.preempt").stdout.strip() == "0"
    rachael.run("sysctl", "-w", "net.inet.carp.preempt=1")
    assert rachael.sysctl("net.inet.carp.preempt") == "1"


def test_preempt_of_one_namespace_is_not_the_others(rachael, pris, client):
    """Only pris may preempt; rachael's switch must not make her do it."""
    rachael.sysctl("net.inet.carp.preempt", 1)
    master(rachael, advskew=100)
    better = group(pris, advskew=0)
    with Capture(pris.ns, "eth0", "out") as capture:
        assert not advertisements(capture.during(5))
    assert better.state == "BACKUP"


def test_allow_0_bows_out_and_is_init(rachael, client):
    made = master(rachael)
    with Capture(client.ns, "eth0", "in") as capture:
        rachael.sysctl("net.inet.carp.allow", 0)
        capture.advertisement(1, bow_out=True)
        now = made.wait("INIT", 1)
        assert (now["reason"], now["missing"]) == ("not-allowed", ["allowed"])
        assert not advertisements(capture.during(10)), "it advertises though it is not allowed"


def test_allow_0_holds_a_backup(rachael):
    made = group(rachael, advbase=0, advskew=200)
    rachael.sysctl("net.inet.carp.allow", 0)
    with Capture(rachael.ns, "eth0", "out") as capture:
        assert not advertisements(capture.during(10))
    assert made.status()["reason"] == "not-allowed"


def test_allow_0_receives_nothing(rachael, client):
    made = group(rachael, advbase=50)
    rachael.sysctl("net.inet.carp.allow", 0)
    before = made.counters()
    with Injector(client) as injector:
        injector.send(Advertisement())
    after = made.counters()
    assert {k: after[k] - before[k] for k in after if after[k] != before[k]} == {"discard_not_allowed": 1}


def test_allow_1_returns_through_backup(rachael):
    made = master(rachael)
    rachael.sysctl("net.inet.carp.allow", 0)
    made.wait("INIT", 1)
    rachael.sysctl("net.inet.carp.allow", 1)
    made.wait("BACKUP", 1, reason="ready")
    made.wait("MASTER", reason="timed-out")


def test_allow_0_holds_a_new_group(rachael):
    rachael.sysctl("net.inet.carp.allow", 0)
    made = group(rachael)
    assert made.status()["missing"] == ["allowed"]


def test_allow_of_one_namespace_is_not_the_others(rachael, pris):
    ours, theirs = master(rachael, vhid=1), master(pris, "192.0.2.2/32", vhid=2)
    rachael.sysctl("net.inet.carp.allow", 0)
    assert (ours.state, theirs.state) == ("INIT", "MASTER")


def test_log_tells_of_a_change(rachael, request):
    """At the default level a transition is one line that names device, states and reason."""
    log = request.node.kernel_log
    log.read()
    master(rachael)
    lines = [line for line in log.read() if "carp0" in line and "MASTER" in line]
    assert len(lines) == 1, lines
    assert "BACKUP" in lines[0]


def test_log_0_is_silent(rachael, request):
    rachael.sysctl("net.inet.carp.log", 0)
    log = request.node.kernel_log
    log.read()
    master(rachael)
    assert not [line for line in log.read() if "carp" in line and "MASTER" in line]


def test_log_does_not_flood(rachael, client, request):
    """Bad packets are logged at a limited rate."""
    rachael.sysctl("net.inet.carp.log", 7)
    group(rachael, advbase=50)
    log = request.node.kernel_log
    log.read()
    with Injector(client) as injector:
        for _ in range(500):
            injector.send(Advertisement(key="weyland"))
    assert len(log.read()) < 50
