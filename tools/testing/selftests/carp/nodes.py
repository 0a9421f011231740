# SPDX-License-Identifier: GPL-2.0
"""Groups with several nodes: made over rtnetlink, without `ip`; and which node takes a packet,
computed without the module's code (carp-protocol.md, section 7.2; our own flows are described
in Documentation/load-balancing.md).
"""

import hashlib
import hmac
import ipaddress
import struct

import balance
import genl
import rtnl
import uapi
from carp import Group
from netlink import NLA_F_NESTED, attribute, attributes
from topology import eventually

_NUMBERS = uapi.NUMBERS
BALANCING = {name: number for number, name in uapi.BALANCINGS.items()}
SELECTION = {name: number for number, name in uapi.SELECTIONS.items()}
MODES = ("ip", "ip-stealth", "ip-unicast")
_64 = 2**64 - 1


def node(**values):
    """One node, of attributes by their names in lower case."""
    inner = b"".join(attribute(_NUMBERS[f"CARP_NODE_{name.upper()}"], value) for name, value in values.items())
    return attribute(_NUMBERS["CARP_NODES_NODE"] | NLA_F_NESTED, inner)


def carpnodes(*listed):
    """IFLA_CARP_NODES of (vhid, advskew) or of finished nodes."""
    each = [one if isinstance(one, bytes) else node(vhid=one[0], advskew=one[1]) for one in listed]
    return attribute(_NUMBERS["IFLA_CARP_NODES"] | NLA_F_NESTED, b"".join(each))


def request(listed=None, balancing=None, selection=None, **values):
    """IFLA_INFO_DATA's content; modes are names or numbers."""
    data = rtnl.carp_attributes(**values)
    if listed is not None:
        data += carpnodes(*listed)
    if balancing is not None:
        data += attribute(_NUMBERS["IFLA_CARP_BALANCING"], BALANCING.get(balancing, balancing))
    if selection is not None:
        data += attribute(_NUMBERS["IFLA_CARP_SELECTION"], SELECTION.get(selection, selection))
    return data


def virtual_mac(leader, balancing):
    return f"{'01' if balancing == 'ip' else '00'}:00:5e:00:01:{leader:02x}"


class Sharing(Group):
    """A group with several nodes of a host."""

    def create(self, listed, parent="eth0", **values):
        parent = parent and self.host.rtnl.link(parent)["index"]
        self.host.rtnl.add(self.name, parent=parent, data=request(listed, **values))

    def change(self, listed=None, **values):
        self.host.rtnl.change(self.name, data=request(listed, **values))

    def data(self):
        info = rtnl.parse(self.host.rtnl.link(self.name)[rtnl.IFLA_LINKINFO])
        return rtnl.parse(info[rtnl.IFLA_INFO_DATA])

    def mode(self):
        """(balancing, selection), or None if they are not shown."""
        data = self.data()
        kinds = _NUMBERS["IFLA_CARP_BALANCING"], _NUMBERS["IFLA_CARP_SELECTION"]
        if not set(kinds) & set(data):
            return None
        balancing, selection = (struct.unpack("=I", data[kind])[0] for kind in kinds)
        return uapi.BALANCINGS[balancing], uapi.SELECTIONS[selection]

    def nodes(self):
        """{vhid: node}, in the order in which they are told; None if they are not."""
        nest = self.data().get(_NUMBERS["IFLA_CARP_NODES"])
        if nest is None:
            return None
        told = [genl.node(payload) for _, payload in attributes(nest)]
        return {one["vhid"]: one for one in told}

    def states(self):
        """{vhid: state}."""
        return {vhid: one["state"] for vhid, one in self.nodes().items()}

    def wait_states(self, wanted, timeout=6):
        """Waits until the nodes have these states: {vhid: state}."""
        eventually(lambda: self.states() == wanted, timeout, lambda: f"{wanted}; they are {self.states()}")


def sharing(host, listed, *addresses, name="carp0", parent="eth0", up=True, **values):
    """A complete group; not waited for."""
    made = Sharing(host, name)
    made.create(listed, parent, **values)
    made.add_address(*(addresses or ["192.0.2.1/32"]))
    if up:
        made.up()
    return made


# ---- who takes what ----


def fold(vhids, source, destination):
    """The node by addresses: OpenBSD's fold, modulo the number of nodes."""
    raw = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    folded = 0
    for (word,) in struct.iter_unpack("!I", raw):
        folded ^= word
    return sorted(vhids)[folded % len(vhids)]


def mix(number):
    """SplitMix64's finalizer."""
    number = ((number ^ number >> 30) * 0xBF58476D1CE4E5B9) & _64
    number = ((number ^ number >> 27) * 0x94D049BB133111EB) & _64
    return number ^ number >> 31


def flow(vhids, passphrase, protocol, one, other):
    """The node by flow, of a connection between two (address, port)."""
    ends = sorted((ipaddress.ip_address(address).packed, port) for address, port in (one, other))
    message = b"".join(address + struct.pack("!H", port) for address, port in ends) + bytes([protocol])
    derived = hmac.new(passphrase.encode().ljust(20, b"\0"), b"flows of nodes", hashlib.sha1).digest()
    hashed = balance.siphash(derived[:16], message)
    return max(sorted(vhids), key=lambda vhid: mix(hashed ^ mix(vhid)))
