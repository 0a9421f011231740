# SPDX-License-Identifier: GPL-2.0
"""usage: functions.py DIRECTORY [WHAT]

Prints, for each sort of packet that was traced, what each function executes more (or
less) with a group than on the bare parent; of advertisements, for one of those of the
traced time.
"""

import bisect
import collections
import json
import pathlib
import struct
import sys

BLOCK = struct.Struct("=QQ")


def traces(file):
    """One list of (address, instructions) for each trace."""
    found = [[]]
    for address, length in BLOCK.iter_unpack(file.read_bytes()):
        if address:
            found[-1].append((address, length))
        else:
            found.append([])
    return found[:-1]


def main():
    directory, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:]
    *results, last = map(json.loads, (directory / "functions-1.jsonl").read_text().splitlines())
    lines = (line.split() for line in last["symbols"].splitlines())
    symbols = sorted((int(words[0], 16), " ".join(words[2:])) for words in lines if words[1] in "tTwW")
    addresses = [address for address, _ in symbols]
    sums, frames = {}, {}
    for result, trace in zip(results, traces(directory / "functions-1.blocks"), strict=True):
        counts = sums.setdefault(result["what"], {}).setdefault(result["kind"], collections.Counter())
        frames[result["what"]] = result.get("frames", 1)
        for address, length in trace:
            counts[symbols[bisect.bisect(addresses, address) - 1][1]] += length
    for what, kinds in sums.items():
        if wanted and what not in wanted:
            continue
        without, with_group = kinds.values()
        print(f"\n{what}: {(with_group.total() - without.total()) // frames[what]:+,}")
        names = without.keys() | with_group.keys()
        for name in sorted(names, key=lambda name: without[name] - with_group[name]):
            difference = (with_group[name] - without[name]) // frames[what]
            if difference not in (0, -1):
                print(f"{difference:+7,}  {name}")


main()
