# SPDX-License-Identifier: GPL-2.0
"""What a carp device has from its parent: MTU, limits, offloads. Large packets are cut
where and when the parent would cut its own, not before.
"""

import contextlib
import json
import pathlib
import subprocess

import pytest

import debug_kernel
import packets
from carp import Group, group, master, virtual_mac
from topology import Segment, run
from wire import Capture

BEHIND = "198.51.100.50"  # a client that is routed to out of the carp device
BYTES = 1_000_000


def link(host, interface):
    return json.loads(run("ip", "-n", host.ns, "-d", "-j", "link", "show", "dev", interface).stdout)[0]


def feature(host, interface, name):
    shown = host.run("ethtool", "-k", interface).stdout
    return next(line.split(": ")[1].startswith("on") for line in shown.splitlines() if line.strip().startswith(name + ":"))


# ---- MTU ----

def test_mtu_follows_the_parent_down_and_up(rachael):
    made = group(rachael)
    for mtu in (1400, 9000, 1500):
        rachael.ip("link", "set", "eth0", "mtu", mtu)
        assert made.show()["mtu"] == mtu


def test_mtu_follows_a_parent_with_jumbo_frames_from_the_beginning(rachael):
    rachael.ip("link", "set", "eth0", "mtu", 9000)
    assert group(rachael).show()["mtu"] == 9000


@pytest.mark.parametrize("when", ["at creation", "later"])
def test_smaller_mtu_of_the_users_choice_stays(rachael, when):
    """It gives way to an even smaller parent only, and returns with it."""
    rachael.ip("link", "set", "eth0", "mtu", 9000)
    if when == "at creation":
        rachael.ip("link", "add", "link", "eth0", "name", "carp0", "mtu", "1500", "type", "carp", "vhid", "1")
    else:
        group(rachael)
        rachael.ip("link", "set", "carp0", "mtu", "1500")
    made = Group(rachael)
    for parent, own in ((8000, 1500), (1400, 1400), (9000, 1500)):
        rachael.ip("link", "set", "eth0", "mtu", parent)
        assert made.show()["mtu"] == own
    # Having chosen the largest there is, it follows again.
    rachael.ip("link", "set", "carp0", "mtu", "9000")
    rachael.ip("link", "set", "eth0", "mtu", "8000")
    assert made.show()["mtu"] == 8000


def test_mtu_larger_than_the_parents_is_refused(rachael):
    group(rachael)
    assert "mtu greater than device maximum" in rachael.ip("link", "set", "carp0", "mtu", "1501", check=False).stderr


# ---- limits and features ----

def set_limits(rachael, **limits):
    """The kernel tells nobody of them: they are looked at whenever something else changes."""
    rachael.ip("link", "set", "eth0", *(word for item in limits.items() for word in item))
    rachael.batch("link set eth0 mtu 1400", "link set eth0 mtu 1500")


def test_segmentation_limits_follow_the_parent(rachael):
    made = group(rachael)
    for size, segments in ((30000, 20), (60000, 40), (65536, 65535)):
        set_limits(rachael, gso_max_size=size, gso_max_segs=segments)
        shown = made.show()
        assert (shown["gso_max_size"], shown["gso_max_segs"], shown["gso_ipv4_max_size"]) == (size, segments, size)
    rachael.ip("link", "set", "carp0", "gso_max_size", 20000)
    set_limits(rachael, gso_max_size=50000)
    assert made.show()["gso_max_size"] == 20000


def test_limits_come_back_when_the_parents_do(rachael):
    """What a bond can be given at a time is what its slaves can. It was taken for the user's choice."""
    rachael.batch("link add bond0 type bond mode active-backup", "link add large type veth peer name other",
                  "link set large master bond0", "link set bond0 gso_max_size 200000")
    made = group(rachael, parent="bond0")
    assert made.show()["gso_max_size"] == 200000
    rachael.batch("link add small type dummy", "link set small master bond0")
    assert made.show()["gso_max_size"] == 65536
    rachael.batch("link set small nomaster", "link set bond0 gso_max_size 200000", "link set bond0 mtu 1400",
                  "link set bond0 mtu 1500")
    assert made.show()["gso_max_size"] == 200000


def test_big_tcp_of_the_parent_is_inherited(rachael):
    rachael.ip("link", "set", "eth0", "gso_max_size", 185000)
    shown = group(rachael).show()
    assert shown["tso_max_size"] == link(rachael, "eth0")["tso_max_size"] > 185000
    assert shown["gso_max_size"] == 185000


def test_receive_offload_follows_the_parent(rachael):
    group(rachael)
    for word in ("off", "on"):
        rachael.run("ethtool", "-K", "eth0", "rx", word)
        assert feature(rachael, "carp0", "rx-checksumming") == (word == "on")


def test_offloads_can_be_switched_off_on_the_device_alone(rachael):
    group(rachael)
    rachael.run("ethtool", "-K", "carp0", "tso", "off")
    assert not feature(rachael, "carp0", "tcp-segmentation-offload")
    assert feature(rachael, "eth0", "tcp-segmentation-offload")


# ---- large packets ----

SERVER = """
import socket, sys
server = socket.create_server((sys.argv[1], 5001), reuse_port=True)
print("ready", flush=True)
connection, _ = server.accept()
total = 0
while data := connection.recv(1 << 20):
    total += len(data)
print(total, flush=True)
"""

CLIENT = """
import socket, sys
client = socket.create_connection((sys.argv[1], 5001), 20, (sys.argv[2], 0))
client.sendall(bytes(int(sys.argv[3])))
"""


def transfer(sender, receiver, target, source, taps):
    """A megabyte over TCP; returns what each tap ({name: Capture}) saw of it."""
    with receiver.background("python3", "-c", SERVER, target, stdout=subprocess.PIPE) as server:
        assert server.stdout.readline() == "ready\n"
        sender.run("python3", "-c", CLIENT, target, source, str(BYTES))
        assert server.stdout.readline() == f"{BYTES}\n"
        for tap in taps.values():
            tap.drain()
    return {name: [f for f in tap.frames if f.ip and f.ip["protocol"] == 6 and f.ip["destination"] == target]
            for name, tap in taps.items()}


def route_out_of(rachael, client, interface="eth0"):
    """The client has an address that rachael reaches through carp0. What it sends back comes in on the parent, where
    a strict filter would want that route to be."""
    rachael.ipv4_conf("rp_filter", 2)
    client.batch(f"address add {BEHIND}/32 dev {interface}", f"neigh replace 192.0.2.1 lladdr {virtual_mac(1)} dev {interface} nud permanent")
    address = link(client, interface)["address"]
    rachael.batch(f"route add {BEHIND}/32 dev carp0 src 192.0.2.1",
                  f"neigh replace {BEHIND} lladdr {address} dev carp0 nud permanent")


@pytest.mark.parametrize("parent", ["veth", "vlan"])
def test_large_packets_reach_the_parent_uncut(rachael, client, parent):
    """TCP through the carp device: from the virtual MAC, cut by nobody on this host."""
    below = "eth0"
    if parent == "vlan":
        below = "eth0.5"
        for host, address in ((rachael, "192.0.2.11/24"), (client, "192.0.2.50/24")):
            host.batch("address flush dev eth0", "link add link eth0 name eth0.5 type vlan id 5", "link set eth0.5 up",
                       f"address add {address} dev eth0.5")
    master(rachael, parent=below)
    route_out_of(rachael, client, below)
    with Capture(rachael.ns, "eth0", "out") as tap:
        seen = transfer(rachael, client, BEHIND, "192.0.2.1", {"eth0": tap})["eth0"]
    assert {f.source for f in seen} == {virtual_mac(1)}
    assert max(len(f.raw) for f in seen) > 10000
    assert len(seen) < BYTES / 5000


def test_large_packets_are_cut_at_the_parent_and_not_before(rachael, client):
    """A parent without any offload: one large packet goes through the carp device, many small
    ones leave, and they arrive."""
    master(rachael)
    route_out_of(rachael, client)
    rachael.run("ethtool", "-K", "eth0", "tso", "off", "gso", "off", "tx", "off", "sg", "off")
    with Capture(rachael.ns, "eth0", "out") as parent, Capture(rachael.ns, "carp0", "out") as own:
        seen = transfer(rachael, client, BEHIND, "192.0.2.1", {"eth0": parent, "carp0": own})
    assert max(len(f.raw) for f in seen["carp0"]) > 10000
    assert max(len(f.raw) for f in seen["eth0"]) == 1514


def test_large_packets_are_cut_to_the_parents_mtu(rachael, client):
    master(rachael)
    route_out_of(rachael, client)
    rachael.ip("link", "set", "eth0", "mtu", "1400")
    rachael.run("ethtool", "-K", "eth0", "tso", "off", "gso", "off")
    with Capture(rachael.ns, "eth0", "out") as parent:
        seen = transfer(rachael, client, BEHIND, "192.0.2.1", {"eth0": parent})["eth0"]
    assert max(len(f.raw) for f in seen) == 1414


def test_large_packets_are_received_uncut(rachael, client):
    """To the virtual MAC and address: what the parent has put together stays together."""
    master(rachael)
    with Capture(rachael.ns, "eth0", "in") as tap:
        seen = transfer(client, rachael, "192.0.2.1", "192.0.2.50", {"eth0": tap})["eth0"]
    assert {f.destination for f in seen} == {virtual_mac(1)}
    assert max(len(f.raw) for f in seen) > 10000


def forward(rachael, client):
    """From the client through the MASTER to a server on another segment; what came in and went out."""
    outside = Segment("outside")
    try:
        outside.plug(rachael, "eth1", "rachael1")
        server = outside.host("server")
        server.batch("address add 203.0.113.80/24 dev eth0", "route add default via 203.0.113.11")
        rachael.ip("address", "add", "203.0.113.11/24", "dev", "eth1")
        rachael.sysctl("net.ipv4.ip_forward", 1)
        client.ip("route", "add", "default", "via", "192.0.2.1")
        master(rachael)
        with Capture(rachael.ns, "eth0", "in") as tap_in, Capture(rachael.ns, "eth1", "out") as tap_out:
            seen = transfer(client, server, "203.0.113.80", "192.0.2.50", {"in": tap_in, "out": tap_out})
    finally:
        outside.close()
    assert {f.destination for f in seen["in"]} == {virtual_mac(1)}
    return seen


def test_large_packets_are_forwarded_uncut(rachael, client):
    """Through the MASTER as gateway: taken large, sent large. How large depends on how fast
    the client's TCP believes the way to be."""
    seen = forward(rachael, client)
    for frames in seen.values():
        assert max(len(f.raw) for f in frames) > (10000 if debug_kernel.SLOWNESS == 1 else 5000)


def test_packets_that_gro_puts_together_are_forwarded(rachael, client):
    """The client cuts them itself; the parent's GRO makes large ones of them again."""
    client.run("ethtool", "-K", "eth0", "tso", "off", "gso", "off")
    # A veth has GRO if the other end does no TSO.
    run("ip", "netns", "exec", client.segment.ns, "ethtool", "-K", "rachael", "tso", "off")
    rachael.run("ethtool", "-K", "eth0", "gro", "on")
    seen = forward(rachael, client)
    for frames in seen.values():
        assert max(len(f.raw) for f in frames) > 2000


TRACING = pathlib.Path("/sys/kernel/tracing")


@contextlib.contextmanager
def copies_of_heads():
    """A list that gets the names of processes whose packets had too little room for headers and were copied."""
    names, events = [], TRACING / "kprobe_events"
    events.write_text("p:carp_copies pskb_expand_head\n")
    enable = TRACING / "events/kprobes/carp_copies/enable"
    try:
        (TRACING / "trace").write_text("")
        enable.write_text("1")
        yield names
        enable.write_text("0")
        names += [line.split()[0].rpartition("-")[0] for line in (TRACING / "trace").read_text().splitlines()
                  if "carp_copies" in line]
    finally:
        enable.write_text("0")
        events.write_text("")


def test_packets_are_copied_for_want_of_header_room(rachael, client):
    """Below the parent (VXLAN) packets get 50 more bytes in front, for which the carp device leaves room."""
    if not TRACING.joinpath("kprobe_events").exists():
        run("mount", "-t", "tracefs", "none", TRACING, check=False)
    if not TRACING.joinpath("kprobe_events").exists():
        pytest.skip("this kernel has no probes (CONFIG_KPROBE_EVENTS)")
    rachael.batch("link add vxlan0 type vxlan id 5 remote 192.0.2.50 dev eth0 dstport 4789", "link set vxlan0 up",
                  "address add 203.0.113.11/24 dev vxlan0")
    master(rachael, "203.0.113.1/32", parent="vxlan0")
    for number, device in ((50, "carp0"), (51, "vxlan0")):
        rachael.batch(f"route add 198.51.100.{number}/32 dev {device} src 203.0.113.11",
                      f"neigh replace 198.51.100.{number} lladdr 02:00:00:00:00:50 dev {device} nud permanent")
        with Capture(client.ns, "eth0", "in") as capture, copies_of_heads() as names:
            rachael.run("ping", "-c", "5", "-i", "0.1", "-W", "1", f"198.51.100.{number}", check=False)
            assert len([f for f in capture.drain() if (packets.ports(f) or (0, 0))[1] == 4789 and len(f.raw) > 130]) >= 5
        assert "ping" not in names, (device, names)
