# SPDX-License-Identifier: GPL-2.0
"""What two hosts that share a group do with packets: each one is taken by exactly one of them,
the MASTER of the node that is selected for it, in each mode, by both selections, of both
families, for themselves and for others, and while one of them goes.
"""

import collections
import contextlib
import json
import socket
import struct
import time

import debug_kernel
import packets
import pytest

import nodes
import uapi
from gateways import CLIENT, CLIENT_MAC, SERVER, VIP, Gateways, mac_of
from nodes import MODES, sharing, virtual_mac
from topology import eventually, inside, run
from wire import Advertisement, Capture, Injector, arp_request

VECTORS = json.loads(uapi.data("vectors.json", "tools", "proto", "tests", "data", "vectors.json").read_text())
PORT, FORWARDED_PORT = 7, 9
KEY = "tyrell"
VHIDS = (3, 5, 8, 21)
MASTERS = {3: "rachael", 5: "pris", 8: "rachael", 21: "pris"}
modes = pytest.mark.parametrize("balancing", MODES)
selections = pytest.mark.parametrize("selection", ["addresses", "flow"])


class Pair:
    """Gateways that share four nodes, two each, and hear every frame, as from a hub."""

    def __init__(self, segment, balancing, selection="addresses"):
        self.balancing, self.selection = balancing, selection
        self.gateways = Gateways(segment)
        self.routers = self.gateways.routers
        self.mac = virtual_mac(3, balancing)
        for port in ("rachael", "pris", "client"):
            # Nothing is learnt: what mirrored ports do for ip-unicast.
            run("bridge", "-n", segment.ns, "link", "set", "dev", port, "learning", "off")
        self.groups = {}
        for name, router in self.routers.items():
            router.sysctl("net.inet.carp.preempt", 1)
            listed = [(vhid, 0 if MASTERS[vhid] == name else 100) for vhid in VHIDS]
            self.groups[name] = sharing(router, listed, *self.gateways.addresses(), balancing=balancing,
                                        selection=selection, key=KEY.encode())
        for name, made in self.groups.items():
            made.wait_states({vhid: "MASTER" if MASTERS[vhid] == name else "BACKUP" for vhid in VHIDS}, 15)

    def node(self, source, destination, ports, protocol=packets.UDP):
        if self.selection == "addresses":
            return nodes.fold(VHIDS, source, destination)
        return nodes.flow(VHIDS, KEY, protocol, (source, ports[0]), (destination, ports[1]))

    def taker(self, *packet):
        return MASTERS[self.node(*packet)]

    def not_selected(self):
        return {name: made.counters()["rx_not_selected"] for name, made in self.groups.items()}


class Ear:
    """Hears what routers take for themselves, by sockets, and what they pass on to the server."""

    def __init__(self, pair):
        self.sockets = {}
        for name, router in pair.routers.items():
            with inside(router.ns):
                for family, kind, any_address in (("v4", socket.AF_INET, "0.0.0.0"), ("v6", socket.AF_INET6, "::")):
                    made = socket.socket(kind, socket.SOCK_DGRAM)
                    if family == "v6":
                        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    made.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
                    made.bind((any_address, PORT))
                    made.setblocking(False)
                    self.sockets[name, family] = made
        self.capture = Capture(pair.gateways.server.ns, "eth0", "in")
        self.names = {mac_of(router, "eth1"): name for name, router in pair.routers.items()}

    def heard(self):
        """{number of a packet: [who took it]}."""
        found = collections.defaultdict(list)
        for frame in self.capture.during(0.5):
            if (packets.ports(frame) or (0, 0))[1] == FORWARDED_PORT:
                found[number_of(frame.ip["payload"][8:])].append(self.names[frame.source])
        for (name, _), listening in self.sockets.items():
            with contextlib.suppress(BlockingIOError):
                while True:
                    found[number_of(listening.recv(100))].append(name)
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.capture.socket.close()
        for made in self.sockets.values():
            made.close()


def number_of(payload):
    return struct.unpack("!I", payload[:4])[0]


SOURCES = {"v4": "192.0.2.{}", "v6": "2001:db8:1::{:x}"}


def packet(number):
    """Of a population of clients: (source, destination, (source port, destination port))."""
    family = ("v4", "v6")[number % 2]
    local = number // 2 % 2
    source = SOURCES[family].format(100 + number // 4 % 100)
    destination, port = (VIP[family], PORT) if local else (SERVER[family], FORWARDED_PORT)
    return source, destination, (1024 + number * 7 % 50000, port)


def frame(pair, number):
    source, destination, (source_port, port) = packet(number)
    return packets.udp((pair.mac, CLIENT_MAC), source, destination, port, struct.pack("!I", number),
                       source_port=source_port)


def report(what, sent, heard):
    doubles = {number: who for number, who in heard.items() if len(who) > 1}
    losses = [number for number in sent if number not in heard]
    print(f"{what}: {len(sent)} packets, {len(doubles)} doubles, {len(losses)} losses")
    return doubles, losses


# ---- who takes what ----


@modes
@selections
def test_each_packet_is_taken_by_one(segment, balancing, selection):
    pair = Pair(segment, balancing, selection)
    sent = range(800)
    with Ear(pair) as ear, Injector(pair.gateways.client) as injector:
        before = pair.not_selected()
        for number in sent:
            injector.send(frame(pair, number))
        heard = ear.heard()
    doubles, losses = report(f"{balancing}, {selection}", sent, heard)
    assert (doubles, losses) == ({}, [])
    assert {number: who[0] for number, who in heard.items()} == {number: pair.taker(*packet(number)) for number in sent}
    takers = collections.Counter(who[0] for who in heard.values())
    assert min(takers.values()) > 800 * 0.3, takers
    after = pair.not_selected()
    assert {name: after[name] - before[name] for name in after} == {
        "rachael": takers["pris"], "pris": takers["rachael"]}


@selections
def test_both_directions_meet_the_same_host(segment, selection):
    """Of a connection between client and server, through the pair."""
    pair = Pair(segment, "ip", selection)
    names = {mac_of(router, "eth0"): name for name, router in pair.routers.items()}
    names.update({mac_of(router, "eth1"): name for name, router in pair.routers.items()})
    # The same nodes and key on both sides.
    back = {name: sharing(router, [(vhid, 0 if MASTERS[vhid] == name else 100) for vhid in VHIDS],
                          "203.0.113.1/32", "2001:db8:2::1/128", name="carp1", parent="eth1", selection=selection,
                          key=KEY.encode()) for name, router in pair.routers.items()}
    for name, made in back.items():
        made.wait_states({vhid: "MASTER" if MASTERS[vhid] == name else "BACKUP" for vhid in VHIDS}, 15)
    with Capture(pair.gateways.server.ns, "eth0", "in") as there, Capture(pair.gateways.client.ns, "eth0", "in") as here:
        with Injector(pair.gateways.client) as client, Injector(pair.gateways.server) as server:
            for number in range(60):
                for family in ("v4", "v6"):
                    ends = (CLIENT[family], SERVER[family])
                    client.send(packets.udp((pair.mac, CLIENT_MAC), *ends, 9, source_port=2000 + number))
                    server.send(packets.udp((pair.mac, "02:00:00:00:00:80"), *ends[::-1], 2000 + number, source_port=9))
        out = {(f.ip["source"], packets.ports(f)): names[f.source] for f in there.during(0.5) if 9 in (packets.ports(f) or ())}
        into = {(f.ip["destination"], packets.ports(f)[::-1]): names[f.source] for f in here.during(0.5)
                if 9 in (packets.ports(f) or ())}
    assert len(out) == 120
    assert out == into
    if selection == "flow":
        assert len({who for (source, _), who in out.items() if source == CLIENT["v4"]}) == 2, "one client, two hosts"


def test_the_nodes_are_those_of_openbsd(rachael, client):
    """Each bit of the number of the node is asked for by being MASTER of those that have it."""
    made = None
    for members in sorted({case["members"] for case in VECTORS["balancing_ip_openbsd"]} - {1}):
        cases = [case for case in VECTORS["balancing_ip_openbsd"] if case["members"] == members]
        if made:
            made.delete()
        made = sharing(rachael, [(10 + place, 0) for place in range(members)], advbase=200)
        counter = 0
        found = [0] * len(cases)
        with Injector(client) as injector:
            for bit in range((members - 1).bit_length()):
                made.change(state=2)
                others = [10 + place for place in range(members) if not place >> bit & 1]
                for vhid in others:
                    counter += 1
                    injector.send(Advertisement(vhid=vhid, advbase=100, counter=counter, source="192.0.2.99"))
                made.wait_states({10 + place: "MASTER" if place >> bit & 1 else "BACKUP" for place in range(members)})
                for which, case in enumerate(cases):
                    before = made.counters()["rx_not_selected"]
                    injector.send(packets.udp((virtual_mac(10, "ip"), CLIENT_MAC), case["src"], case["dst"], 9))
                    taken = made.counters()["rx_not_selected"] == before
                    found[which] |= taken << bit
        assert found == [case["index"] for case in cases], members


@selections
def test_errors_reach_who_has_the_connection(segment, selection):
    """To an address of the group from a router on the way, about a packet of the group's own."""
    pair = Pair(segment, "ip", selection)
    for name in pair.routers:
        before = pair.not_selected()
        peer = next(address for address in (f"198.51.100.{last}" for last in range(1, 100))
                    if pair.taker(VIP["v4"], address, (80, 2000)) == name)
        told = packets.ip(VIP["v4"], peer, packets.UDP, struct.pack("!HHHH", 80, 2000, 8, 0))
        error = struct.pack("!BBHI", 3, 3, 0, 0) + told
        with Injector(pair.gateways.client) as injector:
            injector.send(packets.frame((pair.mac, CLIENT_MAC), "192.0.2.200", VIP["v4"], packets.ICMP, error))
            time.sleep(0.1)
        left = {who for who, count in pair.not_selected().items() if count > before[who]}
        assert left == (set() if selection == "addresses" else set(pair.routers) - {name})


@selections
def test_fragments_meet_one_host(segment, selection):
    """All of a datagram, the first one, too: whole again, it is taken once."""
    pair = Pair(segment, "ip-stealth", selection)
    with Ear(pair) as ear, Injector(pair.gateways.client) as injector:
        for number in range(40):
            source = f"192.0.2.{100 + number}"
            body = struct.pack("!HHHHI", 4000 + number, PORT, 8 + 1200, 0, number) + bytes(1196)
            for offset, more in ((0, 1), (600, 0)):
                part = body[offset:offset + 600] if more else body[offset:]
                head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(part), 500 + number, more << 13 | offset // 8, 64,
                                   packets.UDP, 0) + packets.packed(source) + packets.packed(VIP["v4"])
                head = head[:10] + struct.pack("!H", packets.checksum(head)) + head[12:]
                injector.send(packets.ethernet(pair.mac, CLIENT_MAC, 0x0800, head + part))
        heard = ear.heard()
    assert report(f"fragments, {selection}", range(40), heard) == ({}, [])
    assert len({who[0] for who in heard.values()}) == 2


# ---- what is nobody's share ----


@modes
def test_the_leaders_master_answers_and_hides(segment, balancing):
    pair = Pair(segment, balancing)
    own = mac_of(pair.routers["rachael"])
    with Injector(pair.gateways.client) as injector, Capture(pair.gateways.client.ns, "eth0", "in") as capture:
        injector.send(arp_request(CLIENT_MAC, CLIENT["v4"], VIP["v4"]))
        injector.send(packets.neighbour_solicitation(CLIENT_MAC, CLIENT["v6"], VIP["v6"]))
        frames = capture.during(0.5)
    source = pair.mac if balancing == "ip-unicast" else own
    assert [(f.source, f.arp["sender_mac"]) for f in frames if f.arp and f.arp["operation"] == 2] == [(source, pair.mac)]
    told = [(f.source, packets.nd(f)["mac"]) for f in frames
            if packets.nd(f) and packets.nd(f)["type"] == packets.NEIGHBOUR_ADVERTISEMENT]
    assert told == [(source, pair.mac)]


@modes
def test_a_client_pings_both_families_and_is_answered_once(segment, balancing):
    pair = Pair(segment, balancing)
    for family in ("v4", "v6"):
        for sequence in range(1, 3):
            pair.gateways.client.batch(f"address add {SOURCES[family].format(100 + sequence)}/"
                                       f"{24 if family == 'v4' else 64} dev eth0" + (" nodad" if family == "v6" else ""))
            out = pair.gateways.client.run("ping", "-c", "3", "-i", "0.2", "-W", "2", "-I",
                                           SOURCES[family].format(100 + sequence), VIP[family]).stdout
            assert "3 received" in out and "DUP" not in out, out


@modes
def test_what_goes_through_the_device_hides_the_virtual_mac(segment, balancing):
    """And what it asks is answered: the answer is for the virtual MAC, and goes to the device."""
    pair = Pair(segment, balancing)
    router = pair.routers["pris"]
    router.batch("neigh flush dev eth0 nud permanent", "address add 192.0.2.77/32 dev carp0")
    for made in pair.routers.values():
        if made is not router:
            made.batch("address add 192.0.2.77/32 dev carp0")
    router.batch(f"route add {CLIENT['v4']}/32 dev carp0 src 192.0.2.77")
    with Capture(pair.gateways.client.ns, "eth0", "in") as capture:
        router.run("ping", "-c", "1", "-W", "1", "-I", "carp0", CLIENT["v4"], check=False)
        frames = [f for f in capture.during(0.5) if packets.icmp_type(f) == ("v4", 8)]
    source = pair.mac if balancing == "ip-unicast" else mac_of(router)
    assert [f.source for f in frames] == [source]


def test_an_ordinary_group_with_the_same_mac_is_heard(rachael, pris, client):
    """224.0.1.1, where NTP is, has the multicast MAC of vhid 1; who joined it hears it, MASTER or not."""
    group = "224.0.1.1"
    made = [sharing(host, [(1, skew), (2, skew)]) for host, skew in ((rachael, 0), (pris, 100))]
    made[0].wait_states({1: "MASTER", 2: "MASTER"})
    made[1].wait_states({1: "BACKUP", 2: "BACKUP"})
    ears = []
    for host, own in ((rachael, "192.0.2.11"), (pris, "192.0.2.12")):
        with inside(host.ns):
            ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton(own))
            ear.bind(("0.0.0.0", 123))
            ear.settimeout(2)
            ears.append(ear)
    with Injector(client) as injector:
        injector.send(packets.udp((packets.multicast_mac(group), CLIENT_MAC), "192.0.2.50", group, 123))
    assert packets.multicast_mac(group) == virtual_mac(1, "ip")
    for ear in ears:
        assert ear.recv(100) == b"like tears in rain"
        ear.close()


def test_the_macs_of_other_nodes_are_nobodys(rachael, client):
    """Nor is the usual one of the leader, where it is a multicast one."""
    made = sharing(rachael, [(1, 0), (2, 0)])
    made.wait_states({1: "MASTER", 2: "MASTER"})
    with inside(rachael.ns):
        ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ear.bind(("0.0.0.0", PORT))
        ear.settimeout(0.5)
    with Injector(client) as injector:
        for mac in ("00:00:5e:00:01:01", "00:00:5e:00:01:02", "02:00:5e:00:01:01"):
            injector.send(packets.udp((mac, CLIENT_MAC), "192.0.2.50", "192.0.2.1", PORT))
        with pytest.raises(TimeoutError):
            ear.recv(100)
        injector.send(packets.udp(("01:00:5e:00:01:01", CLIENT_MAC), "192.0.2.50", "192.0.2.1", PORT))
        assert ear.recv(100)
    ear.close()


def test_without_any_node_packets_are_dropped_and_counted(rachael, client):
    made = sharing(rachael, [(1, 0), (2, 0)], advbase=200)
    before = made.counters()
    with Injector(client) as injector:
        injector.send(packets.udp((virtual_mac(1, "ip"), CLIENT_MAC), "192.0.2.50", "192.0.2.1", PORT))
        eventually(lambda: made.counters()["rx_not_master"] == before["rx_not_master"] + 1, 2, made.counters)
    assert made.counters()["rx_not_selected"] == before["rx_not_selected"]


# ---- while one goes ----


def load(pair, seconds, at, act):
    """Sends a packet every millisecond, and calls `act` after a while; {number: time of sending}."""
    sent, began, acted = {}, time.monotonic(), None
    with Injector(pair.gateways.client) as injector:
        number = 0
        while time.monotonic() - began < seconds:
            if acted is None and time.monotonic() - began >= at:
                act()
                acted = time.monotonic()
            injector.send(frame(pair, number))
            sent[number] = time.monotonic()
            number += 1
            time.sleep(0.001)
    return sent, acted


@modes
@selections
@pytest.mark.both_clocks
def test_a_host_that_hands_over_loses_next_to_nothing(segment, balancing, selection):
    """It bows out of its nodes: the other host has them at once."""
    pair = Pair(segment, balancing, selection)
    for router in pair.routers.values():
        router.sysctl("net.inet.carp.preempt", 0)
    with Ear(pair) as ear:
        # On the debug kernel the program that asks for it takes long to start, and a second has few packets.
        seconds = 2 if debug_kernel.SLOWNESS == 1 else 8
        sent, _ = load(pair, seconds, 0.7, lambda: pair.groups["pris"].change(state=1))
        pair.groups["rachael"].wait_states(dict.fromkeys(VHIDS, "MASTER"))
        heard = ear.heard()
    doubles, losses = report(f"handed over: {balancing}, {selection}", sent, heard)
    assert len(doubles) <= 5 and len(losses) <= 5, (doubles, losses)
    assert {heard[number][-1] for number in list(sent)[-300:]} == {"rachael"}


@modes
@pytest.mark.both_clocks
def test_a_host_that_dies_loses_its_share_for_one_time_out(segment, balancing):
    pair = Pair(segment, balancing)
    with Ear(pair) as ear:
        sent, died = load(pair, 6, 1, lambda: segment.cut(pair.routers["pris"]))
        pair.groups["rachael"].wait_states(dict.fromkeys(VHIDS, "MASTER"))
        heard = ear.heard()
    doubles, losses = report(f"died: {balancing}", sent, heard)
    assert doubles == {}
    lost = {pair.taker(*packet(number)) for number in losses}
    assert lost == {"pris"}, "the share of who stays is not touched"
    # An advertisement every second, skewed, and three seconds of silence.
    assert all(-0.01 < sent[number] - died < 4.5 for number in losses)
