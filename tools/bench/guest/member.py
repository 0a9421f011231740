# SPDX-License-Identifier: GPL-2.0
"""A host's part in a group that shares an address, whatever does the sharing. A kind
of member (bare.py, ours.py, keepalived.py, ucarp.py) says how it is started and
stopped, at which paces it can advertise, and what it promises then.
"""

import dataclasses

from topology import eventually

SHARED, SHARED_V6 = "192.0.2.1", "2001:db8::1"
MS = 1_000_000


@dataclasses.dataclass(frozen=True)
class Pace:
    """Nanoseconds between two advertisements of the preferred host, and of silence after
    which the other one takes over; and the settings for it, of the one and of the other."""
    interval: int
    dead: int
    preferred: dict
    other: dict

    def settings(self, preferred):
        return self.preferred if preferred else self.other


class Member:
    label = None
    paces = {}
    # The address that it has its part in, if it can have one of either family.
    shared = SHARED

    def __init__(self, host, pace="1 s", preferred=True):
        self.host, self.preferred, self.pace = host, preferred, self.paces[pace]
        self.settings = self.pace.settings(preferred)

    def start(self):
        """Begins to take part; returns at once."""
        raise NotImplementedError

    def stop(self):
        """Leaves as politely as it can, and returns when it is gone."""
        raise NotImplementedError

    def is_master(self):
        return self.shared in self.host.ip("address", "show", "to", self.shared).stdout

    def wait_for_master(self, timeout=30):
        eventually(self.is_master, timeout, f"{self.label} on {self.host.name} is MASTER", pause=0.1)

    def shared_mac(self):
        """The Ethernet address that belongs to the shared address here."""
        return self.host.mac()
