# SPDX-License-Identifier: Apache-2.0
"""Other people's servers from Debian packages, in front of an upstream on loopback: nginx, haproxy,
nghttpx. Each runs in the foreground with a configuration and a directory of its own, on a free
port, and is ended by its process id. Waits have a deadline."""
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

DEADLINE_S = 60
SKIPPED = 77


def need(*programs):
    """Skips the whole test when a program is missing; continuous integration fails instead."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        print("not installed: %s (tools/packages.txt has the packages)" % ", ".join(missing))
        sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)


CLAIMS = []  # held until this process ends


def claim(port):
    """Whether the port is this process's, among tests that run side by side."""
    mark = socket.socket(socket.AF_UNIX)
    try:
        mark.bind(f"\0tokperf-test-port-{port}")
    except OSError:
        mark.close()
        return False
    CLAIMS.append(mark)
    return True


def free_port():
    """A port below those that the kernel gives to clients, so that none of them takes it."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if claim(port):
            return port


def certificate(directory, name="localhost"):
    """A self-signed certificate for name and 127.0.0.1, the same one each time in a directory;
    returns the paths of it and of its key."""
    directory = pathlib.Path(directory)
    cert, key = directory / f"{name}.pem", directory / f"{name}.key"
    if cert.exists():
        return cert, key
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", "-keyout", str(key),
                    "-out", str(cert)], check=True, capture_output=True, timeout=DEADLINE_S)
    return cert, key


class Server:
    """A server process; a context manager. `ports` are those that its configuration listens at."""

    def __init__(self, ports=1, unix_sockets=0):
        self.holder = tempfile.TemporaryDirectory(prefix="tkp-server-")
        self.home = pathlib.Path(self.holder.name)
        self.ports = [free_port() for _ in range(ports)]
        self.sockets = [self.home / f"socket{i}" for i in range(unix_sockets)]
        self.process = None

    @property
    def port(self):
        return self.ports[0]

    def url(self, path="", scheme="http"):
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def start(self, command):
        with open(self.home / "output", "wb") as output:
            self.process = subprocess.Popen(command, cwd=self.home, stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output)
        end = time.monotonic() + DEADLINE_S
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > end:
                said = self.output()
                self.__exit__()
                raise RuntimeError("%s does not listen:\n%s" % (command[0], said))
            time.sleep(0.01)
        return self

    def listens(self):
        for port in self.ports:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)):
                    return False
        return all(path.exists() for path in self.sockets)

    def output(self):
        path = self.home / "output"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=DEADLINE_S)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()
        self.holder.cleanup()


class Nginx(Server):
    """`sites` is the inside of http{}, where {port}, {socket} and {home} are filled in; it listens
    at the first two when they are there. "proxied" is the upstream. The access log has a line of
    status, connection and protocol for each answer."""

    CONFIGURATION = """
daemon off; master_process off; pid {home}/pid; error_log {home}/output info;
events {{ worker_connections 512; }}
http {{
    log_format short '$status $connection $server_protocol'; access_log {home}/access short;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
    proxy_http_version 1.1; proxy_set_header Connection "";
    upstream proxied {{ server {upstream}; keepalive 64; }}
    {sites}
}}
"""

    def __init__(self, upstream, sites):
        super().__init__(int("{port}" in sites), int("{socket}" in sites))
        values = {"home": self.home, "upstream": upstream}
        values.update({"port": port for port in self.ports})
        values.update({"socket": path for path in self.sockets})
        for name, value in values.items():
            sites = sites.replace("{%s}" % name, str(value))
        configuration = self.home / "nginx.conf"
        configuration.write_text(self.CONFIGURATION.format(sites=sites, **values))
        self.start(["nginx", "-p", str(self.home), "-e", "stderr", "-c", str(configuration)])

    def log(self):
        text = (self.home / "access").read_text()
        return [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def statuses(self, answers):
        """How many answers it gave by status since it started, once it has written down so many:
        it does so behind an answer."""
        counts = {}
        end = time.monotonic() + DEADLINE_S
        while len(self.log()) < answers and time.monotonic() < end:
            time.sleep(0.005)
        for status, _, _ in self.log():
            counts[int(status)] = counts.get(int(status), 0) + 1
        return counts

    def connections(self):
        return len({connection for _, connection, _ in self.log()})

    def protocols(self):
        return {protocol for _, _, protocol in self.log()}


class Haproxy(Server):
    """One frontend; `options` are lines of its defaults section."""

    CONFIGURATION = """
global
    maxconn 512
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    {options}
frontend front
    bind {bind}
    default_backend back
backend back
    {backend}
    server upstream {upstream}
"""

    def __init__(self, upstream, options=(), backend=(), unix=False):
        super().__init__(ports=0 if unix else 1, unix_sockets=1 if unix else 0)
        bind = f"unix@{self.sockets[0]}" if unix else f"127.0.0.1:{self.port}"
        configuration = self.home / "haproxy.cfg"
        configuration.write_text(self.CONFIGURATION.format(
            bind=bind, upstream=upstream, options="\n    ".join(options),
            backend="\n    ".join(backend)))
        self.start(["haproxy", "-db", "-q", "-f", str(configuration)])


class Nghttpx(Server):
    """HTTP/1.1 and HTTP/2 with prior knowledge; with `tls` (certificate, key) both over TLS."""

    def __init__(self, upstream, tls=None, options=()):
        super().__init__()
        host, port = upstream.split(":")
        frontend = f"127.0.0.1,{self.port}" + ("" if tls else ";no-tls")
        command = ["nghttpx", "--conf=/dev/null", f"--frontend={frontend}",
                   f"--backend={host},{port}", "--workers=1", "--single-process",
                   f"--errorlog-file={self.home}/errors", *options]
        self.start(command + ([str(tls[1]), str(tls[0])] if tls else []))
