# SPDX-License-Identifier: Apache-2.0
"""tokperf events where its reader stands still, where the run has another name, and what it shows
of a phase that is not reported."""
import json
import os
import pathlib
import select
import signal

from harness import TOKPERF, Run, RunTest, main
from live import Live, bus_address, launch_run, start_run, wait_until

QUIET = ("--fast", "--osl", "4")
DONE = 'completed_total{route="chat"}'


class Follow(RunTest):
    def test_a_run_under_another_name_lives_all_the_same(self):
        mock = self.start_mock(*QUIET)
        other = self.home / "tk bench) Z"
        other.symlink_to(TOKPERF)
        run = start_run(self, mock, "--request-count", 10000000, program=other)
        observer = Live(self, "observer", "events", run.directory, "--topic", "session")
        again = Run(["profile", "--url", "mock:", "--model", "test", "--overwrite",
                     "--output-artifact-dir", str(run.directory)])
        self.assertEqual(again.code, 2, again.stderr)
        self.assertIn(f"process {run.process.pid}", again.stderr)
        run.signal(signal.SIGINT)
        self.assertEqual((run.wait(), observer.wait()), (130, 0), observer.stderr())
        self.assertEqual(observer.stderr(), "")

    def test_another_process_with_the_number_of_a_run_is_not_that_run(self):
        mock = self.start_mock(*QUIET)
        run = start_run(self, mock, "--request-count", 10000000)
        file = run.directory / "run.json"
        told = json.loads(file.read_text())
        told["process_begin_ticks"] += 1
        file.write_text(json.dumps(told))
        late = Run(["events", str(run.directory)])
        self.assertEqual(late.code, 2)
        self.assertIn("is gone: its process", late.stderr)
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait(), 130)

    def test_the_phase_that_runs_is_shown(self):
        mock = self.start_mock("--ttft", "600000")
        run = start_run(self, mock, "--warmup-request-count", 4)
        observer = Live(self, "observer", "events", run.directory, "--topic", "snapshot")
        wait_until(lambda: "phase=warmup kind=warmup" in observer.out.read_text(), "the warm-up")
        run.signal(signal.SIGINT)
        self.assertEqual((run.wait(), observer.wait()), (130, 0))
        self.assertIn("phase=profiling kind=profiling", observer.lines()[-1])

    def test_a_run_says_that_it_has_ended_before_its_socket_goes(self):
        mock = self.start_mock(*QUIET)
        run = start_run(self, mock, "--concurrency", 4, "--request-count", 10000000)
        socket = pathlib.Path(bus_address(run.directory).removeprefix("ipc://"))
        stuck = Live(self, "stuck", "events", run.directory, "--topic", "sample")
        wait_until(lambda: stuck.out.stat().st_size, "an event")
        stuck.signal(signal.SIGSTOP)  # the run waits a while for it
        now = mock.counters()[DONE]
        mock.wait_for(lambda c: c[DONE] > now + 2000)
        run.signal(signal.SIGINT)
        wait_until(lambda: not socket.exists(), "the end of the socket")
        self.assertIsNone(bus_address(run.directory))
        late = Run(["events", str(run.directory)])
        self.assertEqual(late.code, 2)
        self.assertIn("has ended", late.stderr)
        self.assertEqual(run.wait(), 130)

    def test_a_signal_ends_an_observer_whose_reader_stands_still(self):
        mock = self.start_mock(*QUIET)
        run = start_run(self, mock, "--concurrency", 4, "--request-count", 10000000)
        for kind in ("text", "jsonl"):
            reader, writer = os.pipe()
            observer = Live(self, kind, "events", run.directory, "--format", kind, stdout=writer)
            room = select.poll()
            room.register(writer, select.POLLOUT)
            wait_until(lambda r=room: not r.poll(0) or observer.process.poll() is not None,
                       "a pipe without room")
            self.assertIsNone(observer.process.poll(), observer.stderr())
            observer.signal(signal.SIGINT)
            self.assertEqual(observer.wait(), 130)
            os.close(writer)
            with os.fdopen(reader, "rb") as pipe:
                self.assertGreater(len(pipe.read()), 0)
        now = mock.counters()[DONE]
        mock.wait_for(lambda c: c[DONE] > now + 50)
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait(), 130)

    # ---- a run's own readers

    def stuck_pipe(self):
        """A pipe without room that nobody reads."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while os.write(writer, b"-" * 4096):
                pass
        except BlockingIOError:
            os.set_blocking(writer, True)  # as a shell's is
        self.addCleanup(os.close, writer)
        return reader, writer

    def drain(self, reader, writer):
        os.set_blocking(reader, False)
        text = b""
        try:
            while part := os.read(reader, 65536):
                text += part
        except BlockingIOError:
            pass
        os.close(reader)
        return text.decode().lstrip("-")

    def test_a_run_whose_messages_nobody_reads_goes_on_and_hears_signals(self):
        mock = self.start_mock(*QUIET)
        reader, writer = self.stuck_pipe()
        run = launch_run(self, mock, "--concurrency", 4, "--request-count", 200,
                         "--collector", "false", stderr=writer)
        self.assertEqual(run.wait(), 0)
        self.assertIn("the collector 'false'", (run.directory / "logs/tokperf.log").read_text())
        run = start_run(self, mock, "--concurrency", 4, "--request-count", 10000000,
                        "--collector", "false", stderr=writer)
        now = mock.counters()[DONE]
        mock.wait_for(lambda c: c[DONE] > now + 50)
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait(), 130)
        self.assertEqual(self.drain(reader, writer), "")

    def test_a_signal_ends_a_run_whose_results_nobody_reads(self):
        mock = self.start_mock(*QUIET)
        reader, writer = self.stuck_pipe()
        run = start_run(self, mock, "--concurrency", 4, "--request-count", 200, stdout=writer)
        wait_until((run.directory / "profile_export.csv").exists, "the results")
        self.assertIsNone(run.process.poll(), run.stderr())  # it waits for who reads the table
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait(), 130)
        self.assertIn("results cannot be written", run.stderr())
        final = json.loads((run.directory / "metrics/final_snapshot.json").read_text())
        self.assertEqual(final["state"], "interrupted")
        self.assertEqual(self.drain(reader, writer), "")


if __name__ == "__main__":
    main()
