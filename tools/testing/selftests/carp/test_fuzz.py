# SPDX-License-Identifier: GPL-2.0
"""Packets that nobody means: random ones, right ones with something changed, and right
ones among them, into both protocol handlers and past the parent's rx handler.

What is sent follows from a seed, which is printed; CARP_SEED=N repeats a run. Packets
are sent many at a time (sendmmsg), because all but the kernel's work is for nothing.
"""

import ctypes
import os
import random
import socket
import struct
import time

import pytest

from carp import group
from topology import eventually, inside
from wire import ETH_P_IP, ETH_P_IPV6, Advertisement, Injector, arp_request, checksum, mac

KEY = "tyrell"
SLOT = 160
BATCH = 64
ADDRESSES = ("192.0.2.1", "2001:db8::1")
# Another host's, and last of each family the receiver's own.
SOURCES = {ETH_P_IP: ("192.0.2.99", "192.0.2.12", "192.0.2.11"), ETH_P_IPV6: ("fe80::99", "fe80::1")}

_libc = ctypes.CDLL(None, use_errno=True)


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class _Msghdr(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint32), ("iov", ctypes.c_void_p),
                ("iovlen", ctypes.c_size_t), ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class _Mmsghdr(ctypes.Structure):
    _fields_ = [("header", _Msghdr), ("length", ctypes.c_uint)]


class Sender:
    """Sends frames from the other end of a host's cable, where no bridge has work with them, BATCH with one system
    call."""

    def __init__(self, host):
        with inside(host.segment.ns):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.bind((host.name, 0))
        self.buffer = ctypes.create_string_buffer(SLOT * BATCH)
        self.vectors = (_Iovec * BATCH)()
        self.messages = (_Mmsghdr * BATCH)()
        for n in range(BATCH):
            self.vectors[n].base = ctypes.addressof(self.buffer) + SLOT * n
            self.messages[n].header.iov = ctypes.addressof(self.vectors[n])
            self.messages[n].header.iovlen = 1
        self.waiting = self.sent = 0

    def send(self, frame):
        at = SLOT * self.waiting
        self.buffer[at:at + len(frame)] = frame
        self.vectors[self.waiting].length = len(frame)
        self.waiting += 1
        if self.waiting == BATCH:
            self.flush()

    def flush(self):
        done = 0
        while done < self.waiting:
            count = _libc.sendmmsg(self.socket.fileno(), ctypes.byref(self.messages[done]), self.waiting - done, 0)
            if count < 0:
                raise OSError(ctypes.get_errno(), "sendmmsg")
            done += count
        self.sent += done
        self.waiting = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def right_ones():
    """Advertisements with valid digests, for all groups, of both families."""
    payloads = []
    for counter in range(16):
        payloads += [Advertisement(vhid=1, key=KEY, addresses=ADDRESSES, counter=counter).carp(),
                     Advertisement(vhid=2, addresses=("192.0.2.2",), counter=counter).carp(),
                     Advertisement(vhid=3, key=KEY, addresses=("2001:db8::3",), counter=counter).carp()]
    return payloads


class Generator:
    """Frames, from a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.right = right_ones()
        self.heads = {}
        for source in (*SOURCES[ETH_P_IP], *SOURCES[ETH_P_IPV6]):
            frame = Advertisement(source=source).frame()
            self.heads[source] = frame[:len(frame) - 36]
        answer = mac("00:00:5e:00:01:01") + mac("02:00:00:00:00:50")
        self.others = [
            arp_request("02:00:00:00:00:50", "192.0.2.50", "192.0.2.1"),
            arp_request("02:00:00:00:00:50", "192.0.2.50", "192.0.2.1", "00:00:5e:00:01:01"),
            answer + struct.pack("!H", ETH_P_IP) + Advertisement().packet(),
            answer + struct.pack("!H", ETH_P_IPV6) + Advertisement(source="fe80::99").packet(),
            *(Advertisement(vhid=vhid, source=source, key=KEY, addresses=ADDRESSES).frame()
              for vhid in (1, 2, 3, 200) for source in ("192.0.2.99", "fe80::99")),
        ]

    def payload(self):
        """A CARP payload, of any length up to 48."""
        draw = self.random.random
        kind = draw()
        if kind < 0.1:
            return self.random.randbytes(self.random.randrange(49))
        data = bytearray(self.random.choice(self.right))
        if kind < 0.3:  # right
            return data
        if kind < 0.6:
            # What no digest covers decides the election: advskew, demotion, advbase.
            data[2], data[4], data[5] = self.random.choice((
                (0, 0, 1), (254, 0, 255), (255, 0, 255), (1, 0, 0), (0, 0, 0), self.random.randbytes(3)))
        else:
            for _ in range(self.random.choice((1, 1, 2, 8))):
                data[self.random.randrange(36)] = self.random.randrange(256)
        if draw() < 0.9:
            data[6:8] = b"\0\0"
            data[6:8] = struct.pack("!H", checksum(data))
        if draw() < 0.05:
            return data[:self.random.randrange(37)]
        return data

    def advertisement(self, kind):
        """One that gets to the protocol handler of this EtherType, whatever is wrong with it."""
        payload = self.payload()
        source = self.random.choice(SOURCES[kind])
        head = bytearray(self.heads[source])
        hops = 255 if self.random.random() < 0.95 else self.random.randrange(1, 255)
        if ":" in source:
            head[18:20] = struct.pack("!H", len(payload))
            head[21] = hops
        else:
            head[16:18] = struct.pack("!H", 20 + len(payload))
            head[22] = hops
            head[24:26] = b"\0\0"
            head[24:26] = struct.pack("!H", checksum(head[14:34]))
        return bytes(head) + payload

    def anything(self):
        """Anything: headers that lie, fragments, options, cut frames, other protocols."""
        data = bytearray(self.random.choice(self.others))
        for _ in range(self.random.choice((0, 1, 2, 4, 16))):
            data[self.random.randrange(len(data))] = self.random.randrange(256)
        if data[12:14] == b"\x08\x00" and len(data) > 34 and self.random.random() < 0.8:
            # With a wrong one, nothing else would be looked at.
            data[24:26] = b"\0\0"
            data[24:26] = struct.pack("!H", checksum(data[14:34]))
        kind = self.random.random()
        if kind < 0.1:
            data = data[:self.random.randrange(14, len(data) + 1)]
        elif kind < 0.2:
            data += self.random.randbytes(self.random.randrange(1, 60))
        return bytes(data)


def counted(groups):
    """All advertisements that the handlers have dealt with: accepted, and discarded for any reason."""
    total = 0
    for made in groups:
        counters = made.counters()
        for name, number in counters.items():
            if name in ("rx_v4", "rx_v6") or name.startswith("discard_"):
                if name not in ("discard_unknown_vhid", "discard_unattributed"):
                    total += number
    # These two are the parent's, the same in all groups.
    return total + counters["discard_unknown_vhid"] + counters["discard_unattributed"]


def seed():
    chosen = int(os.environ.get("CARP_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"CARP_SEED={chosen}")
    return chosen


@pytest.fixture
def groups(rachael):
    """Groups with and without a key, of one family and of both, that react in different ways."""
    # What is sent faster than it is received waits, and is not lost: it is counted exactly.
    with open("/proc/sys/net/core/netdev_max_backlog", "w", encoding="ascii") as limit:
        limit.write("1000000\n")
    rachael.sysctl("net.inet.carp.preempt", 1)
    rachael.sysctl("net.inet.carp.log", 0)
    rachael.ip("address", "add", "fe80::1/64", "dev", "eth0", "nodad")
    made = [group(rachael, "192.0.2.1/32", "2001:db8::1/128", vhid=1, advbase=1, advskew=100, **{"pass": KEY}),
            group(rachael, "192.0.2.2/32", name="carp1", vhid=2, advbase=0, advskew=10),
            group(rachael, "2001:db8::3/128", name="carp2", vhid=3, advbase=255, advskew=0, **{"pass": KEY})]
    yield made
    with open("/proc/sys/net/core/netdev_max_backlog", "w", encoding="ascii") as limit:
        limit.write("1000\n")


def still_works(rachael, client, groups):
    """It accepts what is right, gives way to it, becomes MASTER again and answers."""
    made = groups[0]
    right = Advertisement(key=KEY, addresses=ADDRESSES, advskew=0, counter=77)
    with Injector(client) as injector:
        def accepted():
            before = made.counters()["rx_v4"]
            injector.send(right)
            return made.counters()["rx_v4"] > before

        eventually(accepted, 2, "a right advertisement is accepted")
        made.wait("BACKUP", 2)
    made.wait("MASTER", 6)
    assert client.run("ping", "-c", "1", "-W", "2", "192.0.2.1").returncode == 0


def fuzz(rachael, client, groups, number):
    """So many packets into each of the two handlers, and as many of anything past them."""
    generator = Generator(seed())
    before, began = counted(groups), time.monotonic()
    with Sender(rachael) as sender:
        for _ in range(number):
            for kind in SOURCES:
                sender.send(generator.advertisement(kind))
        sender.flush()
        sent = sender.sent
        assert sent == 2 * number
        eventually(lambda: counted(groups) - before >= sent, 10,
                   lambda: f"{sent} sent, {counted(groups) - before} counted")
        assert counted(groups) - before == sent
        accepted = sum(made.counters()["rx_v4"] + made.counters()["rx_v6"] for made in groups)
        assert sent * 0.2 < accepted < sent * 0.9, f"{accepted} of {sent} accepted: not much of a test"
        for _ in range(number):
            sender.send(generator.anything())
        sender.flush()
    print(f"3 * {number} packets in {time.monotonic() - began:.1f} s")
    for made in groups:
        print(made.name, {name: count for name, count in made.counters().items() if count})
    still_works(rachael, client, groups)


def test_random_packets(rachael, client, groups):
    fuzz(rachael, client, groups, 5_000)


# In parts, so that both guests have work, and that what has passed is known.
PARTS = 8


@pytest.mark.long
@pytest.mark.limit(1800)
@pytest.mark.parametrize("part", range(1, PARTS + 1))
def test_a_million_random_packets_into_each_handler(rachael, client, groups, part):
    fuzz(rachael, client, groups, 1_000_000 // PARTS)
