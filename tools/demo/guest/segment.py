# SPDX-License-Identifier: GPL-2.0
"""What passes the switch: the CARP advertisements on the bridge's ports, with the
kernel's time stamps.
"""

import ctypes
import dataclasses
import socket
import struct
import threading

ETH_P_ALL = 0x0003
SO_TIMESTAMPNS = 35
SO_ATTACH_FILTER = 26

# Instructions of the classic packet filter: code, jump if true, if false, operand.
# "ip proto 112", so that the requests do not wake anybody.
FILTER = [
    (0x28, 0, 0, 12),      # load the Ethernet type
    (0x15, 0, 3, 0x0800),  # IPv4?
    (0x30, 0, 0, 23),      # load the protocol
    (0x15, 0, 1, 112),     # CARP?
    (0x06, 0, 0, 0xFFFF),  # take it
    (0x06, 0, 0, 0),       # leave it
]


@dataclasses.dataclass(frozen=True)
class Advertisement:
    time: float
    source: str
    advbase: int
    advskew: int

    @property
    def is_bow_out(self):
        return self.advbase == 255 and self.advskew == 255

    @property
    def interval(self):
        return self.advbase + self.advskew / 256


def _listener(port):
    """A socket that gets the frames that come in at `port`, before the bridge does."""
    # With no protocol yet, nothing comes in before the filter is there.
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *i) for i in FILTER))
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                        struct.pack("HL", len(FILTER), ctypes.addressof(program)))
    listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    listener.bind((port, ETH_P_ALL))
    return listener


def _parse(frame, time):
    ip = frame[14:]
    carp = ip[(ip[0] & 15) * 4:]
    # Section 1 of the protocol: version and type, vhid, advskew, authlen, demote, advbase.
    return Advertisement(time, socket.inet_ntoa(ip[12:16]), carp[5], carp[2])


class Segment:
    """All advertisements so far, in the order of their arrival."""

    def __init__(self, ports):
        self.advertisements = []
        for port in ports:
            threading.Thread(target=self._listen, args=(_listener(port),), daemon=True).start()

    def _listen(self, listener):
        while True:
            frame, ancillary, _, address = listener.recvmsg(2048, 64)
            if address[2] == socket.PACKET_OUTGOING:
                continue
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            self.advertisements.append(_parse(frame, seconds + nanoseconds / 1e9))

    def from_host(self, source, since=0.0):
        """The advertisements of one host, without bow-outs."""
        return [a for a in self.advertisements
                if a.source == source and a.time > since and not a.is_bow_out]

    def noise(self):
        """By how much the distance of two undisturbed advertisements was wrong at most,
        and how many distances were looked at: how good a clock this machine is.
        """
        ordered = sorted(self.advertisements, key=lambda a: a.time)
        errors = [abs(after.time - before.time - before.interval)
                  for before, after in zip(ordered, ordered[1:])
                  if (before.source, before.interval) == (after.source, after.interval)
                  and after.time - before.time < 1.9 * before.interval]
        return max(errors, default=0.0), len(errors)
