# SPDX-License-Identifier: GPL-2.0
"""Two gateways that share an address, a client that uses it, and a server behind them.

            client  .50, ::50
               |
    --------- segment: 192.0.2.0/24, 2001:db8:1::/64 ---------
         |                     |          carp0, vhid 1: .1, ::1
      rachael .11, ::11      pris .12, ::12
         |                     |
    --------- behind: 203.0.113.0/24, 2001:db8:2::/64 --------
               |
            server  .80, ::80

The hosts know each other's hardware addresses beforehand, so that nothing but what
a test provokes is on the wire; what idle hosts say by themselves is left out by
provoked().
"""

import contextlib

import packets
from carp import group, virtual_mac
from topology import Segment
from wire import Injector, advertisements

CLIENT_MAC, SERVER_MAC = "02:00:00:00:00:50", "02:00:00:00:00:80"
VIRTUAL_MAC = virtual_mac(1)
VIP = {"v4": "192.0.2.1", "v6": "2001:db8:1::1"}
CLIENT = {"v4": "192.0.2.50", "v6": "2001:db8:1::50"}
# The inside's, of vhid 2.
INSIDE_MAC, INSIDE_VIP = virtual_mac(2), {"v4": "203.0.113.1", "v6": "2001:db8:2::1"}
SERVER = {"v4": "203.0.113.80", "v6": "2001:db8:2::80"}
OWN = {"rachael": {"v4": "192.0.2.11", "v6": "2001:db8:1::11"}, "pris": {"v4": "192.0.2.12", "v6": "2001:db8:1::12"}}
TO_GROUP = (VIRTUAL_MAC, CLIENT_MAC)


class Gateways:
    """The hosts of the drawing. `families` are those that the group has addresses of;
    the hosts themselves have both."""

    def __init__(self, segment, families=("v4", "v6"), routers=("rachael", "pris")):
        self.segment, self.families = segment, families
        self.behind = Segment("behind")
        segment.others.append(self.behind)
        self.client = segment.host("client", "192.0.2.50/24", "2001:db8:1::50/64")
        self.client.batch(f"link set eth0 address {CLIENT_MAC}")
        self.server = self.behind.host("server", "203.0.113.80/24", "2001:db8:2::80/64")
        self.server.batch(f"link set eth0 address {SERVER_MAC}")
        self.routers = {name: self._router(name) for name in routers}
        for name, router in self.routers.items():
            setattr(self, name, router)
        if "v6" in families:
            for router in self.routers.values():
                router.settled()

    def _router(self, name):
        router = self.segment.host(name, f"{OWN[name]['v4']}/24", f"{OWN[name]['v6']}/64")
        number = OWN[name]["v4"].rpartition(".")[2]
        self.behind.plug(router, "eth1", name, lines=[
            f"address add 203.0.113.{number}/24 dev eth1", f"address add 2001:db8:2::{number}/64 dev eth1 nodad",
            *(f"neigh replace {CLIENT[f]} lladdr {CLIENT_MAC} dev eth0 nud permanent" for f in CLIENT),
            *(f"neigh replace {SERVER[f]} lladdr {SERVER_MAC} dev eth1 nud permanent" for f in SERVER)])
        router.sysctl("net.ipv4.ip_forward", 1)
        router.sysctl("net.ipv6.conf.all.forwarding", 1)
        return router

    def addresses(self):
        return [f"{VIP[family]}/{32 if family == 'v4' else 128}" for family in self.families]

    def group(self, name, **options):
        """The group on one of the routers; not waited for."""
        return group(self.routers[name], *options.pop("addresses", self.addresses()), **options)

    def groups(self, **options):
        """rachael is MASTER and pris BACKUP."""
        first = self.group("rachael", advskew=0, **options)
        first.wait("MASTER")
        second = self.group("pris", advskew=100, **options)
        second.wait("BACKUP", 2)
        return first, second

    def routes(self):
        """Client and server reach each other through the group: vhid 2 is on the inside."""
        inside = [group(router, f"{INSIDE_VIP['v4']}/32", f"{INSIDE_VIP['v6']}/128", name="carp1", parent="eth1", vhid=2,
                        advskew=skew) for router, skew in zip(self.routers.values(), (0, 100))]
        self.client.batch("route add default via 192.0.2.1", "route add ::/0 via 2001:db8:1::1")
        self.server.batch("route add default via 203.0.113.1", "route add ::/0 via 2001:db8:2::1")
        return inside

    @contextlib.contextmanager
    def into(self, name):
        """Frames to this router's eth0, past the bridge."""
        with Injector(self.segment, name) as injector:
            yield injector


def mac_of(host, interface="eth0"):
    return host.rtnl.link(interface)[1].hex(":")  # IFLA_ADDRESS


def chatter(frame):
    """What a host says by itself: it looks for routers, tries its own addresses, tells of its groups."""
    found = packets.nd(frame)
    if found:
        return (found["type"] == packets.ROUTER_SOLICITATION
                or (found["type"] == packets.NEIGHBOUR_SOLICITATION and found["source"] == "::"
                    and found["target"].startswith("fe80::")))
    return bool(packets.groups_reported(frame))


def provoked(frames):
    return [frame for frame in frames if not chatter(frame)]


def without_advertisements(frames):
    adverts = advertisements(frames)
    return [frame for frame in frames if frame not in adverts]
