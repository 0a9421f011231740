# SPDX-License-Identifier: GPL-2.0
"""What keeps the processor busy beside the programs that are watched."""

import contextlib
import os
import subprocess

# Not Python, whose interpreter an emulator runs slowly.
SPIN = "1 while 1"
SPIN_200 = "for (2 .. 200) { fork or last } 1 while 1"


@contextlib.contextmanager
def running(*command):
    process = subprocess.Popen(command, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, 9)
        process.wait()


LOADS = {
    "idle": contextlib.nullcontext,
    "a FIFO hog": lambda: running("chrt", "-f", "50", "perl", "-e", SPIN),
    "200 busy processes": lambda: running("perl", "-e", SPIN_200),
}


def share_by_process():
    """Has each process get the same share of the processor. By default each session does, and 200 processes of
    one session together take no more from a daemon than one process."""
    with open("/proc/sys/kernel/sched_autogroup_enabled", "w", encoding="ascii") as switch:
        switch.write("0\n")


def above_all():
    """This process, which only watches and switches, is never kept waiting."""
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(90))
