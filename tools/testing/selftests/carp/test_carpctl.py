# SPDX-License-Identifier: GPL-2.0
"""carpctl: the article's commands with only the first word changed, what is printed
about groups, and who may do what.
"""

import json
import pathlib
import re

import pytest

import uapi
from carp import Group
from topology import eventually, run

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def carpctl(host, line, check=True, status=None):
    """`carpctl LINE` on a host; its standard output, or with a status the whole process."""
    done = host.run("carpctl", *line.split(), check=check and status is None)
    if status is None:
        return done.stdout
    assert done.returncode == status, done
    return done


def only_plain(text):
    assert re.fullmatch(r"[\n\t\x20-\x7e]*", text), repr(text)
    return text


@pytest.fixture
def pair(rachael, pris):
    """The article's first commands, on both hosts."""
    for host in (rachael, pris):
        carpctl(host, "carp0 create")
        carpctl(host, "carp0 vhid 1 pass tyrell 192.0.2.10")
    return Group(rachael), Group(pris)


def states(*groups):
    return [group.state for group in groups]


def test_the_article(rachael, pris, pair):
    """From the first command to the last, on both hosts."""
    first, second = pair
    eventually(lambda: sorted(states(*pair)) == ["BACKUP", "MASTER"], 10, lambda: states(*pair))
    # By hand: the other one goes on.
    old, new = pair if first.state == "MASTER" else (second, first)
    carpctl(old.host, "carp0 state backup")
    assert old.status()["reason"] == "requested"
    new.wait("MASTER", 5)
    # Scenario 3: a preferred MASTER.
    for host in (rachael, pris):
        host.run("sysctl", "-w", "net.inet.carp.preempt=1")
    carpctl(pris, "carp0 advskew 100")
    eventually(lambda: states(*pair) == ["MASTER", "BACKUP"], 10, lambda: states(*pair))
    # Scenario 4: a second group with the same address, preferred elsewhere.
    carpctl(rachael, "carp1 create")
    carpctl(rachael, "carp1 vhid 2 advskew 100 pass bryant 192.0.2.10")
    carpctl(pris, "create carp1")
    carpctl(pris, "carp1 vhid 2 pass bryant 192.0.2.10")
    for host in (rachael, pris):
        host.run("sysctl", "-w", "net.inet.carp.arpbalance=1")
    others = Group(rachael, "carp1"), Group(pris, "carp1")
    eventually(lambda: states(*others) == ["BACKUP", "MASTER"], 10, lambda: states(*others))
    # rachael is taken down: pris has it at once, as rachael takes her leave.
    carpctl(rachael, "carp0 down")
    assert first.state == "INIT"
    second.wait("MASTER", 1)
    carpctl(rachael, "carp0 up")
    first.wait("MASTER", 10)
    for name in ("carp0", "carp1"):
        carpctl(rachael, f"{name} destroy")
    assert carpctl(rachael, "") == ""


def test_as_ifconfig_prints_it(rachael):
    carpctl(rachael, "carp0 create carpdev eth0 advskew 100 vhid 1 pass tyrell 192.0.2.10")
    carpctl(rachael, "carp0 alias 192.0.2.11/24 inet6 2001:db8::1 prefixlen 64")
    Group(rachael).wait("MASTER", 10)
    expected = """\
carp0: flags=11043<UP,BROADCAST,RUNNING,MULTICAST,LOWER_UP> mtu 1500
	lladdr 00:00:5e:00:01:01
	index {index}
	carp: MASTER carpdev eth0 vhid 1 advbase 1 advskew 100
	status: master
	inet 192.0.2.10 netmask 0xffffff00 broadcast 192.0.2.255
	inet 192.0.2.11 netmask 0xffffff00 broadcast 192.0.2.255
	inet6 2001:db8::1 prefixlen 64
"""
    shown = carpctl(rachael, "carp0")
    index = re.search(r"index (\d+)", shown).group(1)
    assert shown == expected.format(index=index)
    assert carpctl(rachael, "") == shown
    assert carpctl(rachael, "carp") == shown, "all of a kind, as with ifconfig"
    only_plain(shown)


def test_what_is_missing(rachael):
    carpctl(rachael, "carp0 create")
    assert "\tcarp: INIT carpdev none vhid none advbase 1 advskew 0\n" \
           "\tmissing: vhid parent address device-up\n" in carpctl(rachael, "carp0")
    assert "needs vhid, parent, address, device-up" in only_plain(carpctl(rachael, "show"))
    carpctl(rachael, "carp0 192.0.2.10 vhid 3 down")
    assert "\tmissing: device-up\n" in carpctl(rachael, "carp0")


def test_addresses_come_and_go(rachael):
    def shown():
        return re.findall(r"inet6? (\S+)", carpctl(rachael, "carp0"))

    carpctl(rachael, "carp0 create vhid 1 192.0.2.10/24")
    carpctl(rachael, "carp0 192.0.2.20")
    assert shown() == ["192.0.2.20"], "instead of the first"
    carpctl(rachael, "carp0 alias 192.0.2.21 netmask 255.255.255.0 2001:db8::1/64")
    carpctl(rachael, "carp0 inet 192.0.2.22 netmask 0xffffff00 alias")
    assert shown() == ["192.0.2.20", "192.0.2.21", "192.0.2.22", "2001:db8::1"]
    carpctl(rachael, "carp0 192.0.2.23")
    assert sorted(shown()) == ["192.0.2.21", "192.0.2.22", "192.0.2.23", "2001:db8::1"], \
        "the others of the subnet stay when the first one goes"
    carpctl(rachael, "carp0 -alias 192.0.2.22 -alias 2001:db8::1 192.0.2.21 delete")
    assert shown() == ["192.0.2.23"]
    done = carpctl(rachael, "carp0 192.0.2.99 delete", status=1)
    assert done.stderr == "carpctl: carp0: 192.0.2.99 is not on it\n"


def test_an_ipv6_address_with_another_subnet(rachael):
    """For the kernel it is the same address: the old one goes first, and is back if that fails."""
    def shown():
        return re.findall(r"inet6 (\S+ prefixlen \d+)", carpctl(rachael, "carp0"))

    carpctl(rachael, "carp0 create vhid 1 2001:db8::1/64")
    carpctl(rachael, "carp0 2001:db8::1/128")
    assert shown() == ["2001:db8::1 prefixlen 128"]
    done = carpctl(rachael, "carp0 2001:db8::1/64 alias ff02::5/64", status=1)
    assert "ff02::5/64" in done.stderr
    assert shown() == ["2001:db8::1 prefixlen 128"]
    carpctl(rachael, "carp0 -alias 2001:db8::1 alias 2001:db8::1/64")
    assert shown() == ["2001:db8::1 prefixlen 64"]


def test_json(rachael):
    carpctl(rachael, "carp0 create vhid 1 pass tyrell 192.0.2.10 2001:db8::1/64")
    Group(rachael).wait("MASTER", 10)
    [group] = json.loads(carpctl(rachael, "--json carp0"))
    assert group == json.loads(carpctl(rachael, "show --json"))[0] | {"since": group["since"]} | {
        "counters": group["counters"]}
    assert (group["ifname"], group["parent"], group["vhid"]) == ("carp0", "eth0", 1)
    assert (group["state"], group["reason"], group["missing"]) == ("MASTER", "timed-out", [])
    assert (group["advbase"], group["advskew"], group["up"]) == (1, 0, True)
    assert group["mac"] == "00:00:5e:00:01:01"
    assert {"family": "inet", "local": "192.0.2.10", "prefixlen": 24} in group["addresses"]
    assert {"family": "inet6", "local": "2001:db8::1", "prefixlen": 64} in group["addresses"]
    assert set(group["counters"]) == set(uapi.COUNTERS.values()) - {"unspec", "pad"}
    assert group["counters"]["tx_v4"] >= 1
    [stats] = json.loads(carpctl(rachael, "stats -j carp0"))
    assert set(stats) == {"ifname", "vhid", "counters"}
    assert "tyrell" not in json.dumps(group)


def test_stats(rachael):
    carpctl(rachael, "carp0 create vhid 1 192.0.2.10")
    text = only_plain(carpctl(rachael, "stats carp0"))
    assert text.startswith("carp0:\n\tadvertisements sent:\n\t\t")
    assert len(re.findall(r"^\t\t\d+ \S+$", text, flags=re.M)) == len(set(uapi.COUNTERS.values()) - {"UNSPEC", "PAD", "unspec", "pad"})


def test_colours_only_where_they_are_seen(rachael):
    carpctl(rachael, "carp0 create vhid 1 192.0.2.10")
    only_plain(carpctl(rachael, "show"))
    assert "\x1b[" in carpctl(rachael, "show --color always")
    # A terminal, by util-linux' script.
    terminal = ["env", "TERM=xterm", "script", "-qec", "carpctl show", "/dev/null"]
    assert "\x1b[" in rachael.run(*terminal).stdout
    plain = rachael.run("env", "NO_COLOR=1", *terminal).stdout
    assert "\x1b" not in plain and "carp0" in plain


@pytest.mark.parametrize("line, status, text", [
    ("carp0 vhdi 1", 2, "vhdi: no such word, and no address (did you mean vhid?)"),
    ("carp0 vhid", 2, "vhid: the number after it is missing"),
    ("carp0 state init", 2, "init: state must be master or backup"),
    ("carp9 up", 3, 'carp9: no such interface ("carpctl carp9 create" makes it)'),
    ("eth0 up", 3, "eth0: not a carp interface"),
    ("lo", 3, "lo: not a carp interface"),
    ("show carp9", 3, 'carp9: no such interface ("carpctl carp9 create" makes it)'),
    ("carp0 create", 1, "carp0: the interface exists already"),
    ("carp0 vhid 256", 1, "carp0: vhid must be from 1 to 255"),
    ("carp0 advskew 255", 1, "carp0: advskew must be from 0 to 254 256ths of a second"),
    ("carp0 pass aaaaaaaaaaaaaaaaaaaaa", 1, "carp0: key must be at most 20 bytes long"),
    ("carp0 state master", 1, "carp0: a group in INIT has no state to change"),
    ("carp0 carpdev carp9", 3, "carp9: no such interface"),
    ("carp0 carpdev lo", 3, "carp0: it is on eth0, and that cannot be changed; make it anew: "
                            "carpctl carp0 destroy; carpctl carp0 create carpdev lo ..."),
])
def test_refusals(rachael, line, status, text):
    carpctl(rachael, "carp0 create carpdev eth0 vhid 1")
    before = carpctl(rachael, "")
    done = carpctl(rachael, line, status=1 if "anew" in text else status)
    assert done.stderr.split("\n")[0] == "carpctl: " + text
    assert ("usage:" in done.stderr) == (status == 2)
    assert (done.stdout, carpctl(rachael, "")) == ("", before)


def test_what_fails_leaves_nothing_behind(rachael):
    """The second address is refused by the kernel, after the device and the first one."""
    done = carpctl(rachael, "carp0 create vhid 1 192.0.2.10/24 alias ff02::5/64", status=1)
    assert "ff02::5/64" in done.stderr
    carpctl(rachael, "carp0", status=3)


@pytest.fixture
def movable(rachael, segment, tmp_path):
    """A MASTER on eth0, with eth1 beside it on the same segment. Returns the group, and what has a file carried out
    that differs from it by its parent, and by `text`."""
    segment.plug(rachael, "eth1", port="other", lines=["address add 192.0.2.77/24 dev eth1"])
    path = tmp_path / "hostname.carp0"

    def load(parent, text="", key="tyrell", status=0):
        path.write_text(f"carpdev {parent}\nvhid 1 pass {key}\ndescription uplink\nmtu 1400\n"
                        f"inet 192.0.2.10 255.255.255.0\n{text}\n")
        path.chmod(0o640)
        return carpctl(rachael, f"load {path}", status=status)
    load("eth0")
    made = Group(rachael)
    made.wait("MASTER", 10)
    return made, load


def all_of(group):
    """What is there of a group and beside it, but for what changes by itself, and the number of the device."""
    devices = json.loads(carpctl(group.host, "--json"))
    return ([(device["ifname"], device["parent"], device["vhid"], device["mtu"]) for device in devices],
            group.host.ip("-o", "addr", "show", "type", "carp").stdout, carpctl(group.host, "key carp0"))


@pytest.mark.parametrize("parent, text, status, what", [
    ("eth1", "", 1, "vhid 1 is used already on eth1"),
    ("lo", "", 1, "the parent cannot be the loopback device"),
    ("eth1", "vhid 1", 2, "vhid"),
    ("eth1", "inet6 2001:db8::10 64", 4, "2001:db8::10/64"),
])
def test_a_load_with_another_parent_that_is_refused_leaves_the_group(rachael, movable, parent, text, status, what):
    """The old group is there until nothing more is left to be refused, and MASTER all the time."""
    made, load = movable
    if "used" in what:
        carpctl(rachael, "carp1 create carpdev eth1 vhid 1")
    # New devices take no IPv6 address: of all steps, that is refused late.
    rachael.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
    before, transitions = all_of(made), made.status()["transitions"]
    done = load(parent, text, key="bryant", status=status)
    assert what in done.stderr
    assert all_of(made) == before
    assert (made.state, made.status()["transitions"]) == ("MASTER", transitions)


def test_a_load_with_another_parent_replaces_the_group(rachael, movable):
    made, load = movable
    number = made.show()["ifindex"]
    before = all_of(made)
    load("eth1")
    made.wait("MASTER", 10)
    assert made.show()["ifindex"] != number and made.show()["link"] == "eth1"
    after = all_of(made)
    assert [device[0] for device in after[0]] == ["carp0"], "the name it had first is gone"
    assert after[2] == before[2]
    load("eth0")
    made.wait("MASTER", 10)
    assert made.show()["link"] == "eth0" and all_of(made)[0] == before[0]


def test_keys_from_everywhere(rachael, pris, tmp_path):
    """Each host takes the key from elsewhere, and they agree: one of them becomes MASTER."""
    file = tmp_path / "key"
    file.write_text("tyrell\n")
    carpctl(rachael, f"carp0 create vhid 1 passfile {file} 192.0.2.10")
    pris.run("sh", "-c", "echo tyrell | carpctl carp0 create vhid 1 passfile - 192.0.2.10")
    both = Group(rachael), Group(pris)
    eventually(lambda: sorted(states(*both)) == ["BACKUP", "MASTER"], 10, lambda: states(*both))
    assert sum(group.counters()["discard_bad_digest"] for group in both) == 0
    file.write_text("\n")
    done = carpctl(rachael, f"carp0 passfile {file}", status=1)
    assert "the first line is empty" in done.stderr


def test_anybody_may_read_and_nobody_change(rachael, pair):
    shown = [rachael.run(*NOBODY, "carpctl", *words).stdout
             for words in ([], ["carp0"], ["show"], ["stats"], ["--json"])]
    assert all("carp0" in text for text in shown)
    for line in ("carp0 advskew 7", "carp0 down", "carp0 destroy", "carp0 192.0.2.77", "carp1 create"):
        done = rachael.run(*NOBODY, "carpctl", *line.split(), check=False)
        assert done.returncode == 4
        assert done.stderr.endswith("(this needs root, or the capability CAP_NET_ADMIN)\n"), done.stderr
    assert "advskew 0" in carpctl(rachael, "carp0")


def test_without_iproute2(rachael):
    """In a mount namespace without `ip`, everything goes as well."""
    rachael.run("unshare", "--mount", "sh", "-ec", """
        for ip in $(command -v ip) /usr/sbin/ip /sbin/ip; do
            [ ! -e "$ip" ] || mount --bind /bin/false "$ip"
        done
        ! ip link
        carpctl carp0 create vhid 1 pass tyrell 192.0.2.10
        carpctl carp0 | grep -q 'carpdev eth0'
        carpctl show | grep -q carp0
        carpctl carp0 destroy
    """)
    assert run("ip", "-n", rachael.ns, "link", "show", "carp0", check=False).returncode


def test_without_the_module(rachael):
    """The module is not there and is not to be had: what needs it says so, with a status of its own."""
    loader = pathlib.Path("/proc/sys/kernel/modprobe")
    program = loader.read_text()
    run("rmmod", "carp")
    loader.write_text("/bin/false\n")
    try:
        for line in ("carp0 create vhid 1 192.0.2.10", "monitor"):
            done = carpctl(rachael, line, status=5)
            assert done.stderr == "carpctl: this kernel does not have the module carp (\"modprobe carp\" loads it)\n"
        assert carpctl(rachael, "") == "" and carpctl(rachael, "--json") == "[]\n"
        carpctl(rachael, "carp0", status=3)
    finally:
        loader.write_text(program)
    carpctl(rachael, "carp0 create")
    assert pathlib.Path("/sys/module/carp").exists(), "loaded when it is needed"


def test_strange_names_do_nothing_to_a_terminal(rachael):
    """A device's name may have escape sequences in it; printed, it has none."""
    name = "c\x1b[2J"
    rachael.rtnl.add(name)
    shown = carpctl(rachael, "") + carpctl(rachael, "show") + carpctl(rachael, "stats")
    only_plain(shown)
    assert shown.count(r"c\u{1b}[2J") == 3
    assert json.loads(carpctl(rachael, "--json"))[0]["ifname"] == name


def complete(host, *words):
    """What bash offers for the last word, and what it says."""
    script = """
        . /usr/share/bash-completion/completions/carpctl
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _carpctl
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = host.run("bash", "-c", script, "bash", *words)
    return set(done.stdout.split("\n")) - {""}, done.stderr


@pytest.mark.parametrize("line, completed", [
    ("carpctl carp0 sta", {"state"}),
    ("carpctl carp0 state ", {"master", "backup"}),
    ("carpctl sh", {"show"}),
    ("carpctl sh carp0 --js", {"--json"}),
    ("carpctl carp", {"carp0"}),
    ("carpctl diag ", {"carp0"}),
    ("carpctl carp0 carpdev et", {"eth0"}),
])
def test_completion_in_bash(rachael, line, completed):
    carpctl(rachael, "carp0 create")
    words = line.split() + ([""] if line.endswith(" ") else [])
    assert complete(rachael, *words) == (completed, "")


@pytest.mark.parametrize("words", [("carp0", "carpdev", "x"), ("x",), ("diag", "x")])
def test_completion_in_bash_does_not_run_the_names_of_devices(rachael, words):
    """A device can be called like a command, and was run as one."""
    kind = "dummy" if "carpdev" in words else "carp"
    rachael.ip("link", "add", "x$(id>&2)", "type", kind)
    assert complete(rachael, "carpctl", *words) == ({r"x\$\(id\>\&2\)"}, "")


def test_completions_are_those_of_the_program(rachael):
    """What is installed, and what the program says."""
    with open("/usr/share/bash-completion/completions/carpctl", encoding="utf-8") as file:
        assert file.read() == carpctl(rachael, "completion bash")
