# SPDX-License-Identifier: GPL-2.0
"""What an advertisement costs, about every 10 ms, in instructions of the kernel and of
processes together. Two hosts on one cable; the machine is left alone for a while, with
nobody at work, with the MASTER alone, and with the other host listening.

    rachael eth0 ---- eth0 pris

Sent: MASTER alone, less nobody, by advertisement; this includes the way to pris, which
drops it. Received: both, less MASTER alone.
"""

import time

from keepalived import Keepalived, KeepalivedVmac
from machine import Machine
from marks import Steps
from ours import Ours
from topology import run
from ucarp import Ucarp

KINDS = (Ours, Keepalived, KeepalivedVmac, Ucarp)
WINDOW = 10  # seconds


class Cable:
    """Two hosts without a switch between them."""

    def __init__(self):
        self.hosts, self._lines = [], ()
        self.rachael = Machine(self, "rachael", "192.0.2.11/24")
        self.pris = Machine(self, "pris", "192.0.2.12/24")
        self.hosts = [self.rachael, self.pris]

    def plug(self, host, lines=(), **_):
        if host.name == "rachael":
            self._lines = lines
            return
        run("ip", "-n", "rachael", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", host.ns)
        self.rachael.batch("link set eth0 up", *self._lines)
        host.batch("link set eth0 up", *lines)

    def close(self):
        for host in list(self.hosts):
            host.delete()


def window(sender, label, what, repeat):
    time.sleep(2)  # what was just started comes to rest
    before, step = sender.sent(), Steps()
    step.next()
    time.sleep(WINDOW)
    step.next()
    return {"kind": label, "what": what, "repeat": repeat, "frames": sender.sent() - before, **step.told()}


def measure(repeats):
    for repeat in range(repeats):
        for kind in KINDS:
            cable = Cable()
            time.sleep(5)  # for IPv6 to have said what it has to say
            yield window(cable.rachael, kind.label, "nobody", repeat)
            first, second = kind(cable.rachael, "10 ms"), kind(cable.pris, "10 ms", preferred=False)
            first.start()
            first.wait_for_master()
            time.sleep(10)
            yield window(cable.rachael, kind.label, "sent", repeat)
            second.start()
            time.sleep(10)
            yield window(cable.rachael, kind.label, "received", repeat)
            second.stop()
            first.stop()
            cable.close()
