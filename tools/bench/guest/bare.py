# SPDX-License-Identifier: GPL-2.0
"""Nothing is shared: the address is on the parent, where an only gateway has it."""

from member import Member, Pace


class Bare(Member):
    label = "bare parent"
    paces = {"1 s": Pace(0, 0, {}, {})}

    def start(self):
        self.host.ip("address", "add", self.shared, "dev", "eth0", *["nodad"] * (":" in self.shared))

    def stop(self):
        self.host.ip("address", "del", self.shared, "dev", "eth0")
