# SPDX-License-Identifier: GPL-2.0
"""usage: report DIRECTORY NAME...

Prints the table of what the guests measured, and leaves it in DIRECTORY/results.json
too. Fails if a target is missed, or if a benchmark was not measured.
"""

import importlib
import json
import pathlib
import sys

import measured
import row


def main():
    directory, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    kernel, emulator, commit = (directory / "machine").read_text().splitlines()
    repeats = int((directory / "repeats").read_text())
    machine = {"kernel": kernel, "emulator": emulator, "commit": commit, "repeats": repeats}
    missed, told = [], []
    print(f"kernel {kernel}, {emulator}, commit {commit}, {repeats} repeats")
    for name in names:
        benchmark = importlib.import_module(name)
        try:
            rows = list(benchmark.rows(measured.results(directory, name)))
        except measured.Incomplete as error:
            print(f"\n{error}")
            missed.append(str(error))
            continue
        print(f"\n{benchmark.TITLE}\n")
        for line in row.align(rows):
            print(line)
        missed += [f"{name}: {one.what}, {one.kind}" for one in rows if one.met is False]
        told += [{"benchmark": name, **one.told()} for one in rows]
    results = {**machine, "missed": missed, "rows": told}
    (directory / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    print()
    for line in missed:
        print(f"missed: {line}")
    if not missed:
        print("all targets are met")
    return 1 if missed else 0


sys.exit(main())
