# SPDX-License-Identifier: GPL-2.0
"""The program that asks the shared address (ask.rs): who answered since when, and
which requests were lost.
"""

import dataclasses
import subprocess
import threading


@dataclasses.dataclass(frozen=True)
class Loss:
    """Requests in a row that nobody answered, between two that somebody did."""
    count: int
    begin: float
    end: float


class Asker:
    def __init__(self, address, rate):
        self.answers = []  # (time, name), one for each change
        self.losses = []
        self.asked = 0
        self._command = ["/mnt/ask", "ask", address, str(rate)]

    def start(self):
        program = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, args=(program.stdout,), daemon=True).start()

    def _read(self, lines):
        for line in lines:
            word, *rest = line.split()
            if word == "answered":
                self.answers.append((int(rest[0]) / 1e9, rest[1]))
            elif word == "lost":
                count, begin, end = map(int, rest)
                self.losses.append(Loss(count, begin / 1e9, end / 1e9))
            elif word == "total":
                self.asked = int(rest[0])

    @property
    def server(self):
        return self.answers[-1][1] if self.answers else None

    def lost_since(self, time):
        """How many were lost since then."""
        return sum(loss.count for loss in self.losses if loss.end > time)
