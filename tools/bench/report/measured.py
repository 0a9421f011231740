# SPDX-License-Identifier: GPL-2.0
"""What the guests wrote: a line of JSON for each result, and three numbers for each mark
that was passed (instructions.c)."""

import json
import struct

RECORD = struct.Struct("=QQQ")


class Incomplete(Exception):
    """A benchmark was not measured, or not to its end."""


def results(directory, name):
    """The results of all guests that did `name`; those with marks have "steps": for each step,
    the instructions of the kernel and of processes."""
    files = sorted(directory.glob(f"{name}-*.jsonl"))
    if not files:
        raise Incomplete(f"{name} was not measured")
    found = []
    for file in files:
        own = [json.loads(line) for line in file.read_text().splitlines()]
        marks = file.with_suffix(".marks")
        passed = list(RECORD.iter_unpack(marks.read_bytes())) if marks.exists() else []
        for result in own:
            if "marks" in result:
                first, last = result["marks"]
                if last >= len(passed):
                    raise Incomplete(f"{name}: the counts of the plugin end too early")
                result["steps"] = [(after[1] - before[1], after[2] - before[2])
                                   for before, after in zip(passed[first:last], passed[first + 1:last + 1])]
        found += own
    return found


def select(found, **fields):
    """Those results that have these values."""
    return [one for one in found if all(one.get(key) == value for key, value in fields.items())]


def distinct(found, key):
    """The values of a key in the order in which they came."""
    return list(dict.fromkeys(one[key] for one in found))
