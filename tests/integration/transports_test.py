# SPDX-License-Identifier: Apache-2.0
"""What holds over every way to a server: connections are used again and stale ones do not fail a
request, a host that hangs does not hold the others up, and no credential gets into a file."""
import sys
import threading

from harness import SOURCE, RunTest, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import servers  # noqa: E402
from odd_server import (CHUNKED, NATIVE, SSE, WAYS, OddServer, answer, chunked, content,  # noqa: E402
                        head)

servers.need("openssl")
GOOD = answer()
KEY, COOKIE = "sk-Transport/0123456789", "cookie-Transport-987"


class Transports(RunTest):
    def odd(self, way, serve, **more):
        server = OddServer(way, self.home, serve, **more)
        self.addCleanup(server.close)
        return server

    def load(self, server, *arguments, expect=0):
        return self.profile(server.url, *server.arguments, "--streaming",
                            "--first-byte-timeout-seconds", 50, *arguments, expect=expect)

    def test_connections_are_used_again(self):
        """As many connections as requests are in flight, however many requests there are."""
        def serve(peer, _):
            while peer.read_request():
                peer.send(GOOD)

        for way in WAYS:
            with self.subTest(way=way.name):
                server = self.odd(way, serve)
                run = self.load(server, "--concurrency", 6, "--request-count", 400)
                self.assertEqual(run.outcomes(), {"ok": 400})
                self.assertLessEqual(server.connections, 6)
                new = sum(not r["tokperf"]["connection_reused"] for r in run.records())
                self.assertEqual(new, server.connections)
                run = self.load(server, "--concurrency", 6, "--request-count", 60,
                                "--connection-reuse-strategy", "never")
                self.assertEqual(run.outcomes(), {"ok": 60})
                self.assertEqual(server.connections - new, 60)

    def test_a_stale_connection_is_not_the_servers_failure(self):
        """Each connection answers once, and ends when its next request has come."""
        for end in ("close", "reset"):
            def serve(peer, _, end=end):
                if peer.read_request():
                    peer.send(GOOD)
                if peer.read_request():
                    getattr(peer, end)()

            for way in WAYS:
                with self.subTest(way=way.name, end=end):
                    server = self.odd(way, serve)
                    run = self.load(server, "--concurrency", 2, "--request-count", 40)
                    self.assertEqual(run.outcomes(), {"ok": 40})
                    self.assertEqual(server.connections, 40)
                    retries = [r["tokperf"]["retries"] for r in run.records()]
                    self.assertEqual(run.count("retry_count"), sum(retries))
                    if way.curl:  # it may try another stale one first
                        self.assertGreaterEqual(sum(retries), 38)
                    else:
                        self.assertEqual((max(retries), sum(retries)), (1, 38))
                    self.assertFalse(any(r["tokperf"]["connection_reused"] for r in run.records()))

    def test_only_an_answer_that_has_not_begun_is_asked_for_again(self):
        """A new connection that ends without a byte, and a kept one that ends in its answer, are
        failures of the server."""
        def half(peer, _):
            if peer.read_request():
                peer.send(GOOD)
            if peer.read_request():
                peer.send(head(200, SSE, CHUNKED), chunked(content("a"), last=b""))

        def nothing(peer, _):
            peer.read_request()

        for way in NATIVE:
            with self.subTest(way=way.name):
                load = ("--concurrency", 1, "--request-count", 10)
                run = self.load(self.odd(way, half), *load)
                self.assertEqual(run.outcomes(), {"ok": 5, "truncated": 5})
                self.assertEqual(run.count("retry_count"), 0)
                run = self.load(self.odd(way, nothing), *load, expect=1)
                self.assertEqual(run.outcomes(), {"no_response": 10})
                self.assertEqual(run.count("retry_count"), 0)

    def two_hosts(self, way, hang, **more):
        """A host that hangs until the other has answered all of its ten requests."""
        answered, all_answered = [], threading.Event()
        self.addCleanup(all_answered.set)

        def good(peer, _):
            while peer.read_request():
                peer.send(GOOD)
                answered.append(1)
                if len(answered) == 10:
                    all_answered.set()

        def slow(peer, _):
            while peer.read_request():
                if hang == "answer":
                    wait()
                peer.send(GOOD)

        def wait():
            if not all_answered.wait(30):
                raise OSError("the other host was held up")  # ends the connection

        if hang == "connection":
            more["before"] = wait
        first = self.odd(way, good)
        second = self.odd(way, slow, **more)
        return first, second

    def test_a_slow_host_does_not_hold_up_another(self):
        for way in WAYS:
            for hang in ("answer", "connection"):
                if way.unix:
                    continue  # a run has one unix socket
                with self.subTest(way=way.name, hang=hang):
                    first, second = self.two_hosts(way, hang)
                    run = self.load(first, "--url", second.url, "--workers-max", 1,
                                    "--request-rate", 200, "--arrival-pattern", "constant",
                                    "--request-count", 20)
                    self.assertEqual(run.outcomes(), {"ok": 20})
                    hosts = [record["tokperf"]["url_index"] for record in run.records()]
                    self.assertEqual((hosts.count(0), hosts.count(1)), (10, 10))

    def test_credentials_reach_no_file(self):
        """The server says the key back in every place where a server can say something."""
        def serve(peer, number):
            requests = 0
            while request := peer.read_request():
                said = request[0].decode()
                assert KEY in said and COOKIE in said, said
                text = '{"error":{"message":"bad %s","type":"%s"}}' % (KEY, COOKIE)
                status = (401, 302, 429, 200)[requests % 4]
                requests += 1
                if status == 200:
                    peer.send(answer(content("a") + b"data: " + text.encode() + b"\n\n"))
                else:
                    peer.send(answer(text.encode(), f"Location: http://x/?key={KEY}",
                                     f"Retry-After: {KEY}", f"X-Said: {KEY}", status=status))

        for way in WAYS:
            with self.subTest(way=way.name):
                run = self.load(self.odd(way, serve), "--concurrency", 1, "--request-count", 8,
                                "--api-key", KEY, "--header", f"X-Api-Key: {COOKIE}",
                                "--export-http-trace", "--export-level", "raw", expect=1)
                self.assertEqual(run.outcomes(), {"http_error": 6, "stream_error": 2})
                files = [p for p in run.directory.rglob("*") if p.is_file()]
                self.assertGreater(len(files), 4)
                for secret in (KEY, COOKIE, KEY.replace("/", "\\/"), KEY[3:]):
                    for path in files:
                        self.assertNotIn(secret.encode(), path.read_bytes(), path.name)
                    self.assertNotIn(secret, run.stdout + run.stderr)
                self.assertIn("<redacted>", run.path("profile_export.jsonl").read_text())


if __name__ == "__main__":
    main()
