# SPDX-License-Identifier: GPL-2.0
"""net.inet.carp.arpbalance: two groups with one address, each mastered by another
host, and every client is answered by exactly one of them.

      client ------ rachael: carp0 vhid 1 MASTER, carp1 vhid 2 BACKUP
         `--------- pris:    carp0 vhid 1 BACKUP, carp1 vhid 2 MASTER

What is right comes from balance.py, which shares no code with the module.
"""

import collections
import json
import re

import pytest

import balance
import packets
from carp import Group, group, virtual_mac
from talk import Connection, Server, who_answers
from topology import eventually
from wire import BROADCAST, Capture, Injector, advertisements, arp_request

VIP = {"v4": "192.0.2.10", "v6": "2001:db8:1::10"}
ADDRESSES = (f"{VIP['v4']}/24", f"{VIP['v6']}/64")
KEYS = {1: "tyrell", 2: "bryant"}
OWN = {"rachael": ("192.0.2.11/24", "2001:db8:1::11/64"), "pris": ("192.0.2.12/24", "2001:db8:1::12/64")}
MASTER_OF = {"rachael": 1, "pris": 2}
VHIDS = {virtual_mac(vhid): vhid for vhid in range(1, 256)}
Client = collections.namedtuple("Client", "address mac")


def clients(family, count=48):
    """Neighbours in sequence, and some from all over."""
    prefix = {"v4": "192.0.2.{}", "v6": "2001:db8:1::50:{:x}"}[family]
    return [Client(prefix.format(number), f"02:00:00:{number * 37 % 256:02x}:00:{number:02x}")
            for number in range(100, 100 + count)]


class Pair:
    """The hosts of the drawing; `groups` has their groups by host and vhid."""

    def __init__(self, segment, mode, vhids=(1, 2), keys=None):
        self.segment, self.mode, self.keys = segment, mode, keys or {vhid: KEYS[vhid] for vhid in vhids}
        self.client = segment.host("client", "192.0.2.50/24", "2001:db8:1::50/64")
        self.hosts, self.groups = {}, {}
        for name in OWN:
            self.add_host(name)
        self.settle()

    def add_host(self, name):
        host = self.segment.host(name, *OWN[name])
        # Somebody without a link-local address cannot advertise in IPv6.
        host.settled()
        host.sysctl("net.inet.carp.preempt", 1)
        host.sysctl("net.inet.carp.arpbalance", self.mode)
        self.hosts[name] = host
        self.groups[name] = {
            vhid: group(host, *ADDRESSES, name=f"carp{vhid - 1}", vhid=vhid, **{"pass": key}, up=False,
                        advskew=0 if self.home(vhid) == name else 100)
            for vhid, key in self.keys.items()}
        # A MASTER that knows of no other group with its address would announce it.
        for made in self.groups[name].values():
            made.up()

    def home(self, vhid):
        """The host that is MASTER of a group if it can."""
        return "pris" if vhid % 2 == 0 else "rachael"

    def settle(self):
        for name, groups in self.groups.items():
            for vhid, made in groups.items():
                made.wait("MASTER" if self.home(vhid) == name else "BACKUP", 8)

    def counters(self, name):
        return {host: {vhid: made.counters()[name] for vhid, made in groups.items()}
                for host, groups in self.groups.items()}

    def chosen(self, who, members=None):
        members = members or self.keys
        return {client: balance.chosen(self.mode, members, *client) for client in who}

    def ask(self, who, family, destination=None, seconds=1):
        """Which vhids answer each of the clients, and the frames they were told by."""
        told, frames = {client: [] for client in who}, []
        with Injector(self.client) as injector, Capture(self.client.ns, "eth0", "in") as capture:
            for client in who:
                injector.send(question(client, family, destination))
            frames = capture.during(seconds)
        by_address = {client.address: client for client in who}
        for frame in frames:
            asker, mac = answer(frame, family)
            if asker in by_address:
                client = by_address[asker]
                assert frame.destination == client.mac and frame.source == mac, frame
                told[client].append(VHIDS[mac])
        return told


def question(client, family, destination=None):
    if family == "v4":
        return arp_request(client.mac, client.address, VIP["v4"], destination or BROADCAST)
    return packets.neighbour_solicitation(client.mac, client.address, VIP["v6"],
                                          destination=VIP["v6"] if destination else None,
                                          destination_mac=destination)


def answer(frame, family):
    """Whom a frame answers, and the MAC that it tells; (None, None) for other frames."""
    if family == "v4":
        arp = frame.arp
        if arp and arp["operation"] == 2 and arp["sender"] == VIP["v4"]:
            return arp["target"], arp["sender_mac"]
        return None, None
    found = packets.nd(frame)
    if found and found["type"] == packets.NEIGHBOUR_ADVERTISEMENT and found["target"] == VIP["v6"]:
        return found["destination"], found["mac"]
    return None, None


def told_by_one(chosen):
    return {client: [vhid] for client, vhid in chosen.items()}


both_families = pytest.mark.parametrize("family", ["v4", "v6"])
all_modes = pytest.mark.parametrize("mode", balance.MODES, ids=["modulo", "mac-hash", "even"])


@both_families
@all_modes
def test_each_client_is_answered_by_one_member(segment, mode, family):
    """By the one that the formula gives, from the host that is MASTER of it; and what is left to
    the other one is counted, by who would have answered."""
    pair = Pair(segment, mode)
    who = clients(family)
    kind = {"v4": "arp_replies", "v6": "nd_replies"}[family]
    before = {name: pair.counters(name) for name in (kind, "not_selected")}
    chosen = pair.chosen(who)
    assert set(chosen.values()) == {1, 2}
    assert pair.ask(who, family) == told_by_one(chosen)
    for name, home in MASTER_OF.items():
        number = list(chosen.values()).count(home)
        for vhid in KEYS:
            answered, left = (after[name][vhid] - before[what][name][vhid]
                              for what, after in ((what, pair.counters(what)) for what in before))
            assert (answered, left) == ((number, len(who) - number) if vhid == home else (0, 0)), (name, vhid)


@both_families
def test_without_it_every_master_answers(segment, family):
    pair = Pair(segment, 0)
    who = clients(family, 4)
    assert all(sorted(vhids) == [1, 2] for vhids in pair.ask(who, family).values())
    assert pair.counters("not_selected") == {"rachael": {1: 0, 2: 0}, "pris": {1: 0, 2: 0}}


@both_families
@all_modes
def test_the_clients_of_a_dead_host_are_answered_by_the_other(segment, mode, family):
    """With the MAC that they had, so that nobody's entry changes; and again when it is back."""
    pair = Pair(segment, mode)
    who = clients(family, 24)
    chosen = pair.chosen(who)
    with Capture(pair.client.ns, "eth0", "in") as capture:
        pair.hosts["rachael"].delete()
        del pair.groups["rachael"]
        pair.groups["pris"][1].wait("MASTER")
        # Switches learn where the MAC is now.
        assert capture.advertisement(2, vhid=1).source == virtual_mac(1)
        capture.during(3)
        assert pair.ask(who, family) == told_by_one(chosen)
        pair.add_host("rachael")
        pair.settle()
        capture.during(3)
    assert pair.ask(who, family) == told_by_one(chosen)
    assert not announcements(capture.frames)


def announcements(frames):
    """What tells everybody where the shared addresses are."""
    def is_one(frame):
        arp, found = frame.arp, packets.nd(frame)
        return (arp and arp["sender"] == arp["target"] == VIP["v4"]
                or found and found["type"] == packets.NEIGHBOUR_ADVERTISEMENT and found["target"] == VIP["v6"]
                and found["destination"] == "ff02::1")
    return [frame for frame in frames if is_one(frame)]


@both_families
@all_modes
def test_members_in_init_do_not_count(segment, mode, family):
    pair = Pair(segment, mode)
    who = clients(family, 16)
    for groups in pair.groups.values():
        groups[2].down()
        groups[2].wait("INIT")
    assert pair.ask(who, family) == {client: [1] for client in who}
    for groups in pair.groups.values():
        groups[2].up()
    pair.settle()
    assert pair.ask(who, family) == told_by_one(pair.chosen(who))


@all_modes
def test_members_are_in_the_order_of_their_vhids(segment, mode):
    """Three of them, made in another order and with other vhids."""
    pair = Pair(segment, mode, keys={200: "roy", 7: "leon", 21: "zhora"})
    who = clients("v4")
    chosen = pair.chosen(who)
    assert set(chosen.values()) == {7, 21, 200}
    assert pair.ask(who, "v4") == told_by_one(chosen)


def test_another_group_moves_only_clients_to_itself(segment):
    pair = Pair(segment, balance.EVEN)
    who = clients("v4")
    before = pair.ask(who, "v4")
    pair.keys[3] = "deckard"
    for name, host in pair.hosts.items():
        pair.groups[name][3] = group(host, *ADDRESSES, name="carp2", vhid=3, **{"pass": "deckard"},
                                     advskew=0 if name == "rachael" else 100)
    pair.settle()
    after = pair.ask(who, "v4")
    assert after == told_by_one(pair.chosen(who))
    moved = [client for client in who if after[client] != before[client]]
    assert moved and all(after[client] == [3] for client in moved)


@all_modes
def test_a_solicitation_to_the_mac_of_a_member_is_that_members(segment, mode):
    """A client makes sure of what it knows, perhaps from another of its addresses."""
    pair = Pair(segment, mode)
    who = clients("v6", 12)
    assert set(pair.chosen(who).values()) == {1, 2}
    for vhid in KEYS:
        # What the host that is BACKUP gets on such a segment, it drops.
        assert pair.ask(who, "v6", virtual_mac(vhid)) == {client: [vhid] for client in who}


@all_modes
def test_an_arp_request_to_the_mac_of_another_member_is_not_answered(segment, mode):
    """So that the client asks everybody, and comes to the member that is its own by now."""
    pair = Pair(segment, mode)
    who = clients("v4", 12)
    chosen = pair.chosen(who)
    for vhid in KEYS:
        assert pair.ask(who, "v4", virtual_mac(vhid)) == {
            client: [vhid] if chosen[client] == vhid else [] for client in who}


@all_modes
def test_an_address_of_one_group_is_announced_and_answered_by_it(segment, mode):
    """The shared ones are not announced, whatever happens: all clients would go to one member."""
    pair = Pair(segment, mode)
    own = "192.0.2.20"
    for groups in pair.groups.values():
        groups[1].add_address(f"{own}/24", "2001:db8:1::20/64")
    with Capture(pair.client.ns, "eth0", "in") as capture:
        pair.groups["rachael"][1].set(state="backup")
        pair.groups["rachael"][1].wait("MASTER", 3, reason="preempted")
        capture.during(3)
    assert [frame for frame in capture.frames if frame.arp and frame.arp["sender"] == frame.arp["target"] == own]
    assert [frame for frame in capture.frames
            if (packets.nd(frame) or {}).get("target") == "2001:db8:1::20"]
    assert not announcements(capture.frames)


@pytest.mark.parametrize("mode, overrides", [(0, True), (balance.EVEN, False)], ids=["off", "even"])
def test_who_wants_the_address_for_itself_does_not_move_the_others(segment, mode, overrides):
    """It is told so with everybody listening, who must not believe that the MAC is theirs."""
    pair = Pair(segment, mode)
    with Injector(pair.client) as injector, Capture(pair.client.ns, "eth0", "in") as capture:
        injector.send(packets.neighbour_solicitation("02:00:00:00:00:77", "::", VIP["v6"]))
        frames = announcements(capture.during(1))
    assert len(frames) == (1 if mode else 2)
    for frame in frames:
        assert bool(packets.nd(frame)["flags"] & packets.NA_OVERRIDE) == overrides


@all_modes
def test_a_probe_is_answered_by_one(segment, mode):
    """Who wants to have an IPv4 address asks from 0.0.0.0."""
    pair = Pair(segment, mode)
    probe = Client("0.0.0.0", "02:00:00:00:00:77")
    assert pair.ask([probe], "v4") == told_by_one(pair.chosen([probe]))


def test_without_the_option_the_frame_tells_the_mac(segment):
    pair = Pair(segment, balance.MAC_HASH)
    who = clients("v6", 12)
    chosen = pair.chosen(who)
    told = {}
    with Injector(pair.client) as injector, Capture(pair.client.ns, "eth0", "in") as capture:
        for client in who:
            injector.send(without_option(client))
        for frame in capture.during(1):
            asker, mac = answer(frame, "v6")
            if asker:
                told.setdefault(asker, []).append(VHIDS[mac])
    assert told == {client.address: [vhid] for client, vhid in chosen.items()}


def without_option(client):
    target, destination = VIP["v6"], packets.solicited_node(VIP["v6"])
    body = bytes([packets.NEIGHBOUR_SOLICITATION]) + bytes(7) + packets.packed(target)
    return packets.frame((packets.multicast_mac(destination), client.mac), client.address, destination,
                         packets.ICMPV6, packets.icmp6(client.address, destination, body), ttl=255)


def test_an_announcement_is_no_question(segment):
    """A BSD that takes over announces the address; that is neither answered nor counted."""
    pair = Pair(segment, balance.MODULO)
    with Injector(pair.client) as injector, Capture(pair.client.ns, "eth0", "in") as capture:
        injector.send(arp_request(virtual_mac(1), VIP["v4"], VIP["v4"]))
        assert not [frame for frame in capture.during(1) if frame.arp]
    assert pair.counters("not_selected") == {"rachael": {1: 0, 2: 0}, "pris": {1: 0, 2: 0}}


def test_with_another_key_a_group_wins_other_clients(segment):
    """A key is changed without leaving MASTER, and at once counts for who is answered."""
    pair = Pair(segment, balance.EVEN)
    who = clients("v4")
    before = pair.ask(who, "v4")
    pair.keys[2] = "sebastian"
    for groups in pair.groups.values():
        groups[2].set(**{"pass": "sebastian"})
    pair.settle()
    after = pair.ask(who, "v4")
    assert after == told_by_one(pair.chosen(who))
    assert after != before


@both_families
def test_the_address_is_the_hosts_own_while_it_is_master_of_one_group(segment, family):
    """Being BACKUP of the other group must not lead it away; being MASTER of none must."""
    pair = Pair(segment, balance.MODULO)
    rachael, vip = pair.hosts["rachael"], VIP[family]
    route = ("-6", "route", "get", vip) if family == "v6" else ("route", "get", vip)

    def is_local():
        return rachael.ip(*route).stdout.startswith("local ")

    eventually(is_local, 1, "the address is rachael's own")
    assert rachael.run("ping", "-c", "1", "-W", "1", vip, check=False).returncode == 0
    pair.groups["rachael"][1].down()
    pair.groups["pris"][1].wait("MASTER")
    eventually(lambda: not is_local(), 1, "the address is pris's")
    assert "dev eth0" in rachael.ip(*route).stdout
    assert rachael.run("ping", "-c", "1", "-W", "2", vip, check=False).returncode == 0
    pair.groups["rachael"][1].up()
    pair.settle()
    eventually(is_local, 1, "the address is rachael's again")
    # A group that goes takes nothing with it that another one needs.
    pair.groups["rachael"].pop(2).delete()
    assert is_local()
    assert pair.client.run("ping", "-c", "1", "-W", "2", vip, check=False).returncode == 0


@both_families
def test_a_host_takes_what_is_for_the_mac_of_its_own_group(segment, family):
    """For the address in both: by the MACs, one of which is the other host's."""
    pair = Pair(segment, balance.MODULO)
    mac, source = "02:00:00:00:00:50", {"v4": "192.0.2.50", "v6": "2001:db8:1::50"}[family]
    pair.client.batch(f"link set eth0 address {mac}")
    for name, home in MASTER_OF.items():
        with Injector(pair.segment, name) as injector, Capture(pair.hosts[name].ns, "eth0", "out") as capture:
            for vhid in KEYS:
                injector.send(packets.echo((virtual_mac(vhid), mac), source, VIP[family], number=vhid))
            replies = [packets.echo_number(frame) for frame in capture.during(1)
                       if packets.echo_reply(frame, VIP[family])]
        assert replies == [home]


def test_mastership_of_both_groups_ends_in_any_order(segment):
    """Alone, pris is MASTER of both; each of them may go first."""
    pair = Pair(segment, balance.EVEN)
    who = clients("v4", 16)
    pair.hosts["rachael"].delete()
    del pair.groups["rachael"]
    pris = pair.groups["pris"]
    pris[1].wait("MASTER")
    for gone, left in ((1, 2), (2, 1)):
        pris[gone].down()
        assert pair.ask(who, "v4") == {client: [left] for client in who}
        pris[gone].up()
        pris[gone].wait("MASTER")
        assert pair.ask(who, "v4") == told_by_one(pair.chosen(who))


def test_advertisements_say_the_same_with_and_without_it(segment):
    """It is a matter of answers only."""
    pair = Pair(segment, balance.EVEN)
    with Capture(pair.client.ns, "eth0", "in") as capture:
        frames = capture.during(3)
    for vhid in KEYS:
        seen = advertisements(frames, vhid=vhid)
        assert len(seen) >= 4 and all(frame.source == virtual_mac(vhid) for frame in seen)


class Article:
    """The article's two web servers, typed in: rachael is to be MASTER of group 1, pris of group 2."""

    def __init__(self, segment):
        self.segment, self.hosts, self.servers = segment, {}, {}
        self.clients = [segment.host(f"client{number}", f"192.0.2.{number}/24") for number in range(50, 56)]
        for name in OWN:
            self.boot(name)

    def boot(self, name):
        host = self.hosts[name] = self.segment.host(name, OWN[name][0])
        skew = {"rachael": ([], ["advskew", "100"]), "pris": (["advskew", "100"], [])}[name]
        host.ip(*"link add link eth0 name carp0 type carp vhid 1 pass tyrell".split(), *skew[0])
        host.ip(*"address add 192.0.2.10/24 dev carp0".split())
        host.ip(*"link set carp0 up".split())
        host.ip(*"link add link eth0 name carp1 type carp vhid 2 pass bryant".split(), *skew[1])
        host.ip(*"address add 192.0.2.10/24 dev carp1".split())
        host.ip(*"link set carp1 up".split())
        host.run("sysctl", "-w", "net.inet.carp.preempt=1")
        host.run("sysctl", "-w", "net.inet.carp.arpbalance=1")
        self.servers[name] = Server(host, name)

    def settle(self):
        for name, host in self.hosts.items():
            for number, home in enumerate(("rachael", "pris")):
                Group(host, f"carp{number}").wait("MASTER" if name == home else "BACKUP", 8)

    def die(self, name):
        """Without a last word of any connection."""
        self.segment.cut(self.hosts[name])
        self.servers.pop(name).close()
        self.hosts.pop(name).delete()

    def served_by(self):
        return [who_answers(client, VIP["v4"]) for client in self.clients]

    def entries(self, clients=None):
        """What the clients' kernels know of the address."""
        return [json.loads(client.ip("-j", "neigh", "show", VIP["v4"]).stdout)[0]["lladdr"]
                for client in clients or self.clients]

    def forget(self):
        for client in self.clients:
            client.ip("neigh", "flush", "dev", "eth0")

    def close(self):
        for server in self.servers.values():
            server.close()


@pytest.fixture
def article(segment):
    made = Article(segment)
    yield made
    made.close()


def test_the_article(article):
    """Both serve; each client keeps to one; who dies takes its clients to the other, which keeps
    its own; who returns takes them back."""
    article.settle()
    # Those with an odd address are the second group's.
    home = ["rachael", "pris"] * 3
    macs = [virtual_mac(1), virtual_mac(2)] * 3
    for _ in range(2):
        article.forget()
        assert article.served_by() == home
        assert article.served_by() == home
        assert article.entries() == macs
    article.die("rachael")
    Group(article.hosts["pris"], "carp0").wait("MASTER", 5)
    assert article.served_by() == ["pris"] * 6
    assert article.entries() == macs
    article.boot("rachael")
    article.settle()
    assert article.served_by() == home
    assert article.entries() == macs
    article.forget()
    assert article.served_by() == home


def test_connections_to_the_host_that_lives_go_on(article):
    """Those of the dead one's are broken: the other host does not know them."""
    article.settle()
    connections = [Connection(client, VIP["v4"]) for client in article.clients]
    assert [connection.heard for connection in connections] == ["rachael", "pris"] * 3
    article.die("rachael")
    Group(article.hosts["pris"], "carp0").wait("MASTER", 5)
    for connection in connections[1::2]:
        assert connection.again() == "pris"
    for connection in connections[::2]:
        with pytest.raises(ConnectionError):
            connection.again()


def test_a_client_that_another_member_had_comes_to_its_own(article):
    """A kernel that makes sure in vain asks everybody, and hardly a packet is lost for that."""
    article.settle()
    client = article.clients[0]
    client.ip("neigh", "replace", VIP["v4"], "lladdr", virtual_mac(2), "dev", "eth0", "nud", "stale")
    heard = client.run("ping", "-q", "-i", "1", "-c", "60", "-W", "1", VIP["v4"], check=False).stdout
    assert int(re.search(r"(\d+) received", heard).group(1)) >= 57, heard
    assert article.entries(article.clients[:1]) == [virtual_mac(1)]
