# SPDX-License-Identifier: GPL-2.0
"""Instructions of an advertisement, all of them: processes, kernel, timers, the way
through the cable. What an idle machine does in the same time is taken off."""

from statistics import median

from measured import distinct, select
from row import OURS, Row

TITLE = "Instructions of an advertisement (kernel and processes)"
BESIDE, PART = "keepalived", 5


def total(one):
    (steps,) = one["steps"]
    return sum(steps)


def rows(found):
    nobody = median(total(one) for one in select(found, what="nobody"))
    costs = {}
    for one in found:
        if one["what"] != "nobody":
            costs[one["kind"], one["repeat"], one["what"]] = (total(one) - nobody) / one["frames"]
    kinds = distinct(found, "kind")
    for what in ("sent", "received"):
        rows_of_kinds = {}
        for kind in kinds:
            own = {repeat: cost for (k, repeat, w), cost in costs.items() if (k, w) == (kind, what)}
            if what == "received":  # that window has the sending in it as well
                own = {repeat: cost - costs[kind, repeat, "sent"] for repeat, cost in own.items()}
            rows_of_kinds[kind] = Row(what, kind, list(own.values()), "instructions")
        for kind, row in rows_of_kinds.items():
            row.ratio = row.value / rows_of_kinds[BESIDE].value
            if kind == OURS:
                row.target, row.met = f"<= 1/{PART} of {BESIDE}", row.ratio <= 1 / PART
            yield row
