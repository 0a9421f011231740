# SPDX-License-Identifier: GPL-2.0
"""Three hosts in a row, without a bridge: what a packet costs here is the hosts' own.

    client eth0 ---- eth0 gateway eth1 ---- eth0 server
    192.0.2.50       192.0.2.11  198.51.100.11   198.51.100.80
                     192.0.2.1 (shared)
"""

from machine import Machine
from member import SHARED

SERVER = "198.51.100.80"


class Chain:
    """`name` tells the chains of one guest apart."""

    def __init__(self, name):
        self.hosts = []
        self.client = self._add(f"{name}-client", "192.0.2.50/24")
        self.gateway = self._add(f"{name}-gateway", "192.0.2.11/24")
        self.server = self._add(f"{name}-server", f"{SERVER}/24")
        self.gateway.batch("address add 198.51.100.11/24 dev eth1")
        self.gateway.sysctl("net.ipv4.ip_forward", 1)
        self.client.ip("route", "add", "default", "via", SHARED)
        self.server.ip("route", "add", "default", "via", "198.51.100.11")
        self.client.knows("192.0.2.11", self.gateway.mac())
        self.gateway.knows("192.0.2.50", self.client.mac())
        self.gateway.knows(SERVER, self.server.mac(), "eth1")
        self.server.knows("198.51.100.11", self.gateway.mac("eth1"))

    def _add(self, name, address):
        host = Machine(self, name, address)
        self.hosts.append(host)
        return host

    def plug(self, host, lines=(), **_):
        """The next host's cable to the one before (topology.Host calls this)."""
        if not self.hosts:
            # The first one's interface is there as soon as its cable has another end.
            self._lines = lines
            return
        last = self.hosts[-1]
        near = f"eth{len(self.hosts) - 1}"
        last.batch(f"link add {near} type veth peer name eth0 netns {host.ns}", f"link set {near} up", *self._lines)
        self._lines = ()
        host.batch("link set eth0 up", *lines)

    def shares(self, kind):
        """The gateway gets the shared address by this kind of member; it is MASTER on return."""
        member = kind(self.gateway)
        member.start()
        member.wait_for_master()
        self.client.knows(SHARED, member.shared_mac())
        return member

    def close(self):
        for host in list(self.hosts):
            host.delete()
