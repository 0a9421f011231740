# SPDX-License-Identifier: GPL-2.0
"""What the demo prints: a time line, and a table of what was measured."""

import dataclasses
import os
import textwrap
import time

COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
SERVER_COLOURS = {"rachael": "yellow", "pris": "cyan"}


def paint(colour, text):
    if os.environ.get("COLOUR") != "yes" or colour is None:
        return text
    return f"\033[{COLOURS[colour]}m{text}\033[0m"


class TimeLine:
    """Lines of "when, who, what"."""

    def __init__(self):
        self._begin = time.time()

    def heading(self, text):
        print(f"\n{paint('bold', text)}")

    def event(self, who, what, when=None, colour=None):
        when = (time.time() if when is None else when) - self._begin
        name = paint(SERVER_COLOURS.get(who, "dim"), f"{who:8}")
        print(f"{paint('dim', f'{when:8.3f}')}  {name} {paint(colour, what)}")

    def command(self, who, command):
        self.event(who, f"# {command}", colour="bold")


@dataclasses.dataclass(frozen=True)
class Handover:
    """One move of the address. `theory` is the time from the last advertisement of
    the old MASTER to the first one of the new, in seconds; `losable` for how long
    requests may be lost.
    """
    event: str
    new_master: str
    theory: float
    measured: float
    losable: float
    lost: int


def _milliseconds(seconds, sign=""):
    return f"{seconds * 1000:{sign}.1f}"


def table(handovers, tolerance, rate, judge_requests):
    """Prints the table and says whether all is as it should be."""
    print(f"\n{'':20}{'between advertisements, ms':^32}   {'requests lost':^20}")
    print(paint("bold", f"{'event':20}{'theory':>10}{'measured':>12}{'error':>10}"
                        f"   {'theory':>10}{'measured':>10}"))
    good = True
    for handover in handovers:
        error = handover.measured - handover.theory
        most = round(handover.losable * rate)
        right = abs(error) <= tolerance
        if judge_requests:
            right &= handover.lost <= most + tolerance * rate
        good &= right
        numbers = (f"{_milliseconds(handover.theory):>10}{_milliseconds(handover.measured):>12}"
                   f"{_milliseconds(error, '+'):>10}   {f'<= {most}' if most else '0':>10}{handover.lost:>10}")
        verdict = paint("green", "ok") if right else paint("red", "WRONG")
        print(f"{handover.event:20}{numbers}  {verdict}")
    return good


def paragraph(text):
    print()
    print(textwrap.fill(" ".join(text.split()), 80))
