# SPDX-License-Identifier: GPL-2.0
"""A switch that snoops on MLD, and asks who listens: what goes to a multicast group, as a
solicitation does, goes to those ports alone on which somebody has said that he listens.
"""

import time

import packets
import pytest
from carp import group, master, virtual_mac
from gateways import CLIENT_MAC
from test_bridge import on_a_bridge
from test_silence import silence
from topology import run
from wire import Capture, Injector

V4, V6 = "192.0.2.1", "2001:db8::1"
# In hundredths of a second; by default 125, 10, 255 and 260 s.
SNOOPING = ["mcast_snooping", "1", "mcast_querier", "1", "mcast_mld_version", "2",
            "mcast_startup_query_interval", "100", "mcast_query_interval", "300",
            "mcast_query_response_interval", "100", "mcast_querier_interval", "700", "mcast_membership_interval", "800"]
# Longer than the switch remembers who does not say it again.
FORGOTTEN = 15


def snoops(where, bridge="br0"):
    run("ip", "-n", where.ns, "link", "set", bridge, "type", "bridge", *SNOOPING)


@pytest.fixture(params=["eth0", "br0"])
def pair(request, segment):
    """rachael, pris and their parent: a card at the switch, or another bridge that snoops."""
    snoops(segment)
    hosts = []
    for number, name in ((11, "rachael"), (12, "pris")):
        host = segment.host(name, f"192.0.2.{number}/24", f"2001:db8::{number}/64")
        if request.param == "br0":
            on_a_bridge(host, f"192.0.2.{number}/24")
            host.ip("address", "add", f"2001:db8::{number}/64", "dev", "br0", "nodad")
            snoops(host)
        hosts.append(host)
    return *hosts, request.param


@pytest.mark.parametrize("addresses", [[V6 + "/64"], [V4 + "/24", V6 + "/64"]], ids=["v6", "both"])
def test_solicitations_reach_the_master_through_a_switch_that_snoops(segment, pair, client, addresses):
    """Advertisements reach the BACKUP, and whoever does not know the MASTER finds it, now and later."""
    rachael, pris, parent = pair
    client.ip("address", "add", "2001:db8::50/64", "dev", "eth0", "nodad")

    def is_found():
        client.ip("neighbour", "flush", "dev", "eth0")
        for address in addresses:
            client.run("ping", "-c", "2", "-i", "0.2", "-W", "1", address.partition("/")[0])

    first = master(rachael, *addresses, parent=parent)
    second = group(pris, *addresses, parent=parent, advskew=100)
    second.wait("BACKUP")
    is_found()
    with silence(pris, FORGOTTEN, parent):
        pass
    is_found()
    assert (first.state, second.status()["transitions"]) == ("MASTER", 1)
    segment.cut(rachael)
    second.wait("MASTER")
    is_found()
    time.sleep(FORGOTTEN)
    is_found()


@pytest.mark.parametrize("who", ["everybody", "the group"])
def test_a_master_says_that_it_listens_and_a_backup_does_not(segment, client, who):
    asked = None if who == "everybody" else packets.solicited_node(V6)
    hosts = [segment.host(name, f"2001:db8::{number}/64") for number, name in ((11, "rachael"), (12, "pris"))]
    master(hosts[0], V6 + "/64")
    group(hosts[1], V6 + "/64", advskew=100).wait("BACKUP")
    with Capture("rachael", "eth0", "out") as said, silence(hosts[1], 3), Injector(client) as injector:
        said.during(5)  # what it says as a new MASTER
        injector.send(packets.listener_query(CLIENT_MAC, "fe80::50", asked))
        told = said.until(lambda f: packets.solicited_node(V6) in packets.groups_reported(f), 2, "a report")
        assert told.source == virtual_mac(1)
