# SPDX-License-Identifier: GPL-2.0
"""Hosts on one Ethernet segment: each host is a network namespace, the segment
is a bridge in a namespace of its own, and every cable is a veth pair.

      rachael          pris           client
       eth0            eth0            eth0
         |               |               |
    .----+---------------+---------------+----.
    | rachael          pris           client  |    namespace "segment"
    '----------------- br0 -------------------'

Every command is echoed (pytest shows it when the test fails).
"""

import contextlib
import ctypes
import os
import pathlib
import shlex
import subprocess
import time

import rtnl
import sysctls

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def inside(namespace):
    """This process is in `namespace` for the duration; sockets opened there stay there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if _libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
        try:
            yield
        finally:
            _libc.setns(home, CLONE_NEWNET)
    finally:
        os.close(there)
        os.close(home)


def run(*command, check=True, stdin=None):
    """Runs a command to its end and returns the finished process."""
    print("$", shlex.join(map(str, command)))
    done = subprocess.run([str(word) for word in command], input=stdin, text=True,
                          capture_output=True, check=False)
    for text in (done.stdout, done.stderr):
        if text.strip():
            print(text.rstrip()[:1500])
    if check and done.returncode:
        raise AssertionError(f"{shlex.join(map(str, command))} failed ({done.returncode}): "
                             f"{done.stderr.strip() or done.stdout.strip()}")
    return done


def eventually(condition, timeout, what, pause=0.02):
    """Waits until `condition()` is true and returns its value; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(pause)


class Host:
    """One host; its interface to the segment is eth0."""

    def __init__(self, segment, name, *addresses):
        self.segment, self.name, self.ns = segment, name, name
        run("ip", "netns", "add", name)
        with inside(name):
            self.rtnl = rtnl.Socket()
        segment.plug(self, lines=["link set lo up"] + [
            # No IPv6 duplicate address detection: it would delay every test.
            f"address add {address} dev eth0" + (" nodad" if ":" in address else "")
            for address in addresses])

    def ip(self, *words, check=True):
        return run("ip", "-n", self.ns, *words, check=check)

    def batch(self, *lines):
        return run("ip", "-n", self.ns, "-batch", "-", stdin="\n".join(lines) + "\n")

    def run(self, *command, check=True):
        return run("ip", "netns", "exec", self.ns, *command, check=check)

    @contextlib.contextmanager
    def background(self, *command, stop=True, **options):
        """A process of this host that lives as long as the block."""
        command = ["ip", "netns", "exec", self.ns, *map(str, command)]
        print("$", shlex.join(command), "&")
        process = subprocess.Popen(command, text=True, **options)
        try:
            yield process
        finally:
            if stop:
                process.kill()
            process.wait()

    def sysctl(self, name, value=None):
        """Reads or writes a sysctl ("net.inet.carp.preempt") of this host."""
        path = pathlib.Path("/proc/sys", *name.split("."))
        with inside(self.ns):
            if value is None:
                return path.read_text().strip()
            print(f"$ sysctl -w {name}={value}  # {self.name}")
            path.write_text(f"{value}\n")
        return None

    def ipv4_conf(self, name, value):
        """Writes a sysctl of net.ipv4.conf for "all", for all devices, and for those that come. Of most of these the
        greater one of "all" and the device's counts: written to "all" alone, rp_filter=1 is still Debian's 2.
        Returns what there was, by path."""
        print(f"$ sysctl -w net.ipv4.conf.*.{name}={value}  # {self.name}")
        with inside(self.ns):
            paths = sorted(sysctls.CONF.glob(f"*/{name}"))
            before = {path: path.read_text() for path in paths}
            for path in paths:
                path.write_text(f"{value}\n")
            counts = {path.parent.name: path.read_text().strip() for path in paths}
        assert {"all", "default", "eth0"} <= set(counts) and set(counts.values()) == {str(value)}, counts
        return before

    def settled(self, interface="eth0"):
        """Waits until the interface has its link-local address, which takes a second or two: IPv6
        looks for duplicates of it before it says anything in its name."""
        def ready():
            with inside(self.ns):
                rows = pathlib.Path("/proc/thread-self/net/if_inet6").read_text().split("\n")
            return [row for row in map(str.split, rows) if row and row[5] == interface
                    and row[0].startswith("fe80") and not int(row[4], 16) & 0x40]  # IFA_F_TENTATIVE
        eventually(ready, 5, f"the link-local address of {self.name}'s {interface}")

    def delete(self):
        """The host vanishes with all it has."""
        self.rtnl.close()
        run("ip", "netns", "del", self.ns)
        self.segment.hosts.remove(self)


class Segment:
    """The bridge and its hosts."""

    def __init__(self, ns="segment"):
        self.ns, self.hosts = ns, []
        self.others = []  # segments that vanish with this one
        run("ip", "netns", "add", ns)
        run("ip", "-n", ns, "-batch", "-", stdin="""\
link set lo up
link add br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0
link set br0 up
""")
        with inside(ns):
            self.rtnl = rtnl.Socket()

    def host(self, name, *addresses):
        host = Host(self, name, *addresses)
        self.hosts.append(host)
        return host

    def plug(self, host, interface="eth0", port=None, lines=()):
        """A cable from the host's `interface` to a port of the bridge; then the host's `lines`."""
        port = port or host.name
        run("ip", "-n", self.ns, "-batch", "-", stdin=f"""\
link add {port} type veth peer name {interface} netns {host.ns}
link set {port} master br0 up
""")
        host.batch(f"link set {interface} up", *lines)

    def cut(self, host):
        """Nothing goes from or to the host any more, and it does not notice: its carrier stays."""
        print(f"# cut {host.name}")
        self.rtnl.change(host.name, extra=rtnl.attribute(10, 0))  # IFLA_MASTER: none

    def heal(self, host):
        print(f"# heal {host.name}")
        self.rtnl.change(host.name, extra=rtnl.attribute(10, self.rtnl.link("br0")["index"]))

    def unplug(self, host):
        """The other end of the cable is down: the host's eth0 loses its carrier."""
        self.rtnl.down(host.name)

    def replug(self, host):
        self.rtnl.up(host.name)

    def close(self):
        for other in self.others:
            other.close()
        for host in list(self.hosts):
            host.delete()
        self.rtnl.close()
        run("ip", "netns", "del", self.ns, check=False)
