# SPDX-License-Identifier: GPL-2.0
"""One line of the table."""

import dataclasses
import statistics

OURS = "carp"


@dataclasses.dataclass
class Row:
    what: str
    kind: str
    values: list  # one of each repeat
    unit: str
    digits: int = 0
    ratio: float = None
    target: str = ""
    met: bool = None
    note: str = ""

    @property
    def value(self):
        return statistics.median(self.values)

    def number(self, value):
        return f"{value:,.{self.digits}f}"

    def cells(self):
        spread = f"{self.number(min(self.values))} .. {self.number(max(self.values))}"
        verdict = {None: "", True: "met", False: "MISSED"}[self.met]
        ratio = "" if self.ratio is None else f"{self.ratio:.4f}" if 0.9 < self.ratio < 1.1 else f"{self.ratio:.3g}"
        return [self.what, self.kind, self.number(self.value), spread, self.unit, ratio, self.target, verdict, self.note]

    def told(self):
        return {**dataclasses.asdict(self), "value": self.value}


def align(rows):
    """The rows as lines of text, with a heading; what repeats is said once."""
    table = [["", "", "median", "all", "unit", "ratio", "target", "", ""]]
    for row in rows:
        table.append(row.cells())
    widths = [max(len(cells[i]) for cells in table) for i in range(len(table[0]))]
    said = None
    for cells in table:
        what, cells[0] = cells[0], "" if cells[0] == said else cells[0]
        said = what
        yield "  ".join(cell.rjust(width) if i in (2, 3, 5) else cell.ljust(width)
                        for i, (cell, width) in enumerate(zip(cells, widths))).rstrip()
