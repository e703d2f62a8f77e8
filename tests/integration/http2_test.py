# SPDX-License-Identifier: Apache-2.0
"""HTTP/2: many requests share a connection, and whatever happens to a stream has its one outcome.
Against nghttpx and nginx in front of tokperf-mock, and against a server that plays frames."""
import collections
import sys
import threading

from harness import SOURCE, RunTest, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import servers  # noqa: E402
from http2_server import (END_HEADERS, END_STREAM, HEADERS, REFUSED_STREAM,  # noqa: E402
                          Http2Server, field)

servers.need("nghttpx", "nginx", "openssl")
PRIOR = ("--http-version", "2-prior-knowledge")
OVER_TLS = ("--http-version", "2")
JSON = ("content-type", "application/json")
SSE = ("content-type", "text/event-stream")
WHOLE = (b'{"choices":[{"index":0,"finish_reason":"stop",'
         b'"message":{"role":"assistant","content":"hi"}}]}')
CONTENT = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
LAST = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
REQUESTS = 24
AT_ONCE = 6
DEADLINE_S = 60


class RealServers(RunTest):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--ttft", "5", "--itl", "1", "--osl", "8")
        self.upstream = f"127.0.0.1:{self.mock.port}"
        self.tls = servers.certificate(self.home)

    def keep(self, server):
        self.addCleanup(server.__exit__)
        return server

    def load(self, url, *arguments, count=100, expect=0):
        run = self.profile(url, "--streaming", "--concurrency", 8, "--request-count", count,
                           *arguments, expect=expect)
        if expect == 0:
            self.assertEqual(run.outcomes(), {"ok": count}, run.stdout)
            self.assertEqual(run.count("chunk_count"), count * 8)
            self.assertEqual(run.json()["receive_clock"], "process")
        return run

    def test_nghttpx(self):
        plain = self.keep(servers.Nghttpx(self.upstream))
        secure = self.keep(servers.Nghttpx(self.upstream, tls=self.tls))
        self.load(plain.url(), *PRIOR)
        self.load(plain.url(), *PRIOR, "--connection-reuse-strategy", "never", count=20)
        self.load(secure.url(scheme="https"), *OVER_TLS, "--cacert", self.tls[0])
        self.load(secure.url(scheme="https"), *OVER_TLS, "--insecure", count=20)
        # HTTP/1.1 over the same port, for who asks for it
        self.load(plain.url(), "--transport", "curl", count=20)

    def test_a_certificate_that_nobody_knows(self):
        secure = self.keep(servers.Nghttpx(self.upstream, tls=self.tls))
        run = self.load(secure.url(scheme="https"), *OVER_TLS, "--insecure=false", count=8,
                        expect=1)
        self.assertIn("tls_error", run.outcomes())
        error = next(r for r in run.records() if r["tokperf"]["outcome"] == "tls_error")["error"]
        self.assertEqual(error["type"], "verify")
        self.assertIn("--cacert", error["message"])

    def test_servers_that_do_not_speak_it(self):
        run = self.load(f"http://{self.upstream}", *PRIOR, count=5, expect=1)
        self.assertEqual(run.outcomes(), {"no_response": 5})
        self.assertIn("does the server speak HTTP/2?", run.records()[0]["error"]["message"])
        site = ("server { listen 127.0.0.1:{port} ssl; ssl_certificate %s; ssl_certificate_key %s; "
                "location / { proxy_pass http://proxied; } }" % self.tls)
        nginx = self.keep(servers.Nginx(self.upstream, site))
        run = self.load(nginx.url(scheme="https"), *OVER_TLS, "--cacert", self.tls[0], count=5,
                        expect=1)
        self.assertEqual({r["error"]["type"] for r in run.records()
                          if r["tokperf"]["outcome"] != "cancelled"}, {"http_version"})

    def test_a_server_that_ends_connections(self):
        """GOAWAY after ten requests: what it did not answer is sent again, and counted."""
        site = ("server { listen 127.0.0.1:{port} ssl http2; keepalive_requests 10; "
                "ssl_certificate %s; ssl_certificate_key %s; "
                "location / { proxy_pass http://proxied; proxy_buffering off; } }" % self.tls)
        nginx = self.keep(servers.Nginx(self.upstream, site))
        run = self.load(nginx.url(scheme="https"), *OVER_TLS, "--cacert", self.tls[0])
        self.assertEqual(nginx.statuses(100), {200: 100})
        self.assertEqual(run.count("retry_count"),
                         sum(r["tokperf"]["retries"] for r in run.records()))
        drained = self.keep(servers.Nghttpx(self.upstream, options=("--frontend-max-requests=10",)))
        self.load(drained.url(), *PRIOR)

    def test_faults_behind_a_proxy(self):
        for fault, outcome in (("429", "http_error"), ("stream-error", "stream_error"),
                               ("truncate", "truncated"), ("reset", "truncated"),
                               ("empty", "empty"), ("bad-json", "parse_error")):
            with self.subTest(fault=fault):
                mock = self.start_mock("--ttft", "1", "--itl", "20", "--osl", "8",
                                       f"--fault-{fault}", "1")
                with servers.Nghttpx(f"127.0.0.1:{mock.port}") as front:
                    run = self.load(front.url(), *PRIOR, count=8, expect=1)
                    # libcurl drops what comes with a reset, here the whole answer on a busy machine
                    late = {"no_response"} if fault in ("reset", "truncate") else set()
                    self.assertLessEqual(set(run.outcomes()), {outcome} | late, run.stdout)
                    self.assertEqual(run.count("error_request_count"), 8)


class PlayedFrames(RunTest):
    def play(self, script, *arguments, streams_each=100, count=REQUESTS):
        server = Http2Server(script, streams_each)
        self.addCleanup(server.__exit__)
        run = self.profile(server.url, *PRIOR, "--concurrency", AT_ONCE, "--request-count", count,
                           "--workers-max", 1, *arguments, expect=None)
        return server, run

    @staticmethod
    def good(stream):
        stream.head(JSON)
        stream.data(WHOLE, end=True)

    def test_one_connection_carries_many(self):
        for streams_each, least, most in ((100, 1, 1), (2, 3, 6), (1, 6, 6)):
            with self.subTest(streams_each=streams_each):
                first, all_there = [], threading.Barrier(AT_ONCE)

                def together(stream):
                    """The first answers come when as many requests as may be are there."""
                    first.append(stream.connection)
                    if stream.number < AT_ONCE:
                        all_there.wait(DEADLINE_S)
                    self.good(stream)

                server, run = self.play(together, streams_each=streams_each)
                self.assertEqual(run.outcomes(), {"ok": REQUESTS})
                crowd = max(collections.Counter(first[:AT_ONCE]).values())
                if crowd > streams_each:  # the client was faster than the server's settings
                    least = 1
                self.assertIn(server.connections, range(least, most + 1))

    def test_a_stream_byte_by_byte(self):
        def serve(stream):
            stream.head(SSE)
            text = CONTENT * 3 + LAST
            for at in range(len(text)):
                stream.data(text[at:at + 1], end=at + 1 == len(text))

        _, run = self.play(serve, "--streaming", count=6)
        self.assertEqual(run.outcomes(), {"ok": 6})
        self.assertEqual(run.count("chunk_count"), 18)

    def test_hints_and_trailers(self):
        def serve(stream):
            stream.head(("link", "</a>"), status=103)
            stream.head(SSE)
            stream.data(CONTENT + LAST)
            stream.frame(HEADERS, END_HEADERS | END_STREAM, field("x-sum", "1"))

        _, run = self.play(serve, "--streaming")
        self.assertEqual(run.outcomes(), {"ok": REQUESTS})

    def test_refused_streams_are_sent_again(self):
        seen, lock = [], threading.Lock()

        def serve(stream):
            with lock:
                is_new = stream.body not in seen
                seen.append(stream.body)
                refused = is_new and len(set(seen)) % 4 == 1
            if refused:
                stream.reset(REFUSED_STREAM)
            else:
                self.good(stream)

        server, run = self.play(serve)
        self.assertEqual(run.outcomes(), {"ok": REQUESTS})
        self.assertEqual(run.count("retry_count"), server.requests - REQUESTS)
        self.assertGreater(run.count("retry_count"), 0)

    def test_each_end_of_a_stream_has_one_outcome(self):
        def reset_in_body(stream):
            stream.head(SSE)
            stream.data(CONTENT)
            stream.wait_until_read()  # libcurl drops what comes with a reset
            stream.reset()

        def end_early(stream):
            stream.head(SSE)
            stream.data(CONTENT, end=True)

        def end_short(stream):
            stream.head(JSON, ("content-length", "500"))
            stream.data(WHOLE[:20])
            stream.wait_until_read()
            stream.data(WHOLE[20:], end=True)

        def refuse(stream):
            stream.head(JSON, ("retry-after", "3"), status=429)
            stream.data(b'{"error":{"message":"slow down"}}', end=True)

        def stall(stream):
            stream.head(SSE)
            stream.data(CONTENT)

        table = (
            (lambda stream: stream.reset(), "no_response", "reset", ()),
            (lambda stream: stream.reset(REFUSED_STREAM), "no_response", "reset", ()),
            (reset_in_body, "truncated", "cut", ("--streaming",)),
            (end_early, "truncated", "unfinished", ("--streaming",)),
            (end_short, "truncated", "content_length", ()),
            (refuse, "http_error", "http_error", ()),
            (lambda stream: stream.head(status=204, end=True), "empty", "empty", ()),
            (stall, "timeout", "idle", ("--streaming", "--idle-timeout-seconds", 0.2)),
            (lambda stream: None, "timeout", "first_byte", ("--first-byte-timeout-seconds", 0.2)),
        )
        for at, (serve, outcome, kind, arguments) in enumerate(table):
            with self.subTest(row=at, outcome=outcome):
                _, run = self.play(serve, *arguments, count=AT_ONCE)
                ends = {r["tokperf"]["outcome"]: r["error"] for r in run.records()}
                # what was read of a stream may wait in libcurl until the reset is read too
                dropped = {"no_response"} if serve in (reset_in_body, end_short) else set()
                self.assertEqual(set(ends) - dropped, {outcome})
                self.assertEqual(ends[outcome]["type"], kind)
                if serve is refuse:
                    self.assertEqual(ends[outcome]["code"], 429)
                    self.assertIn("slow down", ends[outcome]["message"])


if __name__ == "__main__":
    main()
