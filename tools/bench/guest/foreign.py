# SPDX-License-Identifier: GPL-2.0
"""What a frame costs more that is not for any group, when its receiver has 0, 1 or 255
groups on the interface. It comes from the client as a raw frame, so that a step is its
making, the way to the receiver and whatever becomes of it there, in the kernel's
instructions; the median of all steps.
"""

import socket
import struct

import carp
from chain import Chain
from marks import Steps
from topology import inside
from wire import Injector, arp_request, checksum, mac

STEPS = 500
OTHER_MAC = "02:00:00:00:00:99"
# As that of a group that no host here has, whatever groups it has.
VIRTUAL_MAC_OF_NONE = "00:00:5e:00:01:00"


def udp(source_mac, destination_mac, destination):
    """An IPv4 datagram for a port at which nobody listens, if it comes so far."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 46, 0, 0x4000, 64, 17, 0)
    head += socket.inet_aton("192.0.2.50") + socket.inet_aton(destination)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return (mac(destination_mac) + mac(source_mac) + b"\x08\x00" + head
            + struct.pack("!HHHH", 1024, 9, 26, 0) + bytes(18))


def solicitation(source_mac, source, target):
    """For an address whose group the receiver is not in, which is where it ends, before its checksum is looked at."""
    source, target = (socket.inet_pton(socket.AF_INET6, address) for address in (source, target))
    group = socket.inet_pton(socket.AF_INET6, "ff02::1:ff00:0")[:13] + target[13:]
    return (mac("33:33") + group[12:] + mac(source_mac) + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, 32, 58, 255)
            + source + group + struct.pack("!BBHI", 135, 0, 0, 0) + target + b"\x01\x01" + mac(source_mac))


def frames(chain):
    ours, theirs = chain.client.mac(), chain.gateway.mac()
    return {
        "to the parent's MAC": udp(ours, theirs, "192.0.2.11"),
        "to another MAC": udp(ours, OTHER_MAC, "192.0.2.99"),
        "to another virtual MAC": udp(ours, VIRTUAL_MAC_OF_NONE, "192.0.2.99"),
        "broadcast": udp(ours, "ff:ff:ff:ff:ff:ff", "255.255.255.255"),
        "multicast": udp(ours, "01:00:5e:00:00:fb", "224.0.0.251"),
        "IPv6 multicast": mac("33:33:00:00:00:fb") + mac(ours) + b"\x86\xdd" + bytes(60),
        "ARP for another": arp_request(ours, "192.0.2.50", "192.0.2.99"),
        "solicitation of another": solicitation(ours, "2001:db8::50", "2001:db8::99"),
    }


ADDRESSES = {vhid: f"192.0.2.{vhid % 100 + 101}" if vhid < 100 else f"198.18.0.{vhid}" for vhid in range(1, 256)}


def addresses(host):
    """All addresses that groups will have: so the host's tables are as large with them as without."""
    host.batch("link add addresses type dummy", "link set addresses up",
               *[f"address add {address}/32 dev addresses" for address in ADDRESSES.values()])


def groups(host, numbers):
    """Makes the groups with these numbers, and waits until the last of them is MASTER."""
    host.batch(*[f"address del {ADDRESSES[vhid]}/32 dev addresses" for vhid in numbers])
    host.batch(*[f"link add link eth0 name carp{vhid} type carp vhid {vhid} pass tyrell advbase 10" for vhid in numbers])
    host.batch(*[f"address add {ADDRESSES[vhid]}/32 dev carp{vhid}" for vhid in numbers])
    host.batch(*[f"link set carp{vhid} up" for vhid in numbers])
    carp.Group(host, f"carp{numbers[-1]}").wait("MASTER", 60)


def steps(injector, frame, listener):
    step = Steps()
    for _ in range(STEPS):
        step.next()
        injector.send(frame)
        try:
            listener.recv(64)
        except BlockingIOError:
            pass
    step.next()
    return step.told()


def measure(repeats):
    for repeat in range(repeats):
        # The same hosts with 0, 1 and 255 groups: everything else stays as it is.
        chain = Chain(f"chain{repeat}")
        addresses(chain.gateway)
        # A listener, so that a datagram that is delivered does not make an ICMP error.
        with inside(chain.gateway.ns):
            listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            listener.bind(("", 9))
            listener.setblocking(False)
        for number, new in ((0, ()), (1, (1,)), (255, range(2, 256))):
            if new:
                groups(chain.gateway, new)
            with Injector(chain.client) as injector:
                for name, frame in frames(chain).items():
                    steps(injector, frame, listener)  # for the caches
                    told = steps(injector, frame, listener)
                    yield {"kind": "carp", "what": name, "groups": number, "repeat": repeat, **told}
        listener.close()
        chain.close()
