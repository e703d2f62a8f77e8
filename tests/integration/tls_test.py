# SPDX-License-Identifier: Apache-2.0
"""https:// natively: what is trusted and what is not, the same results as over plain HTTP, stamps of
the kernel, and servers that treat TLS badly."""
import json
import pathlib
import socket
import ssl
import sys
import tempfile
import threading

from harness import SOURCE, RunTest, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402
import servers  # noqa: E402
import tls_server  # noqa: E402

servers.need("openssl")
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
WHOLE = json.dumps({"id": "1", "object": "chat.completion", "usage": USAGE, "choices": [
    {"index": 0, "finish_reason": "stop",
     "message": {"role": "assistant", "content": "one two three four five"}}]}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
WORDS = ["one", " two", " three", " four", " five"]


def event(delta, finish=None, usage=None):
    body = {"id": "1", "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    if usage:
        body["usage"] = usage
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def stream_pieces(words=tuple(WORDS)):
    """A streamed answer: its head, a chunk for each event, the end."""
    pieces = [STREAM_HEAD, chunk(event({"role": "assistant"}))]
    pieces += [chunk(event({"content": word})) for word in words]
    pieces.append(chunk(event({}, "stop", USAGE) + b"data: [DONE]\n\n"))
    return pieces + [b"0\r\n\r\n"]


def whole(connection, _):
    """Answers every request with one JSON object, head and body in a record each."""
    while True:
        connection.request()
        connection.send(HEAD % len(WHOLE), WHOLE)


class TlsTest(RunTest):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory(prefix="tokperf-tls-")
        cls.addClassCleanup(cls.holder.cleanup)
        home = pathlib.Path(cls.holder.name)
        cls.authority = tls_server.Authority(home / "a")
        cls.other = tls_server.Authority(home / "b", "another authority")
        cls.good = cls.authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")
        cls.client = cls.authority.issue("client")

    def serve(self, answer=whole, context=None, **more):
        context = context or tls_server.server_context(*self.good)
        return self.start(tls_server.Server(answer, context, **more))

    def start(self, server):
        self.addCleanup(server.__exit__)
        return server

    def ask(self, server, *arguments, trust=True, host="localhost", **more):
        """Eight requests by two at a time."""
        trusted = ("--cacert", self.authority.file) if trust else ()
        return self.profile(server.url(host), "--request-count", 8, "--concurrency", 2, *trusted,
                            *arguments, **more)

    def failure(self, server, *arguments, **more):
        """The one way in which all requests of a run failed."""
        run = self.ask(server, *arguments, expect=1, **more)
        summary = run.json()["error_summary"]
        self.assertEqual(len(summary), 1, summary)
        self.assertEqual(sum(run.outcomes().values()), summary[0]["count"])
        outcome, = run.outcomes()
        self.run_before = run
        return outcome, run.records()[0]["error"]

    def assert_fails(self, server, type_, *parts, outcome="tls_error", arguments=(), **more):
        got, error = self.failure(server, *arguments, **more)
        self.assertEqual((got, error["type"]), (outcome, type_), error)
        for part in parts:
            self.assertIn(part, error["message"])


class Trust(TlsTest):
    def test_an_authority_of_ones_own(self):
        names = []
        context = tls_server.server_context(
            *self.good, sni_callback=lambda connection, name, context: names.append(name))
        server = self.serve(context=context)
        run = self.ask(server)
        self.assertEqual(run.outcomes(), {"ok": 8})
        self.assertEqual(set(names), {"localhost"})
        self.assertEqual({(v, p) for v, _, p in server.sessions}, {("TLSv1.3", "http/1.1")})
        self.assertLessEqual(server.connections, 2)  # each carries several requests
        self.assertNotIn("tls_not_verified", json.dumps(run.json()["verdict"]))
        self.assertEqual(self.ask(server, host="127.0.0.1").outcomes(), {"ok": 8})
        self.assertEqual(set(names), {"localhost", None})  # an address is not sent as a name

    def test_what_is_not_trusted(self):
        alone = tls_server.server_context(*self.other.issue("localhost"))
        expired = tls_server.server_context(*self.authority.issue("old", "DNS:localhost", -1))
        elsewhere = tls_server.server_context(
            *self.authority.issue("elsewhere", "DNS:elsewhere.test,DNS:second.test"))
        itself = tls_server.server_context(self.other.file, self.other.key)
        for context, parts in (
                (alone, ("unable to get local issuer certificate", "--cacert")),
                (expired, ("certificate has expired", "--insecure")),
                (elsewhere, ("the certificate is for elsewhere.test, second.test", "--resolve")),
                (itself, ("self-signed certificate", "--cacert"))):
            server = self.serve(context=context)
            self.assert_fails(server, "verify", "cannot verify localhost: ", *parts)
            self.assertIn(parts[0], self.run_before.stderr)
            self.assertEqual(server.requests, 0)
            self.assertEqual(self.ask(server, "--insecure", trust=False).outcomes(), {"ok": 8})
        for context, part in ((itself, "give its authority with --cacert"),
                              (elsewhere, "use a name that it has")):
            self.assert_fails(self.serve(context=context), "verify", part,
                              arguments=("--transport", "curl"))
        # by the system's authorities nobody knows ours
        self.assert_fails(self.serve(), "verify", trust=False)

    def test_a_name_can_be_given_an_address(self):
        server = self.serve(context=tls_server.server_context(*self.authority.issue("far.test")))
        where = f"far.test:{server.port}:127.0.0.1"
        self.assertEqual(self.ask(server, "--resolve", where, host="far.test").outcomes(),
                         {"ok": 8})

    def test_insecure_is_said(self):
        run = self.ask(self.serve(), "--insecure", trust=False)
        self.assertTrue(run.json()["input_config"]["benchmark"]["endpoint"]["tls"]["insecure"])
        notes = [note["code"] for note in run.json()["verdict"]["notes"]]
        self.assertIn("tls_not_verified", notes)
        self.assertIn("--insecure", run.stdout)

    def test_client_certificates(self):
        for version in (TLS_1_2, TLS_1_3):
            context = tls_server.server_context(
                *self.good, verify_mode=ssl.CERT_REQUIRED, maximum_version=version)
            context.load_verify_locations(self.authority.file)
            server = self.serve(context=context)
            cert, key = self.client
            run = self.ask(server, "--cert", cert, "--key", key)
            self.assertEqual(run.outcomes(), {"ok": 8})
            self.assert_fails(server, "alert", "client certificate", "--cert")
            cert, key = self.other.issue("client")
            self.assert_fails(server, "alert", "authority of the client certificate",
                              arguments=("--cert", cert, "--key", key))

    def test_wrong_files_and_options(self):
        server = self.serve()
        cert, key = self.client
        locked = self.home / "locked.key"
        self.authority.openssl("pkey", "-in", key, "-aes256", "-passout", "pass:hush-hush", "-out",
                               locked)
        trust = ("--cacert", self.authority.file)
        for arguments, parts in (
                (("--cacert", "/nonexistent"), ("--cacert: cannot read '/nonexistent'",)),
                (("--cacert", key), ("has no certificate in PEM",)),
                ((*trust, "--insecure"), ("--cacert: nothing is verified by it",)),
                ((*trust, "--key", key), ("--key: a key without its certificate",)),
                ((*trust, "--cert", cert), ("--cert: ", "has no private key")),
                ((*trust, "--cert", cert, "--key", self.good[1]), ("is not that of",)),
                ((*trust, "--cert", cert, "--key", locked), ("has a passphrase",))):
            run = self.ask(server, *arguments, trust=False, expect=2)
            for part in parts:
                self.assertIn(part, run.stderr)
            self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
            self.assertFalse(run.directory.exists())
        for option in (("--cacert", "x"), ("--insecure",), ("--cert", "x"),
                       ("--tls-min-version", "1.3")):
            run = self.profile("http://localhost:1", *option, expect=2)
            self.assertIn(f"{option[0]}: no --url is https", run.stderr)
        self.assertEqual(server.connections, 0)


class Handshakes(TlsTest):
    def test_versions(self):
        old = self.serve(context=tls_server.server_context(*self.good, maximum_version=TLS_1_2))
        self.assertEqual(self.ask(old).outcomes(), {"ok": 8})
        self.assertEqual({version for version, _, _ in old.sessions}, {"TLSv1.2"})
        self.assert_fails(old, "version", "--tls-min-version",
                          arguments=("--tls-min-version", "1.3"))

    def test_sessions_are_resumed(self):
        for version in (TLS_1_2, TLS_1_3):
            server = self.serve(
                context=tls_server.server_context(*self.good, maximum_version=version))
            run = self.profile(server.url(), "--cacert", self.authority.file, "--request-count", 20,
                               "--concurrency", 1, "--workers-max", 1,
                               "--connection-reuse-strategy", "never")
            self.assertEqual(run.outcomes(), {"ok": 20})
            self.assertEqual(server.connections, 20)
            self.assertEqual([resumed for _, resumed, _ in server.sessions], [False] + [True] * 19)

    def test_no_tls_at_the_other_end(self):
        def refuse(connection, _):
            connection.read()
            connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        plain = self.start(tls_server.Server(refuse))
        plain.url = lambda host: f"https://{host}:{plain.port}"
        self.assert_fails(plain, "not_tls", "use http://")

    def test_a_server_that_closes_or_resets(self):
        closing = self.serve(begin=lambda sock: sock.shutdown(socket.SHUT_WR))
        self.assert_fails(closing, "closed", "TLS handshake")

        def reset(sock):
            sock.recv(1)  # the rest is unread: that resets
            sock.close()
        self.assert_fails(self.serve(begin=reset), "reset", "TLS handshake")

    def test_a_server_that_is_silent_holds_up_nobody_else(self):
        """It says nothing until the good one has answered all of its requests."""
        answered, all_answered, held_up = [], threading.Event(), []

        def answer(connection, _):
            while True:
                connection.request()
                connection.send(HEAD % len(WHOLE), WHOLE)
                answered.append(1)
                if len(answered) == 24:
                    all_answered.set()

        def wait(sock):
            sock.recv(1 << 20)
            if not all_answered.wait(30):
                held_up.append(sock)
            sock.shutdown(socket.SHUT_RDWR)
        urls = ",".join([self.serve(answer).url()] * 3 + [self.serve(begin=wait).url()])
        run = self.profile(urls, "--cacert", self.authority.file, "--request-count", 32,
                           "--request-rate", 100, "--workers-max", 1, "--arrival-pattern",
                           "constant", "--connect-timeout-seconds", 60)
        self.assertEqual(run.outcomes(), {"ok": 24, "tls_error": 8})
        self.assertEqual(held_up, [])

    def test_a_server_that_is_silent_is_not_waited_for_any_longer(self):
        silent = self.serve(begin=lambda sock: sock.recv(1 << 20) and sock.recv(1))
        self.assert_fails(silent, "connect", "TLS handshake", outcome="timeout",
                          arguments=("--connect-timeout-seconds", 0.2))

    def test_times(self):
        run = self.ask(self.serve(), "--export-http-trace", "--workers-max", 1)
        rows = records.read(run.path("records.tkr")).rows
        fresh = [row for row in rows if row["connect_start_ns"]]
        self.assertEqual(len(fresh), 2)
        for row in fresh:
            self.assertLess(row["connect_start_ns"], row["tls_start_ns"])
            self.assertLess(row["tls_start_ns"], row["connect_end_ns"])
            self.assertLessEqual(row["connect_end_ns"], row["send_start_ns"])
        self.assertTrue(all(row["tls_start_ns"] == 0 for row in rows if row not in fresh))
        longest = max(row["connect_end_ns"] - row["tls_start_ns"] for row in fresh)
        self.assertAlmostEqual(run.metric("http_req_tls_handshaking", "max"), longest / 1e6,
                               places=6)
        self.assertEqual(run.metric("http_req_tls_handshaking", "count"), 2)


class EachTransport(TlsTest):
    """What fails has the outcome and the type that docs/connections.md lists, over either one."""

    def asked_for_a_certificate(self, version):
        context = tls_server.server_context(*self.good, verify_mode=ssl.CERT_REQUIRED,
                                            maximum_version=version)
        context.load_verify_locations(self.authority.file)
        return self.serve(context=context)

    def test_failures(self):
        def reset(sock):
            sock.recv(1)  # the rest is unread: that resets
            sock.close()
        old = tls_server.server_context(*self.good, maximum_version=TLS_1_2)
        elsewhere = tls_server.server_context(*self.authority.issue("elsewhere"))
        stranger = self.other.issue("client")
        stranger = ("--cert", stranger[0], "--key", stranger[1])
        for type_, server, arguments, advice in (
                ("alert", self.asked_for_a_certificate(TLS_1_2), (), "--cert"),
                ("alert", self.asked_for_a_certificate(TLS_1_3), (), "--cert"),
                ("alert", self.asked_for_a_certificate(TLS_1_2), stranger, "--cert"),
                ("alert", self.asked_for_a_certificate(TLS_1_3), stranger, "--cert"),
                ("version", self.serve(context=old), ("--tls-min-version", "1.3"),
                 "--tls-min-version"),
                ("closed", self.serve(begin=lambda sock: sock.shutdown(socket.SHUT_WR)), (),
                 "TLS handshake"),
                ("reset", self.serve(begin=reset), (), "TLS handshake"),
                ("verify", self.serve(context=elsewhere), (), "--resolve"),
                ("verify", self.serve(), ("--cacert", self.other.file), "--cacert")):
            for transport in "native", "curl":
                with self.subTest(type=type_, arguments=arguments, transport=transport):
                    trust = "--cacert" not in arguments
                    self.assert_fails(server, type_, advice, trust=trust,
                                      arguments=(*arguments, "--transport", transport))


class Answers(TlsTest):
    def stream(self, server, *arguments, **more):
        return self.ask(server, "--streaming", *arguments, **more)

    def assert_five_words(self, run):
        self.assertEqual(run.outcomes(), {"ok": 8})
        self.assertEqual(run.count("chunk_count"), 8 * 5)
        self.assertEqual(run.metric("output_sequence_length", "min"), 5)

    def test_the_same_as_plain_http(self):
        def answer(connection, _):
            while True:
                connection.request()
                connection.send(*stream_pieces())
        facts = []
        for server in (self.serve(answer), self.start(tls_server.Server(answer))):
            trust = bool(server.context)
            run = self.stream(server, "--export-http-trace", "--random-seed", 3, "--workers-max", 1,
                              trust=trust)
            self.assert_five_words(run)
            rows = records.read(run.path("records.tkr")).rows
            facts.append([(row["outcome"], row["prompt_hash"], row["received_bytes"],
                           row["chunk_count"], row["http_status"], row["finish_reason"],
                           row["text_bytes"]) for row in sorted(rows, key=lambda r: r["ordinal"])])
            self.assertEqual(server.connections, 2)
        self.assertEqual(*facts)

    def test_stamps_of_the_kernel(self):
        def answer(connection, _):
            while True:
                connection.request()
                for piece in stream_pieces():
                    connection.send(piece)
        run = self.stream(self.serve(answer), "--receive-clock", "kernel", expect=None)
        if run.code == 3 and "no kernel receive stamps" in run.stderr:
            self.skipTest(run.stderr)
        self.assert_five_words(run)
        self.assertEqual(run.json()["receive_clock"], "kernel")
        log = records.read(run.path("records.tkr"))
        self.assertEqual(log.phases[-1]["unstamped_reads"], 0)
        for row in log.rows:
            self.assertGreater(row["read_delay_ns"], 0)  # the stamp is earlier than the read
            self.assertLess(row["send_start_ns"], row["first_byte_ns"])
            self.assertEqual(row["chunk_ns"], sorted(row["chunk_ns"]))

    def test_records_cut_anywhere(self):
        data = b"".join(stream_pieces())

        def bytewise(connection):
            connection.send(*(data[i:i + 1] for i in range(len(data))))

        def in_segments(connection):
            sealed = connection.encrypt(data)
            for at in range(0, len(sealed), 97):
                connection.sock.sendall(sealed[at:at + 97])

        def in_two_records(connection):
            half = len(data) // 2
            connection.send(data[:half])
            connection.send(data[half:])
        for way in (bytewise, in_segments, in_two_records):
            def answer(connection, _, way=way):
                while True:
                    connection.request()
                    way(connection)
            self.assert_five_words(self.stream(self.serve(answer)))

    def test_large_answers_and_requests(self):
        words = [" word" * 8000] * 20  # 40 kB an event: each in three records

        def answer(connection, _):
            while True:
                _, body = connection.request()
                lengths.append(len(json.loads(body)["messages"][0]["content"]))
                connection.send(b"".join(stream_pieces(words)))
        lengths = []
        run = self.stream(self.serve(answer), "--isl", 60000)
        self.assertEqual(run.outcomes(), {"ok": 8})
        self.assertEqual(run.count("chunk_count"), 8 * 20)
        self.assertEqual(len(lengths), 8)
        self.assertGreater(min(lengths), 200000)

    def test_an_end_that_is_not_announced_cuts_the_answer(self):
        for polite, outcome in ((True, "ok"), (False, "truncated")):
            def answer(connection, _, polite=polite):
                connection.request()
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                b"Connection: close\r\n\r\n" + WHOLE)
                if polite:
                    connection.say_goodbye()
            run = self.ask(self.serve(answer), expect=None)
            self.assertEqual(run.outcomes(), {outcome: 8})

    def test_an_answer_that_tls_breaks_off(self):
        def answer(connection, _):
            connection.request()
            connection.send(*stream_pieces()[:4])
            connection.sock.sendall(b"\x17\x03\x03\x00\x20" + b"?" * 32)
            connection.request()
        run = self.stream(self.serve(answer), expect=None)
        self.assertEqual(run.outcomes(), {"truncated": 8})

    def test_a_connection_that_was_closed_meanwhile(self):
        for polite in (True, False):
            def answer(connection, _, polite=polite):
                for _ in range(2):
                    connection.request()
                    connection.send(HEAD % len(WHOLE), WHOLE)
                if polite:
                    connection.say_goodbye()
            server = self.serve(answer)
            run = self.profile(server.url(), "--cacert", self.authority.file, "--concurrency", 4,
                               "--request-count", 200)
            self.assertEqual(run.outcomes(), {"ok": 200})
            retried = sum(r["tokperf"]["retries"] for r in run.records())
            self.assertEqual(run.count("retry_count"), retried)
            self.assertLessEqual(retried, 100)

    def test_connections_are_kept(self):
        server = self.serve()
        run = self.profile(server.url(), "--cacert", self.authority.file, "--concurrency", 16,
                           "--request-count", 3000)
        self.assertEqual(run.outcomes(), {"ok": 3000})
        self.assertLessEqual(server.connections, 16)

    def test_no_credential_is_written(self):
        server = self.serve()
        url = server.url().replace("://", "://user:pass-word-1@")
        run = self.profile(url, "--cacert", self.authority.file, "--request-count", 4,
                           "-H", "X-Api-Key: secret-key-2", "--streaming")
        for file in filter(pathlib.Path.is_file, run.directory.rglob("*")):
            for secret in (b"pass-word-1", b"secret-key-2"):
                self.assertNotIn(secret, file.read_bytes(), file.name)


class Readiness(TlsTest):
    def test_the_same_trust(self):
        def answer(connection, _):
            while True:
                head, _ = connection.request()
                models = b'{"data":[{"id":"test"}]}'
                body = models if head.startswith("GET") else WHOLE
                connection.send(HEAD % len(body), body)
        context = tls_server.server_context(*self.good, verify_mode=ssl.CERT_REQUIRED)
        context.load_verify_locations(self.authority.file)
        server = self.serve(answer, context=context)
        cert, key = self.client
        own = ("--cert", cert, "--key", key, "--wait-for-model-timeout", 60, "--wait-for-model-mode",
               "both", "--wait-for-model-interval", 0.1)
        self.assertEqual(self.ask(server, *own).outcomes(), {"ok": 8})
        run = self.ask(server, *own[:4], "--wait-for-model-timeout", 60,
                       "--wait-for-model-interval", 60, trust=False, expect=1)
        self.assertIn("give its authority with --cacert", run.stderr)
        where = f"far.test:{server.port}:127.0.0.1"
        self.assertEqual(self.ask(server, *own, "--insecure", "--resolve", where, trust=False,
                                  host="far.test").outcomes(), {"ok": 8})


if __name__ == "__main__":
    main()
