# SPDX-License-Identifier: GPL-2.0
"""What is on the wire: advertisements built and read independently of the module
(from carp-protocol.md, sections 1 and 2), a capture with the kernel's time stamps,
injection of frames, and reading of pcap files.
"""

import dataclasses
import errno
import hashlib
import hmac
import ipaddress
import select
import socket
import struct
import time

from topology import inside

PROTOCOL = 112
GROUP_V4, GROUP_V6 = "224.0.0.18", "ff02::12"
ETH_P_ALL, ETH_P_IP, ETH_P_ARP, ETH_P_IPV6 = 0x0003, 0x0800, 0x0806, 0x86DD
SO_TIMESTAMPNS = 35
PACKET_OUTGOING = 4
BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def mac_text(raw):
    return raw.hex(":")


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def digest(key, vhid, addresses, counter, link_local=False):
    """HMAC-SHA1 of section 2.2; `link_local` is OpenBSD's context that hashes them too."""
    parsed = {ipaddress.ip_interface(address).ip for address in addresses}
    v4 = sorted(a.packed for a in parsed if a.version == 4)
    v6 = sorted(a.packed for a in parsed if a.version == 6
                and (link_local or not a.is_link_local))
    message = bytes([2, 1, vhid]) + b"".join(v4 + v6) + counter.to_bytes(8, "big")
    return hmac.new(key if isinstance(key, bytes) else key.encode(), message, hashlib.sha1).digest()


@dataclasses.dataclass
class Advertisement:
    """A CARP advertisement; every field can be made wrong."""

    vhid: int = 1
    advbase: int = 1
    advskew: int = 0
    key: object = b""
    addresses: tuple = ("192.0.2.1",)
    counter: int = 1
    source: str = "192.0.2.99"
    version: int = 2
    type: int = 1
    authlen: int = 7
    demote: int = 0
    ttl: int = 255
    tos: int = 0x10
    ip_id: int = 0
    length: int = 36
    checksum_error: int = 0
    digest_override: bytes = None

    def carp(self):
        md = self.digest_override
        if md is None:
            md = digest(self.key, self.vhid, self.addresses, self.counter)
        head = bytes([self.version << 4 | self.type, self.vhid, self.advskew, self.authlen,
                      self.demote, self.advbase])
        tail = self.counter.to_bytes(8, "big") + md
        check = (checksum(head + b"\0\0" + tail) + self.checksum_error) & 0xFFFF
        payload = head + struct.pack("!H", check) + tail
        return (payload + bytes(self.length))[:self.length]

    def packet(self):
        """The IP datagram (of the family of `source`)."""
        payload = self.carp()
        source = ipaddress.ip_address(self.source).packed
        if len(source) == 16:
            return (struct.pack("!IHBB", 6 << 28 | self.tos << 20, len(payload), PROTOCOL, self.ttl)
                    + source + ipaddress.ip_address(GROUP_V6).packed + payload)
        head = struct.pack("!BBHHHBBH", 0x45, self.tos, 20 + len(payload), self.ip_id, 0x4000,
                           self.ttl, PROTOCOL, 0)
        head += source + ipaddress.ip_address(GROUP_V4).packed
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload

    def frame(self):
        if ":" in self.source:
            destination, kind = "33:33:00:00:00:12", ETH_P_IPV6
        else:
            destination, kind = "01:00:5e:00:00:12", ETH_P_IP
        return (mac(destination) + bytes([0, 0, 0x5E, 0, 1, self.vhid]) + struct.pack("!H", kind)
                + self.packet())

    def frame_to_master(self, source):
        """The same for the MASTER alone, from a host's own MAC."""
        return bytes([0, 0, 0x5E, 0, 1, self.vhid]) + mac(source) + self.frame()[12:]


@dataclasses.dataclass
class Frame:
    """One frame of a capture, with what the tests ask of it."""

    time: int
    raw: bytes
    outgoing: bool = False

    @property
    def destination(self):
        return mac_text(self.raw[0:6])

    @property
    def source(self):
        return mac_text(self.raw[6:12])

    @property
    def kind(self):
        return int.from_bytes(self.raw[12:14], "big")

    @property
    def ip(self):
        """The IP header as a dict, or None."""
        data = self.raw[14:]
        if self.kind == ETH_P_IP and len(data) >= 20:
            (ver, tos, length, ip_id, frag, ttl, proto, check) = struct.unpack_from("!BBHHHBBH", data)
            return dict(header=data[:(ver & 15) * 4], ihl=ver & 15, tos=tos, length=length, id=ip_id, fragment=frag,
                        ttl=ttl, protocol=proto, checksum=check,
                        source=socket.inet_ntoa(data[12:16]), destination=socket.inet_ntoa(data[16:20]),
                        payload=data[(ver & 15) * 4:length])
        if self.kind == ETH_P_IPV6 and len(data) >= 40:
            first, length, proto, ttl = struct.unpack_from("!IHBB", data)
            return dict(header=data[:40], tos=first >> 20 & 0xFF, length=length, protocol=proto, ttl=ttl,
                        source=str(ipaddress.ip_address(data[8:24])),
                        destination=str(ipaddress.ip_address(data[24:40])), payload=data[40:40 + length])
        return None

    @property
    def advertisement(self):
        """The CARP header as a dict, or None if the frame is no advertisement."""
        ip = self.ip
        if not ip or ip["protocol"] != PROTOCOL or len(ip["payload"]) < 36:
            return None
        p = ip["payload"]
        return dict(version=p[0] >> 4, type=p[0] & 15, vhid=p[1], advskew=p[2], authlen=p[3], demote=p[4],
                    advbase=p[5], checksum=int.from_bytes(p[6:8], "big"),
                    counter=int.from_bytes(p[8:16], "big"), digest=p[16:36], payload=p, ip=ip,
                    bow_out=p[2] == p[5] == 255)

    @property
    def arp(self):
        if self.kind != ETH_P_ARP or len(self.raw) < 42:
            return None
        p = self.raw[14:]
        return dict(operation=int.from_bytes(p[6:8], "big"), sender_mac=mac_text(p[8:14]),
                    sender=socket.inet_ntoa(p[14:18]), target_mac=mac_text(p[18:24]),
                    target=socket.inet_ntoa(p[24:28]))

    def __repr__(self):
        what = self.advertisement or self.arp or self.ip or {}
        keep = {k: v for k, v in what.items() if k not in ("payload", "ip", "header", "digest")}
        return f"{self.time / 1e9:.6f} {self.source} > {self.destination} {self.kind:04x} {keep}"


class Capture:
    """All frames of one interface of a namespace, from the moment of its making.

    `direction` is as the namespace sees it: "in", "out" or "both".
    """

    def __init__(self, ns, interface, direction="both"):
        with inside(ns):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
            self.socket.bind((interface, ETH_P_ALL))
        self.direction, self.frames = direction, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _next(self, timeout):
        if not select.select([self.socket], [], [], max(timeout, 0))[0]:
            return None
        try:
            raw, ancillary, _, address = self.socket.recvmsg(65536, 256)
        except OSError as error:
            if error.errno != errno.ENETDOWN:  # told once; the socket goes on when it is up again
                raise
            return self._next(timeout)
        stamp = 0
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("qq", data)
                stamp = seconds * 1_000_000_000 + nanoseconds
        return Frame(stamp, raw, address[2] == PACKET_OUTGOING)

    def _wanted(self, frame):
        return self.direction == "both" or frame.outgoing == (self.direction == "out")

    def until(self, predicate, timeout, what="the frame"):
        """The next frame for which `predicate` holds; fails after `timeout` seconds."""
        end = time.monotonic() + timeout
        while True:
            frame = self._next(end - time.monotonic())
            if frame is None:
                seen = "\n".join(map(repr, self.frames[-30:]))
                raise AssertionError(f"not seen within {timeout} s: {what}; the last frames:\n{seen}")
            if self._wanted(frame):
                self.frames.append(frame)
                if predicate(frame):
                    return frame

    def during(self, seconds):
        """All frames of the next `seconds` (waiting is the point: silence is measured)."""
        end, found = time.monotonic() + seconds, []
        while True:
            frame = self._next(end - time.monotonic())
            if frame is None:
                self.frames += found
                return found
            if self._wanted(frame):
                found.append(frame)

    def drain(self):
        """All frames that have arrived by now."""
        return self.during(0)

    def advertisement(self, timeout, source=None, **fields):
        """The next advertisement whose fields have these values."""
        def matches(frame):
            advert = frame.advertisement
            return (advert is not None and source in (None, advert["ip"]["source"])
                    and all(advert[name] == value for name, value in fields.items()))
        return self.until(matches, timeout, f"an advertisement of {source or 'anyone'} with {fields}")


def advertisements(frames, **fields):
    """Those of the frames that are advertisements with these field values."""
    return [f for f in frames if f.advertisement
            and all(f.advertisement[name] == value for name, value in fields.items())]


class Injector:
    """Sends raw frames from a host's interface."""

    def __init__(self, host, interface="eth0"):
        with inside(host.ns):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.bind((interface, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, frame):
        self.socket.send(frame.frame() if isinstance(frame, Advertisement) else frame)


def arp_request(source_mac, sender, target, destination=BROADCAST):
    payload = struct.pack("!HHBBH", 1, ETH_P_IP, 6, 4, 1) + mac(source_mac) + socket.inet_aton(sender)
    payload += bytes(6) + socket.inet_aton(target)
    return mac(destination) + mac(source_mac) + struct.pack("!H", ETH_P_ARP) + payload


def read_pcap(path):
    """The Ethernet frames of a classic pcap file, with their times in nanoseconds."""
    data = open(path, "rb").read()
    magic = data[:4]
    order = "<" if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1 if magic in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1000
    assert struct.unpack_from(order + "I", data, 20)[0] == 1, "not Ethernet"
    offset, frames = 24, []
    while offset + 16 <= len(data):
        seconds, fraction, length, _ = struct.unpack_from(order + "IIII", data, offset)
        frames.append(Frame(seconds * 1_000_000_000 + fraction * unit, data[offset + 16:offset + 16 + length]))
        offset += 16 + length
    return frames
