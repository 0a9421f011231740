# SPDX-License-Identifier: GPL-2.0
"""IPv6 is equal: one state for both families, an advertisement for each, a digest over both;
neighbours are answered by the MASTER alone, nothing is ever tentative, and a virtual link-local
address serves as router address.
"""

import contextlib
import itertools
import json
import pathlib
import subprocess

import debug_kernel
import packets
import pytest
from carp import Group, group, interval, master, virtual_mac
from gateways import CLIENT, CLIENT_MAC, SERVER, TO_GROUP, VIP, VIRTUAL_MAC, Gateways, mac_of
from test_takeover import rtnl_held
from topology import eventually, run
from wire import Advertisement, Capture, Injector, advertisements, digest

MS = 1_000_000
V4, V6, ROUTER = "192.0.2.1", "2001:db8:1::1", "fe80::1"


def addresses(host, device="carp0"):
    """{address: [flags]} of a device, IPv6 only."""
    shown = json.loads(run("ip", "-n", host.ns, "-j", "-6", "address", "show", "dev", device).stdout)
    flags = ("tentative", "dadfailed", "nodad", "deprecated")
    return {a["local"]: sorted(f for f in flags if a.get(f)) for entry in shown for a in entry.get("addr_info", [])}


def link_local(host, device="eth0"):
    """The address that advertisements come from."""
    return [a for a in addresses(host, device) if a.startswith("fe80::")][0]


@pytest.fixture
def hosts(segment):
    """Two hosts and a client with addresses of both families."""
    made = [segment.host(name, f"192.0.2.{number}/24", f"2001:db8:1::{number}/64")
            for name, number in (("rachael", 11), ("pris", 12), ("client", 50))]
    made[2].batch(f"link set eth0 address {CLIENT_MAC}")
    for host in made[:2]:
        host.settled()
    return made


def unsolicited(frames, address):
    return [f for f in frames if (packets.nd(f) or {}).get("target") == address
            and packets.nd(f)["type"] == packets.NEIGHBOUR_ADVERTISEMENT and packets.nd(f)["destination"] == "ff02::1"]


@pytest.mark.parametrize("forwarding", [0, 1])
def test_unsolicited_advertisement_at_takeover_and_again(hosts, forwarding):
    """For every address: to all nodes, from the virtual MAC and with it as target, override set,
    not solicited, and the router flag as the host forwards or not."""
    rachael, _, client = hosts
    rachael.sysctl("net.ipv6.conf.all.forwarding", forwarding)
    wanted = (V6, "2001:db8:1::2", ROUTER)
    made = group(rachael, V4 + "/32", *(f"{address}/64" for address in wanted))
    with Capture(client.ns, "eth0", "in") as capture:
        first = capture.advertisement(6)
        capture.during(3)
    for address in wanted:
        seen = unsolicited(capture.frames, address)
        assert len(seen) == 2, (address, seen)
        assert 0 <= seen[0].time - first.time <= MS * debug_kernel.SLOWNESS
        assert seen[1].time - first.time >= 990 * MS
        for frame in seen:
            found = packets.nd(frame)
            assert (frame.source, frame.destination) == (VIRTUAL_MAC, "33:33:00:00:00:01")
            assert (found["mac"], found["ttl"]) == (VIRTUAL_MAC, 255)
            assert found["flags"] == packets.NA_OVERRIDE | (packets.NA_ROUTER if forwarding else 0)
            assert found["source"] != "::"
    assert made.counters()["announcements"] == 2 * 4


def ask(client, target, source="2001:db8:1::50", **where):
    """The neighbour advertisements that a question brings."""
    with Injector(client) as injector, Capture(client.ns, "eth0", "in") as capture:
        injector.send(packets.neighbour_solicitation(CLIENT_MAC, source, target, **where))
        return [f for f in capture.during(0.5) if (packets.nd(f) or {}).get("target") == target
                and packets.nd(f)["type"] == packets.NEIGHBOUR_ADVERTISEMENT]


# A question to the group, one to the virtual MAC, and a probe of somebody who wants the address.
KINDS = {
    "multicast": {},
    "unicast": dict(destination=V6, destination_mac=VIRTUAL_MAC),
    "probe": dict(source="::"),
}


@pytest.mark.both_clocks
def test_master_answers_neighbours_with_the_virtual_mac(hosts):
    """And it alone: the BACKUP is silent. It says that it is a router as long as it forwards."""
    rachael, pris, client = hosts
    with Capture(client.ns, "eth0", "in") as capture:
        master(rachael, V6 + "/64")
        for _ in range(2):  # what it says by itself looks like an answer to a probe
            capture.until(lambda f: unsolicited([f], V6), 5, "an announcement")
    group(pris, V6 + "/64", advskew=100).wait("BACKUP", 2)
    for forwarding, (kind, how) in itertools.product((0, 1), KINDS.items()):
        rachael.sysctl("net.ipv6.conf.all.forwarding", forwarding)
        seen = ask(client, V6, **how)
        assert [(f.source, packets.nd(f)["mac"]) for f in seen] == [(VIRTUAL_MAC, VIRTUAL_MAC)], kind
        found = packets.nd(seen[0])
        assert found["ttl"] == 255
        assert found["flags"] == (packets.NA_OVERRIDE | (packets.NA_ROUTER if forwarding else 0)
                                  | (packets.NA_SOLICITED if kind != "probe" else 0))
        assert (seen[0].destination, found["destination"]) == (
            ("33:33:00:00:00:01", "ff02::1") if kind == "probe" else (CLIENT_MAC, "2001:db8:1::50"))


@pytest.mark.parametrize("units", [4, 8, 32, 170])
def test_long_questions_are_answered(hosts, units):
    """As hosts with SEND (RFC 3971) ask: key, signature and time are in front of the sender's address. The
    client is known to nobody: the answer goes to the address that is in the question."""
    rachael, pris, client = hosts
    master(rachael, V6 + "/64")
    group(pris, V6 + "/64", advskew=100).wait("BACKUP", 2)
    options = b"".join(bytes([13, n]) + bytes(8 * n - 2) for n in (min(units - done, 60) for done in range(0, units, 60)))
    for kind, how in KINDS.items():
        seen = ask(client, V6, options=options, **how)
        assert [(f.source, packets.nd(f)["mac"]) for f in seen] == [(VIRTUAL_MAC, VIRTUAL_MAC)], kind
        assert seen[0].destination == ("33:33:00:00:00:01" if kind == "probe" else CLIENT_MAC)


@pytest.mark.parametrize("state", ["BACKUP", "INIT"])
def test_nobody_else_answers_neighbours(hosts, state):
    rachael, _, client = hosts
    made = group(rachael, V6 + "/64", advbase=100)
    if state == "INIT":
        made.down()
    assert made.state == state
    for kind, how in KINDS.items():
        assert ask(client, V6, **how) == [], kind


def test_own_address_of_the_parent_is_answered_with_its_own_mac(hosts):
    rachael, _, client = hosts
    master(rachael, V6 + "/64")
    assert [packets.nd(f)["mac"] for f in ask(client, "2001:db8:1::11")] == [mac_of(rachael)]


@pytest.mark.parametrize("prefix", [64, 128])
def test_ping_the_virtual_address(hosts, prefix):
    rachael, _, client = hosts
    master(rachael, f"{V6}/{prefix}")
    client.run("ping", "-c", "2", "-i", "0.2", "-W", "2", V6)
    client.run("ping", "-c", "1", "-W", "2", "2001:db8:1::11")
    entry = json.loads(run("ip", "-n", client.ns, "-j", "neigh", "show", V6).stdout)
    assert [e["lladdr"] for e in entry] == [VIRTUAL_MAC]


@pytest.mark.parametrize("numbered", [True, False], ids=["numbered", "unnumbered"])
@pytest.mark.parametrize("prefix", [64, 128])
def test_address_answers_after_a_bounce_of_the_parent(segment, prefix, numbered):
    """The parent has an IPv6 address of its own, which comes back, or a link-local one alone; nobody knows
    the other any more."""
    own = "2001:db8:1::11"
    rachael = segment.host("rachael", *([f"{own}/64"] if numbered else []))
    client = segment.host("client", "2001:db8:1::50/64")
    # IPv6 takes the addresses of a device that goes down, unless it is told not to.
    rachael.sysctl("net.ipv6.conf.eth0.keep_addr_on_down", 1)
    rachael.settled()
    made = master(rachael, f"{V6}/{prefix}")
    wanted = [V6, own] if numbered else [V6]

    def answer():
        if prefix == 128 and not numbered:  # nothing says what the subnet is
            rachael.ip("route", "replace", "2001:db8:1::/64", "dev", "eth0")
        for address in wanted:
            client.run("ping", "-c", "2", "-i", "0.2", "-W", "2", address)
        assert link_layer(client, V6) == VIRTUAL_MAC

    answer()
    rachael.rtnl.down("eth0")
    made.wait("INIT", 1, reason="parent-down")
    rachael.rtnl.up("eth0")
    made.wait("MASTER")
    client.ip("neighbour", "flush", "dev", "eth0")
    answer()
    client.ip("neighbour", "flush", "dev", "eth0")
    rachael.batch("neighbour flush dev eth0", "neighbour flush dev carp0")
    answer()


def link_layer(host, address):
    """Where a host's neighbour is."""
    [entry] = json.loads(run("ip", "-n", host.ns, "-j", "neigh", "show", address).stdout)
    return entry["lladdr"]


def test_neighbour_probes_of_the_client_are_answered(hosts):
    """The client's entry is confirmed again and again (NUD), by unicast to the virtual MAC."""
    rachael, _, client = hosts
    client.sysctl("net.ipv6.neigh.eth0.base_reachable_time_ms", 1000)
    master(rachael, V6 + "/64")
    for _ in range(8):
        client.run("ping", "-c", "1", "-W", "2", V6)
        with Capture(client.ns, "eth0", "out") as capture:
            capture.during(3)
    entry = json.loads(run("ip", "-n", client.ns, "-j", "neigh", "show", V6).stdout)
    assert entry[0]["lladdr"] == VIRTUAL_MAC and entry[0]["state"] != ["FAILED"]


def test_another_host_that_takes_the_address_is_told(hosts):
    """Duplicate address detection of another host fails: the MASTER defends the address."""
    rachael, _, client = hosts
    master(rachael, V6 + "/64")
    client.ip("address", "add", V6 + "/64", "dev", "eth0")
    eventually(lambda: "dadfailed" in addresses(client, "eth0").get(V6, []), 5, "dadfailed")


@pytest.mark.parametrize("accept_dad", [1, 2])
def test_never_tentative(hosts, segment, accept_dad):
    """On neither host, from the moment of its addition, through states and carrier; nobody detects
    duplicates, as each host would find the other's."""
    for host in hosts[:2]:
        for device in ("all", "default"):
            host.sysctl(f"net.ipv6.conf.{device}.accept_dad", accept_dad)
    rachael, pris, _ = hosts
    made = []

    def check():
        for host in (rachael, pris)[:len(made)]:
            assert addresses(host)[V6] == ["nodad"]

    with Capture(segment.ns, "br0", "in") as capture:
        for host, skew in ((rachael, 0), (pris, 100)):
            made.append(group(host, V6 + "/64", advskew=skew))
            check()
            made[-1].wait("MASTER" if host is rachael else "BACKUP")
            check()
        segment.unplug(rachael)
        made[1].wait("MASTER")
        check()
        segment.replug(rachael)
        made[0].wait("BACKUP", 8)
        check()
        pris.rtnl.down("carp0")
        pris.rtnl.up("carp0")
        made[0].wait("MASTER")
        check()
        frames = capture.drain()
    asked = [packets.nd(f) for f in frames if packets.nd(f) and packets.nd(f)["type"] == packets.NEIGHBOUR_SOLICITATION]
    assert [found for found in asked if found["source"] == "::" and found["target"] == V6] == []


@pytest.mark.parametrize("accept_dad", [0, 1])
def test_never_tentative_although_given_again(hosts, segment, accept_dad):
    """As daemons do to refresh an address: the kernel forgot that nobody shall look for duplicates."""
    rachael, _, _ = hosts
    for device in ("all", "default"):
        rachael.sysctl(f"net.ipv6.conf.{device}.accept_dad", accept_dad)
    made = master(rachael, V6 + "/64")
    rachael.ip("address", "replace", V6 + "/64", "dev", "carp0")
    with Capture(segment.ns, "br0", "in") as capture:
        made.down()
        made.up()
        made.wait("MASTER")
        assert addresses(rachael)[V6] == ["nodad"]
        frames = capture.during(2)
    asked = [packets.nd(f) for f in frames if packets.nd(f) and packets.nd(f)["source"] == "::"]
    assert [found for found in asked if found["target"] == V6] == []


def test_no_link_local_address_from_the_virtual_mac(hosts, segment):
    """The carp device has none that two hosts could have alike, also after it was made anew by its MTU."""
    rachael, pris, _ = hosts
    made = [group(rachael, V6 + "/64"), group(pris, V6 + "/64", advskew=100)]
    made[0].wait("MASTER")
    segment.unplug(rachael)
    made[1].wait("MASTER")
    segment.replug(rachael)
    for host in (rachael, pris):
        host.batch("link set eth0 mtu 1000", "link set eth0 mtu 1500", "link set carp0 down", "link set carp0 up")
    found = [{a for a in addresses(host) if a.startswith("fe80:")} for host in (rachael, pris)]
    assert not found[0] & found[1]
    assert "fe80::200:5eff:fe00:101" not in found[0] | found[1]


GENERATE = {"the kernel's default": "sysctl -w net.ipv6.conf.all.addr_gen_mode=0",
            "of the device": "sysctl -w net.ipv6.conf.carp0.addr_gen_mode=0",
            "by ip": "ip link set carp0 addrgenmode eui64",
            "stable": "sysctl -w net.ipv6.conf.carp0.stable_secret=2001:db8::1"}


@pytest.mark.parametrize("how", GENERATE)
def test_no_link_local_address_is_generated_on_demand(hosts, segment, how):
    """The kernel made one of the virtual MAC, the same on all hosts, once carp0 had carrier. One that is given to
    the group stays."""
    rachael, pris, _ = hosts
    made = [group(rachael, V6 + "/64"), group(pris, V6 + "/64", advskew=100)]
    made[0].wait("MASTER")
    for host in (rachael, pris):
        run("ip", "netns", "exec", host.ns, *GENERATE[how].split())
    for one, host in zip(made, (rachael, pris)):
        host.batch("link set carp0 down", "link set carp0 up")
        made[1 - made.index(one)].wait("MASTER")
        one.wait("BACKUP")
    for host, one in zip((rachael, pris), made):
        assert list(addresses(host)) == [V6], host.name
        one.add_address(ROUTER + "/64")
        assert addresses(host)[ROUTER] == ["nodad"]


def test_a_parent_that_gets_ipv6_after_its_group_delivers_at_once(rachael, client):
    """It had none as the group was made, by its MTU: an oops at the first packet before the routes."""
    rachael.ip("link", "set", "eth0", "mtu", "1200")
    made = group(rachael, "192.0.2.1/32")
    rachael.batch("link set eth0 mtu 1500", "address add 2001:db8:1::11/64 dev eth0 nodad")
    made.add_address(V6 + "/64")
    client.batch(f"link set eth0 address {CLIENT_MAC}", "address add 2001:db8:1::50/64 dev eth0 nodad")
    rachael.ip("neighbour", "replace", "2001:db8:1::50", "lladdr", CLIENT_MAC, "dev", "eth0")
    made.wait("MASTER")
    with Capture(client.ns, "eth0", "in") as capture, Injector(client) as injector:
        made.set(state="backup")
        with rtnl_held(6000):
            capture.advertisement(5, bow_out=False)
            injector.send(packets.echo((VIRTUAL_MAC, CLIENT_MAC), "2001:db8:1::50", V6))
            capture.until(lambda f: packets.echo_reply(f, V6), 0.5, "an answer before there are routes")


@pytest.mark.parametrize("virtual", [["192.0.2.1/32"], [f"{V6}/64", f"{ROUTER}/64"]], ids=["IPv4", "IPv6"])
def test_a_router_that_advertises_to_the_virtual_mac_changes_nothing(hosts, virtual):
    """The group got an address of the advertised prefix on the MASTER, and a route: advertisements had another
    digest, and each host was MASTER. On the parent it is as it ever was."""
    rachael, pris, client = hosts
    made = [master(rachael, *virtual), group(pris, *virtual, advskew=100)]
    made[1].wait("BACKUP")
    before = addresses(rachael)
    assert [rachael.sysctl(f"net.ipv6.conf.carp0.accept_{what}").strip() for what in ("ra", "redirects")] == ["0", "0"]
    with Capture(rachael.ns, "eth0", "out") as capture, Injector(client) as injector:
        for destination in (VIRTUAL_MAC, "33:33:00:00:00:01"):
            injector.send(packets.router_advertisement(CLIENT_MAC, "fe80::50", "2001:db8:9::", destination))
        frames = capture.during(5)
    assert addresses(rachael) == before
    assert any(address.startswith("2001:db8:9:") for address in addresses(rachael, "eth0")), "it was not valid"
    assert "carp0" not in rachael.ip("-6", "route", "show", "default").stdout
    assert [found.state for found in made] == ["MASTER", "BACKUP"]
    assert made[1].counters()["discard_bad_digest"] == 0
    asked = [f for f in frames if f.source == VIRTUAL_MAC and packets.icmp_type(f) == packets.ROUTER_SOLICITATION]
    assert asked == []


def test_a_group_without_its_ipv6_has_no_ipv6_addresses(hosts):
    """The address that went last was still signed, and asked for: the kernel tells of it before it is gone."""
    rachael, pris, client = hosts
    made = [master(rachael, V6 + "/64"), group(pris, V6 + "/64", advskew=100)]
    made[1].wait("BACKUP")
    rachael.sysctl("net.ipv6.conf.carp0.disable_ipv6", 1)
    made[0].wait("INIT", 2, reason="no-address")
    made[1].wait("MASTER", 2, reason="master-bowed-out")
    assert [f.source for f in ask(client, V6)] == [VIRTUAL_MAC], "one answer, which is the new MASTER's"
    # Of both families one stays, and both hosts have to say the same.
    rachael.sysctl("net.ipv6.conf.carp0.disable_ipv6", 0)
    made[1].delete()
    made[0].add_address("192.0.2.1/32")
    made[0].add_address(V6 + "/64")
    made[0].add_address("2001:db8::2/64")
    made[0].wait("MASTER")
    rachael.sysctl("net.ipv6.conf.carp0.disable_ipv6", 1)
    theirs = group(pris, "192.0.2.1/32", advskew=100)
    theirs.wait("BACKUP")
    with Capture(client.ns, "eth0", "in") as capture:
        capture.during(5)
    assert (made[0].state, theirs.state, theirs.counters()["discard_bad_digest"]) == ("MASTER", "BACKUP", 0)


def test_an_address_that_went_when_the_device_was_down_is_not_answered(hosts):
    """Link-local addresses go with it, as those of any device do."""
    rachael, _, client = hosts
    made = master(rachael, V6 + "/64", ROUTER + "/64")
    made.down()
    made.up()
    made.wait("MASTER")
    assert set(addresses(rachael)) == {V6}
    assert ask(client, ROUTER) == []
    assert [f.source for f in ask(client, V6)] == [VIRTUAL_MAC]


# ---- the protocol ----


def test_an_advertisement_for_each_family(hosts):
    """In the same tick, from the parent's own addresses and the virtual MAC, with a digest over both
    lists, and IPv6's from the link-local address, whatever virtual addresses there are."""
    rachael, _, client = hosts
    master(rachael, V4 + "/32", V6 + "/64", ROUTER + "/64", **{"pass": "tyrell"})
    with Capture(client.ns, "eth0", "in") as capture:
        frames = advertisements(capture.during(5))
    v4, v6 = ([f for f in frames if f.kind == kind] for kind in (0x0800, 0x86DD))
    assert 4 <= len(v4) <= 6 and len(v4) == len(v6)
    assert {f.source for f in frames} == {VIRTUAL_MAC}
    assert {f.advertisement["ip"]["source"] for f in v4} == {"192.0.2.11"}
    assert {f.advertisement["ip"]["source"] for f in v6} == {link_local(rachael)}
    assert {(f.destination, f.advertisement["ip"]["destination"], f.advertisement["ip"]["ttl"]) for f in v6} == {
        ("33:33:00:00:00:12", "ff02::12", 255)}
    for one, other in zip(v4, v6):
        assert abs(one.time - other.time) <= MS
    for frame in frames:
        advert = frame.advertisement
        assert advert["digest"] == digest("tyrell", 1, [V4, V6, ROUTER], advert["counter"])
        assert len(advert["payload"]) == 36
    assert len({f.advertisement["counter"] for f in frames}) == len(frames)


def test_digests_with_and_without_link_local_addresses(hosts):
    """Both of OpenBSD's contexts are accepted, in both families."""
    rachael, _, client = hosts
    made = group(rachael, V4 + "/32", V6 + "/64", ROUTER + "/64", advbase=100, **{"pass": "tyrell"})
    with Injector(client) as injector:
        for counter, (source, link_locals) in enumerate([("192.0.2.12", False), ("fe80::12", False),
                                                         ("192.0.2.12", True), ("fe80::12", True)], 77):
            sealed = digest("tyrell", 1, [V4, V6, ROUTER], counter, link_local=link_locals)
            injector.send(Advertisement(source=source, advbase=100, counter=counter, digest_override=sealed))
    counters = made.counters()
    assert (counters["rx_v4"], counters["rx_v6"], counters["discard_bad_digest"]) == (2, 2, 0)


BAD = {
    "discard_bad_hop_limit": dict(ttl=254), "discard_bad_length": dict(length=35), "discard_bad_version": dict(version=3),
    "discard_bad_type": dict(type=2), "discard_bad_checksum": dict(checksum_error=1), "discard_unknown_vhid": dict(vhid=9),
    "discard_bad_digest": dict(key=b"wrong"),
}


def test_bad_advertisements_are_counted(hosts):
    """For the same reasons as with IPv4."""
    rachael, _, client = hosts
    made = group(rachael, V6 + "/64", advbase=100)
    before = made.counters()
    with Injector(client) as injector:
        for wrong in BAD.values():
            injector.send(Advertisement(**{**dict(source="fe80::12", addresses=(V6,), advbase=100), **wrong}))
    after = made.counters()
    changed = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert changed == {name: 1 for name in BAD}


@pytest.mark.parametrize("lost", ["v4", "v6"])
def test_one_state_for_both_families(hosts, segment, lost):
    """One family's advertisements do not arrive any more: the group stays with its MASTER."""
    rachael, pris, _ = hosts
    first = master(rachael, V4 + "/32", V6 + "/64")
    second = group(pris, V4 + "/32", V6 + "/64", advskew=100)
    second.wait("BACKUP", 2)
    kind = {"v4": "ip", "v6": "ip6"}[lost]
    run("ip", "netns", "exec", segment.ns, "nft",
        f"add table bridge t; add chain bridge t f {{ type filter hook forward priority 0; }};"
        f" add rule bridge t f ether type {kind} ether saddr {VIRTUAL_MAC} drop")
    with Capture(pris.ns, "eth0") as capture:
        frames = advertisements(capture.during(10))
    assert {("v4" if f.kind == 0x0800 else "v6") for f in frames} == {"v4", "v6"} - {lost}
    assert (first.state, second.state) == ("MASTER", "BACKUP")
    assert second.status()["transitions"] == 1


def test_group_of_ipv6_alone(hosts, segment):
    """Elected, advertised over IPv6 only, taken over in time."""
    rachael, pris, client = hosts
    first = master(rachael, V6 + "/64")
    second = group(pris, V6 + "/64", advskew=100)
    second.wait("BACKUP", 2)
    with Capture(pris.ns, "eth0") as capture:
        capture.advertisement(2)
        segment.cut(rachael)
        frame = capture.until(lambda f: f.advertisement and f.outgoing, 6)
    frames = advertisements(capture.frames)
    assert {f.kind for f in frames} == {0x86DD}
    heard = [f for f in frames if not f.outgoing][-1]
    assert 0 <= frame.time - heard.time - (3 * interval(1, 0) + interval(0, 100)) <= MS
    client.run("ping", "-c", "1", "-W", "2", V6)
    assert first.counters()["tx_v4"] == second.counters()["tx_v4"] == 0
    assert second.counters()["tx_v6"] >= 1


def test_hosts_without_ipv4(segment):
    """The parents have no IPv4 address at all; a group of IPv6 works, and one of both advertises
    by IPv6."""
    rachael, pris, client = (segment.host(name, f"2001:db8:1::{n}/64") for name, n in (
        ("rachael", 11), ("pris", 12), ("client", 50)))
    for host in (rachael, pris):
        host.settled()
    first = master(rachael, V6 + "/64", V4 + "/32")
    second = group(pris, V6 + "/64", V4 + "/32", advskew=100)
    second.wait("BACKUP", 2)
    heard = second.counters()["rx_v6"]
    with Capture(client.ns, "eth0", "in") as capture:
        capture.during(6)
    assert second.counters()["rx_v6"] - heard >= 5
    assert (first.state, second.state) == ("MASTER", "BACKUP")
    client.run("ping", "-c", "1", "-W", "2", V6)


def test_parents_without_ipv6(hosts, segment):
    """IPv6 is switched off on the parents: a group of IPv4 does not care, and one that has an IPv6
    address besides goes on with IPv4's advertisements."""
    rachael, pris, client = hosts
    for host in (rachael, pris):
        host.sysctl("net.ipv6.conf.eth0.disable_ipv6", 1)
    first = master(rachael, V4 + "/32", V6 + "/64")
    second = group(pris, V4 + "/32", V6 + "/64", advskew=100)
    second.wait("BACKUP", 2)
    with Capture(pris.ns, "eth0") as capture:
        capture.during(5)
        segment.cut(rachael)
        capture.until(lambda f: f.advertisement and f.outgoing, 6)
    assert {f.kind for f in advertisements(capture.frames)} == {0x0800}
    assert (first.state, second.state) == ("MASTER", "MASTER")
    client.run("ping", "-c", "1", "-W", "2", V4)


def test_ipv6_switched_off_and_on_again(hosts):
    """The parent loses its addresses and its group membership, and both come back."""
    rachael, pris, client = hosts
    made = master(rachael, V6 + "/64")
    second = group(pris, V6 + "/64", advskew=100)
    second.wait("BACKUP", 2)
    pris.sysctl("net.ipv6.conf.eth0.disable_ipv6", 1)
    pris.sysctl("net.ipv6.conf.eth0.disable_ipv6", 0)
    eventually(lambda: second.state == "BACKUP" and "ff02::12" in pris.ip("maddr", "show", "dev", "eth0").stdout, 8,
               "BACKUP again, and in the group")
    heard = second.counters()["rx_v6"]
    with Capture(pris.ns, "eth0", "in") as capture:
        capture.during(5)
    assert second.counters()["rx_v6"] - heard >= 4
    assert (made.state, second.state) == ("MASTER", "BACKUP")
    client.run("ping", "-c", "1", "-W", "2", V6)


def test_multicast_membership(hosts):
    """ff02::12 is joined on the parent while there is a group, and left with the last."""
    rachael = hosts[0]
    made = group(rachael, V6 + "/64")
    shown = lambda: rachael.ip("maddr", "show", "dev", "eth0").stdout  # noqa: E731
    assert "ff02::12" in shown()
    rachael.batch("link set eth0 down", "link set eth0 up")
    assert "ff02::12" in shown()
    made.delete()
    assert "ff02::12" not in shown()


# ---- a virtual link-local address as router ----


@pytest.fixture
def routers(segment):
    """The gateways with fe80::1 besides; the client has it as router."""
    net = Gateways(segment)
    shared = (f"{ROUTER}/64", V6 + "/128")
    net.pair = net.groups(addresses=shared)
    net.routes()[0].wait("MASTER")
    net.client.batch("route del ::/0", f"route add ::/0 via {ROUTER} dev eth0")
    return net


def test_link_local_address_as_router(routers):
    """It forwards, answers pings, and stays reachable for the client's neighbour detection."""
    client = routers.client
    client.run("ping", "-c", "2", "-i", "0.2", "-W", "2", SERVER["v6"])
    client.run("ping", "-c", "2", "-i", "0.2", "-W", "2", f"{ROUTER}%eth0")
    entry = json.loads(run("ip", "-n", client.ns, "-j", "neigh", "show", ROUTER, "dev", "eth0").stdout)
    assert entry[0]["lladdr"] == VIRTUAL_MAC
    assert "router" in entry[0]


@pytest.mark.both_clocks
def test_link_local_router_survives_failover(routers, segment):
    client = routers.client
    client.run("ping", "-c", "1", "-W", "2", SERVER["v6"])
    for one in (segment, routers.behind):
        one.cut(routers.rachael)
    routers.pair[1].wait("MASTER")
    client.run("ping", "-c", "1", "-W", "2", f"{ROUTER}%eth0")
    client.run("ping", "-c", "1", "-w", "4", SERVER["v6"])


RADVD = """interface carp0 {
  AdvSendAdvert on; IgnoreIfMissing on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;
  prefix 2001:db8:1::/64 { AdvOnLink on; AdvAutonomous on; };
};
"""


@contextlib.contextmanager
def radvd(host):
    """Debian's router advertisement daemon on the carp device."""
    file = pathlib.Path(f"/tmp/radvd.{host.name}.conf")
    file.write_text(RADVD)
    log = pathlib.Path(f"/tmp/radvd.{host.name}.log")
    with log.open("w") as output:
        with host.background("radvd", "-n", "-C", file, "-p", f"/tmp/radvd.{host.name}.pid", "-u", "root",
                             "-m", "stderr", "-d", "3", stderr=output, stdout=subprocess.DEVNULL) as process:
            yield process
    print(log.read_text()[-1500:])


def router_advertisements(frames):
    return [f for f in frames if (packets.nd(f) or {}).get("type") == packets.ROUTER_ADVERTISEMENT]


def test_radvd_advertises_from_the_master_alone(segment):
    """Unchanged, on the carp device of both hosts: from fe80::1 and the virtual MAC of the MASTER;
    solicitations are answered, and after a failover the other host goes on."""
    net = Gateways(segment)
    first, second = net.groups(addresses=[f"{ROUTER}/64", V6 + "/128"])
    client = net.client
    with radvd(net.rachael), radvd(net.pris):
        with Capture("rachael", "eth0", "out") as one, Capture("pris", "eth0", "out") as other:
            one.until(lambda f: router_advertisements([f]), 20, "a router advertisement")
            frames = one.during(10)
            silent = other.drain()
        seen = router_advertisements(frames)
        assert seen and router_advertisements(silent) == []
        assert {(f.source, packets.nd(f)["source"], packets.nd(f)["mac"]) for f in seen} == {(VIRTUAL_MAC, ROUTER, VIRTUAL_MAC)}
        with Injector(client) as injector, Capture(client.ns, "eth0", "in") as capture:
            injector.send(packets.router_solicitation(CLIENT_MAC, "fe80::50"))
            answer = capture.until(lambda f: router_advertisements([f]), 1.5, "an answer to the solicitation")
            assert answer.source == VIRTUAL_MAC
        eventually(lambda: "via fe80::1" in client.ip("-6", "route", "show", "default").stdout, 5, "the client's route")
        segment.cut(net.rachael)
        second.wait("MASTER")
        with Capture(client.ns, "eth0", "in") as capture:
            capture.until(lambda f: router_advertisements([f]), 20, "the new MASTER's router advertisement")
        client.run("ping", "-c", "1", "-W", "2", f"{ROUTER}%eth0")


# ---- the state of the virtual addresses ----


def test_addresses_come_and_go_while_master(hosts):
    """An IPv6 address that a MASTER is given is announced and answers; one that is taken does not."""
    rachael, _, client = hosts
    made = master(rachael, V4 + "/32")
    with Capture(client.ns, "eth0", "in") as capture:
        made.add_address(V6 + "/64")
        capture.until(lambda f: unsolicited([f], V6), 1, "the announcement")
        capture.advertisement(2.5, source=link_local(rachael))
    client.run("ping", "-c", "1", "-W", "2", V6)
    made.remove_address(V6 + "/64")
    assert ask(client, V6) == []
    with Capture(client.ns, "eth0", "in") as capture:
        assert {f.kind for f in advertisements(capture.during(3))} == {0x0800}
    assert made.status()["transitions"] == 2


def test_frames_of_both_families_for_a_second_group(hosts):
    """Two groups on one parent, each with its own MAC for its own addresses."""
    rachael, _, client = hosts
    master(rachael, V6 + "/64")
    other = Group(rachael, "carp2")
    other.create(vhid=2)
    other.add_address("2001:db8:1::2/64")
    other.up()
    other.wait("MASTER")
    assert [packets.nd(f)["mac"] for f in ask(client, V6)] == [virtual_mac(1)]
    assert [packets.nd(f)["mac"] for f in ask(client, "2001:db8:1::2")] == [virtual_mac(2)]
    with Capture(client.ns, "eth0", "in") as capture, Injector(client) as injector:
        injector.send(packets.echo(TO_GROUP, CLIENT["v6"], VIP["v6"]))
        capture.until(lambda f: packets.echo_reply(f, V6), 1, "the answer")
