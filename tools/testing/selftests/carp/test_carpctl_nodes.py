# SPDX-License-Identifier: GPL-2.0
"""Groups with several nodes in people's hands: carpctl's words, ip's, a file, and what each
of them says of every node.
"""

import json
import re

import pytest

import uapi
from carp import Group, virtual_mac
from test_carpctl import carpctl, only_plain
from test_carpctl_events import hook, lines, monitor, screen  # pylint: disable=unused-import
from topology import eventually

TREE = uapi.data("tree", "tools", "persistence", "tree")
ALONE = "carp0 create vhid 1 advskew 100 pass tyrell 192.0.2.10"
SEVERAL = "carp0 create carpnodes 2:100,1:0 balancing ip pass tyrell 192.0.2.10"


def states(made):
    return {vhid: node["state"] for vhid, node in made.nodes().items()}


def wait_states(made, *wanted, timeout=20):
    """Waits for the states of all nodes, in order of their vhids."""
    eventually(lambda: tuple(states(made).values()) == wanted, timeout, lambda: states(made))


def alone(host, line=SEVERAL):
    carpctl(host, line)
    made = Group(host)
    wait_states(made, *["MASTER"] * len(made.nodes()))
    return made


@pytest.fixture
def pair(rachael, pris):
    """Two hosts, each of which is preferred for a node."""
    for host, nodes in ((rachael, "1:0,2:100"), (pris, "1:100,2:0")):
        host.run("sysctl", "-w", "net.inet.carp.preempt=1")
        carpctl(host, f"carp0 create carpnodes {nodes} pass tyrell 192.0.2.10")
    both = Group(rachael), Group(pris)
    wait_states(both[0], "MASTER", "BACKUP")
    wait_states(both[1], "BACKUP", "MASTER")
    return both


# ---- set and shown ----


def test_as_openbsds_ifconfig_prints_it(rachael):
    alone(rachael)
    shown = only_plain(carpctl(rachael, "carp0"))
    assert "\tlladdr 01:00:5e:00:01:01\n" in shown
    assert """\
	carp: carpdev eth0 advbase 1 balancing ip
		state MASTER vhid 1 advskew 0
		state MASTER vhid 2 advskew 100
	status: master
""" in shown
    carpctl(rachael, "carp0 selection flow")
    assert "\tcarp: carpdev eth0 advbase 1 balancing ip selection flow\n" in carpctl(rachael, "carp0")


def test_every_command_tells_of_each_node(rachael, pair):
    assert re.findall(r"^carp0 +(\d) +(\w+) ", only_plain(carpctl(rachael, "show")), flags=re.M) == [
        ("1", "MASTER"), ("2", "BACKUP")]
    [told] = json.loads(carpctl(rachael, "--json carp0"))
    assert (told["state"], told["vhid"], told["balancing"], told["selection"]) == ("MASTER", 1, "ip", "addresses")
    assert [(node["vhid"], node["advskew"], node["state"]) for node in told["nodes"]] == [
        (1, 0, "MASTER"), (2, 100, "BACKUP")]
    assert told["nodes"][1]["reason"] in ("ready", "better-master") and told["nodes"][1]["missing"] == []
    heard = {(peer["vhid"], peer["advskew"]) for peer in told["peers"] if peer["since"] < 5000}
    assert (2, 0) in heard, "pris advertises her node"
    first, second = json.loads(carpctl(rachael, "diag --json"))
    assert [(first["vhid"], first["state"]), (second["vhid"], second["state"])] == [(1, "MASTER"), (2, "BACKUP")]
    assert "peer-better" in [finding["code"] for finding in second["findings"]]
    assert re.search(r"^carp0 vhid 2: BACKUP ", carpctl(rachael, "diag"), flags=re.M)
    metrics = carpctl(rachael, "metrics")
    assert 'carp_state{ifname="carp0",vhid="1",state="MASTER"} 1\n' in metrics
    assert 'carp_state{ifname="carp0",vhid="2",state="BACKUP"} 1\n' in metrics
    assert "\t\t0 rx-not-selected\n" in carpctl(rachael, "stats")


def test_ip_shows_each_node(rachael, pair):
    made, _ = pair
    text = rachael.ip("-d", "link", "show", "carp0").stdout
    assert re.search(r"carp state MASTER vhid 1 advbase 1 advskew 0 .*balancing ip selection addresses *\n"
                     r" +node state MASTER vhid 1 advskew 0 reason .*\n"
                     r" +node state BACKUP vhid 2 advskew 100 reason ", text), text
    data = made.show()["linkinfo"]["info_data"]
    assert (data["balancing"], data["selection"]) == ("ip", "addresses")
    assert [(node["vhid"], node["state"]) for node in data["nodes"]] == [(1, "MASTER"), (2, "BACKUP")]


def test_one_node_is_shown_as_ever(rachael):
    carpctl(rachael, ALONE)
    Group(rachael).wait("MASTER")
    assert "\tcarp: MASTER carpdev eth0 vhid 1 advbase 1 advskew 100\n" in carpctl(rachael, "carp0")
    [told] = json.loads(carpctl(rachael, "--json carp0"))
    assert not {"nodes", "balancing", "selection"} & set(told)
    assert not {"nodes", "balancing", "selection"} & set(Group(rachael).show()["linkinfo"]["info_data"])


@pytest.mark.parametrize("line", [
    "balancing ip-stealth carp0 carpnodes 1:0,2:100 create selection flow 192.0.2.10 pass tyrell",
    "create 192.0.2.10 pass tyrell selection flow carpnodes 2:100,1:0 balancing ip-stealth carp0",
])
def test_words_in_any_order(rachael, line):
    made = alone(rachael, line)
    data = made.show()["linkinfo"]["info_data"]
    assert (data["balancing"], data["selection"]) == ("ip-stealth", "flow")
    assert made.show()["address"] == virtual_mac(1)


# ---- changed ----


def test_nodes_that_stay_keep_their_state(rachael):
    made = alone(rachael)
    before = made.nodes()[1]
    carpctl(rachael, "carp0 carpnodes 1:0,3:7")
    now = made.nodes()
    assert list(now) == [1, 3] and now[1]["state"] == "MASTER"
    assert (now[1]["transitions"], now[3]["advskew"]) == (before["transitions"], 7)
    assert now[1]["since"] > before["since"]
    wait_states(made, "MASTER", "MASTER")
    carpctl(rachael, "carp0 balancing ip-unicast")
    assert made.nodes()[1]["transitions"] == before["transitions"]
    assert made.show()["address"] == virtual_mac(1)
    carpctl(rachael, "carp0 carpnodes 1:0,2:0,3:7")
    assert made.show()["linkinfo"]["info_data"]["balancing"] == "ip-unicast", "another list, the same mode"


def test_one_becomes_several_and_several_one(rachael):
    carpctl(rachael, ALONE)
    made = Group(rachael)
    made.wait("MASTER")
    before = made.status()["transitions"]
    carpctl(rachael, "carp0 carpnodes 1:100,2:0")
    assert made.show()["linkinfo"]["info_data"]["balancing"] == "ip", "by default"
    assert made.nodes()[1]["state"] == "MASTER" and made.nodes()[1]["transitions"] == before
    wait_states(made, "MASTER", "MASTER")
    carpctl(rachael, "carp0 vhid 1")
    now = made.status()
    assert (now["state"], now["vhid"], now["advskew"], now["transitions"]) == ("MASTER", 1, 100, before)
    assert made.nodes() == {} and made.show()["address"] == virtual_mac(1)
    carpctl(rachael, "carp0 carpnodes 7:3")
    now = made.status()
    assert (now["vhid"], now["advskew"]) == (7, 3) and made.nodes() == {}


# ---- refused ----


@pytest.mark.parametrize("words, sentence", [
    ("carpnodes 1:0,1:5", "carpnodes has a vhid twice"),
    ("carpnodes 0:0,2:0", "vhid must be from 1 to 255"),
    ("carpnodes 1:0,256:0", "vhid must be from 1 to 255"),
    ("carpnodes 1:0,2:255", "advskew must be from 0 to 254 256ths of a second"),
    ("carpnodes 1:0,2:0 advbase 0", "advbase 0 needs an advskew of at least 1"),
    ("advskew 7", "advskew is each node's own, give carpnodes"),
    ("balancing none", "several nodes need a balancing other than none"),
    ("carpnodes 1:0 balancing ip", "balancing needs several nodes, give carpnodes"),
    ("carpnodes 1:0 selection flow", "selection needs several nodes, give carpnodes"),
])
def test_what_the_kernel_refuses(rachael, words, sentence):
    """By both programs, in their own manner; and nothing is changed."""
    made = alone(rachael)
    before = made.status() | {"since": 0, "changed_at": 0}, states(made)
    done = carpctl(rachael, f"carp0 {words}", status=1)
    assert done.stderr == f"carpctl: carp0: {sentence}\n"
    done = rachael.ip("link", "set", "carp0", "type", "carp", *words.split(), check=False)
    assert done.returncode == 2 and done.stderr.startswith(f"Error: {sentence}"), done.stderr
    assert (made.status() | {"since": 0, "changed_at": 0}, states(made)) == before


def test_a_node_of_another_device(rachael):
    """A vhid is on its parent once, whoever's it is."""
    alone(rachael)
    carpctl(rachael, "carp1 create carpdev eth0 vhid 9 192.0.2.20")
    for line in ("carp1 vhid 2", "carp1 carpnodes 2:0,9:0", "carp0 carpnodes 1:0,9:0"):
        done = carpctl(rachael, line, status=1)
        assert re.fullmatch(r"carpctl: carp\d: vhid \d is used already on eth0\n", done.stderr), done.stderr


@pytest.mark.parametrize("words, text", [
    ("carpnodes 1:0,2", "2: a node is VHID:ADVSKEW, and a comma stands between two of them"),
    pytest.param("carpnodes " + ",".join(["1:0"] * 33), "carpnodes: a group has at most 32 nodes", id="33 nodes"),
    ("vhid 3 carpnodes 1:0,2:0", "vhid: carpnodes says it of each node"),
    ("balancing arp", "arp: balancing must be one of none, ip, ip-stealth, ip-unicast"),
    ("selection ports", "ports: selection must be one of addresses, flow"),
])
def test_what_carpctl_does_not_understand(rachael, words, text):
    made = alone(rachael)
    done = carpctl(rachael, f"carp0 {words}", status=2)
    assert done.stderr.split("\n")[0] == "carpctl: " + text
    assert list(made.nodes()) == [1, 2]


def test_what_ip_leaves_to_the_kernel(rachael):
    """carpctl refuses it by itself, other programs do not."""
    alone(rachael)
    for word in ("vhid", "advskew"):
        done = rachael.ip("link", "set", "carp0", "type", "carp", "carpnodes", "1:0,2:0", word, "1", check=False)
        assert "carpnodes has all vhids and advskews, give no other ones" in done.stderr


def test_as_many_nodes_as_there_can_be(rachael):
    nodes = ",".join(f"{vhid}:{vhid % 3}" for vhid in range(1, 33))
    made = alone(rachael, f"carp0 create carpnodes {nodes} 192.0.2.10")
    assert len(made.nodes()) == 32
    rachael.ip("link", "set", "carp0", "type", "carp", "carpnodes", nodes, "pass", "tyrell", "advbase", "1")
    assert carpctl(rachael, "carp0").count("state MASTER") == 32
    assert len(made.show()["linkinfo"]["info_data"]["nodes"]) == 32


# ---- a file ----


@pytest.fixture
def file(rachael, tmp_path):
    """Writes hostname.carp0 and has it carried out; returns what was changed."""
    path = tmp_path / "hostname.carp0"

    def load(text, *options):
        path.write_text(f"carpdev eth0\ninet 192.0.2.10 255.255.255.0\n{text}\n")
        path.chmod(0o640)
        return json.loads(rachael.run("carpctl", "load", "--json", *options, str(path)).stdout)[0]["changes"]
    return load


def test_a_file_changes_what_differs(rachael, file):
    assert file("carpnodes 1:0,2:100 pass tyrell")[0] == \
        "create advbase 1 carpnodes 1:0,2:100 balancing ip selection addresses carpdev … pass …"
    made = Group(rachael)
    wait_states(made, "MASTER", "MASTER")
    before = made.nodes()
    assert file("carpnodes 2:100,1:0 balancing ip pass tyrell") == [], "the same in other words"
    assert file("carpnodes 1:0,2:50 pass tyrell", "--diff") == ["carpnodes 1:0,2:50"]
    assert made.nodes()[2]["advskew"] == 100
    for text, changes in (
            ("carpnodes 1:0,2:50 pass tyrell", ["carpnodes 1:0,2:50"]),
            ("carpnodes 1:0,2:50 balancing ip-stealth pass tyrell", ["balancing ip-stealth"]),
            ("carpnodes 1:0,2:50 selection flow pass tyrell", ["balancing ip selection flow"])):
        assert file(text) == changes
        now = made.nodes()
        assert [now[vhid]["transitions"] for vhid in now] == [before[vhid]["transitions"] for vhid in now]
    assert file("vhid 1 advskew 3 pass tyrell") == ["carpnodes 1:3"]
    now = made.status()
    assert (now["state"], now["advskew"], made.nodes()) == ("MASTER", 3, {})
    assert file("carpnodes 1:3 pass tyrell") == [], "one node is one"
    assert file("carpnodes 1:3,2:0 pass tyrell") == ["carpnodes 1:3,2:0 balancing ip"], \
        "what one node selects by is the default again"


def test_a_wrong_file_changes_nothing(rachael, file, tmp_path):
    made = alone(rachael)
    path = tmp_path / "hostname.carp0"
    path.write_text("carpnodes 1:0,1:1\nbalancing arp\n")
    done = carpctl(rachael, f"load {path}", status=2)
    assert done.stderr == (f"carpctl: {path}:1: 1:1: this vhid is in the list already\n"
                           f"carpctl: {path}:2: arp: balancing is one of none, ip, ip-stealth, ip-unicast\n")
    assert list(made.nodes()) == [1, 2]


def hooks_of(host, environment, script):
    """Runs a hook of a network manager as it is installed, with these variables."""
    words = [f"{name}={value}" for name, value in environment.items()]
    return host.run("unshare", "--mount", "sh", "-ec", f"""
        mount -t tmpfs none /usr/libexec
        cp -r {TREE}/usr/libexec/carp /usr/libexec/
        exec env "$@" sh {TREE}/{script}
    """, "sh", *words)


def test_ifupdown_makes_nodes(rachael):
    environment = {"IFACE": "carp0", "IF_CARP_CARPDEV": "eth0", "IF_CARP_CARPNODES": "1:0,2:100",
                   "IF_CARP_BALANCING": "ip-stealth", "IF_CARP_SELECTION": "flow", "IF_CARP_PASS": "tyrell"}
    hooks_of(rachael, environment, "etc/network/if-pre-up.d/carp")
    carpctl(rachael, "carp0 192.0.2.10 up")
    made = Group(rachael)
    wait_states(made, "MASTER", "MASTER")
    data = made.show()["linkinfo"]["info_data"]
    assert (data["balancing"], data["selection"]) == ("ip-stealth", "flow")
    assert [(node["vhid"], node["advskew"]) for node in data["nodes"]] == [(1, 0), (2, 100)]
    hooks_of(rachael, environment, "etc/network/if-post-down.d/carp")
    carpctl(rachael, "carp0", status=3)


def test_networkmanager_makes_nodes(rachael):
    environment = {f"CONNECTION_USER_CARP__{name}": value for name, value in (
        ("CARPDEV", "eth0"), ("CARPNODES", "1:0,2:100"), ("BALANCING", "ip"), ("SELECTION", "flow"))}
    script = "usr/lib/NetworkManager/dispatcher.d/device/carp carp0"
    done = hooks_of(rachael, environment, f"{script} device-add")
    index = Group(rachael).show()["ifindex"]
    assert done.stdout == f"IFINDEX={index}\n"
    assert list(Group(rachael).nodes()) == [1, 2]
    hooks_of(rachael, environment, f"{script} device-delete")
    carpctl(rachael, "carp0", status=3)


# ---- what happens ----


def test_events_name_the_node(rachael, pair, segment, tmp_path):
    path = tmp_path / "text"
    with monitor(rachael, tmp_path / "events") as seen, path.open("w") as out, \
            rachael.background("carpctl", "monitor", stdout=out):
        [first] = eventually(lambda: seen("group"), 10, "the group as it is")
        assert [(node["vhid"], node["state"]) for node in first["nodes"]] == [(1, "MASTER"), (2, "BACKUP")]
        eventually(path.read_text, 10, "it has begun")
        pair[1].host.run("carpctl", "carp0", "down")
        wait_states(pair[0], "MASTER", "MASTER")
        [transition] = eventually(lambda: seen("transition"), 5, seen)
        assert (transition["vhid"], transition["old_state"], transition["state"]) == (2, "BACKUP", "MASTER")
        eventually(lambda: "carp0 vhid 2: BACKUP -> MASTER (master-bowed-out)" in path.read_text(), 5, path.read_text)
        carpctl(rachael, "carp0 carpnodes 1:0,2:100,3:0")
        eventually(lambda: [e for e in seen("group-change") if len(e["nodes"]) == 3], 5, seen)
    assert "carpdev eth0 advbase 1 balancing ip, 1:0 MASTER, 2:100 BACKUP" in only_plain(path.read_text())
    assert not seen("lost")


def test_hooks_are_told_of_each_node(rachael, pris, pair, tmp_path):
    """Those of a node that runs long do not keep another node waiting, and skip its own states."""
    directory, log, go = tmp_path / "hooks", tmp_path / "log", tmp_path / "go"
    directory.mkdir()
    hook(directory, "node", f'echo "$CARP_VHID $CARP_EVENT $CARP_OLD_STATE-$CARP_STATE" >>{log}\n'
                            f"[ $CARP_VHID != 2 ] || while [ ! -e {go} ]; do sleep 0.1; done")
    with monitor(rachael, tmp_path / "events", "--exec", directory) as seen:
        eventually(lambda: len(lines(log)) == 2, 10, lambda: lines(log))
        carpctl(pris, "carp0 down")
        wait_states(pair[0], "MASTER", "MASTER")
        carpctl(rachael, "carp0 down")
        eventually(lambda: "1 transition MASTER-INIT" in lines(log), 10, lambda: lines(log))
        eventually(lambda: len(seen("transition")) == 3, 10, seen)
        go.touch()
        eventually(lambda: "2 transition BACKUP-INIT" in lines(log), 10, lambda: lines(log))
        carpctl(rachael, "carp0 carpnodes 1:0,3:0 up")
        eventually(lambda: "3 transition BACKUP-MASTER" in lines(log), 20, lambda: lines(log))
        carpctl(rachael, "carp0 vhid 3")
        eventually(lambda: "1 delete INIT-INIT" in lines(log), 10, lambda: lines(log))
        carpctl(rachael, "carp0 destroy")
        eventually(lambda: any(line.startswith("3 delete ") for line in lines(log)), 10, lambda: lines(log))
    told = lines(log)
    assert sorted(told[:2]) == ["1 start -MASTER", "2 start -BACKUP"]
    assert "2 delete INIT-INIT" in told
    assert told.count("1 transition MASTER-INIT") == 2, "down, and off the list"
    assert not any("BACKUP-BACKUP" in line or "MASTER-MASTER" in line for line in told), told


def test_watch_shows_each_node(rachael, pris, pair, screen):
    def shown():
        return screen("capture-pane", "-p")
    screen("send-keys", "carpctl watch", "Enter")
    eventually(lambda: "192.0.2.12" in shown(), 20, shown, pause=0.5)
    text = shown()
    assert re.search(r"^carp0 +1 +MASTER ", text, flags=re.M) and re.search(r"^carp0 +2 +BACKUP ", text, flags=re.M)
    assert re.search(r"^carp0 vhid 2 +192\.0\.2\.12 +1/0 +\S+ ago +\d+ +0 ", text, flags=re.M), "nothing is lost"
    carpctl(pris, "carp0 down")
    eventually(lambda: "carp0 vhid 2: BACKUP -> MASTER (master-bowed-out)" in shown(), 20, shown, pause=0.5)
    screen("send-keys", "q")
