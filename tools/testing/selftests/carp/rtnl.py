# SPDX-License-Identifier: GPL-2.0
"""rtnetlink without `ip`: for values that `ip` refuses to send, and for asking
the kernel often and exactly (no process is started between question and answer).
"""

import errno
import itertools
import os
import socket
import struct
import time

import uapi

NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 0x1, 0x4, 0x200, 0x400
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSG_ERROR = 2
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_OPERSTATE, IFLA_LINKINFO = 1, 3, 4, 5, 16, 18
IFLA_CARRIER, IFLA_PROMISCUITY = 33, 30
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_XSTATS = 1, 2, 3
NLA_F_NESTED = 0x8000
SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 270, 10, 11, 12
NLMSGERR_ATTR_MSG = 1
IFF_UP = 1

_sequence = itertools.count(int(time.time()) & 0xFFFF)


class Refused(OSError):
    """The kernel's no: its errno and its sentence."""

    def __init__(self, number, sentence):
        super().__init__(number, os.strerror(number))
        self.sentence = sentence
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


def parse(payload):
    """Attributes as {kind: bytes}."""
    found = {}
    while len(payload) >= 4:
        length, kind = struct.unpack_from("=HH", payload)
        if length < 4:
            break
        found[kind & 0x3FFF] = payload[4:length]
        payload = payload[length + 3 & ~3:]
    return found


def carp_attributes(**values):
    """IFLA_INFO_DATA's content from names as in the header, in lower case."""
    return b"".join(attribute(uapi.ATTRIBUTES[name.upper()], value) for name, value in values.items())


def link_message(index=0, flags=0, change=0, name=None, parent=None, data=None, extra=b""):
    body = struct.pack("=BxHiII", 0, 0, index, flags, change)
    if name is not None:
        body += attribute(IFLA_IFNAME, name)
    if parent is not None:
        body += attribute(IFLA_LINK, parent)
    if data is not None:
        info = attribute(IFLA_INFO_KIND, "carp") + attribute(IFLA_INFO_DATA | NLA_F_NESTED, data)
        body += attribute(IFLA_LINKINFO | NLA_F_NESTED, info)
    return body + extra


def is_gone(host, name):
    """Whether the kernel says that a host has no device of this name."""
    try:
        host.rtnl.link(name)
    except Refused as error:
        return error.code == "ENODEV"
    return False


class Socket:
    """An rtnetlink socket; it stays in the namespace in which it was opened."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.socket.bind((0, 0))

    def close(self):
        self.socket.close()

    def request(self, kind, body, flags=0):
        """Sends one request; returns the answer's body (empty for an ack) or raises Refused."""
        sequence = next(_sequence)
        flags |= NLM_F_REQUEST | NLM_F_ACK
        self.socket.send(struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0) + body)
        answer = b""
        while True:
            packet = self.socket.recv(65536)
            while len(packet) >= 16:
                length, kind, flags, got, _ = struct.unpack_from("=IHHII", packet)
                payload, packet = packet[16:length], packet[length + 3 & ~3:]
                if got != sequence:
                    continue
                if kind != NLMSG_ERROR:
                    answer = payload
                    continue
                number = -struct.unpack_from("=i", payload)[0]
                if number:
                    sentence = ""
                    if flags & NLM_F_ACK_TLVS:
                        offset = 20 if flags & NLM_F_CAPPED else 4 + struct.unpack_from("=I", payload, 4)[0]
                        text = parse(payload[offset:]).get(NLMSGERR_ATTR_MSG, b"")
                        sentence = text.rstrip(b"\0").decode()
                    raise Refused(number, sentence)
                return answer

    def link(self, name):
        """What the kernel tells about a device: {attribute: bytes}, with "index" and "flags"."""
        body = self.request(RTM_GETLINK, link_message(name=name))
        index, flags = struct.unpack_from("=iI", body, 4)
        return {"index": index, "flags": flags, **parse(body[16:])}

    def add(self, name, parent=None, data=b"", extra=b""):
        self.request(RTM_NEWLINK, link_message(name=name, parent=parent, data=data, extra=extra),
                     NLM_F_CREATE | NLM_F_EXCL)

    def change(self, name, **message):
        self.request(RTM_NEWLINK, link_message(index=self.link(name)["index"], **message))

    def up(self, name):
        self.change(name, flags=IFF_UP, change=IFF_UP)

    def down(self, name):
        self.change(name, flags=0, change=IFF_UP)

    def delete(self, name):
        self.request(RTM_DELLINK, link_message(index=self.link(name)["index"]))
