# SPDX-License-Identifier: GPL-2.0
"""What a host sends by itself from a virtual address leaves only while the address is its own: of
sockets that were bound before, of routes with it as preferred source, of whoever names it.
"""

import errno
import ipaddress
import socket
import threading
import time

import debug_kernel
import pytest
from carp import group, master
from test_routes import is_local, not_local, settle
from topology import eventually, inside
from wire import Capture

PREFIX = {"v4": 24, "v6": 64}
VIP = {"v4": "192.0.2.1", "v6": "2001:db8::1"}
OWN = {"rachael": {"v4": "192.0.2.11", "v6": "2001:db8::11"}, "pris": {"v4": "192.0.2.12", "v6": "2001:db8::12"}}
CLIENT = {"v4": "192.0.2.50", "v6": "2001:db8::50"}
BEYOND = {"v4": "203.0.113.7", "v6": "2001:db8:7::7"}
KIND = {"v4": socket.AF_INET, "v6": socket.AF_INET6}


@pytest.fixture
def hosts(segment, family):
    made = []
    for name, address in (("rachael", OWN["rachael"]), ("pris", OWN["pris"]), ("client", CLIENT)):
        host = segment.host(name, f"{address[family]}/{PREFIX[family]}")
        host.settled()
        made.append(host)
    return made


@pytest.fixture
def groups(hosts, family):
    """rachael is MASTER, and comes back only when she is told to; pris is BACKUP."""
    address = f"{VIP[family]}/{PREFIX[family]}"
    made = [master(hosts[0], address), group(hosts[1], address, advskew=100)]
    made[1].wait("BACKUP", 2)
    return made


def change_places(old, new):
    old.set(state="backup")
    new.wait("MASTER")
    old.wait("BACKUP")


def bound(host, family, kind, address, port=7):
    with inside(host.ns):
        made = socket.socket(KIND[family], kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
    made.settimeout(5)
    return made


def refusal(send):
    """The errno with which something cannot be sent; None if it can."""
    try:
        send()
    except OSError as error:
        return error.errno
    return None


def of_the_address(frames, family):
    return [f for f in frames if f.ip and f.ip["source"] == VIP[family] and f.ip["protocol"] != 112]


def test_connections_of_an_old_master_are_not_heard_any_more(hosts, groups, family):
    """They wait, and go on when it is MASTER again."""
    rachael, _, client = hosts
    address, there = VIP[family], (CLIENT[family], 7)
    with bound(rachael, family, socket.SOCK_DGRAM, address) as datagrams, \
            bound(client, family, socket.SOCK_DGRAM, CLIENT[family]) as heard, \
            bound(rachael, family, socket.SOCK_STREAM, address) as listener:
        listener.listen()
        with inside(client.ns), socket.create_connection((address, 7), 5) as caller:
            callee, _ = listener.accept()
            with callee:
                datagrams.sendto(b"tears", there)
                assert heard.recv(16) == b"tears"

                change_places(*groups)
                eventually(lambda: refusal(lambda: datagrams.sendto(b"in", there)) == errno.EADDRNOTAVAIL, 2,
                           "an old MASTER does not speak as the address")
                before = groups[0].counters()["tx_not_master"]
                with Capture(rachael.ns, "eth0", "out") as capture:
                    callee.send(b"rain")
                    for _ in range(10):
                        assert refusal(lambda: datagrams.sendto(b"in", there)) == errno.EADDRNOTAVAIL
                    assert of_the_address(capture.during(3), family) == []
                # The first segment of the connection, and what it sends again.
                assert groups[0].counters()["tx_not_master"] >= before + 12

                change_places(*reversed(groups))
                eventually(lambda: refusal(lambda: datagrams.sendto(b"in", there)) is None, 2,
                           "a new MASTER speaks as the address")
                caller.settimeout(10)
                assert caller.recv(16) == b"rain"


def test_an_old_master_is_silent_a_moment_later(hosts, groups, family):
    """How long after the change of state somebody who does nothing but send is refused, with one
    processor for him and for the work that refuses it; printed, and bounded."""
    rachael, _, client = hosts
    worst = 0
    with bound(rachael, family, socket.SOCK_DGRAM, VIP[family]) as datagrams, \
            bound(client, family, socket.SOCK_DGRAM, CLIENT[family]):
        for _ in range(3):
            eventually(lambda: refusal(lambda: datagrams.sendto(b"in", (CLIENT[family], 7))) is None, 2,
                       "a MASTER speaks as the address")
            refused = []

            def send_until_refused():
                while refusal(lambda: datagrams.sendto(b"in", (CLIENT[family], 7))) != errno.EADDRNOTAVAIL:
                    pass
                refused.append(time.time_ns())
            sender = threading.Thread(target=send_until_refused, daemon=True)
            sender.start()
            change_places(*groups)
            sender.join(10)
            took = refused[0] - groups[0].status()["changed_at"]
            print(f"refused after {took / 1e6:.2f} ms")
            worst = max(worst, took)
            change_places(*reversed(groups))
    assert worst < 20e6 * debug_kernel.SLOWNESS


def test_a_route_that_names_the_address_carries_nothing_of_an_old_master(hosts, groups, family):
    """It was added while the address was local, and stays."""
    rachael, _, client = hosts
    client.ip("address", "add", BEYOND[family], "dev", "lo")
    settle(rachael, is_local, VIP[family])
    rachael.ip("route", "add", BEYOND[family], "via", CLIENT[family], "src", VIP[family])
    rachael.run("ping", "-c", "1", "-W", "2", BEYOND[family])
    change_places(*groups)
    with inside(rachael.ns), socket.socket(KIND[family], socket.SOCK_DGRAM) as unbound:
        def refused():
            return refusal(lambda: unbound.sendto(b"lost in time", (BEYOND[family], 7))) == errno.EADDRNOTAVAIL
        eventually(refused, 2, "nothing leaves by the route")
        with Capture(rachael.ns, "eth0", "out") as capture:
            assert refused()
            assert of_the_address(capture.during(0.5), family) == []


def test_who_names_the_address_although_it_is_not_local_is_not_heard(hosts, groups, family):
    """As load balancers do, which are told to (IP_FREEBIND, ip_nonlocal_bind)."""
    _, pris, _ = hosts
    pris.sysctl(f"net.ip{family}.ip_nonlocal_bind", 1)
    with bound(pris, family, socket.SOCK_DGRAM, VIP[family]) as datagrams:
        def refused():
            return refusal(lambda: datagrams.sendto(b"attack ships", (CLIENT[family], 7))) == errno.EADDRNOTAVAIL
        eventually(refused, 2, "nothing leaves in the name of the address")
        before = groups[1].counters()["tx_not_master"]
        with Capture(pris.ns, "eth0", "out") as capture:
            assert all(refused() for _ in range(10))
            assert of_the_address(capture.during(0.5), family) == []
    assert groups[1].counters()["tx_not_master"] == before + 10


@pytest.mark.parametrize("first", ["group", "lo"])
def test_an_address_that_another_device_has_for_itself_is_this_hosts(hosts, family, first):
    """As real servers of a load balancer have it on lo: the BACKUP takes it and speaks as it."""
    rachael, pris, client = hosts
    address = VIP[family]
    single = f"{address}/{ipaddress.ip_address(address).max_prefixlen}"
    master(rachael, f"{address}/{PREFIX[family]}")

    def to_lo():
        pris.ip("address", "add", single, "dev", "lo", *(["nodad"] if family == "v6" else []))
    if first == "lo":
        to_lo()
    made = group(pris, f"{address}/{PREFIX[family]}", advskew=100)
    made.wait("BACKUP", 2)
    if first == "group":
        to_lo()
    settle(pris, is_local, address)
    with bound(pris, family, socket.SOCK_DGRAM, address) as here, \
            bound(client, family, socket.SOCK_DGRAM, CLIENT[family]) as there:
        # The balancer's way: to the address, at pris' own MAC.
        client.ip("route", "add", address, "via", OWN["pris"][family])
        there.sendto(b"like tears", (address, 7))
        said, who = here.recvfrom(16)
        assert said == b"like tears"
        here.sendto(b"in rain", who)
        assert there.recv(16) == b"in rain"
    assert made.counters()["tx_not_master"] == 0


def test_an_address_that_a_probe_found_elsewhere_is_not_this_hosts(segment):
    """The MASTER answers the probe of who adds the address to his own device without "nodad"."""
    rachael, pris = (segment.host(name, f"{OWN[name]['v6']}/64") for name in ("rachael", "pris"))
    for host in (rachael, pris):
        host.settled()
    master(rachael, f"{VIP['v6']}/64")
    group(pris, f"{VIP['v6']}/64", advskew=100).wait("BACKUP", 2)
    pris.ip("address", "add", f"{VIP['v6']}/128", "dev", "eth0")
    eventually(lambda: "dadfailed" in pris.ip("address", "show", "dev", "eth0").stdout, 5, "the probe is answered")
    settle(pris, not_local, VIP["v6"])
    with bound(pris, "v6", socket.SOCK_DGRAM, VIP["v6"]) as datagrams:
        assert refusal(lambda: datagrams.sendto(b"moments", (OWN["rachael"]["v6"], 7))) == errno.EADDRNOTAVAIL


def test_a_backup_in_a_vrf_is_not_heard_as_the_address(hosts, groups, family):
    """Nor is it if a device outside the VRF has the address for itself."""
    _, pris, _ = hosts
    pris.batch("link add red type vrf table 100", "link set red up", "link set eth0 master red")
    groups[1].wait("BACKUP", 10)
    own = OWN["pris"][family]
    if family == "v6":
        pris.ip("address", "replace", f"{own}/64", "dev", "eth0", "nodad")
    pris.batch("link add other type dummy", f"address add {VIP[family]} dev other", "link set other up")
    freebind = {"v4": (socket.IPPROTO_IP, 15), "v6": (socket.IPPROTO_IPV6, 78)}[family]
    with inside(pris.ns), socket.socket(KIND[family], socket.SOCK_DGRAM) as datagrams:
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"red")
        datagrams.setsockopt(*freebind, 1)
        datagrams.bind((VIP[family], 7))
        eventually(lambda: refusal(lambda: datagrams.sendto(b"all", (CLIENT[family], 7))) == errno.EADDRNOTAVAIL, 3,
                   "nothing leaves the VRF")
        with Capture(pris.ns, "eth0", "out") as capture:
            for _ in range(3):
                assert refusal(lambda: datagrams.sendto(b"all", (CLIENT[family], 7))) == errno.EADDRNOTAVAIL
            assert of_the_address(capture.during(0.3), family) == []


def hooked(host):
    """Whether the module looks at what leaves this host, in either family."""
    told = [host.run("nft", "list", "hooks", kind).stdout for kind in ("ip", "ip6")]
    return ["carp" in text for text in told]


def test_masters_do_not_pay_for_what_backups_need(rachael):
    """Who is MASTER of all groups has no hook that sees all packets."""
    made = master(rachael, "192.0.2.1/24")
    eventually(lambda: hooked(rachael) == [False, False], 2, lambda: hooked(rachael))
    other = group(rachael, "192.0.2.2/24", name="carp1", vhid=2, advbase=100)
    eventually(lambda: hooked(rachael) == [True, True], 2, lambda: hooked(rachael))
    other.delete()
    eventually(lambda: hooked(rachael) == [False, False], 2, lambda: hooked(rachael))
    made.set(state="backup")
    eventually(lambda: hooked(rachael) == [True, True], 2, lambda: hooked(rachael))
    made.wait("MASTER")
    eventually(lambda: hooked(rachael) == [False, False], 2, lambda: hooked(rachael))
