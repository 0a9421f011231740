# SPDX-License-Identifier: GPL-2.0
"""Coming and going under traffic, a hundred times: groups, the parent, the namespace,
the module. It leaves no warning and no reference (the kernel would say "waiting
for eth0 to become free"), and the module can be unloaded at the end.

Runs with the real clock and two processors: this hunts races, not milliseconds.
"""

import contextlib
import os
import pathlib
import subprocess
import threading

import pytest

from carp import Group
from rtnl import is_gone
from topology import Segment, eventually
from wire import BROADCAST, Advertisement, Injector, arp_request

ROUNDS = int(os.environ.get("CARP_ROUNDS", "100"))
pytestmark = [pytest.mark.real, pytest.mark.limit(1800)]


class Traffic:
    """Frames for the virtual MACs, ARP requests and advertisements from a client, all the time."""

    def __init__(self, client):
        self.stop, self.sent = threading.Event(), 0
        self.injector = Injector(client)
        wrong = Advertisement(vhid=1, key="weyland").frame()
        requests = [arp_request("02:00:00:00:00:50", "192.0.2.50", "192.0.2.1", destination)
                    for destination in (BROADCAST, "00:00:5e:00:01:01")]
        self.frames = [wrong, *requests] * 25
        # Right ones now and then only: heard all the time, they would keep a BACKUP from taking over.
        self.frames += [Advertisement(vhid=1, key="tyrell", advskew=240, counter=n).frame() for n in range(4)]
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.stop.is_set():
            for number, frame in enumerate(self.frames):
                with contextlib.suppress(OSError):
                    self.injector.send(frame)
                    self.sent += 1
                if number % 8 == 7:
                    self.stop.wait(0.005)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        assert self.sent > ROUNDS


LINES = ["link add link {parent} name carp0 type carp vhid 1 advbase 0 advskew 1{pace} pass tyrell",
         "address add 192.0.2.1/32 dev carp0", "link set carp0 up",
         "link add link {parent} name carp1 type carp vhid 2 advbase 0 advskew 2{pace}",
         "address add 192.0.2.2/32 dev carp1", "address add 2001:db8::2/128 dev carp1", "link set carp1 up"]


def make(host, parent="eth0", pace=""):
    """At the fastest pace; `pace` adds digits to the advskews."""
    host.batch(*(line.format(parent=parent, pace=pace) for line in LINES))


def refcount():
    return int(pathlib.Path("/sys/module/carp/refcnt").read_text())


def module_unloads():
    """Nothing holds the module, and it goes."""
    eventually(lambda: refcount() == 0, 5, "the module's reference count falls to 0")
    subprocess.run(["rmmod", "carp"], check=True)
    subprocess.run(["modprobe", "carp"], check=True)


def test_groups_come_and_go(rachael, client):
    with Traffic(client):
        for round_number in range(ROUNDS):
            make(rachael)
            if round_number % 2:
                Group(rachael).wait("MASTER", 5)
            for name in ("carp0", "carp1"):
                rachael.rtnl.delete(name)
    module_unloads()


def test_module_comes_and_goes(rachael, client):
    with Traffic(client):
        for round_number in range(ROUNDS):
            make(rachael)
            if round_number % 2:
                Group(rachael).wait("MASTER", 5)
            subprocess.run(["rmmod", "carp"], check=True)
            assert is_gone(rachael, "carp0")
            subprocess.run(["modprobe", "carp"], check=True)
    module_unloads()


def test_parent_comes_and_goes(rachael, client, segment):
    with Traffic(client):
        for round_number in range(ROUNDS):
            segment.plug(rachael, "eth1", "rachael1")
            make(rachael, "eth1")
            if round_number % 2:
                Group(rachael).wait("MASTER", 5)
            rachael.rtnl.delete("eth1")
            assert is_gone(rachael, "carp0")
    module_unloads()


def test_namespace_comes_and_goes(segment, client):
    with Traffic(client):
        for round_number in range(ROUNDS):
            host = segment.host("rachael", "192.0.2.11/24")
            make(host)
            if round_number % 2:
                Group(host).wait("MASTER", 5)
            host.delete()
    module_unloads()


def test_everything_at_once(segment, client):
    """Two hosts are changed in every way, looked at and forbidden to run, all at the same time."""
    hosts = [segment.host(name, f"192.0.2.{n}/24") for name, n in (("rachael", 11), ("pris", 12))]
    errors = []

    def worker(host):
        lines = [line.format(parent="eth0", pace="") for line in LINES]
        changes = ["link set carp0 type carp advskew 9", "link set carp0 down", "link set carp0 up",
                   "address del 192.0.2.1/32 dev carp0", "address add 192.0.2.3/24 dev carp0",
                   "link set eth0 down", "link set eth0 up", "link set carp1 type carp state master",
                   "link set carp1 mtu 1300", "link set carp1 mtu 1500", "link del carp0", "link del carp1"]
        batch = "\n".join((lines + changes) * max(1, ROUNDS // 4)) + "\n"
        done = subprocess.run(["ip", "-n", host.ns, "-force", "-batch", "-"], input=batch, text=True,
                              capture_output=True, check=False)
        errors.append(done.stderr)

    def observer(host):
        for _ in range(ROUNDS):
            subprocess.run(["ip", "-n", host.ns, "-s", "-d", "link", "show"], capture_output=True, check=False)

    def switcher(host):
        for round_number in range(ROUNDS * 4):
            host.sysctl("net.inet.carp." + ("allow", "preempt")[round_number % 2], round_number // 2 % 2)
        host.sysctl("net.inet.carp.allow", 1)

    threads = [threading.Thread(target=target, args=(host,))
               for host in hosts for target in (worker, observer, switcher)]
    with Traffic(client):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    # While it is not allowed to run, it has no state to ask for; nothing else may be refused.
    lines = {line for text in errors for line in text.splitlines() if not line.startswith("Command failed")}
    assert lines <= {"Error: a group in INIT has no state to change."}
    module_unloads()


def test_many_namespaces_die_together():
    """Namespaces with groups go all at once, in one run of the kernel's clean-up."""
    for _ in range(max(1, ROUNDS // 20)):
        made = Segment("crowd")
        hosts = [made.host(f"crowd{n}", f"192.0.2.{10 + n}/24") for n in range(8)]
        for host in hosts:
            # Each hears all: at the fastest pace they need more than the debug kernel has, and tasks starve.
            make(host, pace="0")
        made.close()
    module_unloads()
