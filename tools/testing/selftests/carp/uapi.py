# SPDX-License-Identifier: GPL-2.0
"""The numbers of include/uapi/linux/if_carp.h, read from the header itself.

There is one source of these numbers; a test suite with a copy of its own would
agree with itself and with nothing else.
"""

import os
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent


def data(name, *in_repository):
    """The path of a data file: in $CARP_DATA, beside the suite (in a guest), or in the repository."""
    for place in (pathlib.Path(os.environ.get("CARP_DATA", HERE.parent)), HERE.parent):
        if (place / name).exists():
            return place / name
    return HERE.parents[3].joinpath(*in_repository)


def _enums(text):
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    numbers = {}
    for body in re.findall(r"enum\s*\w*\s*\{(.*?)\}", text, flags=re.S):
        next_value = 0
        for entry in filter(None, (e.strip() for e in body.split(","))):
            name, _, value = (part.strip() for part in entry.partition("="))
            next_value = int(value, 0) if value else next_value
            numbers[name] = next_value
            next_value += 1
    for name, value in re.findall(r"#define\s+(CARP_\w+)\s+(\(1 << \d+\)|\d+)\s*$", text, flags=re.M):
        shift = re.match(r"\(1 << (\d+)\)", value)
        numbers[name] = 1 << int(shift.group(1)) if shift else int(value)
    return numbers


HEADER = data("if_carp.h", "include", "uapi", "linux", "if_carp.h")
NUMBERS = _enums(HEADER.read_text())


def by_number(prefix):
    return {value: name[len(prefix):] for name, value in NUMBERS.items() if name.startswith(prefix)}


STATES = by_number("CARP_STATE_")
REASONS = {n: name.lower().replace("_", "-") for n, name in by_number("CARP_REASON_").items()}
MISSING = {bit: name.lower().replace("_", "-") for bit, name in by_number("CARP_MISSING_").items()}
BALANCINGS = {n: name.lower().replace("_", "-") for n, name in by_number("CARP_BALANCING_").items()}
SELECTIONS = {n: name.lower().replace("_", "-") for n, name in by_number("CARP_SELECTION_").items()}
COUNTERS = {n: name.lower() for n, name in by_number("IFLA_CARP_STATS_").items()}
ATTRIBUTES = {name: NUMBERS["IFLA_CARP_" + name] for name in (
    "VHID", "ADVBASE", "ADVSKEW", "KEY", "STATE", "REASON", "MISSING", "TRANSITIONS", "SINCE")}
