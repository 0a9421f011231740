# SPDX-License-Identifier: GPL-2.0
"""Frames that tests inject, of both families, and what is read from those that are
captured: pings, datagrams, connection requests, neighbour discovery, group reports.
"""

import ipaddress
import socket
import struct

from wire import ETH_P_IP, ETH_P_IPV6, checksum, mac, mac_text

ICMP, IGMP, TCP, UDP, ICMPV6 = 1, 2, 6, 17, 58
ECHO = {4: (8, 0), 6: (128, 129)}  # request, reply
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT, REDIRECT = range(133, 138)
LISTENER_QUERY = 130
NA_ROUTER, NA_SOLICITED, NA_OVERRIDE = 0x80, 0x40, 0x20


def packed(address):
    return ipaddress.ip_address(address).packed


def _sum(data):
    return checksum(data + bytes(len(data) % 2))


def _pseudo(source, destination, protocol, length):
    source, destination = packed(source), packed(destination)
    if len(source) == 4:
        return source + destination + struct.pack("!BBH", 0, protocol, length)
    return source + destination + struct.pack("!IHBB", length, 0, 0, protocol)


def ethernet(destination, source, kind, payload, vlan=None):
    tag = struct.pack("!HH", 0x8100, vlan) if vlan is not None else b""
    return mac(destination) + mac(source) + tag + struct.pack("!H", kind) + payload


def ip(source, destination, protocol, payload, ttl=64):
    """The IP datagram, of the family of `source`."""
    if ":" in source:
        return (struct.pack("!IHBB", 6 << 28, len(payload), protocol, ttl) + packed(source) + packed(destination)
                + payload)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0x4000, ttl, protocol, 0)
    head += packed(source) + packed(destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def frame(macs, source, destination, protocol, payload, ttl=64, vlan=None):
    """`macs` is (destination, source)."""
    kind = ETH_P_IPV6 if ":" in source else ETH_P_IP
    return ethernet(*macs, kind, ip(source, destination, protocol, payload, ttl), vlan)


def icmp6(source, destination, body):
    """An ICMPv6 message with its checksum filled in."""
    check = _sum(_pseudo(source, destination, ICMPV6, len(body)) + body)
    return body[:2] + struct.pack("!H", check) + body[4:]


def echo(macs, source, destination, number=1, **options):
    """An echo request; `number` is its sequence number."""
    body = struct.pack("!BBHHH", ECHO[6 if ":" in source else 4][0], 0, 0, 7, number) + b"are you a replicant?"
    if ":" in source:
        return frame(macs, source, destination, ICMPV6, icmp6(source, destination, body), **options)
    body = body[:2] + struct.pack("!H", _sum(body)) + body[4:]
    return frame(macs, source, destination, ICMP, body, **options)


def udp(macs, source, destination, port, payload=b"like tears in rain", source_port=4242, **options):
    body = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    check = _sum(_pseudo(source, destination, UDP, len(body)) + body) or 0xFFFF
    return frame(macs, source, destination, UDP, body[:6] + struct.pack("!H", check) + body[8:], **options)


def syn(macs, source, destination, port, source_port=4242, **options):
    body = struct.pack("!HHIIBBHHH", source_port, port, 1, 0, 5 << 4, 2, 8192, 0, 0)
    check = _sum(_pseudo(source, destination, TCP, len(body)) + body)
    return frame(macs, source, destination, TCP, body[:16] + struct.pack("!H", check) + body[18:], **options)


def solicited_node(address):
    return str(ipaddress.ip_address(packed("ff02::1:ff00:0")[:13] + packed(address)[13:]))


def multicast_mac(group):
    raw = packed(group)
    return mac_text(b"\x33\x33" + raw[12:] if len(raw) == 16 else b"\x01\x00\x5e" + bytes([raw[1] & 0x7F]) + raw[2:])


def neighbour_solicitation(source_mac, source, target, destination=None, destination_mac=None, options=b""):
    """By default to the solicited-node group; from "::" it is a probe of duplicate address detection.
    `options` are in front of the sender's address."""
    destination = destination or solicited_node(target)
    body = struct.pack("!BBHI", NEIGHBOUR_SOLICITATION, 0, 0, 0) + packed(target) + options
    if source != "::":
        body += b"\x01\x01" + mac(source_mac)
    macs = (destination_mac or multicast_mac(destination), source_mac)
    return frame(macs, source, destination, ICMPV6, icmp6(source, destination, body), ttl=255)


def neighbour_advertisement(source_mac, source, target, flags=NA_OVERRIDE, destination="ff02::1",
                            destination_mac="33:33:00:00:00:01"):
    body = struct.pack("!BBHB3x", NEIGHBOUR_ADVERTISEMENT, 0, 0, flags) + packed(target) + b"\x02\x01" + mac(source_mac)
    return frame((destination_mac, source_mac), source, destination, ICMPV6, icmp6(source, destination, body), ttl=255)


def router_advertisement(source_mac, source, prefix, destination_mac="33:33:00:00:00:01", lifetime=1800):
    """Of a /64 from which hosts make addresses, and of a router for everything."""
    option = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0) + packed(prefix)
    body = struct.pack("!BBHBBHII", ROUTER_ADVERTISEMENT, 0, 0, 64, 0, lifetime, 0, 0) + option
    return frame((destination_mac, source_mac), source, "ff02::1", ICMPV6, icmp6(source, "ff02::1", body), ttl=255)


def router_solicitation(source_mac, source):
    body = struct.pack("!BBHI", ROUTER_SOLICITATION, 0, 0, 0) + b"\x01\x01" + mac(source_mac)
    return frame(("33:33:00:00:00:02", source_mac), source, "ff02::2", ICMPV6, icmp6(source, "ff02::2", body), ttl=255)


def listener_query(source_mac, source, group=None, delay=100):
    """Who listens: to this group, or to which. The answer comes within `delay` milliseconds."""
    destination = group or "ff02::1"
    body = struct.pack("!BBHHH16sBBH", LISTENER_QUERY, 0, 0, delay, 0, packed(group or "::"), 2, 1, 0)
    hop_by_hop = bytes([ICMPV6, 0, 5, 2, 0, 0, 1, 0])  # a router alert, and padding
    macs = (multicast_mac(destination), source_mac)
    return frame(macs, source, destination, 0, hop_by_hop + icmp6(source, destination, body), ttl=1)


# ---- reading ----


def icmp_type(captured):
    """("v4" or "v6", type) of an ICMP message, or None."""
    datagram = captured.ip
    if not datagram or datagram["protocol"] not in (ICMP, ICMPV6) or not datagram["payload"]:
        return None
    return ("v4" if datagram["protocol"] == ICMP else "v6"), datagram["payload"][0]


def echo_reply(captured, address=None):
    """Whether it is an answer to a ping (of `address`)."""
    return icmp_type(captured) in (("v4", 0), ("v6", 129)) and address in (None, captured.ip["source"])


def echo_number(captured):
    return int.from_bytes(captured.ip["payload"][6:8], "big")


def ports(captured):
    """(source, destination) of a datagram or segment, or None."""
    datagram = captured.ip
    if not datagram or datagram["protocol"] not in (TCP, UDP):
        return None
    return struct.unpack_from("!HH", datagram["payload"])


def nd(captured):
    """A neighbour discovery message as a dict, or None."""
    datagram = captured.ip
    if not datagram or datagram["protocol"] != ICMPV6 or len(datagram["payload"]) < 8:
        return None
    body = datagram["payload"]
    if not ROUTER_SOLICITATION <= body[0] <= REDIRECT:
        return None
    found = dict(type=body[0], flags=body[4], source=datagram["source"], destination=datagram["destination"],
                 target=None, mac=None, ttl=datagram["ttl"])
    start = {ROUTER_SOLICITATION: 8, ROUTER_ADVERTISEMENT: 16}.get(body[0], 24)
    if start >= 24 and len(body) >= 24:
        found["target"] = str(ipaddress.ip_address(body[8:24]))
    options = body[start:]
    while len(options) >= 8 and options[1]:
        if options[0] in (1, 2):
            found["mac"] = mac_text(options[2:8])
        options = options[options[1] * 8:]
    return found


def groups_reported(captured):
    """The multicast groups that an IGMP or MLD message says somebody listens to or has left."""
    datagram = captured.ip
    if not datagram:
        return []
    body = datagram["payload"]
    if datagram["protocol"] == IGMP:
        if body[0] in (0x12, 0x16, 0x17):
            return [socket.inet_ntoa(body[4:8])]
        if body[0] != 0x22:
            return []
        size, offset = 4, 8
    elif datagram["protocol"] == 0 and body[0] == ICMPV6:  # behind the hop-by-hop header
        body = body[8 * (body[1] + 1):]
        if body[0] in (131, 132):
            return [str(ipaddress.ip_address(body[8:24]))]
        if body[0] != 143:
            return []
        size, offset = 16, 8
    else:
        return []
    found = []
    for _ in range(int.from_bytes(body[6:8], "big")):
        sources = int.from_bytes(body[offset + 2:offset + 4], "big")
        found.append(str(ipaddress.ip_address(body[offset + 4:offset + 4 + size])))
        offset += 4 + size + size * sources + 4 * body[offset + 1]
    return found
