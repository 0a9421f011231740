# SPDX-License-Identifier: GPL-2.0
"""Whose a virtual address is, by the routing tables: a host that is not MASTER reaches
the MASTER, from an address of its own; the MASTER has it; nothing stays behind.
"""

import errno
import os
import re
import select
import socket
import subprocess
import threading
import time

import debug_kernel
import pytest

from carp import Group, group, master, virtual_mac
from gateways import mac_of
from kernel_log import KernelLog
from test_takeover import rtnl_held
from topology import eventually, inside, run
from wire import Capture

V4, V6 = "192.0.2.1", "2001:db8::1"
VMAC = virtual_mac(1)


def is_v6(address):
    return ":" in address


def bare(address):
    return address.partition("/")[0]


def routes(host, *more):
    """All routes of a host, of both families, but for the kernel's own to groups and broadcasts, which
    come and go with the carrier of their device."""
    shown = "".join(host.ip(family, "route", "show", "table", "all", *more).stdout for family in ("-4", "-6"))
    return sorted(" ".join(line.split()) for line in shown.splitlines()
                  if not line.startswith(("multicast", "broadcast")))


def whole(host):
    """All routes of a host, once it has all its addresses."""
    eventually(lambda: "tentative" not in host.ip("address").stdout, 5, "duplicate address detection ends", 0.2)
    return routes(host)


def ours(host):
    return routes(host, "proto", "112")


def goes_to(host, address):
    """The device and the source of what the host sends to an address; ("lo", ...) is itself."""
    shown = host.ip("route", "get", bare(address), check=False)
    found = re.search(r" dev (\S+).* src (\S+)", shown.stdout)
    return found.groups() if found else (shown.stderr.split(":")[-1].strip(), None)


def is_local(host, address):
    return goes_to(host, address)[0] == "lo"


def not_local(host, address):
    return not is_local(host, address)


def settle(host, what, address, timeout=3):
    eventually(lambda: what(host, address), timeout, lambda: f"{what.__name__} {address}: {routes(host)}")


def knows_neighbours(host, *addresses):
    """The virtual addresses are at the virtual MAC: nobody has to be asked."""
    for address in addresses:
        host.ip("neighbour", "replace", bare(address), "lladdr", VMAC, "nud", "permanent", "dev", "eth0")


def connect(host, server, address):
    """A TCP connection from `host` to `address`, which `server` accepts.
    Returns the client's address, as the server sees it."""
    family = socket.AF_INET6 if is_v6(address) else socket.AF_INET
    with inside(server.ns):
        listener = socket.create_server(("::" if is_v6(address) else "", 7), family=family, dualstack_ipv6=False)
    with inside(host.ns):
        client = socket.socket(family)
    with listener, client:
        client.settimeout(5)
        client.connect((bare(address), 7))
        assert select.select([listener], [], [], 1)[0], "somebody else has accepted the connection"
        peer, name = listener.accept()
        peer.close()
        return name[0].partition("%")[0]


@pytest.fixture
def two(segment):
    """A function that makes MASTER and BACKUP with these addresses."""

    def make(*addresses, numbered=True, **options):
        hosts = []
        for number, name in ((11, "rachael"), (12, "pris")):
            own = [f"192.0.2.{number}/24", f"2001:db8::{number}/64"] if numbered else []
            host = segment.host(name, *own)
            if not numbered:
                host.batch(f"address add 10.0.0.{number}/32 dev lo",
                           f"route add 10.0.0.{23 - number}/32 dev eth0",
                           f"address add fe80::{number}/64 dev eth0 nodad")
                # Or nobody says where the addresses on lo are.
                host.ipv4_conf("arp_ignore", 0)
            hosts.append(host)
        groups = [group(host, *addresses, advskew=skew, **options) for host, skew in zip(hosts, (0, 100))]
        groups[0].wait("MASTER")
        groups[1].wait("BACKUP")
        for host in hosts:
            knows_neighbours(host, *(a for a in addresses if is_v6(a)))
        return *hosts, *groups

    return make


# ---- a BACKUP reaches the MASTER ----

@pytest.mark.parametrize("numbered", [True, False], ids=["numbered", "unnumbered"])
@pytest.mark.parametrize("address,rp_filter", [
    ("192.0.2.1/24", 0), ("192.0.2.1/24", 1), ("192.0.2.1/24", 2),
    ("192.0.2.1/32", 0), ("192.0.2.1/32", 1), ("192.0.2.1/32", 2),
    ("2001:db8::1/64", 0), ("2001:db8::1/128", 0)])
def test_backup_connects_to_itself_instead_of_the_master(two, address, rp_filter, numbered):
    rachael, pris, *_ = two(address, numbered=numbered)
    for host in (rachael, pris):
        host.ipv4_conf("rp_filter", rp_filter)
    settle(rachael, is_local, address)
    settle(pris, not_local, address)
    source = connect(pris, rachael, address)
    if is_v6(address):
        assert source == ("2001:db8::12" if numbered else "fe80::12")
    else:
        assert source == ("192.0.2.12" if numbered else "10.0.0.12")
    listed = pris.ip("address", "show", "dev", "carp0").stdout
    assert address in listed, "the address is listed as before"


@pytest.mark.parametrize("address", [V4 + "/32", V6 + "/128"])
def test_backup_talks_as_the_virtual_address_when_it_has_no_other(segment, address):
    """No own address at all: the MASTER is out of reach, but is not talked to in its own name."""
    pris = segment.host("pris")
    pris.sysctl("net.ipv6.conf.eth0.addr_gen_mode", 1)
    pris.ip("-6", "address", "flush", "dev", "eth0")
    group(pris, address, advbase=100)
    eventually(lambda: goes_to(pris, address)[1] is None, 3, lambda: goes_to(pris, address))
    assert any(line.startswith("unreachable") for line in ours(pris))


def test_group_in_init_owns_its_addresses(rachael):
    """The device is down, or CARP is not allowed, or the parent has no carrier."""
    made = group(rachael, V4 + "/24", up=False)
    settle(rachael, not_local, V4)
    made.up()
    made.wait("MASTER")
    settle(rachael, is_local, V4)
    rachael.sysctl("net.inet.carp.allow", 0)
    settle(rachael, not_local, V4)
    rachael.sysctl("net.inet.carp.allow", 1)
    made.wait("MASTER")
    settle(rachael, is_local, V4)
    rachael.segment.unplug(rachael)
    settle(rachael, not_local, V4)


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_who_can_bind(two, family):
    """A daemon on the BACKUP cannot bind the virtual IPv4 address; for IPv6 Linux asks the list of
    addresses, not the table."""
    address, unspecified, kind = {"v4": (V4, "0.0.0.0", socket.AF_INET), "v6": (V6, "::", socket.AF_INET6)}[family]
    rachael, pris, *_ = two(V4 + "/24", V6 + "/64")
    settle(pris, not_local, address)
    settle(rachael, is_local, address)
    for host, fails in ((rachael, False), (pris, family == "v4")):
        with inside(host.ns):
            listener = socket.socket(kind)
        with listener:
            if fails:
                with pytest.raises(OSError) as error:
                    listener.bind((address, 7))
                assert error.value.errno == errno.EADDRNOTAVAIL
            else:
                listener.bind((address, 7))


def test_connections_of_a_backup_end_nowhere_while_the_parent_is_down(two):
    _, pris, _, made = two(V4 + "/24", V6 + "/64")
    before = whole(pris)
    pris.rtnl.down("eth0")
    for address in (V4, V6):
        eventually(lambda: goes_to(pris, address)[1] is None, 3, lambda: goes_to(pris, address))  # noqa: B023
    pris.batch("link set eth0 up", "address add 2001:db8::12/64 dev eth0 nodad")
    made.wait("BACKUP")
    eventually(lambda: routes(pris) == before, 5, lambda: (before, routes(pris)))


# ---- nothing moves that should not, nothing stays that should not ----

ADDRESSES = [V4 + "/24", "192.0.2.3/32", "198.51.100.1/24", V6 + "/64", "2001:db8::2/128", "2001:db8:1::1/64", "fe80::1/64"]


@pytest.mark.both_clocks
def test_failovers_wear_the_tables_out(two):
    hosts = two(*ADDRESSES)
    hosts, groups = hosts[:2], hosts[2:]
    hold = [address for address in ADDRESSES if not address.startswith("fe80")]

    def check(owner):
        for number, host in enumerate(hosts):
            for address in hold:
                settle(host, is_local if number == owner else not_local, address)

    check(0)
    before = [whole(host) for host in hosts]
    for _ in range(10):
        groups[0].set(state="backup")
        groups[1].wait("MASTER")
        groups[0].wait("BACKUP")
        check(1)
        groups[1].set(state="backup")
        groups[0].wait("MASTER")
        groups[1].wait("BACKUP")
        check(0)
    for host, old in zip(hosts, before):
        eventually(lambda: routes(host) == old, 3, lambda: (old, routes(host)))  # noqa: B023


@pytest.mark.both_clocks
def test_flapping_ends_wrong(rachael):
    """A hundred changes, faster than routes can follow."""
    made = master(rachael, V4 + "/32", V6 + "/128", advbase=0, advskew=1)
    for number in range(100):
        made.set(state="backup")
        if number % 3 == 0:
            made.wait("MASTER")
    made.wait("MASTER")
    for address in (V4, V6):
        settle(rachael, is_local, address)
    rachael.sysctl("net.inet.carp.allow", 0)
    for address in (V4, V6):
        settle(rachael, not_local, address)


@pytest.mark.parametrize("numbered", [True, False], ids=["numbered", "unnumbered"])
@pytest.mark.parametrize("state", ["MASTER", "BACKUP"])
def test_routes_left_behind(rachael, pris, segment, state, numbered):
    """Addresses, groups, and the module come and go in either state."""
    if not numbered:
        for host in (rachael, pris):
            host.ip("-4", "address", "flush", "dev", "eth0")
    host = segment.host("zhora", *(["192.0.2.13/24", "2001:db8::13/64"] if numbered else ["10.0.0.13/32"]))
    before = whole(host)
    made = Group(host)
    made.create(vhid=1, **({} if state == "MASTER" else {"advbase": 100}))
    made.up()
    # What an empty group has: multicast.
    eventually(lambda: not ours(host), 1, lambda: ours(host))
    for _ in range(2):
        made.add_address(*ADDRESSES)
        made.wait(state)
        for address in ADDRESSES[:-1]:
            settle(host, is_local if state == "MASTER" else not_local, address)
        assert not [line for line in routes(host) if "dev carp0" in line and not line.startswith(("local", "multicast", "fe80"))
                    and "anycast" not in line], "a connected route on the carp device"
        for address in ADDRESSES:
            made.remove_address(address)
        eventually(lambda: not ours(host), 3, lambda: ours(host))
    made.add_address(*ADDRESSES)
    made.wait(state)
    made.delete()
    eventually(lambda: routes(host) == before, 3, lambda: (before, routes(host)))
    group(host, *ADDRESSES, advbase=100 if state == "BACKUP" else 1).wait(state)
    subprocess.run(["rmmod", "carp"], check=True)
    assert routes(host) == before
    subprocess.run(["modprobe", "carp"], check=True)


@pytest.mark.parametrize("promote", [0, 1])
@pytest.mark.parametrize("state", ["MASTER", "BACKUP"])
def test_deleting_a_primary_address_brings_the_secondary_home(rachael, state, promote):
    for devices in ("all", "default"):
        rachael.sysctl(f"net.ipv4.conf.{devices}.promote_secondaries", promote)
    made = group(rachael, "192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24",
                 advbase=100 if state == "BACKUP" else 1)
    made.wait(state)
    expected = is_local if state == "MASTER" else not_local
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        settle(rachael, expected, address)
    made.remove_address("192.0.2.1/24")
    time.sleep(0.5)
    for address in ("192.0.2.2", "192.0.2.3"):
        if promote:
            assert expected(rachael, address), routes(rachael)
    if not promote:
        assert not ours(rachael), "all addresses went with the primary"
    else:
        made.remove_address("192.0.2.2/24")
        made.remove_address("192.0.2.3/24")
        eventually(lambda: not ours(rachael), 3, lambda: ours(rachael))
    # Nobody's now: the subnet's, that is the parent's.
    assert goes_to(rachael, "192.0.2.1") == ("eth0", "192.0.2.11")


@pytest.mark.parametrize("state", ["MASTER", "BACKUP"])
def test_taking_the_device_down_and_up_brings_addresses_home(rachael, state):
    """With keep_addr_on_down, the kernel puts IPv6 routes back."""
    made = group(rachael, V4 + "/24", V6 + "/64", advbase=100 if state == "BACKUP" else 1)
    rachael.sysctl("net.ipv6.conf.carp0.keep_addr_on_down", 1)
    rachael.ip("address", "add", "2001:db8::11/64", "dev", "eth0", "nodad")
    made.wait(state)
    expected = is_local if state == "MASTER" else not_local
    for _ in range(3):
        made.down()
        settle(rachael, not_local, V4)
        made.up()
        made.wait(state)
        for address in (V4, V6):
            settle(rachael, expected, address)
        time.sleep(0.5)
        for address in (V4, V6):
            assert expected(rachael, address), routes(rachael)
        assert not [line for line in routes(rachael) if line.startswith("2001:db8::/64 dev carp0")]


@pytest.mark.parametrize("parent", ["numbered", "unnumbered"])
def test_a_backup_has_a_source_of_its_own_for_everybody(rachael, parent):
    """Also for those whom it reaches by a device without addresses."""
    own = "eth0" if parent == "numbered" else "lo"
    rachael.batch("address flush dev eth0 scope global", f"address add 192.0.2.11/24 dev {own}",
                  f"address add 2001:db8::11/64 dev {own} nodad", "link add dmz type dummy", "link set dmz up")
    group(rachael, V4 + "/24", V6 + "/64", advbase=100).wait("BACKUP")
    settle(rachael, not_local, V4)
    settle(rachael, not_local, V6)
    rachael.batch("route add 203.0.113.0/24 dev dmz", "route add 2001:db8:7::/64 dev dmz",
                  "route add 198.51.100.0/24 dev eth0", "route add 2001:db8:8::/64 dev eth0")
    for target in ("192.0.2.50", "198.51.100.7", "203.0.113.7"):
        assert goes_to(rachael, target)[1] == "192.0.2.11", target
    for target in ("2001:db8::50", "2001:db8:8::7", "2001:db8:7::7"):
        assert goes_to(rachael, target)[1] == "2001:db8::11", target


def test_source_address_goes_away(rachael):
    """The parent loses the address that is used, gets another one, and is used again."""
    group(rachael, V4 + "/32", V6 + "/128", advbase=100)
    rachael.batch("address add 192.0.2.14/24 dev eth0", "address add 2001:db8::14/64 dev eth0 nodad",
                  "address add 2001:db8::15/64 dev eth0 nodad")
    eventually(lambda: goes_to(rachael, V4) == ("eth0", "192.0.2.11"), 3, lambda: routes(rachael))
    eventually(lambda: (goes_to(rachael, V6)[1] or "").startswith("2001:db8::1"), 3, lambda: routes(rachael))
    first = goes_to(rachael, V6)[1]
    rachael.sysctl("net.ipv4.conf.all.promote_secondaries", 1)
    rachael.batch("address del 192.0.2.11/24 dev eth0", f"address del {first}/64 dev eth0")
    second = {"2001:db8::14": "2001:db8::15", "2001:db8::15": "2001:db8::14"}[first]
    eventually(lambda: goes_to(rachael, V4) == ("eth0", "192.0.2.14"), 3, lambda: routes(rachael))
    eventually(lambda: goes_to(rachael, V6) == ("eth0", second), 3, lambda: routes(rachael))
    rachael.batch("address flush dev eth0", f"address add {second}/64 dev eth0 nodad",
                  "address add 192.0.2.14/24 dev eth0")
    eventually(lambda: goes_to(rachael, V4) == ("eth0", "192.0.2.14"), 3, lambda: routes(rachael))
    eventually(lambda: goes_to(rachael, V6) == ("eth0", second), 3, lambda: routes(rachael))


@pytest.mark.parametrize("state", ["MASTER", "BACKUP"])
def test_an_address_that_comes_and_goes_leaves_no_route(rachael, state):
    """Sooner than the work that keeps routes: the kernel leaves its route to the prefix for the other address."""
    rachael.ip("address", "add", "2001:db8::11/64", "dev", "eth0", "nodad")
    made = group(rachael, V6 + "/64", advbase=1 if state == "MASTER" else 250)
    made.wait(state, 5)
    before = whole(rachael)
    assert not any("carp0 proto kernel metric 256" in route for route in before)
    hurried = [f"address {what} 2001:db8::2/64 dev carp0" for what in ("add", "del") * 3]
    hurried.append("route show table all dev carp0")

    def left():
        """What one process sees that lets no work run between what it does and its look."""
        scheduler = os.sched_getscheduler(0)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        try:
            return run("ip", "-6", "-n", rachael.ns, "-batch", "-", stdin="\n".join(hurried) + "\n").stdout
        finally:
            os.sched_setscheduler(0, scheduler, os.sched_param(0))

    # It may be late once: when it has to wait for the RTNL, say.
    assert any("2001:db8::/64 proto kernel" in left() for _ in range(10)), "the work was as fast"
    eventually(lambda: routes(rachael) == before, 3, lambda: f"{before}; there is {routes(rachael)}")


def test_routes_of_an_administrator_are_deleted(rachael):
    """Who has put a route where ours would be, keeps it."""
    rachael.ip("address", "add", "2001:db8::11/64", "dev", "eth0", "nodad")
    own = [["192.0.2.1/32", "dev", "eth0", "scope", "link", "table", "local"],
           ["192.0.2.1/32", "dev", "eth0", "scope", "link", "table", "local", "src", "192.0.2.11"],
           ["2001:db8::1/128", "dev", "eth0", "table", "local", "metric", "1"],
           ["2001:db8:1::/64", "dev", "eth0", "metric", "1024"]]
    for words in own:
        rachael.ip("route", "prepend" if not is_v6(words[0]) else "add", *words)
    before = whole(rachael)
    made = group(rachael, V4 + "/32", V6 + "/128", "2001:db8:1::1/64", advbase=100)
    for address in (V4, V6):
        settle(rachael, not_local, address)
    made.set(advbase=1)
    made.delete()
    eventually(lambda: routes(rachael) == before, 3, lambda: (before, routes(rachael)))


def test_routes_move_with_a_vrf(rachael):
    """The parent and its group in a VRF: the address is the MASTER's there, too."""
    rachael.batch("link add blue type vrf table 100", "link set blue up",
                  "link set eth0 master blue")
    made = group(rachael, V4 + "/24", up=False, advbase=100)
    rachael.batch("link set carp0 master blue", "link set carp0 up")
    made.wait("BACKUP")

    def shown():
        return rachael.ip("route", "get", "vrf", "blue", V4, check=False).stdout

    eventually(lambda: "dev eth0" in shown() and "src 192.0.2.11" in shown(), 3,
               lambda: (shown(), routes(rachael)))
    made.set(state="master")
    eventually(lambda: shown().startswith("local"), 3, lambda: (shown(), routes(rachael)))
    made.delete()
    eventually(lambda: not ours(rachael), 3, lambda: ours(rachael))


# ---- time ----

@pytest.mark.parametrize("family", ["v4", "v6"])
def test_routes_wait_for_the_rtnl(two, family):
    """IPv6's do not; IPv4's do, and are right afterwards."""
    address = {"v4": V4 + "/24", "v6": V6 + "/64"}[family]
    rachael, pris, first, second = two(address)
    settle(pris, not_local, address)
    settle(rachael, is_local, address)
    # Asking for a state takes the RTNL: the BACKUP has to find out by itself.
    rachael.segment.cut(rachael)
    monitor = Monitor(pris)
    with rtnl_held(6000):
        time.sleep(5)  # Nothing may be asked: nearly all of `ip` waits for the RTNL.
        changes = len(monitor.times)
    assert (changes > 0) == (family == "v6"), f"{changes} changes of routes while the RTNL was held"
    settle(pris, is_local, address)
    assert second.state == "MASTER"
    rachael.segment.heal(rachael)
    first.wait("MASTER")
    second.wait("BACKUP")
    settle(pris, not_local, address)
    settle(rachael, is_local, address)


def test_many_addresses_take_long(rachael):
    """500 of each family: how long after the takeover the last one is local is printed."""
    v4 = [f"192.0.{2 + n // 250}.{n % 250 + 1}/32" for n in range(500) if n != 10]
    v6 = [f"2001:db8::1:{n:x}/128" for n in range(500)]
    rachael.ip("address", "add", "2001:db8::11/64", "dev", "eth0", "nodad")
    made = Group(rachael)
    made.create(vhid=1, advbase=100)
    rachael.batch(*(f"address add {address} dev carp0" for address in v4 + v6), "link set carp0 up")
    made.wait("BACKUP")
    eventually(lambda: len(ours(rachael)) == len(v4) + len(v6), 10, lambda: len(ours(rachael)))
    for address in (v4[0], v4[-1], v6[0], v6[-1]):
        assert goes_to(rachael, address)[0] == "eth0"
    monitor = Monitor(rachael)
    made.set(state="master")
    took = monitor.until_quiet() - made.status()["changed_at"]
    print(f"{len(v4) + len(v6)} addresses took {took / 1e6:.1f} ms")
    assert len(ours(rachael)) == len(v6), "local routes for IPv6 only"
    for address in (v4[0], v4[-1], v6[0], v6[-1]):
        assert is_local(rachael, address)
    assert took < 2e9 * debug_kernel.SLOWNESS
    made.delete()
    eventually(lambda: not ours(rachael), 10, lambda: len(ours(rachael)))


class Monitor:
    """Times at which routes changed, as rtnetlink tells of them."""

    GROUPS = 0x40 | 0x400  # RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE

    def __init__(self, host):
        with inside(host.ns):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
        self.socket.bind((0, self.GROUPS))
        self.times = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            try:
                if not self.socket.recv(65536):
                    return
            except OSError:
                return
            self.times.append(time.time_ns())

    def until_quiet(self, quiet=0.5, timeout=10):
        eventually(lambda: self.times and time.time_ns() - self.times[-1] > quiet * 1e9, timeout,
                   lambda: f"quiet; there were {len(self.times)} changes")
        return self.times[-1]


def test_routes_come_late(two):
    """How long after the change of state the tables say the same; printed, and bounded."""
    rachael, pris, first, second = two(V4 + "/24", V6 + "/64")
    worst = 0
    for host, made, other in ((pris, second, first), (rachael, first, second)) * 3:
        monitor = Monitor(host)
        other.set(state="backup")
        made.wait("MASTER")
        took = monitor.until_quiet() - made.status()["changed_at"]
        worst = max(worst, took)
        print(f"{host.name}: routes after {took / 1e6:.2f} ms")
    assert worst < 20e6 * debug_kernel.SLOWNESS


# ---- broadcasts ----

MIXED = {"the parent was down": ["link set eth0 down", "link set eth0 up"],
         "the parent's address came last": ["address flush dev eth0", "address add 192.0.2.12/24 dev eth0"]}


@pytest.mark.parametrize("event", MIXED)
@pytest.mark.parametrize("state", ["BACKUP", "MASTER"])
def test_broadcasts_of_the_subnet_leave_by_the_parent(rachael, pris, client, event, state):
    """From its own address. The kernel has a route to them by each device, and the carp device's was the first one:
    a BACKUP's went nowhere, and a MASTER's came from the virtual address."""
    if state == "BACKUP":
        master(rachael, f"{V4}/24")
    # An address that comes to a device that is up is local for a moment, and so a source for the kernel's route.
    made = Group(pris)
    made.create(vhid=1, advskew=100)
    made.up()
    made.add_address(f"{V4}/24")
    made.wait(state)
    pris.batch(*MIXED[event])
    made.wait(state)
    eventually(lambda: goes_to(pris, "192.0.2.255") == ("eth0", "192.0.2.12"), 2,
               lambda: pris.ip("route", "show", "table", "local").stdout)
    with Capture(client.ns, "eth0", "in") as capture, inside(pris.ns):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sender.sendto(b"tears in rain", ("192.0.2.255", 4242))
        found = capture.until(lambda f: f.ip and f.ip["destination"] == "192.0.2.255", 2, "the broadcast")
    assert (found.ip["source"], found.source) == ("192.0.2.12", mac_of(pris))
    made.delete()
    left = pris.ip("route", "show", "table", "all", "proto", "112").stdout
    assert left == "", left


# ---- multicast ----

GROUP_V6 = "ff05::4242"


@pytest.mark.parametrize("event", ["the parent was down", "the group was up first", "the address came last"])
@pytest.mark.parametrize("state", ["BACKUP", "MASTER"])
def test_multicast_without_an_interface_leaves_by_the_parent(rachael, pris, client, event, state):
    """The kernel has a route for it by each device that is up, and the carp device's was the first one: a BACKUP's
    went nowhere, and a MASTER's left by the carp device."""
    if state == "BACKUP":
        master(rachael, f"{V6}/64")
    if event == "the group was up first":
        pris.ip("link", "set", "eth0", "down")
    made = Group(pris)
    made.create(vhid=1, advskew=100)
    # Each address makes the kernel look whether its route is there.
    order = [made.up, lambda: made.add_address(f"{V6}/64")]
    for act in order if event == "the address came last" else reversed(order):
        act()
    if event != "the group was up first":
        made.wait(state)
        pris.ip("link", "set", "eth0", "down")
    pris.ip("link", "set", "eth0", "up")
    made.wait(state)
    eventually(lambda: (goes_to(pris, GROUP_V6)[0], goes_to(pris, "2001:db8::99")[0]) == ("eth0", "eth0"), 3,
               lambda: pris.ip("-6", "route", "show", "table", "all").stdout)
    whole(pris)
    with Capture(client.ns, "eth0", "in") as capture, inside(pris.ns):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"tears in rain", (GROUP_V6, 4242))
        found = capture.until(lambda f: f.ip and f.ip["destination"] == GROUP_V6, 2, "the packet")
    assert found.source == mac_of(pris)
    # Who names the carp device gets it.
    assert " dev carp0 " in pris.ip("route", "get", GROUP_V6, "oif", "carp0").stdout
    made.delete()
    left = pris.ip("-6", "route", "show", "table", "all", "proto", "112").stdout
    assert left == "", left


def test_a_device_that_is_taken_up_has_no_route_by_it_too_soon(pris):
    """It is open a moment before the kernel takes routes by it: the log said that there is no route to ff00::/8."""
    made = group(pris, f"{V4}/24", f"{V6}/64")
    log = KernelLog()
    for _ in range(30):
        made.down()
        made.up()
    eventually(lambda: "ff00::/8 dev carp0 proto 112" in pris.ip("-6", "route", "show", "table", "local").stdout, 3,
               lambda: pris.ip("-6", "route", "show", "table", "all").stdout)
    assert [line for line in log.read() if "no route to ff00" in line] == []


LOSSES = {
    "no room": ("2001:db8::1/64", ["link set eth0 mtu 1200"], ["link set eth0 mtu 1500"]),
    "disable_ipv6": ("2001:db8::1/64", 1, 0),
    "last IPv4 address": ("192.0.2.1/24", ["address del 192.0.2.1/32 dev eth0"], ["address add 192.0.2.1/32 dev eth0"]),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_subnet_is_routed_again_when_an_unnumbered_parent_has_its_family_again(segment, loss):
    """The kernel deletes all routes by a device that loses a family. That to the subnet names no address that
    went with it: it stayed away for good, and the MASTER did not find its clients."""
    address, away, back = LOSSES[loss]
    rachael = segment.host("rachael", *["192.0.2.1/32"] * (not is_v6(address)))
    rachael.settled()
    master(rachael, address)
    subnet = {True: "2001:db8::/64", False: "192.0.2.0/24"}[is_v6(address)]
    routed = lambda: [line for line in ours(rachael) if line.startswith(f"{subnet} dev eth0")]
    eventually(routed, 2, lambda: ours(rachael))
    for step in (away, back):
        if isinstance(step, int):
            rachael.sysctl("net.ipv6.conf.eth0.disable_ipv6", step)
        else:
            rachael.batch(*step)
        time.sleep(3 * (step is away))  # whoever looks, has looked
    eventually(routed, 6, lambda: ours(rachael))


def test_source_of_a_backup_is_found_after_a_long_search_for_duplicates(two):
    """Nobody is told when the kernel has found an address to be free. It was asked for four seconds."""
    _, pris, *_ = two(V6, numbered=False)
    pris.sysctl("net.ipv6.conf.eth0.dad_transmits", 8)
    pris.ip("address", "add", "2001:db8::12/64", "dev", "eth0")
    eventually(lambda: "tentative" not in pris.ip("address").stdout, 15, "duplicate address detection ends", 0.2)
    eventually(lambda: goes_to(pris, V6) == ("eth0", "2001:db8::12"), 3, lambda: routes(pris))
