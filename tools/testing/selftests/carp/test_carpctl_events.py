# SPDX-License-Identifier: GPL-2.0
"""carpctl and the generic netlink family: what it monitors, runs, draws, exports and
explains, on two hosts.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import time

import pytest

import uapi
from carp import Group, group, master
from test_carpctl import NOBODY, carpctl, only_plain
from topology import eventually, run


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def events(path):
    """The whole lines of a file of JSON."""
    text = path.read_text()
    return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]


@contextlib.contextmanager
def monitor(host, path, *words, under=()):
    """`carpctl monitor --json` into a file; it has begun when there is a line of each group."""
    with path.open("w") as out, host.background(*under, "carpctl", "monitor", "--json", *words, stdout=out):
        yield lambda *kinds: [event for event in events(path) if not kinds or event["event"] in kinds]


def test_monitor_through_a_failover(rachael, pris, segment, tmp_path):
    mine = master(rachael, vhid=1)
    other = group(pris, vhid=1, advskew=100)
    with monitor(pris, tmp_path / "events") as seen:
        eventually(lambda: seen("group"), 10, "the group as it is")
        segment.unplug(rachael)
        other.wait("MASTER", 10)
        transition = eventually(lambda: seen("transition"), 5, lambda: seen())[-1]
        assert (transition["old_state"], transition["state"]) == ("BACKUP", "MASTER")
        assert (transition["reason"], transition["ifname"], transition["vhid"]) == ("timed-out", "carp0", 1)
        segment.replug(rachael)
        eventually(lambda: seen("other-master", "transition")[-1:] != [transition] or
                   mine.state == "BACKUP", 10, lambda: seen())
        carpctl(pris, "carp0 advskew 50")
        change = eventually(lambda: [e for e in seen("group-change") if e.get("advskew") == 50], 5, lambda: seen())[-1]
        assert change["parent"] == "eth0"
        carpctl(pris, "carp0 destroy")
        eventually(lambda: seen("group-delete"), 5, lambda: seen())
    numbers = [event["sequence"] for event in seen()]
    assert numbers == sorted(numbers)
    assert not seen("lost")


def test_monitor_in_text(rachael, tmp_path):
    path = tmp_path / "events"
    with path.open("w") as out, rachael.background("carpctl", "monitor", stdout=out):
        group(rachael, vhid=1).wait("MASTER", 10)
        eventually(lambda: "BACKUP -> MASTER (timed-out)" in path.read_text(), 5, path.read_text)
    for line in only_plain(path.read_text()).splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z carp0: ", line), line


def test_monitor_resynchronises(rachael, tmp_path):
    """A listener that is stopped loses events, says so, and has the states as they are then."""
    group(rachael, vhid=1)
    path = tmp_path / "events"
    with monitor(rachael, path) as seen:
        eventually(lambda: seen("group"), 10, "it has begun")
        [pid] = subprocess.run(["pgrep", "-x", "carpctl"], capture_output=True, text=True,
                               check=True).stdout.split()
        run("kill", "-STOP", pid)
        # More than its socket holds.
        rachael.batch(*[f"link set carp0 type carp advskew {n % 200 + 1}" for n in range(6000)])
        carpctl(rachael, "carp0 advskew 77")
        run("kill", "-CONT", pid)
        eventually(lambda: seen("lost"), 20, lambda: seen()[-3:])
        eventually(lambda: [e for e in seen() if e.get("advskew") == 77], 20, lambda: seen()[-3:])
        carpctl(rachael, "carp0 advskew 78")
        last = eventually(lambda: [e for e in seen("group-change") if e["advskew"] == 78], 10, lambda: seen()[-3:])
        assert last[-1]["ifname"] == "carp0"


@contextlib.contextmanager
def without_module():
    """What is inside happens while the module is away, and does not load it."""
    loaded = pathlib.Path("/sys/module/carp")
    run("rmmod", "carp")
    try:
        yield
        assert not loaded.exists(), "nobody has loaded it"
    finally:
        run("modprobe", "carp")


def hook(directory, name, script):
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_hooks_follow_the_state(rachael, tmp_path):
    """They run in order, for the state at the beginning and each that stays."""
    directory, log = tmp_path / "hooks", tmp_path / "log"
    directory.mkdir()
    hook(directory, "10-first", f'echo "first $CARP_EVENT $CARP_OLD_STATE $CARP_STATE" >>{log}')
    hook(directory, "20-second",
         f'echo "second $CARP_IFNAME $CARP_VHID $CARP_PARENT $CARP_REASON" >>{log}; echo out')
    hook(directory, "30-no.sh", f"echo never >>{log}")
    made = group(rachael, vhid=7)
    with monitor(rachael, tmp_path / "events", "--exec", directory) as seen:
        eventually(lambda: len(lines(log)) == 2, 10, lambda: lines(log))
        made.wait("MASTER", 10)
        eventually(lambda: len(lines(log)) == 4, 10, lambda: lines(log))
        made.delete()
        eventually(lambda: any("delete" in line for line in lines(log)), 10, lambda: lines(log))
        seen()  # all of it is JSON: what hooks print goes elsewhere
    told = lines(log)
    assert told[0] == "first start  BACKUP"
    assert told[1] == "second carp0 7 eth0 ready"
    assert told[2:4] == ["first transition BACKUP MASTER", "second carp0 7 eth0 timed-out"]
    assert "never" not in told


def test_monitor_goes_on_after_the_module_was_loaded_again(rachael, tmp_path):
    """The new module's family, group and numbers are others: events and hooks go on, and again."""
    directory, log = tmp_path / "hooks", tmp_path / "log"
    directory.mkdir()
    hook(directory, "all", f'echo "$CARP_EVENT $CARP_STATE" >>{log}')
    master(rachael, vhid=1)
    with monitor(rachael, tmp_path / "events", "--exec", directory) as seen:
        for times in range(1, 3):
            eventually(lambda: lines(log)[-1:] in (["start MASTER"], ["transition MASTER"]), 10, lambda: lines(log))
            with without_module():
                eventually(lambda: len(seen("group-delete")) == times, 10, lambda: seen())
                eventually(lambda: lines(log)[-1:] == ["delete INIT"], 10, lambda: lines(log))
                time.sleep(1)
            eventually(lambda: len(seen("lost")) == times, 10, lambda: seen())
            begin = len(seen())
            master(rachael, vhid=1)
            eventually(lambda: [e for e in seen("transition")[-1:] if e["state"] == "MASTER"], 10, lambda: seen())
            new = seen()[begin:]
            assert new[0]["event"] == "group-new" and new[0]["sequence"] == 1
            numbers = [event["sequence"] for event in new]
            assert numbers == list(range(1, len(new) + 1)), "none is missing, and none is told twice"
        eventually(lambda: lines(log)[-1:] == ["transition MASTER"], 10, lambda: lines(log))


def test_monitor_finds_the_groups_of_a_module_that_was_loaded_again(rachael, tmp_path):
    """While it is stopped, all of that happens: it has the new group all the same."""
    group(rachael, vhid=1, up=False)
    with monitor(rachael, tmp_path / "events") as seen:
        eventually(lambda: seen("group"), 10, "it has begun")
        [pid] = subprocess.run(["pgrep", "-x", "carpctl"], capture_output=True, text=True,
                               check=True).stdout.split()
        run("kill", "-STOP", pid)
        for _ in range(2):
            with without_module():
                pass
        group(rachael, "192.0.2.2/32", name="carp1", vhid=2, up=False)
        run("kill", "-CONT", pid)
        eventually(lambda: [e for e in seen("group") if e["ifname"] == "carp1"], 10, lambda: seen())
        assert [event["ifname"] for event in seen("group-delete")] == ["carp0"]
        carpctl(rachael, "carp1 advskew 78")
        eventually(lambda: [e for e in seen("group-change") if e["advskew"] == 78], 10, lambda: seen())


def test_what_happens_while_it_begins_is_told(rachael, tmp_path):
    """Between the questions that it begins with a state changes, a group goes and another comes."""
    directory, log, trace = tmp_path / "hooks", tmp_path / "log", tmp_path / "trace"
    directory.mkdir()
    trace.touch()
    hook(directory, "all", f'echo "$CARP_IFNAME $CARP_EVENT $CARP_OLD_STATE-$CARP_STATE" >>{log}')
    made = master(rachael, vhid=1)
    going = group(rachael, "192.0.2.2/32", name="carp1", vhid=2, up=False)
    slowly = ["strace", "--kill-on-exit", "-o", trace, "-e", "trace=sendto", "-e", "inject=sendto:delay_enter=2s"]
    with monitor(rachael, tmp_path / "events", "--exec", directory, under=slowly) as seen:
        # The groups were asked for, and what comes after that is not yet. (On a kernel that strace cannot
        # ask whose socket it is, it prints numbers.)
        asked = r"(RTM_GETLINK|nlmsg_type=0x12\b).*(NLM_F_DUMP|0x300).*\n"
        eventually(lambda: re.search(asked, trace.read_text()), 60, trace.read_text)
        made.down()
        going.delete()
        group(rachael, "192.0.2.3/32", name="carp2", vhid=3, up=False)
        assert not seen("group"), "it still begins"
        eventually(lambda: len(lines(log)) >= 5, 60, lambda: (lines(log), seen()))
        numbers = [event["sequence"] for event in seen()]
        assert numbers == sorted(numbers)
    assert sorted(lines(log)) == ["carp0 start -MASTER", "carp0 transition MASTER-INIT",
                                  "carp1 delete INIT-INIT", "carp1 start -INIT",
                                  "carp2 transition -INIT"]


def test_states_that_are_over_are_skipped(rachael, tmp_path):
    """While a slow hook runs, carp0 goes down and up: it is told the last state alone."""
    directory, log, go = tmp_path / "hooks", tmp_path / "log", tmp_path / "go"
    directory.mkdir()
    hook(directory, "slow", f'echo "$CARP_OLD_STATE $CARP_STATE $CARP_SKIPPED" >>{log}\n'
                            f"while [ ! -e {go} ]; do sleep 0.1; done")
    made = master(rachael, vhid=1)
    with monitor(rachael, tmp_path / "events", "--exec", directory) as seen:
        eventually(lambda: lines(log) == [" MASTER 0"], 10, lambda: lines(log))
        for _ in range(2):
            made.down()
            made.up()
        eventually(lambda: len(seen("transition")) == 4, 10, lambda: seen())
        go.touch()
        eventually(lambda: len(lines(log)) > 1, 10, lambda: lines(log))
    assert lines(log)[1] == "MASTER BACKUP 3"


@pytest.fixture
def screen(rachael, tmp_path):
    """A terminal of 100 by 24 in tmux."""
    socket = str(tmp_path / "tmux")

    def tmux(*words):
        return rachael.run("env", "TERM=xterm", "tmux", "-S", socket, *words).stdout
    tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "24", "sh")
    yield tmux
    run("tmux", "-S", socket, "kill-server", check=False)


def test_watch_on_a_screen(rachael, pris, segment, screen):
    group(pris, vhid=1, advskew=0).wait("MASTER", 10)
    group(rachael, vhid=1, advskew=100)

    def shown():
        return screen("capture-pane", "-p")
    screen("send-keys", "echo before; carpctl watch", "Enter")
    eventually(lambda: "BACKUP" in shown() and "192.0.2.12" in shown(), 20, shown, pause=0.5)
    text = shown()
    assert text.startswith("carpctl watch") and "before" not in text
    assert re.search(r"^INTERFACE +VHID +STATE", text, flags=re.M)
    assert re.search(r"^carp0 +1 +BACKUP .* eth0 .* 192\.0\.2\.12 1/0", text, flags=re.M)
    assert re.search(r"^carp0 +192\.0\.2\.12 +1/0 +\S+ ago +\d+ +0 ", text, flags=re.M), "nothing is lost"
    coloured = screen("capture-pane", "-p", "-e")
    assert "\x1b[" in coloured
    segment.unplug(pris)
    eventually(lambda: "BACKUP -> MASTER (timed-out)" in shown(), 20, shown, pause=0.5)
    # A small window is no problem.
    screen("resize-window", "-x", "30", "-y", "5")
    eventually(lambda: shown().count("\n") <= 5 and "carp0" in shown(), 10, shown, pause=0.5)
    screen("resize-window", "-x", "100", "-y", "24")
    screen("send-keys", "q")
    eventually(lambda: "before" in shown() and "INTERFACE" not in shown(), 10, shown, pause=0.5)


def test_watch_goes_on_after_the_module_was_loaded_again(rachael, screen):
    group(rachael, vhid=1).wait("MASTER", 10)

    def shown():
        return screen("capture-pane", "-p")
    screen("send-keys", "carpctl watch", "Enter")
    eventually(lambda: re.search("^carp0 +1 +MASTER", shown(), flags=re.M), 20, shown, pause=0.5)
    with without_module():
        eventually(lambda: "There are no carp interfaces." in shown(), 20, shown, pause=0.5)
        time.sleep(2)  # It looks each second.
    eventually(lambda: "events were lost" in shown(), 20, shown, pause=0.5)
    group(rachael, vhid=9).wait("MASTER", 10)
    eventually(lambda: re.search("^carp0 +9 +MASTER", shown(), flags=re.M), 20, shown, pause=0.5)
    eventually(lambda: shown().count("BACKUP -> MASTER (timed-out)") == 1, 20, shown, pause=0.5)
    screen("send-keys", "q")
    eventually(lambda: "INTERFACE" not in shown(), 10, shown, pause=0.5)


def samples(text):
    """A strict reader of Prometheus' text format: {(name, labels): value}."""
    found, types = {}, {}
    current = None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            assert re.fullmatch(r"# HELP [a-z_]+ \S.*\.", line), line
        elif line.startswith("# TYPE "):
            _, _, current, kind = line.split()
            assert kind in ("gauge", "counter") and current not in types
            assert (kind == "counter") == current.endswith("_total")
            types[current] = kind
        else:
            match = re.fullmatch(r'([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\} (\d+(?:\.\d+)?)', line)
            assert match, line
            name, labels, value = match.groups()
            assert name == current, "samples follow their type"
            key = name, frozenset(re.findall(r'([a-z_]+)="([^"]*)"', labels))
            assert key not in found, f"twice: {line}"
            found[key] = float(value)
    assert text.endswith("\n")
    return found


def test_metrics(rachael, pris, tmp_path):
    master(rachael, vhid=1)
    group(rachael, "192.0.2.2/32", name="carp1", vhid=2, up=False)
    group(pris, vhid=1, advskew=100)
    file = tmp_path / "carp.prom"
    carpctl(rachael, f"metrics --output {file}")
    assert [entry.name for entry in tmp_path.iterdir()] == ["carp.prom"]
    assert file.stat().st_mode & 0o777 == 0o644
    found = samples(file.read_text())

    def of(name, ifname="carp0", **labels):
        wanted = {("ifname", ifname), *labels.items()}
        return [value for (metric, has), value in found.items() if metric == name and wanted <= has]
    assert of("carp_state", state="MASTER") == [1] and of("carp_state", state="BACKUP") == [0]
    assert of("carp_state", "carp1", state="INIT") == [1]
    assert of("carp_info", parent="eth0", vhid="1") == [1]
    assert of("carp_transitions_total", reason="timed-out") == [1]
    assert of("carp_advertisements_sent_total", family="inet")[0] >= 1
    discards = [name for name in uapi.COUNTERS.values() if name.startswith("discard_")]
    assert len(of("carp_discarded_total")) == len(discards)
    assert samples(carpctl(rachael, "metrics carp0")).keys() <= found.keys()


def test_the_key_is_shown_to_who_may_see_it(rachael):
    group(rachael, vhid=1, **{"pass": "tyrell"})
    assert carpctl(rachael, "key carp0") == "tyrell\n"
    assert json.loads(carpctl(rachael, "key carp0 --json")) == [{"ifname": "carp0", "key": "tyrell"}]
    done = rachael.run(*NOBODY, "carpctl", "key", "carp0", check=False)
    assert (done.returncode, done.stdout) == (4, "")
    assert "tyrell" not in carpctl(rachael, "--json") + carpctl(rachael, "stats") + carpctl(rachael, "metrics")


def test_a_key_is_typed_without_an_echo(rachael, screen):
    group(rachael, vhid=1)

    def shown():
        return screen("capture-pane", "-p")

    def answer(*keys):
        screen("send-keys", *keys, "Enter")
    answer("carpctl carp0 passprompt; echo done $?")
    eventually(lambda: "Key:" in shown(), 10, shown, pause=0.5)
    answer("voight")
    eventually(lambda: "again" in shown(), 10, shown, pause=0.5)
    answer("voight")
    eventually(lambda: "done 0" in shown(), 10, shown, pause=0.5)
    assert "voight" not in shown()
    assert carpctl(rachael, "key carp0") == "voight\n"


def diagnosed(host, status, name="carp0"):
    """The codes of what diag finds."""
    done = carpctl(host, f"diag --json {name}", status=status)
    [found] = json.loads(done.stdout)
    text = carpctl(host, f"diag {name}", status=status).stdout
    def without_numbers(sentence):  # they grow between the two
        return re.sub(r"\d+", "N", sentence)
    for finding in found["findings"]:
        assert without_numbers(finding["text"]) in without_numbers(only_plain(text))
    return [finding["code"] for finding in found["findings"]], found["findings"]


@pytest.mark.parametrize("kind", ["vlan id 5", "vlan id 5 loose_binding on", "macvlan mode passthru"])
def test_diag_names_what_is_down_below_the_parent(rachael, kind):
    """Not a VLAN, which cannot be taken up before, or is up (with a loose binding), as a macvlan is."""
    rachael.batch("address flush dev eth0", f"link add link eth0 name inner type {kind}", "link set inner up",
                  "address add 198.51.100.11/24 dev inner")
    made = group(rachael, "198.51.100.1/32", parent="inner")
    made.wait("MASTER")
    rachael.ip("link", "set", "eth0", "down")
    made.wait("INIT")
    codes, findings = diagnosed(rachael, 6)
    assert codes[0] == "parent-down"
    assert findings[0]["text"] == "its parent inner is on eth0, which is down"
    rachael.run(*findings[0]["advice"].split())
    made.wait("MASTER")


def test_diag_wrong_key(rachael, pris):
    for host, key in ((rachael, "tyrell"), (pris, "bryant")):
        group(host, vhid=1, **{"pass": key})
    for host in (rachael, pris):
        Group(host).wait("MASTER", 10)
    eventually(lambda: Group(pris).counters()["discard_bad_digest"] > 1, 10, "wrong digests")
    codes, findings = diagnosed(pris, 6)
    assert codes[0] == "bad-digest"
    assert findings[0]["text"].startswith("two MASTERs: 192.0.2.11 advertises, too")
    assert "this host signs 192.0.2.1 with the key" in findings[0]["advice"]


def test_diag_key_changed_on_one_host(rachael, pris):
    """Both were right before: only the wrong digests that come now tell."""
    group(rachael, vhid=1, **{"pass": "tyrell"}).wait("MASTER", 10)
    second = group(pris, vhid=1, advskew=100, **{"pass": "tyrell"})
    eventually(lambda: second.counters()["rx_v4"] > 0, 10, "it hears rachael")
    carpctl(pris, "carp0 pass bryant")
    second.wait("MASTER", 10)
    codes, findings = diagnosed(pris, 6)
    assert codes[0] == "bad-digest" and findings[0]["text"].startswith("two MASTERs: 192.0.2.11")
    # Put right again: rachael is MASTER, and that some digests were wrong is history.
    carpctl(pris, "carp0 pass tyrell")
    second.wait("BACKUP", 10)
    codes, findings = diagnosed(pris, 0)
    assert codes[:2] == ["bad-digest-before", "peer-better"], findings


def test_diag_other_addresses(rachael, pris):
    group(rachael, "192.0.2.1/32", vhid=1)
    group(pris, "192.0.2.1/32", "192.0.2.2/32", vhid=1)
    for host in (rachael, pris):
        Group(host).wait("MASTER", 10)
    eventually(lambda: Group(rachael).counters()["discard_bad_digest"] > 1, 10, "wrong digests")
    codes, findings = diagnosed(rachael, 6)
    assert codes[0] == "bad-digest"
    _, others = diagnosed(pris, 6)
    assert "this host signs 192.0.2.1, 192.0.2.2 with" in others[0]["advice"]


def test_diag_what_is_missing(rachael, segment):
    made = group(rachael, vhid=1)
    rachael.ip("link", "set", "eth0", "down")
    codes, findings = diagnosed(rachael, 6)
    assert "parent-down" in codes and "ip link set eth0 up" in [f["advice"] for f in findings]
    rachael.ip("link", "set", "eth0", "up")
    segment.unplug(rachael)
    eventually(lambda: diagnosed(rachael, 6)[0] == ["no-carrier"], 10, "no carrier")
    segment.replug(rachael)
    made.wait("MASTER", 10)
    rachael.sysctl("net.inet.carp.allow", 0)
    codes, findings = diagnosed(rachael, 6)
    assert codes[0] == "not-allowed" and findings[0]["advice"] == "sysctl -w net.inet.carp.allow=1"


def test_diag_why_not_master(rachael, pris):
    made = master(rachael, vhid=1, advskew=10)
    second = group(pris, vhid=1, advskew=100)
    eventually(lambda: second.counters()["rx_v4"] > 0, 10, "it hears rachael")
    codes, findings = diagnosed(pris, 0)
    assert codes == ["peer-better"]
    assert "192.0.2.11 is MASTER and advertises more often: it has advbase 1 advskew 10, " \
           "this host advbase 1 advskew 100" in findings[0]["text"]
    received = second.counters()["rx_v4"]
    made.set(advskew=150)
    eventually(lambda: second.counters()["rx_v4"] > received + 1, 10, "it hears rachael")
    codes, findings = diagnosed(pris, 0)
    assert codes == ["preempt-off"] and findings[0]["advice"] == "sysctl -w net.inet.carp.preempt=1"
    assert diagnosed(rachael, 0)[0] == ["alone"]


def test_diag_two_masters(rachael, pris):
    """A filter lets nothing through to pris, who is heard all the same."""
    first = master(rachael, vhid=1)
    pris.run("nft", "add table netdev t; add chain netdev t c { type filter hook ingress device eth0 priority 0; };"
                    "add rule netdev t c ip protocol 112 drop")
    group(pris, vhid=1, advskew=100).wait("MASTER", 10)
    eventually(lambda: first.counters()["other_master"] > 1, 10, "rachael hears pris")
    codes, findings = diagnosed(rachael, 6)
    assert codes[0] == "two-masters"
    assert findings[0]["text"] == ("two MASTERs: 192.0.2.12 advertises, too, with advbase 1 advskew 100 "
                                   "(here: advbase 1 advskew 0)")
    assert "filter of protocol 112" in findings[0]["advice"]
    assert diagnosed(pris, 0)[0] == ["alone"], "who hears nobody cannot know"
    pris.run("nft", "delete table netdev t")
    Group(pris).wait("BACKUP", 10)
    # As long as pris may be thought to go on, she is one.
    eventually(lambda: "two-masters" not in rachael.run("carpctl", "diag", "--json", check=False).stdout, 10, "silence")
    assert diagnosed(rachael, 0)[0] == ["master", "other-masters-before"]
