# SPDX-License-Identifier: GPL-2.0
"""Which functions of the kernel a packet goes through, with and without a group: one
packet or frame of each sort, traced (marks.py). For tools/bench/functions."""

import pathlib

import foreign
from bare import Bare
from chain import SERVER, Chain
from marks import traced
from member import SHARED
from ours import Ours
from packets import PAYLOAD, Way
from wire import Injector


def once(way):
    way.here.send(PAYLOAD)
    way.there.recv(64)


def measure(_):
    chain = Chain("chain")
    ways = {"to the address": Way(chain, chain.gateway, SHARED), "forwarded": Way(chain, chain.server, SERVER)}
    for kind in (Bare, Ours):
        member = chain.shares(kind)
        for what, way in ways.items():
            way.path()
            with traced():
                once(way)
            yield {"kind": kind.label, "what": what}
        with Injector(chain.client) as injector:
            for what, frame in foreign.frames(chain).items():
                for _ in range(50):
                    injector.send(frame)
                with traced():
                    injector.send(frame)
                yield {"kind": kind.label, "what": what}
        if kind is Bare:
            member.stop()
    pathlib.Path("/proc/sys/kernel/kptr_restrict").write_text("0")
    yield {"symbols": pathlib.Path("/proc/kallsyms").read_text()}
