# SPDX-License-Identifier: GPL-2.0
"""Nothing is shared: the address is on the parent, where an only gateway has it."""

from member import SHARED, Member, Pace


class Bare(Member):
    label = "bare parent"
    paces = {"1 s": Pace(0, 0, {}, {})}

    def start(self):
        self.host.ip("address", "add", f"{SHARED}/32", "dev", "eth0")

    def stop(self):
        self.host.ip("address", "del", f"{SHARED}/32", "dev", "eth0")
