# SPDX-License-Identifier: Apache-2.0
"""CPU per request over TLS against h2load, both with the same nginx, and beside it without TLS."""
import json
import os
import shutil
import signal
import socket
import subprocess
import time

from measure import interleave, judge, paired_ratio, summarise
import programs

CONNECTIONS = (64, 256)
START_S = 10
ANSWER = json.dumps({
    "id": "1", "object": "chat.completion", "created": 1, "model": "test",
    "choices": [{"index": 0, "finish_reason": "stop",
                 "message": {"role": "assistant", "content": "word " * 48}}],
    "usage": {"prompt_tokens": 48, "completion_tokens": 48, "total_tokens": 96}})
CONFIGURATION = """
daemon off; master_process off; pid {home}/pid; error_log stderr error;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 1000000000;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
    server {{
        listen 127.0.0.1:{plain}; listen 127.0.0.1:{tls} ssl;
        ssl_certificate {home}/server.pem; ssl_certificate_key {home}/server.key;
        location / {{ default_type application/json; return 200 '{answer}'; }}
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """On the server's core, with and without TLS; a context manager."""

    def __init__(self, bench):
        self.home = bench.folder / "nginx"
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()
        self.certificate = self.home / "server.pem"
        self.ports = {"http": free_port(), "https": free_port()}
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                        self.home / "server.key", "-out", self.certificate],
                       check=True, capture_output=True)
        configuration = self.home / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(
            home=self.home, answer=ANSWER, plain=self.ports["http"], tls=self.ports["https"]))
        self.process = subprocess.Popen(bench.cores.pin(
            bench.cores.server, ["nginx", "-p", self.home, "-e", "stderr", "-c", configuration]))
        self.wait()

    def wait(self):
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.ports["https"])) == 0:
                    return
            time.sleep(0.01)
        raise RuntimeError("nginx does not listen")

    def over(self, scheme):
        """The server as programs.py's clients see it."""
        class Server:
            url = f"{scheme}://localhost:{self.ports[scheme]}"
        return Server

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        os.kill(self.process.pid, signal.SIGTERM)
        self.process.wait()


def tls(bench):
    """CPU per request over TLS against h2load with the same nginx."""
    wanted = 20000 if bench.quick else 100000
    found = {"goals": [], "by_connections": {}}
    with Nginx(bench) as nginx:
        plain, secure = nginx.over("http"), nginx.over("https")
        for connections in CONNECTIONS:
            results = interleave({
                "tokperf": lambda: programs.tokperf(bench, secure, connections, wanted, "--cacert",
                                                    nginx.certificate),
                "h2load": lambda: programs.h2load(bench, secure, connections, wanted),
                "tokperf_plain": lambda: programs.tokperf(bench, plain, connections, wanted),
                "h2load_plain": lambda: programs.h2load(bench, plain, connections, wanted),
            }, bench.repeats)
            found["by_connections"][connections] = summarise(results)
            found["goals"].append(judge(
                f"CPU per request over TLS against h2load, {connections} connections",
                paired_ratio(results, "tokperf", "h2load", "us"), 1.3))
    return found
