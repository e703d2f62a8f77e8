# SPDX-License-Identifier: Apache-2.0
"""What the tests of tokperf-mock share: starting the server, talking to it over plain sockets, and
readers of HTTP and event streams that know nothing of the server's code."""
import json
import os
import re
import signal
import socket
import subprocess
import time
import unittest

PROGRAM = os.environ["TOKPERF_MOCK"]
DEADLINE_S = 60  # of what would hang otherwise
LOOK_S = 0.002


class Mock:
    """A running server; a context manager that ends it by its process id."""

    def __init__(self, *options, launcher=()):
        command = [*launcher, PROGRAM, "--port", "0", "--exit-with-stdin", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.is_paused = False
        line = self.process.stdout.readline().decode()
        match = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n", line)
        assert match, "unexpected first line %r" % line
        self.port = int(match[1])

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop(signal.SIGTERM)

    def pause(self):
        """Holds every answer until go_on(), so that a load lasts as long as a test needs it."""
        os.kill(self.process.pid, signal.SIGSTOP)
        self.is_paused = True

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)
        self.is_paused = False

    def stop(self, number):
        """Ends the server; returns its exit status."""
        if self.is_paused:
            self.go_on()
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(timeout=DEADLINE_S)

    def connect(self):
        return Client(self.port)

    def ask(self, body, path="/v1/chat/completions", headers=""):
        """One request on a connection of its own."""
        with self.connect() as client:
            client.post(path, body, headers)
            return client.read_response()

    def get(self, path, headers=""):
        with self.connect() as client:
            client.send("GET %s HTTP/1.1\r\nhost: mock\r\n%s\r\n" % (path, headers))
            return client.read_response()

    def counters(self):
        """The server's metrics by name and labels."""
        text = self.get("/metrics").body.decode()
        pairs = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return {name.removeprefix("tokperf_mock_"): float(value) for name, value in pairs}

    def wait_for(self, condition):
        """Asks for the counters until the condition holds for them."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            counters = self.counters()
            if condition(counters):
                return counters
            time.sleep(LOOK_S)
        raise AssertionError("the counters never came to it: %r" % counters)


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body
        self.informational = []
        self.whole = True  # the end came where it was announced

    def json(self):
        return json.loads(self.body)

    def events(self):
        return read_events(self.body)

    def chunks(self):
        """The JSON objects of a stream, [DONE] left out."""
        return [json.loads(data) for data in self.events() if data != "[DONE]"]

    def text(self):
        parts = [c["choices"][0] for c in self.chunks() if c.get("choices")]
        return "".join(p["delta"].get("content") or "" if "delta" in p else p["text"]
                       for p in parts)


class Client:
    """A connection that is read byte by byte as RFC 9112 says."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def post(self, path, body, headers=""):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send(b"POST %s HTTP/1.1\r\nhost: mock\r\n%scontent-length: %d\r\n\r\n%s"
                  % (path.encode(), headers.encode(), len(raw), raw))

    def fill(self):
        data = self.socket.recv(65536)
        self.rest += data
        return len(data) > 0

    def line(self):
        while b"\r\n" not in self.rest:
            if not self.fill():
                raise EOFError(self.rest)
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def take(self, size):
        while len(self.rest) < size and self.fill():
            pass
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def rest_of_connection(self):
        while self.fill():
            pass
        data, self.rest = self.rest, b""
        return data

    def read_head(self):
        version, status, _ = self.line().split(b" ", 2)
        assert version == b"HTTP/1.1", version
        headers = {}
        while line := self.line():
            name, value = line.decode().split(":", 1)
            assert name.lower() not in headers, "twice: " + name
            headers[name.lower()] = value.strip()
        return Response(int(status), headers, b"")

    def read_response(self):
        before = []
        while (response := self.read_head()).status < 200:
            before.append(response.status)
        response.informational = before
        if response.headers.get("transfer-encoding") == "chunked":
            self.read_chunked(response)
        elif "content-length" in response.headers:
            length = int(response.headers["content-length"])
            response.body = self.take(length)
            response.whole = len(response.body) == length
        else:
            response.body = self.rest_of_connection()
        return response

    def read_chunked(self, response):
        parts = []
        while response.whole:
            try:
                size = int(self.line(), 16)
            except EOFError:
                response.whole = False
                break
            parts.append(self.take(size))
            end = self.take(2)
            assert end == b"\r\n", end
            if size == 0:
                break
        response.body = b"".join(parts)


def read_events(stream):
    """The data of each event, by the WHATWG rules."""
    text = stream.decode().removeprefix("\ufeff")
    events, data = [], []
    for line in re.split("\r\n|\n|\r", text):
        if line == "":
            if data:
                events.append("\n".join(data))
            data = []
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
    return events


def chat(stream=False, text="one two three", **more):
    return {"model": "test", "messages": [{"role": "user", "content": text}], "stream": stream,
            **more}


def main():
    unittest.main(module="__main__", verbosity=1)
