# SPDX-License-Identifier: GPL-2.0
"""No sysctl surgery: with Debian's defaults (which all tests have: sysctls.py) and with each
setting that Linux solutions have to change, the address answers, the gateway forwards, and a
failover happens, with nothing given away; and so with a firewall that drops what it does not
know and was written for the parent.
"""

import contextlib
import socket

import packets
import pytest
import sysctls
from carp import master
from gateways import (
    CLIENT,
    CLIENT_MAC,
    INSIDE_MAC,
    INSIDE_VIP,
    OWN,
    SERVER,
    SERVER_MAC,
    VIP,
    VIRTUAL_MAC,
    Gateways,
    mac_of,
)
from topology import inside
from wire import BROADCAST, Capture, Injector, arp_request

ALL = sysctls.SETS["hostile"]["all"]
# {sysctl: value} of net.ipv4.conf, for "all" and each device.
SETTINGS = {
    "defaults": [{}],
    "reverse path": [{"rp_filter": 1}, {"rp_filter": 2}, {"rp_filter": 1, "log_martians": 1}, {"rp_filter": 1, "src_valid_mark": 1},
                     {"accept_local": 1}, {"rp_filter": 1, "accept_local": 1}, {"route_localnet": 1}],
    "arp": [{"arp_ignore": 1}, {"arp_ignore": 2}, {"arp_ignore": 8}, {"arp_announce": 1}, {"arp_announce": 2}, {"arp_filter": 1},
            {"arp_ignore": 1, "arp_announce": 2}],
    "all at once": [ALL],
    "all at once, each arp_ignore and arp_announce": [
        {**ALL, "arp_ignore": ignore, "arp_announce": announce} for ignore in (0, 1, 2) for announce in (0, 2)
        if (ignore, announce) != (ALL["arp_ignore"], ALL["arp_announce"])],
}

FIREWALLS = {
    "none": None,
    "invalid": """
table inet f {
  chain prerouting { type filter hook prerouting priority 0; ct state invalid drop; }
  chain input { type filter hook input priority 0; ct state invalid drop; }
  chain forward { type filter hook forward priority 0; ct state invalid drop; }
  chain output { type filter hook output priority 0; ct state invalid drop; }
}""",
    # As one writes it for a router with two interfaces, with the reverse path in it, and no word about carp.
    "for the parent": """
table inet f {
  chain prerouting { type filter hook prerouting priority -200; fib saddr . iif oif missing drop; }
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    ct state invalid drop
    iifname "lo" accept
    iifname { "eth0", "eth1" } meta l4proto 112 accept
    iifname { "eth0", "eth1" } icmp type echo-request accept
    iifname "eth0" tcp dport 22 ct state new accept
    iifname { "eth0", "eth1" } meta l4proto ipv6-icmp accept
    meta l4proto igmp accept
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "eth0" oifname "eth1" accept
  }
}""",
}


def test_hosts_begin_with_the_sysctls_of_the_chosen_set(rachael):
    """What "Debian's defaults" and "a hostile set" mean for all other tests."""
    master(rachael)
    for which, values in sysctls.SETS[sysctls.CHOSEN].items():
        for name, value in values.items():
            for device in ("eth0", "carp0") if which == "default" else ("all",):
                assert (device, name, rachael.sysctl(f"net.ipv4.conf.{device}.{name}")) == (device, name, str(value))


def own_mac_claims(frames, real, addresses):
    """Messages in which a real MAC says that it is where one of these virtual addresses is."""
    found = []
    for frame in frames:
        seen = packets.nd(frame)
        if frame.arp and frame.arp["sender"] == addresses["v4"] and frame.arp["sender_mac"] in real:
            found.append(frame)
        if seen and addresses["v6"] in (seen["source"], seen["target"] if seen["type"] == 136 else None) and seen["mac"] in real:
            found.append(frame)
    return found


@contextlib.contextmanager
def nothing_given_away(net):
    """On neither side of the gateways."""
    with Capture(net.client.ns, "eth0", "in") as outer, Capture(net.server.ns, "eth0", "in") as inner:
        yield
        for capture, interface, addresses in ((outer, "eth0", VIP), (inner, "eth1", INSIDE_VIP)):
            real = {mac_of(router, interface) for router in net.routers.values()}
            capture.drain()
            assert own_mac_claims(capture.frames, real, addresses) == []


def answers(net, target):
    with Injector(net.client) as injector, Capture(net.client.ns, "eth0", "in") as capture:
        injector.send(arp_request(CLIENT_MAC, CLIENT["v4"], target, BROADCAST))
        return [f.arp["sender_mac"] for f in capture.during(0.3)
                if f.arp and f.arp["operation"] == 2 and f.arp["sender"] == target]


def exchange(net, host, address, port):
    """A connection from the client, with a word in each direction."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with inside(host.ns):
        server = socket.create_server(("", port), family=family, dualstack_ipv6=False)
    with inside(net.client.ns):
        client = socket.socket(family)
    with server, client:
        client.settimeout(5)
        client.connect((address, port))
        client.sendall(b"voight")
        server.settimeout(5)
        peer, _ = server.accept()
        with peer:
            assert peer.recv(6) == b"voight"
            peer.sendall(b"kampff")
            assert client.recv(6) == b"kampff"


def connections_work(net, master):
    """In both families, to a service at the address, and through the gateways as default routers."""
    for family in net.families:
        exchange(net, master, VIP[family], 22)
        exchange(net, net.server, SERVER[family], 80)


def everything_works(net):
    """Pings to the address and through it, in both families, and to the inside's; and one answer to a question."""
    for family in net.families:
        # First, as long as the server is unknown: who asks for it to answer in the address's name may give itself away.
        with Injector(net.server) as injector, Capture(net.server.ns, "eth0", "in") as capture:
            target = INSIDE_VIP[family]
            injector.send(packets.echo((INSIDE_MAC, SERVER_MAC), SERVER[family], target))
            capture.until(lambda f, target=target: packets.echo_reply(f, target), 3, f"an answer of {target}")
        with Injector(net.client) as injector, Capture(net.client.ns, "eth0", "in") as capture:
            for target in (VIP[family], SERVER[family]):
                injector.send(packets.echo((VIRTUAL_MAC, CLIENT_MAC), CLIENT[family], target))
                capture.until(lambda f, target=target: packets.echo_reply(f, target), 3, f"an answer of {target}")
    assert answers(net, VIP["v4"]) == [VIRTUAL_MAC]


@contextlib.contextmanager
def hostile(net, settings):
    """These settings on both gateways, for the duration."""
    print("#", settings)
    before = [(router, router.ipv4_conf(*setting)) for router in net.routers.values() for setting in settings.items()]
    yield
    for router, values in before:
        with inside(router.ns):
            for path, value in values.items():
                path.write_text(value)


def pair(segment, firewall=None):
    net = Gateways(segment)
    for router in net.routers.values():
        if firewall:
            router.run("nft", firewall)
    net.outside, net.inside = net.groups(), net.routes()
    net.inside[0].wait("MASTER")
    return net


def scenario(net, settings, also=lambda net, master: None):
    """Everything works, also when the gateways do not know client and server, and after a failover, and
    when the preferred one is back."""
    with hostile(net, settings), nothing_given_away(net):
        # The parent's own addresses, as before.
        for name, router in net.routers.items():
            if settings.get("arp_ignore") != 8:
                assert answers(net, OWN[name]["v4"]) == [mac_of(router)]
        for router in net.routers.values():
            router.batch(*(f"neigh flush dev {device}{which}" for device in ("eth0", "eth1") for which in (" nud permanent", "")))
        everything_works(net)
        also(net, net.rachael)
        for one in (net.segment, net.behind):
            one.cut(net.rachael)
        for made in (net.outside[1], net.inside[1]):
            made.wait("MASTER")
        everything_works(net)
        also(net, net.pris)
        for one in (net.segment, net.behind):
            one.heal(net.rachael)
        for made in (net.outside[1], net.inside[1]):
            made.wait("BACKUP")
        everything_works(net)
        also(net, net.rachael)


def hardest_in_both_clocks(names, hardest):
    """In the real clock seconds of waiting cost seconds: there is one of a kind."""
    return [pytest.param(name, marks=pytest.mark.both_clocks) if name == hardest else name for name in names]


@pytest.mark.parametrize("name", hardest_in_both_clocks(SETTINGS, "all at once"))
def test_failover_with_settings(segment, name):
    net = pair(segment)
    for settings in SETTINGS[name]:
        scenario(net, settings)


@pytest.mark.parametrize("settings", [{}, *SETTINGS["all at once"]], ids=["defaults", "all at once"])
@pytest.mark.parametrize("name", hardest_in_both_clocks([name for name in FIREWALLS if name != "none"], "for the parent"))
def test_failover_with_firewall(segment, name, settings):
    """The rules are named after the parent alone, and nothing in them changes when the address moves: pings,
    connections to the address and connections through it begin before, after and back again."""
    net = pair(segment, FIREWALLS[name])
    rules = [router.run("nft", "-s", "list", "ruleset").stdout for router in net.routers.values()]
    scenario(net, settings, connections_work)
    assert rules == [router.run("nft", "-s", "list", "ruleset").stdout for router in net.routers.values()]


def test_forwarding_is_switched_while_there_is_a_group(segment):
    """ip_forward off, and on again, on MASTER and BACKUP: they stay what they are, and the MASTER forwards."""
    net = pair(segment)
    with nothing_given_away(net):
        for value in (0, 1, 0, 1):
            for router in net.routers.values():
                router.sysctl("net.ipv4.ip_forward", value)
                router.sysctl("net.ipv6.conf.all.forwarding", value)
            assert answers(net, VIP["v4"]) == [VIRTUAL_MAC]
        everything_works(net)
    assert [made.status()["transitions"] for made in net.outside] == [2, 1]


@pytest.mark.parametrize("name,firewall", [
    *((name, "none") for name in SETTINGS if name != "all at once"),
    pytest.param("all at once", "none", marks=pytest.mark.both_clocks),
    *((name, firewall) for name in ("defaults", "all at once") for firewall in FIREWALLS if firewall != "none")])
def test_hosts_that_do_not_forward(segment, name, firewall):
    """ip_forward off: the address answers, fails over, and nothing is passed on or rejected."""
    net = Gateways(segment)
    for router in net.routers.values():
        if FIREWALLS[firewall]:
            router.run("nft", FIREWALLS[firewall])
        router.sysctl("net.ipv4.ip_forward", 0)
        router.sysctl("net.ipv6.conf.all.forwarding", 0)
    first, second = net.groups()

    def check():
        with Capture(net.client.ns, "eth0", "in") as capture, Capture(net.server.ns, "eth0", "in") as behind:
            with Injector(net.client) as injector:
                for family in net.families:
                    for target in (VIP[family], SERVER[family]):
                        injector.send(packets.echo((VIRTUAL_MAC, CLIENT_MAC), CLIENT[family], target))
            frames = capture.during(1)
            assert [f for f in behind.drain() if packets.icmp_type(f) in (("v4", 8), ("v6", 128))] == []
        assert sorted(f.ip["source"] for f in frames if packets.echo_reply(f)) == sorted(VIP.values())
        assert [f for f in frames if packets.icmp_type(f) in (("v4", 3), ("v4", 5), ("v6", 1), ("v6", 137))] == []

    for settings in SETTINGS[name]:
        with nothing_given_away(net), hostile(net, settings):
            check()
            net.segment.cut(net.rachael)
            second.wait("MASTER")
            check()
            net.segment.heal(net.rachael)
            second.wait("BACKUP")
            assert first.state == "MASTER"


def test_flows_are_the_parents_for_conntrack(segment):
    """A connection through the MASTER is one flow, established and not "invalid", though its first
    packet came to the virtual MAC and its answers leave from the parent's."""
    net = pair(segment, FIREWALLS["for the parent"])
    with Injector(net.client) as injector, Capture(net.client.ns, "eth0", "in") as capture:
        for number in range(1, 4):
            injector.send(packets.echo((VIRTUAL_MAC, CLIENT_MAC), CLIENT["v4"], SERVER["v4"], number))
            capture.until(lambda f: packets.echo_reply(f, SERVER["v4"]), 2, "the answer")
    flows = net.rachael.run("conntrack", "-L", "-p", "icmp").stdout
    assert flows.count(f"src={CLIENT['v4']} dst={SERVER['v4']}") == 1
