# SPDX-License-Identifier: GPL-2.0
"""TCP through one processor that does everything."""

from measured import distinct, select
from row import OURS, Row

TITLE = "Throughput (TCP, iperf3, one stream; a processor of 1,000 million instructions a second)"
BARE, MOST = "bare parent", 1.003


def rows(found):
    for what in distinct(found, "what"):
        bare = None
        for kind in distinct(found, "kind"):
            row = Row(what, kind, [one["Mbit/s"] for one in select(found, what=what, kind=kind)], "Mbit/s")
            bare = bare or row.value
            if kind != BARE:
                row.ratio = bare / row.value
            if kind == OURS:
                row.target, row.met = f"<= {MOST}", row.ratio <= MOST
            yield row
