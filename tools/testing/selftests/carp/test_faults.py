# SPDX-License-Identifier: GPL-2.0
"""Memory that is not there: each operation is repeated with its first, second, third
allocation failing, until it has no more of them. Every time it succeeds, or it fails for
want of memory and nothing has changed, and it works the next time. What is leaked is
seen at the end of all tests (conftest.py), because a search takes half a minute.
"""

import contextlib
import ctypes
import errno
import os
import pathlib
import re
import socket
import struct
import subprocess
import time

import pytest

import debug_kernel
import genl
import rtnl
import uapi
from carp import group
from debug_kernel import FailNth, every_kind, settings
from netlink import NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE
from rtnl import NLM_F_CREATE, NLM_F_EXCL, attribute, carp_attributes
from test_routes import not_local, routes, settle
from topology import eventually, inside

pytestmark = [
    pytest.mark.limit(1800),
    pytest.mark.skipif(not FailNth.PATH.exists(),
                       reason="this kernel's allocations cannot be made to fail: run it with KERNEL=debug"),
]

RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR, RTM_GETNEIGH = 20, 21, 22, 30
NDA_LLADDR = 2
IFA_ADDRESS, IFA_LOCAL = 1, 2
IFA_F_NODAD = 0x02
IFF_LOWER_UP = 0x10000
NO_MEMORY = {errno.ENOMEM, errno.ENOBUFS}
# netdev_register_kobject() does not look whether there was memory for the name in sysfs; device_add()
# then calls a device without a name invalid. For all kinds of devices, and not for us to change.
NO_NAME = {errno.EINVAL}
DATA = dict(vhid=7, advbase=50, advskew=100, key=b"tyrell")
WATCHED = (rtnl.IFLA_ADDRESS, rtnl.IFLA_IFNAME, rtnl.IFLA_MTU, rtnl.IFLA_LINK, rtnl.IFLA_PROMISCUITY)

_libc = ctypes.CDLL(None, use_errno=True)


def device(host, name):
    """All that netlink tells of a device, but what moves by itself."""
    try:
        link = host.rtnl.link(name)
    except rtnl.Refused:
        return None
    seen = {"flags": link["flags"]} | {kind: link.get(kind) for kind in WATCHED}
    data = rtnl.parse(rtnl.parse(link.get(rtnl.IFLA_LINKINFO, b"")).get(rtnl.IFLA_INFO_DATA, b""))
    seen["carp"] = {kind: value for kind, value in data.items() if kind != uapi.ATTRIBUTES["SINCE"]} if name.startswith("carp") else None
    return seen


def dump(host, kind, header):
    """All objects of a kind: the bytes after their netlink header (`ip`, without starting it)."""
    found = []
    with inside(host.ns), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
        asking.send(struct.pack("=IHHII", 16 + len(header), kind, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + header)
        while True:
            packet = asking.recv(65536)
            while len(packet) >= 16:
                length, answer = struct.unpack_from("=IH", packet)
                if answer == NLMSG_DONE:
                    return found
                assert answer == kind - 2, answer  # RTM_GETX is RTM_NEWX + 2
                found.append(packet[16:length])
                packet = packet[length + 3 & ~3:]


def filters(host, index):
    """The virtual MACs that a device receives frames to."""
    entries = dump(host, RTM_GETNEIGH, struct.pack("=BxxxiHBB", socket.AF_BRIDGE, 0, 0, 0, 0))
    addresses = [rtnl.parse(entry[12:])[NDA_LLADDR] for entry in entries if struct.unpack_from("=i", entry, 4)[0] == index]
    return sorted(address for address in addresses if address.startswith(bytes.fromhex("00005e0001")))


def addresses_of(host, index):
    entries = dump(host, RTM_GETADDR, struct.pack("=BBBBI", 0, 0, 0, 0, 0))
    return sorted(rtnl.parse(entry[8:])[IFA_ADDRESS] for entry in entries
                  if struct.unpack_from("=I", entry, 4)[0] == index)


def memberships_v4(lines, name):
    """Of one device in 224.0.0.18, by /proc/net/igmp: how many hold it."""
    found, device_name = [], None
    for words in lines:
        if words[0].isdigit():
            device_name = words[1]
        elif device_name == name:
            found += [words[1]] if words[0] == "120000E0" else []
    return found


def state(host, name="carp0"):
    """The device, the parent, and what one has put on the other."""
    def lines(file):
        return [line.split() for line in pathlib.Path("/proc/net", file).read_text().splitlines()]

    with inside(host.ns):
        joined = (memberships_v4(lines("igmp")[1:], "eth0"),
                  [words[3] for words in lines("igmp6") if words[1] == "eth0" and words[2] == f"ff02{0x12:028x}"])
    parent, ours = host.rtnl.link("eth0")["index"], 0
    with contextlib.suppress(rtnl.Refused):
        ours = host.rtnl.link(name)["index"]
    return {name: device(host, name), "eth0": device(host, "eth0"), "filters": filters(host, parent),
            "memberships": joined, "addresses": addresses_of(host, ours)}


def calm(host, name):
    """The state, when it moves no more: the carrier follows a moment after its group."""
    while True:
        seen = state(host, name)
        time.sleep(0.1)
        if state(host, name) == seen:
            return seen


def difference(one, other):
    return {key: (one[key], other[key]) for key in one if one[key] != other[key]}


def in_our_code():
    """Only allocations that the module makes, or has others make."""
    return debug_kernel.only_in(*debug_kernel.code_of_module())


@pytest.fixture(params=["ours", pytest.param("all", marks=pytest.mark.long)])
def every_allocation(request):
    """The loop, over the allocations that the module makes or has others make, or over all."""
    def loop(host, prepare, operation, undo, also=frozenset()):
        with in_our_code() if request.param == "ours" else contextlib.nullcontext():
            fail_each(host, prepare, operation, undo, "carp0", NO_MEMORY | also)

    return loop


def fail_each(host, prepare, operation, undo, name, codes):
    """`prepare` and `undo` run without faults around each try of `operation`."""
    prepare()
    before = state(host, name)
    operation()
    after = calm(host, name)
    undo()
    assert before != after, "the operation changes nothing that is looked at"
    outcomes = {}
    with FailNth() as fail_nth:
        number = 0
        while True:
            number += 1
            prepare()
            again = state(host, name)
            assert again == before, f"before the {number}th: {difference(again, before)}"
            failed, raised = fail_nth(number, operation)
            now = state(host, name)
            words = f"allocation {number}: {raised or 'succeeds'}: "
            if raised is None:
                # What could not be refused any more is made good soon.
                with contextlib.suppress(AssertionError):
                    eventually(lambda: state(host, name) == after, 0.5, "")
                now = state(host, name)
                assert now == after, words + f"{difference(now, after)}"
            else:
                assert raised.errno in codes, words
                if isinstance(raised, rtnl.Refused):
                    assert now == before, words + f"{difference(now, before)}"
                else:
                    # The request, or the answer to it, got lost.
                    assert now in (before, after), words + f"{difference(now, before)}"
            undo()
            outcome = raised and errno.errorcode[raised.errno]
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            if not failed:
                break
    print(f"{number - 1} allocations: {outcomes}")
    assert raised is None


def delete(host, name="carp0"):
    with contextlib.suppress(rtnl.Refused):
        host.rtnl.delete(name)


def fresh(host):
    """A socket without the errors of the last try."""
    host.rtnl.close()
    with inside(host.ns):
        host.rtnl = rtnl.Socket()


def add(host, flags=0, **data):
    body = rtnl.link_message(name="carp0", parent=host.rtnl.link("eth0")["index"], flags=flags, change=flags,
                             data=carp_attributes(**{**DATA, **data}))
    return lambda: host.rtnl.request(rtnl.RTM_NEWLINK, body, NLM_F_CREATE | NLM_F_EXCL)


def nothing():
    pass


def test_newlink(rachael, every_allocation):
    every_allocation(rachael, nothing, add(rachael), lambda: gone(rachael), also=NO_NAME)


def test_newlink_that_is_up(rachael, every_allocation):
    every_allocation(rachael, nothing, add(rachael, flags=1), lambda: gone(rachael), also=NO_NAME)


def test_second_newlink_of_a_parent(rachael, every_allocation):
    group(rachael, "192.0.2.9/32", name="carp9", vhid=9, advbase=50)
    every_allocation(rachael, nothing, add(rachael), lambda: gone(rachael), also=NO_NAME)


def address_request(host, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    header = struct.pack("=BBBBI", family, len(packed) * 8, IFA_F_NODAD if len(packed) == 16 else 0, 0,
                         host.rtnl.link("carp0")["index"])
    return header + attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed)


def add_address(host, address):
    host.rtnl.request(RTM_NEWADDR, address_request(host, address), NLM_F_CREATE | NLM_F_EXCL)


def made(host, how="BACKUP", **data):
    """The device is there, with an address; it is BACKUP for a long time, or it is told to be MASTER and has its
    carrier, or it is down."""
    add(host, **data)()
    add_address(host, "192.0.2.1")
    if how != "down":
        host.rtnl.up("carp0")
    if how == "MASTER":
        host.rtnl.change("carp0", data=carp_attributes(state=uapi.NUMBERS["CARP_STATE_MASTER"]))
        eventually(lambda: host.rtnl.link("carp0")["flags"] & IFF_LOWER_UP, 2, "the carrier of a MASTER")
    fresh(host)


def gone(host):
    fresh(host)
    delete(host)


# A MASTER takes its leave and tells of its addresses, and its carrier and its filters move.
running = pytest.mark.parametrize("how", ["BACKUP", "MASTER"])


@pytest.mark.parametrize("how", ["down", "BACKUP", "MASTER"])
@pytest.mark.parametrize("change", [
    dict(advbase=20, advskew=3), dict(key=b"weyland", advskew=4), dict(vhid=8), dict(vhid=8, key=b"weyland", advskew=4),
], ids=lambda change: "-".join(change))
def test_changelink(rachael, every_allocation, change, how):
    def operation():
        rachael.rtnl.request(rtnl.RTM_NEWLINK, body(rachael))

    def body(host):
        return rtnl.link_message(index=index[0], data=carp_attributes(**change))

    index = [0]

    def prepare():
        made(rachael, how)
        index[0] = rachael.rtnl.link("carp0")["index"]

    every_allocation(rachael, prepare, operation, lambda: gone(rachael))


def test_late_parent(rachael, every_allocation):
    """A device without a parent gets one."""
    index = [0]
    parent = rachael.rtnl.link("eth0")["index"]

    def prepare():
        rachael.rtnl.add("carp0", data=carp_attributes(**DATA))
        index[0] = rachael.rtnl.link("carp0")["index"]
        fresh(rachael)

    every_allocation(rachael, prepare, lambda: rachael.rtnl.request(
        rtnl.RTM_NEWLINK, rtnl.link_message(index=index[0], parent=parent, data=b"")), lambda: gone(rachael))


@running
@pytest.mark.parametrize("address", ["192.0.2.2", "2001:db8::2"])
def test_address_add(rachael, every_allocation, address, how):
    body = [b""]

    def prepare():
        made(rachael, how)
        body[0] = address_request(rachael, address)

    every_allocation(rachael, prepare, lambda: rachael.rtnl.request(
        RTM_NEWADDR, body[0], NLM_F_CREATE | NLM_F_EXCL), lambda: gone(rachael))


@running
@pytest.mark.parametrize("address", ["192.0.2.2", "2001:db8::2"])
def test_address_delete(rachael, every_allocation, address, how):
    body = [b""]

    def prepare():
        made(rachael, how)
        add_address(rachael, address)
        body[0] = address_request(rachael, address)

    every_allocation(rachael, prepare, lambda: rachael.rtnl.request(RTM_DELADDR, body[0]), lambda: gone(rachael))


def flags_request(host, name, up):
    return rtnl.link_message(index=host.rtnl.link(name)["index"], flags=int(up), change=1)


@pytest.mark.parametrize("name", ["carp0", "eth0"])
@pytest.mark.parametrize("up", [False, True], ids=["down", "up"])
def test_device_and_parent_up_and_down(rachael, every_allocation, name, up):
    body = [b""]

    def prepare():
        made(rachael)
        if up:
            rachael.rtnl.down(name)
        body[0] = flags_request(rachael, name, up)

    def undo():
        gone(rachael)
        rachael.rtnl.up("eth0")

    every_allocation(rachael, prepare, lambda: rachael.rtnl.request(rtnl.RTM_NEWLINK, body[0]), undo)


@running
def test_dellink(rachael, every_allocation, how):
    body = [b""]

    def prepare():
        made(rachael, how)
        body[0] = rtnl.link_message(index=rachael.rtnl.link("carp0")["index"])

    every_allocation(rachael, prepare, lambda: rachael.rtnl.request(rtnl.RTM_DELLINK, body[0]), lambda: gone(rachael))


def test_new_namespace():
    """A network namespace comes with our sysctls and lists, or does not come."""
    def attempt():
        if _libc.unshare(0x40000000):
            raise OSError(ctypes.get_errno(), "unshare")
        # An allocation may have been tried again in another way: then nothing may be missing.
        if not pathlib.Path("/proc/sys/net/inet/carp/allow").exists():
            raise OSError(errno.ENOENT, "no net.inet.carp")

    answers = []
    with in_our_code():
        for number in range(1, 1000):
            reader, writer = os.pipe()
            child = os.fork()
            if not child:
                try:
                    with FailNth() as fail_nth:
                        failed, raised = fail_nth(number, attempt)
                    os.write(writer, f"{int(failed)} {raised.errno if raised else 0}".encode())
                finally:
                    os._exit(0)
            os.waitpid(child, 0)
            failed, code = map(int, os.read(reader, 64).split())
            os.close(reader)
            os.close(writer)
            answers.append(code)
            if not failed:
                break
    print(answers)
    assert answers[-1] == 0 and len(answers) > 2
    assert set(answers[:-1]) <= {0, *NO_MEMORY} and NO_MEMORY & set(answers)


def module_path():
    return subprocess.run(["modinfo", "-F", "filename", "carp"], capture_output=True, text=True, check=True).stdout.strip()


def address_of(symbol):
    """Where a function (by a pattern for its name) begins, and where the next one does."""
    lines = pathlib.Path("/proc/kallsyms").read_text().splitlines()
    addresses = sorted(int(line.split()[0], 16) for line in lines)
    start = next(int(line.split()[0], 16) for line in lines if re.fullmatch(symbol, line.split()[2]))
    return start, next(address for address in addresses if address > start)


@pytest.mark.parametrize("what", ["init", pytest.param("all", marks=pytest.mark.long)])
def test_module_load(what):
    """The module loads, or it does not and nothing of it stays; "all" has also the module loader's allocations fail."""
    path = module_path()

    def load():
        with open(path, "rb") as file:
            if _libc.syscall(313, file.fileno(), b"", 0):  # finit_module
                raise OSError(ctypes.get_errno(), "finit_module")

    with contextlib.ExitStack() as stack:
        if what == "init":
            stack.enter_context(debug_kernel.only_in(*address_of("do_init_module")))
        fail_nth = stack.enter_context(FailNth())
        subprocess.run(["rmmod", "carp"], check=True)
        outcomes = {}
        for number in range(1, 20000):
            failed, raised = fail_nth(number, load)
            there = pathlib.Path("/sys/module/carp").exists()
            assert there == (raised is None), f"allocation {number}: {raised or 'succeeds'}, and it is there: {there}"
            assert raised is None or raised.errno in NO_MEMORY, f"allocation {number}: {raised}"
            outcomes[raised and raised.errno] = outcomes.get(raised and raised.errno, 0) + 1
            if there:
                subprocess.run(["rmmod", "carp"], check=True)
            if not failed:
                break
        subprocess.run(["modprobe", "carp"], check=True)
    print(number, outcomes)
    assert number > 5


@pytest.mark.parametrize("ask", [
    lambda socket: socket.group("carp0")["vhid"] == 7,
    lambda socket: socket.ask("KEY_GET", ifname="carp0")["key"].startswith(b"tyrell"),
], ids=["group", "key"])
def test_answers(rachael, ask):
    """An answer is right, or there is none, for want of memory. (Of a dump, which the core makes room
    for, nothing is allocated by the module.)"""
    made(rachael)
    outcomes, number, failed = {}, 0, True
    with in_our_code(), FailNth() as fail_nth:
        while failed:
            number += 1
            socket = genl.of(rachael)
            right = []
            failed, raised = fail_nth(number, lambda: right.append(ask(socket)))
            assert right == [True] if raised is None else raised.errno in NO_MEMORY, number
            outcome = raised and errno.errorcode[raised.errno]
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            socket.close()
    print(number, outcomes)
    assert number > 1


def test_an_event_that_there_is_no_memory_for(rachael):
    """What it would have told is done, and who listens knows that something is missing."""
    made(rachael)
    lost, number, failed = 0, 0, True
    with in_our_code(), FailNth() as fail_nth:
        while failed:
            number += 1
            listener, index = genl.of(rachael, genl.Listener), rachael.rtnl.link("carp0")["index"]
            body = rtnl.link_message(index=index, data=carp_attributes(advskew=number))
            failed, raised = fail_nth(number, lambda: rachael.rtnl.request(rtnl.RTM_NEWLINK, body))
            told = genl.of(rachael).group("carp0")
            if raised is None:
                assert told["advskew"] == number
                if listener.lost():
                    lost += 1
                else:
                    assert listener.event()["sequence"] == told["sequence"]
            else:
                assert raised.errno in NO_MEMORY
                fresh(rachael)
            listener.close()
    print(f"{number - 1} allocations, {lost} events lost")
    assert lost


def test_softirq_allocations_fail(rachael, pris):
    """Every other allocation for our packets fails for ten seconds: advertisements are lost and counted, and when there
    is memory again there is one MASTER, the preferred one."""
    for host in (rachael, pris):
        host.sysctl("net.inet.carp.preempt", 1)
    groups = [group(rachael, "192.0.2.1/32", "2001:db8::1/128", advbase=0, advskew=10),
              group(pris, "192.0.2.1/32", "2001:db8::1/128", advbase=0, advskew=20)]
    groups[0].wait("MASTER")
    before = sum(one.counters()["tx_errors"] for one in groups)
    with in_our_code(), every_kind(), settings({"failslab/times": -1, "failslab/probability": 50}):
        time.sleep(10)
    lost = sum(one.counters()["tx_errors"] for one in groups) - before
    print(f"{lost} packets were not sent")
    assert lost > 20
    groups[0].wait("MASTER", 2)
    groups[1].wait("BACKUP", 2)
    for one in groups:
        assert one.counters()["discard_bad_digest"] == 0
    sent = groups[0].counters()["tx_v4"]
    eventually(lambda: groups[0].counters()["tx_v4"] > sent + 5, 2, "it advertises")


def test_routes_are_forgotten_without_memory(rachael):
    """Allocations of the work that keeps the routes of a BACKUP fail at random while these routes go with their
    source address and it gets another address. When there is memory again, all is as it would have been."""
    rachael.ip("address", "add", "2001:db8::11/64", "dev", "eth0", "nodad")
    made = group(rachael, "192.0.2.1/24", "2001:db8::1/64", advbase=250)
    made.wait("BACKUP", 2)
    for address in ("192.0.2.1", "2001:db8::1"):
        settle(rachael, not_local, address)
    rachael.settled()
    expected = routes(rachael)
    keeper = address_of(r".*6Keeper.*4Task3run")
    for number in range(30):
        with debug_kernel.only_in(*keeper), every_kind(), settings({"failslab/times": -1, "failslab/probability": (5, 20, 50)[number % 3]}):
            for own in ("192.0.2.11/24", "2001:db8::11/64"):
                rachael.ip("address", "del", own, "dev", "eth0")
                rachael.ip("address", "add", own, "dev", "eth0", *(["nodad"] if ":" in own else []))
            made.add_address("2001:db8::2/64", "192.0.2.2/24")
            time.sleep(0.3)
        for address in ("2001:db8::2", "192.0.2.2"):
            settle(rachael, not_local, address)
        for address in ("2001:db8::2/64", "192.0.2.2/24"):
            made.remove_address(address)
        eventually(lambda: routes(rachael) == expected, 5, lambda: f"{expected}; there is {routes(rachael)}")
