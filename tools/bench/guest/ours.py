# SPDX-License-Identifier: GPL-2.0
"""The group as this module makes it."""

import carp
from member import Member, Pace


def pace(advbase, preferred, other):
    return Pace(carp.interval(advbase, preferred), carp.master_down(advbase, other),
                {"advbase": advbase, "advskew": preferred}, {"advbase": advbase, "advskew": other})


class Ours(Member):
    label = "carp"
    paces = {"1 s": pace(1, 0, 100), "10 ms": pace(0, 3, 6), "fastest": pace(0, 1, 2)}

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.group = carp.Group(self.host)

    def start(self):
        self.host.sysctl("net.inet.carp.preempt", 1)
        self.group.create(vhid=1, **{"pass": "tyrell"}, **self.settings)
        self.group.add_address(f"{self.shared}/{128 if ':' in self.shared else 32}")
        self.group.up()

    def stop(self):
        self.group.delete()

    def is_master(self):
        return self.group.state == "MASTER"

    def shared_mac(self):
        return carp.virtual_mac(1)
