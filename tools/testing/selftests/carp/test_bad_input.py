# SPDX-License-Identifier: GPL-2.0
"""Bad input: refused with an errno that fits and a sentence that names the matter,
and nothing is changed. The requests are raw rtnetlink messages, because `ip`
would not send most of them; some are repeated with `ip`.
"""

import errno
import json
import os
import re
import struct

import pytest

import rtnl
from carp import Group, group
from rtnl import Refused, attribute, carp_attributes
from topology import inside, run


def snapshot(host):
    """All of what `ip` tells of the host's devices and addresses, without what moves by itself."""
    shown = []
    for what in (["-d", "link"], ["address"]):
        shown += json.loads(run("ip", "-n", host.ns, "-j", *what, "show").stdout)
    text = json.dumps(shown, indent=1, sort_keys=True)
    return re.sub(r'"since": [^,\n]*', '"since": -', text)


def refused(host, request, codes, words):
    """The request fails with one of `codes` and a sentence with each of `words`; nothing changes."""
    before = snapshot(host)
    with pytest.raises(Refused) as failure:
        request()
    print(failure.value)
    assert failure.value.code in codes.split(), failure.value
    for word in words.split():
        assert word.lower() in failure.value.sentence.lower(), f"{word!r} is not in: {failure.value}"
    assert snapshot(host) == before


def parent_index(host, name="eth0"):
    return host.rtnl.link(name)["index"]


# attribute values that no request may carry: (attributes, errno, words of the sentence)
VALUES = {
    "vhid-0": (dict(vhid=0), "EINVAL ERANGE", "vhid"),
    "vhid-256": (dict(vhid=256), "EINVAL ERANGE", "vhid"),
    "vhid-huge": (dict(vhid=2**32 - 1), "EINVAL ERANGE", "vhid"),
    "advbase-256": (dict(advbase=256), "EINVAL ERANGE", "advbase"),
    "advskew-255": (dict(advskew=255), "EINVAL ERANGE", "advskew"),
    "advskew-huge": (dict(advskew=2**31), "EINVAL ERANGE", "advskew"),
    "advbase-and-advskew-0": (dict(advbase=0, advskew=0), "EINVAL", "advbase advskew"),
    "key-of-21-bytes": (dict(key=b"k" * 21), "EINVAL ERANGE", "key"),
    "key-of-4096-bytes": (dict(key=b"k" * 4096), "EINVAL ERANGE", "key"),
    "state-init": (dict(state=0), "EINVAL ERANGE", "state"),
    "state-3": (dict(state=3), "EINVAL ERANGE", "state"),
    "vhid-too-short": (dict(vhid=b"\1"), "EINVAL ERANGE", ""),
    "reason-is-read-only": (dict(reason=1), "EINVAL", ""),
    "missing-is-read-only": (dict(missing=0), "EINVAL", ""),
    "transitions-is-read-only": (dict(transitions=0), "EINVAL", ""),
    "since-is-read-only": (dict(since=bytes(8)), "EINVAL", ""),
}


@pytest.mark.parametrize("case", VALUES)
def test_value_refused_at_creation(rachael, case):
    values, codes, words = VALUES[case]
    data = carp_attributes(**{"vhid": 1, **values})
    refused(rachael, lambda: rachael.rtnl.add("carp0", parent_index(rachael), data), codes, words)


@pytest.mark.parametrize("case", VALUES)
def test_value_refused_by_a_running_group(rachael, case):
    """Nothing of the request is applied, not even its good part."""
    group(rachael, advbase=50, vhid=5)
    values, codes, words = VALUES[case]
    data = carp_attributes(**{"advbase": 40, "advskew": 7, **values})
    refused(rachael, lambda: rachael.rtnl.change("carp0", data=data), codes, words)


@pytest.mark.parametrize("sentence, extra", [
    ("mtu greater than device maximum", attribute(4, struct.pack("=I", 1501))),  # IFLA_MTU
    ("mtu less than device minimum", attribute(4, struct.pack("=I", 67))),
    ("the address of a carp device follows from its vhid", attribute(1, bytes.fromhex("02000000000a")))])
def test_what_the_core_refuses_later_is_refused_before_the_rest_is_applied(rachael, sentence, extra):
    """The core sets MTU and address of a device when the driver has done its part: the vhid was another one, and
    the request had failed."""
    group(rachael, advbase=50, vhid=5)
    refused(rachael, lambda: rachael.rtnl.change("carp0", data=carp_attributes(vhid=6), extra=extra),
            "EINVAL EOPNOTSUPP", sentence)


def test_advbase_0_needs_the_advskew_that_is_there(rachael):
    """advbase 0 alone is judged together with the advskew that the group has."""
    made = group(rachael, advbase=50, advskew=0)  # then 200: no MASTER for 2 s
    refused(rachael, lambda: rachael.rtnl.change("carp0", data=carp_attributes(advbase=0)), "EINVAL", "advbase")
    made.set(advskew=200)
    made.set(advbase=0)
    assert made.status()["advbase"] == 0
    refused(rachael, lambda: rachael.rtnl.change("carp0", data=carp_attributes(advskew=0)), "EINVAL", "advskew")


def test_limits_themselves_are_accepted(rachael):
    rachael.rtnl.add("carp0", parent_index(rachael),
                     carp_attributes(vhid=255, advbase=255, advskew=254, key=b"k" * 20))
    now = Group(rachael).status()
    assert (now["vhid"], now["advbase"], now["advskew"]) == (255, 255, 254)


def test_duplicate_vhid_on_the_parent(rachael):
    group(rachael, advbase=50)
    refused(rachael, lambda: rachael.rtnl.add("carp1", parent_index(rachael), carp_attributes(vhid=1)),
            "EEXIST EADDRINUSE", "vhid")


def test_duplicate_vhid_by_a_change(rachael):
    group(rachael, advbase=50)
    group(rachael, "192.0.2.2/32", name="carp1", vhid=2, advbase=50)
    refused(rachael, lambda: rachael.rtnl.change("carp1", data=carp_attributes(vhid=1)),
            "EEXIST EADDRINUSE", "vhid")


def test_duplicate_vhid_by_a_late_parent(rachael):
    group(rachael, advbase=50)
    Group(rachael, "carp1").create(parent=None, vhid=1)
    refused(rachael, lambda: rachael.rtnl.change("carp1", parent=parent_index(rachael), data=b""),
            "EEXIST EADDRINUSE", "vhid")


def test_parent_that_does_not_exist(rachael):
    refused(rachael, lambda: rachael.rtnl.add("carp0", 9999, carp_attributes(vhid=1)), "ENODEV EINVAL", "parent")


def test_parent_is_loopback(rachael):
    refused(rachael, lambda: rachael.rtnl.add("carp0", parent_index(rachael, "lo"), carp_attributes(vhid=1)),
            "EINVAL EOPNOTSUPP", "loopback")


def test_parent_is_not_ethernet(rachael):
    run("modprobe", "tun")
    rachael.ip("tuntap", "add", "tun0", "mode", "tun")
    refused(rachael, lambda: rachael.rtnl.add("carp0", parent_index(rachael, "tun0"), carp_attributes(vhid=1)),
            "EINVAL EOPNOTSUPP", "Ethernet")


def test_parent_is_a_carp_device(rachael):
    group(rachael, advbase=50)
    refused(rachael, lambda: rachael.rtnl.add("carp1", parent_index(rachael, "carp0"), carp_attributes(vhid=2)),
            "EINVAL ELOOP EOPNOTSUPP", "carp")


def test_parent_in_another_namespace(rachael, pris):
    """`ip link add link eth0 netns pris`: the device would be in another namespace than its parent."""
    before = snapshot(pris)
    with inside(pris.ns):
        namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        refused(rachael, lambda: rachael.rtnl.add("carp0", parent_index(rachael), carp_attributes(vhid=1),
                                                  extra=attribute(28, namespace)),  # IFLA_NET_NS_FD
                "EINVAL EXDEV EOPNOTSUPP", "namespace")
    finally:
        os.close(namespace)
    assert snapshot(pris) == before


def test_group_does_not_move_to_another_namespace(rachael, pris):
    group(rachael, advbase=50)
    before = snapshot(rachael)
    done = rachael.ip("link", "set", "carp0", "netns", "pris", check=False)
    assert done.returncode
    assert snapshot(rachael) == before


@pytest.mark.parametrize("kind", ["macvlan", "bridge", "bond"])
def test_parent_is_taken(rachael, kind):
    """Somebody else has the parent's rx handler; the sentence says who."""
    rachael.batch("link set eth0 down", *{
        "macvlan": ["link add link eth0 name taker0 type macvlan"],
        "bridge": ["link add taker0 type bridge", "link set eth0 master taker0"],
        "bond": ["link add taker0 type bond mode active-backup", "link set eth0 master taker0"],
    }[kind])
    refused(rachael, lambda: rachael.rtnl.add("carp0", parent_index(rachael), carp_attributes(vhid=1)),
            "EBUSY", "taker0")


def test_parent_cannot_be_changed(rachael, segment):
    segment.plug(rachael, "eth1", "rachael1")
    group(rachael, advbase=50)
    refused(rachael, lambda: rachael.rtnl.change("carp0", parent=parent_index(rachael, "eth1"), data=b""),
            "EINVAL EBUSY EOPNOTSUPP", "parent")


def test_carp_device_is_no_port_of_a_bridge(rachael):
    """All that leaves by it comes from the virtual MAC, whosever it was."""
    group(rachael, advbase=50)
    rachael.ip("link", "add", "other", "type", "bridge")
    before = snapshot(rachael)
    done = rachael.ip("link", "set", "carp0", "master", "other", check=False)
    assert done.returncode and "does not allow enslaving to a bridge" in done.stderr
    assert snapshot(rachael) == before


ABOVE = {
    "VLAN": ("link add link carp0 name carp0.10 type vlan id 10", "VLANs not supported"),
    "macvlan": ("link add link carp0 name above type macvlan mode bridge", "Invalid argument"),
    "macvlan alone": ("link add link carp0 name above type macvlan mode passthru", "Invalid argument"),
    "ipvlan": ("link add link carp0 name above type ipvlan mode l2", "Invalid argument"),
}


@pytest.mark.parametrize("kind", ABOVE)
def test_nothing_is_put_on_top_of_a_carp_device(rachael, kind):
    """What comes in stays on the parent: it would hear nothing."""
    group(rachael, advbase=50)
    rachael.run("ethtool", "-K", "carp0", "tso", "off")
    rachael.ip("link", "set", "eth0", "mtu", "1400")
    before = snapshot(rachael)
    request, sentence = ABOVE[kind]
    done = rachael.ip(*request.split(), check=False)
    assert done.returncode and sentence in done.stderr
    assert snapshot(rachael) == before


def test_carp_device_is_no_slave_of_a_bond(rachael):
    group(rachael, advbase=50)
    rachael.batch("link set carp0 down", "link add other type bond mode active-backup")
    done = rachael.ip("link", "set", "carp0", "master", "other", check=False)
    assert done.returncode and "Invalid argument" in done.stderr
    assert "master other" not in rachael.ip("link", "show", "carp0").stdout
    rachael.ip("link", "set", "carp0", "up")


def test_hardware_address_cannot_be_changed(rachael):
    group(rachael, advbase=50)
    before = snapshot(rachael)
    with pytest.raises(Refused) as failure:
        rachael.rtnl.change("carp0", extra=attribute(rtnl.IFLA_ADDRESS, bytes.fromhex("020000000001")))
    assert failure.value.code in ("EOPNOTSUPP", "EBUSY", "EADDRNOTAVAIL")
    assert snapshot(rachael) == before


def test_parent_removed(rachael, segment):
    """After its parent is gone the group is gone; a request for it fails and makes nothing."""
    rachael.settled()  # so that nothing else changes meanwhile
    segment.plug(rachael, "eth1", "rachael1")
    index = parent_index(rachael, "eth1")
    group(rachael, "203.0.113.1/32", parent="eth1")
    rachael.rtnl.delete("eth1")
    done = rachael.ip("link", "set", "carp0", "type", "carp", "advskew", "1", check=False)
    assert done.returncode
    refused(rachael, lambda: rachael.rtnl.add("carp0", index, carp_attributes(vhid=1)), "ENODEV EINVAL", "parent")


@pytest.mark.parametrize("words", [
    ("add", "link", "eth0", "name", "carp1", "type", "carp", "vhid", "2"),
    ("set", "carp0", "type", "carp", "advskew", "1"),
    ("set", "carp0", "type", "carp", "state", "master"),
    ("set", "carp0", "up"),
    ("del", "carp0"),
], ids=" ".join)
def test_unprivileged_user(rachael, words):
    group(rachael, advbase=50, up=False)
    before = snapshot(rachael)
    done = rachael.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ip", "link", *words, check=False)
    assert done.returncode
    assert os.strerror(errno.EPERM) in done.stderr
    assert snapshot(rachael) == before


def test_unprivileged_user_cannot_write_sysctls(rachael):
    done = rachael.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                       "sysctl", "-w", "net.inet.carp.allow=0", check=False)
    assert rachael.sysctl("net.inet.carp.allow") == "1"
    assert "denied" in done.stderr or "not permitted" in done.stderr


def test_key_is_not_told(rachael):
    """Nobody reads the key back, root neither."""
    group(rachael, advbase=50, **{"pass": "tyrell"})
    info = rtnl.parse(rachael.rtnl.link("carp0")[rtnl.IFLA_LINKINFO])
    assert b"tyrell" not in info[rtnl.IFLA_INFO_DATA]
    assert "tyrell" not in rachael.ip("-d", "-s", "link", "show", "carp0").stdout


@pytest.mark.parametrize("words, complaint", [
    (("vhid", "0"), "vhid"), (("vhid", "256"), "vhid"), (("vhid", "rachael"), "vhid"),
    (("vhid", "1", "advbase", "256"), "advbase"), (("vhid", "1", "advskew", "255"), "advskew"),
    (("vhid", "1", "advbase", "0", "advskew", "0"), "advbase"),
    (("vhid", "1", "pass", "k" * 21), "pass"), (("vhid", "1", "state", "init"), "state"),
    (("voigt", "kampff"), "voigt"),
], ids=str)
def test_ip_refuses(rachael, words, complaint):
    """`ip` itself or the kernel says no, and what it is about."""
    before = snapshot(rachael)
    done = rachael.ip("link", "add", "link", "eth0", "name", "carp0", "type", "carp", *words, check=False)
    assert done.returncode
    assert complaint in done.stderr.lower() or (complaint == "pass" and "key" in done.stderr.lower())
    assert snapshot(rachael) == before
