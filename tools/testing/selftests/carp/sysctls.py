# SPDX-License-Identifier: GPL-2.0
"""The sysctls that hosts have before a test says otherwise: Debian's, or hostile ones.

New network namespaces have those of IPv4 from the first one. CARP_SYSCTLS=NAME chooses.
"""

import os
import pathlib

CONF = pathlib.Path("/proc/sys/net/ipv4/conf")
# {name: {"all" or "default": {sysctl of net.ipv4.conf: value}}}
SETS = {
    # Debian's linux-sysctl-defaults, which sets those of devices and not of "all".
    "debian": {"default": {"rp_filter": 2, "accept_source_route": 0, "promote_secondaries": 1}},
    # All that Linux solutions have to change, at once.
    "hostile": {which: {"rp_filter": 1, "arp_ignore": 2, "arp_announce": 2, "arp_filter": 1, "accept_local": 0,
                        "promote_secondaries": 1, "accept_redirects": 0, "send_redirects": 0,
                        "secure_redirects": 0, "shared_media": 0} for which in ("all", "default")},
    "kernel": {},
}
CHOSEN = os.environ.get("CARP_SYSCTLS") or "debian"


def write():
    """Gives them to all network namespaces that are made from now on."""
    for which, values in SETS[CHOSEN].items():
        for name, value in values.items():
            (CONF / which / name).write_text(str(value))
