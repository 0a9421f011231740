# SPDX-License-Identifier: GPL-2.0
"""The suite's own builder of advertisements, and its choice of who answers, agree with the
real implementations (vectors.json, made by running their code) and with the captures of
real stacks.
Runs anywhere: `pytest test_vectors.py`.
"""

import json
import re

import pytest

import balance
import uapi
import wire

VECTORS = json.loads(uapi.data("vectors.json", "tools", "proto", "tests", "data", "vectors.json").read_text())
CAPTURES = uapi.data("captures", "tools", "proto", "tests", "data", "captures")

# file: (key, virtual addresses)
REAL = {
    "netbsd-ucarp": ("secret", ["10.77.0.100"]),
    "freebsd-ucarp": ("secret", ["10.77.0.100"]),
    "netbsd-freebsd": ("secret", ["10.77.0.100", "10.77.0.101"]),
    "netbsd-ipv6": ("six", ["10.77.0.107", "fd77::107"]),
}


def test_digest_is_that_of_openbsd():
    for case in VECTORS["hmac"]:
        for link_local, context in ((True, "orig"), (False, "nov6ll")):
            made = wire.digest(bytes.fromhex(case["key20_hex"]), case["vhid"],
                               usable(case["ipv4"] + case["ipv6"]),
                               int(case["counter"], 16), link_local)
            assert made.hex() == case["digest"][f"openbsd-cur/{context}"], case["name"]


def usable(addresses):
    """Without what no implementation hashes."""
    never = {"0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}
    return [re.sub(r"%.*", "", a) for a in addresses if a not in never]


@pytest.mark.parametrize("case", VECTORS["packets"], ids=lambda case: case["name"])
def test_packet_is_that_of_openbsd(case):
    theirs = case["by"]["openbsd-cur"]
    carp = bytes.fromhex(next(v for k, v in theirs.items() if k == "carp" or k.startswith("carp")))
    made = wire.Advertisement(
        vhid=case["vhid"], advskew=carp[2], advbase=carp[5], demote=carp[4],
        key=bytes.fromhex(case["key20_hex"]), addresses=usable(case["ipv4"] + case["ipv6"]),
        counter=int(case["counter"], 16), source=case["src4"], ip_id=int(case["ip_id"], 16))
    assert made.carp() == carp
    if "ipv4_packet" in theirs:
        assert made.packet().hex() == theirs["ipv4_packet"]


@pytest.mark.parametrize("name", REAL)
def test_capture_of_a_real_stack_is_understood(name):
    key, addresses = REAL[name]
    adverts = wire.advertisements(wire.read_pcap(CAPTURES / f"{name}.pcap"))
    assert adverts
    for frame in adverts:
        advert = frame.advertisement
        assert advert["digest"] == wire.digest(key, advert["vhid"], addresses, advert["counter"]), frame
        assert wire.checksum(advert["payload"]) == 0, frame


def test_who_answers_is_as_on_freebsd():
    cases = VECTORS["arpbalance"]["freebsd5-9_by_source_ip"]
    assert cases
    for case in cases:
        members = {vhid: "" for vhid in range(1, case["members"] + 1)}
        assert balance.chosen(balance.MODULO, members, case["src"], None) == case["index"] + 1, case


def test_who_answers_is_as_on_netbsd():
    cases = VECTORS["arpbalance"]["netbsd_and_openbsd_3.6+_by_source_mac"]
    assert cases
    for case in cases:
        mac = bytes.fromhex(case["src_mac"]).hex(":")
        assert balance.jenkins(case["passphrase"], mac) == int(case["hash"], 16), case
        members = {vhid: case["passphrase"] for vhid in range(1, case["members"] + 1)}
        assert balance.chosen(balance.MAC_HASH, members, None, mac) == case["index"] + 1, case


def test_siphash_is_that_of_the_paper():
    assert balance.siphash(bytes(range(16)), bytes(range(15))) == 0xA129CA6149BE45E5
