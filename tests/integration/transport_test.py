# SPDX-License-Identifier: Apache-2.0
"""The transports: what goes through libcurl ends as it does through the native one, with the same
counts, outcomes and texts, and which of them carries the requests is said."""
import socket
import threading

import outcomes_test
from harness import RUN_DEADLINE_S, Run, RunTest, main

CURL = ("--transport", "curl")


class OutcomesOverCurl(outcomes_test.Outcomes):
    """Every test of the outcomes, through libcurl."""

    def profile(self, mock, *arguments, **more):
        return super().profile(mock, *arguments, *CURL, **more)


class Transport(RunTest):
    # of a record: what does not depend on when it happened
    SAME = ("outcome", "chunk_count", "retries", "finish_reason", "turn_index", "prompt_hash")

    def facts(self, run):
        rows = []
        for record in run.records():
            tokperf = record["tokperf"]
            metrics = {tag: record["metrics"][tag]["value"]
                       for tag in ("input_sequence_length", "output_sequence_length")
                       if tag in record["metrics"]}
            rows.append((record["metadata"]["session_num"], record["metadata"].get("turn_index"),
                         tuple(tokperf.get(key) for key in self.SAME), tuple(metrics.items())))
        return sorted(rows, key=repr)

    def both(self, mock_options, *arguments, expect=0):
        """The same run over each transport, against a server that begins anew; their facts."""
        found = []
        for transport in "native", "curl":
            mock = self.start_mock("--seed", "3", *mock_options)
            run = self.profile(mock, "--random-seed", 7, "--transport", transport, *arguments,
                               expect=expect)
            found.append((run, self.facts(run)))
        self.assertTrue(found[0][1])
        return found

    def assert_same(self, found):
        self.assertEqual(found[0][1], found[1][1])
        for tag in ("request_count", "error_request_count", "chunk_count", "retry_count",
                    "total_output_tokens"):
            self.assertEqual(found[0][0].count(tag), found[1][0].count(tag), tag)

    def test_streams_are_the_same(self):
        self.assert_same(self.both(("--ttft", "2", "--itl", "1", "--osl", "12"), "--streaming",
                                   "--concurrency", 1, "--request-count", 20))

    def test_whole_answers_are_the_same(self):
        self.assert_same(self.both(("--fast", "--osl", "12"), "--concurrency", 1,
                                   "--request-count", 20))

    def test_answers_that_the_next_turn_repeats_are_the_same(self):
        """The length of a later prompt is that of the answers before: their texts were the same."""
        self.assert_same(self.both(("--fast", "--osl", "12"), "--streaming", "--concurrency", 1,
                                   "--num-conversations", 5, "--session-turns-mean", 4))

    def test_the_clock_and_the_transport_are_said(self):
        mock = self.start_mock("--fast")
        run = self.profile(mock, "--request-count", 3, *CURL)
        self.assertEqual(run.json()["receive_clock"], "process")
        self.assertEqual(run.json()["transport"], "curl")
        native = self.profile(mock, "--request-count", 3)
        self.assertEqual(native.json()["transport"], "native")
        done = Run(["report", str(native.directory)], native.directory)
        self.assertEqual(done.code, 0, done.stderr)
        self.assertEqual(native.json()["transport"], "native")

    def test_connections(self):
        """Kept ones are used again; with `never` each request has its own."""
        mock = self.start_mock("--fast")
        load = ("--concurrency", 4, "--request-count", 40, *CURL)
        self.profile(mock, *load)
        kept = mock.counters()["connections_accepted_total"]
        self.assertLessEqual(kept, 5)  # and the one that asks for the counters
        run = self.profile(mock, *load, "--connection-reuse-strategy", "never")
        self.assertEqual(run.outcomes(), {"ok": 40})
        self.assertEqual(mock.counters()["connections_accepted_total"], kept + 41)

    def test_many_at_once(self):
        """More than one multi handle holds, and bodies that need many writes."""
        mock = self.start_mock("--ttft", "30", "--itl", "1", "--osl", "4")
        run = self.profile(mock, "--streaming", "--concurrency", 150, "--request-count", 450,
                           "--isl", 2000, *CURL)
        self.assertEqual(run.outcomes(), {"ok": 450})
        self.assertLessEqual(mock.counters()["connections_accepted_total"], 151)

    def test_a_phase_that_ends_cancels(self):
        mock = self.start_mock("--ttft", "1", "--itl", "50", "--osl", "1000")
        run = self.profile(mock, "--streaming", "--concurrency", 5, "--benchmark-duration", "1.5",
                           "--benchmark-grace-period", "0", *CURL, expect=None)
        self.assertEqual(run.outcomes(), {"cancelled": 5})

    def test_a_large_body_and_an_early_answer(self):
        """A server that answers before it has read the request, and closes."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)  # ends accept()
        body = b'{"error":{"message":"too much"}}'

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(RUN_DEADLINE_S)
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: %d\r\n"
                                       b"Content-Type: application/json\r\n\r\n" % len(body) + body)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(1 << 20):  # else a reset could destroy the answer
                        pass

        threading.Thread(target=serve, daemon=True).start()
        url = "http://127.0.0.1:%d" % server.getsockname()[1]
        for transport in "native", "curl":
            with self.subTest(transport=transport):
                run = self.profile(url, "--isl", 400000, "--request-count", 2, "--concurrency", 1,
                                   "--num-dataset-entries", 1, "--transport", transport, expect=1)
                self.assertEqual(run.outcomes(), {"http_error": 2}, run.stdout)
                self.assertIn("too much", run.records()[0]["error"]["message"])

    def show(self, *arguments, expect=0):
        run = Run(["config", "show", "--url", "http://localhost:1", *arguments])
        self.assertEqual(run.code, expect, run.stderr)
        return run

    def test_config_show_says_which_and_why(self):
        self.assertIn("# transport: native (nothing asked for needs libcurl)", self.show().stdout)
        self.assertIn("# transport: curl (--transport asks for it)", self.show(*CURL).stdout)
        shown = self.show("--proxy", "http://user:geheim@127.0.0.1:3128").stdout
        self.assertIn("# transport: curl (--proxy needs it)", shown)
        self.assertNotIn("geheim", shown)
        self.assertIn("needs it", self.show("--http-version", "2-prior-knowledge").stdout)

    def test_what_does_not_go_together_is_refused(self):
        proxy = ("--proxy", "http://127.0.0.1:3128")
        for arguments, says in (
                (("--transport", "native", *proxy), "needs libcurl"),
                (("--transport", "native", "--http-version", "2-prior-knowledge"), "needs libcurl"),
                ((*CURL, "--receive-clock", "kernel"), "kernel's stamps"),
                ((*CURL, "--connection-reuse-strategy", "sticky-user-sessions"), "conversation"),
                (("--http-version", "2"), "2-prior-knowledge"),
                (("--url", "https://localhost:1", "--http-version", "2"), "2-prior-knowledge"),
                ((*proxy, "--resolve", "localhost:1:127.0.0.1"), "finds the servers' addresses"),
                (("--proxy", "127.0.0.1:3128"), "no scheme"),
                (("--proxy", "ftp://127.0.0.1:3128"), "no scheme"),
                (("--proxy", "http://127.0.0.1"), "no port"),
                (("--proxy", "http://127.0.0.1:3128/x"), "path"),
                (("--proxy", "socks5://u:geheim@127.0.0.1:99999"), "port")):
            with self.subTest(arguments=arguments):
                run = self.show(*arguments, expect=2)
                self.assertIn(says, run.stderr)
                self.assertNotIn("geheim", run.stderr)
        for url, more in (("unix:/tmp/none", proxy), ("mock:", ("--http-version", "2")),
                          ("https://localhost", ("--http-version", "2-prior-knowledge"))):
            with self.subTest(url=url):
                self.assertEqual(Run(["config", "show", "--url", url, *more]).code, 2)


if __name__ == "__main__":
    main()
