# SPDX-License-Identifier: GPL-2.0
"""The specifications of our netlink interfaces, and the kernel's own tool that reads such.

The tool and the kernel's specifications are not ours: tools/testing/run copies them from
the source of the kernel (tools/net/ynl, Documentation/netlink).
"""

import json
import pathlib
import sys

import yaml

import uapi

OURS = uapi.data("specs", "Documentation", "netlink", "specs")
KERNEL = uapi.data("kernel-netlink", "build", "test", "kernel-netlink")
CLI = KERNEL / "pyynl" / "cli.py"


def merged(directory):
    """The kernel's rt-link.yaml with what is ours, as a file in `directory`."""
    spec = load(KERNEL / "rt-link.yaml")
    ours = load(OURS / "rt-link-carp.yaml")
    for part in ("definitions", "attribute-sets"):
        spec[part] += ours[part]
    for addition in ours["sub-messages"]:
        message, = (known for known in spec["sub-messages"] if known["name"] == addition["name"])
        message["formats"] += addition["formats"]
    path = pathlib.Path(directory, "rt-link.yaml")
    path.write_text("# SPDX-License-Identifier: GPL-2.0\n" + yaml.dump(spec, Dumper=yaml.CSafeDumper, sort_keys=False))
    return path


def load(path):
    return yaml.load(path.read_text(), Loader=yaml.CSafeLoader)


def command(spec, *words, schema=None):
    """The command line of the tool; by a schema of the kernel's it checks the specification first."""
    checked = ["--schema", str(KERNEL / f"{schema}.yaml")] if schema else ["--no-schema"]
    return [sys.executable, str(CLI), *checked, "--spec", str(spec), *words]


def answer(host, spec, *words, attributes=None):
    """What the tool prints, run by a host."""
    given = ["--json", json.dumps(attributes)] if attributes else []
    return json.loads(host.run(*command(spec, *words, *given, "--output-json")).stdout)
