# SPDX-License-Identifier: Apache-2.0
"""tokperf-mock against requests that are odd, broken or hostile, and against slow clients."""
import json
import random
import socket
import struct
import time
import unittest

from mock_support import DEADLINE_S, Mock, chat, main

CHAT = "POST /v1/chat/completions HTTP/1.1\r\nhost: mock\r\n"


def chunked(body, size, extension=b""):
    parts = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x%s\r\n%s\r\n" % (len(p), extension, p) for p in parts) + b"0\r\n"


class Requests(unittest.TestCase):
    def test_bad_heads_get_a_status_and_a_close(self):
        rows = [
            ("GET\r\n\r\n", 400), ("GET /health\r\n\r\n", 400), ("\x01\x02 / HTTP/1.1\r\n\r\n", 400),
            ("GET health HTTP/1.1\r\n\r\n", 400), ("GET /health HTTP/2.0\r\n\r\n", 505),
            ("GET /health HTTP/1.1\r\nno colon\r\n\r\n", 400),
            ("GET /health HTTP/1.1\r\nbad name: x\r\n\r\n", 400),
            ("GET /health HTTP/1.1\r\n folded: x\r\n\r\n", 400),
            (CHAT + "content-length: x\r\n\r\n", 400), (CHAT + "content-length: -1\r\n\r\n", 400),
            (CHAT + "content-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
            (CHAT + "content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400),
            (CHAT + "content-length: 99999999999999999999999\r\n\r\n", 413),
            (CHAT + "content-length: 67108865\r\n\r\n", 413),
            (CHAT + "transfer-encoding: gzip\r\n\r\n", 501),
            (CHAT + "transfer-encoding: chunked\r\n\r\nzz\r\n", 400),
            (CHAT + "transfer-encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
            (CHAT + "transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n", 413),
            (CHAT + "transfer-encoding: chunked\r\n\r\n" + "0" * 5000, 400),
            ("GET /health HTTP/1.1\r\nx: " + "y" * 70000 + "\r\n\r\n", 431),
            ("GET /" + "y" * 70000, 431),
            ("GET /health HTTP/1.1\r\n" + "x: y\r\n" * 300 + "\r\n", 431),
        ]
        with Mock("--fast") as mock:
            for request, status in rows:
                with self.subTest(request[:80]), mock.connect() as client:
                    client.send(request)
                    response = client.read_response()
                    self.assertEqual(response.status, status)
                    self.assertEqual(response.headers["connection"], "close")
                    self.assertIn("message", response.json()["error"])
                    self.assertEqual(client.rest_of_connection(), b"")

    def test_chunked_bodies(self):
        body = json.dumps(chat(False, "a b c d " * 500)).encode()
        head = (CHAT + "transfer-encoding: chunked\r\n\r\n").encode()
        with Mock("--fast") as mock, mock.connect() as client:
            for size, extension, trailer in (1, b"", b""), (7, b";x=y", b"t: 1\r\n"), (9999, b"", b""):
                client.send(head + chunked(body, size, extension) + trailer + b"\r\n")
                usage = client.read_response().json()["usage"]
                self.assertEqual(usage["prompt_tokens"], 2000)

    def test_a_request_in_single_bytes(self):
        body = json.dumps(chat()).encode()
        raw = (CHAT + "transfer-encoding: chunked\r\n\r\n").encode() + chunked(body, 5) + b"\r\n"
        with Mock("--fast") as mock, mock.connect() as client:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(raw)):
                client.send(raw[i:i + 1])
            self.assertEqual(client.read_response().status, 200)

    def test_lenient_where_the_rfc_is(self):
        rows = ["\r\n\r\nGET /health HTTP/1.1\r\n\r\n", "GET /health HTTP/1.1\n\n",
                "GET http://mock:80/health HTTP/1.1\r\n\r\n", "GET /health?a=b HTTP/1.1\r\nX:\r\n\r\n"]
        with Mock() as mock:
            for request in rows:
                with self.subTest(request), mock.connect() as client:
                    client.send(request)
                    self.assertEqual(client.read_response().status, 200)

    def test_pipelined_requests_are_answered_in_order(self):
        with Mock("--ttft", "5", "--itl", "0") as mock, mock.connect() as client:
            for count in range(1, 41):
                client.post("/v1/chat/completions", chat(count % 2 == 0, max_tokens=count))
            for count in range(1, 41):
                response = client.read_response()
                text = (response.text() if count % 2 == 0 else
                        response.json()["choices"][0]["message"]["content"])
                self.assertEqual(len(text.split()), count)

    def test_expect_continue(self):
        body = json.dumps(chat()).encode()
        with Mock("--fast") as mock, mock.connect() as client:
            client.send(CHAT + "expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(body))
            self.assertEqual(client.read_head().status, 100)
            client.send(body)
            self.assertEqual(client.read_response().status, 200)

    def test_a_large_body(self):
        with Mock("--fast") as mock:
            usage = mock.ask(chat(False, "word " * 1000000)).json()["usage"]
        self.assertEqual(usage["prompt_tokens"], 1000000)


class Clients(unittest.TestCase):
    def test_noise_never_ends_the_server(self):
        noise = random.Random(1)
        seeds = [CHAT.encode() + b"content-length: 5\r\n\r\n{}{}{", b"GET /metrics HTTP/1.1\r\n\r\n",
                 (CHAT + "transfer-encoding: chunked\r\n\r\n").encode() +
                 chunked(json.dumps(chat(True)).encode(), 9) + b"\r\n"]
        with Mock("--fast", "--threads", "2") as mock:
            for i in range(400):
                raw = bytearray(noise.choice(seeds) * noise.randrange(1, 4))
                for _ in range(noise.randrange(0, 6)):
                    raw[noise.randrange(len(raw))] = noise.randrange(256)
                with mock.connect() as client:
                    client.send(bytes(raw[:noise.randrange(1, len(raw) + 1)]))
                    if i % 3 == 0:  # leave with a reset
                        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                 struct.pack("ii", 1, 0))
            self.assertEqual(mock.get("/health").status, 200)
            mock.wait_for(lambda c: c["connections_open"] == 1 and c["streams_open"] == 0)

    def test_a_slow_reader_does_not_hold_up_the_others(self):
        with Mock("--ttft", "0", "--itl", "0", "--tokens-per-chunk", "4") as mock:
            with mock.connect() as slow:
                slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                slow.post("/v1/chat/completions", chat(True, max_tokens=131072))
                self.assertEqual(mock.ask(chat(True)).status, 200)
                response = slow.read_response()
        self.assertTrue(response.whole)
        self.assertEqual(len(response.text().split()), 131072)

    def test_many_idle_connections(self):
        with Mock("--fast") as mock:
            clients = [mock.connect() for _ in range(500)]
            self.assertEqual(mock.ask(chat(True)).status, 200)
            mock.wait_for(lambda c: c["connections_open"] == 501)
            for client in clients:
                client.post("/v1/chat/completions", chat(True))
            self.assertTrue(all(client.read_response().whole for client in clients))
            for client in clients:
                client.socket.close()
            mock.wait_for(lambda c: c["connections_open"] == 1)
            self.assertEqual(mock.counters()["client_disconnects_total"], 0)

    def test_no_descriptors_left(self):
        """Connections that cannot be had are refused at once, and the server recovers."""
        few = ("sh", "-c", "ulimit -n 24; exec \"$@\"", "sh")
        with Mock("--fast", launcher=few) as mock:
            clients = [mock.connect() for _ in range(60)]
            refused = 0
            for client in clients:
                try:
                    client.post("/v1/chat/completions", chat())
                    refused += client.read_response().status != 200
                except (OSError, EOFError):
                    refused += 1
            self.assertGreater(refused, 30)
            self.assertLess(refused, 60)
            for client in clients:
                client.socket.close()
            counters, end = {}, time.monotonic() + DEADLINE_S
            while counters.get("connections_open") != 1 and time.monotonic() < end:
                try:  # it may not have seen yet that the others are gone
                    counters = mock.counters()
                except (OSError, EOFError):
                    refused += 1
        self.assertEqual((counters["connections_open"], counters["connections_refused_total"]),
                         (1, refused))

    def test_half_closed_before_the_answer(self):
        """A peer that shuts its side while an answer is due is taken for gone."""
        with Mock("--ttft", "60000") as mock, mock.connect() as client:
            client.post("/v1/chat/completions", chat(True))
            client.read_head()
            client.socket.shutdown(socket.SHUT_WR)
            mock.wait_for(lambda c: c["client_disconnects_total"] == 1)


if __name__ == "__main__":
    main()
