# SPDX-License-Identifier: Apache-2.0
"""Requests of several exchanges: a job is posted, polled, and is one row."""
import json
import sys
import threading

from harness import BUILD, SOURCE, RunTest, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
from scripted import Server, whole  # noqa: E402

PLUGIN = BUILD / "tests" / "abi" / "job" / "job.so"
POLL_S = 0.02  # of the plugin


class Jobs:
    """Answers /jobs; a job is done after `polls` polls."""

    def __init__(self, polls, end="done", close=False, status="200 OK"):
        self.polls, self.end, self.close, self.status = polls, end, close, status
        self.lock = threading.Lock()
        self.jobs = {}

    def answer(self, connection, request):
        with self.lock:
            if request.method == "POST":
                job = f"j{len(self.jobs)}"
                self.jobs[job] = 0
                reply = {"id": job, "status": "queued"}
            else:
                job = request.path.rsplit("/", 1)[1]
                self.jobs[job] += 1
                is_over = self.jobs[job] >= self.polls
                reply = {"id": job, "status": self.end if is_over else "running"}
                if is_over and self.end == "done":
                    reply["result"] = "video"
        status = self.status if request.method == "GET" else "200 OK"
        connection.sendall(whole(json.dumps(reply), status=status))
        return not self.close


class FollowUps(RunTest):
    ways = ((), ("--transport", "curl"))

    def run_jobs(self, jobs, *arguments, requests=4, expect=0, url=""):
        server = Server(jobs.answer)
        self.addCleanup(server.close)
        run = self.profile(server.url + url, "--plugin", PLUGIN, "--endpoint-type", "job",
                           *([] if "--benchmark-duration" in arguments else ["--request-count", requests]),
                           "--concurrency", 2, *arguments,
                           expect=expect)
        return run, server

    def test_a_polled_job_is_one_row(self):
        for way in self.ways:
            with self.subTest(way=way):
                run, server = self.run_jobs(Jobs(3), *way)
                self.assertEqual(run.outcomes(), {"ok": 4})
                self.assertEqual([r.method for r in server.requests].count("POST"), 4)
                self.assertEqual([r.method for r in server.requests].count("GET"), 12)
                self.assertGreaterEqual(run.metric("request_latency", "min"), 3 * POLL_S * 1e3)
                for record in run.records():
                    meta = record["metadata"]
                    took_ns = meta["request_end_ns"] - meta["request_start_ns"]
                    self.assertGreaterEqual(took_ns, 3 * POLL_S * 1e9)
                    self.assertEqual(record["tokperf"]["retries"], 0)
                self.check_lag(run)

    def check_lag(self, run):
        """Waiting for polls is no lateness of the client, whatever this machine adds to it."""
        times = sorted((r["tokperf"]["ready_ns"], r["tokperf"]["start_ns"]) for r in run.records())
        self.assertLess(min(start_ns - ready_ns for ready_ns, start_ns in times[2:]),
                        3 * POLL_S * 1e9)

    def test_the_first_exchange_gives_the_trace(self):
        run, _ = self.run_jobs(Jobs(2), "--export-http-trace", requests=3)
        for record in run.records():
            metrics = record["metrics"]
            self.assertGreaterEqual(metrics["http_req_duration"]["value"], 0)
            self.assertGreaterEqual(metrics["http_req_sending"]["value"], 0)
            # a POST with its body and two GETs; three heads with a body each
            self.assertGreater(metrics["http_req_data_sent"]["value"], 300)
            self.assertGreater(metrics["http_req_data_received"]["value"], 3 * 90)
        # the polls of a new connection's request have reused it
        self.assertIn(False, [r["tokperf"]["connection_reused"] for r in run.records()])
        self.assertEqual(run.outcomes(), {"ok": 3})

    def test_connections_that_close_after_each_answer(self):
        for way in self.ways:
            with self.subTest(way=way):
                run, server = self.run_jobs(Jobs(2, close=True), *way)
                self.assertEqual(run.outcomes(), {"ok": 4})
                self.assertEqual([r.method for r in server.requests].count("POST"), 4)

    def test_polls_follow_the_prefix_of_the_url(self):
        run, server = self.run_jobs(Jobs(1), url="/api/jobs")
        self.assertEqual(run.outcomes(), {"ok": 4})
        self.assertEqual({r.path.rsplit("/", 1)[0] for r in server.requests if r.method == "GET"},
                         {"/api/jobs"})

    def test_a_failure_at_a_poll_has_its_outcome(self):
        for jobs, outcome in ((Jobs(2, end="failed"), "stream_error"),
                              (Jobs(2, status="503 No"), "http_error")):
            run, _ = self.run_jobs(jobs, expect=1)
            self.assertEqual(run.outcomes(), {outcome: 4})

    def test_the_timeout_holds_for_all_of_it(self):
        for way in self.ways:
            with self.subTest(way=way):
                run, _ = self.run_jobs(Jobs(10**6), "--request-timeout-seconds", "0.3", *way,
                                       expect=1)
                self.assertEqual(run.outcomes(), {"timeout": 4})
                self.assertEqual(run.records()[0]["error"]["type"], "total")

    def test_an_end_while_it_waits_cancels_it(self):
        for seconds in (0.3, 3, 20):  # a slow machine sends nothing in the first
            run, _ = self.run_jobs(Jobs(10**6), "--benchmark-duration", seconds,
                                   "--benchmark-grace-period", "0.1", expect=None)
            if len(run.records()) == 2:
                break
        self.assertEqual(run.outcomes(), {"cancelled": 2})


if __name__ == "__main__":
    main()
