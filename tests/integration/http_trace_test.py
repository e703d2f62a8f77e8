# SPDX-License-Identifier: Apache-2.0
"""--export-http-trace: the phases of every exchange, in the metrics and as trace_data, agree with the
record log and with what the server saw. Without it nothing of the kind is anywhere."""
import sys

from harness import SOURCE, Run, RunTest, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402

PHASES = ("blocked", "dns_lookup", "connecting", "sending", "waiting", "receiving")
TAGS = {f"http_req_{name}" for name in (
    *PHASES, "duration", "connection_overhead", "total", "data_sent", "data_received",
    "connection_reused", "chunks_sent", "chunks_received")}


class HttpTrace(RunTest):
    def traced(self, *faults, arguments=()):
        mock = self.start_mock("--ttft", "10", "--itl", "2", "--osl", "6", *faults)
        run = self.profile(mock, "--streaming", "--concurrency", 4, "--request-count", 60, "--isl",
                           10, "--workers-max", 1, *arguments)
        return mock, run

    def check_line(self, line, row, offset):
        trace, metrics = line["trace_data"], line["metrics"]
        for name, stamp in (("request_send_start_ns", "send_start_ns"),
                            ("request_send_end_ns", "send_end_ns"),
                            ("response_receive_start_ns", "first_byte_ns"),
                            ("tcp_connect_start_ns", "connect_start_ns"),
                            ("tcp_connect_end_ns", "connect_end_ns")):
            self.assertEqual(trace.get(name), row[stamp] + offset if row[stamp] else None, name)
        reused = bool(row["flags"] & 4)
        self.assertEqual("tcp_connect_start_ns" in trace, not reused)
        self.assertEqual("connection_reused_ns" in trace, reused)
        self.assertEqual(trace["response_status_code"], row["http_status"])
        self.assertEqual(trace["response_receive_end_ns"], row["last_byte_ns"] + offset)
        self.assertLessEqual(row["last_byte_ns"], row["end_ns"])
        self.assertGreaterEqual(row["last_byte_ns"], row["first_byte_ns"])
        ok = line["tokperf"]["outcome"] == "ok"
        self.assertEqual(TAGS <= set(metrics), ok)
        self.assertEqual("error_timestamp_ns" in trace, not ok)
        if not ok:
            return
        value = {tag: metrics[tag]["value"] for tag in TAGS}
        for name in (*PHASES, "duration"):
            self.assertAlmostEqual(value[f"http_req_{name}"], trace[f"{name}_ns"] / 1e6, 9)
        self.assertAlmostEqual(value["http_req_total"],
                               sum(value[f"http_req_{name}"] for name in PHASES), 9)
        self.assertEqual(value["http_req_connection_reused"], int(reused))
        self.assertEqual(value["http_req_data_sent"], row["sent_bytes"])
        self.assertEqual(value["http_req_data_received"], row["received_bytes"])
        self.assertEqual(value["http_req_chunks_sent"], row["write_count"])
        self.assertEqual(value["http_req_chunks_received"], row["read_count"])
        self.assertGreater(row["write_count"], 0)
        self.assertGreater(row["read_count"], 0)

    def test_every_line_and_the_summary(self):
        _, run = self.traced("--fault-500", "0.2", "--seed", "5",
                             arguments=("--export-http-trace",))
        log = records.read(run.path("records.tkr"))
        lines = run.records()
        self.assertEqual(len(lines), 60)
        self.assertEqual({line["tokperf"]["outcome"] for line in lines}, {"ok", "http_error"})
        self.assertEqual(len({"tcp_connect_start_ns" in line["trace_data"] for line in lines}), 2)
        for line, row in zip(lines, log.rows):
            self.check_line(line, row, log.run["monotonic_to_realtime_ns"])
        summary = run.json()
        ok = run.count("request_count")
        for tag in TAGS:
            self.assertEqual(summary[tag]["count"], ok, tag)
        self.assertEqual(summary["http_req_total"]["unit"], "ms")
        self.assertIn("HTTP trace", run.stdout)
        self.assertIn("HTTP Waiting (TTFB) (ms)", run.stdout)
        names = {row[0] for row in run.csv_rows() if row}
        self.assertIn("HTTP Total Time (ms)", names)
        self.assert_report_agrees(run)

    def assert_report_agrees(self, run):
        copy = self.new_directory()
        copy.mkdir()
        (copy / "records.tkr").write_bytes(run.path("records.tkr").read_bytes())
        again = Run(["report", str(copy)], copy)
        self.assertEqual(again.code, 0, again.stderr)
        for name in ("profile_export.json", "profile_export.jsonl"):
            self.assertEqual(again.path(name).read_bytes(), run.path(name).read_bytes())

    def test_waiting_is_the_servers_time(self):
        """An answer that is not a stream begins when it is complete: 10 ms and 5 times 2 ms."""
        mock = self.start_mock("--ttft", "10", "--itl", "2", "--osl", "6")
        run = self.profile(mock, "--request-count", 10, "--isl", 10, "--export-http-trace")
        # the longest: a client that stands still behind its send takes that for less
        self.assertGreaterEqual(run.metric("http_req_waiting", "max"), 19)
        self.assertLess(run.metric("http_req_receiving", "p50"),
                        run.metric("http_req_waiting", "p50"))

    def test_objectives_need_it(self):
        mock = self.start_mock("--ttft", "5", "--osl", "2")
        objective = ("--goodput", "http_req_waiting:1000", "--request-count", 4)
        run = self.profile(mock, *objective, expect=2)
        self.assertIn("--export-http-trace", run.stderr)
        self.assertFalse(run.directory.exists())
        run = self.profile(mock, *objective, "--export-http-trace")
        self.assertEqual(run.metric("good_request_count"), 4)

    def test_nothing_of_it_unless_asked_for(self):
        _, run = self.traced()
        self.assertNotIn("http_req_", run.path("profile_export.json").read_text())
        jsonl = run.path("profile_export.jsonl").read_text()
        self.assertNotIn("http_req_", jsonl)
        self.assertNotIn("trace_data", jsonl)
        self.assertNotIn("HTTP trace", run.stdout)
        for row in records.read(run.path("records.tkr")).rows:
            self.assertEqual((row["write_count"], row["read_count"]), (0, 0))


if __name__ == "__main__":
    main()
