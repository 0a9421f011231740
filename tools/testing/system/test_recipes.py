# SPDX-License-Identifier: GPL-2.0
"""The two recipes of /usr/share/doc/carp/examples, carried out: connections that survive a
failover, and a service that is bound to the shared address on both hosts."""

import pathlib
import shutil
import subprocess

import pytest

import recipe_hosts as hosts
from system import eventually, run, write

EXAMPLES = pathlib.Path("/usr/share/doc/carp/examples")

ECHO = """
import socket
listener = socket.create_server(("192.0.2.9", 7))
while True:
    connection, _ = listener.accept()
    while data := connection.recv(100):
        connection.sendall(data)
"""

# Says "ok" for each line that came back, so that who waits for it knows.
TALK = """
import socket, sys
connection = socket.create_connection(("192.0.2.9", 7), timeout=20)
print(connection.getsockname()[1], flush=True)
for line in sys.stdin:
    connection.sendall(line.encode())
    print(connection.recv(100).decode().strip(), flush=True)
"""

# Nothing passes that does not belong to a connection which began inside; and what comes
# from outside finds its way only by the connection's state, as the addresses are others.
RULES = """
table ip filter {
    chain forward {
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        iifname inside tcp flags & (syn|ack) == syn ct state new accept
    }
    chain postrouting {
        type nat hook postrouting priority srcnat;
        oifname outside snat to 192.0.2.1
    }
}
"""


@pytest.fixture(autouse=True)
def network():
    run("modprobe -a veth bridge nf_conntrack nft_chain_nat nft_ct nft_nat")
    run("systemctl stop carp-events conntrackd nginx 'carp@*'", check=False)
    try:
        hosts.build()
        yield
    finally:
        hosts.tear_down()


def conntrackd(host, stack):
    """Starts conntrackd on a host, with the example's files."""
    number, other = (2, 3) if host == "rachael" else (3, 2)
    text = (EXAMPLES / "conntrackd/conntrackd.conf").read_text()
    text = text.replace("IPv4_address 172.16.0.2\n\t\tIPv4_Destination_Address 172.16.0.3",
                        f"IPv4_address 172.16.0.{number}\n\t\tIPv4_Destination_Address 172.16.0.{other}")
    text = text.replace("Interface eth2", "Interface sync")
    text = text.replace("/var/lock/conntrack.lock", f"/run/{host}.lock")
    text = text.replace("/var/run/conntrackd.ctl", f"/run/{host}.ctl")
    config = f"/run/{host}.conf"
    write(config, text)
    stack.append(subprocess.Popen(["ip", "netns", "exec", host, "conntrackd", "-C", config]))
    eventually(lambda: pathlib.Path(f"/run/{host}.ctl").exists())
    return config


def gateways(with_hooks):
    """Makes rachael and pris gateways with firewalls, and with conntrackd; returns what runs."""
    processes = []
    events = pathlib.Path("/etc/carp/events.d")
    events.mkdir(parents=True, exist_ok=True)
    if with_hooks:
        shutil.copy(EXAMPLES / "conntrackd/50-conntrackd", events)
    write("/run/rules", RULES)
    for host in hosts.HOSTS:
        hosts.inside(host, "nft -f /run/rules")
        # No connection begins in its middle.
        hosts.inside(host, "sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0")
        if with_hooks:
            config = conntrackd(host, processes)
            processes.append(subprocess.Popen(
                ["env", f"CONNTRACKD_CONFIG={config}", "ip", "netns", "exec", host,
                 "carpctl", "monitor", "--exec", str(events)], stdout=subprocess.DEVNULL))
    hosts.share("inside", 1)
    hosts.share("outside", 2)
    hosts.become("rachael", "MASTER", 1, 2)
    hosts.become("pris", "BACKUP", 1, 2)
    return processes


def talk_through_a_failover(with_hooks):
    """Whether a connection goes on when the MASTER dies."""
    processes = gateways(with_hooks)
    try:
        processes.append(subprocess.Popen(["ip", "netns", "exec", "server", "python3", "-c", ECHO]))
        eventually(lambda: ":7 " in hosts.inside("server", "ss -ltn"))
        client = subprocess.Popen(["ip", "netns", "exec", "client", "python3", "-c", TALK],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        processes.append(client)
        client.stdout.readline()

        def say(word):
            client.stdin.write(word + "\n")
            client.stdin.flush()
            return client.stdout.readline().strip()

        assert say("before") == "before"
        if with_hooks:
            # What rachael told pris: the connection, established.
            eventually(lambda: "192.0.2.9" in hosts.inside("pris", "conntrackd -C /run/pris.conf -e"))
        hosts.die("rachael")
        hosts.become("pris", "MASTER", 1, 2)
        return say("after") == "after"
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(30)


def test_an_established_connection_survives_the_masters_death():
    assert talk_through_a_failover(with_hooks=True)


def test_without_the_recipe_it_does_not():
    """Or the test above would show nothing."""
    assert not talk_through_a_failover(with_hooks=False)


def nginx(host):
    """Starts the example's nginx on a host; its answer is the host's name."""
    text = (EXAMPLES / "nginx/carp").read_text()
    text = text.replace("192.0.2.10", "10.0.0.1").replace("listen [2001:db8::10]:80;", "")
    root = pathlib.Path(f"/run/www-{host}")
    write(root / "index.html", f"{host}\n")
    text = text.replace("/var/www/html", str(root))
    write(root / "nginx.conf", f"pid {root}/pid;\nerror_log {root}/error.log;\nuser root;\n"
                               f"events {{ }}\nhttp {{ access_log off;\n{text} }}\n")
    return hosts.inside(host, f"nginx -c {root}/nginx.conf", check=False)


def test_a_service_bound_to_the_address_on_both_hosts():
    for host in hosts.HOSTS:
        hosts.inside(host, "sysctl -qw net.ipv4.ip_nonlocal_bind=1")
    hosts.share("inside", 1)
    hosts.become("rachael", "MASTER", 1)
    hosts.become("pris", "BACKUP", 1)
    try:
        for host in hosts.HOSTS:
            nginx(host)
            assert "10.0.0.1:80" in hosts.inside(host, "ss -ltn"), f"nginx does not run on {host}"
        ask = "curl -s --max-time 5 http://10.0.0.1/"
        assert hosts.inside("client", ask) == "rachael\n"
        # A BACKUP's own request goes to the MASTER.
        assert hosts.inside("pris", ask) == "rachael\n"
        hosts.die("rachael")
        hosts.become("pris", "MASTER", 1)
        assert hosts.inside("client", ask) == "pris\n"
    finally:
        for host in hosts.HOSTS:
            run(f"kill $(cat /run/www-{host}/pid)", check=False)


def test_without_nonlocal_bind_a_backup_cannot_start_it():
    """Which is why the recipe has that sysctl."""
    hosts.share("inside", 1)
    hosts.become("pris", "BACKUP", 1)
    nginx("pris")
    assert "10.0.0.1:80" not in hosts.inside("pris", "ss -ltn")
