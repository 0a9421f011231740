# SPDX-License-Identifier: GPL-2.0
"""Events of the generic netlink family "carp": each one with its contents, their numbers,
and how who has missed some gets to know and catches up.
"""

import subprocess
import time

import pytest

import genl
from carp import NS, Group, group, master, master_down
from test_takeover import rtnl_held
from topology import eventually
from wire import Advertisement, Capture, Injector

KEY = "tyrell"
GOOD = dict(key=KEY, addresses=("192.0.2.1",), source="192.0.2.99")
US = 1000


@pytest.fixture
def listener(rachael):
    return genl.of(rachael, genl.Listener)


@pytest.fixture
def injector(client):
    with Injector(client) as made:
        yield made


def commands(events):
    return [event["command"] for event in events]


def numbers(events):
    return [event["sequence"] for event in events]


def names(host, parent="eth0", **more):
    """What every event of host's carp0 has."""
    return {"ifindex": host.rtnl.link("carp0")["index"], "ifname": "carp0", "vhid": 1,
            "parent": host.rtnl.link(parent)["index"], "parent_ifname": parent, **more}


def without(event, *left_out):
    return {name: value for name, value in event.items() if name not in left_out}


def test_the_life_of_a_group(rachael, listener):
    made = Group(rachael)
    made.create(vhid=1, advskew=7, **{"pass": KEY})
    new, = listener.rest()
    assert without(new, "changed_at") == names(
        rachael, command="GROUP_NEW", sequence=1, advbase=1, advskew=7, state="INIT", reason="no-address",
        missing=["address", "device-up"], transitions=0)
    made.add_address("192.0.2.1/32", "2001:db8::1/64")
    first, second = listener.rest()
    assert without(first, "changed_at", "addresses", "sequence") == names(
        rachael, command="GROUP_CHANGE", advbase=1, advskew=7, state="INIT", reason="device-down",
        missing=["device-up"], transitions=0)
    assert first["addresses"] == ["192.0.2.1"]
    assert sorted(second["addresses"]) == ["192.0.2.1", "2001:db8::1"]

    made.up()
    began = made.wait("MASTER")["changed_at"]
    ready, timed_out = listener.rest()
    assert without(ready, "changed_at") == names(
        rachael, command="TRANSITION", sequence=4, old_state="INIT", state="BACKUP", reason="ready", missing=[],
        transitions=1)
    assert without(timed_out, "changed_at") == names(
        rachael, command="TRANSITION", sequence=5, old_state="BACKUP", state="MASTER", reason="timed-out", missing=[],
        transitions=2)
    assert timed_out["changed_at"] == pytest.approx(began, abs=NS)
    assert timed_out["changed_at"] - ready["changed_at"] == pytest.approx(master_down(1, 7), abs=5_000_000)

    known = names(rachael)
    made.delete()
    *before, last = listener.rest()
    assert commands(before)[0] == "TRANSITION" and set(commands(before)) == {"TRANSITION", "GROUP_CHANGE"}
    assert before[0]["old_state"] == "MASTER" and before[0]["state"] == "INIT" and before[0]["transitions"] == 3
    assert last == {**known, "command": "GROUP_DELETE", "sequence": before[-1]["sequence"] + 1}
    assert numbers([new, first, second, ready, timed_out, *before, last]) == list(range(1, 7 + len(before)))


def test_changes_are_told_and_nothing_else_is(rachael, listener):
    made = master(rachael, **{"pass": KEY})
    listener.rest()

    def told(change):
        change()
        return commands(listener.rest())

    for words in (dict(advskew=9), dict(advbase=2), {"pass": "nexus"}, dict(advskew=1, advbase=1)):
        assert told(lambda: made.set(**words)) == ["GROUP_CHANGE"], words
        assert told(lambda: made.set(**words)) == [], f"{words}, but nothing changed"
    assert told(lambda: made.add_address("192.0.2.2/32")) == ["GROUP_CHANGE"]
    assert told(lambda: made.add_address("2001:db8::1/64")) == ["GROUP_CHANGE"]
    assert told(lambda: made.remove_address("2001:db8::1/64")) == ["GROUP_CHANGE"]
    assert told(lambda: rachael.ip("link", "set", "carp0", "mtu", "1400")) == []
    assert told(lambda: rachael.ip("link", "set", "carp0", "alias", "x")) == []
    assert told(lambda: made.set(state="backup")) == ["TRANSITION"]
    assert told(lambda: made.set(state="backup")) == []
    # Out of the other vhid, into INIT, and a group of the new one.
    assert told(lambda: made.set(vhid=2))[0] == "TRANSITION"
    assert genl.of(rachael).group("carp0")["vhid"] == 2


def test_new_names_are_told(rachael, listener):
    made = group(rachael)
    listener.rest()
    made.down()
    listener.rest()
    rachael.ip("link", "set", "carp0", "name", "shared0")
    event, = listener.rest()
    assert (event["command"], event["ifname"], event["parent_ifname"]) == ("GROUP_CHANGE", "shared0", "eth0")
    rachael.ip("link", "set", "eth0", "name", "uplink")
    event, = listener.rest()
    assert (event["command"], event["ifname"], event["parent_ifname"]) == ("GROUP_CHANGE", "shared0", "uplink")


def test_a_parent_that_is_found_is_told(rachael, listener):
    made = Group(rachael)
    made.create(parent=None, vhid=1)
    new, = listener.rest()
    assert "parent" not in new and new["reason"] == "no-parent"
    made.add_address("192.0.2.1/32")
    events = listener.rest()
    assert set(commands(events)) == {"GROUP_CHANGE"}
    assert (events[-1]["parent_ifname"], events[-1]["reason"], events[-1]["addresses"]) == (
        "eth0", "device-down", ["192.0.2.1"])


def test_what_keeps_a_group_in_init_is_told(rachael, segment, listener):
    """A transition says the first that is missing; what comes and goes later is a change."""
    group(rachael)
    listener.rest()
    segment.unplug(rachael)
    gone, = listener.rest()
    assert (gone["command"], gone["reason"], gone["missing"]) == ("TRANSITION", "no-carrier", ["carrier"])
    rachael.sysctl("net.inet.carp.allow", 0)
    change, = listener.rest()
    assert (change["command"], change["reason"], change["missing"]) == ("GROUP_CHANGE", "no-carrier", ["allowed", "carrier"])
    segment.replug(rachael)
    change, = listener.rest()
    assert (change["command"], change["reason"], change["missing"]) == ("GROUP_CHANGE", "not-allowed", ["allowed"])
    rachael.sysctl("net.inet.carp.allow", 1)
    back, = listener.rest()
    assert (back["command"], back["old_state"], back["state"]) == ("TRANSITION", "INIT", "BACKUP")


def test_reasons_of_an_election(rachael, pris, segment, listener):
    """What the segment does to a group is told with the reason that it had."""
    rachael.sysctl("net.inet.carp.preempt", 1)
    ours = group(rachael, advskew=50)
    listener.until("TRANSITION", state="MASTER")
    theirs = group(pris, advskew=0)
    pris.sysctl("net.inet.carp.preempt", 1)
    heard = listener.until("TRANSITION", state="BACKUP")[-1]
    assert heard["reason"] == "better-master"
    theirs.down()
    assert listener.until("TRANSITION", state="MASTER")[-1]["reason"] == "master-bowed-out"
    ours.down()
    assert listener.until("TRANSITION", state="INIT")[-1]["reason"] == "device-down"


# ---- other senders ----


def test_another_master_is_told_once_a_second(rachael, listener, injector):
    made = master(rachael, advskew=0, **{"pass": KEY})
    listener.rest()
    before = made.counters()["other_master"]
    for burst in range(3):
        for number in range(20):
            injector.send(Advertisement(**GOOD, advskew=100, counter=burst * 100 + number))
        eventually(lambda: made.counters()["other_master"] - before == (burst + 1) * 20, 2, made.counters)
        if burst == 1:
            time.sleep(1)  # of the guest's time: the pause is over
    heard = [event for event in listener.rest() if event["command"] == "OTHER_MASTER"]
    assert len(heard) == 2
    first = heard[0]
    peer, = first.pop("peers")
    assert without(first, "sequence") == names(rachael, command="OTHER_MASTER", state="MASTER")
    assert without(peer, "since") == {"address": "192.0.2.99", "advbase": 1, "advskew": 100, "demote": 0,
                                      "received": 1, "bad_digest": 0}
    assert heard[1]["peers"][0]["received"] == 41


def test_a_master_that_gives_way_tells_of_whom(rachael, listener, injector):
    master(rachael, advskew=100, **{"pass": KEY})
    listener.rest()
    injector.send(Advertisement(**GOOD, advskew=0))
    gives_way, heard = listener.rest()
    assert (gives_way["command"], gives_way["state"], gives_way["reason"]) == ("TRANSITION", "BACKUP", "better-master")
    assert (heard["command"], heard["state"]) == ("OTHER_MASTER", "BACKUP")
    assert heard["peers"][0]["address"] == "192.0.2.99"


def test_a_wrong_digest_is_told_once_a_second_for_each_group(rachael, listener, injector):
    one = group(rachael, advbase=200, **{"pass": KEY})
    other = group(rachael, "192.0.2.2/32", name="carp1", vhid=2, advbase=200, **{"pass": KEY})
    listener.rest()
    wrong = {**GOOD, "key": "weyland"}
    for number in range(20):
        for vhid in (1, 2):
            injector.send(Advertisement(**wrong, vhid=vhid, advskew=vhid, counter=number))
    for made in (one, other):
        eventually(lambda: made.counters()["discard_bad_digest"] == 20, 2, made.counters)
    heard = listener.rest()
    assert sorted((event["command"], event["ifname"]) for event in heard) == [
        ("BAD_DIGEST", "carp0"), ("BAD_DIGEST", "carp1")]
    event = next(event for event in heard if event["ifname"] == "carp0")
    peer, = event.pop("peers")
    assert without(event, "sequence") == names(rachael, command="BAD_DIGEST", state="BACKUP")
    assert without(peer, "since") == {"address": "192.0.2.99", "advbase": 1, "advskew": 1, "demote": 0,
                                      "received": 0, "bad_digest": 1}


def test_right_advertisements_are_no_event(rachael, listener, injector):
    made = group(rachael, advbase=200, **{"pass": KEY})
    listener.rest()
    for number in range(5):
        injector.send(Advertisement(**GOOD, advbase=100, counter=number))
    eventually(lambda: made.counters()["rx_v4"] == 5, 2, made.counters)
    assert listener.rest() == []


def test_a_parent_that_goes_is_told_before_its_groups(rachael, listener):
    rachael.ip("link", "add", "link", "eth0", "name", "eth0.5", "type", "vlan", "id", "5")
    rachael.ip("link", "set", "eth0.5", "up")
    for vhid in (1, 2):
        group(rachael, f"192.0.2.{vhid}/32", name=f"carp{vhid}", vhid=vhid, parent="eth0.5")
    other = group(rachael, "192.0.2.3/32", name="carp3", vhid=3)
    parent = rachael.rtnl.link("eth0.5")["index"]
    listener.rest()
    rachael.rtnl.delete("eth0.5")
    heard = listener.rest()
    for name in ("carp1", "carp2"):
        told = [event for event in heard if event["ifname"] == name and event["command"] != "GROUP_CHANGE"]
        assert commands(told) == ["PARENT_LOST", "TRANSITION", "GROUP_DELETE"] or commands(told) == [
            "TRANSITION", "PARENT_LOST", "GROUP_DELETE"]
        lost = next(event for event in told if event["command"] == "PARENT_LOST")
        assert (lost["parent"], lost["parent_ifname"]) == (parent, "eth0.5")
    assert other.name not in {event["ifname"] for event in heard}


# ---- numbers, and what is missed ----


def test_a_group_that_cannot_be_made_is_not_told(rachael, listener):
    """The kernel says so at the end only: a device has at most eight others below it."""
    below = "eth0"
    for above in map("vlan{}".format, range(10)):
        if rachael.ip("link", "add", "link", below, "name", above, "type", "vlan", "id", "1", check=False).returncode:
            break
        below = above
    done = rachael.ip("link", "add", "link", below, "name", "carp0", "type", "carp", "vhid", "1", check=False)
    assert done.returncode and "Too many links" in done.stderr
    assert listener.rest() == []


def test_namespaces_do_not_hear_each_other(rachael, pris):
    ours, theirs = genl.of(rachael, genl.Listener), genl.of(pris, genl.Listener)
    group(rachael)
    assert set(commands(ours.rest())) == {"GROUP_NEW", "GROUP_CHANGE", "TRANSITION"}
    assert theirs.rest() == []
    group(pris)
    heard = theirs.rest()
    assert numbers(heard) == list(range(1, 1 + len(heard)))


def test_events_are_numbered_although_nobody_listens(rachael):
    made = master(rachael)
    socket = genl.of(rachael)
    before = socket.group("carp0")["sequence"]
    assert before >= 4
    for _ in range(3):
        made.set(state="backup")
        made.set(state="master")
    assert socket.group("carp0")["sequence"] == before + 6
    listener = genl.of(rachael, genl.Listener)
    made.set(state="backup")
    assert numbers(listener.rest()) == [before + 7]


def test_an_answer_has_all_that_was_told_up_to_its_number(rachael):
    """A listener that asked loses nothing: what comes later has a greater number."""
    listener, socket = genl.of(rachael, genl.Listener), genl.of(rachael)
    made, asked = master(rachael), []
    for number in range(30):
        made.set(state="backup" if number % 2 == 0 else "master")
        asked.append(socket.groups_of_namespace()["carp0"])
    heard = {event["sequence"]: event for event in listener.rest()}
    for answer in asked:
        told = heard[answer["sequence"]]
        assert (answer["state"], answer["transitions"]) == (told["state"], told["transitions"])


def test_who_reads_too_slowly_is_told_so_and_catches_up_by_a_dump(rachael):
    slow, fast = genl.of(rachael, genl.Listener, buffer=4096), genl.of(rachael, genl.Listener)
    made = master(rachael)
    for number in range(60):
        made.set(state="backup" if number % 2 == 0 else "master")
    made.set(advskew=33)
    everything = fast.rest()
    assert numbers(everything) == list(range(1, 1 + len(everything))), "nobody else missed anything"

    assert slow.lost()
    groups = genl.of(rachael).groups_of_namespace()
    known = groups["carp0"]["sequence"]
    assert known == everything[-1]["sequence"]
    assert (groups["carp0"]["state"], groups["carp0"]["advskew"]) == ("MASTER", 33)
    old = slow.rest()
    assert numbers(old) == list(range(1, 1 + len(old))) and len(old) < known, "the oldest are kept"
    made.set(state="backup")
    after = slow.rest()
    assert [(event["sequence"], event["state"]) for event in after] == [(known + 1, "BACKUP")]


def test_events_do_not_wait_for_the_rtnl(rachael, pris, segment):
    """A takeover is told while somebody holds it."""
    listener = genl.of(pris, genl.Listener)
    master(rachael, advskew=0)
    group(pris, advskew=100)
    listener.rest(1)
    segment.cut(rachael)
    with rtnl_held(6000):
        begin = time.monotonic()
        event = listener.until("TRANSITION", state="MASTER")[-1]
        assert time.monotonic() - begin < 4
        assert event["reason"] == "timed-out"


def takeover(host, segment, other):
    """Nanoseconds from a MASTER's last advertisement to the first of who takes over."""
    with Capture(host.ns, "eth0") as capture:
        heard = capture.advertisement(3, source="192.0.2.11").time
        segment.cut(other)
        taken = capture.advertisement(5, source="192.0.2.12").time
    segment.heal(other)
    return taken - heard


def test_listeners_do_not_delay_a_takeover(rachael, pris, segment):
    """What is sent leaves first: a hundred listeners, and none, make no difference (virtual clock)."""
    master(rachael, advskew=0)
    ours = group(pris, advskew=100)

    def measure():
        ours.wait("BACKUP", 5)
        return min(takeover(pris, segment, rachael) for _ in range(3))

    alone = measure()
    listeners = [genl.of(pris, genl.Listener) for _ in range(100)]
    watched = measure()
    for listener in listeners:
        assert "TRANSITION" in commands(listener.rest(0))
        listener.close()
    print(f"measured: takeover {alone - master_down(1, 100)} ns after the time-out, "
          f"{watched - master_down(1, 100)} ns with 100 listeners")
    assert watched - alone < 50 * US


def test_the_end_of_a_namespace_is_quiet(rachael, pris):
    """Nobody is left there to listen, and others are not told."""
    listener = genl.of(pris, genl.Listener)
    group(pris, "192.0.2.2/32", vhid=2, advbase=200)
    listener.rest()
    master(rachael)
    rachael.delete()
    assert listener.rest() == []
    subprocess.run(["rmmod", "carp"], check=True)
    subprocess.run(["modprobe", "carp"], check=True)
