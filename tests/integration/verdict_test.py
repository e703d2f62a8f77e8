# SPDX-License-Identifier: Apache-2.0
"""Each reason of the verdict, made to happen: its code is in the JSON file and in the table, and
--strict exits 1. Notes do not. A run without a blemish is valid."""
import os
import resource
import shutil
import signal
import sys
import threading

from harness import BUILD, RUN_DEADLINE_S, SOURCE, Run, RunTest, main
from live import wait_until
from verdict_support import (HostRoot, PlainServer, StoppedThread, Stopper, free_port, is_asleep,
                             thread_named)

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402

# Lag depends on who else uses the machine; where it is not the subject its limits are out of reach.
PATIENT = ("--verdict-client-lag-suspect-ms", 1e5, "--verdict-client-lag-invalid-ms", 1e5)
TRIES = 5  # of a run that somebody else's load may spoil


class Finished(Run):
    """What a process that a test started itself has left."""

    # pylint: disable-next=super-init-not-called
    def __init__(self, process, deadline_s=RUN_DEADLINE_S):
        self.stdout, self.stderr = process.communicate(timeout=deadline_s)
        self.code, self.directory = process.returncode, process.directory


class Verdict(RunTest):
    def host_root(self, **how):
        self.runs += 1
        return HostRoot(self.home / f"host{self.runs}", **how)

    def plain_server(self, *arguments, **more):
        server = PlainServer(*arguments, **more)
        self.addCleanup(server.stop)
        return server

    def assert_reason(self, run, code, status=None, exit_code=1):
        self.assertEqual(run.code, exit_code, run.stderr + run.stdout)
        verdict = run.json()["verdict"]
        self.assertIn(code, [reason["code"] for reason in verdict["reasons"]], verdict)
        self.assertIn(f"[{code}]", " ".join(run.stdout.split()))
        self.assertIn(verdict["status"], [status] if status else ["suspect", "invalid"], verdict)
        self.assertIn(f"Verdict: {verdict['status']}", run.stdout)

    def assert_note(self, run, code):
        verdict = run.json()["verdict"]
        self.assertIn(code, [note["code"] for note in verdict["notes"]], verdict)
        self.assertNotIn(code, [reason["code"] for reason in verdict["reasons"]])
        self.assertIn(f"[{code}]", " ".join(run.stdout.split()))

    def strict(self, mock, *arguments, **more):
        return self.profile(mock, "--strict", "--isl", 10, *PATIENT, *arguments, expect=None, **more)

    # ---- the client ----

    def test_a_run_without_a_blemish(self):
        """Also at the limits' defaults, unless others keep the client from its CPU all the time."""
        mock = self.start_mock("--ttft", "1000", "--itl", "5", "--osl", "8")
        arguments = ("--strict", "--streaming", "--isl", 10, "--concurrency", 4, "--request-count",
                     4, "--verdict-host-root", self.host_root().path)
        for limits, of_others in ((PATIENT, {"plugin_call", "duration_gap"}),
                                  ((), {"plugin_call", "duration_gap", "client_lag", "loop_lag",
                                        "read_delay"})):
            for _ in range(TRIES):
                run = self.profile(mock, *arguments, *limits, expect=None)
                self.assertLessEqual(run.reasons(), of_others)
                if not run.reasons():
                    break
            else:
                self.skipTest("the machine is too busy")
            self.assertEqual(run.code, 0, run.stderr + run.stdout)
            self.assertEqual(run.json()["verdict"]["status"], "valid")

    def starve(self, every, stopped_s, *arguments):
        """A profile whose process is stopped before it gets every fifth or so of its answers, for
        far longer than these take on a busy machine."""
        stopper = Stopper(stopped_s)
        server = self.plain_server(lambda n: stopper.stop() if n % every == every - 1 else None)
        process = self.start_profile(server.url, "--strict", "--isl", 10, *arguments)
        stopper.watch(process)
        return Finished(process)

    def test_a_starved_worker_in_open_loop(self):
        run = self.starve(50, 0.3, "--request-rate", 200, "--arrival-pattern", "constant",
                          "--request-count", 200)
        self.assert_reason(run, "client_lag", "invalid")

    def test_a_starved_worker_in_closed_loop(self):
        run = self.starve(5, 0.1, "--concurrency", 2, "--request-count", 50)
        if run.json()["receive_clock"] != "kernel":
            self.skipTest("the kernel gives no receive stamps here")
        self.assert_reason(run, "read_delay", "invalid")

    def test_a_rate_beyond_the_machine(self):
        mock = self.start_mock("--fast", "--osl", "1")
        run = self.strict(mock, "--request-rate", 500000, "--request-count", 2000,
                          "--num-dataset-entries", 10)
        self.assert_reason(run, "rate", "invalid")

    def test_a_plugin_that_takes_its_time(self):
        server = self.plain_server(lambda n: None)
        run = self.profile(server.url, "--strict", "--plugin", BUILD / "tests" / "abi" / "slow.so",
                           "--endpoint-type", "broken", "--endpoint", "/v1/chat/completions",
                           "--request-count", 5, "--isl", 10, expect=None)
        self.assert_reason(run, "plugin_call")
        self.assert_reason(run, "loop_lag")

    def test_no_free_blocks(self):
        """The recorder is stopped while rows with texts of 20 kB fill the 4 MiB that wait for it."""
        requests = 600
        server = self.plain_server(lambda n: None, content="x" * 20000)
        process = self.start_profile(
            server.url, "--strict", "--isl", 10, *PATIENT, "--concurrency", 8, "--request-count",
            requests, "--workers-max", 1, "--export-level", "raw")
        wait_until(lambda: server.answered > 5, "answers")
        try:
            recorder = StoppedThread(thread_named(process.pid, "recorder"))
        except PermissionError:
            self.skipTest("ptrace is not permitted here")
        try:
            self.wait_until_it_waits(process, server)
        finally:
            recorder.let_go()
        run = Finished(process)
        self.assert_reason(run, "record_waits")
        self.assertEqual(run.count("request_count"), requests)  # they waited, and none is lost

    def wait_until_it_waits(self, process, server):
        """Until its worker has all answers and sleeps, although it should send the next requests."""
        worker = thread_named(process.pid, "tokperf-worker")
        looks = []

        def look():
            looks.append((server.asked == server.answered and is_asleep(process.pid, worker),
                          server.asked))
            return len(looks) >= 20 and looks[-1][0] and len(set(looks[-20:])) == 1

        wait_until(look, "a worker without a block")

    def test_no_room_on_disk(self):
        mock = self.start_mock("--fast", "--osl", "20")
        limit = 96 * 1024
        run = self.strict(mock, "--streaming", "--concurrency", 8, "--request-count", 3000,
                          "--num-dataset-entries", 10, "--export-level", "summary",
                          limit=(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assert_reason(run, "log_not_written", "invalid")

    def test_too_few_descriptors(self):
        """Nobody knows beforehand how many requests an open loop without a cap has in flight."""
        mock = self.start_mock("--ttft", "1500", "--osl", "1")
        run = self.strict(mock, "--request-rate", 3000, "--request-count", 300,
                          limit=(resource.RLIMIT_NOFILE, (128, 128)))
        self.assert_reason(run, "client_error")
        self.assertIn("client_error", run.outcomes())

    # ---- the machine ----

    def run_beside(self, root, *arguments):
        """Its time passes with every answer."""
        server = self.plain_server(lambda n: root.advance())
        return self.strict(server.url, "--concurrency", 2, "--request-count", 20,
                           "--verdict-host-root", root.path, *arguments)

    def test_cpu_steal(self):
        for steal_pct, status in ((0, None), (3, "suspect"), (20, "invalid")):
            with self.subTest(steal_pct=steal_pct):
                run = self.run_beside(self.host_root(steal_pct=steal_pct))
                if status:
                    self.assert_reason(run, "cpu_steal", status)
                else:
                    self.assertNotIn("cpu_steal", run.reasons())
        self.assertIn("cpu_steal", self.reported_again(run))
        run = self.run_beside(self.host_root(steal_pct=20), "--verdict-steal-suspect-pct",
                              50, "--verdict-steal-invalid-pct", 60)
        self.assertNotIn("cpu_steal", run.reasons())

    def reported_again(self, run):
        copy = self.new_directory()
        copy.mkdir()
        shutil.copy(run.path("records.tkr"), copy)
        again = Run(["report", str(copy)], copy)
        self.assertEqual(again.code, 0, again.stderr)
        return again.reasons()

    def test_governor_and_load_are_notes(self):
        run = self.run_beside(self.host_root(load="2.50", governor="powersave"))
        self.assert_note(run, "governor")
        self.assert_note(run, "load")
        run = self.run_beside(self.host_root(load="2.00", governor="performance"))
        notes = {note["code"] for note in run.json()["verdict"]["notes"]}
        self.assertFalse(notes & {"governor", "load"})

    def test_a_host_root_that_is_none(self):
        for content in (None, "this is no /proc/stat\n"):
            root = self.home / "no-root"
            (root / "proc").mkdir(parents=True, exist_ok=True)
            if content:
                (root / "proc" / "stat").write_text(content)
            run = Run(["profile", "--url", f"http://127.0.0.1:{free_port()}", "--model", "m",
                       "--verdict-host-root", str(root), "--output-artifact-dir",
                       str(self.home / "never")])
            self.assertEqual(run.code, 2, run.stderr)
            self.assertIn("--verdict-host-root", run.stderr)
            self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
            self.assertFalse((self.home / "never").exists())

    def test_a_busy_worker_is_a_note(self):
        """Whether it was, the log says: spinning for a plugin it is, unless others take the CPU."""
        server = self.plain_server(lambda n: None)
        for arguments in (("--request-count", 5),
                          ("--plugin", BUILD / "tests" / "abi" / "slow.so", "--endpoint-type",
                           "broken", "--endpoint", "/v1/chat/completions", "--request-count", 5)):
            run = self.strict(server.url, *arguments)
            note = records.read(run.path("records.tkr")).phases[-1]
            share = note["worker_cpu_ns"] / note["length_ns"]
            self.assertTrue(0 < share <= 1.01, share)
            notes = {n["code"] for n in run.json()["verdict"]["notes"]}
            self.assertEqual("worker_cpu" in notes, share > 0.9, share)
        self.assertGreater(note["length_ns"], 5 * 150e6)

    # ---- the answers ----

    def test_truncated_answers(self):
        mock = self.start_mock("--ttft", "5", "--itl", "1", "--osl", "4", "--seed", "5",
                               "--fault-truncate", "0.3")
        arguments = ("--streaming", "--concurrency", 4, "--request-count", 60)
        run = self.strict(mock, *arguments)
        self.assert_reason(run, "errors", "invalid")
        self.assertIn("truncated", run.outcomes())
        run = self.strict(mock, *arguments, "--verdict-error-invalid-pct", 99)
        self.assert_reason(run, "errors", "suspect")

    def test_answers_of_another_length(self):
        mock = self.start_mock("--fast", "--osl", "10")
        run = self.strict(mock, "--streaming", "--osl", 20, "--request-count", 20)
        self.assert_reason(run, "osl_mismatch", "suspect")

    def test_stale_connections(self):
        mock = self.start_mock("--ttft", "5", "--osl", "1", "--fault-close-idle", "0.3",
                               "--seed", "5")
        run = self.strict(mock, "--concurrency", 2, "--request-count", 40)
        self.assertEqual(run.outcomes(), {"ok": 40})
        self.assert_reason(run, "retries", "suspect")

    def test_not_streamed(self):
        mock = self.start_mock("--ttft", "5", "--osl", "2", "--fault-not-streamed", "0.3",
                               "--seed", "5")
        run = self.strict(mock, "--streaming", "--request-count", 40)
        self.assert_reason(run, "not_streamed", "suspect")

    def test_tokens_not_counted(self):
        usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
        server = self.plain_server(lambda n: usage if n % 2 == 0 else None)
        run = self.strict(server.url, "--request-count", 10)
        self.assert_reason(run, "tokens_not_counted", "suspect")

    def test_cached_tokens_and_reuse_are_notes(self):
        usage = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11,
                 "prompt_tokens_details": {"cached_tokens": 8}}
        server = self.plain_server(lambda n: usage)
        run = self.strict(server.url, "--request-count", 10, "--num-dataset-entries", 2)
        self.assert_note(run, "cached_tokens")
        self.assert_note(run, "prompt_reuse")

    def test_coalesced_chunks_are_a_note(self):
        run = self.strict(self.start_mock("--fast", "--osl", "20"), "--streaming",
                          "--request-count", 10)
        self.assert_note(run, "coalesced")

    # ---- the plan ----

    def test_censored(self):
        over = threading.Event()
        self.addCleanup(over.set)
        server = self.plain_server(lambda n: over.wait() and None if n >= 8 else None)
        run = self.strict(server.url, "--concurrency", 4, "--benchmark-duration", 1.5,
                          "--benchmark-grace-period", 0)
        self.assertEqual(run.outcomes(), {"ok": 8, "cancelled": 4})
        self.assert_reason(run, "censored", "suspect")

    def test_nothing_was_completed(self):
        mock = self.start_mock("--ttft", "20000", "--osl", "4")
        run = self.strict(mock, "--concurrency", 2, "--benchmark-duration", 0.3,
                          "--benchmark-grace-period", 0)
        self.assert_reason(run, "no_requests", "invalid")

    def test_the_last_ones_hang(self):
        mock = self.start_mock("--ttft", "5", "--itl", "1", "--osl", "8", "--seed", "5",
                               "--fault-stall", "0.2")
        run = self.strict(mock, "--streaming", "--concurrency", 20, "--request-count", 40,
                          "--idle-timeout-seconds", 1)
        self.assert_reason(run, "duration_gap")

    def test_not_sent(self):
        mock = self.start_mock("--ttft", "200", "--osl", "4")
        run = self.strict(mock, "--request-rate", 100, "--request-rate-mode", "constant",
                          "--concurrency", 1, "--benchmark-duration", 1)
        self.assert_reason(run, "not_sent", "invalid")
        sent = run.count("request_count") + run.count("cancelled_request_count")
        self.assertEqual(run.count("not_sent_count") + sent, 100)
        self.assertLess(sent, 10)
        self.assertAlmostEqual(run.metric("offered_rate"), 100, places=3)
        again = self.reported_again(run)
        self.assertIn("not_sent", again)

    def test_everything_sent_is_no_reason(self):
        run = self.strict(self.start_mock("--fast", "--osl", "4"), "--request-rate", 100,
                          "--concurrency", 50, "--request-count", 20)
        self.assertEqual(run.count("not_sent_count"), 0)
        self.assertNotIn("not_sent", run.reasons())

    def test_ended_early(self):
        mock = self.start_mock("--fast", "--fault-500", "0.5", "--seed", "5")
        run = self.strict(mock, "--concurrency", 4, "--request-count", 1000000,
                          "--failed-request-threshold", 0.1)
        self.assert_reason(run, "ended_early", "invalid")
        self.assertIn("ended_early", self.reported_again(run))

    def test_interrupted_and_torn(self):
        mock = self.start_mock("--ttft", "20", "--itl", "1", "--osl", "4")
        process = self.start_profile(mock, "--strict", "--request-count", 1000000,
                                     "--concurrency", 4)
        mock.wait_for(lambda c: c['completed_total{route="chat"}'] > 5)
        os.kill(process.pid, signal.SIGINT)
        run = Finished(process)
        self.assert_reason(run, "interrupted", exit_code=130)
        copy = self.new_directory()
        copy.mkdir()
        whole = run.path("records.tkr").read_bytes()
        (copy / "records.tkr").write_bytes(whole[:-20])
        again = Run(["report", str(copy)], copy)
        self.assert_reason(again, "log_torn", exit_code=0)


if __name__ == "__main__":
    main()
