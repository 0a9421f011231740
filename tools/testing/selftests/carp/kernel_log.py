# SPDX-License-Identifier: GPL-2.0
"""The kernel's log: what was written since a mark, and whether it is a complaint."""

import os
import re

COMPLAINT = re.compile(
    r"WARNING:|BUG:|Oops|Call Trace|general protection|unable to handle|Kernel panic|"
    r"blocked for more than|unregister_netdevice: waiting|waiting for .* to become free|"
    r"rcu.*(stall|detected)|suspicious RCU|possible circular locking|refcount_t|list_(add|del) corruption|"
    r"panicked at|scheduling while atomic|sleeping function called|"
    # What only the debug kernel says, and does not call a warning.
    r"KASAN|inconsistent lock state|possible (recursive|irq lock)|non-static key|locking correctness validator|"
    r"suspected memory leak|ODEBUG")


class KernelLog:
    """Reads /dev/kmsg from now on."""

    def __init__(self):
        self.file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.file, 0, os.SEEK_END)

    def read(self):
        """The lines since the last reading."""
        lines = []
        while True:
            try:
                record = os.read(self.file, 8192).decode(errors="replace")
            except BlockingIOError:
                return lines
            except BrokenPipeError:
                lines.append("(records were lost)")
                continue
            prefix, _, text = record.partition(";")
            seconds = int(prefix.split(",")[2]) / 1e6
            lines.append(f"[{seconds:12.6f}] {text.splitlines()[0] if text else ''}")


# What the kernel says, with a trace, of a large allocation that fails.
NO_MEMORY = re.compile(r"vmalloc error:|page allocation failure")


def complaints(lines, allocations_fail=False):
    """The lines that say that something is wrong; not the trace of an allocation that fails, if they are made to."""
    def is_asked_for(number):
        return (allocations_fail and "Call Trace" in lines[number]
                and any(NO_MEMORY.search(line) for line in lines[max(0, number - 4):number]))
    return [line for number, line in enumerate(lines) if COMPLAINT.search(line) and not is_asked_for(number)]
