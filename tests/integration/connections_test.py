# SPDX-License-Identifier: Apache-2.0
"""Which request goes over which connection, and to which address: counted by the server."""
import json
import pathlib
import socket
import sys
import tempfile

from harness import SOURCE, RunTest, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import servers  # noqa: E402
import tls_server  # noqa: E402

servers.need("openssl")
WHOLE = json.dumps({"id": "1", "object": "chat.completion", "choices": [
    {"index": 0, "finish_reason": "stop",
     "message": {"role": "assistant", "content": "five words are in here"}}]}).encode()
TURNS = ("--session-turns-mean", 3, "--session-turn-delay-mean", 5)


class Log:
    """An answer that notes for each connection whose requests it carried; after `limit` of them it
    lets go of the connection without a word."""

    def __init__(self, limit=None):
        self.limit = limit
        self.by_connection = {}

    def __call__(self, connection, number):
        seen = self.by_connection.setdefault(number, [])
        while self.limit is None or len(seen) < self.limit:
            head, _ = connection.request()
            fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
            seen.append((fields["x-correlation-id"], fields["x-request-id"],
                         fields.get("connection")))
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                            b"Content-Length: %d\r\n\r\n" % len(WHOLE), WHOLE)

    def conversations(self):
        """Of each connection that carried any."""
        return [[conversation for conversation, _, _ in seen]
                for seen in self.by_connection.values() if seen]


class ConnectionsTest(RunTest):
    def serve(self, log, context=None, **more):
        server = tls_server.Server(log, context, **more)
        self.addCleanup(server.__exit__)
        return server

    def by_strategy(self, server, strategy, *arguments, **more):
        run = self.profile(server.url(), "--connection-reuse-strategy", strategy, "--concurrency",
                           4, *arguments, **more)
        self.assertEqual(set(run.outcomes()), {"ok"}, run.stdout)
        return run


class Reuse(ConnectionsTest):
    def test_pooled(self):
        log = Log()
        self.by_strategy(self.serve(log), "pooled", "--num-sessions", 12, *TURNS)
        self.assertLessEqual(len(log.conversations()), 4)
        self.assertEqual(sum(map(len, log.conversations())), 36)
        self.assertTrue(any(len(set(c)) > 1 for c in log.conversations()))

    def test_never(self):
        log = Log()
        self.by_strategy(self.serve(log), "never", "--num-sessions", 4, *TURNS)
        self.assertEqual([len(c) for c in log.conversations()], [1] * 12)
        self.assertEqual({seen[0][2] for seen in log.by_connection.values()}, {"close"})

    def assert_sticky(self, log, run, conversations):
        self.assertEqual(len(log.conversations()), conversations)
        for carried in log.conversations():
            self.assertEqual([len(carried), len(set(carried))], [3, 1])
        self.assertEqual({seen[2] for all_ in log.by_connection.values() for seen in all_}, {None})
        for record in run.records():
            later = record["metadata"]["turn_index"] > 0
            self.assertEqual(record["tokperf"]["connection_reused"], later)
        self.assertEqual(run.count("retry_count"), 0)

    def test_sticky(self):
        log = Log()
        run = self.by_strategy(self.serve(log), "sticky-user-sessions", "--num-sessions", 12,
                               "--warmup-request-count", 6, *TURNS)
        self.assert_sticky(log, run, 14)

    def test_sticky_over_tls(self):
        with tempfile.TemporaryDirectory(prefix="tokperf-tls-") as home:
            authority = tls_server.Authority(pathlib.Path(home))
            context = tls_server.server_context(*authority.issue("localhost"))
            log = Log()
            run = self.by_strategy(self.serve(log, context), "sticky-user-sessions",
                                   "--num-sessions", 12, *TURNS, "--cacert", authority.file)
            self.assert_sticky(log, run, 12)

    def test_a_sticky_connection_that_is_gone_is_made_again(self):
        log = Log(limit=2)  # the third turn finds it closed
        run = self.by_strategy(self.serve(log), "sticky-user-sessions", "--num-sessions", 12,
                               "--session-turns-mean", 3)
        carried = log.conversations()
        self.assertTrue(all(len(set(c)) == 1 for c in carried), "never shared")
        self.assertEqual(len(carried), 24)
        self.assertEqual(run.count("request_count"), 36)

    def test_sticky_ends_by_time(self):
        for seconds in (0.3, 3, 20):  # a slow machine sends nothing in the first
            log = Log()
            run = self.profile(self.serve(log).url(), "--connection-reuse-strategy",
                               "sticky-user-sessions", "--concurrency", 4, "--benchmark-duration",
                               seconds, "--session-turns-mean", 50, "--session-turn-delay-mean", 1,
                               "--isl", 5, expect=None)
            if run.code == 0:
                break
        self.assertEqual(set(run.outcomes()), {"ok"}, run.stdout)
        self.assertTrue(all(len(set(c)) == 1 for c in log.conversations()))
        self.assertEqual(sum(map(len, log.conversations())), run.count("request_count"))


class Addresses(ConnectionsTest):
    def test_ip_version(self):
        v4, v6 = Log(), Log()
        first = self.serve(v4)
        try:
            second = self.serve(v6, host="::1", port=first.port)
        except OSError as error:
            self.skipTest(f"no IPv6 loopback: {error}")

        def run(*arguments):
            self.profile(first.url("both.test"), "--connection-reuse-strategy", "never", "--resolve",
                         f"both.test:{first.port}:127.0.0.1,[::1]", "--request-count", 6,
                         *arguments)
            counts = len(v4.conversations()), len(v6.conversations())
            v4.by_connection.clear(), v6.by_connection.clear()
            return counts
        self.assertEqual(run(), (6, 0))
        self.assertEqual(run("--ip-version", 4), (6, 0))
        self.assertEqual(run("--ip-version", 6), (0, 6))
        second.__exit__()  # a preference, no condition
        self.assertEqual(run("--ip-version", 6), (6, 0))

    def test_resolve(self):
        log = Log()
        server = self.serve(log)
        # nobody listens at the first address: the second is tried
        rule = f"api.test:{server.port}:127.0.0.77,127.0.0.1"
        run = self.profile(server.url("API.test"), "--resolve", rule, "--request-count", 6)
        self.assertEqual(run.outcomes(), {"ok": 6})
        self.assertEqual(len(log.conversations()), 1)

    def test_urls_take_turns_by_conversation(self):
        """Whatever carries the requests, and with TLS to some of the servers."""
        authority = tls_server.Authority(self.home)
        context = tls_server.server_context(*authority.issue("localhost"))
        for transport in "native", "curl":
            with self.subTest(transport=transport):
                logs = [Log(), Log(), Log()]
                urls = ",".join(self.serve(log, secure).url()
                                for log, secure in zip(logs, (context, None, context)))
                run = self.profile(urls, "--num-sessions", 9, *TURNS, "--concurrency", 2,
                                   "--workers-max", 2, "--transport", transport, "--cacert",
                                   authority.file)
                self.assertEqual(run.outcomes(), {"ok": 27})
                self.assertEqual(run.json()["transport"], transport)
                for number, log in enumerate(logs):
                    mine = {r["metadata"]["x_correlation_id"] for r in run.records()
                            if r["metadata"]["session_num"] % 3 == number}
                    self.assertEqual({c for carried in log.conversations() for c in carried}, mine)


if __name__ == "__main__":
    main()
