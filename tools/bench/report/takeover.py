# SPDX-License-Identifier: GPL-2.0
"""How late takeovers are, and how many there are that should not be."""

from measured import distinct, select
from row import OURS, Row

TITLE = "Takeover: milliseconds beyond the time that the protocol says"
AT_MOST = {"idle": 0.1, "a FIFO hog": 1, "200 busy processes": 1}


def rows(found):
    for load in distinct(found, "load"):
        for case in distinct([{"case": (one["kind"], one["pace"])} for one in found], "case"):
            kind, pace = case
            own = select(found, load=load, kind=kind, pace=pace)
            cuts, (watched,) = select(own, what="cut"), select(own, what="watched")
            false = watched["false takeovers"]
            late = [one["late"] for one in cuts if one["late"] is not None]
            row = Row(load, f"{kind}, {pace}", late or [float("nan")], "ms", digits=3)
            notes = [f"{false / watched['seconds'] * 60:.0f} false a minute"]
            if watched["sent"] < 0.99 * watched["due"] - 1:
                notes.append(f"sent {watched['sent']} of {watched['due']:.0f}")
            if len(late) < len(cuts):
                notes.append(f"{len(cuts) - len(late)} of {len(cuts)} not seen")
            row.note = ", ".join(notes)
            if kind == OURS:
                row.target = f"<= {AT_MOST[load]}, none false"
                row.met = len(late) == len(cuts) and max(late) <= AT_MOST[load] and false == 0
            yield row
