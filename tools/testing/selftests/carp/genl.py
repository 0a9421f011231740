# SPDX-License-Identifier: GPL-2.0
"""The generic netlink family "carp": asking for groups, and hearing events."""

import errno
import ipaddress
import select
import socket
import struct
import time

import netlink
import uapi
from netlink import attribute, attributes, parse
from topology import inside

NETLINK_GENERIC, SO_RCVBUFFORCE = 16, 33
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 16, 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME, CTRL_ATTR_VERSION, CTRL_ATTR_MCAST_GROUPS = 1, 2, 3, 7
CTRL_ATTR_MCAST_GRP_NAME, CTRL_ATTR_MCAST_GRP_ID = 1, 2

COMMANDS = uapi.by_number("CARP_CMD_")
NAMES = uapi.by_number("CARP_A_")
PEER_NAMES = uapi.by_number("CARP_PEER_")
NODE_NAMES = uapi.by_number("CARP_NODE_")
NUMBERS = {name: number for number, name in NAMES.items()}
COMMAND = {name: number for number, name in COMMANDS.items()}


def _number(payload):
    return struct.unpack({4: "=I", 8: "=Q"}[len(payload)], payload)[0]


def _string(payload):
    assert payload.endswith(b"\0"), payload
    return payload[:-1].decode()


def _address(payload):
    return str(ipaddress.ip_address(payload))


def _peer(payload):
    return {PEER_NAMES[kind].lower(): _address(value) if PEER_NAMES[kind] == "ADDRESS" else _number(value)
            for kind, value in attributes(payload) if PEER_NAMES[kind] != "PAD"}


def node(payload):
    """A node, of either family, as {attribute in lower case: value}."""
    names = ((NODE_NAMES[kind], value) for kind, value in attributes(payload))
    return {name.lower(): VALUES.get(name, _number)(value) for name, value in names if name != "PAD"}


VALUES = {
    "NODE": node,
    "BALANCING": lambda value: uapi.BALANCINGS[_number(value)],
    "SELECTION": lambda value: uapi.SELECTIONS[_number(value)],
    "IFNAME": _string, "PARENT_IFNAME": _string, "PEER": _peer, "ADDRESS": _address, "KEY": bytes,
    "STATE": lambda value: uapi.STATES[_number(value)],
    "OLD_STATE": lambda value: uapi.STATES[_number(value)],
    "REASON": lambda value: uapi.REASONS[_number(value)],
    "MISSING": lambda value: sorted(name for bit, name in uapi.MISSING.items() if _number(value) & bit),
    "COUNTERS": lambda value: {uapi.COUNTERS[kind]: _number(number) for kind, number in attributes(value)
                               if uapi.COUNTERS[kind] != "pad"},
    "TRANSITIONS_BY_REASON": lambda value: {uapi.REASONS[kind - 1]: _number(number)
                                            for kind, number in attributes(value)},
}
REPEATED = {"ADDRESS": "addresses", "PEER": "peers", "NODE": "nodes"}


def message(payload):
    """One message: {"command": name, attribute in lower case: value}; lists of what is repeated."""
    command, version = struct.unpack_from("=BB", payload)
    assert version == uapi.NUMBERS["CARP_GENL_VERSION"]
    found = {"command": COMMANDS[command]}
    for kind, value in attributes(payload[4:]):
        name = NAMES[kind]
        if name == "PAD":
            continue
        value = VALUES.get(name, _number)(value)
        if name in REPEATED:
            found.setdefault(REPEATED[name], []).append(value)
        else:
            assert name.lower() not in found, (name, found)
            found[name.lower()] = value
    return found


class Socket(netlink.Socket):
    """A socket of the family; it stays in the namespace in which it was opened."""

    def __init__(self):
        super().__init__(NETLINK_GENERIC)
        body = struct.pack("=BBH", CTRL_CMD_GETFAMILY, 1, 0) + attribute(CTRL_ATTR_FAMILY_NAME, "carp")
        family = parse(self.request(GENL_ID_CTRL, body)[4:])
        self.family = struct.unpack("=H", family[CTRL_ATTR_FAMILY_ID])[0]
        self.version = _number(family[CTRL_ATTR_VERSION])
        groups = (parse(group) for _, group in attributes(family[CTRL_ATTR_MCAST_GROUPS]))
        self.groups = {_string(group[CTRL_ATTR_MCAST_GRP_NAME]): _number(group[CTRL_ATTR_MCAST_GRP_ID])
                       for group in groups}

    def body(self, command, *extra, **values):
        """A request: its command, and attributes by their names in lower case."""
        wanted = [attribute(NUMBERS[name.upper()], value) for name, value in values.items()]
        return struct.pack("=BBH", COMMAND[command], uapi.NUMBERS["CARP_GENL_VERSION"], 0) + b"".join([*wanted, *extra])

    def ask(self, command, *extra, **values):
        return message(self.request(self.family, self.body(command, *extra, **values)))

    def group(self, name):
        return self.ask("GROUP_GET", ifname=name)

    def groups_of_namespace(self, **options):
        """A dump, as {ifname: group}."""
        found = [message(answer) for answer in self.dump(self.family, self.body("GROUP_GET"), **options)]
        named = {group["ifname"]: group for group in found}
        assert len(named) == len(found), "a group was told twice"
        return named


class Listener(Socket):
    """Hears the events of its namespace from now on."""

    def __init__(self, buffer=None):
        super().__init__()
        self.socket.setsockopt(netlink.SOL_NETLINK, netlink.NETLINK_ADD_MEMBERSHIP, self.groups["events"])
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer)
        self.waiting = []

    def event(self, timeout=5):
        """The next event; None if there is none in this time."""
        if not self.waiting:
            if not select.select([self.socket], [], [], timeout)[0]:
                return None
            self.waiting = [message(payload) for _, _, _, payload in netlink.messages(self.socket.recv(65536))]
        return self.waiting.pop(0)

    def until(self, command, timeout=5, **values):
        """All events up to one that is so, with it as the last; fails if none comes in this time."""
        end, heard = time.monotonic() + timeout, []
        while True:
            event = self.event(max(0, end - time.monotonic()))
            assert event, f"no {command} {values} in {timeout} s, but {heard}"
            heard.append(event)
            if event["command"] == command and all(event.get(name) == value for name, value in values.items()):
                return heard

    def rest(self, quiet=0.2):
        """All events until nothing is heard for a moment."""
        heard = []
        while event := self.event(quiet):
            heard.append(event)
        return heard

    def lost(self):
        """Whether the kernel says that it had no room for an event; says so once."""
        try:
            self.socket.recv(65536, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        except OSError as error:
            return error.errno == errno.ENOBUFS
        return False


def of(host, kind=Socket, **options):
    """A socket in a host's namespace."""
    with inside(host.ns):
        return kind(**options)
