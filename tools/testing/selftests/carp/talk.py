# SPDX-License-Identifier: GPL-2.0
"""Servers that say who they are, and clients that ask, within this process: by TCP."""

import contextlib
import socket
import struct
import threading

from topology import inside


class Server:
    """Tells everybody who connects to it `word`, and again for each line that it is sent."""

    def __init__(self, host, word, port=80):
        self.word = word.encode()
        with inside(host.ns):
            self.socket = socket.create_server(("0.0.0.0", port), backlog=64)
        self.sockets, self.thread = [self.socket], threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                # Closed, it is gone at once: one that waited for the last word of the other
                # side, which may be cut off, would keep the namespace.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.sockets.append(connection)
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with contextlib.suppress(OSError):
            connection.sendall(self.word + b"\n")
            while connection.recv(100):
                connection.sendall(self.word + b"\n")

    def say(self, word):
        """Tells all who are connected, unasked."""
        for connection in self.sockets[1:]:
            connection.sendall(word.encode() + b"\n")

    def close(self):
        """A socket keeps its namespace alive: to be called before the host vanishes."""
        for one in self.sockets:
            # Wakes who waits for it.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Connection:
    """A connection of a host, on which it hears who answers."""

    def __init__(self, host, address, port=80, source="", timeout=10):
        with inside(host.ns):
            self.socket = socket.create_connection((address, port), timeout, (source, 0))
        self.lines = self.socket.makefile()
        self.heard = self.hear()

    def hear(self):
        """The next line."""
        line = self.lines.readline()
        if not line:
            raise ConnectionError("the connection was closed")
        return line.strip()

    def ask(self):
        self.socket.sendall(b"who?\n")

    def again(self):
        """Asks once more."""
        self.ask()
        return self.hear()

    def close(self):
        self.lines.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def who_answers(host, address, **options):
    """The word of the server that a new connection leads to."""
    with Connection(host, address, **options) as connection:
        return connection.heard
