# SPDX-License-Identifier: GPL-2.0
"""Interoperation with Debian's ucarp in a host of its own: both roles, failover
both ways, same key, one address.
"""

import contextlib
import signal
import time

import pytest

from carp import group, master, virtual_mac
from topology import eventually, run
from wire import Advertisement, Capture, Injector, advertisements

UCARP, OURS = "192.0.2.12", "192.0.2.11"


@pytest.fixture
def ucarp(pris, tmp_path):
    """Starts ucarp on pris; use as `with ucarp(skew):`."""
    up, down = tmp_path / "up", tmp_path / "down"
    for path, action in ((up, "replace"), (down, "del")):
        path.write_text(f'#!/bin/sh\nip address {action} "$2/32" dev "$1"\nexit 0\n')
        path.chmod(0o755)

    @contextlib.contextmanager
    def start(skew, *more, key="tyrell"):
        with pris.background("ucarp", "-i", "eth0", "-s", UCARP, "-v", "1", "-p", key, "-a", "192.0.2.1",
                             "-b", "1", "-k", skew, "-u", up, "-d", down, *more) as process:
            yield process

    return start


def test_ucarp_is_backup_of_ours(rachael, ucarp, client):
    """Our MASTER keeps a ucarp quiet; our orderly end hands over to it."""
    ours = master(rachael, advskew=0, **{"pass": "tyrell"})
    with ucarp(100), Capture(client.ns, "eth0", "in") as capture:
        capture.during(10)
        assert not [f for f in capture.frames if f.advertisement and f.ip["source"] == UCARP]
        ours.down()
        theirs = capture.advertisement(6, source=UCARP)
        bow_out = next(f for f in capture.frames if f.advertisement and f.advertisement["bow_out"])
        print(f"ucarp took over {(theirs.time - bow_out.time) / 1e9:.3f} s after the bow-out")
        client.run("ping", "-c", "2", "-W", "2", "192.0.2.1")


def test_ucarp_takes_over_after_our_silent_death(rachael, ucarp, client, segment):
    master(rachael, advskew=0, **{"pass": "tyrell"})
    with ucarp(100), Capture(client.ns, "eth0", "in") as capture:
        capture.during(4)
        segment.cut(rachael)
        capture.advertisement(10, source=UCARP)


def test_ours_is_backup_of_ucarp(rachael, pris, ucarp, client):
    """A ucarp MASTER is heard and obeyed; when it is killed we take over."""
    with ucarp(0) as process, Capture(client.ns, "eth0", "in") as capture:
        capture.advertisement(15, source=UCARP)
        ours = group(rachael, advskew=100, **{"pass": "tyrell"})
        capture.during(10)
        assert ours.state == "BACKUP"
        counters = ours.counters()
        assert counters["rx_v4"] >= 8
        assert not [name for name, n in counters.items() if name.startswith("discard_") and n]
        process.send_signal(signal.SIGKILL)
        ours.wait("MASTER", 6, reason="timed-out")
        pris.ip("address", "flush", "to", "192.0.2.1/32")  # killed, it could not tidy up
        client.run("ping", "-c", "2", "-W", "2", "192.0.2.1")


def test_ucarp_preempts_ours_and_we_take_it_back(rachael, ucarp, client):
    """A better ucarp with preempt (-P) takes over from us, and our last advertisement does not disturb it; when
    it dies we return."""
    ours = master(rachael, advskew=100, **{"pass": "tyrell"})
    with ucarp(0, "-P") as process:
        with Capture(rachael.ns, "eth0") as capture:
            ours.wait("BACKUP", 15, reason="better-master")
            capture.until(lambda f: f.advertisement and f.outgoing and f.destination == virtual_mac(1), 1)
            heard = advertisements(capture.during(5))
        assert len(heard) >= 4
        assert {f.ip["source"] for f in heard} == {UCARP}
        assert ours.status()["transitions"] == 3
        # It announces its own MAC before it advertises.
        assert ours.counters()["address_conflict"] == 1
        process.send_signal(signal.SIGKILL)
        ours.wait("MASTER", 6, reason="timed-out")


def test_ours_preempts_ucarp(rachael, ucarp, client):
    with ucarp(100), Capture(client.ns, "eth0", "in") as capture:
        capture.advertisement(15, source=UCARP)
        rachael.sysctl("net.inet.carp.preempt", 1)
        ours = group(rachael, advskew=0, **{"pass": "tyrell"})
        ours.wait("MASTER", 5, reason="preempted")
        capture.during(2)
        capture.frames.clear()
        capture.during(8)
        assert not [f for f in capture.frames if f.advertisement and f.ip["source"] == UCARP], "ucarp did not step down"


def test_ucarp_with_another_key_is_not_heard(rachael, ucarp):
    ours = master(rachael, advskew=100, **{"pass": "tyrell"})
    with ucarp(0, "-P", key="weyland"):
        eventually(lambda: ours.counters()["discard_bad_digest"] >= 3, 20, "ucarp's advertisements")
        assert ours.state == "MASTER"
        assert ours.counters()["rx_v4"] == 0


def test_ucarp_backup_beside_a_master_that_steps_down(rachael, ucarp, client, segment):
    """What is for the MASTER alone reaches ucarp on a hub, and is from a worse host than it is."""
    run("ip", "-n", segment.ns, "link", "set", "br0", "type", "bridge", "ageing_time", "0")
    ours = master(rachael, advskew=0, **{"pass": "tyrell"})
    last = Advertisement(advskew=100, key="tyrell")
    with ucarp(50, "-P"), Capture(client.ns, "eth0", "in") as capture, Injector(client) as injector:
        capture.during(5)
        injector.send(last.frame_to_master("02:00:00:00:00:99"))
        sent = time.time_ns()
        frames = capture.during(8)
    theirs = [f.time - sent for f in advertisements(frames) if f.ip["source"] == UCARP]
    print("ucarp advertised after", theirs)
    assert not [later for later in theirs if later > 2_500_000_000]
    assert (ours.state, ours.status()["transitions"]) == ("MASTER", 2)
    assert ours.counters()["other_master"] >= 1
