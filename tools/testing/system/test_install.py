# SPDX-License-Identifier: GPL-2.0
"""A fresh Debian: install, and configure a group in each of the ways that there are.

| group | made by | addresses by | parent |
| --- | --- | --- | --- |
| carp0 | /etc/hostname.carp0 | the same | card 1, of systemd-networkd |
| carp1 | /etc/hostname.carp1 | systemd-networkd | card 2, of systemd-networkd |
| carp2 | NetworkManager | NetworkManager | card 3, of NetworkManager |
| carp3 | ifupdown | ifupdown | card 4, of ifupdown |
| carp4 | /etc/hostname.carp4 | the same | a VLAN, of systemd-networkd |
| carp5 | /etc/hostname.carp5 | the same | not named: it is card 1 by the address |

What is configured here is looked at after a reboot, in test_reboot.py. The tests are in
the order of a day's work, and depend on each other.
"""

import json
import pathlib
import stat

from system import becomes, card, eventually, refused, run, write

EXAMPLES = pathlib.Path("/usr/share/doc/carp/examples")


def example(name, **replacements):
    """The text of an example that is installed, with other names in it."""
    text = (EXAMPLES / name).read_text()
    for old, new in replacements.items():
        assert old in text, f"{old} is not in {name}"
        text = text.replace(old, new)
    return text


def test_install():
    run("cp -r --no-preserve=ownership /mnt/system/installed/. /")
    run("systemctl daemon-reload && udevadm control --reload")


def test_installed_files():
    """Each is where Debian expects it, root's, and neither too open nor closed."""
    files = pathlib.Path("/mnt/system/installed.list").read_text().split()
    release = run("uname -r").strip()
    for expected in (
        f"/usr/lib/modules/{release}/updates/carp.ko",
        "/usr/lib/x86_64-linux-gnu/ip/link_carp.so",
        "/usr/sbin/carpctl",
        "/usr/lib/systemd/system/carp@.service",
        "/usr/lib/systemd/system-generators/carp-generator",
        "/usr/lib/systemd/system/carp-events.service",
        "/usr/lib/systemd/network/10-carp.link",
        "/usr/lib/systemd/networkd.conf.d/carp.conf",
        "/usr/lib/udev/rules.d/70-carp.rules",
        "/usr/lib/modules-load.d/carp.conf",
        "/usr/lib/NetworkManager/dispatcher.d/device/carp",
        "/usr/lib/NetworkManager/conf.d/carp.conf",
        "/etc/network/if-pre-up.d/carp",
        "/etc/network/if-post-down.d/carp",
        "/usr/share/doc/carp/README.md",
        "/usr/share/doc/carp/Documentation/persistence.md",
        "/usr/share/doc/carp/json.md",
        "/usr/share/man/man4/carp.4",
        "/usr/share/man/man5/hostname.carp.5",
        "/usr/share/man/man8/carpctl.8",
        "/usr/share/man/man8/ip-link-carp.8",
        "/usr/share/bash-completion/completions/carpctl",
        "/usr/share/zsh/vendor-completions/_carpctl",
        "/usr/share/fish/vendor_completions.d/carpctl.fish",
    ):
        assert expected in files
    for name in files:
        status = pathlib.Path(name).stat()
        assert (status.st_uid, status.st_gid) == (0, 0), name
        assert stat.S_IMODE(status.st_mode) in (0o644, 0o755), name
    # The tools need nothing that a small Debian does not have.
    assert "not found" not in run("ldd /usr/sbin/carpctl /usr/lib/systemd/system-generators/carp-generator")


def test_manuals():
    for section, name in ((4, "carp"), (5, "hostname.carp"), (8, "carpctl"), (8, "ip-link-carp")):
        page = f"/usr/share/man/man{section}/{name}.{section}"
        # This guest's year begins before the manual was written.
        lint = run(f"mandoc -T lint -W warning {page} 2>&1", check=False).splitlines()
        assert [line for line in lint if "date in the future" not in line] == []
        assert run(f"man --warnings -P cat {section} {name} 2>&1 >/dev/null") == ""
        assert f"{name}" in run(f"man -P cat {section} {name} | head -n 5")


def test_units_and_rules_are_right():
    assert run("systemd-analyze verify carp@carp0.service carp-events.service 2>&1") == ""
    assert run("udevadm verify --no-summary /usr/lib/udev/rules.d/70-carp.rules 2>&1") == ""


def test_sysctl_d_and_modules_load_d():
    text = example("sysctl.d/60-carp.conf", **{"#net.inet.carp.preempt = 0": "net.inet.carp.preempt = 1",
                                               "#net.inet.carp.log = 2": "net.inet.carp.log = 4"})
    write("/etc/sysctl.d/60-carp.conf", text)
    run("systemctl restart systemd-modules-load systemd-sysctl")
    assert run("sysctl -n net.inet.carp.preempt net.inet.carp.log").split() == ["1", "4"]


def test_parents_of_systemd_networkd():
    run("systemctl enable --now systemd-networkd")
    for number, address in ((1, "192.0.2.2/24"), (2, "198.51.100.2/24")):
        text = example("systemd-networkd/10-parent.network", **{"eth0": card(number), "192.0.2.2/24": address})
        if number == 1:
            text += "VLAN=lan10\n"
        write(f"/etc/systemd/network/10-card{number}.network", text)
    write("/etc/systemd/network/05-lan10.netdev", "[NetDev]\nName=lan10\nKind=vlan\n[VLAN]\nId=10\n")
    write("/etc/systemd/network/05-lan10.network",
          "[Match]\nName=lan10\n[Network]\nAddress=10.0.10.2/24\n")
    run("networkctl reload")
    eventually(lambda: "10.0.10.2/24" in run("ip addr show lan10", check=False))


def test_hostname_carp0():
    write("/etc/carp.key", "tyrell\n", 0o600)
    write("/etc/hostname.carp0",
          f"# the article's\ncarpdev {card(1)}\ninet 192.0.2.10 255.255.255.0 192.0.2.255\n"
          "inet alias 192.0.2.11/24\ninet6 2001:db8::10 64\n"
          "vhid 1 passfile /etc/carp.key advskew 10\ndescription \"the gateway's address\"\n"
          "!echo \\$if >>/run/loaded\n")
    run("systemctl daemon-reload && systemctl start carp@carp0")
    becomes("carp0", "MASTER")
    # Twice is once.
    run("carpctl load carp0")
    assert run("cat /run/loaded") == "carp0\ncarp0\n"
    assert json.loads(run("carpctl load --diff --json carp0")) == [
        {"ifname": "carp0", "file": "/etc/hostname.carp0", "changes": []}]


def test_ip_and_carpctl_make_groups():
    """By hand, on what was installed and nothing else."""
    run(f"ip link add link {card(1)} name carp7 type carp vhid 7 passfile /etc/carp.key && "
        "ip addr add 192.0.2.70/24 dev carp7 && ip link set carp7 up")
    run(f"carpctl carp8 create carpdev {card(1)} vhid 8 passfile /etc/carp.key 192.0.2.80/24")
    for name in ("carp7", "carp8"):
        becomes(name, "MASTER")
        assert "advertisements sent: v4 " in run(f"ip -s -d link show {name}")
    assert run("ip link help carp").startswith("Usage: ... carp ")
    run("carpctl carp7 destroy && ip link del carp8")


def test_carp_events_runs_programs_at_each_change():
    write("/etc/carp/events.d/10-note",
          "#!/bin/sh\necho \"$CARP_EVENT $CARP_IFNAME $CARP_STATE\" >>/run/events\n", 0o755)
    run("systemctl enable --now carp-events")
    eventually(lambda: "start carp0 MASTER\n" in run("cat /run/events", check=False))
    run("carpctl carp0 advbase 20 state backup")
    eventually(lambda: "transition carp0 BACKUP\n" in run("cat /run/events"))
    run("carpctl carp0 advbase 1 state master")
    eventually(lambda: "transition carp0 MASTER\n" in run("cat /run/events"))


def test_a_wrong_file_changes_nothing():
    before = run("ip -d addr show carp0 | sed 's/ since [^ ]*//'")
    write("/etc/hostname.carp9", "vhid 9\nadvskew 300\n")
    message = refused("carpctl load carp9", status=2)
    assert "/etc/hostname.carp9:2: 300: advskew is a number in 0..254" in message
    assert "carp9" not in run("ip link")
    message = refused("systemctl start carp@carp9")
    assert "300: advskew" in run("journalctl -b -u carp@carp9 --no-pager")
    pathlib.Path("/etc/hostname.carp9").unlink()
    assert run("ip -d addr show carp0 | sed 's/ since [^ ]*//'") == before


def test_a_key_that_everybody_can_read_is_warned_of():
    write("/etc/hostname.carp5", "vhid 5 pass bryant\ninet 192.0.2.50/24\n")
    message = run("carpctl load --check carp5 2>&1")
    assert "/etc/hostname.carp5: has a key, and everybody can read it" in message
    assert "bryant" not in message
    pathlib.Path("/etc/hostname.carp5").chmod(0o640)
    assert run("carpctl load --check carp5 2>&1") == ""


def test_hostname_carp4_on_a_vlan_and_carp5_by_its_address():
    write("/etc/hostname.carp4", "vhid 4 carpdev lan10 passfile /etc/carp.key 10.0.10.10/24\n")
    run("systemctl daemon-reload && systemctl start carp@carp4 carp@carp5")
    becomes("carp4", "MASTER")
    becomes("carp5", "MASTER")


def test_systemd_networkd_and_what_follows_the_carrier():
    write("/etc/hostname.carp1", f"vhid 2 carpdev {card(2)} passfile /etc/carp.key\n")
    text = example("systemd-networkd/20-carp0.network", **{
        "Name=carp0": "Name=carp1", "192.0.2.10/24": "198.51.100.10/24", "2001:db8::10/64": "2001:db8:1::10/64"})
    write("/etc/systemd/network/20-carp1.network", text)
    write("/etc/systemd/network/05-follower.netdev", "[NetDev]\nName=follower\nKind=dummy\n")
    text = example("systemd-networkd/30-follower.network", **{
        "eth1": "follower", "DHCP=yes": "Address=10.1.1.1/24"})
    write("/etc/systemd/network/30-follower.network", text)
    run("networkctl reload && systemctl daemon-reload && systemctl start carp@carp1")
    becomes("carp1", "MASTER")


def test_network_manager():
    # Each interface has one manager: what NetworkManager takes up, it takes the link-local
    # address of, for which systemd-networkd waits.
    others = ";".join(f"interface-name:{name}" for name in (card(1), card(2), card(4), "lan10", "follower"))
    write("/etc/NetworkManager/conf.d/cards.conf",
          f"[main]\nno-auto-default=*\n[keyfile]\nunmanaged-devices={others}\n")
    text = f"[connection]\nid=card3\ntype=ethernet\ninterface-name={card(3)}\n" \
        "[ipv4]\nmethod=manual\naddress1=203.0.113.2/24\n[ipv6]\nmethod=link-local\n"
    write("/etc/NetworkManager/system-connections/card3.nmconnection", text, 0o600)
    # A key with all that a shell or a file could misread; NetworkManager's has \\ for \.
    text = example("NetworkManager/carp0.nmconnection", **{
        "carp0": "carp2", "carp.vhid=1": "carp.vhid=3", "eth0": card(3), "tyrell": "a \"$key\" `\\\\",
        "192.0.2.10/24": "203.0.113.10/24", "2001:db8::10/64": "2001:db8:3::10/64",
        "carp.advskew=0": "carp.advskew=30"})
    write("/etc/NetworkManager/system-connections/carp2.nmconnection", text, 0o600)
    run("systemctl restart NetworkManager")
    eventually(lambda: run("nmcli -g GENERAL.STATE connection show carp2", check=False).strip() == "activated")
    becomes("carp2", "MASTER")


def test_ifupdown():
    write("/etc/network/interfaces.d/card4",
          f"auto {card(4)}\niface {card(4)} inet static\n\taddress 10.4.4.2/24\n")
    text = example("ifupdown/carp0", **{
        "carp0\n": "carp3\n", "carp0 inet": "carp3 inet", "/etc/carp0.key": "/etc/carp.key",
        "eth0": card(4), "carp-vhid 1": "carp-vhid 4",
        "carp-advskew 0": "carp-advskew 40", "192.0.2.10/24": "10.4.4.10/24",
        "2001:db8::10/64": "2001:db8:4::10/64"})
    write("/etc/network/interfaces.d/carp3", text)
    run("systemctl restart networking")
    becomes("carp3", "MASTER")
