# SPDX-License-Identifier: GPL-2.0
"""The recipes of Documentation/load-balancing.md: a pair of gateways behind one address
spreads connections to two servers by nftables, in turn or by the client's address.

    client -- 192.0.2.1 -- rachael, pris -- 203.0.113.1 -- one .81, two .82
"""

import collections

import pytest
import uapi
from gateways import VIP, Gateways
from talk import Connection, Server, who_answers

RECIPES = uapi.data("recipes", "Documentation", "recipes")
SERVERS = {"one": "203.0.113.81", "two": "203.0.113.82"}


class Farm(Gateways):
    """Gateways with a recipe, and the two servers."""

    def __init__(self, segment, recipe):
        super().__init__(segment, families=("v4",))
        for router in self.routers.values():
            router.sysctl("net.inet.carp.preempt", 1)
        self.outside = self.groups()
        self.inside = self.routes()
        self.inside[0].wait("MASTER")
        self.servers = []
        for name, address in SERVERS.items():
            host = self.behind.host(name, f"{address}/24")
            host.batch("route add default via 203.0.113.1")
            self.servers.append(Server(host, name))
        for router in self.routers.values():
            router.run("nft", "-f", RECIPES / recipe)

    def close(self):
        for server in self.servers:
            server.close()

    def fail_over(self):
        """Both groups of rachael go to pris."""
        for made in (self.outside[0], self.inside[0]):
            made.down()
        for made in (self.outside[1], self.inside[1]):
            made.wait("MASTER")


@pytest.fixture
def farm(segment, request):
    made = Farm(segment, request.param)
    yield made
    made.close()


@pytest.fixture
def neighbours(farm):
    """Sources of the client's, each of which is a client to the gateways."""
    sources = [f"192.0.2.{number}" for number in range(101, 117)]
    farm.client.batch(*(f"address add {source}/24 dev eth0" for source in sources))
    return sources


@pytest.mark.parametrize("farm", ["round-robin.nft"], indirect=True)
def test_connections_are_dealt_out_in_turn(farm):
    """Also those of one client; and by the other gateway, when it has taken over."""
    for _ in range(2):
        heard = [who_answers(farm.client, VIP["v4"]) for _ in range(8)]
        assert collections.Counter(heard) == {"one": 4, "two": 4}
        assert all(first != second for first, second in zip(heard, heard[1:]))
        farm.fail_over()


@pytest.mark.parametrize("farm", ["by-client.nft"], indirect=True)
def test_a_client_keeps_its_server_on_both_gateways(farm, neighbours):
    first = {source: who_answers(farm.client, VIP["v4"], source=source) for source in neighbours}
    assert set(first.values()) == set(SERVERS)
    assert first == {source: who_answers(farm.client, VIP["v4"], source=source) for source in neighbours}
    farm.fail_over()
    assert first == {source: who_answers(farm.client, VIP["v4"], source=source) for source in neighbours}


@pytest.mark.parametrize("farm", ["by-client.nft"], indirect=True)
def test_connections_by_client_outlive_the_gateway(farm, neighbours):
    """Nothing tells the new MASTER of them but what the clients say; what a server said before
    that is said again."""
    open_ones = [Connection(farm.client, VIP["v4"], source=source) for source in neighbours]
    farm.fail_over()
    for connection in open_ones[::2]:
        assert connection.again() == connection.heard
    for server in farm.servers:
        server.say("still here")
    for connection in open_ones[::2]:
        assert connection.hear() == "still here"
    for connection in open_ones[1::2]:
        connection.ask()
    for connection in open_ones[1::2]:
        assert (connection.hear(), connection.hear()) == ("still here", connection.heard)
    for connection in open_ones:
        connection.close()
