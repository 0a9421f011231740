# SPDX-License-Identifier: GPL-2.0
"""Which functions of the kernel a packet goes through, with and without a group: one
packet or frame of each sort, and the advertisements of a second, sent and received,
traced (marks.py). For tools/bench/run functions."""

import pathlib
import time

import foreign
from advertisements import Cable
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


def second(sender, kind, what):
    """What happens in a second."""
    time.sleep(2)
    before = sender.sent()
    with traced():
        time.sleep(1)
    return {"kind": kind, "what": what, "frames": sender.sent() - before}


def advertisements():
    cable = Cable()
    time.sleep(5)
    yield second(cable.rachael, "nobody", "an advertisement sent")
    first, other = Ours(cable.rachael, "10 ms"), Ours(cable.pris, "10 ms", preferred=False)
    first.start()
    first.wait_for_master()
    time.sleep(5)
    yield second(cable.rachael, "one", "an advertisement sent")
    yield second(cable.rachael, "one", "an advertisement received")
    other.start()
    time.sleep(5)
    yield second(cable.rachael, "two", "an advertisement received")
    other.stop()
    first.stop()
    cable.close()


def measure(_):
    yield from advertisements()
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
