# SPDX-License-Identifier: Apache-2.0
"""Proxies on loopback, on threads of the test: HTTP (CONNECT and absolute URLs) and SOCKS 4, 4a, 5.
Names ending in ".test" are this machine, so that a test sees who looked a name up."""
import base64
import socket
import threading

from accepting import Acceptor

DEADLINE_S = 60


class Proxy:
    """`credentials` is "user:password", asked for when given. `seen` lists the "host:port" of each
    connection or request in the words of the client; a context manager."""

    def __init__(self, credentials=None):
        self.credentials = credentials
        self.seen = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.acceptor = Acceptor(self.listener, self.take_client)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.acceptor.close()

    def take_client(self, client, _):
        client.settimeout(DEADLINE_S)
        threading.Thread(target=self.serve_safely, args=(client,), daemon=True).start()

    def serve_safely(self, client):
        try:
            self.serve(client)
        except (OSError, ValueError):
            pass
        finally:
            client.close()

    def reach(self, host, port):
        self.seen.append(f"{host}:{port}")
        address = "127.0.0.1" if host.endswith(".test") else host
        return socket.create_connection((address, int(port)), timeout=DEADLINE_S)

    @staticmethod
    def relay(one, other):
        """Both ways, until both have ended."""
        def copy(source, target):
            try:
                while data := source.recv(65536):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                for end in (one, other):
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass

        back = threading.Thread(target=copy, args=(other, one), daemon=True)
        back.start()
        copy(one, other)
        back.join(DEADLINE_S)


class HttpProxy(Proxy):
    """`refuse` is a status that every CONNECT gets."""

    def __init__(self, credentials=None, refuse=None):
        self.refuse = refuse
        self.methods = []
        super().__init__(credentials)

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(65536)
            if not data:
                return
            head += data
        head, rest = head.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        method, target, _ = lines[0].split(" ")
        self.methods.append(method)
        if not self.is_allowed(lines[1:]):
            client.sendall(b"HTTP/1.1 407 Who Are You\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                           b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if method == "CONNECT":
            self.tunnel(client, target, rest)
            return
        authority, path = target.split("://", 1)[1].split("/", 1)
        host, _, port = authority.partition(":")
        lines = [f"{method} /{path} HTTP/1.1"] + [
            line for line in lines[1:] if not line.lower().startswith(("proxy-", "connection:"))]
        with self.reach(host, port or 80) as server:
            # one request for each connection to the server and to the client
            server.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + rest)
            self.relay(client, server)

    def tunnel(self, client, target, rest):
        if self.refuse:
            client.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % self.refuse)
            return
        host, port = target.rsplit(":", 1)
        with self.reach(host, port) as server:
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            server.sendall(rest)
            self.relay(client, server)

    def is_allowed(self, lines):
        if not self.credentials:
            return True
        wanted = "Basic " + base64.b64encode(self.credentials.encode()).decode()
        fields = dict(line.split(": ", 1) for line in lines)
        return fields.get("Proxy-Authorization") == wanted


class SocksProxy(Proxy):
    """`versions` lists the version of each connection."""

    def __init__(self, credentials=None):
        self.versions = []
        super().__init__(credentials)

    def serve(self, client):
        version = self.take(client, 1)[0]
        self.versions.append(version)
        host, port = self.take_four(client) if version == 4 else self.take_five(client)
        server = self.reach(host, port)
        with server:
            client.sendall(b"\0\x5a" + bytes(6) if version == 4 else b"\5\0\0\1" + bytes(6))
            self.relay(client, server)

    @staticmethod
    def take(client, count):
        data = b""
        while len(data) < count:
            part = client.recv(count - len(data))
            if not part:
                raise ValueError("closed")
            data += part
        return data

    def take_text(self, client):
        text = b""
        while (byte := self.take(client, 1)) != b"\0":
            text += byte
        return text.decode()

    def take_four(self, client):
        rest = self.take(client, 7)
        port, address = int.from_bytes(rest[1:3], "big"), rest[3:7]
        self.take_text(client)  # the user
        if address[:3] == b"\0\0\0" and address[3]:
            return self.take_text(client), port
        return socket.inet_ntoa(address), port

    def take_five(self, client):
        offered = self.take(client, self.take(client, 1)[0])
        if self.credentials:
            client.sendall(b"\5\2" if 2 in offered else b"\5\xff")
            self.take(client, 1)
            user = self.take(client, self.take(client, 1)[0]).decode()
            password = self.take(client, self.take(client, 1)[0]).decode()
            good = f"{user}:{password}" == self.credentials
            client.sendall(b"\1\0" if good else b"\1\1")
            if not good:
                raise ValueError("credentials")
        else:
            client.sendall(b"\5\0")
        kind = self.take(client, 4)[3]
        if kind == 3:
            host = self.take(client, self.take(client, 1)[0]).decode()
        elif kind == 1:
            host = socket.inet_ntoa(self.take(client, 4))
        else:
            host = socket.inet_ntop(socket.AF_INET6, self.take(client, 16))
        return host, int.from_bytes(self.take(client, 2), "big")
