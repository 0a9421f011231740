# SPDX-License-Identifier: GPL-2.0
"""The data path of a pair of gateways: frames to the virtual MAC are the MASTER's alone.
It forwards and delivers them, on the parent as input device; a BACKUP neither delivers,
forwards, bounces, redirects nor rejects.
"""

import contextlib
import socket
import threading

import packets
import pytest
from carp import group, master
from gateways import (CLIENT, CLIENT_MAC, OWN, SERVER, SERVER_MAC, TO_GROUP, VIP, VIRTUAL_MAC, Gateways, mac_of,
                      provoked, without_advertisements)
from topology import eventually, inside
from wire import Capture, Injector, arp_request

both = pytest.mark.parametrize("family", ["v4", "v6"])


@pytest.fixture
def gateways(segment, request):
    """With groups of the test's family: of IPv4 alone, or of both."""
    family = getattr(request.node, "callspec", None) and request.node.callspec.params.get("family", "v4")
    return Gateways(segment, ("v4", "v6") if family == "v6" else ("v4",))


def listener(host, family, port, kind=socket.SOCK_DGRAM):
    with inside(host.ns):
        made = socket.socket(socket.AF_INET6 if family == "v6" else socket.AF_INET, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("::" if family == "v6" else "0.0.0.0", port))
    made.settimeout(2)
    return made


@pytest.mark.both_clocks
@both
def test_the_master_alone_forwards(gateways, family):
    """A datagram to the virtual MAC for a server behind reaches it once, through the MASTER."""
    gateways.groups()
    with Capture(gateways.server.ns, "eth0", "in") as capture:
        with gateways.into("rachael") as first, gateways.into("pris") as second:
            for injector in (first, second):
                injector.send(packets.udp(TO_GROUP, CLIENT[family], SERVER[family], 9))
        frames = [f for f in capture.during(0.5) if packets.ports(f) == (4242, 9)]
    assert [f.source for f in frames] == [mac_of(gateways.rachael, "eth1")]
    assert frames[0].ip["ttl"] == 63


@pytest.mark.both_clocks
@both
def test_the_master_alone_delivers(gateways, family):
    """A datagram to the address reaches a socket of the MASTER, and none of the BACKUP."""
    gateways.groups()
    sockets = [listener(router, family, 7) for router in gateways.routers.values()]
    for name in ("rachael", "pris"):
        with gateways.into(name) as injector:
            injector.send(packets.udp(TO_GROUP, CLIENT[family], VIP[family], 7, name.encode()))
    data, peer = sockets[0].recvfrom(100)
    assert (data, peer[:2]) == (b"rachael", (CLIENT[family], 4242))
    sockets[1].settimeout(0.5)
    with pytest.raises(TimeoutError):
        sockets[1].recv(100)


@pytest.mark.both_clocks
@both
def test_traffic_through_the_group_and_back(gateways, family):
    """Client and server have the groups' addresses as routers; a MASTER that dies takes nothing along."""
    gateways.families = ("v4", "v6")
    gateways.groups()
    for made in gateways.routes()[:1]:
        made.wait("MASTER")
    gateways.client.run("ping", "-c", "3", "-i", "0.2", "-W", "2", SERVER[family])
    for segment in (gateways.segment, gateways.behind):
        segment.cut(gateways.rachael)
    gateways.client.run("ping", "-c", "1", "-w", "9", SERVER[family])
    gateways.client.run("ping", "-c", "3", "-i", "0.2", "-W", "2", SERVER[family])


@both
def test_parent_is_the_input_device(gateways, family):
    """For the firewall, too: rules that name eth0 match in every hook, and none has to name carp0."""
    master(gateways.rachael, *gateways.addresses())
    hooks = ("prerouting", "input", "forward")
    gateways.rachael.run("nft", "\n".join(
        ["add table inet t"] + [line for hook in hooks for line in (
            f"add chain inet t {hook} {{ type filter hook {hook} priority 0; }}",
            f"add rule inet t {hook} iifname eth0 udp sport 4242 counter",
            # But for router solicitations, which may come at any time.
            f"add rule inet t {hook} iifname carp0 meta l4proto != ipv6-icmp counter")]))
    with gateways.into("rachael") as injector:
        injector.send(packets.udp(TO_GROUP, CLIENT[family], SERVER[family], 9))
        injector.send(packets.udp(TO_GROUP, CLIENT[family], VIP[family], 9))

    def counted():
        shown = gateways.rachael.run("nft", "list", "table", "inet", "t").stdout
        rules = [line.split() for line in shown.splitlines() if "counter" in line]
        return [int(words[words.index("packets") + 1]) for words in rules]

    eventually(lambda: sum(counted()) >= 4, 1, counted)
    assert counted() == [2, 0, 1, 0, 1, 0]


@both
def test_counted_on_the_carp_device(gateways, family):
    """Frames for the virtual MAC are counted on the carp device, with their bytes, in 64 bits."""
    made = master(gateways.rachael, *gateways.addresses())
    before = made.show(statistics=True)["stats64"]["rx"]
    datagram = packets.udp(TO_GROUP, CLIENT[family], SERVER[family], 9, bytes(1000))
    with gateways.into("rachael") as injector:
        for _ in range(10):
            injector.send(datagram)
    after = made.show(statistics=True)["stats64"]["rx"]
    assert after["packets"] - before["packets"] == 10
    assert after["bytes"] - before["bytes"] in (10 * len(datagram), 10 * (len(datagram) - 14))


def everything_for(name, family):
    """One frame of each kind that a host would answer, forward, redirect or reject."""
    client, vip, own = CLIENT[family], VIP[family], OWN[name][family]
    neighbour, nobody = {"v4": ("192.0.2.77", "203.0.113.200"), "v6": ("2001:db8:1::77", "2001:db8:2::200")}[family]
    unknown = {"v4": "198.51.100.9", "v6": "2001:db8:99::9"}[family]
    sent = [packets.echo(TO_GROUP, client, target) for target in (vip, own, neighbour, SERVER[family], nobody, unknown)]
    sent += [packets.udp(TO_GROUP, client, target, 9) for target in (vip, own, SERVER[family], unknown)]
    sent += [packets.syn(TO_GROUP, client, target, 9) for target in (vip, own, SERVER[family])]
    sent += [packets.udp(TO_GROUP, client, SERVER[family], 9, ttl=1)]  # would be "time exceeded"
    sent += [packets.frame(TO_GROUP, client, vip, 200, b"no such protocol")]
    if family == "v4":
        sent += [arp_request(CLIENT_MAC, client, target, VIRTUAL_MAC) for target in (vip, own)]
        sent += [packets.udp(TO_GROUP, client, "192.0.2.255", 9), packets.udp(TO_GROUP, client, "224.0.0.1", 9)]
    else:
        sent += [packets.neighbour_solicitation(CLIENT_MAC, client, target, target, VIRTUAL_MAC) for target in (vip, own)]
        sent += [packets.neighbour_advertisement(CLIENT_MAC, client, vip, destination=vip, destination_mac=VIRTUAL_MAC)]
    return sent


@both
@pytest.mark.parametrize("forwarding", [0, 1])
def test_backup_emits_nothing_for_frames_to_the_virtual_mac(gateways, family, forwarding):
    """Nothing is answered, forwarded, bounced, redirected or rejected, on either side, and every
    frame is counted."""
    _, second = gateways.groups()
    gateways.pris.sysctl("net.ipv4.ip_forward", forwarding)
    gateways.pris.sysctl("net.ipv6.conf.all.forwarding", forwarding)
    sent = everything_for("pris", family)
    before = second.counters()["rx_not_master"]
    with Capture(gateways.pris.ns, "eth0", "out") as outside, Capture(gateways.pris.ns, "eth1", "out") as inner:
        with gateways.into("pris") as injector:
            for frame in sent:
                injector.send(frame)
        emitted = outside.during(4) + inner.during(0)
    assert provoked(emitted) == []
    assert second.state == "BACKUP"
    # Questions for the address itself are not for the stack in the first place, and may be counted elsewhere.
    questions = 1 if family == "v4" else 2
    assert len(sent) - questions <= second.counters()["rx_not_master"] - before <= len(sent)


@both
def test_nothing_bounces_when_the_route_points_back(gateways, family):
    """Two gateways with the client's router as default route do not pass a frame back and forth."""
    gateways.groups()
    for router in gateways.routers.values():
        router.batch("route add default via 192.0.2.50", "route add ::/0 via 2001:db8:1::50")
    target = {"v4": "198.51.100.9", "v6": "2001:db8:99::9"}[family]
    with Capture(gateways.pris.ns, "eth0", "out") as second, Injector(gateways.client) as injector:
        with Capture(gateways.client.ns, "eth0", "in") as capture:
            # To everybody: the bridge does not know yet where the virtual MAC is, or has forgotten it.
            injector.send(packets.udp(TO_GROUP, CLIENT[family], target, 9))
            with gateways.into("pris") as into_pris:
                into_pris.send(packets.udp(TO_GROUP, CLIENT[family], target, 9))
            came = [f for f in capture.during(1) if packets.ports(f) == (4242, 9)]
        assert provoked(second.drain()) == []
    assert [f.source for f in came] == [mac_of(gateways.rachael)]


def test_backup_still_has_its_own_address(gateways):
    """The parent's own addresses are reached on the parent's own MAC, by MASTER and BACKUP."""
    gateways.groups()
    for name in ("rachael", "pris"):
        own = mac_of(gateways.routers[name])
        for family in ("v4", "v6"):
            with Capture(gateways.client.ns, "eth0", "in") as capture, Injector(gateways.client) as injector:
                injector.send(packets.echo((own, CLIENT_MAC), CLIENT[family], OWN[name][family]))
                answer = capture.until(lambda f: packets.echo_reply(f), 1, f"an answer of {name}")
            assert answer.source == own


@both
def test_broadcast_and_multicast_reach_the_parent(gateways, family):
    """What is not for the virtual MAC is not touched, whatever the state."""
    gateways.groups()
    target, mac = {"v4": ("192.0.2.255", "ff:ff:ff:ff:ff:ff"), "v6": ("ff02::1", "33:33:00:00:00:01")}[family]
    for name, router in gateways.routers.items():
        receiver = listener(router, family, 7)
        with gateways.into(name) as injector:
            injector.send(packets.udp((mac, CLIENT_MAC), CLIENT[family], target, 7, name.encode()))
        assert receiver.recv(100) == name.encode()


def on_vlan(host, number, *addresses, interface="eth0"):
    host.batch(f"link add link {interface} name {interface}.{number} type vlan id {number}",
               f"link set {interface}.{number} up",
               *(f"address add {address} dev {interface}.{number}" + (" nodad" if ":" in address else "")
                 for address in addresses))


@both
def test_tagged_traffic_of_a_vlan_parent(gateways, family):
    """A group on a VLAN forwards and delivers tagged frames, as MASTER only."""
    vlan_vip = {"v4": "198.51.100.1", "v6": "2001:db8:5::1"}
    vlan_client = {"v4": "198.51.100.50", "v6": "2001:db8:5::50"}
    made = {}
    for name, skew in (("rachael", 0), ("pris", 100)):
        router, number = gateways.routers[name], OWN[name]["v4"].rpartition(".")[2]
        on_vlan(router, 5, f"198.51.100.{number}/24", f"2001:db8:5::{number}/64")
        router.batch(*(f"neigh replace {vlan_client[f]} lladdr {CLIENT_MAC} dev eth0.5 nud permanent" for f in vlan_client))
        made[name] = group(router, *(f"{vlan_vip[f]}/{32 if f == 'v4' else 128}" for f in gateways.families),
                           parent="eth0.5", advskew=skew)
    made["rachael"].wait("MASTER")
    assert made["pris"].state == "BACKUP"
    for name in ("rachael", "pris"):
        with Capture(gateways.server.ns, "eth0", "in") as capture, gateways.into(name) as injector:
            with Capture(gateways.routers[name].ns, "eth0.5", "out") as out:
                injector.send(packets.udp(TO_GROUP, vlan_client[family], SERVER[family], 9, vlan=5))
                injector.send(packets.echo(TO_GROUP, vlan_client[family], vlan_vip[family], vlan=5))
                answers = [f for f in out.during(1) if packets.echo_reply(f, vlan_vip[family])]
            passed = [f for f in capture.drain() if packets.ports(f) == (4242, 9)]
        assert (len(answers), len(passed)) == ((1, 1) if name == "rachael" else (0, 0)), name


def test_the_same_vhid_on_trunk_and_vlan(gateways):
    """vhid 1 on eth0 and on eth0.5 are two groups: a frame is its own group's alone."""
    rachael = gateways.rachael
    on_vlan(rachael, 5, "198.51.100.11/24")
    untagged = master(rachael)
    tagged = group(rachael, "198.51.100.1/32", name="carp5", parent="eth0.5", advbase=100)
    before = untagged.counters()["rx_not_master"], tagged.counters()["rx_not_master"]
    with gateways.into("rachael") as injector, Capture(gateways.server.ns, "eth0", "in") as capture:
        injector.send(packets.udp(TO_GROUP, "198.51.100.50", SERVER["v4"], 9, vlan=5))
        injector.send(packets.udp(TO_GROUP, CLIENT["v4"], SERVER["v4"], 10))
        frames = [packets.ports(f) for f in capture.during(0.5) if packets.ports(f)]
    assert frames == [(4242, 10)]
    assert (untagged.counters()["rx_not_master"], tagged.counters()["rx_not_master"]) == (before[0], before[1] + 1)


def test_a_vlan_without_group_is_not_the_groups(gateways):
    """Tagged frames to the virtual MAC on a VLAN that has no group are none of ours."""
    on_vlan(gateways.rachael, 7, "198.51.100.11/24")
    gateways.rachael.ip("neigh", "replace", "198.51.100.50", "lladdr", CLIENT_MAC, "dev", "eth0.7")
    master(gateways.rachael)
    with gateways.into("rachael") as injector, Capture(gateways.server.ns, "eth0", "in") as capture:
        with Capture(gateways.rachael.ns, "eth0", "out") as out:
            injector.send(packets.udp(TO_GROUP, "198.51.100.50", SERVER["v4"], 9, vlan=7))
            injector.send(packets.echo(TO_GROUP, "198.51.100.50", "198.51.100.11", vlan=7))
            assert not [f for f in without_advertisements(out.during(0.5)) if f.kind == 0x8100]
        assert not [f for f in capture.drain() if packets.ports(f)]


def stream(sender, receiver, octets):
    """Sends so much over a connection; returns what arrived."""
    arrived = []

    def receive():
        while piece := receiver.recv(1 << 20):
            arrived.append(piece)

    thread = threading.Thread(target=receive)
    thread.start()
    sender.sendall(octets)
    sender.shutdown(socket.SHUT_WR)
    thread.join()
    return b"".join(arrived)


@contextlib.contextmanager
def connection(client, host, address, family, port=80):
    server = listener(host, family, port, socket.SOCK_STREAM)
    server.listen()
    with inside(client.ns):
        sender = socket.create_connection((address, port), 5)
    receiver = server.accept()[0]
    receiver.settimeout(20)
    with server, sender, receiver:
        yield sender, receiver


@both
@pytest.mark.parametrize("where, gro", [("through", "on"), ("to", "off")])
def test_large_packets(gateways, family, gro, where):
    """Segments that are put together (GRO) or not yet taken apart (GSO) are forwarded and delivered."""
    gateways.families = ("v4", "v6")
    gateways.groups()
    gateways.routes()[0].wait("MASTER")
    for router in gateways.routers.values():
        router.run("ethtool", "-K", "eth0", "gro", gro)
    host, address = ((gateways.server, SERVER[family]) if where == "through" else (gateways.rachael, VIP[family]))
    octets = bytes(range(256)) * 2048
    with Capture(gateways.rachael.ns, "eth0", "in") as capture:
        with connection(gateways.client, host, address, family) as ends:
            assert stream(*ends, octets) == octets
        frames = [f for f in capture.drain() if f.ip and f.ip["protocol"] == packets.TCP]
    assert {f.destination for f in frames} == {VIRTUAL_MAC}
    assert max(len(f.raw) for f in frames) > 3000, "no large packet was seen"


@both
def test_fragments(gateways, family):
    gateways.families = ("v4", "v6")
    gateways.groups()
    gateways.routes()[0].wait("MASTER")
    for target in (VIP[family], SERVER[family]):
        gateways.client.run("ping", "-c", "1", "-s", "4000", "-W", "2", target)


@both
def test_what_leaves_by_the_carp_device_has_the_virtual_mac(gateways, family):
    """Routed out of carp0, it comes from the virtual MAC, as do its questions, and the answers find back."""
    made = master(gateways.rachael, *gateways.addresses())
    there = {"v4": "198.51.100.50/32", "v6": "2001:db8:9::50/128"}[family]
    gateways.client.ip("address", "add", there, "dev", "eth0", *(["nodad"] if family == "v6" else []))
    gateways.rachael.ip("route", "add", there, "dev", "carp0", "src", VIP[family])
    # Answers come in on the parent, where a strict filter expects no such source; and the client answers.
    for device in ("all", "eth0"):
        gateways.rachael.sysctl(f"net.ipv4.conf.{device}.rp_filter", 2)
        gateways.client.sysctl(f"net.ipv4.conf.{device}.arp_ignore", 0)
    with Capture(gateways.client.ns, "eth0", "in") as capture:
        gateways.rachael.run("ping", "-c", "2", "-i", "0.2", "-W", "2", there.partition("/")[0])
        frames = [f for f in capture.drain() if packets.icmp_type(f) in (("v4", 8), ("v6", 128)) or f.arp
                  or (packets.nd(f) or {}).get("target") == "2001:db8:9::50"]
    assert len(frames) > 2 and {f.source for f in frames} == {VIRTUAL_MAC}
    assert made.counters()["tx_not_master"] == 0


def test_a_server_is_reached_by_its_own_mac(gateways):
    """Forwarded traffic leaves on the inside with the inside's own MAC and to the server's."""
    gateways.groups()
    with gateways.into("rachael") as injector, Capture(gateways.server.ns, "eth0", "in") as capture:
        injector.send(packets.udp(TO_GROUP, CLIENT["v4"], SERVER["v4"], 9))
        frame = capture.until(lambda f: packets.ports(f) == (4242, 9), 1)
    assert (frame.destination, frame.source) == (SERVER_MAC, mac_of(gateways.rachael, "eth1"))


@pytest.mark.parametrize("family", ["v4", "v6"])
@pytest.mark.parametrize("asks_for", ["own", "virtual"])
def test_client_at_another_mac_that_asks_is_answered_there(segment, family, asks_for):
    """A container that was made anew with the old one's address: what it asks first tells where it is now."""
    net = Gateways(segment)
    net.groups()
    address = {"own": OWN["rachael"], "virtual": VIP}[asks_for][family]
    net.rachael.batch(f"neighbour replace {CLIENT[family]} lladdr {CLIENT_MAC} dev eth0 nud stale")
    net.client.batch("link set eth0 address 02:00:00:00:00:51", "neighbour flush dev eth0")
    net.client.run("ping", "-c", "1", "-W", "2", address)


@both
def test_who_asks_in_the_name_of_this_host_is_no_neighbour(gateways, family):
    """Nor in the name of one of its virtual addresses: it would talk to somebody else instead of to itself."""
    virtual = {"v4": "192.0.2.9", "v6": "2001:db8::9"}
    master(gateways.rachael, *gateways.addresses(), virtual[family])
    with gateways.into("rachael") as injector:
        for name in (OWN["rachael"][family], virtual[family], CLIENT[family]):
            if family == "v4":
                injector.send(arp_request(CLIENT_MAC, name, VIP["v4"]))
            else:
                injector.send(packets.neighbour_solicitation(CLIENT_MAC, name, VIP["v6"]))
        eventually(lambda: CLIENT[family] in gateways.rachael.ip("neigh").stdout, 1, "who is no such one")
    known = gateways.rachael.ip("neigh").stdout.split()
    assert OWN["rachael"][family] not in known and virtual[family] not in known
