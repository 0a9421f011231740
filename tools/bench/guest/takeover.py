# SPDX-License-Identifier: GPL-2.0
"""How late the other host takes over from one that falls silent: the time between the
last advertisement of the one and the first of the other, less what the protocol says.
And whether it takes over when it should not: with a processor that is kept busy, while
nobody is cut off.

The times are those at which the client's interface receives the advertisements. All
hosts share the one processor, as does the load.
"""

import os
import time

from keepalived import Keepalived, KeepalivedVmac
from load import LOADS, above_all, share_by_process
from machine import Machine
from member import MS
from ours import Ours
from topology import Segment
from ucarp import Ucarp
from wire import PROTOCOL, Capture

CASES = [(Ours, "1 s"), (Ours, "fastest"), (Keepalived, "fastest"), (Keepalived, "1 s"),
         (KeepalivedVmac, "fastest"), (Ucarp, "1 s")]
SECOND = 1_000_000_000
FIRST, OTHER = "192.0.2.11", "192.0.2.12"


class Watch:
    """Who advertised when, as the client sees it."""

    def __init__(self, client):
        self._capture = Capture(client.ns, "eth0", "in")

    def heard(self, seconds):
        """(time, source) of all advertisements from the last call to this time from now."""
        frames = self._capture.during(seconds)
        return [(f.time, f.ip["source"]) for f in frames if f.ip and f.ip["protocol"] == PROTOCOL]

    def close(self):
        self._capture.__exit__()


def quiet_reign(watch, pace, limit=60):
    """Waits until the preferred host alone advertises; returns whether it came to that."""
    for _ in range(limit):
        sources = {source for _, source in watch.heard(max(3 * pace.interval / SECOND, 0.5))}
        if sources == {FIRST}:
            return True
    return False


def false_takeovers(watch, pace, seconds):
    """How often the other host came forward while the preferred one was there."""
    heard = watch.heard(seconds)
    own = [when for when, source in heard if source == FIRST]
    turns = sum(1 for (_, before), (_, now) in zip(heard, heard[1:]) if before == FIRST and now == OTHER)
    gaps = [later - earlier for earlier, later in zip(own, own[1:])]
    return {"false takeovers": turns, "seconds": seconds, "sent": len(own), "due": seconds * SECOND / pace.interval,
            "longest gap": max(gaps, default=seconds * SECOND) / MS}


def cut(segment, first, watch, pace, phase):
    """One takeover; its lateness in milliseconds, or None if there was none."""
    before = watch.heard(2 * pace.interval / SECOND + phase * pace.interval / SECOND)
    segment.cut(first)
    heard = before
    # A program that is kept from running comes late, by seconds.
    end = time.monotonic() + 5 * pace.dead / SECOND + 5
    while time.monotonic() < end:
        heard += watch.heard(pace.dead / SECOND / 2)
        theirs = [when for when, source in heard if source == OTHER]
        if theirs:
            last = max((when for when, source in heard if source == FIRST and when < theirs[0]), default=None)
            late = None if last is None else (theirs[0] - last - pace.dead) / MS
            break
    else:
        late = None
    segment.heal(first)
    return late


def case(kind, pace_name, repeats):
    segment = Segment()
    hosts = {}
    for name, address in (("rachael", FIRST), ("pris", OTHER), ("client", "192.0.2.50")):
        hosts[name] = Machine(segment, name, f"{address}/24")
        segment.hosts.append(hosts[name])
    first, other = kind(hosts["rachael"], pace_name), kind(hosts["pris"], pace_name, preferred=False)
    pace = first.pace
    first.start()
    first.wait_for_master()
    other.start()
    time.sleep(5)
    watch = Watch(hosts["client"])
    seconds = 12 if pace.interval >= SECOND else 10
    for load, busy in LOADS.items():
        with busy():
            time.sleep(3)  # all are there now
            watch.heard(0)
            told = {"kind": kind.label, "pace": pace_name, "load": load}
            yield {**told, "what": "watched", **false_takeovers(watch, pace, seconds)}
            for repeat in range(repeats):
                settled = quiet_reign(watch, pace)
                phase = (repeat + 0.5) / repeats
                yield {**told, "what": "cut", "repeat": repeat, "settled": settled,
                       "late": cut(segment, hosts["rachael"], watch, pace, phase)}
    watch.close()
    other.stop()
    first.stop()
    segment.close()


def measure(repeats):
    above_all()
    share_by_process()
    # Two guests share the cases (run).
    part, parts = map(int, os.environ.get("BENCH_PART", "1/1").split("/"))
    for kind, pace_name in CASES[part - 1::parts]:
        yield from case(kind, pace_name, repeats)
