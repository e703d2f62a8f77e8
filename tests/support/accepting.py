# SPDX-License-Identifier: Apache-2.0
"""Servers of tests that accept connections on a thread of their own, and how that ends."""
import socket
import threading

DEADLINE_S = 60


class Acceptor:
    """Calls take(connection, peer) for each connection, on its own thread; take() must not wait."""

    def __init__(self, listener, take):
        self.listener, self.take = listener, take
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                connection, peer = self.listener.accept()
            except OSError:
                return
            self.take(connection, peer)

    def close(self):
        """The thread ends before its descriptor is given up: the next listener may get the same
        number, and its connections would be accepted here."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # closed before
        self.thread.join(DEADLINE_S)
        self.listener.close()

