# SPDX-License-Identifier: Apache-2.0
"""Runs through other people's servers, nginx, haproxy and nghttpx, in front of tokperf-mock: the
counts and outcomes are those that the servers' own logs have, and a stream that they hold back is
reported as clumped."""
import socket
import sys
import tempfile

from harness import SOURCE, RunTest, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402
import servers  # noqa: E402

servers.need("nginx", "haproxy", "nghttpx", "openssl")
REQUESTS, CHUNKS = 12, 24
PACED = ("--ttft", "20", "--itl", "10", "--osl", str(CHUNKS))
QUICK = ("--ttft", "2", "--itl", "1", "--osl", str(CHUNKS))
AT_ONCE = ("--streaming", "--concurrency", REQUESTS, "--request-count", REQUESTS)
LOAD = ("--streaming", "--concurrency", 4, "--request-count", REQUESTS)
PASS = "location / { proxy_pass http://proxied; %s }"


def site(inside, listen="127.0.0.1:{port}"):
    return f"server {{ listen {listen}; {inside} }}"


class ProxyTest(RunTest):
    """What the tests share. A class says how they come to nginx: by which listen parameters, and by
    which options of the client."""
    listens, asks, pace = "", (), QUICK

    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory(prefix="tokperf-test-")
        cls.addClassCleanup(cls.holder.cleanup)
        cls.tls = servers.certificate(cls.holder.name)

    def setUp(self):
        super().setUp()
        self.mock = self.start_mock(*self.pace)
        self.upstream = f"127.0.0.1:{self.mock.port}"

    def keep(self, server):
        self.addCleanup(server.__exit__)
        return server

    def nginx(self, inside, before="", listen=None):
        tls = ""
        if "ssl" in self.listens:
            tls = "ssl_certificate %s; ssl_certificate_key %s; " % self.tls
        sites = before + site(tls + inside, listen or "127.0.0.1:{port} " + self.listens)
        return self.keep(servers.Nginx(self.upstream, sites))

    def load(self, server, *arguments, expect=0):
        """A run to the server in the way of this class."""
        secure = "ssl" in self.listens
        trust = ("--cacert", self.tls[0]) if secure else ()
        return self.profile(server.url(scheme="https" if secure else "http"), *trust, *self.asks,
                            *(arguments or LOAD), expect=expect)

    def nobody(self):
        """An address that refuses; it is held, so that no other server takes it."""
        held = socket.socket()
        self.addCleanup(held.close)
        held.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % held.getsockname()[1]

    def haproxy(self, *options, **more):
        return self.keep(servers.Haproxy(self.upstream, options, **more))

    def assert_whole(self, run, count=REQUESTS):
        self.assertEqual(run.outcomes(), {"ok": count}, run.stdout)
        self.assertEqual(run.count("chunk_count"), count * CHUNKS)
        self.assertEqual(run.metric("output_sequence_length", "min"), CHUNKS)

    def coalesced_share(self, run):
        return run.count("coalesced_chunk_count") / run.count("chunk_count")

    def assert_clumped(self, run):
        """Most chunks came with another one, and the result says so in words as well."""
        self.assert_whole(run)
        self.assertGreater(self.coalesced_share(run), 0.6)
        notes = {note["code"]: note["message"] for note in run.json()["verdict"]["notes"]}
        self.assertIn("coalesced", notes)
        self.assertIn(notes["coalesced"], " ".join(run.stdout.split()))
        late = {"read_delay", "loop_lag"} & run.reasons()  # of a machine that is busy otherwise
        self.assertTrue(late or "a proxy that buffers" in notes["coalesced"])
        # the first chunk was held back too: the server sent it after 20 ms
        self.assertGreater(run.metric("time_to_first_token", "p50"), 60)

    def assert_group(self, run, code, count, *says):
        group, = run.json()["error_summary"]
        self.assertEqual((group["error_details"]["code"], group["count"]), (code, count))
        for part in says:
            self.assertIn(part, group["error_details"]["message"])

    def smooth(self, load):
        """A run by load() whose chunks came as they were sent, at least those of one answer: when
        any process stands still, they come together."""
        def attempt():
            run = load()
            self.assert_whole(run)
            run.coalesced = min(row["coalesced_count"]
                                for row in records.read(run.path("records.tkr")).rows)
            return run

        return self.until(attempt, lambda run: run.coalesced < CHUNKS / 2)


class Clumps(ProxyTest):
    pace = PACED

    def test_nginx_that_buffers(self):
        """Its default: HTTP/1.0 upstream, whose body it passes on by full buffers."""
        buffers = ("proxy_http_version 1.0; proxy_buffering %s; proxy_buffer_size 2k; "
                   "proxy_buffers 8 2k;")
        self.assert_clumped(self.load(self.nginx(PASS % (buffers % "on")), *AT_ONCE))
        server = self.nginx(PASS % (buffers % "off"))
        self.smooth(lambda: self.load(server, *AT_ONCE))

    def test_haproxy_that_corks(self):
        for asks in ((), ("--transport", "curl")):
            with self.subTest(asks=asks):
                load = (*asks, *AT_ONCE)
                self.assert_clumped(self.profile(self.haproxy().url(), *load))
                url = self.haproxy("option http-no-delay").url()
                self.smooth(lambda u=url, l=load: self.profile(u, *l))


class Outcomes(ProxyTest):
    def check(self, inside, outcomes, statuses, arguments=LOAD, before="", expect=1):
        """Outcomes of the run, and what the server itself logged."""
        server = self.nginx(inside, before)
        run = self.load(server, *arguments, expect=expect)
        self.assertEqual(run.outcomes(), outcomes)
        self.assertEqual(server.statuses(REQUESTS), statuses)
        self.assertEqual(run.count("error_request_count"), REQUESTS - outcomes.get("ok", 0))
        return run

    def test_401(self):
        """A key that the server asks for, missing and there; the key gets into no file."""
        inside = ('location / { if ($http_authorization != "Bearer sk-Right1234") { '
                  "return 401 '{\"error\":{\"message\":\"no such key\",\"type\":\"auth\"}}'; } "
                  "proxy_pass http://proxied; }")
        run = self.check(inside, {"http_error": REQUESTS}, {401: REQUESTS})
        self.assert_group(run, 401, REQUESTS, "no such key")
        run = self.check(inside, {"ok": REQUESTS}, {200: REQUESTS}, expect=0,
                         arguments=(*LOAD, "--api-key", "sk-Right1234"))
        for path in run.directory.rglob("*"):
            self.assertNotIn(b"sk-Right1234", path.read_bytes() if path.is_file() else b"")

    def test_429_in_full(self):
        run = self.check("location / { add_header Retry-After 3600 always; return 429 'slow down'; }",
                         {"http_error": REQUESTS}, {429: REQUESTS})
        self.assert_group(run, 429, REQUESTS, "slow down", "Retry-After: 3600")

    def test_429_of_a_rate_limit(self):
        """One connection at a time is let through: who is refused is for nginx to say."""
        server = self.nginx(PASS % "limit_conn one 1; limit_conn_status 429;",
                            "limit_conn_zone $binary_remote_addr zone=one:1m;")
        run = self.load(server)
        seen = server.statuses(REQUESTS)
        self.assertGreater(seen[429], 0)
        self.assertEqual(run.outcomes(), {"ok": seen[200], "http_error": seen[429]})
        self.assertEqual(run.count("request_count"), seen[200])
        self.assert_group(run, 429, seen[429])
        self.assertIn("errors", run.reasons())

    def test_502(self):
        run = self.check("location / { proxy_pass http://%s; }" % self.nobody(),
                         {"http_error": REQUESTS}, {502: REQUESTS})
        self.assert_group(run, 502, REQUESTS, "502 Bad Gateway 502 Bad Gateway nginx")

    def test_504(self):
        silent = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.addCleanup(silent.close)
        run = self.check("location / { proxy_pass http://127.0.0.1:%d; proxy_read_timeout 100ms; }"
                         % silent.getsockname()[1], {"http_error": REQUESTS}, {504: REQUESTS})
        self.assert_group(run, 504, REQUESTS, "504 Gateway Time-out")

    def test_an_upstream_that_stalls_in_its_answer(self):
        """nginx cuts its own answer off: the stream was not complete, whatever the status. One that
        it gets late, since the machine stands still, it gives up before it answers."""
        stalling = self.start_mock("--ttft", "5", "--osl", "6", "--itl", "1", "--fault-stall", "1")
        inside = ("location / { proxy_pass http://127.0.0.1:%d; proxy_buffering off; "
                  "proxy_http_version 1.1; proxy_read_timeout 100ms; }" % stalling.port)

        def attempt():
            server = self.nginx(inside)
            run = self.load(server, expect=1)
            seen = server.statuses(REQUESTS)
            self.assertEqual(run.outcomes(), {{200: "truncated", 504: "http_error"}[status]: count
                                              for status, count in seen.items()})
            self.assertEqual({(e["error_details"]["type"], e["count"])
                              for e in run.json()["error_summary"]
                              if e["error_details"]["type"] == "truncated"},
                             {("truncated", count) for status, count in seen.items()
                              if status == 200})
            return seen

        self.until(attempt, lambda seen: 200 in seen)

    def test_a_redirect_is_not_followed(self):
        run = self.check("location / { return 307 https://elsewhere.example/v2$request_uri; }",
                         {"http_error": REQUESTS}, {307: REQUESTS})
        self.assert_group(run, 307, REQUESTS, "https://elsewhere.example/v2/v1/chat/completions")

    def test_a_body_that_is_too_large(self):
        run = self.check("client_max_body_size 1k; " + PASS % "", {"http_error": REQUESTS},
                         {413: REQUESTS}, arguments=(*LOAD, "--isl", 2000))
        self.assert_group(run, 413, REQUESTS, "413 Request Entity Too Large")

    def test_a_large_body_is_spooled(self):
        run = self.check("client_body_buffer_size 8k; client_max_body_size 0; " + PASS % "",
                         {"ok": REQUESTS}, {200: REQUESTS}, arguments=(*LOAD, "--isl", 50000),
                         expect=0)
        self.assertGreater(run.metric("usage_prompt_tokens", "min"), 40000)


class Plain(ProxyTest):
    pace = PACED

    def test_unix_sockets(self):
        for server in (self.nginx(PASS % "", listen="unix:{socket}"),
                       self.haproxy("option http-no-delay", unix=True)):
            with self.subTest(server=type(server).__name__):
                url = f"unix:{server.sockets[0]}"
                run = self.smooth(lambda u=url: self.profile(u, *AT_ONCE))
                self.assertEqual(run.json()["receive_clock"], "process")

    def test_all_that_is_asked_of_a_unix_socket(self):
        """Readiness, cache resets and profilers reach it as the load does; over either transport."""
        steps = ("reset_kv_cache", "start_profile", "stop_profile")
        paths = ("/reset_prefix_cache", "/start_profile", "/stop_profile")
        server = self.nginx("".join("location = %s { return 200; } " % path for path in paths) +
                            PASS % "", listen="unix:{socket}")
        url = f"unix:{server.sockets[0]}"
        for number, transport in enumerate(("native", "curl"), 1):
            with self.subTest(transport=transport):
                run = self.profile(url, "--wait-for-model-timeout", 60, "--reset-kv-cache",
                                   "--server-profiler", "--export-level", "raw", "--transport",
                                   transport, *AT_ONCE)
                self.assert_whole(run)
                self.assertEqual([(c["action"], c["ok"], c["url"])
                                  for c in run.json()["server_control"]],
                                 [(step, True, url + path) for step, path in zip(steps, paths)])
                self.assertEqual(len(run.records("profile_export_raw.jsonl")), REQUESTS)
                asked = number * (REQUESTS + len(steps) + 1)  # the last is that of readiness
                self.assertEqual(server.statuses(asked), {200: asked})

    def test_nghttpx_over_http_1(self):
        server = self.keep(servers.Nghttpx(self.upstream))
        self.smooth(lambda: self.profile(server.url(), *AT_ONCE))

    def test_haproxy_has_no_server(self):
        proxy = self.keep(servers.Haproxy(self.nobody(), ("retries 0",)))
        run = self.profile(proxy.url(), *LOAD, expect=1)
        self.assertEqual(run.outcomes(), {"http_error": REQUESTS})
        self.assert_group(run, 503, REQUESTS, "503 Service Unavailable No server is available")


class Connections(ProxyTest):
    def test_keepalive_requests(self):
        """Closed by the server after every tenth answer, which it says: nothing fails, and no
        request has to be sent twice."""
        server = self.nginx("keepalive_requests 10; " + PASS % "")
        run = self.load(server, "--streaming", "--concurrency", 4, "--request-count", 100)
        self.assert_whole(run, 100)
        self.assertEqual(server.statuses(100), {200: 100})
        new = sum(not r["tokperf"]["connection_reused"] for r in run.records())
        self.assertEqual(new, server.connections())
        self.assertTrue(10 <= new <= 13, new)  # four slots, each of them in the middle at the end
        self.assertEqual(run.count("retry_count"), 0)

    def test_connections_closed_while_idle(self):
        """What nginx closes between two requests is opened again; a request that met the close is
        sent once more, and counted."""
        server = self.nginx("keepalive_timeout 20ms; " + PASS % "")
        run = self.load(server, "--streaming", "--request-rate", 15, "--arrival-pattern",
                        "constant", "--request-count", 12)
        self.assert_whole(run)
        self.assertEqual(server.statuses(12), {200: 12})
        retried = sum(r["tokperf"]["retries"] for r in run.records())
        self.assertEqual(run.count("retry_count"), retried)

    def test_never_kept(self):
        server = self.nginx("keepalive_timeout 0; " + PASS % "")
        run = self.load(server)
        self.assert_whole(run)
        self.assertFalse(any(r["tokperf"]["connection_reused"] for r in run.records()))


class ClumpsOverTls(Clumps):
    listens = "ssl"
    test_haproxy_that_corks = None


class OutcomesOverTls(Outcomes):
    listens = "ssl"


class ConnectionsOverTls(Connections):
    listens = "ssl"


class OutcomesOverCurl(Outcomes):
    asks = ("--transport", "curl")


class ConnectionsOverCurl(Connections):
    asks = ("--transport", "curl")


class ClumpsOverHttp2(ClumpsOverTls):
    listens, asks = "ssl http2", ("--http-version", 2)


class OutcomesOverHttp2(Outcomes):
    listens, asks = "ssl http2", ("--http-version", 2)

    def nginx(self, inside, before="", listen=None):
        """What answers is a server behind the one that is asked, which reads each request to its
        end: else it may reset the stream behind its answer, which libcurl 7.88 drops then."""
        behind = site("access_log off; " + inside, "unix:{home}/behind")
        return super().nginx("client_max_body_size 0; location / { proxy_buffering off; "
                             "proxy_pass http://unix:{home}/behind:; }", before + behind, listen)

    def test_a_body_that_is_too_large(self):
        """nginx resets the stream behind its answer; libcurl 7.88 drops what comes with a reset
        (docs/connections.md), so that some of the answers are not seen."""
        server = super().nginx("client_max_body_size 1k; " + PASS % "")
        run = self.load(server, *LOAD, "--isl", 2000, expect=1)
        seen = run.outcomes()
        self.assertLessEqual(set(seen), {"http_error", "no_response"})
        self.assertEqual(sum(seen.values()), REQUESTS)
        self.assertEqual(server.statuses(REQUESTS), {413: REQUESTS})


class Http2(ProxyTest):
    """Streams share a connection."""
    listens, asks, pace = "ssl http2", ("--http-version", 2), PACED

    def test_one_connection(self):
        server = self.nginx(PASS % "")
        run = self.load(server, "--workers-max", 1, *AT_ONCE)
        self.assert_whole(run)
        self.assertEqual(server.statuses(REQUESTS), {200: REQUESTS})
        self.assertEqual((server.connections(), server.protocols()), (1, {"HTTP/2.0"}))
        self.smooth(lambda: self.load(server, *AT_ONCE))
        self.assertEqual(run.json()["receive_clock"], "process")

    def test_goaway_after_ten_requests(self):
        server = self.nginx("keepalive_requests 10; " + PASS % "")
        run = self.load(server, "--streaming", "--concurrency", 4, "--request-count", 60)
        self.assert_whole(run, 60)
        self.assertEqual(server.statuses(60), {200: 60})
        self.assertGreaterEqual(server.connections(), 6)

    def test_nghttpx(self):
        """With prior knowledge, and agreed upon over TLS."""
        server = self.keep(servers.Nghttpx(self.upstream))
        self.smooth(lambda: self.profile(server.url(), "--http-version", "2-prior-knowledge",
                                         *AT_ONCE))
        secure = self.keep(servers.Nghttpx(self.upstream, self.tls))
        for version in (2, "1.1"):
            self.smooth(lambda v=version: self.profile(
                secure.url(scheme="https"), "--cacert", self.tls[0], "--http-version", v, *AT_ONCE))


if __name__ == "__main__":
    main()
