# SPDX-License-Identifier: GPL-2.0
"""What a packet costs that one of several hosts takes, as packets.py counts it: with a group
of one node, and of two, of both of which the gateway is MASTER, in each mode and by both
selections. No other host is there: what is counted is the choice, and what follows from it.
"""

import itertools

import nodes
from member import SHARED
from ours import Ours
from packets import measure_kinds


class Sharing(Ours):
    """A kind for each mode and selection: shared(mode, selection)."""
    balancing = selection = None

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.group = nodes.Sharing(self.host)

    def start(self):
        self.group.create([(1, 0), (2, 0)], balancing=self.balancing, selection=self.selection, key=b"tyrell")
        self.group.add_address(f"{SHARED}/32")
        self.group.up()

    def is_master(self):
        return set(self.group.states().values()) == {"MASTER"}

    def shared_mac(self):
        return nodes.virtual_mac(1, self.balancing)


def shared(balancing, selection):
    return type("Shared", (Sharing,), {"balancing": balancing, "selection": selection,
                                       "label": f"{balancing}, {selection}"})


KINDS = (Ours, *itertools.starmap(shared, itertools.product(nodes.MODES, nodes.SELECTION)))


def measure(repeats):
    yield from measure_kinds(KINDS, ("path",), repeats)
