# SPDX-License-Identifier: GPL-2.0
"""The captures of real NetBSD, FreeBSD and ucarp hosts, replayed unchanged and at
their own pace, with our host configured as one more peer: every advertisement is
accepted, in both families, and the states are those that carp-protocol.md,
section 4, asks for. What is asked for comes from a small model in this file,
written from the text and sharing nothing with the module.
"""

import time

import pytest

import wire
from carp import NS, group, master_down
from test_vectors import CAPTURES, REAL
from wire import Injector

OWN = (1, 200)  # advbase, advskew: worse than all that was captured


def expected(adverts, families):
    """[(time, state, reason)] of a host with OWN that hears `adverts` from time 0 on."""
    state, changes = "BACKUP", []
    last = {family: 0 for family in families}
    for at, family, theirs, bow_out in adverts:
        due = max(last.values()) + master_down(*OWN)
        if state == "BACKUP" and at > due:
            state = "MASTER"
            changes.append((due, state, "timed-out"))
        if state == "BACKUP":
            if bow_out:
                state = "MASTER"
                changes.append((at, state, "master-bowed-out"))
            else:
                last[family] = at
        elif theirs <= OWN:
            state = "BACKUP"
            changes.append((at, state, "better-master"))
            last = {each: at for each in families}
    return changes


@pytest.mark.parametrize("name", REAL)
def test_replay(segment, name):
    key, addresses = REAL[name]
    frames = wire.advertisements(wire.read_pcap(CAPTURES / f"{name}.pcap"))
    begin = frames[0].time
    vhid = frames[0].advertisement["vhid"]
    families = {f.kind for f in frames}
    script = [(f.time - begin, f.kind, (f.advertisement["advbase"], f.advertisement["advskew"]),
               f.advertisement["bow_out"]) for f in frames]

    host = segment.host("rachael", "10.77.0.20/24", "fd77::20/64")
    replayer = segment.host("replayer")
    made = group(host, *addresses, vhid=vhid, advbase=OWN[0], advskew=OWN[1], up=False, **{"pass": key})
    before = made.counters()
    with Injector(replayer) as injector:
        made.up()
        started = time.time_ns()
        observed = []
        for frame, (at, *_) in zip(frames, script):
            while time.time_ns() < started + at:
                time.sleep(min(0.2, max(0, (started + at - time.time_ns()) / NS)))
                note(observed, made, started)
            injector.send(frame.raw)
            time.sleep(0.0005)
            note(observed, made, started)
    after = made.counters()
    difference = {k: after[k] - before[k] for k in after if after[k] != before[k]}
    assert difference.get("rx_v4", 0) == sum(f.kind == wire.ETH_P_IP for f in frames)
    assert difference.get("rx_v6", 0) == sum(f.kind == wire.ETH_P_IPV6 for f in frames)
    assert not [name for name in difference if name.startswith("discard_")], difference

    wanted = expected(script, families)
    print("wanted:  ", [(round(at / NS, 3), *rest) for at, *rest in wanted])
    print("observed:", [(round(at / NS, 3), *rest) for at, *rest in observed])
    assert [change[1:] for change in observed] == [change[1:] for change in wanted]
    for (seen, *_), (at, *_) in zip(observed, wanted):
        assert abs(seen - at) <= 20_000_000


def note(observed, made, started):
    """Notes a change of state with its time (the kernel says how long ago it was)."""
    now = made.status()
    change = (now["state"], now["reason"])
    if not observed and change == ("BACKUP", "ready"):
        return
    if not observed or observed[-1][1:] != change:
        observed.append((now["changed_at"] - started, *change))
