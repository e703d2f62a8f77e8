# SPDX-License-Identifier: Apache-2.0
"""A server on loopback that speaks as much HTTP/2 by prior knowledge (RFC 9113) as a test needs: it
reads requests without looking into their headers, and what it answers is a script of frames."""
import socket
import struct
import threading

from accepting import Acceptor

DEADLINE_S = 60
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
INTERNAL_ERROR, REFUSED_STREAM = 2, 7


def field(name, value):
    """A header field as a literal without indexing and without Huffman coding (RFC 7541, 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


class Stream:
    """One request with its body, for the script to answer. `number` counts them over the server's
    life, from 0."""

    def __init__(self, connection, stream_id, number, body):
        self.connection, self.id, self.number, self.body = connection, stream_id, number, body

    def frame(self, kind, flags=0, payload=b""):
        self.connection.send(kind, flags, self.id, payload)

    def head(self, *fields, status=200, end=False):
        block = b"\x88" if status == 200 else field(":status", str(status))
        self.frame(HEADERS, END_HEADERS | (END_STREAM if end else 0),
                   block + b"".join(field(*one) for one in fields))

    def data(self, data, end=False):
        self.frame(DATA, END_STREAM if end else 0, data)

    def reset(self, code=INTERNAL_ERROR):
        self.frame(RST_STREAM, 0, struct.pack(">I", code))

    def wait_until_read(self):
        """Until the client has answered a ping, and so has read what was sent before it."""
        pong = self.connection.pongs[self.id] = threading.Event()
        self.connection.send(PING, 0, 0, struct.pack(">Q", self.id))
        pong.wait(DEADLINE_S)

    def go_away(self, last_id=None):
        """Streams above last_id will not be answered."""
        last = self.id if last_id is None else last_id
        self.connection.send(GOAWAY, 0, 0, struct.pack(">II", last, 0))

    def close(self):
        self.connection.socket.shutdown(socket.SHUT_RDWR)


class Connection:
    def __init__(self, server, connection):
        self.server, self.socket = server, connection
        self.lock = threading.Lock()
        self.pongs = {}  # by stream
        self.bodies = {}

    def send(self, kind, flags, stream_id, payload=b""):
        with self.lock:
            self.socket.sendall(struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) +
                                struct.pack(">I", stream_id) + payload)

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def serve(self):
        if self.read(len(PREFACE)) != PREFACE:
            return
        # 3: streams at a time
        self.send(SETTINGS, 0, 0, struct.pack(">HI", 3, self.server.streams_each))
        while True:
            head = self.read(9)
            kind, flags, stream_id = head[3], head[4], struct.unpack(">I", head[5:])[0]
            payload = self.read(int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & ACK:
                self.send(SETTINGS, ACK, 0)
            elif kind == PING and not flags & ACK:
                self.send(PING, ACK, 0, payload)
            elif kind == PING:
                self.pongs[struct.unpack(">Q", payload)[0]].set()
            elif kind == DATA and payload:
                update = struct.pack(">I", len(payload))
                self.send(WINDOW_UPDATE, 0, 0, update)
                self.send(WINDOW_UPDATE, 0, stream_id, update)
                self.bodies[stream_id] = self.bodies.get(stream_id, b"") + payload
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                self.server.answer(self, stream_id, self.bodies.pop(stream_id, b""))


class Http2Server:
    """script(stream) answers one request, on a thread of its own. A context manager."""

    def __init__(self, script, streams_each=100):
        self.script, self.streams_each = script, streams_each
        self.connections = self.requests = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.acceptor = Acceptor(self.listener, self.take)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.acceptor.close()

    def take(self, connection, _):
        self.connections += 1
        connection.settimeout(DEADLINE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            Connection(self, connection).serve()
        except (OSError, EOFError):
            pass
        finally:
            connection.close()

    def answer(self, connection, stream_id, body):
        with self.lock:
            number = self.requests
            self.requests += 1

        def run():
            try:
                self.script(Stream(connection, stream_id, number, body))
            except OSError:
                pass

        threading.Thread(target=run, daemon=True).start()
