# SPDX-License-Identifier: GPL-2.0
"""What a client loses that asks the shared address a thousand times a second, while
nothing fails: the MASTER is stopped as politely as it can be, a BACKUP comes and goes,
and a preferred host comes back, from a cable that was cut or as a program that was
stopped. (That it was cut is over and answered for when the counting begins.)
"""

import itertools
import time

from keepalived import Keepalived, KeepalivedVmac
from machine import Machine
from member import SHARED
from ours import Ours
from prober import Probe
from topology import Segment

KINDS = (Ours, Keepalived, KeepalivedVmac)


class Scene:
    """rachael is preferred, pris is the other one."""

    def __init__(self, kind):
        self.segment = Segment()
        for name, address in (("rachael", "192.0.2.11"), ("pris", "192.0.2.12"), ("client", "192.0.2.50")):
            host = Machine(self.segment, name, f"{address}/24")
            self.segment.hosts.append(host)
            setattr(self, name, host)
        self.preferred, self.other = kind(self.rachael), kind(self.pris, preferred=False)
        self.preferred.start()
        self.preferred.wait_for_master()

    def close(self):
        self.segment.close()


def master_stopped(scene, phase, probing):
    """The MASTER leaves in order, and the other one follows."""
    scene.other.start()
    time.sleep(6)
    probe = probing()
    time.sleep(1 + phase)
    scene.preferred.stop()
    time.sleep(7)
    return probe.end(), [scene.other]


def backup_started(scene, phase, probing):
    probe = probing()
    time.sleep(1 + phase)
    scene.other.start()
    time.sleep(6)
    return probe.end(), [scene.other, scene.preferred]


def backup_stopped(scene, phase, probing):
    scene.other.start()
    time.sleep(6)
    probe = probing()
    time.sleep(1 + phase)
    scene.other.stop()
    time.sleep(4)
    return probe.end(), [scene.preferred]


def preferred_reconnected(scene, phase, probing):
    scene.other.start()
    time.sleep(6)
    scene.segment.cut(scene.rachael)
    scene.other.wait_for_master()
    time.sleep(6)
    probe = probing()
    time.sleep(1 + phase)
    scene.segment.heal(scene.rachael)
    time.sleep(9)  # keepalived announces its address again after 5 s
    return probe.end(), [scene.other, scene.preferred]


def preferred_restarted(scene, phase, probing):
    scene.other.start()
    time.sleep(6)
    scene.preferred.stop()
    scene.other.wait_for_master()
    time.sleep(6)
    probe = probing()
    time.sleep(1 + phase)
    scene.preferred.start()
    time.sleep(8)
    return probe.end(), [scene.other, scene.preferred]


EVENTS = (master_stopped, backup_started, backup_stopped, preferred_reconnected, preferred_restarted)


def measure(repeats):
    for kind, event, repeat in itertools.product(KINDS, EVENTS, range(repeats)):
        scene = Scene(kind)
        time.sleep(3)
        # Another place in the interval between two advertisements each time.
        phase = (repeat + 0.3) / repeats
        account, left = event(scene, phase, lambda: Probe(scene.client, SHARED, (scene.rachael, scene.pris)))
        for member in left:
            member.stop()
        scene.close()
        yield {"kind": kind.label, "what": event.__name__.replace("_", " "), "repeat": repeat, **account.told()}
