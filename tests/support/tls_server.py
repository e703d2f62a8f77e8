# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 server in threads of the test, over TLS or plain, whose answers are functions: TLS
lies between two buffers, so that a test says how records are cut and whether the end is announced.
Certificates come from an authority of the test's own, made by the openssl program."""
import pathlib
import socket
import ssl
import subprocess
import threading

from accepting import Acceptor

DEADLINE_S = 60


class Authority:
    """Signs certificates; `file` is its own."""

    def __init__(self, directory, name="tokperf test authority"):
        self.home = pathlib.Path(directory)
        self.home.mkdir(parents=True, exist_ok=True)
        self.file, self.key = self.home / "authority.pem", self.home / "authority.key"
        self.openssl("req", "-x509", *self.new_key(self.key), "-days", 2, "-subj", f"/CN={name}",
                     "-out", self.file)

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
                       timeout=DEADLINE_S)

    @staticmethod
    def new_key(path):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", path)

    def issue(self, name, alternatives="", days=2):
        """A certificate for a name and "DNS:...,IP:..."; days < 0: it has expired."""
        cert, key = self.home / f"{name}.pem", self.home / f"{name}.key"
        request, extensions = self.home / f"{name}.csr", self.home / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternatives or 'DNS:' + name}\n")
        self.openssl("req", *self.new_key(key), "-subj", f"/CN={name}", "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key,
                     "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", cert)
        return cert, key


def server_context(cert, key, **more):
    """more: attributes of the context, as minimum_version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.set_alpn_protocols(["http/1.1"])
    for name, value in more.items():
        setattr(context, name, value)
    return context


class Connection:
    """The server's end of a connection."""

    def __init__(self, sock, context):
        self.sock = sock
        self.data = b""
        self.tls = None
        if context:
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def receive(self):
        got = self.sock.recv(65536)
        if not got:
            raise ConnectionError("closed")
        self.incoming.write(got)

    def handshake(self):
        while self.tls:
            try:
                self.tls.do_handshake()
                self.sock.sendall(self.outgoing.read())
                return
            except ssl.SSLWantReadError:
                self.sock.sendall(self.outgoing.read())
                self.receive()
            except ssl.SSLError:
                self.sock.sendall(self.outgoing.read())  # the alert
                raise

    def read(self):
        while self.tls:
            try:
                got = self.tls.read(65536)
                break
            except ssl.SSLWantReadError:
                self.receive()
        else:
            got = self.sock.recv(65536)
        if not got:
            raise ConnectionError("closed")
        self.data += got

    def request(self):
        """The next request: its head as text, and its body."""
        while b"\r\n\r\n" not in self.data:
            self.read()
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        fields = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
        length = int(fields.get("content-length", 0))
        while len(self.data) < length:
            self.read()
        body, self.data = self.data[:length], self.data[length:]
        return head.decode("latin-1"), body

    def encrypt(self, data):
        """The bytes of one record or several; plain connections have none."""
        if not self.tls:
            return data
        self.tls.write(data)
        return self.outgoing.read()

    def send(self, *pieces):
        """Each in records of its own, all with one call."""
        self.sock.sendall(b"".join(map(self.encrypt, pieces)))

    def say_goodbye(self):
        """close_notify."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self.sock.sendall(self.outgoing.read())


class Server:
    """answer(connection, number) is called for each connection once its handshake is done; when it
    returns, or the client is gone, the connection is closed. A context manager."""

    def __init__(self, answer, context=None, begin=None, host="127.0.0.1",
                 port=0):
        self.answer, self.context, self.begin = answer, context, begin
        self.lock = threading.Lock()
        self.connections, self.requests = 0, 0
        self.sessions = []  # per handshake: TLS version, resumed, ALPN protocol
        self.failures = []  # of handshakes
        self.open = set()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listening = socket.create_server((host, port), family=family, backlog=256)
        self.port = self.listening.getsockname()[1]
        self.acceptor = Acceptor(self.listening, self.take)

    def url(self, host="localhost"):
        return f"{'https' if self.context else 'http'}://{host}:{self.port}"

    def take(self, sock, _):
        with self.lock:
            number = self.connections
            self.connections += 1
            self.open.add(sock)
        threading.Thread(target=self.serve, args=(sock, number), daemon=True).start()

    def serve(self, sock, number):
        sock.settimeout(DEADLINE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.begin:
                self.begin(sock)
            connection = Connection(sock, self.context)
            try:
                connection.handshake()
            except ssl.SSLError as error:
                with self.lock:
                    self.failures.append(str(error))
                raise
            if connection.tls:
                with self.lock:
                    self.sessions.append((connection.tls.version(), connection.tls.session_reused,
                                          connection.tls.selected_alpn_protocol()))
            self.answer(connection, number)
        except (OSError, ValueError):
            pass  # the client is gone, or TLS failed
        finally:
            with self.lock:
                self.open.discard(sock)
            sock.close()

    def count_request(self):
        with self.lock:
            self.requests += 1

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.listening.fileno() < 0:
            return
        self.acceptor.close()
        with self.lock:
            for sock in self.open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
