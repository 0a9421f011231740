# SPDX-License-Identifier: GPL-2.0
"""Everything at once, at random: processes that create, change, move and delete groups,
addresses, parents and namespaces, that load and unload the module, and that send, all on
the same few names, so that they run into each other. Nothing is expected of a single
operation but an errno that says something; of the kernel, that it does not complain,
and of the module, that nothing of all this is left and that it works afterwards.

What each process does follows from a seed, which is printed (CARP_SEED=N repeats it, as
far as two processors do the same twice). CARP_SECONDS=N hammers for so long.
"""

import collections
import contextlib
import errno
import multiprocessing
import os
import pathlib
import random
import socket
import struct
import subprocess
import threading
import time

import pytest

import debug_kernel
import genl
import rtnl
from carp import master
from netlink import Interrupted
from rtnl import NLM_F_CREATE, NLM_F_EXCL, Refused, attribute, carp_attributes
from test_fuzz import SOURCES, Generator, Sender, seed
from test_lifecycle import module_unloads
from topology import Segment, eventually, inside, run

pytestmark = [pytest.mark.real, pytest.mark.limit(1800)]

PARENTS = ("eth0", "eth1", "eth2")
GROUPS = ("carp0", "carp1", "carp2", "carp3")
MASTERS = ("br0", "vrf0")
SENDERS_GROUP = "carp9"
EXPERIMENT = 0x88B5  # the EtherType of the frames that are sent through it
IFF_LOWER_UP = 0x10000
RTM_NEWADDR, RTM_DELADDR = 20, 21
IFA_ADDRESS, IFA_LOCAL = 1, 2
IFLA_MASTER, IFLA_NET_NS_FD = 10, 28
IFA_F_NODAD = 0x02

# What an operation may be refused with, for what another process has just done.
HARMLESS = {errno.ENODEV, errno.EEXIST, errno.EBUSY, errno.EINVAL, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EOPNOTSUPP,
            errno.EADDRINUSE, errno.ENOENT, errno.ENOMEM, errno.ENOBUFS, errno.ENETUNREACH, errno.ENXIO, errno.EPERM,
            errno.EAFNOSUPPORT, errno.ERANGE, errno.EMSGSIZE, errno.ELOOP, errno.EMLINK, errno.EACCES, errno.ESRCH,
            errno.ENOTCONN, errno.EMFILE, errno.EAGAIN, errno.EPROTONOSUPPORT, errno.EHOSTUNREACH}


class Hammer:
    """One process' random requests, in the namespace of one host."""

    def __init__(self, ns, other, chosen):
        self.random = random.Random(chosen)
        with inside(ns):
            self.rtnl = rtnl.Socket()
        self.other = os.open(f"/run/netns/{other}", os.O_RDONLY)
        self.ns = ns
        self.operations = [
            (12, self.create), (6, self.create_bare), (12, self.change), (10, self.delete), (14, self.add_address),
            (8, self.remove_address), (10, self.switch), (6, self.look), (4, self.parent_switch), (2, self.parent_mtu),
            (2, self.parent_rename), (1, self.parent_delete), (2, self.parent_make), (1, self.parent_move),
            (1, self.group_move), (2, self.parent_enslave), (3, self.sysctl), (1, self.parent_address),
            (6, self.ask), (3, self.dump), (3, self.listen),
        ]
        self.weights = [weight for weight, _ in self.operations]

    def index(self, names):
        return self.rtnl.link(self.random.choice(names))["index"]

    def values(self):
        choose = self.random
        values = {}
        if choose.random() < 0.6:
            values["vhid"] = choose.choice((1, 2, 3, 255, 0 if choose.random() < 0.1 else 4))
        if choose.random() < 0.5:
            values["advbase"], values["advskew"] = choose.choice(((0, 1), (0, 5), (1, 0), (1, 100), (255, 254)))
        if choose.random() < 0.4:
            values["key"] = choose.randbytes(choose.randrange(21))
        if choose.random() < 0.1:
            values["state"] = choose.choice((1, 2))
        return values

    def create(self):
        data = carp_attributes(**{"vhid": self.random.randrange(1, 6), "advbase": 0, "advskew": 1, **self.values()})
        up = self.random.randrange(2)
        body = rtnl.link_message(name=self.random.choice(GROUPS), parent=self.index(PARENTS), data=data, flags=up, change=up)
        self.rtnl.request(rtnl.RTM_NEWLINK, body, NLM_F_CREATE | NLM_F_EXCL)

    def create_bare(self):
        self.rtnl.add(self.random.choice(GROUPS), data=carp_attributes(**self.values()))

    def change(self):
        parent = self.index(PARENTS) if self.random.random() < 0.3 else None
        self.rtnl.request(rtnl.RTM_NEWLINK, rtnl.link_message(
            index=self.index(GROUPS), parent=parent, data=carp_attributes(**self.values())))

    def delete(self):
        self.rtnl.request(rtnl.RTM_DELLINK, rtnl.link_message(index=self.index(GROUPS)))

    def address(self, kind, flags):
        host = self.random.randrange(1, 6)
        if self.random.randrange(2):
            address = socket.inet_aton(f"192.0.2.{host}")
            header = struct.pack("=BBBBI", socket.AF_INET, self.random.choice((24, 32)), 0, 0, self.index(GROUPS))
        else:
            address = socket.inet_pton(socket.AF_INET6, self.random.choice((f"2001:db8::{host}", f"fe80::{host}")))
            header = struct.pack("=BBBBI", socket.AF_INET6, self.random.choice((64, 128)), IFA_F_NODAD, 0,
                                 self.index(GROUPS))
        self.rtnl.request(kind, header + attribute(IFA_LOCAL, address) + attribute(IFA_ADDRESS, address), flags)

    def add_address(self):
        self.address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL)

    def remove_address(self):
        self.address(RTM_DELADDR, 0)

    def set(self, index, **message):
        self.rtnl.request(rtnl.RTM_NEWLINK, rtnl.link_message(index=index, **message))

    def switch(self):
        self.set(self.index(GROUPS), flags=self.random.randrange(2), change=1)

    def look(self):
        self.rtnl.link(self.random.choice(GROUPS))

    def family(self, kind=genl.Socket):
        """Found anew each time, as the module comes and goes, and the family with it."""
        with inside(self.ns):
            return contextlib.closing(kind())

    def ask(self):
        with self.family() as socket:
            socket.ask(self.random.choice(("GROUP_GET", "KEY_GET")), ifname=self.random.choice(GROUPS))

    def dump(self):
        with self.family() as socket, contextlib.suppress(Interrupted):
            socket.groups_of_namespace()

    def listen(self):
        """What is heard is numbered without a gap, or the socket says that something was lost."""
        with self.family(genl.Listener) as socket:
            for number, event in enumerate(socket.rest(0.02)):
                first = event["sequence"] if number == 0 else first
                assert event["sequence"] == first + number

    def parent_switch(self):
        index = self.index(PARENTS)
        self.set(index, flags=0, change=1)
        self.set(index, flags=1, change=1)

    def parent_mtu(self):
        self.set(self.index(PARENTS), extra=attribute(rtnl.IFLA_MTU, self.random.choice((1280, 1500, 9000))))

    def parent_rename(self):
        name = self.random.choice(PARENTS)
        index = self.rtnl.link(name)["index"]
        self.set(index, name="voight")
        self.set(index, name=name)

    def parent_delete(self):
        self.rtnl.request(rtnl.RTM_DELLINK, rtnl.link_message(index=self.index(PARENTS[1:])))

    def parent_make(self):
        info = rtnl.attribute(rtnl.IFLA_INFO_KIND, "dummy")
        self.rtnl.request(rtnl.RTM_NEWLINK, rtnl.link_message(
            name=self.random.choice(PARENTS[1:]), flags=1, change=1,
            extra=attribute(rtnl.IFLA_LINKINFO | rtnl.NLA_F_NESTED, info)), NLM_F_CREATE | NLM_F_EXCL)

    def parent_move(self):
        self.set(self.index(PARENTS[1:]), extra=attribute(IFLA_NET_NS_FD, self.other))

    def group_move(self):
        self.set(self.index(GROUPS), extra=attribute(IFLA_NET_NS_FD, self.other))

    def parent_enslave(self):
        master_index = self.index(MASTERS) if self.random.randrange(2) else 0
        self.set(self.index(PARENTS[1:]), extra=attribute(IFLA_MASTER, master_index))

    def parent_address(self):
        self.set(self.index(PARENTS[1:]), extra=attribute(
            rtnl.IFLA_ADDRESS, bytes([2, 0, 0, 0, 1, self.random.randrange(256)])))

    def sysctl(self):
        name, values = self.random.choice((("allow", 2), ("preempt", 2), ("log", 2), ("arpbalance", 4)))
        with inside(self.ns):
            pathlib.Path("/proc/sys/net/inet/carp", name).write_text(str(self.random.randrange(values)), encoding="ascii")

    def run(self, end):
        done = collections.Counter()
        while time.monotonic() < end:
            _, operation = self.random.choices(self.operations, self.weights)[0]
            try:
                operation()
                done[f"{operation.__name__}: done"] += 1
            except Refused as error:
                if error.errno not in HARMLESS:
                    raise AssertionError(f"{operation.__name__}: {error}") from error
                done[f"{operation.__name__}: {error.code}"] += 1
            except OSError as error:  # the sysctls are the module's and go with it
                if error.errno not in HARMLESS:
                    raise
                done[f"{operation.__name__}: {errno.errorcode[error.errno]}"] += 1
        return done


def reload_module(end, chosen):
    """The module goes and comes, whatever is there."""
    done = collections.Counter()
    choose = random.Random(chosen)
    while time.monotonic() < end:
        time.sleep(choose.random() * 3)
        for command in (["rmmod", "carp"], ["modprobe", "carp"]):
            ended = subprocess.run(command, check=False, capture_output=True, text=True)
            # A dump keeps it while it is made; rmmod sees it, or the kernel a moment later.
            in_use = any(reason in ended.stderr for reason in ("in use", os.strerror(errno.EWOULDBLOCK)))
            assert ended.returncode == 0 or in_use, ended
            done[command[0] if ended.returncode == 0 else f"{command[0]}: in use"] += 1
    return done


def namespaces(end, chosen):
    """Namespaces with groups end all at once."""
    done = collections.Counter()
    choose = random.Random(chosen)
    lines = """\
link add d0 type dummy
link set d0 up
link add link d0 name carp0 type carp vhid 1 advbase 0 advskew 1
address add 192.0.2.1/24 dev carp0
address add 2001:db8::1/64 dev carp0
link set carp0 up
"""
    while time.monotonic() < end:
        names = [f"brief{n}" for n in range(choose.randrange(1, 5))]
        for name in names:
            run("ip", "netns", "add", name)
            # The module may be gone at this moment.
            run("ip", "-n", name, "-force", "-batch", "-", stdin=lines, check=False)
        time.sleep(choose.random() / 2)
        for name in names:
            run("ip", "netns", "del", name)
            done["namespaces"] += 1
    return done


def traffic(host, end, chosen):
    """Right, wrong and random packets, from the segment."""
    generator = Generator(chosen)
    frames = [generator.advertisement(kind) for kind in SOURCES for _ in range(256)]
    frames += [generator.anything() for _ in range(512)]
    choose = random.Random(chosen)
    with Sender(host) as sender:
        while time.monotonic() < end:
            for _ in range(64):
                sender.send(choose.choice(frames))
            sender.flush()
            time.sleep(0.02)
    return collections.Counter(packets=sender.sent)


def through_a_group(host, client, end, chosen):
    """Frames and datagrams that leave by the device of a MASTER, and go on when it is deleted, or its module unloaded,
    under their sockets."""
    done = collections.Counter()
    choose = random.Random(chosen)
    frame = b"\xff" * 6 + bytes([2, 0, 0, 0, 0, 1]) + struct.pack("!H", EXPERIMENT) + bytes(64)
    with inside(client.ns):
        hearing = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EXPERIMENT))
    hearing.setblocking(False)
    with inside(host.ns):
        requests, deleting = rtnl.Socket(), rtnl.Socket()

    def delete():
        time.sleep(choose.random() / 20)
        with contextlib.suppress(OSError):
            deleting.delete(SENDERS_GROUP)

    def send():
        with inside(host.ns):
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            datagrams = [(socket.socket(family, socket.SOCK_DGRAM), f"{subnet}{choose.randrange(20, 60)}")
                         for family, subnet in ((socket.AF_INET, "192.0.2."), (socket.AF_INET6, "2001:db8::"))]
        with raw, datagrams[0][0], datagrams[1][0]:
            raw.bind((SENDERS_GROUP, EXPERIMENT))
            for one, _ in datagrams:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, SENDERS_GROUP.encode())
            while time.monotonic() < end:
                raw.send(frame)
                done["frames sent"] += 1
                for one, address in datagrams:
                    # Its routes come and go; that the device is gone is said by the next frame.
                    with contextlib.suppress(OSError):
                        one.sendto(b"more human than human", socket.MSG_DONTWAIT, (address, 9))
                with contextlib.suppress(BlockingIOError):
                    while hearing.recv(2048):
                        done["frames heard"] += 1

    while time.monotonic() < end:
        run("ip", "-n", host.ns, "-force", "-batch", "-", check=False, stdin=f"""\
link add link eth0 name {SENDERS_GROUP} type carp vhid 9 advbase 0 advskew 1
address add 192.0.2.9/24 dev {SENDERS_GROUP}
address add 2001:db8::9/64 dev {SENDERS_GROUP}
link set {SENDERS_GROUP} up
""")
        try:
            eventually(lambda: requests.link(SENDERS_GROUP)["flags"] & IFF_LOWER_UP, 0.5, "a MASTER")
        except (AssertionError, Refused):
            done["no MASTER to send through"] += 1
            continue
        deleter = threading.Thread(target=delete)
        deleter.start()
        try:
            send()
        except OSError as error:
            if error.errno not in HARMLESS:
                raise
            done[f"sending ended: {errno.errorcode[error.errno]}"] += 1
        deleter.join()
    hearing.close()
    return done


def process(target, *arguments):
    """A process that runs `target` and sends back what it returns, or how it failed."""
    receiver, sender = multiprocessing.Pipe(duplex=False)

    def body():
        try:
            with open(os.devnull, "w", encoding="ascii") as nowhere, contextlib.redirect_stdout(nowhere):
                answer = target(*arguments)
        except BaseException as error:  # pylint: disable=broad-except
            answer = f"{type(error).__name__}: {error}"
        sender.send(answer)

    started = multiprocessing.get_context("fork").Process(target=body, daemon=True)
    started.start()
    return started, receiver


def strike(hosts, client, seconds, chosen):
    """All of it for so long; how often each request did what."""
    end = time.monotonic() + seconds
    jobs = []
    for number, (host, other) in enumerate(zip(hosts * 2, hosts[::-1] * 2)):
        jobs.append(process(Hammer(host.ns, other.ns, chosen + number).run, end))
    jobs += [process(through_a_group, host, client, end, chosen + number) for number, host in enumerate(hosts)]
    jobs += [process(traffic, client, end, chosen), process(reload_module, end, chosen), process(namespaces, end, chosen)]
    answers = []
    for started, receiver in jobs:
        assert receiver.poll(seconds + 120), "a process hangs"
        answers.append(receiver.recv())
        started.join()
    failed = [answer for answer in answers if isinstance(answer, str)]
    total = sum((answer for answer in answers if not isinstance(answer, str)), collections.Counter())
    for name, count in sorted(total.items()):
        print(f"{count:8} {name}")
    assert not failed, failed
    return total


# What must have happened every twenty seconds, or it was not much of a test.
NEEDED = [f"{name}: done" for name in ("create", "change", "delete", "add_address", "switch", "parent_switch")] + ["frames heard"]


def hammer(segment, client, seconds):
    chosen = seed()
    hosts = [segment.host(name, f"192.0.2.{n}/24") for name, n in (("rachael", 11), ("pris", 12))]
    for host in hosts:
        for number in (1, 2):
            segment.plug(host, f"eth{number}", f"{host.name}{number}")
        host.batch("link add br0 type bridge", "link add vrf0 type vrf table 10", "link set vrf0 up")
    total = collections.Counter()
    # A busy machine does less in the same time, and goes on for longer.
    for number in range(6):
        total += strike(hosts, client, seconds, chosen + 100 * number)
        lacking = {name: total[name] for name in NEEDED if total[name] < seconds / 20}
        if not lacking:
            break
        print("too little yet:", lacking)
    assert not lacking, f"hardly ever happened: {lacking}"
    for host in hosts:
        host.delete()
    module_unloads()
    # And it works.
    again = Segment("again")
    try:
        made = again.host("roy", "192.0.2.11/24")
        master(made, advbase=0, advskew=10)
    finally:
        again.close()


def test_hammer(segment, client):
    hammer(segment, client, int(os.environ.get("CARP_SECONDS", "60" if debug_kernel.PRESENT else "20")))


@pytest.mark.long
def test_hammer_for_ten_minutes(segment, client):
    hammer(segment, client, 600)
