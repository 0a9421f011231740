#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tries link_carp.so in real ip programs, without a kernel that has carp.

usage: with_ip.py PLUGIN [ROOT...]

PLUGIN is the library.  It is tried in the machine's own ip and in that of each
ROOT, a folder as fetch-ip makes it.  What ip sends is read by strace in a name
space of its own; what it shows comes from a file, by `ip monitor file`.  What
the machine cannot do (no strace, no name spaces) is skipped.  The last line is
"result: N passed, N failed, N skipped".
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))

RTM_NEWLINK = 16
IFLA_IFNAME, IFLA_LINKINFO = 3, 18
NESTED = 0x8000
INFO_KIND, INFO_DATA, INFO_XSTATS = 1, 2, 3

# What the plugin may want of libc: functions as old as C, so that a plugin of
# a newer Debian loads into an older one's ip.
LIBC = set(
    "__errno_location abort bcmp fclose ferror fgetc fopen fputs memcmp memcpy"
    " memmove memset stderr stdin strerror strlen".split()
)


def numbers():
    """The attributes' numbers, from the kernel's header."""
    path = os.path.join(HERE, "../../../include/uapi/linux/if_carp.h")
    with open(path) as header:
        text = re.sub(r"/\*.*?\*/", "", header.read(), flags=re.S)
    result = {}
    for body in re.findall(r"enum\s*\w*\s*{([^}]*)}", text):
        names = [name.strip() for name in body.split(",") if name.strip()]
        result.update((name, number) for number, name in enumerate(names))
    return result


UAPI = numbers()


def attribute(number, payload):
    raw = struct.pack("=HH", 4 + len(payload), number) + payload
    return raw + bytes(-len(raw) % 4)


def u32(name, value):
    return attribute(UAPI[name], struct.pack("=I", value))


def u64(name, value):
    return attribute(UAPI[name], struct.pack("=Q", value))


def attributes(raw):
    """The attributes in these bytes, by number."""
    result = {}
    while len(raw) >= 4:
        length, number = struct.unpack_from("=HH", raw)
        assert length >= 4, raw
        result[number & 0x3FFF] = raw[4:length]
        raw = raw[(length + 3) & ~3 :]
    return result


def link(info):
    """A kernel's message about a device with this IFLA_LINKINFO."""
    body = struct.pack("=BxHiII", 0, 1, 7, 0x1003, 0)
    body += attribute(IFLA_IFNAME, b"carp0\0")
    body += attribute(IFLA_LINKINFO, attribute(INFO_KIND, b"carp\0") + info)
    return struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, 0, 0, 0) + body


def works(*command):
    return (
        shutil.which(command[0])
        and subprocess.run(command, capture_output=True).returncode == 0
    )


NAMESPACE = ["unshare", "--net", "--map-root-user"]
HAVE_NAMESPACE = works(*NAMESPACE, "true")
HAVE_STRACE = HAVE_NAMESPACE and works(*NAMESPACE, "strace", "-o/dev/null", "true")


class WithIp:
    """The tests; a subclass says which ip."""

    ip = None
    program = None

    def run_ip(self, *arguments, wrap=(), **options):
        return subprocess.run(
            [*wrap, *self.ip, *arguments],
            env={**os.environ, "IP_LIB_DIR": LIBRARY, "LC_ALL": "C"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            **options,
        )

    def add(self, *words, **options):
        if not HAVE_NAMESPACE:
            self.skipTest("no network name space can be made")
        words = ("link", "add", "name", "carp0", "type", "carp", *words)
        return self.run_ip(*words, wrap=NAMESPACE, **options)

    def refuses(self, words, *messages):
        result = self.add(*words)
        self.assertNotEqual(result.returncode, 0)
        for message in messages:
            self.assertIn(message, result.stderr)
        self.assertNotIn("Unknown device type", result.stderr, "it was sent")
        return result

    def test_help(self):
        result = self.run_ip("link", "help", "carp")
        self.assertEqual(result.returncode, 0)
        self.assertTrue(result.stdout.startswith("Usage: ... carp "), result)
        for word in "vhid advbase advskew pass passfile nopass state carpnodes balancing selection".split():
            self.assertIn(word, result.stdout)

    def test_mistakes(self):
        self.refuses(["vhi", "1"], 'unknown command "vhi"', "Usage: ... carp")
        self.refuses(["vhid", "1", "bogus"], 'unknown command "bogus"')
        self.refuses(["vhid"], "Command line is not complete")
        self.refuses(["pass"], "Command line is not complete")
        for bad in "x", "-1", "1x", "", "4294967296", "010":
            self.refuses(["vhid", bad], f'argument "{bad}" is wrong: invalid vhid')
        self.refuses(["vhid", "1", "vhid", "2"], 'duplicate "vhid": "2"')
        self.refuses(["state", "init"], '"init" is wrong', "backup")
        self.refuses(["carpdev", "eth0"], "link add link DEV")
        for bad in "1", "1:", "1:0,", "1:0 ", "":
            self.refuses(["carpnodes", bad], f'argument "{bad}" is wrong: carpnodes is VHID:SKEW')
        self.refuses(["carpnodes", ",".join(["1:0"] * 33)], "is wrong: more than 32 carpnodes")
        self.refuses(["balancing", "arp"], 'argument "arp" is wrong', "ip-stealth")
        self.refuses(["selection", "ports"], 'argument "ports" is wrong', "flow")
        self.refuses(["balancing", "ip", "balancing", "ip"], 'duplicate "balancing": "ip"')
        self.refuses(["passfile", "/nonexistent"], "/nonexistent", "No such file")

    def test_a_key_is_not_repeated(self):
        for words in (
            ["pass", "tyrell", "pass", "tyrell"],
            ["pass", "tyrell" * 100],
            ["pass", "tyrell", "bogus"],
        ):
            self.assertNotIn("tyrell", self.refuses(words).stderr)

    def sent(self, *words, **options):
        """The attributes of the kind that ip sends for these words."""
        if not HAVE_STRACE:
            self.skipTest("strace does not work here")
        trace = os.path.join(LIBRARY, "trace")
        arguments = ["strace", "-o", trace, "-e", "trace=sendmsg", "-e", "write=all"]
        words = ("link", "add", "name", "carp0", "type", "carp", *words)
        self.run_ip(*words, wrap=[*NAMESPACE, *arguments], **options)
        messages = [b""]
        with open(trace) as lines:
            for line in lines:
                dump = re.match(r" \| [0-9a-f]+  ((?:[0-9a-f]{2} +)+)", line)
                if dump:
                    messages[-1] += bytes.fromhex(dump[1])
                else:
                    messages.append(b"")
        for message in messages:
            if message[4:6] == struct.pack("=H", RTM_NEWLINK) and b"carp0" in message:
                info = attributes(attributes(message[32:])[IFLA_LINKINFO])
                self.assertEqual(info[INFO_KIND].rstrip(b"\0"), b"carp")
                return attributes(info.get(INFO_DATA, b""))
        return None

    def test_message(self):
        number = lambda value: struct.pack("=I", value)
        vhid, key = UAPI["IFLA_CARP_VHID"], UAPI["IFLA_CARP_KEY"]
        sent = self.sent(*"vhid 1 advbase 1 advskew 100 pass tyrell".split())
        self.assertEqual(
            sent,
            {
                vhid: number(1),
                UAPI["IFLA_CARP_ADVBASE"]: number(1),
                UAPI["IFLA_CARP_ADVSKEW"]: number(100),
                key: b"tyrell",
            },
        )
        self.assertEqual(self.sent(), {})
        self.assertEqual(self.sent("vhid", "256"), {vhid: number(256)})
        self.assertEqual(self.sent("nopass"), {key: b""})
        self.assertEqual(self.sent("pass", "k" * 21), {key: b"k" * 21})
        self.assertEqual(
            self.sent("state", "master"),
            {UAPI["IFLA_CARP_STATE"]: number(UAPI["CARP_STATE_MASTER"])},
        )
        self.assertIsNone(self.sent("vhid", "x"))

    def test_message_nodes(self):
        def node(vhid, advskew):
            return attribute(
                UAPI["CARP_NODES_NODE"] | NESTED,
                u32("CARP_NODE_VHID", vhid) + u32("CARP_NODE_ADVSKEW", advskew),
            )

        number = lambda name: struct.pack("=I", UAPI[name])
        words = "carpnodes 2:100,1:0 balancing ip-stealth selection flow".split()
        self.assertEqual(
            self.sent(*words),
            {
                UAPI["IFLA_CARP_NODES"]: node(2, 100) + node(1, 0),
                UAPI["IFLA_CARP_BALANCING"]: number("CARP_BALANCING_IP_STEALTH"),
                UAPI["IFLA_CARP_SELECTION"]: number("CARP_SELECTION_FLOW"),
            },
        )
        most = ",".join(f"{vhid}:254" for vhid in range(224, 256))
        sent = self.sent("carpnodes", most, "pass", "k" * 20, "advbase", "1")
        self.assertEqual(len(sent[UAPI["IFLA_CARP_NODES"]]), 32 * len(node(1, 0)))

    def test_message_passfile(self):
        key = UAPI["IFLA_CARP_KEY"]
        path = os.path.join(LIBRARY, "key")
        with open(path, "w") as file:
            file.write("tyrell\nroy\n")
        self.assertEqual(self.sent("passfile", path), {key: b"tyrell"})
        self.assertEqual(self.sent("passfile", "-", input="tyrell\n"), {key: b"tyrell"})
        self.assertIsNone(self.sent("passfile", "-", input=""))

    def shown(self, *options, info):
        path = os.path.join(LIBRARY, "messages")
        with open(path, "wb") as file:
            file.write(link(info))
        result = self.run_ip(*options, "monitor", "file", path)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def test_show(self):
        data = (
            u32("IFLA_CARP_VHID", 1)
            + u32("IFLA_CARP_ADVBASE", 1)
            + u32("IFLA_CARP_ADVSKEW", 100)
            + u32("IFLA_CARP_STATE", UAPI["CARP_STATE_MASTER"])
            + u32("IFLA_CARP_REASON", UAPI["CARP_REASON_TIMED_OUT"])
            + u32("IFLA_CARP_MISSING", 0x83)
            + u32("IFLA_CARP_TRANSITIONS", 3)
            + u64("IFLA_CARP_SINCE", 12_345_678_901)
            + attribute(1000, b"newer")
        )
        counters = u64("IFLA_CARP_STATS_TX_V4", 1 << 40) + u64(
            "IFLA_CARP_STATS_DISCARD_BAD_DIGEST", 2
        )
        info = attribute(INFO_DATA, data) + attribute(INFO_XSTATS, counters)
        line = (
            "    carp state MASTER vhid 1 advbase 1 advskew 100 reason timed-out"
            " missing vhid,parent,0x80 transitions 3 since 12.345s"
        )
        plain = self.shown("-details", info=info)
        self.assertIn(line, plain)
        self.assertNotIn("advertisements", plain)
        statistics = self.shown("-details", "-statistics", info=info)
        self.assertIn(line, statistics)
        self.assertIn("advertisements sent: v4 1099511627776\n", statistics)
        self.assertIn("advertisements discarded: bad-digest 2\n", statistics)
        one_line = self.shown("-oneline", "-details", "-statistics", info=info)
        self.assertEqual(one_line.count("\n"), 1)

    def test_show_nodes(self):
        def node(vhid, advskew, state):
            return attribute(
                UAPI["CARP_NODES_NODE"] | NESTED,
                u32("CARP_NODE_VHID", vhid)
                + u32("CARP_NODE_ADVSKEW", advskew)
                + u32("CARP_NODE_STATE", UAPI[f"CARP_STATE_{state}"]),
            )

        data = (
            u32("IFLA_CARP_STATE", UAPI["CARP_STATE_MASTER"])
            + u32("IFLA_CARP_BALANCING", UAPI["CARP_BALANCING_IP"])
            + u32("IFLA_CARP_SELECTION", UAPI["CARP_SELECTION_ADDRESSES"])
            + attribute(
                UAPI["IFLA_CARP_NODES"] | NESTED,
                node(1, 0, "MASTER") + node(2, 100, "BACKUP"),
            )
        )
        info = attribute(INFO_DATA, data)
        self.assertIn(
            "    carp state MASTER balancing ip selection addresses \n"
            "      node state MASTER vhid 1 advskew 0 \n"
            "      node state BACKUP vhid 2 advskew 100 \n"
            "    ",
            self.shown("-details", info=info),
        )
        one_line = self.shown("-oneline", "-details", info=info)
        self.assertEqual(one_line.count("\n"), 1)

    def test_show_nothing(self):
        self.assertIn("    carp ", self.shown("-details", info=b""))

    def test_symbols(self):
        if not shutil.which("nm"):
            self.skipTest("no nm")
        wanted = symbols("--undefined-only", PLUGIN) - LIBC
        self.assertLessEqual(wanted, symbols("--defined-only", self.program))


def symbols(which, path):
    lines = subprocess.run(
        ["nm", "--dynamic", which, path], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    # Weak ones need not exist.
    words = [line.split()[-2:] for line in lines]
    return {name.split("@")[0] for kind, name in words if kind not in "wv"}


class Symbols(unittest.TestCase):
    def test_all_releases_have_what_the_plugin_wants(self):
        if not shutil.which("nm"):
            self.skipTest("no nm")
        with open(os.path.join(HERE, "ip-symbols")) as file:
            exported = {line.strip() for line in file if not line.startswith("#")}
        self.assertLessEqual(symbols("--undefined-only", PLUGIN), exported | LIBC)
        self.assertIn("carp_link_util", symbols("--defined-only", PLUGIN))


def programs(roots):
    """A name, a command and the program's file, for each ip."""
    own = shutil.which("ip", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if own:
        yield "Own", [own], own
    for root in roots:
        # The packages of Debian 12 have /bin and /lib beside /usr.
        merged = os.path.exists(os.path.join(root, "usr/bin/ip"))
        program = os.path.join(root, "usr/bin/ip" if merged else "bin/ip")
        machine = f"{os.uname().machine}-linux-gnu"
        folders = [os.path.join(root, lib, machine) for lib in ("usr/lib", "lib")]
        libraries = ":".join(folders)
        loader = next(
            path
            for folder in folders
            if os.path.exists(path := os.path.join(folder, "ld-linux-x86-64.so.2"))
        )
        loader = [loader, "--argv0", "ip"]
        name = re.sub(r"\W", "_", root.strip("/"))
        yield name, [*loader, "--library-path", libraries, program], program


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PLUGIN = os.path.abspath(sys.argv[1])
    for name, ip, program in programs(map(os.path.abspath, sys.argv[2:])):
        fields = {"ip": ip, "program": program}
        globals()[name] = type(name, (WithIp, unittest.TestCase), fields)
    with tempfile.TemporaryDirectory() as LIBRARY:
        shutil.copy(PLUGIN, os.path.join(LIBRARY, "link_carp.so"))
        done = unittest.main(argv=sys.argv[:1], exit=False).result
    failed, skipped = len(done.failures + done.errors), len(done.skipped)
    passed = done.testsRun - failed - skipped
    print(f"result: {passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(bool(failed or not passed))
