# SPDX-License-Identifier: GPL-2.0
"""Debian's ucarp. Its scripts do what its manual suggests, and announce the address as
ucarp itself does. (It sends no farewell, and cannot be told to.)
"""

import pathlib
import signal

import carp
from member import SHARED, Member, Pace

SCRIPT = """\
#!/bin/sh
ip address {action} {address}/32 dev "$1"
exit 0
"""


def pace(advbase, preferred, other):
    return Pace(carp.interval(advbase, preferred), carp.master_down(advbase, other),
                {"advbase": advbase, "advskew": preferred}, {"advbase": advbase, "advskew": other})


class Ucarp(Member):
    label = "ucarp"
    # Below a second it is of no use: it reads advertisements once a second only.
    paces = {"1 s": pace(1, 0, 100), "10 ms": pace(0, 3, 255)}

    def start(self):
        scripts = {}
        for name, action in (("up", "replace"), ("down", "del")):
            scripts[name] = pathlib.Path("/run", f"ucarp-{name}")
            scripts[name].write_text(SCRIPT.format(action=action, address=SHARED))
            scripts[name].chmod(0o755)
        own = self.host.address()
        self.program = self.host.start(
            "ucarp", "-i", "eth0", "-s", own, "-v", "1", "-p", "tyrell", "-a", SHARED, "-P", "-z", "-n",
            "-b", self.settings["advbase"], "-k", self.settings["advskew"], "-u", scripts["up"], "-d", scripts["down"])

    def stop(self):
        self.program.send_signal(signal.SIGTERM)
        self.program.wait()
