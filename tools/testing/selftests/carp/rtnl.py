# SPDX-License-Identifier: GPL-2.0
"""rtnetlink without `ip`: for values that `ip` refuses to send, and for asking
the kernel often and exactly (no process is started between question and answer).
"""

import socket
import struct

import netlink
import uapi
from netlink import NLA_F_NESTED, Refused, attribute, parse

NLM_F_EXCL, NLM_F_CREATE = 0x200, 0x400
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTNLGRP_LINK = 1
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_OPERSTATE, IFLA_LINKINFO = 1, 3, 4, 5, 16, 18
IFLA_CARRIER, IFLA_PROMISCUITY = 33, 30
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_XSTATS = 1, 2, 3
IFF_UP = 1


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


class Socket(netlink.Socket):
    """An rtnetlink socket; it stays in the namespace in which it was opened."""

    def __init__(self):
        super().__init__(socket.NETLINK_ROUTE)

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
