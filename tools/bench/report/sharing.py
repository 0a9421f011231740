# SPDX-License-Identifier: GPL-2.0
"""Instructions of a packet that one of several hosts takes, beside those of a packet to a
group of one node. There is no target: nothing else does this to compare with.
"""

from statistics import median

from measured import distinct, select
from row import OURS, Row

TITLE = "Instructions of a packet to a group of two nodes (UDP, 18 bytes; the kernel's, on all three hosts)"


def rows(found):
    for what in distinct(found, "what"):
        def costs(kind):
            return [median(kernel for kernel, _ in one["steps"]) for one in select(found, what=what, kind=kind)]

        alone = costs(OURS)
        for kind in distinct(found, "kind"):
            own = costs(kind)
            row = Row(what, "one node" if kind == OURS else kind, own, "instructions")
            if kind != OURS:
                more = [with_it - without for with_it, without in zip(own, alone)]
                row.ratio = 1 + median(more) / median(alone)
                row.note = f"{median(more):+,.0f} ({min(more):+,.0f} .. {max(more):+,.0f})"
            yield row
