# SPDX-License-Identifier: GPL-2.0
"""What a packet costs: UDP with 18 bytes, one at a time, from the client to the shared
address, and through the gateway to the server, in the kernel's instructions on all
three hosts together. Twice:

- "path": the client's system call, the way through all hosts (all of it happens in that
  call: there is one processor, and a veth hands frames on at once), and the receiver's
  call, which finds the packet there. No process is woken, so that every step is alike.
- "process": the receiver is a process that waits, as a server does, and is woken.

Of all steps the median is taken: timer ticks and whatever else comes between are in few
of them.
"""

import itertools
import os
import signal
import socket

from bare import Bare
from chain import SERVER, SERVER_V6, Chain
from keepalived import KeepalivedVmac
from marks import Steps
from member import SHARED_V6
from ours import Ours
from topology import inside

PORT, PAYLOAD, STEPS = 7, bytes(18), 1000


class BareV6(Bare):
    shared = SHARED_V6


class OursV6(Ours):
    shared = SHARED_V6


# keepalived comes last, since it leaves settings behind. It has no group of both families. What is compared
# is measured one behind the other, so that the tables are alike.
KINDS = (Bare, Ours, BareV6, OursV6, KeepalivedVmac)


class Way:
    """A socket of the client and one of the receiver."""

    def __init__(self, chain, receiver, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with inside(receiver.ns):
            self.there = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                self.there.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self.there.bind(("", PORT))
        with inside(chain.client.ns):
            self.here = socket.socket(family, socket.SOCK_DGRAM)
            self.here.connect((address, PORT))

    def path(self):
        send, receive, step = self.here.send, self.there.recv, Steps()
        self.there.setblocking(False)
        for _ in range(STEPS):
            step.next()
            send(PAYLOAD)
            receive(64)
        step.next()
        return step.told()

    def process(self):
        self.there.setblocking(True)
        server = os.fork()
        if not server:
            receive = self.there.recv
            while True:
                receive(64)
        send, step = self.here.send, Steps()
        try:
            for _ in range(STEPS):
                step.next()
                send(PAYLOAD)
            step.next()
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)
        return step.told()


def measure_kinds(kinds, views, repeats):
    for repeat in range(repeats):
        # One chain for all kinds, one after the other: what they add is then not what other
        # addresses and tables cost.
        chain = Chain(f"chain{repeat}")
        ways = {}
        for kind in kinds:
            member = chain.shares(kind)
            v6 = ":" in member.shared
            if v6 not in ways:
                prefix = "IPv6, " if v6 else ""
                ways[v6] = ((f"{prefix}to the address", Way(chain, chain.gateway, member.shared)),
                            (f"{prefix}forwarded", Way(chain, chain.server, SERVER_V6 if v6 else SERVER)))
            for view, (what, way) in itertools.product(views, ways[v6]):
                getattr(way, view)()  # for the caches
                told = getattr(way, view)()
                yield {"kind": kind.label, "what": what, "view": view, "repeat": repeat, **told}
            member.stop()
        chain.close()


def measure(repeats):
    yield from measure_kinds(KINDS, ("path", "process"), repeats)
