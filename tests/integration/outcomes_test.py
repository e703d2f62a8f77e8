# SPDX-License-Identifier: Apache-2.0
"""Every fault of the mock server has its one outcome, and only ok requests count."""
import json
import os
import select
import signal
import socket
import sys
import threading
import time

from harness import SOURCE, RunTest, main
from live import stand_still, wait_until

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402

REQUESTS = 12
DEADLINE_S = 60


def read_request(connection):
    """Head and body of a request; None when the client has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(1 << 16)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split()[0])
    while len(body) < length:
        body += connection.recv(1 << 16)
    return head, body


class Outcomes(RunTest):
    def run_with(self, *faults, arguments=(), expect=1):
        mock = self.start_mock("--ttft", "1", "--itl", "1", "--osl", "6", *faults)
        return self.profile(mock, "--streaming", "--concurrency", 3, "--request-count", REQUESTS,
                            *arguments, expect=expect)

    def run_to_each(self, options, expect):
        """One run of REQUESTS to each of several servers; of each its exported lines."""
        mocks = [self.start_mock("--ttft", "1", "--itl", "1", "--osl", "6", *one)
                 for one in options]
        return self.profile_each(mocks, REQUESTS, "--streaming", "--concurrency", 3,
                                 expect=expect)

    def test_each_fault_has_one_outcome(self):
        table = (
            ("--fault-429", "http_error"),
            ("--fault-500", "http_error"),
            ("--fault-503", "http_error"),
            ("--fault-stream-error", "stream_error"),
            ("--fault-truncate", "truncated"),
            ("--fault-reset", "truncated"),
            ("--fault-half-headers", "truncated"),
            ("--fault-empty", "empty"),
            ("--fault-bad-json", "parse_error"),
        )
        run, servers = self.run_to_each([(fault, "1") for fault, _ in table], expect=1)
        for (fault, outcome), lines in zip(table, servers):
            with self.subTest(fault=fault):
                self.assertEqual([r["tokperf"]["outcome"] for r in lines], [outcome] * REQUESTS)
                self.assertTrue(all("error" in r for r in lines))
        self.assertEqual(run.count("error_request_count"), REQUESTS * len(table))
        self.assertEqual(run.metric("request_error_rate"), 100.0)
        self.assertNotIn("request_throughput", run.json())
        self.assertEqual(run.json()["verdict"]["status"], "invalid")
        self.assertEqual(sum(e["count"] for e in run.json()["error_summary"]),
                         REQUESTS * len(table))

    def test_http_error_carries_the_code_and_message(self):
        run = self.run_with("--fault-429", "1")
        details = run.json()["error_summary"][0]["error_details"]
        self.assertEqual(details["code"], 429)
        self.assertEqual(run.records()[0]["error"]["code"], 429)
        self.assertTrue(details["message"])

    def test_short_length_is_truncated(self):
        mock = self.start_mock("--osl", "6", "--fast", "--fault-short-length", "1")
        run = self.profile(mock, "--concurrency", 2, "--request-count", REQUESTS, expect=1)
        self.assertEqual(run.outcomes(), {"truncated": REQUESTS})

    def test_idle_timeout_ends_a_stalled_stream(self):
        run = self.run_with("--fault-stall", "1", arguments=("--idle-timeout-seconds", "0.1"))
        self.assertEqual(run.outcomes(), {"timeout": REQUESTS})
        self.assertIn("idle", run.records()[0]["error"]["type"] + run.records()[0]["error"]["message"])

    def start_raw_server(self, serve):
        """A server whose connections are handled by serve(connection), each on its thread."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        # else accept() goes on waiting, and may one day do so at another's socket of the same number
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)

        def accept():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    def test_first_byte_timeout(self):
        kept = []

        def read_and_keep(connection):
            kept.append(connection)
            connection.recv(1 << 20)

        url = self.start_raw_server(read_and_keep)
        run = self.profile(url, "--concurrency", 3, "--request-count", 3,
                           "--first-byte-timeout-seconds", "0.1", expect=1)
        self.assertEqual(run.outcomes(), {"timeout": 3})
        self.assertIn("first_byte", run.records()[0]["error"]["type"])

    def test_total_timeout(self):
        mock = self.start_mock("--ttft", "1", "--itl", "20", "--osl", "1000")
        run = self.profile(mock, "--streaming", "--concurrency", 3, "--request-count", 3,
                           "--request-timeout-seconds", "0.2", expect=1)
        self.assertEqual(run.outcomes(), {"timeout": 3})
        self.assertIn("total", run.records()[0]["error"]["type"])

    def test_what_came_while_the_client_stood_still_was_in_time(self):
        """The client is stopped while it waits, and gets its answer before it goes on, long after
        its deadline, or the end of the phase: what came in time counts, not when it was read."""
        for deadline in (("--first-byte-timeout-seconds", "0.5"),
                         ("--benchmark-duration", "0.5", "--benchmark-grace-period", "0")):
            with self.subTest(deadline=deadline):
                self.until(lambda d=deadline: self.stopped_in_time(d), lambda in_time: in_time)

    def stopped_in_time(self, deadline):
        """False: the client had given up, or had not asked, before it could be stopped."""
        clients, seen = [], []

        def serve(connection):
            if not read_request(connection):
                return
            stand_still(clients[0].pid)
            waits = not select.select([connection], [], [], 0)[0]  # else it has closed
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                               b"Connection: close\r\n\r\n"
                               b'{"choices":[{"index":0,"finish_reason":"stop",'
                               b'"message":{"role":"assistant","content":"hi"}}]}')
            connection.close()
            time.sleep(0.6)  # past the client's deadline
            seen.append(waits)
            os.kill(clients[0].pid, signal.SIGCONT)

        url = self.start_raw_server(serve)
        clients.append(self.start_profile(url, "--request-count", 1, *deadline))
        code = clients[0].wait(timeout=DEADLINE_S)
        if seen == [True]:
            self.assertEqual(code, 0, clients[0].communicate())
        return seen == [True]

    def test_not_streamed_is_ok_and_said(self):
        run = self.run_with("--fault-not-streamed", "1", expect=0)
        self.assertEqual(run.outcomes(), {"ok": REQUESTS})
        self.assertNotIn("time_to_first_token", run.json())
        self.assertIn("not_streamed", run.reasons())

    def test_stale_keep_alive_is_retried_once_and_counted(self):
        run = self.run_with("--fault-close-idle", "0.3", "--seed", "5", expect=0)
        self.assertEqual(run.outcomes(), {"ok": REQUESTS})
        retried = [r for r in run.records() if r["tokperf"]["retries"]]
        self.assertTrue(retried)
        self.assertTrue(all(r["tokperf"]["retries"] == 1 for r in retried))

    def test_nobody_listens(self):
        with socket.socket() as bound:  # not listening: refused, and nobody else gets the port
            bound.bind(("127.0.0.1", 0))
            run = self.profile(f"http://127.0.0.1:{bound.getsockname()[1]}", "--concurrency", 2,
                               "--request-count", 500, expect=1)
        outcomes = run.outcomes()
        self.assertEqual(set(outcomes), {"connect_error"})
        self.assertLess(outcomes["connect_error"], 250)  # ended long before the 500
        self.assertIn("in a row", run.stderr)
        self.assertIn("ended_early", run.reasons())

    def test_nobody_listens_at_any_url(self):
        with socket.socket() as one, socket.socket() as two:
            urls = []
            for bound in one, two:
                bound.bind(("127.0.0.1", 0))
                urls.append(f"http://127.0.0.1:{bound.getsockname()[1]}")
            run = self.profile(urls[0], "--url", urls[1], "--request-count", 500, expect=1)
        self.assertIn(f"{urls[0]}, {urls[1]} failed: is the server running", run.stderr)

    def test_a_full_backlog_of_a_unix_socket_is_waited_for(self):
        path = self.home / "server"
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(str(path))
        server.listen(1)
        body = (b'{"choices":[{"index":0,"finish_reason":"stop",'
                b'"message":{"role":"assistant","content":"hi"}}]}')

        def waiting():
            """Connections that the kernel holds for the server."""
            with open("/proc/net/unix", encoding="utf-8") as table:
                return sum(line.endswith(f" {path}\n") for line in table) - 1

        def serve():
            wait_until(lambda: waiting() == 2, "a full backlog")
            for _ in range(12):
                connection, _ = server.accept()
                read_request(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                   b"Content-Type: application/json\r\n\r\n" + body)
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        load = ("--concurrency", 12, "--request-count", 12)
        run = self.profile(f"unix:{path}", *load)
        self.assertEqual(run.outcomes(), {"ok": 12})
        # nobody accepts any more: two are in the backlog, the others wait for it in vain
        run = self.profile(f"unix:{path}", *load, "--connect-timeout-seconds", "0.1",
                           "--first-byte-timeout-seconds", "0.1", expect=1)
        types = {r["error"]["type"] for r in run.records()}
        self.assertEqual(run.outcomes(), {"timeout": 12})
        self.assertEqual({t.split(".")[-1] for t in types}, {"connect", "first_byte"})

    def test_tool_calls_of_an_answer_are_in_the_next_turn(self):
        seen = []

        def event(**delta):
            chunk = json.dumps({"choices": [{"index": 0, "delta": delta}]})
            return f"data: {chunk}\n\n".encode()

        def call(index, **function):
            return event(tool_calls=[{"index": index, "function": function}])

        answer = (call(0, name="f", arguments="") + call(1, name="g", arguments='{"b":') +
                  call(0, arguments="{}") + call(1, arguments="\"\u00e4\"}") +
                  b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n'
                  b"data: [DONE]\n\n")

        def serve(connection):
            _, body = read_request(connection)
            seen.append(json.loads(body)["messages"])
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" +
                               answer)
            connection.close()

        run = self.profile(self.start_raw_server(serve), "--streaming", "--num-sessions", 1,
                           "--conversation-turn-mean", 3)
        self.assertEqual(run.outcomes(), {"ok": 3})
        calls = [{"id": f"call_{i}", "type": "function",
                  "function": {"name": name, "arguments": arguments}}
                 for i, (name, arguments) in enumerate((("f", "{}"), ("g", '{"b":"\u00e4"}')))]
        self.assertEqual([m["role"] for m in seen[2]],
                         ["user", "assistant", "user", "assistant", "user"])
        for message in (seen[1][1], seen[2][1], seen[2][3]):
            self.assertEqual((message["content"], message["tool_calls"]), (None, calls))
        # the bundled server takes such a conversation, with text beside the calls too
        for more in ((), ("--tool-calls-only",)):
            mock = self.start_mock("--fast", "--osl", "4", "--tool-calls", "2", *more)
            run = self.profile(mock, "--streaming", "--num-sessions", 2,
                               "--conversation-turn-mean", 3)
            self.assertEqual(run.outcomes(), {"ok": 6})

    def test_a_server_that_never_answers_headers(self):
        def read_and_close(connection):
            read_request(connection)
            connection.close()

        run = self.profile(self.start_raw_server(read_and_close), "--concurrency", 1,
                           "--request-count", 3, expect=1)
        self.assertEqual(run.outcomes(), {"no_response": 3})

    def test_only_ok_enters_the_numbers(self):
        run = self.run_with("--fault-500", "0.5", "--seed", "2", expect=0)
        ok = run.outcomes()["ok"]
        self.assertTrue(0 < ok < REQUESTS)
        self.assertEqual(run.count("request_count"), ok)
        self.assertEqual(run.metric("request_latency", "count"), ok)
        self.assertAlmostEqual(run.metric("request_throughput"),
                               ok / run.metric("benchmark_duration"), places=6)
        self.assertIn("errors", run.reasons())

    def test_options_of_the_mock_have_names_and_a_limit(self):
        for options, says in (("fast&&osl=3", "name=value"), ("=3", "name=value"),
                              ("&".join(["osl=3"] * 40), "too many options")):
            run = self.profile(f"mock:?{options}", "--request-count", 1, expect=2)
            self.assertIn(says, run.stderr)
            self.assertFalse(run.directory.exists())

    def test_hopeless_run_ends_early(self):
        mock = self.start_mock("--fast", "--fault-500", "1")
        run = self.profile(mock, "--concurrency", 4, "--request-count", 100000,
                           "--failed-request-threshold", "0.5", expect=1)
        self.assertLess(sum(run.outcomes().values()), 100000)
        self.assertIn("--failed-request-threshold", run.stderr)

    def test_threshold_holds_at_the_end_too(self):
        mock = self.start_mock("--fast", "--fault-500", "0.5", "--seed", "2")
        run = self.profile(mock, "--concurrency", 2, "--request-count", 12,
                           "--failed-request-threshold", "0.2", expect=1)
        self.assertGreater(run.count("error_request_count"), 2)
        self.assertIn("--failed-request-threshold", run.stderr)

    def test_dialects_give_the_same_answer(self):
        dialects = ("lf", "crlf", "cr", "nospace", "multiline", "comments", "events", "bom",
                    "mixed")
        options = [("--sse", dialect) for dialect in dialects]
        options += [("--one-byte-writes",), ("--no-done",), ("--close-delimited",),
                    ("--content-length",), ("--informational",),
                    ("--max-requests-per-connection", "2")]
        run, servers = self.run_to_each(options, expect=0)
        self.assertEqual([row["chunk_count"] for row in records.read(run.path("records.tkr")).rows],
                         [6] * REQUESTS * len(options))
        for one, lines in zip(options, servers):
            with self.subTest(options=one):
                self.assertEqual([r["tokperf"]["outcome"] for r in lines], ["ok"] * REQUESTS)
                self.assertEqual([r["metrics"]["output_sequence_length"]["value"] for r in lines],
                                 [6] * REQUESTS)


if __name__ == "__main__":
    main()
