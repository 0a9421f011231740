# SPDX-License-Identifier: GPL-2.0
"""A carp device can be made bare and completed in any order; until then it is in
INIT and says what it waits for; `ip` shows all of it.
"""

import itertools
import pathlib
import subprocess

import pytest

import uapi
from carp import Group, group, master, virtual_mac
from kernel_log import KernelLog
from topology import eventually

def set_parent(made):
    """By rtnetlink: `ip link set DEVICE link PARENT` forgets the parent and says nothing."""
    made.host.rtnl.change(made.name, parent=made.host.rtnl.link("eth0")["index"], data=b"")


STEPS = {
    "vhid": lambda made: made.set(vhid=1),
    "parent": set_parent,
    "address": lambda made: made.add_address("198.51.100.1/32"),
    "device-up": lambda made: made.up(),
}
REASON_FOR = {"vhid": "no-vhid", "parent": "no-parent", "address": "no-address", "device-up": "device-down"}


def test_autoload_by_ip_link_add(rachael):
    """`ip link add type carp` loads the module."""
    subprocess.run(["rmmod", "carp"], check=True)
    assert not pathlib.Path("/sys/module/carp").exists()
    rachael.ip("link", "add", "carp0", "type", "carp")
    assert pathlib.Path("/sys/module/carp").exists()
    assert Group(rachael).state == "INIT"


def test_bare_device_says_all_that_is_missing(rachael):
    made = Group(rachael)
    made.create(parent=None)
    now = made.status()
    assert now["state"] == "INIT"
    assert now["missing"] == ["address", "device-up", "parent", "vhid"]
    assert now["reason"] in ("created", "no-vhid")
    assert now["transitions"] == 0


@pytest.mark.parametrize("order", list(itertools.permutations(STEPS)), ids="-".join)
def test_complete_in_order(rachael, order):
    made = Group(rachael)
    made.create(parent=None)
    missing = set(STEPS)
    for step in order:
        assert made.status()["state"] == "INIT"
        STEPS[step](made)
        missing.discard(step)
        eventually(lambda: set(made.status()["missing"]) == missing, 1,
                   lambda: f"missing {missing} after {step}; it is {made.status()}")
        if missing:
            now = made.status()
            assert now["state"] == "INIT"
            assert now["reason"] in {REASON_FOR[name] for name in missing}
    now = made.wait("BACKUP", 1)
    assert now["reason"] == "ready"
    made.wait("MASTER", reason="timed-out")


def test_key_can_come_later(rachael):
    made = group(rachael)
    made.set(**{"pass": "tyrell"})
    made.wait("MASTER")


def test_parent_is_found_from_the_first_address(rachael, segment):
    """Without `link`, the interface whose connected subnet holds the address is the parent."""
    segment.plug(rachael, "eth1", "rachael1")
    rachael.ip("address", "add", "203.0.113.11/24", "dev", "eth1")
    made = Group(rachael)
    made.create(parent=None, vhid=3)
    made.up()
    assert "parent" in made.status()["missing"]
    made.add_address("203.0.113.1/24")
    made.wait("MASTER")
    assert made.show()["link"] == "eth1"


def test_parent_is_found_from_the_first_ipv6_address(rachael, segment):
    segment.plug(rachael, "eth1", "rachael1")
    rachael.ip("address", "add", "2001:db8:113::11/64", "dev", "eth1", "nodad")
    made = Group(rachael)
    made.create(parent=None, vhid=3)
    made.up()
    made.add_address("2001:db8:113::1/64")
    made.wait("MASTER")
    assert made.show()["link"] == "eth1"


def test_log_says_why_a_parent_that_is_found_cannot_be_used(rachael):
    group(rachael, vhid=3)
    log = KernelLog()
    made = Group(rachael, "carp1")
    made.create(parent=None, vhid=3)
    made.add_address("192.0.2.2/24")
    assert "parent" in made.status()["missing"]
    assert any("carp: carp1: cannot use eth0 as parent: vhid 3 is used already on it" in line for line in log.read())


def test_no_parent_is_found_from_a_link_local_address(rachael):
    """Every link has that subnet."""
    made = Group(rachael)
    made.create(parent=None, vhid=3)
    made.up()
    made.add_address("fe80::1/64")
    assert made.status()["missing"] == ["parent"]


def test_no_parent_is_found_for_a_foreign_address(rachael):
    made = Group(rachael)
    made.create(parent=None, vhid=3)
    made.up()
    made.add_address("203.0.113.1/32")
    now = made.status()
    assert (now["state"], now["reason"], now["missing"]) == ("INIT", "no-parent", ["parent"])


def test_ip_shows_the_group(rachael):
    made = group(rachael, vhid=7, advbase=2, advskew=100, **{"pass": "tyrell"})
    made.wait("BACKUP", 1)
    shown = made.show()
    assert shown["link"] == "eth0"
    assert shown["address"] == virtual_mac(7)
    assert shown["linkinfo"]["info_kind"] == "carp"
    data = shown["linkinfo"]["info_data"]
    assert {key: data[key] for key in ("vhid", "advbase", "advskew", "state", "reason")} == dict(
        vhid=7, advbase=2, advskew=100, state="BACKUP", reason="ready")
    assert not data.get("missing")
    assert "tyrell" not in str(shown), "the key is shown"


def test_ip_shows_it_in_text(rachael):
    master(rachael, vhid=7, advskew=10)
    text = rachael.ip("-d", "link", "show", "carp0").stdout
    assert "carp0@eth0:" in text
    for words in ("carp", "MASTER", "vhid 7", "advbase 1", "advskew 10"):
        assert words in text


def test_ip_shows_the_counters(rachael):
    """`ip -s -d -j`: every counter of the header, with the kernel's own numbers."""
    made = master(rachael, advbase=20, advskew=0)
    made.set(state="backup")
    shown = made.show(statistics=True)["linkinfo"]["info_xstats"]
    assert shown == made.counters()
    assert set(uapi.COUNTERS.values()) - {"unspec", "pad"} == set(shown)
    assert (shown["tx_v4"], shown["tx_bow_out"]) == (2, 1)


def test_ip_shows_what_is_missing(rachael):
    made = Group(rachael)
    made.create(vhid=1)
    data = made.show()["linkinfo"]["info_data"]
    assert data["state"] == "INIT"
    assert sorted(data["missing"]) == ["address", "device-up"]


def test_virtual_mac_follows_the_vhid(rachael):
    made = group(rachael, vhid=254, up=False)
    assert made.show()["address"] == virtual_mac(254)
    made.set(vhid=16)
    assert made.show()["address"] == virtual_mac(16)


def test_carrier_is_mastership(rachael):
    """MASTER: carrier and operstate up; BACKUP and INIT: neither."""
    made = group(rachael, up=False)
    assert made.status()["carrier"] == 0
    made.up()
    now = made.wait("BACKUP", 1)
    assert (now["carrier"], now["operstate"]) == (0, 2)  # IF_OPER_DOWN
    made.wait("MASTER")
    eventually(lambda: made.status()["operstate"] == 6, 1, "operstate UP")  # IF_OPER_UP
    assert made.status()["carrier"] == 1
    made.set(state="backup")
    eventually(lambda: made.status()["carrier"] == 0, 1, "carrier off")


def test_changes_keep_a_master_master(rachael):
    """Address, key and parameter changes take effect without leaving MASTER."""
    made = master(rachael)
    before = made.status()["transitions"]
    made.set(advskew=20)
    made.set(advbase=2)
    made.set(**{"pass": "roy"})
    made.add_address("192.0.2.2/32")
    made.remove_address("192.0.2.1/32")
    now = made.status()
    assert (now["state"], now["transitions"]) == ("MASTER", before)
    assert (now["advbase"], now["advskew"]) == (2, 20)


def test_last_address_removed_is_init(rachael):
    made = master(rachael)
    made.remove_address("192.0.2.1/32")
    now = made.wait("INIT", 1)
    assert (now["reason"], now["missing"]) == ("no-address", ["address"])


def test_carrier_of_the_parent(rachael, segment):
    """Without carrier on the parent: INIT, and back through BACKUP when it returns."""
    made = master(rachael)
    segment.unplug(rachael)
    now = made.wait("INIT", 3)
    assert now["reason"] == "no-carrier"
    assert "carrier" in now["missing"]
    segment.replug(rachael)
    made.wait("MASTER", 6)


def test_parent_down_and_up(rachael):
    made = master(rachael)
    rachael.rtnl.down("eth0")
    now = made.wait("INIT", 1)
    assert now["reason"] == "parent-down"
    rachael.rtnl.up("eth0")
    made.wait("MASTER", 6)


def test_parent_removed_takes_its_groups_along(rachael, segment):
    master(rachael)
    rachael.ip("link", "del", "eth0")
    assert "carp0" not in rachael.ip("link", "show").stdout


def test_several_groups_of_one_parent(rachael):
    groups = [group(rachael, f"192.0.2.{n}/32", name=f"carp{n}", vhid=n) for n in (1, 2, 3)]
    for made in groups:
        made.wait("MASTER")


def test_same_vhid_on_two_parents(rachael, segment):
    """Unique is (namespace, parent, vhid)."""
    segment.plug(rachael, "eth1", "rachael1")
    rachael.ip("address", "add", "203.0.113.11/24", "dev", "eth1")
    group(rachael)
    other = group(rachael, "203.0.113.1/32", name="carp1", parent="eth1")
    assert other.status()["vhid"] == 1
