# SPDX-License-Identifier: GPL-2.0
"""Marks in the stream of executed instructions: the emulator's plugin
(instructions.c) writes down both its counters when one is passed. What it wrote is
read outside of the guest (report.py), so a measurement here is told by the numbers
of its marks, counted from 0 in the order in which they were passed.
"""

import contextlib
import ctypes

PAGE, SIZE, STEP = 0x6D000000, 4096, 16
RETURN = b"\xc3"
_READ_WRITE_EXECUTE, _PRIVATE_ANONYMOUS_FIXED = 7, 0x2 | 0x20 | 0x100000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
if _libc.mmap(PAGE, SIZE, _READ_WRITE_EXECUTE, _PRIVATE_ANONYMOUS_FIXED, -1, 0) != PAGE:
    raise OSError(ctypes.get_errno(), "no page for the marks")
ctypes.memmove(PAGE, RETURN * SIZE, SIZE)

MARK, BEGIN, END = 0, 1, 2
_calls = [ctypes.CFUNCTYPE(None)(PAGE + which * STEP) for which in (MARK, BEGIN, END)]
_passed = 0


def mark(which=MARK):
    """Passes a mark and returns its number."""
    global _passed
    _calls[which]()
    _passed += 1
    return _passed - 1


@contextlib.contextmanager
def traced():
    """What the kernel executes meanwhile is written down, block by block, if that was asked for."""
    mark(BEGIN)
    try:
        yield
    finally:
        mark(END)


class Steps:
    """A measurement of many equal steps: next() between them, and before and behind."""

    def __init__(self):
        self.first = self.last = None

    def next(self):
        self.last = mark()
        if self.first is None:
            self.first = self.last

    def told(self):
        return {"marks": [self.first, self.last]}
