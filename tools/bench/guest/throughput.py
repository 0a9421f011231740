# SPDX-License-Identifier: GPL-2.0
"""How much TCP goes to the shared address, and through the gateway to the server, in a
second: iperf3, one stream, in megabits a second of the virtual clock. One processor of
1,000 million instructions a second does the work of all three hosts and both programs.
"""

import json
import time

from bare import Bare
from chain import SERVER, Chain
from keepalived import KeepalivedVmac
from member import SHARED
from ours import Ours

KINDS = (Bare, Ours, KeepalivedVmac)
SECONDS = 1


def stream(client, address):
    done = client.run("iperf3", "--client", address, "--time", SECONDS, "--json")
    return json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"] / 1e6


def measure(repeats):
    ways = []
    for kind in KINDS:
        chain = Chain(kind.__name__.lower())
        chain.shares(kind)
        for host in (chain.gateway, chain.server):
            host.start("iperf3", "--server")
        ways += [(kind.label, "to the address", chain, SHARED), (kind.label, "forwarded", chain, SERVER)]
    time.sleep(2)
    for repeat in range(repeats):
        for label, what, chain, address in ways:
            rate = stream(chain.client, address)
            yield {"kind": label, "what": what, "repeat": repeat, "Mbit/s": rate}
