# SPDX-License-Identifier: GPL-2.0
"""What all tests share: the segment, the kernel log of a failed test, time limits,
and a last line that tools/testing/run reads: "result: N passed, N failed, N skipped".
"""

import faulthandler
import os
import pathlib
import signal
import socket
import subprocess

import pytest

import debug_kernel
import kernel_log
import sysctls
import topology
import uapi
import wire

IN_GUEST = os.environ.get("CARP_GUEST") == "1"
CAPTURE = uapi.data("captures", "tools", "proto", "tests", "data", "captures") / "netbsd-ipv6.pcap"
HOST_FILES = {"test_vectors.py"}
verdicts = {}


def pytest_configure(config):
    for line in ("real: needs the real clock and two processors",
                 "both_clocks: runs in the real clock, too, where processors race",
                 "long: takes long; left out of make test, part of make test-all",
                 "limit(seconds): the test's time limit in the guest's clock (300)"):
        config.addinivalue_line("markers", line)


def pytest_collection_modifyitems(config, items):
    for item in items:
        if not IN_GUEST and item.path.name not in HOST_FILES:
            item.add_marker(pytest.mark.skip(reason="runs in a guest (tools/testing/run)"))


    shard, _, shards = os.environ.get("CARP_SHARD", "1/1").partition("/")
    items[:] = items[int(shard) - 1::int(shards)]


def module_loaded():
    return pathlib.Path("/sys/module/carp").exists()


# Programs and kernel modules that tests use. The virtual clock jumps while a guest waits
# for its disk: what is read for the first time in a test costs it seconds, or minutes.
WARM_UP = [
    "modprobe -a veth bridge 8021q bonding macvlan ipvlan vrf tun sch_netem nf_tables nft_counter "
    "nft_meta_bridge nft_fib_inet nft_ct nft_nat nft_chain_nat nft_numgen nft_hash nf_conntrack_netlink",
    "ip netns add warm", "ip -n warm link set lo up", "ip -n warm -d -j link show", "ip netns exec warm true",
    "ip -n warm link add carp0 type carp vhid 1", "bridge -n warm fdb show",
    "tc -n warm qdisc add dev lo root netem delay 1ms",
    "ip netns exec warm nft add table ip t", "ip netns exec warm ping -c 1 -W 1 127.0.0.1", "ip netns del warm",
    "ethtool --version", "conntrack --version", "radvd --version", "taskset -c 0 chrt -f 1 true", "insmod /mnt/hold_rtnl.ko",
    "setpriv --reuid=65534 --regid=65534 --clear-groups sysctl -n kernel.ostype",
    "python3 -c import~http.server", "ucarp --help", "rmmod carp", "modprobe carp",
    f"tcpdump -n -T carp -vv -r {CAPTURE}", f"tshark -n -V -r {CAPTURE}",
]


@pytest.fixture(autouse=True, scope="session")
def time_stamps():
    """With two processors, packets get their time stamp for as long as the guest runs: each
    `ping` and each capture would switch it on and off, which the kernel does by changing its
    own text, and the emulator errs then now and then (Documentation/testing.md)."""
    if not IN_GUEST or os.cpu_count() == 1:
        yield
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, wire.SO_TIMESTAMPNS, 1)
        yield


@pytest.fixture(autouse=True, scope="session")
def warm_guest(time_stamps):
    """The module is loaded, and everything that is read from the disk was read once."""
    if IN_GUEST:
        for command in WARM_UP:
            subprocess.run([word.replace("~", " ") for word in command.split()], check=False, stdin=subprocess.DEVNULL, capture_output=True)
        # Until here nothing hangs (tools/testing/run): a busy host's disk is slow, and the guest's
        # clock jumps to its answer.
        pathlib.Path("/proc/sys/kernel/hung_task_timeout_secs").write_text("120")
        sysctls.write()
        assert module_loaded()
        # What was lost while the kernel booted, or seems so, is not the tests'.
        print(f"{len(debug_kernel.leaks())} reports of kmemleak before the tests")
    yield
    if IN_GUEST:
        # Charged to the last test: it is not known which one it was.
        found = debug_kernel.leaks()
        assert not found, "memory is leaked:\n" + "\n".join(found)
        assert not debug_kernel.lockdep_is_off(), "lockdep has stopped looking, and says why in the kernel's log"


@pytest.fixture(autouse=True)
def guarded(request):
    """A time limit, and the kernel's word: a complaint fails the test that caused it."""
    if not IN_GUEST:
        yield
        return
    marker = request.node.get_closest_marker("limit")
    limit = marker.args[0] if marker else 300

    def too_long(*_):
        raise TimeoutError(f"the test took longer than {limit} s")

    signal.signal(signal.SIGALRM, too_long)
    log = kernel_log.KernelLog()
    request.node.kernel_log = log
    signal.alarm(limit)
    yield
    signal.alarm(0)
    if not module_loaded():
        subprocess.run(["modprobe", "carp"], check=False)
    lines = log.read()
    bad = kernel_log.complaints(lines, allocations_fail=request.node.path.name == "test_faults.py")
    if bad:
        pytest.fail("the kernel complains:\n" + "\n".join(lines[-80:]), pytrace=False)


@pytest.fixture
def segment(guarded):
    """An empty segment; its hosts vanish with the test."""
    for name in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True,
                               check=True).stdout.split():
        if not name.startswith("("):
            topology.run("ip", "netns", "del", name, check=False)
    made = topology.Segment()
    yield made
    made.close()


@pytest.fixture(params=["v4", "v6"])
def family(request):
    """A test that asks for it is made in both."""
    return request.param


@pytest.fixture
def rachael(segment):
    return segment.host("rachael", "192.0.2.11/24")


@pytest.fixture
def pris(segment):
    return segment.host("pris", "192.0.2.12/24")


@pytest.fixture
def client(segment):
    return segment.host("client", "192.0.2.50/24")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    log = getattr(item, "kernel_log", None)
    if report.failed and log:
        report.sections.append(("kernel log", "\n".join(log.read()[-80:])))


def pytest_report_teststatus(report):
    """No letters: pytest_runtest_logreport() tells of each test, in one line."""
    if report.when == "call" or report.outcome != "passed":
        return report.outcome, "", ""
    return None


def pytest_runtest_logreport(report):
    """One verdict per test: a failure while cleaning up outweighs a pass."""
    if report.failed:
        verdicts[report.nodeid] = "failed"
    elif report.skipped:
        verdicts.setdefault(report.nodeid, "skipped")
    elif report.when == "call":
        verdicts.setdefault(report.nodeid, "passed")
    if report.when == "teardown":
        verdict = verdicts.get(report.nodeid, "failed")
        print(f"{'FAILED' if verdict == 'failed' else verdict:8}{report.nodeid}", flush=True)


def pytest_collectreport(report):
    if report.failed:
        verdicts[report.nodeid] = "failed"


def pytest_unconfigure(config):
    if not config.option.collectonly:
        told = list(verdicts.values())
        print("result: " + ", ".join(f"{told.count(word)} {word}" for word in ("passed", "failed", "skipped")),
              flush=True)


faulthandler.enable()
