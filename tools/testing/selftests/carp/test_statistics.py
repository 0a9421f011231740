# SPDX-License-Identifier: GPL-2.0
"""What `ip -s link` shows for a carp device: every frame once, on whichever processor
it came or went.
"""

import json
import os
import socket

import pytest

from carp import group, master, virtual_mac
from test_data import CLIENT_MAC, echo_request
from topology import eventually, inside, run
from wire import Injector

FRAMES = 100
pytestmark = pytest.mark.real  # two processors


def statistics(made):
    shown = run("ip", "-n", made.host.ns, "-s", "-j", "link", "show", "dev", made.name).stdout
    return json.loads(shown)[0]["stats64"]


def on_each_processor(work):
    allowed = os.sched_getaffinity(0)
    assert len(allowed) > 1
    try:
        for processor in sorted(allowed):
            os.sched_setaffinity(0, [processor])
            work()
    finally:
        os.sched_setaffinity(0, allowed)
    return len(allowed)


def inject(client, frame):
    with Injector(client) as injector:
        return FRAMES * on_each_processor(lambda: [injector.send(frame) for _ in range(FRAMES)])


def test_frames_for_the_virtual_mac_are_counted_on_every_processor(rachael, client):
    """As MASTER they are received, with all their bytes; a second group counts for itself."""
    rachael.ip("neigh", "replace", "192.0.2.50", "lladdr", CLIENT_MAC, "dev", "eth0")
    made = master(rachael)
    other = master(rachael, "192.0.2.2/32", name="carp1", vhid=2)
    before, frame = statistics(made), echo_request("192.0.2.1")
    number = inject(client, frame)

    def received():
        now = statistics(made)["rx"]
        return now["packets"] - before["rx"]["packets"], now["bytes"] - before["rx"]["bytes"]

    eventually(lambda: received() == (number, number * (len(frame) - 14)), 5, received)
    assert statistics(made)["rx"]["dropped"] == before["rx"]["dropped"]
    assert statistics(other)["rx"]["packets"] == 0


def test_frames_that_a_backup_drops_are_counted_on_every_processor(rachael, client):
    made = group(rachael, advbase=100)
    number = inject(client, echo_request("192.0.2.1"))
    eventually(lambda: statistics(made)["rx"]["dropped"] == number, 5, lambda: statistics(made))
    assert made.counters()["rx_not_master"] == number
    assert statistics(made)["rx"]["packets"] == 0


def test_another_vhid_begins_at_zero(rachael, client):
    """And so does the first one, when it comes back."""
    made = group(rachael, advbase=100)
    inject(client, echo_request("192.0.2.1"))
    eventually(lambda: statistics(made)["rx"]["dropped"], 5, "dropped frames")
    made.set(vhid=2)
    assert statistics(made)["rx"]["dropped"] == 0
    made.set(vhid=1)
    assert statistics(made)["rx"]["dropped"] == 0
    number = inject(client, echo_request("192.0.2.1", virtual_mac(1)))
    eventually(lambda: statistics(made)["rx"]["dropped"] == number, 5, lambda: statistics(made))


def test_packets_routed_out_of_the_device_are_counted_on_every_processor(rachael, client):
    made = master(rachael)
    rachael.batch("route add 198.51.100.0/24 dev carp0 src 192.0.2.1",
                  f"neigh replace 198.51.100.50 lladdr {CLIENT_MAC} dev carp0 nud permanent")
    before = statistics(made)["tx"]

    def send():
        with inside(rachael.ns):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for _ in range(FRAMES):
                    sender.sendto(b"x" * 72, ("198.51.100.50", 9))

    number = FRAMES * on_each_processor(send)
    after = statistics(made)["tx"]
    assert after["packets"] - before["packets"] == number
    assert after["bytes"] - before["bytes"] == number * (14 + 20 + 8 + 72)
    assert after["dropped"] == before["dropped"]
