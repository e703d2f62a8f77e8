# SPDX-License-Identifier: Apache-2.0
"""Servers whose every byte a test decides, and the ways on which the client comes to them: plain
TCP, a unix socket, TLS. A thread per connection; what it serves is a function of the test."""
import http.client
import itertools
import socket
import ssl
import struct
import threading
import time

import servers
from accepting import Acceptor

DEADLINE_S = 60
UNACKED_AT = 24  # struct tcp_info: segments that were sent and not acknowledged, the end is one


class Way:
    """How the client reaches a server: `arguments` are the options of tokperf that ask for it."""

    def __init__(self, name, *arguments, unix=False, tls=False):
        self.name, self.arguments, self.unix, self.tls = name, arguments, unix, tls
        self.curl = "curl" in arguments


NATIVE = (Way("http"), Way("unix", unix=True), Way("https", tls=True))
CURL = (Way("curl", "--transport", "curl"), Way("curl unix", "--transport", "curl", unix=True),
        Way("curl https", "--transport", "curl", tls=True))
WAYS = NATIVE + CURL


class Peer:
    """The server's end of a connection, over TLS or not."""

    def __init__(self, connection, tls):
        connection.settimeout(DEADLINE_S)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = tls.wrap_socket(connection, server_side=True) if tls else connection
        self.rest = b""

    def send(self, *parts):
        for part in parts:
            self.socket.sendall(part)

    def fill(self):
        data = self.socket.recv(65536)
        self.rest += data
        return bool(data)

    def read_head(self):
        """The head of the next request; None when the client has closed."""
        while b"\r\n\r\n" not in self.rest:
            if not self.fill():
                return None
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        return head

    def read_request(self):
        """Head and body of the next request; None when the client has closed."""
        head = self.read_head()
        if head is None:
            return None
        length = int(head.lower().split(b"content-length:")[1].split()[0])
        while len(self.rest) < length and self.fill():
            pass
        body, self.rest = self.rest[:length], self.rest[length:]
        return head, body

    def half_close(self):
        """Says that nothing more comes, and goes on reading."""
        if isinstance(self.socket, ssl.SSLSocket):
            self.socket.setblocking(False)
            try:
                self.socket.unwrap()
            except OSError:  # it wants the client's own close_notify, which may come later
                pass
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.socket.settimeout(DEADLINE_S)

    def drain(self):
        """Reads until the client closes."""
        try:
            while self.socket.recv(65536):
                pass
        except OSError:
            pass

    def wait_until_taken(self):
        """Until the client's kernel has all that was said, the end too; it need not have read it."""
        end = time.monotonic() + DEADLINE_S
        while self.socket.family != socket.AF_UNIX and time.monotonic() < end:
            info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, UNACKED_AT + 4)
            if not struct.unpack_from("I", info, UNACKED_AT)[0]:
                return
            time.sleep(0.001)

    def close(self):
        self.half_close()
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class OddServer:
    """serve(peer, number of the connection) is called for each connection, on a thread of its own;
    before() is called there ahead of TLS."""
    numbers = itertools.count()

    def __init__(self, way, home, serve, before=None):
        self.way, self.serve, self.before, self.connections = way, serve, before, 0
        self.arguments, self.tls = way.arguments, None
        if way.unix:
            path = home / f"server{next(self.numbers)}"
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
            self.listener.listen(64)
            self.url = f"unix:{path}"
        else:
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
            self.url = "%s://127.0.0.1:%d" % ("https" if way.tls else "http",
                                              self.listener.getsockname()[1])
        if way.tls:
            cert, key = servers.certificate(home)
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(cert, key)
            self.arguments += ("--cacert", cert)
        self.acceptor = Acceptor(self.listener, self.take)

    def take(self, connection, _):
        number, self.connections = self.connections, self.connections + 1
        threading.Thread(target=self.run, args=(connection, number), daemon=True).start()

    def run(self, connection, number):
        with connection:
            try:
                if self.before:
                    self.before()
                peer = Peer(connection, self.tls)
                with peer.socket:
                    self.serve(peer, number)
            except OSError:
                pass  # the client may end a connection at any time

    def close(self):
        self.acceptor.close()


def event(data):
    return b"data: " + data + b"\n\n"


def content(text):
    return event(b'{"choices":[{"index":0,"delta":{"content":"%s"}}]}' % text.encode())


FINISH = event(b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}')
STREAM = content("one") + content(" two") + FINISH + event(b"[DONE]")
WHOLE = (b'{"choices":[{"index":0,"finish_reason":"stop",'
         b'"message":{"role":"assistant","content":"one two"}}]}')


def chunked(*parts, last=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + last


def head(status=200, *lines, version="1.1"):
    reason = http.client.responses.get(status, "Odd")
    return ("HTTP/%s %d %s\r\n" % (version, status, reason) +
            "".join(line + "\r\n" for line in lines) + "\r\n").encode()


SSE = "Content-Type: text/event-stream"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


def answer(body=STREAM, *lines, status=200, content_type=SSE, version="1.1"):
    """A whole answer with its length."""
    return head(status, content_type, f"Content-Length: {len(body)}", *lines,
                version=version) + body
