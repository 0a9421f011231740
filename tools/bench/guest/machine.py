# SPDX-License-Identifier: GPL-2.0
"""A host of the tests' topology, with what the measurements want besides."""

import json
import subprocess

import topology


class Machine(topology.Host):
    def __init__(self, segment, name, *addresses):
        self._own = addresses[0].partition("/")[0] if addresses else None
        self._programs = []
        super().__init__(segment, name, *addresses)

    def address(self):
        """The first address of its own."""
        return self._own

    def mac(self, interface="eth0"):
        return self.link(interface)["address"]

    def link(self, interface="eth0"):
        command = ["ip", "-n", self.ns, "-s", "-j", "link", "show", "dev", interface]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)[0]

    def sent(self, interface="eth0"):
        """Frames that left by an interface so far."""
        return self.link(interface)["stats64"]["tx"]["packets"]

    def start(self, *command):
        """A program that runs until it ends by itself, is told to, or the host vanishes. What it
        says is seen only when it is told in the traceback: it goes to a file."""
        log = open(f"/run/{self.name}.log", "ab")
        program = subprocess.Popen(["ip", "netns", "exec", self.ns, *map(str, command)],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        self._programs.append(program)
        return program

    def knows(self, address, mac, interface="eth0"):
        """Its neighbour table has the answer, for good: no ARP while something is measured."""
        self.ip("neigh", "replace", address, "lladdr", mac, "dev", interface, "nud", "permanent")

    def delete(self):
        for program in self._programs:
            program.kill()
            program.wait()
        super().delete()
