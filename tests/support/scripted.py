# SPDX-License-Identifier: Apache-2.0
"""A server whose answers a test writes byte by byte: what servers of others get wrong or do oddly."""
import socket
import threading

from accepting import Acceptor

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
DELTA = 'data: {"choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n'


def chunk(text):
    data = text if isinstance(text, bytes) else text.encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


def whole(body, kind="application/json", more="", status="200 OK"):
    """A response with a Content-Length."""
    data = body if isinstance(body, bytes) else body.encode()
    return (f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(data)}\r\n\r\n"
            .encode() + data)


class Request:
    def __init__(self, head, body):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        self.headers = {name.lower(): value.strip() for name, value in pairs}
        self.body = body


class Server:
    """Calls answer(connection, request) for each request, on a thread of the connection; an answer
    that returns False has ended the connection. close() ends it all."""

    def __init__(self, answer):
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections = []
        self.requests = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._acceptor = Acceptor(self._listener, self._take)

    def close(self):
        self._acceptor.close()
        for connection in self._connections:
            connection.close()

    @property
    def connections(self):
        return len(self._connections)

    def _take(self, connection, _):
        self._connections.append(connection)
        threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        held = b""
        try:
            while True:
                while b"\r\n\r\n" not in held:
                    got = connection.recv(1 << 16)
                    if not got:
                        return
                    held += got
                head, held = held.split(b"\r\n\r\n", 1)
                request = Request(head, b"")
                length = int(request.headers.get("content-length", "0"))
                while len(held) < length:
                    held += connection.recv(1 << 16)
                request.body, held = held[:length], held[length:]
                self.requests.append(request)
                if self._answer(connection, request) is False:
                    return
        except OSError:
            return
        finally:
            connection.close()
