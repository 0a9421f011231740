# SPDX-License-Identifier: GPL-2.0
"""A CARP group of a host: made and changed with `ip`, watched over rtnetlink."""

import json
import struct
import time

import genl
import rtnl
import uapi
from topology import eventually, run

NS = 1_000_000_000


def skew_us(advskew):
    return advskew * 1_000_000 // 256


def interval(advbase, advskew):
    """Nanoseconds between two advertisements (carp-protocol.md, section 3)."""
    return advbase * NS + skew_us(advskew) * 1000


def master_down(advbase, advskew):
    """Nanoseconds of silence after which a BACKUP takes over."""
    if advbase == 0:
        return 3 * skew_us(advskew) * 1000
    return 3 * advbase * NS + skew_us(advskew) * 1000


def virtual_mac(vhid):
    return f"00:00:5e:00:01:{vhid:02x}"


class Group:
    """One carp device. `Group(host, vhid=1, ...)` only names it; create() makes it."""

    def __init__(self, host, name="carp0"):
        self.host, self.name = host, name

    # ---- configuration, by `ip` ----

    def create(self, parent="eth0", check=True, **options):
        link = ["link", parent] if parent else []
        words = [word for option in options.items() for word in option]
        return self.host.ip("link", "add", *link, "name", self.name, "type", "carp", *words, check=check)

    def set(self, check=True, **options):
        words = [word for option in options.items() for word in option]
        return self.host.ip("link", "set", self.name, "type", "carp", *words, check=check)

    def add_address(self, *addresses):
        for address in addresses:
            self.host.ip("address", "add", address, "dev", self.name)

    def remove_address(self, address):
        self.host.ip("address", "del", address, "dev", self.name)

    def up(self):
        self.host.rtnl.up(self.name)

    def down(self):
        self.host.rtnl.down(self.name)

    def delete(self):
        self.host.rtnl.delete(self.name)

    # ---- what `ip` shows ----

    def show(self, statistics=False):
        """The whole of `ip -d -j link show`."""
        flags = ["-s"] if statistics else []
        out = run("ip", "-n", self.host.ns, *flags, "-d", "-j", "link", "show", "dev", self.name)
        return json.loads(out.stdout)[0]

    # ---- what the kernel says, without `ip` ----

    def status(self):
        """State, reason, missing, transitions, since (ns), vhid, advbase, advskew."""
        asked = time.time_ns()
        link = self.host.rtnl.link(self.name)
        info = rtnl.parse(link[rtnl.IFLA_LINKINFO])
        data = rtnl.parse(info[rtnl.IFLA_INFO_DATA])
        numbers = {name.lower(): int.from_bytes(data[kind], "little")
                   for name, kind in uapi.ATTRIBUTES.items() if kind in data and name != "KEY"}
        numbers["missing"] = sorted(name for bit, name in uapi.MISSING.items()
                                    if numbers.get("missing", 0) & bit)
        numbers["state"] = uapi.STATES[numbers["state"]]
        numbers["reason"] = uapi.REASONS[numbers["reason"]]
        numbers["operstate"] = link[rtnl.IFLA_OPERSTATE][0]
        numbers["carrier"] = link[rtnl.IFLA_CARRIER][0]
        numbers["changed_at"] = asked - numbers.get("since", 0)
        return numbers

    def nodes(self):
        """{vhid: {"advskew": ..., "state": ...}} of a device with several nodes."""
        told = genl.of(self.host).group(self.name).get("nodes", [])
        return {node.pop("vhid"): node for node in told}

    def wait_node(self, vhid, state, timeout=10):
        """Waits for the state of one of several nodes."""
        eventually(lambda: self.nodes().get(vhid, {}).get("state") == state, timeout,
                   lambda: f"{self.host.name}/{self.name} vhid {vhid} {state}; there are {self.nodes()}")

    @property
    def state(self):
        return self.status()["state"]

    def counters(self):
        info = rtnl.parse(self.host.rtnl.link(self.name)[rtnl.IFLA_LINKINFO])
        raw = rtnl.parse(info[rtnl.IFLA_INFO_XSTATS])
        return {name: struct.unpack("=Q", raw[kind])[0]
                for kind, name in uapi.COUNTERS.items() if len(raw.get(kind, b"")) == 8}

    # ---- waiting ----

    def wait(self, state, timeout=None, reason=None):
        """Waits for a state (and reason); by default as long as an election may last."""
        if timeout is None:
            now = self.status()
            timeout = 1 + master_down(now.get("advbase", 1), now.get("advskew", 0)) / NS
        last = {}

        def reached():
            last.update(self.status())
            return last["state"] == state and reason in (None, last["reason"])

        eventually(reached, timeout, lambda: f"{self.host.name}/{self.name} {state}; it is {last}")
        return last


def group(host, *addresses, name="carp0", parent="eth0", vhid=1, up=True, **options):
    """A complete group, made with `ip` in the order that the README shows."""
    made = Group(host, name)
    made.create(parent, vhid=vhid, **options)
    made.add_address(*(addresses or ["192.0.2.1/32"]))
    if up:
        made.up()
    return made


def master(*arguments, **options):
    """A complete group that has become MASTER."""
    made = group(*arguments, **options)
    made.wait("MASTER")
    return made
