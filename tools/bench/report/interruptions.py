# SPDX-License-Identifier: GPL-2.0
"""Requests lost at a thousand a second while nothing fails."""

from measured import distinct, select
from row import OURS, Row

TITLE = "Requests lost of 1,000 a second"
AT_MOST = {"master stopped": 0, "backup started": 0, "backup stopped": 0,
           "preferred reconnected": 1, "preferred restarted": 1}


def rows(found):
    for what in distinct(found, "what"):
        for kind in distinct(found, "kind"):
            own = select(found, what=what, kind=kind)
            row = Row(what, kind, [one["lost"] for one in own], "lost")
            gap = max(one["longest gap"] for one in own)
            if gap:
                row.note = f"longest gap {gap:.0f} ms"
            if kind == OURS:
                row.target, row.met = f"<= {AT_MOST[what]}", max(row.values) <= AT_MOST[what]
            yield row
