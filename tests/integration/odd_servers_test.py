# SPDX-License-Identifier: Apache-2.0
"""Servers that do what servers rarely do, over each way to a server: each has its one outcome, and
leaves the connection usable or not as HTTP says. Three requests to each, one after the other."""
import os
import signal
import socket
import sys
import threading
import time

from harness import SOURCE, Left, RunTest, main
from live import stand_still, wait_until

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402
import servers  # noqa: E402
from odd_server import (CHUNKED, DEADLINE_S, JSON, NATIVE, SSE, STREAM, WAYS,  # noqa: E402
                        OddServer, answer, chunked, content, event, head)

servers.need("openssl")
REQUESTS = 3
STALL_S = 0.05  # longer than a look at events counts as fresh (core/worker/idle.c)
GOOD = answer()


def always(*parts):
    """A server that answers each request with these bytes and keeps the connection."""
    def serve(peer, _):
        while peer.read_request():
            peer.send(*parts)
    return serve


def then(end, *parts):
    """A server that answers one request with these bytes and ends the connection so."""
    def serve(peer, _):
        if peer.read_request():
            peer.send(*parts)
            getattr(peer, end)()
            if end == "half_close":
                peer.drain()
    return serve


def spaced(*parts):
    """Like always(), with the parts of the first answer as segments of their own."""
    def serve(peer, _):
        if peer.read_request():
            for part in parts:
                peer.send(part)
                time.sleep(0.0002)  # only makes it likely that each part is a read of its own
        always(*parts)(peer, _)
    return serve


def fields(*lines):
    return always(answer(STREAM, *lines))


def chunks(*parts, **more):
    return always(head(200, SSE, CHUNKED) + chunked(*parts, **more))


# What comes on an idle connection, and how the server goes on.
LATE = head(408, "Content-Length: 0", "Connection: close")
ENDS = ((b"", "close"), (LATE, "close"), (LATE, "drain"), (b"", "half_close"), (GOOD, "drain"))

# The next request may be sent before it is known that the kept connection is gone.
STALE = ("closes without a word", "closes only its half")

# name: what it serves, the outcome of all requests, connections opened, part of the message
TABLE = {
    # the connection
    "closes as it said": (then("close", answer(STREAM, "Connection: close")), "ok", 3, ""),
    "closes without a word": (then("close", GOOD), "ok", 3, ""),
    "closes only its half": (then("half_close", GOOD), "ok", 3, ""),
    "says close and does not": (always(answer(STREAM, "Connection: close")), "ok", 3, ""),
    "ends the body by closing": (then("close", head(200, SSE) + STREAM), "ok", 3, ""),
    "ends the body by its half": (then("half_close", head(200, SSE) + STREAM), "ok", 3, ""),
    "closes in the body": (then("close", head(200, SSE, CHUNKED) + chunked(content("a"), last=b"")),
                           "truncated", 3, "ended"),
    "resets in the body": (then("reset", head(200, SSE, CHUNKED) + chunked(content("a"), last=b"")),
                           "truncated", 3, "ended"),
    "closes in a chunk": (then("close", head(200, SSE, CHUNKED) + b"ffff\r\n" + content("a")),
                          "truncated", 3, "ended"),
    "sends less than its length": (then("close", GOOD[:-20]), "truncated", 3, "Content-Length"),
    "closes in the headers": (then("close", GOOD[:40]), "truncated", 3, "headers"),
    "closes in the status line": (then("close", b"HTTP/1.1 2"), "no_response", 3, "status line"),
    "says more after the answer": (always(GOOD + b"HTTP/1.1 400 Bad\r\n\r\n"), "ok", 3, ""),
    # the head
    "empty header values": (fields("X-Empty:", "Server: ", "Retry-After:", "Location:"), "ok", 1,
                            ""),
    "an empty content type": (always(answer(STREAM, content_type="Content-Type:")), "ok", 1, ""),
    "an empty retry-after": (always(answer(b"busy", "Retry-After:", status=429)), "http_error", 1,
                             "busy"),
    "a folded header": (fields("X-Folded: one", "  two", "\tthree"), "ok", 1, ""),
    "a folded length": (always(head(200, SSE, "Content-Length: 1", " 2")), "parse_error", 3,
                        "folded"),
    "lines that end with LF": (always(head(200, SSE, "Content-Length: %d" % len(STREAM))
                                      .replace(b"\r\n", b"\n") + STREAM), "ok", 1, ""),
    "no reason phrase": (always(GOOD.replace(b"200 OK", b"200", 1)), "ok", 1, ""),
    "the same length twice": (fields("Content-Length: %d" % len(STREAM)), "ok", 1, ""),
    "two lengths": (fields("Content-Length: 7"), "parse_error", 3, "Content-Length"),
    "a length that is no number": (always(head(200, SSE, "Content-Length: 0x10") + STREAM),
                                   "parse_error", 3, "Content-Length"),
    "length and chunks": (always(head(200, SSE, CHUNKED, "Content-Length: 3") + chunked(STREAM)),
                          "ok", 3, ""),
    "another transfer coding": (always(head(200, SSE, "Transfer-Encoding: gzip, chunked") +
                                       chunked(STREAM)), "parse_error", 3, "Transfer-Encoding"),
    "no HTTP": (always(b"SSH-2.0-OpenSSH_9.2\r\n"), "parse_error", 3, "status line"),
    "a later HTTP": (always(GOOD.replace(b"HTTP/1.1", b"HTTP/3.0")), "parse_error", 3, "version"),
    "endless headers": (always(head(200, SSE)[:-2] + b"X-Long: " + b"x" * 400000), "parse_error", 3,
                        "64 KiB"),
    # informational answers
    "continue and hints": (spaced(head(100), head(102), head(103, "Link: </a>; rel=preload"), GOOD),
                           "ok", 1, ""),
    "hints that look like the answer": (always(head(103, SSE, "Content-Length: 3") + GOOD), "ok", 1,
                                        ""),
    "hints and no answer": (then("close", head(103)), "no_response", 3, "status line"),
    "endless hints": (always(head(103, "Link: </a>") * 4000), "parse_error", 3, "64 KiB"),
    "switches protocols": (always(head(101, "Upgrade: websocket") + STREAM), "parse_error", 3,
                           "protocols"),
    # the body
    "extensions and trailers": (always(
        head(200, SSE, CHUNKED) + b"5;a=1; b=\"x\"\r\ndata:\r\n" +
        chunked(STREAM[5:], last=b"0;last\r\nX-Sum: 1\r\nX-Empty:\r\n\r\n")), "ok", 1, ""),
    "chunk sizes of all kinds": (always(
        head(200, SSE, CHUNKED) + b"0005\r\ndata:\r\n%X \r\n%s\r\n000\r\n\r\n" %
        (len(STREAM) - 5, STREAM[5:])), "ok", 1, ""),
    "bytes one by one": (spaced(*(GOOD[i:i + 1] for i in range(len(GOOD)))), "ok", 1, ""),
    "no content": (always(head(204)), "empty", 1, "no content"),
    "no content with a length": (always(head(204, "Content-Length: 5")), "empty", 1,
                                  "no content"),
    "not modified": (always(head(304, "Content-Length: 5")), "http_error", 1, ""),
    "an empty body": (always(answer(b"")), "empty", 1, "no content"),
    "an answer of HTTP/1.0": (then("close", head(200, SSE, version="1.0") + STREAM), "ok", 3, ""),
    "HTTP/1.0 that is kept": (always(answer(STREAM, "Connection: keep-alive", version="1.0")), "ok",
                              1, ""),
    "HTTP/1.0 that is not": (always(answer(version="1.0")), "ok", 3, ""),
    "an error in a body without end": (then("close", head(503, JSON) + b'{"error":"overloaded"}'),
                                       "http_error", 3, "overloaded"),
    "a cut error": (then("close", answer(b"overloaded", status=503)[:-2]), "http_error", 3,
                    "overload"),
    "an error in the stream": (chunks(content("a"), event(b'{"error":{"message":"lost it"}}')),
                               "stream_error", 1, "lost it"),
    "no end of the stream": (chunks(content("a")), "truncated", 1, "finish"),
    "lines that end with CRLF": (always(answer(STREAM.replace(b"\n", b"\r\n"))), "ok", 1, ""),
    "lines that end with CR": (always(answer(STREAM.replace(b"\n", b"\r"))), "ok", 1, ""),
    "no space after data:": (always(answer(STREAM.replace(b"data: ", b"data:"))), "ok", 1, ""),
    "an event in two lines": (always(answer(STREAM.replace(b'"delta"', b'\ndata: "delta"'))), "ok",
                              1, ""),
    "comments and other fields": (always(answer(STREAM.replace(
        b"data: ", b": ping\n\n:\nevent: message\nid: 7\nretry: 10\nother\ndata: "))), "ok", 1, ""),
    "a byte order mark": (always(answer(b"\xef\xbb\xbf" + STREAM)), "ok", 1, ""),
    "a stream without its last line end": (always(answer(STREAM[:-2])), "ok", 1, ""),
}


class OddServers(RunTest):
    def odd(self, way, serve):
        server = OddServer(way, self.home, serve)
        self.addCleanup(server.close)
        return server

    def load(self, all_servers, count):
        """The requests go to the servers in turn."""
        urls = [server.url for server in all_servers]
        more = (word for url in urls[1:] for word in ("--url", url))
        return self.profile(urls[0], *all_servers[0].arguments, "--streaming", "--concurrency", 1,
                            "--request-count", count, *more, expect=None)

    def check(self, way, name, server, rows, lines):
        """What the log and the exported lines have of one server."""
        serve, outcome, connections, says = TABLE[name]
        self.assertEqual([line["tokperf"]["outcome"] for line in lines], [outcome] * REQUESTS,
                         lines[0].get("error"))
        # libcurl goes on with a connection whose framing was contradictory
        kept = way.curl and name == "length and chunks"
        self.assertEqual(server.connections, 1 if kept else connections)
        self.assertLessEqual(sum(line["tokperf"]["retries"] for line in lines),
                             REQUESTS - 1 if name in STALE else 0)
        for line in lines:
            if outcome != "ok":
                message = line["error"].get("message", "")
                self.assertIn("" if way.curl else says, message)  # libcurl has words of its own
                self.assertEqual(says != "", message != "", message)
        if outcome == "ok":
            self.assertEqual([row["chunk_count"] for row in rows], [2] * REQUESTS)

    def check_all(self, way, names, code):
        """One run to all of them, as its code is the same."""
        all_servers = [self.odd(way, TABLE[name][0]) for name in names]
        run = self.load(all_servers, REQUESTS * len(names))
        self.assertEqual(run.code, code, run.stderr + run.stdout)
        lines, rows = run.records(), records.read(run.path("records.tkr")).rows
        self.assertEqual(len(lines), REQUESTS * len(names))
        for index, (name, server) in enumerate(zip(names, all_servers)):
            with self.subTest(way=way.name, server=name):
                self.check(way, name, server, [r for r in rows if r["url_index"] == index],
                           [r for r in lines if r["tokperf"]["url_index"] == index])

    def test_table(self):
        good = [name for name, case in TABLE.items() if case[1] == "ok"]
        for way in WAYS:
            self.check_all(way, good, 0)
            self.check_all(way, [name for name in TABLE if name not in good], 1)

    def test_a_kept_connection_that_is_gone(self):
        """The next request comes at once: it may meet the end, and is sent once more then."""
        for way in WAYS:
            for name in STALE:
                with self.subTest(way=way.name, server=name):
                    server = self.odd(way, TABLE[name][0])
                    run = self.load([server], 20)
                    self.assertEqual(run.outcomes(), {"ok": 20}, run.stderr + run.stdout)
                    self.assertEqual(server.connections, 20)
                    self.assertLessEqual(run.count("retry_count"), 19)

    def test_an_answer_and_the_end_at_once(self):
        """The end comes in the segment of the answer: the connection is not used again, although
        nothing would come of a request on it, neither an answer nor a reset."""
        def serve(peer, _):
            if peer.read_request():
                peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                peer.send(GOOD)
                peer.half_close()
                peer.drain()

        for way in WAYS:
            if not way.unix:
                with self.subTest(way=way.name):
                    server = self.odd(way, serve)
                    run = self.load([server], 40)
                    self.assertEqual(run.outcomes(), {"ok": 40})
                    self.assertEqual(server.connections, 40)

    def idle_pair(self, way, words, end, clients=None):
        """A server that answers, and says `words` and ends while its connection is idle; and one
        that the client asks in between, which answers when that has been said. A client that is
        given stands still meanwhile, and hears the beginning of the answer first."""
        is_idle, is_said = threading.Semaphore(0), threading.Semaphore(0)

        def speak(peer, _):
            if not peer.read_request():
                return
            peer.send(GOOD)
            self.assertTrue(is_idle.acquire(timeout=DEADLINE_S))
            peer.send(words)
            if end != "drain":
                peer.half_close()
            peer.wait_until_taken()
            if end == "close":
                peer.socket.close()
            is_said.release()
            if end != "close":
                peer.drain()

        def wait(peer, _):
            while peer.read_request():
                if clients is not None:
                    wait_until(lambda: clients, "the client")
                    stand_still(clients[0].pid)
                    peer.send(GOOD[:20])
                is_idle.release()
                self.assertTrue(is_said.acquire(timeout=DEADLINE_S))
                peer.send(GOOD[20:] if clients else GOOD)
                if clients is not None:
                    threading.Event().wait(STALL_S)
                    os.kill(clients[0].pid, signal.SIGCONT)

        return self.odd(way, speak), self.odd(way, wait)

    def test_what_comes_on_an_idle_connection(self):
        """Between two requests the server closes, or says that it will, or says what nobody asked
        for: the next request goes elsewhere, and never takes it for its answer."""
        for words, end in ENDS:
            for way in WAYS:
                if way.curl and words:
                    continue  # libcurl takes them for the next answer (docs/connections.md)
                with self.subTest(way=way.name, words=words[:12], end=end):
                    speaking, other = self.idle_pair(way, words, end)
                    run = self.load([speaking, other], 2 * REQUESTS)
                    self.assertEqual(run.outcomes(), {"ok": 2 * REQUESTS}, run.stdout)
                    self.assertEqual((speaking.connections, other.connections), (REQUESTS, 1))
                    if not way.curl:
                        self.assertEqual(run.count("retry_count"), 0)

    def test_what_came_on_an_idle_connection_while_the_client_stood_still(self):
        """It learns of that and of an answer at once: the next request does not go out on it."""
        for words, end in ENDS:
            for way in NATIVE:
                with self.subTest(way=way.name, words=words[:12], end=end):
                    clients = []
                    speaking, other = self.idle_pair(way, words, end, clients)
                    clients.append(self.start_profile(
                        speaking.url, *speaking.arguments, "--url", other.url, "--streaming",
                        "--concurrency", 1, "--request-count", 2 * REQUESTS, "--workers-max", 1))
                    _, said = clients[0].communicate(timeout=DEADLINE_S)
                    run = Left(clients[0].directory)
                    self.assertEqual(run.outcomes(), {"ok": 2 * REQUESTS}, said)
                    self.assertEqual((speaking.connections, other.connections), (REQUESTS, 1))
                    self.assertEqual(run.count("retry_count"), 0)


if __name__ == "__main__":
    main()
