# SPDX-License-Identifier: GPL-2.0
"""What the debug kernel (scripts/debug-kernel) has and the stock kernel has not:
a search for memory that nobody points to, and allocations that fail when they are
told to.
"""

import contextlib
import os
import pathlib
import re
import time

PRESENT = os.uname().release.endswith("-debug")

# As many times the instructions does it take for the same work, roughly: for bounds on how
# long that takes, not on when something begins.
SLOWNESS = 10 if PRESENT else 1

DEBUGFS = pathlib.Path("/sys/kernel/debug")
KMEMLEAK = DEBUGFS / "kmemleak"
OLD_ENOUGH = 6  # seconds: kmemleak says nothing about what is younger than five


def leaks():
    """Reports of memory that nobody points to any more, since the last look.

    Whose they are is not asked: a report tells who allocated the memory, and a packet that the module
    takes and forgets was allocated by its sender. Nor is the module named any more when it was unloaded.
    """
    if not PRESENT:
        return []
    time.sleep(OLD_ENOUGH)
    # What a first scan finds may be on its way from one list to another.
    KMEMLEAK.write_text("scan")
    KMEMLEAK.write_text("scan")
    reports = re.split(r"(?m)^(?=unreferenced object)", KMEMLEAK.read_text())
    KMEMLEAK.write_text("clear")
    return [report for report in reports if report.strip()]


def lockdep_is_off():
    """Lockdep says one thing and is silent from then on; also when its tables are full."""
    if not PRESENT:
        return False
    statistics = pathlib.Path("/proc/lockdep_stats").read_text()
    return re.search(r"debug_locks:\s+1$", statistics, re.M) is None


@contextlib.contextmanager
def settings(values):
    """Files below debugfs with other contents for a while: {path: value}."""
    paths = {DEBUGFS / name: value for name, value in values.items()}
    old = {path: path.read_text() for path in paths}
    try:
        for path, value in paths.items():
            path.write_text(str(value))
        yield
    finally:
        for path, value in old.items():
            path.write_text(value)


def only_in(start, end):
    """Only allocations with a function between two addresses among their callers fail."""
    return settings({f"{what}/require-{which}": hex(address) for what in ("failslab", "fail_page_alloc")
                     for which, address in (("start", start), ("end", end))})


def every_kind():
    """All kinds of allocations can fail: those that may wait for memory and single pages, too; without a word."""
    return settings({"failslab/ignore-gfp-wait": "N", "failslab/verbose": 0, "fail_page_alloc/ignore-gfp-wait": "N",
                     "fail_page_alloc/verbose": 0, "fail_page_alloc/min-order": 0})


def code_of_module():
    """From where to where the module's functions are."""
    symbols = pathlib.Path("/proc/kallsyms").read_text()
    addresses = [int(line.split()[0], 16) for line in symbols.splitlines()
                 if line.endswith("[carp]") and line.split()[1] in "tT"]
    return min(addresses), max(addresses) + 4096


class FailNth:
    """Lets the n-th allocation of this thread fail: /proc/thread-self/fail-nth."""

    PATH = pathlib.Path("/proc/thread-self/fail-nth")

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(every_kind())
            self.file = os.open(self.PATH, os.O_RDWR)
            stack.callback(os.close, self.file)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        os.pwrite(self.file, b"0", 0)
        self.stack.close()

    def __call__(self, number, operation):
        """Runs the operation with its `number`-th allocation failing.

        Returns whether it had so many, and its exception if there was one.
        """
        raised = None
        os.pwrite(self.file, b"%d" % number, 0)
        try:
            operation()
        except OSError as error:
            raised = error
        left = os.pread(self.file, 16, 0)
        os.pwrite(self.file, b"0", 0)
        return int(left) == 0, raised
