# SPDX-License-Identifier: GPL-2.0
"""Two hosts that share addresses, and who talks to them: network namespaces of this guest.

    client --- inside --- rachael --- outside --- server
                  |                      |
                  '------- pris ---------'

A third cable, between rachael and pris, is conntrackd's.
"""

import contextlib
import json
import signal
import subprocess

from system import eventually, run

NETWORKS = {"inside": "10.0.0", "outside": "192.0.2"}
HOSTS = {"rachael": 2, "pris": 3}
OTHERS = {"client": ("inside", 9), "server": ("outside", 9)}


def inside(host, command, **arguments):
    """Runs a command on a host."""
    return run(f"ip netns exec {host} {command}", **arguments)


@contextlib.contextmanager
def running(host, command, **environment):
    """A program that runs on a host meanwhile."""
    words = ["ip", "netns", "exec", host] + command.split()
    if environment:
        words = ["env"] + [f"{name}={value}" for name, value in environment.items()] + words
    process = subprocess.Popen(words)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def plug(host, network, number):
    """Gives a host a card on a network, named as the network."""
    run(f"ip link add {network} netns {host} type veth peer name {host[:6]}-{network}")
    run(f"ip link set {host[:6]}-{network} master {network} up")
    inside(host, f"ip addr add {NETWORKS[network]}.{number}/24 dev {network}")
    inside(host, f"ip link set {network} up")


def build():
    """Makes the hosts and the networks."""
    for network in NETWORKS:
        run(f"ip link add {network} type bridge mcast_snooping 0 && ip link set {network} up")
    for host in [*HOSTS, *OTHERS]:
        run(f"ip netns add {host}")
        inside(host, "ip link set lo up")
    for host, number in HOSTS.items():
        for network in NETWORKS:
            plug(host, network, number)
        inside(host, "sysctl -qw net.ipv4.ip_forward=1 net.inet.carp.preempt=1")
    for host, (network, number) in OTHERS.items():
        plug(host, network, number)
        inside(host, f"ip route add default via {NETWORKS[network]}.1")
    run("ip link add sync netns rachael type veth peer name sync netns pris")
    for host, number in HOSTS.items():
        inside(host, f"ip addr add 172.16.0.{number}/24 dev sync")
        inside(host, "ip link set sync up")


def tear_down():
    """Removes them again, all of them now: a namespace takes its cards along some time later."""
    for host in [*HOSTS, *OTHERS]:
        for network in NETWORKS:
            run(f"ip link del {host[:6]}-{network}", check=False)
    run("ip -n rachael link del sync", check=False)
    for host in [*HOSTS, *OTHERS]:
        run(f"ip netns del {host}", check=False)
    for network in NETWORKS:
        run(f"ip link del {network}", check=False)


def share(network, vhid):
    """Has rachael and pris share the .1 of a network; rachael is preferred."""
    for host in HOSTS:
        advskew = 0 if host == "rachael" else 100
        inside(host, f"carpctl carp{vhid} create carpdev {network} vhid {vhid} advskew {advskew}"
                     f" pass tyrell {NETWORKS[network]}.1/24")


def state(host, vhid):
    """The state of a host's group."""
    shown = json.loads(inside(host, f"ip -j -d link show carp{vhid}"))[0]
    return shown["linkinfo"]["info_data"]["state"]


def become(host, wanted, *vhids):
    """Waits until groups of a host have a state."""
    eventually(lambda: all(state(host, vhid) == wanted for vhid in vhids))


def die(host):
    """Pulls all cables of a host at once."""
    run(f"ip link set {host[:6]}-inside down; ip link set {host[:6]}-outside down;"
        f" ip -n {host} link set sync down")
