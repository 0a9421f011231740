# SPDX-License-Identifier: GPL-2.0
"""After a reboot: each group that test_install.py configured is up, as it was configured.
Then what happens to such a machine in its life.
"""

import pathlib
import time

from system import (addresses, becomes, card, eventually, exists, group, link, refused, run, state, write)

#       vhid, card, advskew, addresses
GROUPS = {
    "carp0": (1, 1, 10, ["192.0.2.10/24", "192.0.2.11/24", "2001:db8::10/64"]),
    "carp1": (2, 2, 0, ["198.51.100.10/24", "2001:db8:1::10/64"]),
    "carp2": (3, 3, 30, ["2001:db8:3::10/64", "203.0.113.10/24"]),
    "carp3": (4, 4, 40, ["10.4.4.10/24", "2001:db8:4::10/64"]),
    "carp5": (5, 1, 0, ["192.0.2.50/24"]),
}


def test_groups_are_up_with_their_parameters():
    for name, (vhid, number, advskew, expected) in GROUPS.items():
        becomes(name, "MASTER")
        it = link(name)
        data = it["linkinfo"]["info_data"]
        assert (data["vhid"], data["advbase"], data["advskew"]) == (vhid, 1, advskew), name
        assert it["link"] == card(number), name
        eventually(lambda: addresses(name) == expected)
        assert {"UP", "LOWER_UP"} <= set(it["flags"]), name
    becomes("carp4", "MASTER")
    assert (link("carp4")["link"], addresses("carp4")) == ("lan10", ["10.0.10.10/24"])


def test_no_unit_failed():
    assert run("systemctl list-units --failed --no-legend --plain") == ""
    for name in ("carp0", "carp1", "carp4", "carp5"):
        assert run(f"systemctl is-active carp@{name}").strip() == "active"


def test_the_file_was_carried_out_once_with_its_commands():
    assert run("cat /run/loaded") == "carp0\n"
    assert link("carp0")["ifalias"] == "the gateway's address"


def test_carp_events_goes_on_after_a_reboot():
    assert run("systemctl is-active carp-events").strip() == "active"
    eventually(lambda: " carp0 MASTER\n" in run("cat /run/events", check=False))


def test_the_key_is_the_files():
    """Whatever is in it, and whoever passed it on."""
    assert run("carpctl key carp0") == "tyrell\n"
    assert run("carpctl key carp2") == "a \"$key\" `\\\n"


def test_sysctl_d():
    assert run("sysctl -n net.inet.carp.preempt net.inet.carp.log net.inet.carp.allow").split() == ["1", "4", "1"]
    assert "LoadState=loaded" in run("systemctl show systemd-modules-load")


def test_nothing_renames_or_readdresses_the_device():
    for name, (vhid, *_) in GROUPS.items():
        assert link(name)["address"] == f"00:00:5e:00:01:{vhid:02x}"
        assert "altnames" not in link(name)
        assert "ID_NET_LINK_FILE=/usr/lib/systemd/network/10-carp.link" in run(f"udevadm info /sys/class/net/{name}")
    assert "MAC address" not in run("journalctl -b -u systemd-udevd --no-pager")


def test_no_link_local_address_but_the_groups_own():
    """Whatever a network manager's defaults are: they would be in the digest."""
    for name in GROUPS:
        assert addresses(name, "link") == [], name


def test_network_manager_leaves_the_others_alone():
    def shown():
        return dict(line.split(":") for line in run("nmcli -t -f DEVICE,STATE device").splitlines())

    # It looks for a while for an identifier of which to make a link-local address.
    eventually(lambda: shown()["carp2"] == "connected")
    assert shown()["carp0"] == shown()["carp5"] == "unmanaged"


def test_reload_changes_only_what_differs():
    before = group("carp0")["transitions"]
    text = pathlib.Path("/etc/hostname.carp0").read_text()
    write("/etc/hostname.carp0", text.replace("advskew 10", "advskew 20")
          .replace("192.0.2.10 255.255.255.0 192.0.2.255", "192.0.2.12/24"))
    # The first address is the one that goes: others of its subnet must not go with it.
    run("sysctl -w net.ipv4.conf.all.promote_secondaries=0 net.ipv4.conf.carp0.promote_secondaries=0")
    shown = run("carpctl load --diff carp0")
    assert shown.splitlines() == ["carp0 advskew 20", "carp0 alias 192.0.2.12/24", "carp0 -alias 192.0.2.10/24"]
    assert group("carp0")["advskew"] == 10, "--diff changes nothing"
    run("systemctl reload carp@carp0")
    assert group("carp0")["advskew"] == 20
    assert addresses("carp0") == ["192.0.2.11/24", "192.0.2.12/24", "2001:db8::10/64"]
    assert (group("carp0")["transitions"], state("carp0")) == (before, "MASTER")
    assert run("carpctl load --diff carp0") == ""


def test_a_wrong_file_changes_nothing_and_the_group_goes_on():
    before = run("ip -d addr show carp0 | sed 's/ since [^ ]*//'")
    text = pathlib.Path("/etc/hostname.carp0").read_text()
    write("/etc/hostname.carp0", text + "advskew 30\n")
    refused("systemctl reload carp@carp0")
    line = len(text.splitlines()) + 1
    assert f"/etc/hostname.carp0:{line}: advskew: it was said on line" in \
        run("journalctl -b -u carp@carp0 --no-pager")
    assert run("systemctl is-active carp@carp0").strip() == "active"
    assert run("ip -d addr show carp0 | sed 's/ since [^ ]*//'") == before
    write("/etc/hostname.carp0", text)


def test_a_backup_keeps_its_addresses_whoever_manages_them():
    """No carrier for half a minute: longer than NetworkManager waits."""
    for name in ("carp1", "carp2", "carp3"):
        run(f"carpctl {name} advbase 20 state backup")
        assert state(name) == "BACKUP"
    time.sleep(30)
    for name in ("carp1", "carp2", "carp3"):
        assert (state(name), addresses(name)) == ("BACKUP", GROUPS[name][3]), name
        run(f"carpctl {name} advbase 1 state master")
        becomes(name, "MASTER")


def test_bindcarrier_follows_the_master():
    eventually(lambda: "UP" in link("follower")["flags"])
    run("carpctl carp0 advbase 20 state backup")
    eventually(lambda: "UP" not in link("follower")["flags"])
    run("carpctl carp0 advbase 1 state master")
    eventually(lambda: "UP" in link("follower")["flags"])


def test_restart_of_systemd_networkd_takes_nothing_away():
    """By itself it would remove routes that it does not know from its interfaces."""
    run("carpctl carp0 advbase 20 state backup")

    def ours():
        return run("ip route show table all proto 112 dev " + card(1))

    # Those of one family come a moment before the other's.
    virtual = [address.split("/")[0] for address in addresses("carp0")]
    eventually(lambda: all(f"{address} " in ours() for address in virtual))
    routes = ours()
    run("systemctl restart systemd-networkd")
    time.sleep(5)
    assert state("carp0") == "BACKUP"
    assert ours() == routes
    assert addresses("carp1") == GROUPS["carp1"][3]
    run("carpctl carp0 advbase 1 state master")
    becomes("carp0", "MASTER")


def test_a_group_goes_and_comes_with_its_parent():
    run("ip link del lan10")
    eventually(lambda: not exists("carp4"))
    eventually(lambda: run("systemctl is-active carp@carp4", check=False).strip() == "inactive")
    run("systemctl restart systemd-networkd")
    becomes("carp4", "MASTER")
    assert run("systemctl is-active carp@carp4").strip() == "active"


def test_ifdown_and_ifup():
    run("ifdown carp3")
    assert not exists("carp3")
    run("ifup carp3")
    becomes("carp3", "MASTER")
    assert addresses("carp3") == GROUPS["carp3"][3]


def test_ifupdown_names_the_option_that_is_wrong():
    text = pathlib.Path("/etc/network/interfaces.d/carp3").read_text()
    run("ifdown carp3")
    write("/etc/network/interfaces.d/carp3", text.replace("carp-vhid 4", "carp-vhid 400"))
    assert "400: vhid is a number in 1..255" in refused("ifup carp3")
    assert not exists("carp3")
    write("/etc/network/interfaces.d/carp3", text)
    run("ifup carp3")
    becomes("carp3", "MASTER")


def test_network_manager_down_and_up():
    run("nmcli connection down carp2")
    eventually(lambda: not exists("carp2"))
    run("nmcli connection up carp2")
    becomes("carp2", "MASTER")


def test_stop_bows_out_and_deletes():
    run("systemctl stop carp@carp0")
    assert not exists("carp0")
    run("systemctl start carp@carp0")
    becomes("carp0", "MASTER")
