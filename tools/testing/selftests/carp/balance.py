# SPDX-License-Identifier: GPL-2.0
"""Which member of several groups with one address answers a client, computed without
the module's code: the formulas of FreeBSD and NetBSD (carp-protocol.md, section 7.1),
and our own (Documentation/load-balancing.md).
"""

import hashlib
import hmac
import ipaddress
import struct

from wire import mac

MODULO, MAC_HASH, EVEN = MODES = (1, 2, 3)
_32, _64 = 2**32 - 1, 2**64 - 1


def _key(passphrase):
    return passphrase.encode().ljust(20, b"\0")


def jenkins(passphrase, source_mac):
    """NetBSD's hash of a MAC, as on a little-endian host."""
    key, raw = _key(passphrase), mac(source_mac)
    pad = bytes(byte ^ 0x36 for byte in key.ljust(64, b"\0"))
    words = struct.unpack("<5I", hashlib.sha1(pad + b"\2\1").digest())
    low, high = struct.unpack("<IH", raw)
    a = (0x9E3779B9 + low) & _32
    b = ((words[0] ^ words[1]) + high) & _32
    c = ((words[2] ^ words[3]) + struct.unpack_from("<I", key)[0]) & _32
    for first, second, third in ((13, 8, 13), (12, 16, 5), (3, 10, 15)):
        a = (a - b - c & _32) ^ c >> first
        b = (b - c - a & _32) ^ a << second & _32
        c = (c - a - b & _32) ^ b >> third
    return c


def _rotate(word, by):
    return (word << by | word >> 64 - by) & _64


def siphash(key, message):
    """SipHash-2-4, after the paper."""
    k0, k1 = struct.unpack("<2Q", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(count):
        for _ in range(count):
            v[0] = v[0] + v[1] & _64
            v[2] = v[2] + v[3] & _64
            v[1] = _rotate(v[1], 13) ^ v[0]
            v[3] = _rotate(v[3], 16) ^ v[2]
            v[0] = _rotate(v[0], 32)
            v[2] = v[2] + v[1] & _64
            v[0] = v[0] + v[3] & _64
            v[1] = _rotate(v[1], 17) ^ v[2]
            v[3] = _rotate(v[3], 21) ^ v[0]
            v[2] = _rotate(v[2], 32)

    padded = message + bytes(-(len(message) + 1) % 8) + bytes([len(message) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def score(passphrase, vhid, source):
    derived = hmac.new(_key(passphrase), b"arpbalance" + bytes([vhid]), hashlib.sha1).digest()
    return siphash(derived[:16], ipaddress.ip_address(source).packed)


def chosen(mode, members, source, source_mac):
    """The vhid of the member that answers; `members` is {vhid: passphrase}."""
    vhids = sorted(members)
    if mode == MODULO:
        return vhids[int(ipaddress.ip_address(source)) % len(vhids)]
    if mode == MAC_HASH:
        return vhids[jenkins(members[vhids[0]], source_mac) % len(vhids)]
    return max(vhids, key=lambda vhid: (score(members[vhid], vhid, source), -vhid))
