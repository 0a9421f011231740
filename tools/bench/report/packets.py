# SPDX-License-Identifier: GPL-2.0
"""Instructions of a packet, of all three hosts' kernels.

The cost of a step on the bare path is known to the instruction, and so is what a kind
adds to it. The ratio is that to what a packet costs with a receiver that is a process
and is woken, as it was measured for the targets; that cost differs from step to step
with what the scheduler decides, so it is the mean of them all.
"""

from statistics import mean, median

from measured import distinct, select
from row import OURS, Row

TITLE = "Instructions of a packet (UDP, 18 bytes; the kernel's, on all three hosts)"
BARE, MOST = "bare parent", 1.003


def rows(found):
    for what in distinct(found, "what"):
        def costs(kind, view, of):
            return [of(kernel for kernel, _ in one["steps"]) for one in select(found, what=what, kind=kind, view=view)]

        bare, whole = costs(BARE, "path", median), median(costs(BARE, "process", mean))
        for kind in distinct(found, "kind"):
            own = costs(kind, "path", median)
            if not own:
                continue  # it has no group of this family
            row = Row(what, kind, own, "instructions")
            if kind == BARE:
                row.note = f"{whole:,.0f} with a process that is woken"
            else:
                # Compared in one and the same chain of hosts (guest/packets.py).
                more = [with_it - without for with_it, without in zip(own, bare)]
                row.ratio = 1 + median(more) / whole
                row.note = f"{median(more):+,.0f} ({min(more):+,.0f} .. {max(more):+,.0f})"
            if kind == OURS:
                row.target, row.met = f"<= {MOST}", row.ratio <= MOST
            yield row
