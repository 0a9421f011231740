# SPDX-License-Identifier: GPL-2.0
"""What a packet costs: UDP with 18 bytes, one at a time, from the client to the shared
address, and through the gateway to the server, in the kernel's instructions on all
three hosts together. Twice:

- "path": the client's system call, the way through all hosts (all of it happens in that
  call: there is one processor, and a veth hands frames on at once), and the receiver's
  call, which finds the packet there. No process is woken, so that every step is alike.
- "process": the receiver is a process that waits, as a server does, and is woken.

Of all steps the median is taken: timer ticks and whatever else comes between are in few
of them. Kinds take turns.
"""

import os
import signal
import socket

from bare import Bare
from chain import SERVER, Chain
from keepalived import KeepalivedVmac
from marks import Steps
from member import SHARED
from ours import Ours
from topology import inside

PORT, PAYLOAD, STEPS = 7, bytes(18), 1000
KINDS = (Bare, Ours, KeepalivedVmac)


class Way:
    """A socket of the client and one of the receiver."""

    def __init__(self, chain, receiver, address):
        with inside(receiver.ns):
            self.there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.there.bind(("", PORT))
        with inside(chain.client.ns):
            self.here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
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


def measure(repeats):
    ways = []
    for kind in KINDS:
        chain = Chain(kind.__name__.lower())
        chain.shares(kind)
        ways.append((kind.label, "to the address", Way(chain, chain.gateway, SHARED)))
        ways.append((kind.label, "forwarded", Way(chain, chain.server, SERVER)))
    # All of one view before the other: processes that come and go leave the allocators in another state.
    for view in ("path", "process"):
        for repeat in range(-1, repeats):
            for label, what, way in ways:
                told = getattr(way, view)()
                if repeat >= 0:  # the first round is for the caches
                    yield {"kind": label, "what": what, "view": view, "repeat": repeat, **told}
