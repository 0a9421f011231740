# SPDX-License-Identifier: GPL-2.0
"""Groups with several nodes: how they are set, shown and told of, how each is elected by
itself, and what is refused. What they do with packets is in test_sharing.py.
"""

import pytest

import genl
import netlink
import rtnl
import uapi
from carp import group, master
from nodes import BALANCING, MODES, Sharing, carpnodes, node, request, sharing, virtual_mac
from topology import eventually
from wire import Advertisement, Capture, Injector

TWO = [(1, 0), (2, 100)]


def refused(host, index, data):
    """errno, sentence, and the attribute at fault."""
    with pytest.raises(netlink.Refused) as caught:
        host.rtnl.request(rtnl.RTM_NEWLINK, rtnl.link_message(index=index, data=data))
    return caught.value.code, caught.value.sentence


# ---- what is set and shown ----


def test_a_list_is_sorted_and_its_lowest_leads(rachael):
    made = Sharing(rachael)
    made.create([(9, 3), (200, 0), (4, 254)], advbase=2)
    assert list(made.nodes()) == [4, 9, 200]
    assert {vhid: one["advskew"] for vhid, one in made.nodes().items()} == {4: 254, 9: 3, 200: 0}
    status = made.status()
    assert (status["vhid"], status["advbase"], status["advskew"]) == (4, 2, 254)
    assert made.mode() == ("ip", "addresses")
    assert rachael.rtnl.link("carp0")[rtnl.IFLA_ADDRESS].hex(":") == virtual_mac(4, "ip")


@pytest.mark.parametrize("balancing", MODES)
def test_the_virtual_mac_is_the_leaders(rachael, balancing):
    made = sharing(rachael, [(7, 0), (5, 0)], balancing=balancing, selection="flow")
    assert made.mode() == (balancing, "flow")
    assert rachael.rtnl.link("carp0")[rtnl.IFLA_ADDRESS].hex(":") == virtual_mac(5, balancing)
    made.wait_states({5: "MASTER", 7: "MASTER"})
    assert (made.status()["state"], made.status()["carrier"]) == ("MASTER", 1)


def test_the_most_nodes_there_can_be(rachael):
    listed = [(vhid, vhid % 255) for vhid in range(255, 223, -1)]
    made = sharing(rachael, listed)
    assert list(made.nodes()) == list(range(224, 256))
    made.wait_states({vhid: "MASTER" for vhid in range(224, 256)})
    told = genl.of(rachael).group("carp0")
    assert [one["vhid"] for one in told["nodes"]] == list(range(224, 256))
    assert len(genl.of(rachael).groups_of_namespace()["carp0"]["nodes"]) == 32


def test_one_node_has_nothing_to_share(rachael):
    """Whatever it was before: nothing of it is shown, and the MAC is the usual one."""
    made = sharing(rachael, TWO, balancing="ip-stealth", selection="flow")
    made.wait_states({1: "MASTER", 2: "MASTER"})
    made.change([(2, 7)])
    assert (made.mode(), made.nodes()) == (None, None)
    status = made.status()
    assert (status["vhid"], status["advskew"], status["state"]) == (2, 7, "MASTER")
    assert rachael.rtnl.link("carp0")[rtnl.IFLA_ADDRESS].hex(":") == virtual_mac(2, "none")
    told = genl.of(rachael).group("carp0")
    assert not {"nodes", "balancing", "selection"} & set(told)
    made.change(TWO)
    assert made.mode() == ("ip", "addresses")


def test_vhid_makes_a_list_of_one(rachael):
    made = sharing(rachael, [(1, 5), (2, 100)])
    made.change(vhid=2)
    assert made.nodes() is None
    assert (made.status()["vhid"], made.status()["advskew"]) == (2, 100)
    made.change([(2, 5), (3, 100)])
    made.change(vhid=9)
    assert (made.status()["vhid"], made.status()["advskew"]) == (9, 5)


def test_advbase_is_the_same_for_all(rachael):
    made = sharing(rachael, TWO)
    made.change(advbase=3)
    assert made.status()["advbase"] == 3
    assert {vhid: one["advskew"] for vhid, one in made.nodes().items()} == {1: 0, 2: 100}


# ---- what is refused ----


def test_refusals_say_why_and_change_nothing(rachael):
    made = sharing(rachael, TWO, balancing="ip-unicast", selection="flow")
    group(rachael, "192.0.2.3/32", name="carp1", vhid=7)
    index = rachael.rtnl.link("carp0")["index"]
    before = made.mode(), {vhid: one["advskew"] for vhid, one in made.nodes().items()}
    for data, sentence in (
            (request(advskew=5), "advskew is each node's own, give carpnodes"),
            (request(TWO, vhid=1), "carpnodes has all vhids and advskews, give no other ones"),
            (request(TWO, advskew=1), "carpnodes has all vhids and advskews, give no other ones"),
            (request([]), "carpnodes has no node"),
            (request([(1, 0), (3, 0), (1, 5)]), "carpnodes has a vhid twice"),
            (request([(0, 0), (3, 0)]), "vhid must be from 1 to 255"),
            (request([(1, 0), (256, 0)]), "vhid must be from 1 to 255"),
            (request([(1, 0), (3, 255)]), "advskew must be from 0 to 254 256ths of a second"),
            (request([node(advskew=4), (3, 0)]), "a node needs a vhid"),
            (request([node(vhid=3, state=2)]), "a node's state is read only"),
            (request([(vhid, 0) for vhid in range(1, 34)]), "carpnodes has more than 32 nodes"),
            (request([(1, 0), (3, 1)], advbase=0), "advbase 0 needs an advskew of at least 1"),
            (request(advbase=0), "advbase 0 needs an advskew of at least 1"),
            (request(advbase=256), "advbase must be from 0 to 255 seconds"),
            (request(balancing="none"), "several nodes need a balancing other than none"),
            (request([(1, 0)], balancing="ip"), "balancing needs several nodes, give carpnodes"),
            (request(vhid=1, balancing="ip"), "balancing needs several nodes, give carpnodes"),
            (request(balancing=4), "balancing must be none, ip, ip-stealth or ip-unicast"),
            (request([(1, 0)], selection="flow"), "selection needs several nodes, give carpnodes"),
            (request(selection=2), "selection must be addresses or flow"),
            (request([(1, 0), (9, 0)], state=2), "state cannot be asked for together with another vhid or parent")):
        assert refused(rachael, index, data) == ("EINVAL", sentence)
    assert refused(rachael, index, request([(1, 0), (7, 0)])) == ("EEXIST", "vhid 7 is used already on eth0")
    assert (made.mode(), {vhid: one["advskew"] for vhid, one in made.nodes().items()}) == before
    other = rachael.rtnl.link("carp1")["index"]
    assert refused(rachael, other, request(vhid=2)) == ("EEXIST", "vhid 2 is used already on eth0")
    assert refused(rachael, other, request(balancing="ip")) == ("EINVAL", "balancing needs several nodes, give carpnodes")


def test_a_refusal_points_at_the_node_at_fault(rachael):
    sharing(rachael, TWO)
    index = rachael.rtnl.link("carp0")["index"]
    message = rtnl.link_message(index=index, data=request([(1, 0), (3, 0), (1, 5)]))
    with pytest.raises(netlink.Refused) as caught:
        rachael.rtnl.request(rtnl.RTM_NEWLINK, message)
    third = message.index(node(vhid=1, advskew=5))
    assert caught.value.offset == 16 + third


# ---- each node is an election ----


@pytest.mark.both_clocks
def test_two_hosts_share_the_nodes(rachael, pris):
    for host in (rachael, pris):
        host.sysctl("net.inet.carp.preempt", 1)
    first = sharing(rachael, [(1, 0), (2, 100)])
    first.wait_states({1: "MASTER", 2: "MASTER"})
    second = sharing(pris, [(1, 100), (2, 0)])
    second.wait_states({1: "BACKUP", 2: "MASTER"})
    first.wait_states({1: "MASTER", 2: "BACKUP"})
    for made in (first, second):
        assert (made.state, made.status()["carrier"]) == ("MASTER", 1)
    # One steps down for all, and does not come back by itself.
    rachael.sysctl("net.inet.carp.preempt", 0)
    first.change(state=1)
    first.wait_states({1: "BACKUP", 2: "BACKUP"}, 2)
    second.wait_states({1: "MASTER", 2: "MASTER"}, 2)
    assert (first.state, first.status()["carrier"]) == ("BACKUP", 0)


def test_advertisements_are_of_each_node_and_hide_the_virtual_mac(rachael, pris):
    own = rachael.rtnl.link("eth0")[rtnl.IFLA_ADDRESS].hex(":")
    with Capture(pris.ns, "eth0", "in") as capture:
        for balancing, source in (("ip", own), ("ip-stealth", own), ("ip-unicast", virtual_mac(3, "ip-unicast"))):
            made = sharing(rachael, [(3, 0), (8, 20)], balancing=balancing, **{"key": b"tyrell"})
            made.wait_states({3: "MASTER", 8: "MASTER"})
            for vhid, advskew in ((3, 0), (8, 20)):
                heard = capture.advertisement(3, vhid=vhid)
                assert (heard.advertisement["advskew"], heard.source) == (advskew, source)
                wanted = Advertisement(vhid=vhid, key="tyrell", counter=heard.advertisement["counter"],
                                       advskew=advskew, source="192.0.2.11")
                assert heard.advertisement["payload"] == wanted.carp()
            announced = [f for f in capture.during(3) if f.arp]
            assert announced == [], "nothing is announced"
            made.delete()
            capture.during(0.1)


def test_a_digest_is_checked_for_its_node(rachael, client):
    made = sharing(rachael, [(1, 0), (2, 0)], advbase=200)
    with Injector(client) as injector:
        good = dict(advbase=100, addresses=("192.0.2.1",), source="192.0.2.99")
        injector.send(Advertisement(vhid=2, **good))
        injector.send(Advertisement(vhid=1, key="other", **good))
        injector.send(Advertisement(vhid=3, **good))
        eventually(lambda: made.counters()["discard_unknown_vhid"] == 1, 2, made.counters)
    counters = made.counters()
    assert (counters["rx_v4"], counters["discard_bad_digest"]) == (1, 1)
    peers = genl.of(rachael).group("carp0")["peers"]
    assert sorted((peer["vhid"], peer["received"], peer["bad_digest"]) for peer in peers) == [(1, 0, 1), (2, 1, 0)]


def test_events_tell_of_nodes(rachael):
    listener = genl.of(rachael, genl.Listener)
    made = sharing(rachael, [(1, 0), (2, 20)], selection="flow")
    heard = listener.until("TRANSITION", vhid=2, state="MASTER")
    assert heard[0]["command"] == "GROUP_NEW"
    assert (heard[0]["balancing"], heard[0]["selection"]) == ("ip", "flow")
    assert [(one["vhid"], one["state"]) for one in heard[0]["nodes"]] == [(1, "INIT"), (2, "INIT")]
    told = [(event["vhid"], event["old_state"], event["state"], event["reason"])
            for event in heard if event["command"] == "TRANSITION"]
    assert sorted(told) == [(1, "BACKUP", "MASTER", "timed-out"), (1, "INIT", "BACKUP", "ready"),
                            (2, "BACKUP", "MASTER", "timed-out"), (2, "INIT", "BACKUP", "ready")]
    made.change([(1, 0), (2, 20), (3, 0)])
    changed = listener.until("GROUP_CHANGE")[-1]
    assert [one["vhid"] for one in changed["nodes"]] == [1, 2, 3]
    made.change([(2, 20), (3, 0)])
    gone = listener.until("GROUP_CHANGE")
    assert [(event["vhid"], event["state"], event["reason"]) for event in gone
            if event["command"] == "TRANSITION" and event["vhid"] == 1] == [(1, "INIT", "no-vhid")]


# ---- other nodes for one that runs ----


def test_nodes_that_stay_notice_nothing(rachael, client):
    made = sharing(rachael, [(5, 0), (6, 0)])
    made.wait_states({5: "MASTER", 6: "MASTER"})
    before = made.nodes()
    with Capture(client.ns, "eth0", "in") as capture:
        made.change([(5, 0), (6, 0), (7, 0)])
        assert made.states() == {5: "MASTER", 6: "MASTER", 7: "BACKUP"}
        made.change([(4, 0), (5, 0), (7, 0)])
        assert made.states() == {4: "BACKUP", 5: "MASTER", 7: "BACKUP"}
        frames = capture.during(0.3)
    for one in made.nodes().values():
        if one["vhid"] == 5:
            assert one["transitions"] == before[5]["transitions"]
    bow_outs = [f.advertisement["vhid"] for f in frames if f.advertisement and f.advertisement["bow_out"]]
    assert bow_outs == [6], "who goes takes its leave, and nobody else"
    assert made.status()["state"] == "MASTER"
    assert rachael.rtnl.link("carp0")[rtnl.IFLA_ADDRESS].hex(":") == virtual_mac(4, "ip")


def test_from_one_node_to_several_and_back(rachael, client):
    made = Sharing(rachael)
    master(rachael, vhid=5)
    transitions = made.status()["transitions"]
    with Capture(client.ns, "eth0", "in") as capture:
        made.change([(5, 0), (9, 0)])
        assert made.states() == {5: "MASTER", 9: "BACKUP"}
        made.change(vhid=5)
        assert made.status()["state"] == "MASTER"
        assert made.status()["transitions"] == transitions
        frames = capture.during(0.3)
    announced = [f.arp["sender_mac"] for f in frames if f.arp and f.arp["sender"] == f.arp["target"] == "192.0.2.1"]
    assert announced == [virtual_mac(5, "none")], "clients know another MAC, until they are told"
    assert not [f for f in frames if f.advertisement and f.advertisement["bow_out"]]


def test_filters_of_the_parent_come_and_go(rachael):
    """Each MAC that a group had is given back."""
    def filters():
        shown = rachael.run("ip", "maddress", "show", "dev", "eth0").stdout
        return [virtual_mac(vhid, "ip") for vhid in (1, 2) if virtual_mac(vhid, "ip") in shown]

    made = sharing(rachael, TWO)
    assert filters() == [virtual_mac(1, "ip")]
    made.change(balancing="ip-stealth")
    assert filters() == []
    made.change([(2, 0), (3, 0)], balancing="ip")
    assert filters() == [virtual_mac(2, "ip")]
    made.delete()
    assert filters() == []


def test_the_numbers_are_those_of_openbsd():
    assert BALANCING == {"none": 0, "ip": 1, "ip-stealth": 2, "ip-unicast": 3}
    assert uapi.NUMBERS["CARP_MAX_NODES"] == 32


def test_a_nest_without_its_flag_is_refused(rachael):
    """Netlink is strict, as for every attribute here."""
    data = bytearray(carpnodes(*TWO))
    data[3] &= 0x7F
    with pytest.raises(netlink.Refused) as caught:
        rachael.rtnl.add("carp0", parent=rachael.rtnl.link("eth0")["index"], data=bytes(data))
    assert caught.value.sentence == "NLA_F_NESTED is missing"
