# SPDX-License-Identifier: GPL-2.0
"""The specifications in Documentation/netlink/specs: valid by the kernel's own schemas, the
same as the header, and read by the kernel's own tool, which then asks and hears what we say.
"""

import json
import pathlib
import re
import subprocess
import time

import pytest

import genl
import uapi
import ynl
from carp import group, master
from topology import eventually, inside
from wire import Advertisement, Injector

SPEC = ynl.OURS / "carp.yaml"
GOLDEN = pathlib.Path(__file__).with_name("golden")
# Moments, and how long ago they were.
VOLATILE = ("since", "changed-at")


# ---- the header ----


def entries(body):
    """[(name, what its comment begins with)] of an enum."""
    for line in body.splitlines():
        found = re.match(r"\s*(\w+),?\s*(?:/\*\s*(.*))?", line)
        if found and found.group(1).isupper() and not found.group(1).startswith("__"):
            yield found.group(1), found.group(2) or ""


HEADER = uapi.HEADER.read_text()
ENUMS = [(name, list(entries(body))) for name, body in re.findall(r"enum\s*(\w*)\s*\{(.*?)\};", HEADER, flags=re.S)]


def enum(prefix):
    """{name without the prefix, as in a specification: number}, and {name: comment}."""
    found = [pairs for _, pairs in ENUMS if all(name.startswith(prefix) for name, _ in pairs)]
    pairs, = found
    return ({specified(name, prefix): uapi.NUMBERS[name] for name, _ in pairs},
            {specified(name, prefix): comment for name, comment in pairs})


def specified(name, prefix):
    return name[len(prefix):].lower().replace("_", "-")


def kind(comment, name):
    """The type that a comment of the header begins with."""
    if name in ("unspec", "pad"):
        return {"unspec": "unused", "pad": "pad"}[name]
    return re.match(r"u32|u64|string|binary|nest", comment).group()


# ---- and the specifications ----


@pytest.fixture(scope="module")
def spec():
    return ynl.load(SPEC)


@pytest.fixture(scope="module")
def link_spec():
    return ynl.load(ynl.OURS / "rt-link-carp.yaml")


def named(rows, name):
    row, = (row for row in rows if row["name"] == name)
    return row


def numbered(rows, start):
    """{name: number} as a specification counts."""
    found, number = {}, start
    for row in rows:
        row = {"name": row} if isinstance(row, str) else row
        number = row.get("value", number)
        assert row["name"] not in found
        found[row["name"]] = number
        number += 1
    return found


def attributes(spec, name):
    rows = named(spec["attribute-sets"], name)["attributes"]
    return numbered(rows, 1), {row["name"]: row["type"] for row in rows}


def test_commands_and_groups_are_those_of_the_header(spec):
    numbers, _ = enum("CARP_CMD_")
    assert numbered(spec["operations"]["list"], 1) == {name: n for name, n in numbers.items() if name != "unspec"}
    assert spec["operations"]["name-prefix"] == "carp-cmd-"
    strings = dict(re.findall(r'#define\s+(CARP_\w+)\s+"(\w+)"', HEADER))
    assert strings == {"CARP_GENL_NAME": spec["name"], "CARP_MCGRP_EVENTS": spec["mcast-groups"]["list"][0]["name"]}
    assert len(spec["mcast-groups"]["list"]) == 1


@pytest.mark.parametrize("name, prefix", [
    ("carp", "CARP_A_"), ("peer", "CARP_PEER_"), ("counters", "IFLA_CARP_STATS_"), ("node", "CARP_NODE_")])
def test_attributes_are_those_of_the_header(spec, name, prefix):
    numbers, comments = enum(prefix)
    specified_numbers, types = attributes(spec, name)
    assert specified_numbers == numbers
    assert named(spec["attribute-sets"], name)["name-prefix"] == prefix.lower().replace("_", "-")
    if name == "counters":
        assert all(types[name] == kind("u64", name) for name in types), "all are u64"
    else:
        assert types == {name: kind(comment, name) for name, comment in comments.items()}


def test_transitions_are_numbered_by_reason(spec):
    numbers, types = attributes(spec, "transitions")
    assert numbers == {name: number + 1 for name, number in enum("CARP_REASON_")[0].items()}
    assert set(types.values()) == {"u32"}


def test_link_attributes_are_those_of_the_header(link_spec):
    body, = (pairs for _, pairs in ENUMS if pairs[0][0] == "IFLA_CARP_UNSPEC")
    numbers, types = attributes(link_spec, "linkinfo-carp-attrs")
    assert numbers == {specified(name, "IFLA_CARP_"): uapi.NUMBERS[name] for name, _ in body[1:]}
    assert types == {specified(name, "IFLA_CARP_"): kind(comment, specified(name, "IFLA_CARP_"))
                     for name, comment in body[1:]}


@pytest.mark.parametrize("name, prefix", [
    ("linkinfo-carp-nodes-attrs", "CARP_NODES_"), ("linkinfo-carp-node-attrs", "CARP_NODE_")])
def test_link_attributes_of_nodes_are_those_of_the_header(link_spec, name, prefix):
    numbers, comments = enum(prefix)
    specified_numbers, types = attributes(link_spec, name)
    assert specified_numbers == numbers
    assert types == {name: kind(comment, name) for name, comment in comments.items()}
    assert named(link_spec["attribute-sets"], name)["name-prefix"] == prefix.lower().replace("_", "-")


def test_values_are_those_of_the_header(spec, link_spec):
    for name in ("state", "reason", "discard", "balancing", "selection"):
        prefix = f"CARP_{name.upper()}_"
        numbers, _ = enum(prefix)
        assert numbered(named(spec["definitions"], name)["entries"], 0) == numbers
        if name != "discard":
            assert numbered(named(link_spec["definitions"], f"carp-{name}")["entries"], 0) == numbers
    missing = {specified(name, "CARP_MISSING_"): n for name, n in uapi.NUMBERS.items() if name.startswith("CARP_MISSING_")}
    for definitions, name in ((spec["definitions"], "missing"), (link_spec["definitions"], "carp-missing")):
        definition = named(definitions, name)
        assert definition["type"] == "flags"
        assert {name: 1 << bit for name, bit in numbered(definition["entries"], 0).items()} == missing
    constants = {row["name"]: row["value"] for row in spec["definitions"] if row["type"] == "const"}
    limits = {specified(name, "CARP_"): n for name, n in uapi.NUMBERS.items()
              if re.fullmatch(r"CARP_(KEY_LEN|MAX_NODES|VHID_\w+|ADV\w+)", name)}
    assert constants == limits


def test_every_enum_of_the_header_is_specified(spec):
    """What is added to the header is added here, too."""
    known = {"carp_state", "carp_reason", "carp_discard", "carp_command", "carp_attribute", "carp_peer_attribute",
             "carp_balancing", "carp_selection", "carp_node_attribute"}
    assert {name for name, _ in ENUMS if name} == known
    anonymous = [pairs[0][0] for name, pairs in ENUMS if not name]
    assert anonymous == ["IFLA_CARP_UNSPEC", "CARP_NODES_UNSPEC", "IFLA_CARP_STATS_UNSPEC"]
    assert len(spec["attribute-sets"]) == 5


# ---- the tool ----


def shown(told):
    """What the tool has printed, without what is another number in each run."""
    def same(pairs):
        return {key: "…" if key in VOLATILE else value for key, value in pairs}

    plain = json.loads(json.dumps(told), object_pairs_hook=same)
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def is_golden(name, told):
    """It is what the file says, to the letter; what is printed in a failed test may take its place."""
    print(f"golden/{name}.json:\n{shown(told)}")
    assert shown(told) == (GOLDEN / f"{name}.json").read_text()


@pytest.fixture(scope="module")
def rt_link(tmp_path_factory):
    return ynl.merged(tmp_path_factory.mktemp("spec"))


@pytest.mark.limit(1200)
def test_the_specifications_are_valid_by_the_kernels_schemas(rt_link):
    for spec, schema in ((SPEC, "genetlink"), (rt_link, "netlink-raw")):
        done = subprocess.run(ynl.command(spec, "--validate", schema=schema), capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_a_wrong_specification_is_invalid(tmp_path):
    """What the test above rests on."""
    wrong = tmp_path / "carp.yaml"
    wrong.write_text(SPEC.read_text().replace("type: u32", "type: u33", 1))
    done = subprocess.run(ynl.command(wrong, "--validate", schema="genetlink"), capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "u33" in done.stderr + done.stdout


def as_we_read(host, name):
    """A group as our own client reads it, in the words of the tool."""
    told = genl.of(host).group(name)
    del told["command"], told["since"]
    told["peer"] = [{key.replace("_", "-"): value for key, value in peer.items() if key != "since"}
                    for peer in told.pop("peers", [])]
    told["address"] = told.pop("addresses")
    nodes = [{**node, "state": node["state"].lower()} for node in told.pop("nodes", [])]
    for node in nodes:
        assert node.pop("since") >= 0
    if nodes:
        told["node"] = nodes
    told["counters"] = {key.replace("_", "-"): value for key, value in told["counters"].items()}
    told["state"] = told["state"].lower()
    return {key.replace("_", "-"): value for key, value in told.items()}


@pytest.mark.limit(1200)
def test_do_and_dump(rachael, client):
    made = group(rachael, "192.0.2.1/32", "2001:db8::1/64", advbase=200, **{"pass": "tyrell"})
    with Injector(client) as injector:
        injector.send(Advertisement(key="tyrell", addresses=("192.0.2.1", "2001:db8::1"), advbase=100))
    made.wait("BACKUP")
    time.sleep(0.1)
    one = ynl.answer(rachael, SPEC, "--do", "group-get", attributes={"ifname": "carp0"})
    many = ynl.answer(rachael, SPEC, "--dump", "group-get")
    is_golden("ynl-groups", many)
    expected = as_we_read(rachael, "carp0")
    assert expected["peer"]
    for told in (one, *many):
        assert told.pop("since") > 0 and [peer.pop("since") for peer in told["peer"]]
        assert told == expected
    assert len(many) == 1
    key = ynl.answer(rachael, SPEC, "--do", "key-get", attributes={"ifindex": expected["ifindex"]})
    assert bytes.fromhex(key["key"].replace(":", "").replace(" ", "")) == b"tyrell".ljust(20, b"\0")


@pytest.mark.limit(1200)
def test_the_kernels_sentence_and_attribute_are_shown(rachael):
    done = rachael.run(*ynl.command(SPEC, "--do", "group-get", "--json", '{"ifname": "lo"}'), check=False)
    assert done.returncode == 1
    assert "the device is not of kind carp" in done.stdout and ".ifname" in done.stdout


@pytest.mark.limit(1200)
def test_the_policy_that_the_kernel_shows(rachael):
    """Which attributes a command takes can be asked for, as of every family."""
    policy = ynl.answer(rachael, SPEC, "--do", "group-get", "--policy")
    assert set(policy) >= {"ifindex", "ifname"}


@pytest.mark.limit(1200)
def test_subscribe(rachael):
    listening = ynl.command(SPEC, "--subscribe", "events", "--duration", "60", "--output-json")
    with rachael.background(*listening, stdout=subprocess.PIPE) as tool:
        ours = genl.of(rachael, genl.Listener)
        subscribed(rachael)
        made = master(rachael)
        made.set(advskew=3)
        made.delete()
        expected = ours.rest()
        told = [json.loads(tool.stdout.readline()) for _ in expected]
    is_golden("ynl-events", told)
    assert [event["name"] for event in told] == [event["command"].lower().replace("_", "-") for event in expected]
    for event, known in zip(told, expected):
        message = event["msg"]
        assert (message["sequence"], message["ifname"]) == (known["sequence"], known["ifname"])
        if event["name"] == "transition":
            assert (message["old-state"], message["state"], message["reason"], message["transitions"]) == (
                known["old_state"].lower(), known["state"].lower(), known["reason"], known["transitions"])


def subscribed(host):
    """Waits until somebody in the host's namespace has joined a group of generic netlink's."""
    def joined():
        with inside(host.ns), open("/proc/thread-self/net/netlink", encoding="ascii") as table:
            rows = [line.split() for line in table][1:]
        return sum(row[1] == "16" and int(row[3], 16) != 0 for row in rows) >= 2

    eventually(joined, 300, "the tool listens", pause=0.2)


@pytest.mark.limit(1200)
def test_getlink_shows_the_attributes_of_a_carp_device(rachael, rt_link):
    made = master(rachael, advskew=7)
    link = ynl.answer(rachael, rt_link, "--do", "getlink", attributes={"ifname": "carp0"})
    told = link["linkinfo"]
    is_golden("ynl-link", told["data"])
    status = made.status()
    assert told["kind"] == "carp"
    assert told["data"].pop("since") < status["since"]
    assert told["data"] == {"vhid": 1, "advbase": 1, "advskew": 7, "state": "master", "reason": "timed-out",
                            "missing": [], "transitions": 2}


@pytest.mark.limit(1200)
def test_nodes_are_set_and_shown(rachael, rt_link):
    made = master(rachael)
    ynl.answer(rachael, rt_link, "--do", "newlink", attributes={
        "ifname": "carp0", "linkinfo": {"kind": "carp", "data": {
            "nodes": {"node": [{"vhid": 1, "advskew": 0}, {"vhid": 2, "advskew": 100}]},
            "balancing": "ip-stealth", "selection": "flow"}}})
    made.wait_node(2, "MASTER")
    told = ynl.answer(rachael, rt_link, "--do", "getlink", attributes={"ifname": "carp0"})["linkinfo"]["data"]
    assert (told["vhid"], told["balancing"], told["selection"]) == (1, "ip-stealth", "flow")
    nodes = told["nodes"]["node"]
    assert [(node["vhid"], node["advskew"], node["state"]) for node in nodes] == [(1, 0, "master"), (2, 100, "master")]
    one = ynl.answer(rachael, SPEC, "--do", "group-get", attributes={"ifname": "carp0"})
    is_golden("ynl-nodes", {name: value for name, value in one.items() if name != "counters"})
    assert [node["vhid"] for node in one["node"]] == [1, 2]
    assert one["balancing"] == "ip-stealth"
