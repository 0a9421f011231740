# SPDX-License-Identifier: GPL-2.0
"""A client that asks an address once a millisecond: ICMP echo, which the kernel of
whoever has the address answers. And the account of what became of each request, taken
from captures of all frames where they came in and went out.

As a program: prober.py ADDRESS, until it is killed.
"""

import dataclasses
import os
import signal
import socket
import struct
import subprocess
import sys
import time

from wire import PACKET_OUTGOING, Capture, checksum, mac_text

IDENTIFIER, REQUEST, ANSWER = 0x6361, 8, 0
PERIOD = 1_000_000


def ask(address):
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(80))
    there = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    there.connect((address, 0))
    due, number = time.monotonic_ns(), 0
    while True:
        # The number is in the two octets of the sequence and in two of the payload.
        body = struct.pack("!HHHH", IDENTIFIER, number & 0xFFFF, number >> 16, 0) + bytes(16)
        head = struct.pack("!BBH", REQUEST, 0, 0)
        there.send(head[:2] + struct.pack("!H", checksum(head + body)) + body)
        number += 1
        due += PERIOD
        time.sleep(max(due - time.monotonic_ns(), 0) / 1e9)


def echo(raw):
    """(type, number) of a frame that belongs to the probe, or None."""
    if len(raw) < 42 or raw[12:14] != b"\x08\x00" or raw[23] != socket.IPPROTO_ICMP:
        return None
    kind, identifier, low, high = raw[34], *struct.unpack_from("!HHH", raw, 38)
    return (kind, high << 16 | low) if identifier == IDENTIFIER and kind in (REQUEST, ANSWER) else None


def probes(capture):
    """What a capture has of the probe: (type, number, time, frame, whether it left). For tens of
    thousands of frames at once, which wire.py's way of reading would take long for."""
    receive = capture.socket.recvmsg
    while True:
        try:
            raw, ((_, _, stamp),), _, address = receive(64, 64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        found = echo(raw)
        if found:
            seconds, nanoseconds = struct.unpack("qq", stamp)
            yield *found, seconds * 1_000_000_000 + nanoseconds, raw, address[2] == PACKET_OUTGOING


@dataclasses.dataclass
class Account:
    """`asked` and `answered` have the times of requests and of answers by number; `places`, for
    each number, where it was seen at the gateways."""
    asked: dict
    answered: dict
    places: dict

    @property
    def numbers(self):
        # A request that the client could not send (it has no neighbour) was asked all the same.
        return range(max(self.asked) + 1)

    @property
    def lost(self):
        return [number for number in self.numbers if number not in self.answered]

    @property
    def longest_gap(self):
        """Milliseconds between two requests that were answered, with lost ones in between (or to the
        last one, if that is lost too); or 0."""
        good = [number for number in self.numbers if number in self.answered or number == max(self.asked)]
        gaps = [self.asked[after] - self.asked[before] for before, after in zip(good, good[1:]) if after > before + 1]
        return max(gaps, default=0) / PERIOD

    def told(self):
        shown = [[number, self.asked.get(number), self.places.get(number, [])] for number in self.lost[:12]]
        return {"asked": len(self.numbers), "lost": len(self.lost), "longest gap": self.longest_gap, "where": shown}


class Probe:
    """`client` asks for `address`; `gateways` are watched."""

    def __init__(self, client, address, gateways):
        # Closed when the probe is forgotten.
        self._captures = {host.name: Capture(host.ns, "eth0") for host in (client, *gateways)}
        self._client = client.name
        self._program = subprocess.Popen(
            ["ip", "netns", "exec", client.ns, sys.executable, __file__, address])

    def end(self):
        """Stops asking, and accounts for all requests."""
        self._program.send_signal(signal.SIGKILL)
        self._program.wait()
        time.sleep(1)
        account = Account({}, {}, {})
        for kind, number, when, *_ in probes(self._captures.pop(self._client)):
            times = account.asked if kind == REQUEST else account.answered
            times.setdefault(number, when)
        lost = set(account.lost)
        for name, capture in self._captures.items():
            # What was answered has no story to tell.
            for kind, number, _, raw, outgoing in probes(capture) if lost else ():
                if number in lost:
                    what = "the request" if kind == REQUEST else "the answer"
                    way = "left" if outgoing else "came to"
                    place = f"{what} {way} {name} ({mac_text(raw[6:12])} > {mac_text(raw[:6])})"
                    account.places.setdefault(number, []).append(place)
        return account


if __name__ == "__main__":
    ask(sys.argv[1])
