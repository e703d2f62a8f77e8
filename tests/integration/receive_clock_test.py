# SPDX-License-Identifier: Apache-2.0
"""Which clock stamps arrivals, what forces it, and that a client that cannot read in time does not
make its server look slow."""
import socket
import sys
import unittest

from harness import SOURCE, Run, RunTest, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402

UNSTAMPED = 1 << 7


class ReceiveClock(RunTest):
    def stream(self, *arguments, mock=None, expect=0):
        mock = mock or self.start_mock("--ttft", "5", "--itl", "1", "--osl", "20")
        return self.profile(mock, "--streaming", "--concurrency", 4, "--request-count", 20,
                            *arguments, expect=expect)

    def with_stamps(self, *arguments):
        """A run by the kernel's clock; without stamps on this machine the test is skipped."""
        run = self.stream("--receive-clock", "kernel", *arguments, expect=None)
        if run.code == 3:
            self.assertIn("no kernel receive stamps", run.stderr)
            raise unittest.SkipTest(run.stderr)
        self.assertEqual(run.code, 0, run.stderr)
        return run

    def test_the_kernel_where_it_stamps(self):
        self.with_stamps()
        run = self.stream()
        self.assertEqual(run.json()["receive_clock"], "kernel")
        log = records.read(run.path("records.tkr"))
        self.assertEqual(log.run["receive_clock"], "kernel")
        self.assertEqual(log.phases[-1]["unstamped_reads"], 0)
        self.assertGreater(log.phases[-1]["read_delay_p99_ns"], 0)
        self.assertEqual(len(log.rows), 20)
        for row in log.rows:
            self.assertFalse(row["flags"] & UNSTAMPED)
            self.assertGreater(row["read_delay_ns"], 0)
            self.assertLess(row["start_ns"], row["first_byte_ns"])
            self.assertLessEqual(row["first_byte_ns"], row["first_token_ns"])
            self.assertEqual(row["chunk_ns"], sorted(row["chunk_ns"]))
            self.assertEqual(row["chunk_ns"][-1], row["last_token_ns"])
            self.assertLess(row["last_token_ns"], row["end_ns"])
        longest = max(row["read_delay_ns"] for row in log.rows)
        self.assertAlmostEqual(run.metric("read_delay", "max"), longest / 1e6, places=6)
        self.assertLessEqual(log.phases[-1]["read_delay_p99_ns"], longest)

    def test_the_process_when_asked(self):
        run = self.stream("--receive-clock", "process")
        self.assertEqual(run.json()["receive_clock"], "process")
        self.assertNotIn("read_delay", run.json())
        log = records.read(run.path("records.tkr"))
        self.assertEqual(log.phases[-1]["read_delay_p99_ns"], 0)
        self.assertTrue(all(row["read_delay_ns"] == 0 for row in log.rows))

    def test_the_report_says_the_same(self):
        run = self.with_stamps()
        before = run.json()
        again = Run(["report", str(run.directory)], run.directory)
        self.assertEqual(again.code, 0, again.stderr)
        for key in ("receive_clock", "read_delay", "time_to_first_token", "request_latency"):
            self.assertEqual(run.json()[key], before[key])

    def test_gaps_and_coalesced_chunks_are_all_chunks(self):
        mock = self.start_mock("--ttft", "5", "--itl", "0", "--osl", "200")
        run = self.stream(mock=mock)
        chunks, coalesced = run.count("chunk_count"), run.count("coalesced_chunk_count")
        self.assertEqual(chunks, 20 * 200)
        gaps = run.json().get("inter_chunk_latency", {"count": 0})["count"]
        self.assertEqual(gaps + coalesced, chunks - 20)

    def test_a_unix_socket_has_no_stamps(self):
        path = self.home / "socket"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            run = self.profile(f"unix:{path}", "--receive-clock", "kernel", expect=3)
        self.assertIn("--receive-clock kernel: no kernel receive stamps", run.stderr)
        self.assertIn("is a unix socket", run.stderr)
        self.assertFalse(run.directory.exists())

    def test_a_wrong_name_is_refused(self):
        run = self.profile("http://127.0.0.1:1", "--receive-clock", "kernal", expect=2)
        self.assertIn("kernel", run.stderr)
        self.assertFalse(run.directory.exists())


if __name__ == "__main__":
    main()
