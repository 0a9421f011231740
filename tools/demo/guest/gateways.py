# SPDX-License-Identifier: GPL-2.0
"""The two gateways as the client sees them: a shell in each."""

import json
import socket


class Gateway:
    def __init__(self, name, address, port):
        self.name, self.address, self._port = name, address, port

    def run(self, command, timeout=30.0):
        """Runs a command there and returns what it said."""
        with socket.create_connection((self.address, self._port), timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(f"({command}) 2>&1; echo \" $?\"\n".encode())
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile() as answer:
                output, _, status = answer.read().rstrip().rpartition(" ")
        if status != "0":
            raise RuntimeError(f"{self.name}: {command}: {output.strip()} (status {status})")
        return output

    @property
    def is_up(self):
        try:
            self.run("true", timeout=2.0)
        except OSError:
            return False
        return True

    def end(self):
        """Takes everything down there, and lets the machine end."""
        self.run("ip link del carp0 && modprobe -r carp")
        # After the answer to this.
        self.run("setsid sh -c 'sleep 0.5; killall socat' >/dev/null 2>&1 &")

    def group(self):
        """State and reason of carp0."""
        link, = json.loads(self.run("ip -d -j link show carp0"))
        data = link["linkinfo"]["info_data"]
        return data["state"], data["reason"]
