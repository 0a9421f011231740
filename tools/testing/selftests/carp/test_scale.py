# SPDX-License-Identifier: GPL-2.0
"""255 groups on one parent come up, elect and fail over."""

import pytest

from carp import Group, master_down
from topology import eventually
from wire import Capture, advertisements

VHIDS = range(1, 256)
MS = 1_000_000


def make_groups(host, advskew):
    lines = []
    for vhid in VHIDS:
        lines += [f"link add link eth0 name carp{vhid} type carp vhid {vhid} advskew {advskew} pass tyrell",
                  f"address add 198.18.0.{vhid}/32 dev carp{vhid}", f"link set carp{vhid} up"]
    host.batch(*lines)
    return [Group(host, f"carp{vhid}") for vhid in VHIDS]


def all_are(groups, state):
    for made in groups:
        if made.state != state:
            return False
    return True


@pytest.mark.limit(600)
def test_255_groups_elect_and_fail_over(rachael, pris, segment):
    ours = make_groups(rachael, 0)
    eventually(lambda: all_are(ours, "MASTER"), 60, "255 MASTERs", pause=0.5)
    theirs = make_groups(pris, 100)
    with Capture(pris.ns, "eth0") as capture:
        capture.during(5)
        assert all_are(theirs, "BACKUP")
        capture.frames.clear()
        capture.during(3)
        segment.cut(rachael)
        capture.during(5)
        adverts = advertisements(capture.frames)
    assert all_are(theirs, "MASTER")
    for vhid in VHIDS:
        mine = [f for f in adverts if f.advertisement["vhid"] == vhid]
        heard = [f.time for f in mine if f.ip["source"] == "192.0.2.11"][-1]
        own = [f.time for f in mine if f.ip["source"] == "192.0.2.12"][0]
        assert 0 <= own - heard - master_down(1, 100) <= 5 * MS, f"vhid {vhid}"
    segment.heal(rachael)
    eventually(lambda: all_are(theirs, "BACKUP") and all_are(ours, "MASTER"), 30, "one MASTER each", pause=0.5)
    for made in ours + theirs:
        assert made.counters()["discard_bad_digest"] == 0
