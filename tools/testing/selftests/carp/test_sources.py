# SPDX-License-Identifier: GPL-2.0
"""What comes from the virtual address is believed on a host that is not MASTER, also where the
reverse path filter is off and Linux takes nothing from an address of its own list.

Packets of the MASTER are injected by the client, from the virtual address: what counts is
where they seem to come from.
"""

import itertools
import select
import socket
import subprocess
import time

import packets
import pytest
from carp import group, master
from gateways import mac_of
from test_data import CLIENT_MAC
from topology import eventually, inside
from wire import Capture, Injector, arp_request

VIP, OWN, BEHIND = "192.0.2.1", "192.0.2.12", "198.51.100.80"


@pytest.fixture(params=[0, 1, 2], ids="rp_filter={}".format)
def backup(request, rachael, pris):
    """pris, which is BACKUP and forwards."""
    master(rachael, f"{VIP}/24")
    pris.ipv4_conf("rp_filter", request.param)
    pris.sysctl("net.ipv4.ip_forward", 1)
    group(pris, f"{VIP}/24", advskew=100).wait("BACKUP")
    # The routes are there as soon as the address is nobody's here.
    eventually(lambda: "lo" not in pris.ip("route", "get", VIP).stdout.split(), 3, "routes of a BACKUP")
    return pris


def listener(host, port, address=""):
    with inside(host.ns):
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((address, port))
    opened.settimeout(2)
    return opened


def test_first_answer_of_the_master_is_believed(backup, client):
    """No packet has to come before: the first one is delivered."""
    with listener(backup, 7) as there, Injector(client) as injector:
        injector.send(packets.udp((mac_of(backup), CLIENT_MAC), VIP, OWN, 7, b"wake up, time to die"))
        assert there.recv(64) == b"wake up, time to die"


def test_broadcasts_of_the_master_are_believed(backup, client):
    """After the first one, which says that there are such."""
    with listener(backup, 7) as there, Injector(client) as injector:
        for address, destination in (("255.255.255.255", "ff:ff:ff:ff:ff:ff"), ("192.0.2.255", "ff:ff:ff:ff:ff:ff")):
            datagram = packets.udp((destination, CLIENT_MAC), VIP, address, 7)

            def heard(datagram=datagram):
                injector.send(datagram)
                there.settimeout(0.1)
                try:
                    return there.recv(64)
                except TimeoutError:
                    return None
            eventually(heard, 2, f"a datagram to {address} is delivered")


def test_master_forwards_through_the_backup(backup, client):
    """What the MASTER sends through this host is forwarded, after the first packet."""
    backup.batch("link add behind type veth peer name far", "link set behind up", "link set far up",
                 "address add 198.51.100.1/24 dev behind",
                 f"neighbour add {BEHIND} lladdr 02:00:00:00:00:80 dev behind")
    with Capture(backup.ns, "far", "in") as capture, Injector(client) as injector:
        def forwarded():
            injector.send(packets.udp((mac_of(backup), CLIENT_MAC), VIP, BEHIND, 7))
            return [f for f in capture.during(0.1) if f.ip and f.ip["destination"] == BEHIND]
        eventually(forwarded, 2, "a packet from the virtual address is forwarded")


def test_backup_answers_a_master_that_asks_in_the_name_of_the_address(backup, client):
    """As other systems' do, when they look for the BACKUP by ARP."""
    with Capture(client.ns, "eth0", "in") as capture, Injector(client) as injector:
        def answered():
            injector.send(arp_request(CLIENT_MAC, VIP, OWN))
            return [f for f in capture.during(0.1) if f.arp and f.arp["sender"] == OWN]
        answer = eventually(answered, 2, f"an answer for {OWN}")[0]
        assert answer.arp["sender_mac"] == mac_of(backup)


def test_master_believes_nobody_who_speaks_as_itself(rachael, client):
    """Its own address does not come in from the wire."""
    master(rachael, f"{VIP}/24")
    with listener(rachael, 7) as there, Injector(client) as injector:
        for _ in range(3):
            injector.send(packets.udp((mac_of(rachael), CLIENT_MAC), VIP, "192.0.2.11", 7))
        there.settimeout(0.5)
        with pytest.raises(TimeoutError):
            there.recv(64)


def test_an_answer_of_the_master_does_not_make_packets_dearer(backup):
    """ARP's own answer is believed anyhow, but had the namespace ask its tables about each packet from then on."""
    with subprocess.Popen(["ip", "-n", backup.ns, "monitor", "route"], stdout=subprocess.PIPE, text=True) as monitor:
        def listens():
            for verb in ("add", "delete"):
                backup.ip("route", verb, "blackhole", "198.51.100.1")
            return select.select([monitor.stdout], [], [], 0.1)[0]

        eventually(listens, 10, "the monitor tells of routes")
        backup.ip("neighbour", "flush", "dev", "eth0")
        backup.ip("neighbour", "replace", VIP, "dev", "eth0", "use")
        eventually(lambda: "REACHABLE" in backup.ip("neighbour", "show", VIP).stdout, 2, "an answer of the MASTER")
        time.sleep(0.5)
        backup.ip("route", "add", "blackhole", "198.51.100.2")
        told = list(itertools.takewhile(lambda line: "198.51.100.2" not in line, monitor.stdout))
        monitor.terminate()
    assert [line for line in told if line.startswith(("local", "Deleted local"))] == []


def test_what_the_master_answers_is_believed_behind_nat(backup, segment):
    """A host behind the BACKUP asks in the BACKUP's name: the answer is to the BACKUP's own address until it
    is seen who it is for."""
    backup.batch("address add 198.51.100.1/24 dev eth0")
    backup.run("nft", "add table ip nat; add chain ip nat after { type nat hook postrouting priority srcnat; };"
                      "add rule ip nat after ip saddr 198.51.100.0/24 masquerade")
    leon = segment.host("leon", "198.51.100.2/24")
    leon.ip("route", "add", "default", "via", "198.51.100.1")
    eventually(lambda: leon.run("ping", "-c", "1", "-W", "1", VIP, check=False).returncode == 0, 5,
               "an answer behind the BACKUP")
    leon.run("ping", "-c", "3", "-i", "0.1", "-W", "1", VIP)


def test_frames_for_others_are_not_delivered(backup, client):
    """On a hub: what the MASTER sends to a third host is not the BACKUP's, whatever address is in it."""
    backup.ip("link", "set", "eth0", "promisc", "on")
    with listener(backup, 7) as there, Injector(client) as injector:
        injector.send(packets.udp(("02:00:00:00:00:99", CLIENT_MAC), VIP, OWN, 7))
        there.settimeout(0.5)
        with pytest.raises(TimeoutError):
            there.recv(64)
