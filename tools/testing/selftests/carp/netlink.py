# SPDX-License-Identifier: GPL-2.0
"""Netlink: messages, attributes, and a socket that asks and listens."""

import errno
import itertools
import os
import socket
import struct
import time

NLM_F_REQUEST, NLM_F_MULTI, NLM_F_ACK, NLM_F_DUMP_INTR, NLM_F_DUMP = 0x1, 0x2, 0x4, 0x10, 0x300
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLA_F_NESTED = 0x8000
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 1, 10, 11
NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS = 1, 2

_sequence = itertools.count(int(time.time()) & 0xFFFF)


class Refused(OSError):
    """The kernel's no: its errno and its sentence."""

    def __init__(self, number, sentence, offset=None):
        super().__init__(number, os.strerror(number))
        self.sentence = sentence
        self.offset = offset  # of the attribute that is at fault, in the request
        names = {errno.EOPNOTSUPP: "EOPNOTSUPP"}  # Linux has two names for it
        self.code = names.get(number) or errno.errorcode.get(number, str(number))

    def __str__(self):
        return f"{self.code}: {self.sentence or '(no sentence)'}"


def attribute(kind, payload):
    """One netlink attribute; `payload` is bytes, an int (u32) or a string."""
    if isinstance(payload, int):
        payload = struct.pack("=I", payload)
    elif isinstance(payload, str):
        payload = payload.encode() + b"\0"
    header = struct.pack("=HH", 4 + len(payload), kind)
    return header + payload + bytes(-len(payload) % 4)


def attributes(payload):
    """Attributes in their order, as (kind, bytes): for those that are repeated."""
    while len(payload) >= 4:
        length, kind = struct.unpack_from("=HH", payload)
        if length < 4:
            break
        yield kind & 0x3FFF, payload[4:length]
        payload = payload[length + 3 & ~3:]


def parse(payload):
    """Attributes as {kind: bytes}."""
    return dict(attributes(payload))


def messages(packet):
    """The messages of a packet, as (kind, flags, sequence, payload)."""
    while len(packet) >= 16:
        length, kind, flags, sequence, _ = struct.unpack_from("=IHHII", packet)
        yield kind, flags, sequence, packet[16:length]
        packet = packet[length + 3 & ~3:]


class Interrupted(Exception):
    """Something came or went during a dump: what was dumped may never have been so."""


def _refusal(payload, flags, number):
    offset = 20 if flags & NLM_F_CAPPED else 4 + struct.unpack_from("=I", payload, 4)[0]
    found = parse(payload[offset:]) if flags & NLM_F_ACK_TLVS else {}
    sentence = found.get(NLMSGERR_ATTR_MSG, b"").rstrip(b"\0").decode()
    at = found.get(NLMSGERR_ATTR_OFFS)
    return Refused(number, sentence, struct.unpack("=I", at)[0] if at else None)


class Socket:
    """A netlink socket; it stays in the namespace in which it was opened."""

    def __init__(self, protocol):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.socket.bind((0, 0))

    def close(self):
        self.socket.close()

    def _send(self, kind, body, flags):
        sequence = next(_sequence)
        self.socket.send(struct.pack("=IHHII", 16 + len(body), kind, flags | NLM_F_REQUEST, sequence, 0) + body)
        return sequence

    def request(self, kind, body, flags=0):
        """Sends one request; returns the answer's body (empty for an ack) or raises Refused."""
        sequence = self._send(kind, body, flags | NLM_F_ACK)
        answer = b""
        while True:
            for kind, flags, got, payload in messages(self.socket.recv(65536)):
                if got != sequence:
                    continue
                if kind != NLMSG_ERROR:
                    answer = payload
                    continue
                number = -struct.unpack_from("=i", payload)[0]
                if number:
                    raise _refusal(payload, flags, number)
                return answer

    def dump(self, kind, body, between=lambda: None):
        """Asks for many answers; returns their bodies, or raises Refused or Interrupted. `between`
        is called after each packet."""
        sequence = self._send(kind, body, NLM_F_DUMP)
        answers, interrupted = [], False
        while True:
            for kind, flags, got, payload in messages(self.socket.recv(65536)):
                if got != sequence:
                    continue
                interrupted |= bool(flags & NLM_F_DUMP_INTR)
                if kind not in (NLMSG_ERROR, NLMSG_DONE):
                    answers.append(payload)
                    continue
                number = -struct.unpack_from("=i", payload)[0]
                if number:
                    # Neither header nor request is repeated in what ends a dump.
                    raise _refusal(payload, flags, number) if kind == NLMSG_ERROR else Refused(number, "")
                if interrupted:
                    raise Interrupted(answers)
                return answers
            between()
