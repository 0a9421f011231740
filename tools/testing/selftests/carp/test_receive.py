# SPDX-License-Identifier: GPL-2.0
"""What is heard: each wrong advertisement changes nothing and counts under its own
reason alone; each right one drives the state machine (carp-protocol.md, section 4).
"""

import time

import debug_kernel
import pytest

import wire
from carp import NS, group, master, master_down
from topology import eventually
from wire import Advertisement, Capture, Injector

KEY = "tyrell"
GOOD = dict(key=KEY, addresses=("192.0.2.1",), source="192.0.2.99")

WRONG = {
    "bad_digest": dict(key="weyland"),
    "bad_digest-no-key": dict(key=b""),
    "bad_digest-other-addresses": dict(addresses=("192.0.2.1", "192.0.2.2")),
    "bad_digest-bit": dict(digest_override=bytes(20)),
    "bad_version": dict(version=3),
    "bad_version-0": dict(version=0),
    "bad_type": dict(type=2),
    "bad_type-0": dict(type=0),
    "bad_length": dict(length=35),
    "bad_length-4": dict(length=4),
    "bad_checksum": dict(checksum_error=1),
    "bad_hop_limit": dict(ttl=254),
    "bad_hop_limit-1": dict(ttl=1),
    "unknown_vhid": dict(vhid=2),
}


@pytest.fixture
def backup(rachael):
    """A BACKUP that will not time out during a test."""
    return group(rachael, advbase=50, **{"pass": KEY})


@pytest.fixture
def injector(client):
    with Injector(client) as made:
        yield made


def changed(made, before):
    after = made.counters()
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def received(made, before, count=1):
    """What changed among the counters, once `count` more advertisements were dealt with."""
    def total():
        return sum(n for name, n in changed(made, before).items()
                   if name.startswith(("rx_v", "discard_")) and name != "discard_unattributed")

    eventually(lambda: total() >= count, 2, lambda: f"{count} advertisements counted: {changed(made, before)}")
    return changed(made, before)


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_advertisement_counts_under_its_reason(backup, injector, wrong):
    before, was = backup.counters(), backup.status()
    injector.send(Advertisement(advbase=0, advskew=1, **{**GOOD, **WRONG[wrong]}))
    difference = received(backup, before)
    if wrong == "unknown_vhid":
        difference.pop("discard_unattributed", None)  # "all groups of this parent" may count it, too
    assert difference == {"discard_" + wrong.split("-")[0]: 1}
    now = backup.status()
    assert (now["state"], now["transitions"]) == (was["state"], was["transitions"])


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_advertisement_does_not_feed_the_time_out(rachael, injector, wrong):
    """A BACKUP that hears wrong ones only takes over as if it heard nothing."""
    made = group(rachael, advbase=0, advskew=64, **{"pass": KEY})
    with Capture(rachael.ns, "eth0", "out") as capture:
        began = made.status()["changed_at"]
        for _ in range(6):
            injector.send(Advertisement(advbase=0, advskew=1, **{**GOOD, **WRONG[wrong]}))
            time.sleep(0.1)
        frame = capture.advertisement(2)
    assert frame.time - began - master_down(0, 64) <= 2_000_000 * debug_kernel.SLOWNESS


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_advertisement_does_not_move_a_master(rachael, injector, wrong):
    made = master(rachael, advskew=100, **{"pass": KEY})
    before = made.counters()
    injector.send(Advertisement(advbase=0, advskew=1, **{**GOOD, **WRONG[wrong]}))
    received(made, before)
    assert (made.state, made.status()["transitions"]) == ("MASTER", 2)


def test_vhid_zero_is_nobodys(backup, injector):
    before = backup.counters()
    injector.send(Advertisement(**{**GOOD, "vhid": 0}))
    eventually(lambda: changed(backup, before), 2, "counted")
    assert set(changed(backup, before)) <= {"discard_unknown_vhid", "discard_unattributed"}


def test_good_advertisement_is_counted_alone(backup, injector):
    before = backup.counters()
    injector.send(Advertisement(**GOOD))
    assert received(backup, before) == {"rx_v4": 1}


def test_trailing_bytes_are_tolerated(backup, injector):
    before = backup.counters()
    injector.send(Advertisement(**GOOD, length=44))
    assert received(backup, before) == {"rx_v4": 1}


@pytest.mark.parametrize("field", [dict(authlen=0), dict(tos=0xE0), dict(tos=0), dict(ip_id=0x1234)], ids=str)
def test_what_nobody_checks_is_not_checked(backup, injector, field):
    before = backup.counters()
    injector.send(Advertisement(**GOOD, **field))
    assert received(backup, before) == {"rx_v4": 1}


def test_counter_may_repeat_or_go_back(backup, injector):
    """OpenBSD's counter never moves; FreeBSD's jumps at random."""
    before = backup.counters()
    for counter in (2**63, 2**63, 5, 2**64 - 1, 0):
        injector.send(Advertisement(**GOOD, counter=counter))
    assert received(backup, before, 5) == {"rx_v4": 5}


def test_advertisement_from_another_subnet_with_strict_rp_filter(rachael, backup, injector):
    """rp_filter does not eat advertisements: no sysctl has to be set."""
    rachael.ipv4_conf("rp_filter", 1)
    before = backup.counters()
    injector.send(Advertisement(**{**GOOD, "source": "10.9.8.7"}))
    assert received(backup, before) == {"rx_v4": 1}


def test_good_advertisements_feed_the_time_out(rachael, injector):
    """Heard every second, no takeover; the last one counts to the millisecond."""
    made = group(rachael, advskew=50, **{"pass": KEY})
    with Capture(rachael.ns, "eth0") as capture:
        for counter in range(6):
            injector.send(Advertisement(**GOOD, counter=counter))
            heard = capture.advertisement(1, source="192.0.2.99")
            time.sleep(1)
        assert made.state == "BACKUP"
        own = capture.advertisement(4, source="192.0.2.11")
    assert 0 <= own.time - heard.time - master_down(1, 50) <= NS // 1000


def test_own_echo(rachael, client, injector):
    """One's own advertisement, sent back by the network, moves nothing."""
    made = master(rachael, **{"pass": KEY})
    with Capture(client.ns, "eth0", "in") as capture:
        frame = capture.advertisement(2)
    before = made.counters()
    injector.send(frame.raw)
    eventually(lambda: changed(made, before).get("discard_own_echo") == 1, 2, "an own echo is counted")
    assert "rx_v4" not in changed(made, before)
    assert (made.state, made.status()["transitions"]) == ("MASTER", 2)


def test_better_master_is_obeyed(rachael, injector):
    made = master(rachael, advskew=100, **{"pass": KEY})
    injector.send(Advertisement(**GOOD, advskew=99))
    made.wait("BACKUP", 1, reason="better-master")
    made.wait("MASTER", reason="timed-out")


def test_worse_master_is_answered(rachael, client, injector):
    """The MASTER stays, counts it, and at once advertises and announces itself again."""
    made = master(rachael, advskew=100, **{"pass": KEY})
    with Capture(client.ns, "eth0", "in") as capture:
        capture.advertisement(2)
        capture.advertisement(2)
        capture.advertisement(2)
        capture.during(0.3)
        before = made.counters()
        injector.send(Advertisement(**GOOD, advskew=101))
        seen = capture.during(0.3)
    assert (made.state, made.status()["transitions"]) == ("MASTER", 2)
    assert changed(made, before)["other_master"] == 1
    assert wire.advertisements(seen), "it did not advertise at once"
    assert [f for f in seen if f.arp and f.arp["sender"] == f.arp["target"] == "192.0.2.1"], "not announced"


TO_MASTER = dict(key=KEY, addresses=("192.0.2.1", "2001:db8::1"))
families = pytest.mark.parametrize("source", ["192.0.2.99", "fe80::99"])


@families
@pytest.mark.parametrize("rp_filter", [0, 1])
def test_worse_master_that_steps_down_is_answered(rachael, client, injector, source, rp_filter):
    """Its last advertisement is sent to the virtual MAC."""
    rachael.ipv4_conf("rp_filter", rp_filter)
    rachael.settled()
    made = master(rachael, "192.0.2.1/32", "2001:db8::1/128", **{"pass": KEY})
    with Capture(client.ns, "eth0", "in") as capture:
        for _ in range(6):
            capture.advertisement(2, vhid=1)
        capture.during(0.3)
        before = made.counters()
        injector.send(Advertisement(advskew=100, source=source, **TO_MASTER).frame_to_master("02:00:00:00:00:99"))
        seen = capture.during(0.3)
    used = "rx_v6" if ":" in source else "rx_v4"
    assert changed(made, before) == {used: 1, "other_master": 1, "tx_v4": 1, "tx_v6": 1, "announcements": 2}
    assert len(wire.advertisements(seen)) == 2
    assert (made.state, made.status()["transitions"]) == ("MASTER", 2)


@families
def test_advertisement_for_the_master_alone_is_dropped_by_others(rachael, injector, source):
    """A BACKUP that preempts, a group in INIT: it is counted as any frame for the virtual MAC."""
    rachael.sysctl("net.inet.carp.preempt", 1)
    made = group(rachael, "192.0.2.1/32", "2001:db8::1/128", advbase=50, **{"pass": KEY})
    last = Advertisement(advbase=100, source=source, **TO_MASTER).frame_to_master("02:00:00:00:00:99")
    for state in ("BACKUP", "INIT"):
        before = made.counters()
        injector.send(last)
        eventually(lambda: changed(made, before), 1, "counted")  # noqa: B023
        assert changed(made, before) == {"rx_not_master": 1}
        assert made.state == state
        made.down()


def test_worse_master_cannot_flood(rachael, client, injector):
    """A thousand worse advertisements do not make a thousand answers."""
    made = master(rachael, advskew=100, **{"pass": KEY})
    with Capture(client.ns, "eth0", "in") as capture:
        for counter in range(1000):
            injector.send(Advertisement(**GOOD, advskew=101, counter=counter))
        seen = capture.during(1)
    assert made.state == "MASTER"
    assert len([f for f in seen if f.source == "00:00:5e:00:01:01" and f.arp]) < 20
    assert len([f for f in wire.advertisements(seen) if f.ip["source"] == "192.0.2.11"]) < 20


@pytest.mark.parametrize("source, stays", [("192.0.2.10", True), ("192.0.2.12", False), ("192.0.2.9", True)])
def test_tie_is_decided_by_the_address(rachael, injector, source, stays):
    """Equal parameters: the numerically higher address stays MASTER."""
    made = master(rachael, advskew=100, **{"pass": KEY})
    before = made.counters()
    injector.send(Advertisement(**{**GOOD, "source": source}, advskew=100))
    received(made, before)
    now = made.status()
    if stays:
        assert (now["state"], now["transitions"]) == ("MASTER", 2)
    else:
        assert (now["state"], now["reason"]) == ("BACKUP", "equal-master")


def test_bow_out_is_followed_at_once(rachael, injector):
    made = group(rachael, advskew=100, **{"pass": KEY})
    with Capture(rachael.ns, "eth0") as capture:
        injector.send(Advertisement(**GOOD, advbase=255, advskew=255))
        heard = capture.advertisement(1, bow_out=True)
        own = capture.advertisement(1, source="192.0.2.11")
    assert own.time - heard.time <= 1_000_000
    assert made.status()["reason"] == "master-bowed-out"


@pytest.mark.parametrize("advbase", [0, 86, 255])
def test_bow_out_is_followed_with_any_advbase(rachael, injector, advbase):
    """255/255 beats 3*advbase only up to 85; a bow-out is meant for all."""
    made = group(rachael, advbase=advbase, advskew=254, **{"pass": KEY})
    injector.send(Advertisement(**GOOD, advbase=255, advskew=255))
    made.wait("MASTER", 1, reason="master-bowed-out")


def test_bow_out_does_not_move_a_master(rachael, injector):
    made = master(rachael, **{"pass": KEY})
    before = made.counters()
    injector.send(Advertisement(**GOOD, advbase=255, advskew=255))
    received(made, before)
    assert (made.state, made.status()["transitions"]) == ("MASTER", 2)


def test_demoted_master_is_replaced(rachael, injector):
    """OpenBSD's demotion counter is compared first, without preempt."""
    made = group(rachael, advskew=100, **{"pass": KEY})
    injector.send(Advertisement(**GOOD, advskew=0, demote=1))
    made.wait("MASTER", 1, reason="master-demoted")


def test_slower_master_is_preempted_with_preempt_only(rachael, injector):
    made = group(rachael, advskew=10, **{"pass": KEY})
    before = made.counters()
    injector.send(Advertisement(**GOOD, advskew=100))
    received(made, before)
    assert made.state == "BACKUP"
    rachael.sysctl("net.inet.carp.preempt", 1)
    injector.send(Advertisement(**GOOD, advskew=100, counter=2))
    made.wait("MASTER", 1, reason="preempted")


def test_group_in_init_discards(rachael, injector):
    """The device is down: what comes for its vhid is counted as not running."""
    made = group(rachael, up=False, **{"pass": KEY})
    before = made.counters()
    injector.send(Advertisement(**GOOD))
    eventually(lambda: changed(made, before), 2, "counted")
    assert changed(made, before) == {"discard_not_running": 1}


def test_ipv6_advertisements_are_accepted(rachael, injector):
    addresses = ("192.0.2.1", "2001:db8::1")
    made = group(rachael, "192.0.2.1/32", "2001:db8::1/128", advbase=50, **{"pass": KEY})
    before = made.counters()
    injector.send(Advertisement(key=KEY, addresses=addresses, source="fe80::99"))
    assert received(made, before) == {"rx_v6": 1}
    injector.send(Advertisement(key=KEY, addresses=addresses, source="fe80::99", ttl=64))
    assert received(made, before, 2) == {"rx_v6": 1, "discard_bad_hop_limit": 1}


def test_either_digest_of_openbsd_is_accepted(rachael, injector):
    """With and without the link-local addresses (its contexts ORIG and NOV6LL)."""
    addresses = ("192.0.2.1", "fe80::1")
    made = group(rachael, "192.0.2.1/32", "fe80::1/64", advbase=50, **{"pass": KEY})
    before = made.counters()
    for counter, link_local in ((1, False), (2, True)):
        md = wire.digest(KEY, 1, addresses, counter, link_local)
        injector.send(Advertisement(source="192.0.2.99", counter=counter, digest_override=md))
    assert received(made, before, 2) == {"rx_v4": 2}


def test_one_family_heard_is_enough(rachael, injector):
    """Both families configured, only IPv4 heard: no takeover; both silent: takeover."""
    addresses = ("192.0.2.1", "2001:db8::1")
    made = group(rachael, "192.0.2.1/32", "2001:db8::1/128", **{"pass": KEY})
    for counter in range(8):
        injector.send(Advertisement(key=KEY, addresses=addresses, source="192.0.2.99", counter=counter))
        time.sleep(1)
    assert made.state == "BACKUP"
    made.wait("MASTER", 4)
