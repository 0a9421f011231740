# SPDX-License-Identifier: GPL-2.0
"""Debian's keepalived: VRRP version 3, with the address on the parent or on a macvlan
(use_vmac). Its log goes nowhere: on the console it would cost time of its own.
"""

import pathlib
import signal

from member import MS, SHARED, Member, Pace

CONFIGURATION = """\
global_defs {{
    router_id {name}
    vrrp_version 3
}}
vrrp_instance shared {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int {seconds}
    {more}
    virtual_ipaddress {{
        {address}/32
    }}
}}
"""


def pace(milliseconds):
    seconds = milliseconds / 1000
    dead = milliseconds * MS * (3 * 256 + 256 - 100) // 256  # RFC 5798, 6.1
    return Pace(milliseconds * MS, dead, {"priority": 200, "seconds": seconds}, {"priority": 100, "seconds": seconds})


class Keepalived(Member):
    label = "keepalived"
    paces = {"1 s": pace(1000), "10 ms": pace(10), "fastest": pace(10)}
    more = ""

    def start(self):
        base = pathlib.Path("/run", f"keepalived-{self.host.name}")
        configuration = base.with_suffix(".conf")
        configuration.write_text(CONFIGURATION.format(
            name=self.host.name, more=self.more, address=SHARED, **self.settings))
        self.program = self.host.start("keepalived", "--dont-fork", "--vrrp", "--no-syslog", "-f", configuration,
                                       "-p", base.with_suffix(".pid"), "-r", base.with_suffix(".vrrp.pid"))

    def stop(self):
        self.program.send_signal(signal.SIGTERM)
        self.program.wait()


class KeepalivedVmac(Keepalived):
    label = "keepalived use_vmac"
    more = "use_vmac"

    def shared_mac(self):
        return "00:00:5e:00:01:33"
