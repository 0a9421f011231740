# SPDX-License-Identifier: GPL-2.0
"""What leaves the MASTER: every field of an advertisement (carp-protocol.md,
section 1), the digest recomputed independently, and two foreign decoders that
have nothing to complain about.
"""

import struct

import pytest

import wire
from carp import group, master, virtual_mac
from topology import eventually, run
from wire import Capture, advertisements


@pytest.fixture
def frames(rachael, client):
    """Twelve advertisements of a MASTER, as they arrive elsewhere."""
    master(rachael, "192.0.2.1/24", "192.0.2.2/32", vhid=9, advbase=0, advskew=77, **{"pass": "tyrell"})
    with Capture(client.ns, "eth0", "in") as capture:
        return [capture.advertisement(2) for _ in range(12)]


def test_ethernet(frames):
    for frame in frames:
        assert frame.source == virtual_mac(9)
        assert frame.destination == "01:00:5e:00:00:12"
        assert frame.kind == 0x0800
        assert len(frame.raw) == 14 + 56


def test_ipv4_header(frames):
    for frame in frames:
        ip = frame.ip
        assert (ip["ihl"], ip["length"], ip["ttl"], ip["protocol"]) == (5, 56, 255, 112)
        assert ip["fragment"] == 0x4000, "DF and nothing else"
        assert ip["tos"] in (0x10, 0xE0)
        assert (ip["source"], ip["destination"]) == ("192.0.2.11", "224.0.0.18")
        assert wire.checksum(ip["header"]) == 0


def test_carp_header(frames):
    for frame in frames:
        advert = frame.advertisement
        assert (advert["version"], advert["type"], advert["authlen"]) == (2, 1, 7)
        assert (advert["vhid"], advert["advbase"], advert["advskew"], advert["demote"]) == (9, 0, 77, 0)
        assert wire.checksum(advert["payload"]) == 0


def test_digest(frames):
    for frame in frames:
        advert = frame.advertisement
        assert advert["digest"] == wire.digest("tyrell", 9, ["192.0.2.1", "192.0.2.2"], advert["counter"])


def test_counter_goes_up_by_one(frames):
    counters = [frame.advertisement["counter"] for frame in frames]
    assert [(b - a) % 2**64 for a, b in zip(counters, counters[1:])] == [1] * 11
    assert counters[0] > 2**20, "the counter does not start at random"


def test_digest_without_a_key(rachael, client):
    master(rachael)
    with Capture(client.ns, "eth0", "in") as capture:
        advert = capture.advertisement(2).advertisement
    assert advert["digest"] == wire.digest(b"", 1, ["192.0.2.1"], advert["counter"])


def test_digest_with_the_longest_key(rachael, client):
    master(rachael, **{"pass": "nineteen-bytes-long"})
    with Capture(client.ns, "eth0", "in") as capture:
        advert = capture.advertisement(2).advertisement
    assert advert["digest"] == wire.digest("nineteen-bytes-long", 1, ["192.0.2.1"], advert["counter"])


def test_address_order_does_not_matter(rachael, pris):
    """The same addresses, added in another order, some with another prefix length."""
    master(rachael, "192.0.2.1/24", "192.0.2.3/32", "192.0.2.2/32")
    other = group(pris, "192.0.2.2/24", "192.0.2.1/32", "192.0.2.3/24", advskew=100)
    with Capture(pris.ns, "eth0", "in") as capture:
        capture.advertisement(2)
        capture.advertisement(2)
    counters = other.counters()
    assert counters["rx_v4"] >= 2
    assert counters["discard_bad_digest"] == 0


def test_both_families_advertise(rachael, client):
    """A group with IPv6 addresses too: a second advertisement, to ff02::12."""
    eventually(lambda: "tentative" not in rachael.ip("-6", "address", "show", "dev", "eth0").stdout, 5,
               "the parent's link-local address", pause=0.2)
    addresses = ("192.0.2.1/32", "2001:db8::1/128")
    group(rachael, *addresses)
    with Capture(client.ns, "eth0", "in") as capture:
        v4 = capture.until(lambda f: f.advertisement and f.kind == 0x0800, 6)
        v6 = capture.until(lambda f: f.advertisement and f.kind == 0x86DD, 2)
    assert v6.source == virtual_mac(1)
    assert v6.destination == "33:33:00:00:00:12"
    assert (v6.ip["destination"], v6.ip["ttl"], v6.ip["length"]) == ("ff02::12", 255, 36)
    assert v6.ip["source"].startswith("fe80:"), "not from the parent's link-local address"
    for frame in (v4, v6):
        advert = frame.advertisement
        assert wire.checksum(advert["payload"]) == 0
        assert advert["digest"] == wire.digest(b"", 1, addresses, advert["counter"])


def test_ipv6_advertisements_from_nowhere_while_the_parent_did_dad(rachael, client):
    """A group made before the parent's link-local address was usable takes it once it is."""
    group(rachael, "2001:db8::1/128")
    with Capture(client.ns, "eth0", "in") as capture:
        capture.advertisement(6)
        frame = capture.advertisement(2)
    assert frame.ip["source"].startswith("fe80:")


def test_bow_out_on_the_wire(rachael, client):
    made = master(rachael, **{"pass": "tyrell"})
    with Capture(client.ns, "eth0", "in") as capture:
        made.down()
        advert = capture.advertisement(1, bow_out=True).advertisement
    assert wire.checksum(advert["payload"]) == 0
    assert advert["digest"] == wire.digest("tyrell", 1, ["192.0.2.1"], advert["counter"])
    assert made.counters()["tx_bow_out"] == 1


def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            seconds, fraction = divmod(frame.time, 1_000_000_000)
            file.write(struct.pack("<IIII", seconds, fraction, len(frame.raw), len(frame.raw)) + frame.raw)


def test_tcpdump_decodes(frames, tmp_path):
    write_pcap(tmp_path / "carp.pcap", frames)
    text = run("tcpdump", "-n", "-T", "carp", "-vv", "-r", tmp_path / "carp.pcap").stdout
    assert text.count("CARPv2-advertise 36: vhid=9 advbase=0 advskew=77 authlen=7") == len(frames)
    assert "bad" not in text and "trunc" not in text and "[|" not in text


def test_tshark_decodes(frames, tmp_path):
    write_pcap(tmp_path / "carp.pcap", frames)
    text = run("tshark", "-n", "-V", "-d", "ip.proto==112,carp", "-o", "ip.check_checksum:TRUE",
               "-r", tmp_path / "carp.pcap").stdout
    assert text.count("Virtual Host ID: 9") == text.count("[Checksum Status: Good]") == len(frames)
    for complaint in ("Malformed", "Bad", "incorrect", "[Expert Info (Error", "[Expert Info (Warning"):
        assert complaint not in text, complaint


def test_advertisements_are_counted(rachael, client):
    made = master(rachael)
    with Capture(client.ns, "eth0", "in") as capture:
        before = made.counters()["tx_v4"]
        seen = len(advertisements(capture.during(10)))
        assert made.counters()["tx_v4"] - before == seen
    assert made.counters()["tx_errors"] == 0
