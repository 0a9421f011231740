# SPDX-License-Identifier: GPL-2.0
"""Three hosts in a row, without a bridge: what a packet costs here is the hosts' own.

    client eth0 ---- eth0 gateway eth1 ---- eth0 server
    192.0.2.50       192.0.2.11  198.51.100.11   198.51.100.80
                     192.0.2.1 (shared)

The same in IPv6: 2001:db8::50 and ::11, ::1 (shared); 2001:db8:1::11 and ::80.
"""

from machine import Machine
from member import SHARED, SHARED_V6

SERVER, SERVER_V6 = "198.51.100.80", "2001:db8:1::80"


class Chain:
    """`name` tells the chains of one guest apart."""

    def __init__(self, name):
        self.hosts = []
        self.client = self._add(f"{name}-client", "192.0.2.50/24", "2001:db8::50/64")
        self.gateway = self._add(f"{name}-gateway", "192.0.2.11/24", "2001:db8::11/64")
        self.server = self._add(f"{name}-server", f"{SERVER}/24", f"{SERVER_V6}/64")
        self.gateway.batch("address add 198.51.100.11/24 dev eth1", "address add 2001:db8:1::11/64 dev eth1 nodad")
        self.gateway.sysctl("net.ipv4.ip_forward", 1)
        self.gateway.sysctl("net.ipv6.conf.all.forwarding", 1)
        for via in (SHARED, SHARED_V6):
            self.client.ip("route", "add", "default", "via", via)
        for via in ("198.51.100.11", "2001:db8:1::11"):
            self.server.ip("route", "add", "default", "via", via)
            self.server.knows(via, self.gateway.mac("eth1"))
        for own in ("192.0.2.11", "2001:db8::11"):
            self.client.knows(own, self.gateway.mac())
        for client, server in (("192.0.2.50", SERVER), ("2001:db8::50", SERVER_V6)):
            self.gateway.knows(client, self.client.mac())
            self.gateway.knows(server, self.server.mac(), "eth1")

    def _add(self, name, *addresses):
        host = Machine(self, name, *addresses)
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
        self.client.knows(member.shared, member.shared_mac())
        return member

    def close(self):
        for host in list(self.hosts):
            host.delete()
