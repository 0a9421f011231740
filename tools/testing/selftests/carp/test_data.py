# SPDX-License-Identifier: GPL-2.0
"""Frames for the virtual MAC: taken by the MASTER only; the BACKUP drops them and
is silent; what the parent's filters hold; no sysctl has to be touched.
"""

import json
import struct

import pytest

from carp import group, master, virtual_mac
from topology import run
from wire import Capture, Injector, checksum, mac

CLIENT_MAC = "02:00:00:00:00:50"


def echo_request(target, destination=virtual_mac(1), sender="192.0.2.50"):
    body = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + b"are you a replicant?"
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, 1, 0)
    head += b"".join(bytes(map(int, a.split("."))) for a in (sender, target))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return mac(destination) + mac(CLIENT_MAC) + b"\x08\x00" + head + body


@pytest.mark.parametrize("rp_filter", [0, 1, 2])
@pytest.mark.parametrize("prefix", [24, 32])
def test_ping_the_virtual_address(rachael, client, prefix, rp_filter):
    rachael.ipv4_conf("rp_filter", rp_filter)
    master(rachael, f"192.0.2.1/{prefix}")
    client.run("ping", "-c", "3", "-i", "0.2", "-W", "2", "192.0.2.1")
    client.run("ping", "-c", "1", "-W", "2", "192.0.2.11")


@pytest.mark.parametrize("prefix", [24, 32])
@pytest.mark.parametrize("added", ["first", "to a MASTER"])
def test_everything_answers_after_a_bounce_of_the_parent(rachael, client, prefix, added):
    """With strict rp_filter: the subnet's route must not have moved to the carp device (design-checks.md, C1).
    Linux would give that route to a MASTER alone: to others the address is not local."""
    rachael.ipv4_conf("rp_filter", 1)
    made = master(rachael, f"192.0.2.1/{prefix}" if added == "first" else "192.0.2.2/32")
    if added == "to a MASTER":
        made.add_address(f"192.0.2.1/{prefix}")
    rachael.rtnl.down("eth0")
    rachael.rtnl.up("eth0")
    made.wait("MASTER")
    for address in ("192.0.2.1", "192.0.2.11"):
        client.run("ping", "-c", "1", "-W", "2", address)


def test_changes_of_the_parent_do_not_disturb(rachael, client):
    """Its name, MTU and hardware address change under a MASTER."""
    made = master(rachael)
    rachael.ip("link", "set", "eth0", "mtu", "1400")
    rachael.ip("link", "set", "eth0", "address", "02:00:00:00:00:aa")
    rachael.ip("link", "set", "eth0", "name", "outside")
    with Capture(client.ns, "eth0", "in") as capture:
        for _ in range(3):
            assert capture.advertisement(2).source == virtual_mac(1)
    now = made.status()
    assert (now["state"], now["transitions"]) == ("MASTER", 2)
    assert made.show()["mtu"] == 1400
    client.run("ping", "-c", "1", "-W", "2", "192.0.2.1")
    made.delete()
    assert virtual_mac(1) not in run("bridge", "-n", rachael.ns, "fdb", "show", "dev", "outside").stdout


def test_mtu_below_that_of_ipv6(rachael, client):
    """The parent's may be less than 1280, the group's not: it kept what it had, and gave the parent packets
    that do not fit."""
    made = master(rachael)
    rachael.ip("link", "set", "eth0", "mtu", "1000")
    assert made.show()["mtu"] == 1280
    client.run("ping", "-c", "1", "-W", "2", "192.0.2.1")
    rachael.ip("link", "set", "eth0", "mtu", "1500")
    assert made.show()["mtu"] == 1500
    assert made.status()["transitions"] == 2


def test_ping_is_answered_at_once_after_takeover(rachael, client):
    """The first packet after the takeover is answered: nothing waits for a route."""
    group(rachael)
    with Capture(client.ns, "eth0", "in") as capture, Injector(client) as injector:
        rachael.ip("neigh", "replace", "192.0.2.50", "lladdr", CLIENT_MAC, "dev", "eth0")
        capture.advertisement(6)
        injector.send(echo_request("192.0.2.1"))
        capture.until(lambda f: f.ip and f.ip["protocol"] == 1 and f.ip["payload"][0] == 0
                      and f.ip["source"] == "192.0.2.1", 1, "the echo reply")


def test_tcp_to_the_virtual_address(rachael, client):
    master(rachael)
    with rachael.background("python3", "-m", "http.server", "--bind", "192.0.2.1", "80"):
        client.run("python3", "-c", (
            "import socket,time\n"
            "for _ in range(100):\n"
            "  try: s=socket.create_connection(('192.0.2.1',80),1); break\n"
            "  except OSError: time.sleep(.1)\n"
            "s.send(b'GET / HTTP/1.0\\r\\n\\r\\n'); assert s.recv(15).startswith(b'HTTP/1')"))


def test_gateway_forwards_for_the_virtual_mac(rachael, client, segment):
    """A client whose gateway is the virtual address reaches a network behind the MASTER."""
    segment.plug(rachael, "eth1", "rachael1")
    rachael.ip("address", "add", "203.0.113.11/24", "dev", "eth1")
    server = segment.host("server")
    server.batch("address add 203.0.113.80/24 dev eth0", "route add default via 203.0.113.11")
    rachael.sysctl("net.ipv4.ip_forward", 1)
    master(rachael)
    client.ip("route", "add", "default", "via", "192.0.2.1")
    client.run("ping", "-c", "2", "-W", "2", "203.0.113.80")


def test_firewall_rules_for_the_parent_go_on_working(rachael, client):
    """Data for the virtual MAC comes in on eth0, for nftables too."""
    master(rachael)
    rachael.run("nft", "add table ip t; add chain ip t i { type filter hook input priority 0; };"
                " add rule ip t i iifname eth0 icmp type echo-request counter")
    client.run("ping", "-c", "3", "-i", "0.2", "-W", "2", "192.0.2.1")
    assert "packets 3" in rachael.run("nft", "list", "table", "ip", "t").stdout


def about_the_client(frames):
    """Answers, redirects and forwarded frames; not what an idle host says by itself."""
    return [f for f in frames if f.source == virtual_mac(1) or f.arp or (f.ip and f.ip["protocol"] == 1)]


def test_backup_drops_frames_for_the_virtual_mac(rachael, client):
    """Neither answered nor forwarded, and counted."""
    made = group(rachael, advbase=100)
    rachael.sysctl("net.ipv4.ip_forward", 1)
    rachael.ip("neigh", "replace", "192.0.2.50", "lladdr", CLIENT_MAC, "dev", "eth0")
    with Capture(rachael.ns, "eth0", "out") as capture, Injector(client) as injector:
        for target in ("192.0.2.1", "192.0.2.11", "192.0.2.99"):
            injector.send(echo_request(target))
        frames = capture.during(2)
    assert not about_the_client(frames)
    assert made.counters()["rx_not_master"] == 3


def test_init_drops_frames_for_the_virtual_mac(rachael, client):
    made = master(rachael)
    made.down()
    rachael.ip("neigh", "replace", "192.0.2.50", "lladdr", CLIENT_MAC, "dev", "eth0")
    with Capture(rachael.ns, "eth0", "out") as capture, Injector(client) as injector:
        injector.send(echo_request("192.0.2.1"))
        assert not about_the_client(capture.during(2))


def test_backup_is_silent(rachael, client):
    """No frame leaves from the virtual MAC, whatever happens around a BACKUP, and nobody is told
    of the virtual address."""
    with Capture(rachael.ns, "eth0", "out") as capture:
        made = group(rachael, "192.0.2.1/24", "2001:db8::1/64", advbase=100)
        made.add_address("192.0.2.2/32")
        rachael.sysctl("net.ipv4.ip_forward", 1)
        rachael.sysctl("net.ipv6.conf.all.forwarding", 1)
        rachael.batch("link set eth0 down", "link set eth0 up", "link set carp0 down", "link set carp0 up")
        client.run("ping", "-c", "1", "-W", "1", "192.0.2.1", check=False)
        frames = capture.during(30) + capture.frames
    assert made.state == "BACKUP"
    assert [f for f in frames if f.source == virtual_mac(1)] == []
    assert [f for f in frames if f.arp and f.arp["sender"] in ("192.0.2.1", "192.0.2.2")] == []


def test_virtual_mac_is_in_the_unicast_filter(rachael):
    made = group(rachael)
    shown = run("bridge", "-n", rachael.ns, "fdb", "show", "dev", "eth0").stdout
    assert virtual_mac(1) in shown
    made.delete()
    shown = run("bridge", "-n", rachael.ns, "fdb", "show", "dev", "eth0").stdout
    assert virtual_mac(1) not in shown


def promiscuity(host, interface):
    shown = json.loads(run("ip", "-n", host.ns, "-d", "-j", "link", "show", "dev", interface).stdout)
    return shown[0]["promiscuity"]


def test_promiscuous_mode_is_not_forced(rachael):
    """A parent with a unicast filter (here: a VLAN device) keeps promiscuity 0."""
    rachael.batch("link add link eth0 name eth0.5 type vlan id 5", "link set eth0.5 up",
                  "address add 198.51.100.11/24 dev eth0.5")
    group(rachael, "198.51.100.1/32", parent="eth0.5")
    assert promiscuity(rachael, "eth0.5") == 0


def test_multicast_membership(rachael):
    """224.0.0.18 is joined while there is a group, also after the parent was down; then left."""
    made = group(rachael)
    assert "224.0.0.18" in rachael.ip("maddr", "show", "dev", "eth0").stdout
    rachael.batch("link set eth0 down", "link set eth0 up")
    shown = rachael.ip("maddr", "show", "dev", "eth0").stdout
    assert "224.0.0.18" in shown and "01:00:5e:00:00:12" in shown
    made.delete()
    shown = rachael.ip("maddr", "show", "dev", "eth0").stdout
    assert "224.0.0.18" not in shown and "01:00:5e:00:00:12" not in shown


def test_parent_lets_solicitations_pass(rachael):
    """A NIC that filters would drop the questions for the virtual address, so that nobody
    found it who did not know its MAC already."""
    made = group(rachael)
    made.add_address("2001:db8::cafe:10/64")

    def filtered():
        return "33:33:ff:fe:00:10" in rachael.ip("maddr", "show", "dev", "eth0").stdout

    assert filtered()
    made.remove_address("2001:db8::cafe:10/64")
    assert not filtered()
    made.add_address("2001:db8::cafe:10/64")
    made.down()
    assert not filtered()
    made.up()
    assert filtered()
    made.delete()
    assert not filtered()


@pytest.mark.parametrize("kind", ["vlan", "bond", "bridge"])
def test_kinds_of_parent(rachael, client, kind):
    """VLAN, bond and bridge as parents: elected, and the address answers."""
    lines = {
        "vlan": ["link add link eth0 name parent0 type vlan id 5"],
        "bond": ["link add parent0 type bond mode active-backup miimon 100",
                 "link set eth0 down", "link set eth0 master parent0"],
        "bridge": ["link add parent0 type bridge forward_delay 0", "link set eth0 master parent0"],
    }[kind]
    rachael.batch("address flush dev eth0", *lines, "link set eth0 up", "link set parent0 up",
                  "address add 192.0.2.11/24 dev parent0")
    interface = "eth0"
    if kind == "vlan":
        client.batch("address flush dev eth0", "link add link eth0 name eth0.5 type vlan id 5",
                     "link set eth0.5 up", "address add 192.0.2.50/24 dev eth0.5")
        interface = "eth0.5"
    group(rachael, parent="parent0").wait("MASTER", 10)
    client.run("ping", "-I", interface, "-c", "2", "-W", "2", "192.0.2.1")
