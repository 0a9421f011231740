# SPDX-License-Identifier: GPL-2.0
"""What the generic netlink family "carp" answers: one group, all groups, a key; to whom;
and what is refused, with which sentence.
"""

import contextlib
import json
import os
import struct
import subprocess
import time

import pytest

import genl
import netlink
import rtnl
import uapi
from carp import NS, group, master
from netlink import Interrupted, Refused, attribute
from test_takeover import rtnl_held
from topology import eventually, inside
from wire import Advertisement, Capture, Injector

KEY = "tyrell"
GOOD = dict(key=KEY, addresses=("192.0.2.1",), source="192.0.2.99", advbase=100)
NOBODY = 65534
CLONE_NEWUSER, CLONE_NEWNET = os.CLONE_NEWUSER, os.CLONE_NEWNET


def refused(socket, command, *extra, **values):
    with pytest.raises(Refused) as caught:
        socket.ask(command, *extra, **values)
    return caught.value.code, caught.value.sentence


def bare(host, number, name=None):
    """A group in INIT, made without a process."""
    data = rtnl.carp_attributes(vhid=number)
    host.rtnl.add(name or f"carp{number}", parent=host.rtnl.link("eth0")["index"], data=data)


# ---- what a group is told as ----


def test_a_group_is_told_whole(rachael, client):
    made = group(rachael, "192.0.2.1/32", "192.0.2.3/24", "2001:db8::1/64", "fe80::1/64", name="carp7", vhid=7,
                 advbase=20, advskew=5, **{"pass": KEY})
    made.set(state="master")
    made.wait("MASTER")
    told = genl.of(rachael).group("carp7")
    status, link = made.status(), rachael.rtnl.link("carp7")
    now = time.time_ns()
    assert told.pop("changed_at") == pytest.approx(status["changed_at"], abs=NS)
    assert 0 < told["since"] < status["since"] and status["since"] - told.pop("since") < NS
    assert told.pop("sequence") > 0
    assert told.pop("counters") == made.counters()
    assert now > status["changed_at"]
    assert sorted(told.pop("addresses")) == ["192.0.2.1", "192.0.2.3", "2001:db8::1"]
    assert told == {
        "command": "GROUP_GET", "ifindex": link["index"], "ifname": "carp7", "parent": rachael.rtnl.link("eth0")["index"],
        "parent_ifname": "eth0", "vhid": 7, "advbase": 20, "advskew": 5, "state": "MASTER", "reason": "requested",
        "missing": [], "transitions": 2, "transitions_by_reason": {"ready": 1, "requested": 1}}


def test_a_bare_group_has_no_vhid_and_no_parent(rachael):
    rachael.rtnl.add("carp0")
    told = genl.of(rachael).group("carp0")
    assert not {"vhid", "parent", "parent_ifname", "addresses", "peers"} & set(told)
    assert (told["state"], told["reason"], told["transitions"]) == ("INIT", "no-vhid", 0)
    assert told["missing"] == ["address", "device-up", "parent", "vhid"]
    assert told["transitions_by_reason"] == {}


def test_a_group_is_found_by_number_and_by_any_name(rachael):
    made = group(rachael)
    rachael.ip("link", "property", "add", "dev", "carp0", "altname", "the_group")
    index, socket = rachael.rtnl.link("carp0")["index"], genl.of(rachael)
    for asked in (dict(ifindex=index), dict(ifname="carp0"), dict(ifname="the_group"), dict(ifindex=index, ifname="carp0")):
        assert socket.ask("GROUP_GET", **asked)["ifname"] == made.name


def test_transitions_are_counted_by_reason_and_their_time_is_of_the_wall_clock(rachael):
    made = master(rachael)
    for _ in range(2):
        made.set(state="backup")
        made.set(state="master")
    made.down()
    told = genl.of(rachael).group("carp0")
    assert told["transitions_by_reason"] == {"ready": 1, "timed-out": 1, "requested": 4, "device-down": 1}
    assert told["transitions"] == sum(told["transitions_by_reason"].values())
    assert time.time_ns() - told["since"] == pytest.approx(told["changed_at"], abs=100_000_000)
    # What was, was: setting the clock changes nothing.
    clock = time.clock_gettime_ns(time.CLOCK_REALTIME)
    try:
        time.clock_settime_ns(time.CLOCK_REALTIME, clock + 3600 * NS)
        assert genl.of(rachael).group("carp0")["changed_at"] == told["changed_at"]
    finally:
        time.clock_settime_ns(time.CLOCK_REALTIME, clock)


def test_a_group_with_more_addresses_than_fit_a_page(rachael):
    """One message of more than the 4 KiB that a dump is given first."""
    addresses = [f"2001:db8::{number:x}" for number in range(1, 401)]
    made = group(rachael, up=False)
    rachael.batch(*(f"address add {address}/128 dev carp0" for address in addresses))
    socket = genl.of(rachael)
    for told in (socket.group(made.name), socket.groups_of_namespace()[made.name]):
        assert sorted(told["addresses"]) == sorted(["192.0.2.1", *addresses])


# ---- who was heard ----


@pytest.fixture
def backup(rachael):
    """A BACKUP that will not time out during a test."""
    return group(rachael, advbase=200, **{"pass": KEY})


@pytest.fixture
def injector(client):
    with Injector(client) as made:
        yield made


def peers(made, number):
    """The peers of a group, once it has dealt with `number` advertisements."""
    def dealt_with():
        return sum(n for name, n in made.counters().items() if name.startswith(("rx_v", "discard_bad"))) >= number

    eventually(dealt_with, 2, f"{number} advertisements counted")
    told = genl.of(made.host).group(made.name)
    return {peer["address"]: peer for peer in told.get("peers", [])}


def test_a_peer_is_told_with_its_last_advertisement(backup, injector):
    injector.send(Advertisement(**GOOD, advskew=1))
    injector.send(Advertisement(**GOOD, advskew=2, demote=3, counter=2))
    heard = peers(backup, 2)
    assert 0 < heard["192.0.2.99"].pop("since") < NS
    assert heard == {"192.0.2.99": {
        "address": "192.0.2.99", "advbase": 100, "advskew": 2, "demote": 3, "received": 2, "bad_digest": 0}}


def test_peers_of_both_families(rachael, injector):
    made = group(rachael, "192.0.2.1/32", "2001:db8::1/64", advbase=200, **{"pass": KEY})
    both = dict(GOOD, addresses=("192.0.2.1", "2001:db8::1"))
    injector.send(Advertisement(**both))
    injector.send(Advertisement(**{**both, "source": "fe80::99"}, counter=2))
    assert set(peers(made, 2)) == {"192.0.2.99", "fe80::99"}


def test_a_wrong_digest_is_charged_to_its_sender_and_changes_nothing_else(backup, injector):
    injector.send(Advertisement(**GOOD, advskew=2))
    injector.send(Advertisement(**{**GOOD, "key": "weyland"}, advskew=200))
    injector.send(Advertisement(**{**GOOD, "source": "192.0.2.98", "key": "weyland"}, advskew=9))
    heard = peers(backup, 3)
    assert (heard["192.0.2.99"]["advskew"], heard["192.0.2.99"]["received"], heard["192.0.2.99"]["bad_digest"]) == (2, 1, 1)
    assert (heard["192.0.2.98"]["advskew"], heard["192.0.2.98"]["received"], heard["192.0.2.98"]["bad_digest"]) == (9, 0, 1)


def test_forged_senders_neither_fill_the_table_nor_drive_out_a_peer(backup, injector):
    injector.send(Advertisement(**GOOD))
    for number in range(1, 41):
        injector.send(Advertisement(**{**GOOD, "source": f"192.0.2.{100 + number}", "key": "weyland"}))
    heard = peers(backup, 41)
    assert heard["192.0.2.99"]["received"] == 1
    # Four are remembered of those that are not known: the last ones.
    assert set(heard) == {"192.0.2.99", *(f"192.0.2.{number}" for number in range(137, 141))}
    assert backup.counters()["discard_bad_digest"] == 40


def test_our_own_echo_is_no_peer(rachael, client, injector):
    made = master(rachael, **{"pass": KEY})
    with Capture(client.ns, "eth0", "in") as capture:
        own = capture.advertisement(2)
    injector.send(own.raw)
    eventually(lambda: made.counters()["discard_own_echo"] == 1, 2, made.counters)
    assert "peers" not in genl.of(rachael).group("carp0")


def test_another_vhid_has_other_peers(backup, injector):
    injector.send(Advertisement(**GOOD))
    assert peers(backup, 1)
    backup.set(vhid=2)
    assert not peers(backup, 1)


# ---- refusals ----


def test_refusals_say_why(rachael):
    socket = genl.of(rachael)
    eth0 = rachael.rtnl.link("eth0")["index"]
    group(rachael)
    carp0 = rachael.rtnl.link("carp0")["index"]
    for command in ("GROUP_GET", "KEY_GET"):
        assert refused(socket, command) == ("EINVAL", "ifindex or ifname must say which group")
        assert refused(socket, command, ifname="carp9") == ("ENODEV", "the device does not exist")
        for index in (0, 12345, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            assert refused(socket, command, ifindex=index) == ("ENODEV", "the device does not exist")
        assert refused(socket, command, ifindex=eth0) == ("EOPNOTSUPP", "the device is not of kind carp")
        assert refused(socket, command, ifname="lo") == ("EOPNOTSUPP", "the device is not of kind carp")
        mixed = "EINVAL", "ifindex and ifname must be of the same device"
        assert refused(socket, command, ifindex=eth0, ifname="carp0") == mixed
        assert refused(socket, command, ifindex=carp0, ifname="lo") == mixed
        assert refused(socket, command, ifindex=carp0, ifname="carp9") == mixed


def test_a_refusal_points_at_the_attribute(rachael):
    socket = genl.of(rachael)
    with pytest.raises(Refused) as caught:
        socket.ask("GROUP_GET", ifname="carp9")
    assert caught.value.offset == 16 + 4  # behind both headers


def test_bad_attributes_are_refused(rachael):
    """By the policy, so with the core's own sentences."""
    socket, number = genl.of(rachael), genl.NUMBERS
    group(rachael)
    bad = {
        "a short number": [attribute(number["IFINDEX"], b"\1\0")],
        "a long number": [attribute(number["IFINDEX"], bytes(8))],
        "a long name": [attribute(number["IFNAME"], "a" * 16)],
        "a name without its end": [attribute(number["IFNAME"], b"carp0")],
        "an empty name": [attribute(number["IFNAME"], b"")],
        "padding": [attribute(number["PAD"], b""), attribute(number["IFNAME"], "carp0")],
        "what only answers have": [attribute(number["IFNAME"], "carp0"), attribute(number["VHID"], 1)],
        "an unknown number": [attribute(number["IFNAME"], "carp0"), attribute(99, 1)],
        "number 0": [attribute(0, 1), attribute(number["IFNAME"], "carp0")],
        "a broken one": [attribute(number["IFNAME"], "carp0"), struct.pack("=HH", 3, 1)],
        "half of one": [attribute(number["IFNAME"], "carp0"), b"\1\0"],
    }
    for what, attributes in bad.items():
        for command in ("GROUP_GET", "KEY_GET"):
            code, sentence = refused(socket, command, *attributes)
            assert code in ("EINVAL", "ERANGE") and sentence, what
    assert refused(socket, "GROUP_GET", *bad["padding"])[1] == "padding is no attribute of a request"


def test_a_dump_takes_no_attributes_and_no_key_is_dumped(rachael):
    group(rachael)
    socket = genl.of(rachael)
    with pytest.raises(Refused) as caught:
        socket.dump(socket.family, socket.body("GROUP_GET", ifname="carp0"))
    assert caught.value.code == "EINVAL" and caught.value.sentence
    with pytest.raises(Refused) as caught:
        socket.dump(socket.family, socket.body("KEY_GET"))
    assert caught.value.code == "EOPNOTSUPP"


def test_events_are_no_commands(rachael):
    group(rachael)
    socket = genl.of(rachael)
    for number, command in genl.COMMANDS.items():
        if command not in ("GROUP_GET", "KEY_GET", "UNSPEC"):
            assert refused(socket, command, ifname="carp0")[0] == "EOPNOTSUPP", number


# ---- the key ----


@contextlib.contextmanager
def answer_of_child(function):
    """What `function` returns in a child process, which may give its rights away."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            answer = json.dumps(function())
        except BaseException as error:  # pylint: disable=broad-except
            answer = json.dumps(f"{type(error).__name__}: {error}")
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    yield json.loads(text)


def become_nobody():
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def told_of(socket, name="carp0"):
    """What is told of a group, and of its key."""
    try:
        key = socket.ask("KEY_GET", ifname=name)["key"].hex()
    except Refused as error:
        key = error.code
    return [socket.group(name)["state"], len(socket.groups_of_namespace()), key]


def padded(key):
    return key.encode().ljust(20, b"\0").hex()


def test_the_key_as_it_was_set(rachael):
    made = group(rachael, up=False)
    socket = genl.of(rachael)

    def key():
        return socket.ask("KEY_GET", ifname="carp0")["key"].hex()

    assert key() == padded("")
    for words in (KEY, "a" * 20, "x"):
        made.set(**{"pass": words})
        assert key() == padded(words)
    made.set(advskew=3)
    assert key() == padded("x")
    rachael.ip("link", "set", "carp0", "type", "carp", "nopass")
    assert key() == padded("")


def test_only_an_administrator_of_the_namespace_is_given_the_key(rachael):
    master(rachael, **{"pass": KEY})

    def nobody():
        with inside(rachael.ns):
            become_nobody()
            return told_of(genl.Socket())

    def root_of_another_user_namespace():
        """In the namespace of the group, but its rights are worth nothing there."""
        with inside(rachael.ns):
            become_nobody()
            os.unshare(CLONE_NEWUSER)
            return told_of(genl.Socket())

    assert told_of(genl.of(rachael)) == ["MASTER", 1, padded(KEY)]
    for child in (nobody, root_of_another_user_namespace):
        with answer_of_child(child) as answer:
            assert answer == ["MASTER", 1, "EPERM"]


def test_who_owns_a_namespace_is_given_its_keys(rachael):
    """Without any right on the machine, in a container of one's own."""
    group(rachael, **{"pass": "nexus"})

    def owner():
        become_nobody()
        os.unshare(CLONE_NEWUSER | CLONE_NEWNET)
        link = rtnl.Socket()
        link.add("carp0", data=rtnl.carp_attributes(vhid=1, key=KEY.encode()))
        return told_of(genl.Socket())

    with answer_of_child(owner) as answer:
        assert answer == ["INIT", 1, padded(KEY)]


def test_the_key_is_told_nowhere_else(rachael, pris):
    """Neither in an answer of any kind, nor in an event, nor in the kernel's log."""
    secret = "hunter2-hunter2"
    links, events = rtnl_listener(rachael), genl.of(rachael, genl.Listener)
    made = master(rachael, **{"pass": secret})
    made.set(**{"pass": secret[::-1]})
    made.set(**{"pass": secret})
    socket = genl.of(rachael)
    said = [socket.request(socket.family, socket.body("GROUP_GET", ifname="carp0")),
            *socket.dump(socket.family, socket.body("GROUP_GET")),
            rachael.rtnl.request(rtnl.RTM_GETLINK, rtnl.link_message(name="carp0"))]
    for listening in (links, events):
        with contextlib.suppress(BlockingIOError):
            while True:
                said.append(listening.socket.recv(1 << 16, 0x40))  # MSG_DONTWAIT
    assert len(said) > 8
    said.append(subprocess.run(["dmesg"], capture_output=True, check=True).stdout)
    for text in said:
        assert secret.encode() not in text and secret[::-1].encode() not in text


def rtnl_listener(host):
    def listener():
        socket = rtnl.Socket()
        socket.socket.setsockopt(netlink.SOL_NETLINK, netlink.NETLINK_ADD_MEMBERSHIP, rtnl.RTNLGRP_LINK)
        return socket

    return genl.of(host, listener)


# ---- dumps ----


def test_a_dump_has_the_groups_of_its_namespace_only(rachael, pris):
    for number in (1, 2, 3):
        bare(rachael, number)
    bare(pris, 9)
    assert set(genl.of(rachael).groups_of_namespace()) == {"carp1", "carp2", "carp3"}
    assert set(genl.of(pris).groups_of_namespace()) == {"carp9"}
    assert refused(genl.of(pris), "GROUP_GET", ifname="carp1")[0] == "ENODEV"
    rachael.rtnl.delete("carp2")
    assert set(genl.of(rachael).groups_of_namespace()) == {"carp1", "carp3"}


def test_a_dump_of_255_groups(rachael):
    for vhid in range(1, 256):
        bare(rachael, vhid)
    told = genl.of(rachael).groups_of_namespace()
    assert {group["vhid"] for group in told.values()} == set(range(1, 256))
    assert list(told) == [f"carp{vhid}" for vhid in range(1, 256)]


@pytest.mark.parametrize("change", ["deleted", "made"])
def test_a_dump_says_that_groups_came_or_went_meanwhile(rachael, change):
    """What was there all the time is told, once; and the next dump is right."""
    for vhid in range(1, 101):
        bare(rachael, vhid)
    socket, todo = genl.of(rachael), [lambda: rachael.rtnl.delete("carp99") if change == "deleted"
                                      else bare(rachael, 200)]

    def between():
        if todo:
            todo.pop()()

    with pytest.raises(Interrupted) as caught:
        socket.groups_of_namespace(between=between)
    assert not todo
    told = [genl.message(answer)["ifname"] for answer in caught.value.args[0]]
    assert len(told) == len(set(told))
    assert {f"carp{vhid}" for vhid in range(1, 101) if vhid != 99} <= set(told)
    expected = {f"carp{vhid}" for vhid in range(1, 101)}
    expected = expected - {"carp99"} if change == "deleted" else expected | {"carp200"}
    assert set(socket.groups_of_namespace()) == expected


def test_a_dump_is_not_disturbed_by_what_is_no_group_of_the_namespace(rachael, pris):
    for vhid in range(1, 151):
        bare(rachael, vhid)
    calls = []

    def between():
        calls.append(None)
        if len(calls) == 1:
            rachael.ip("link", "add", "dummy0", "type", "dummy")
            bare(pris, 1)
            pris.rtnl.delete("carp1")
            rachael.ip("link", "del", "dummy0")

    assert len(genl.of(rachael).groups_of_namespace(between=between)) == 150
    assert len(calls) > 1


def test_answers_do_not_wait_for_the_rtnl(rachael):
    group(rachael, **{"pass": KEY})
    socket = genl.of(rachael)
    with rtnl_held(5000):
        begin = time.monotonic()
        assert told_of(socket) == ["BACKUP", 1, padded(KEY)]
        assert time.monotonic() - begin < 1


# ---- the family ----


def test_the_family_loads_the_module(rachael):
    subprocess.run(["rmmod", "carp"], check=True)
    assert genl.of(rachael).groups_of_namespace() == {}


def test_the_module_goes_while_somebody_listens_or_has_a_dump_half_read(rachael):
    """A dump that is not read to its end keeps the module until its socket is closed."""
    listener = genl.of(rachael, genl.Listener, buffer=1 << 21)
    for vhid in range(1, 101):
        bare(rachael, vhid)
    half = genl.of(rachael)
    half._send(half.family, half.body("GROUP_GET"), netlink.NLM_F_DUMP)
    busy = subprocess.run(["rmmod", "carp"], check=False, capture_output=True, text=True)
    assert "in use" in busy.stderr
    half.close()
    subprocess.run(["rmmod", "carp"], check=True)
    assert {event["command"] for event in listener.rest()} >= {"GROUP_NEW", "GROUP_DELETE"}
    subprocess.run(["modprobe", "carp"], check=True)
    bare(rachael, 1)
    # Who listened has to join again, as the group is another one.
    assert listener.event(0.2) is None
    assert genl.of(rachael).group("carp1")["sequence"] == 1


def test_the_family_is_as_the_header_says(rachael):
    socket = genl.of(rachael)
    assert set(socket.groups) == {"events"}
    assert socket.version == uapi.NUMBERS["CARP_GENL_VERSION"]
