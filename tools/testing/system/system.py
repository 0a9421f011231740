# SPDX-License-Identifier: GPL-2.0
"""The machine as an administrator sees it: commands, files, devices."""

import json
import pathlib
import subprocess
import time


def run(command, check=True):
    """Runs a command, given as one string for the shell; returns its output."""
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    if check and result.returncode != 0:
        raise AssertionError(f"{command}: status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def refused(command, status=None):
    """Runs a command that must fail; returns what it says."""
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.returncode != 0, f"{command} succeeded: {result.stdout}"
    assert status is None or result.returncode == status, (result.returncode, result.stderr)
    return result.stderr


def write(path, text, mode=0o644):
    """Writes a file, as an administrator with an editor."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def card(number):
    """The name of the network card with this number, which comes by its MAC."""
    for link in json.loads(run("ip -j link")):
        if link.get("address") == f"02:00:00:00:00:0{number}":
            return link["ifname"]
    raise AssertionError(f"no card {number}")


def exists(name):
    """Is there a network device of this name?"""
    return pathlib.Path(f"/sys/class/net/{name}").exists()


def link(name):
    """All that `ip` says of a device."""
    return json.loads(run(f"ip -j -d addr show {name}"))[0]


def group(name):
    """What `ip` says of a group: state, vhid and so on."""
    return link(name)["linkinfo"]["info_data"]


def state(name):
    """The state of a group; None if there is no such device."""
    return group(name)["state"] if exists(name) else None


def addresses(name, scope="global"):
    """The addresses of a device, sorted, with their prefixes."""
    return sorted(f"{it['local']}/{it['prefixlen']}" for it in link(name)["addr_info"]
                  if it["scope"] == scope)


def eventually(what, seconds=60):
    """Waits until `what()` is true, in the guest's own time; returns it."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.2)


def becomes(name, wanted, seconds=60):
    """Waits for a state of a group."""
    eventually(lambda: state(name) == wanted, seconds)
