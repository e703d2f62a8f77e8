# SPDX-License-Identifier: Apache-2.0
"""What is left when a run ends badly: killed at any moment, its log cut, damaged or not writable."""
import os
import pathlib
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

from harness import (BUILD, RUN_DEADLINE_S, SOURCE, TOKPERF, Run, RunTest, main,
                     program_environment)
from verdict_support import PlainServer

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402

DONE = 'completed_total{route="chat"}'
LOST_AT_MOST_S = 1.0  # docs/records.md: a kill costs at most the last second
SLACK_S = 0.5
STEP_S = 0.05


class Left(Run):
    """A directory that a run left which the test did not start through Run."""

    def __init__(self, directory):  # pylint: disable=super-init-not-called
        self.directory = directory


class Progress:
    """How much a run completed, by a clock that goes while it completes requests: what it did not do
    because the machine stood still is not to be expected of it."""

    def __init__(self):
        self.steps = [(0, 0)]  # (seconds, completed)
        self.changed = time.monotonic()

    def look(self, completed):
        seconds, before = self.steps[-1]
        if completed > before:
            now = time.monotonic()
            self.steps.append((seconds + min(now - self.changed, STEP_S), completed))
            self.changed = now
        return self.seconds()

    def seconds(self):
        return self.steps[-1][0]

    def completed_before(self, seconds):
        """What was complete so long ago."""
        return max((done for at, done in self.steps if at < self.seconds() - seconds), default=0)


class Salvage(RunTest):
    finished = None  # a run that several tests damage copies of

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="tokperf-salvage-")
        cls.addClassCleanup(holder.cleanup)
        cls.shared = pathlib.Path(holder.name)

    def report(self, directory, code=0):
        left = set(directory.rglob("*.tmp"))  # a run that was killed may have left one
        run = Run(["report", str(directory)], directory)
        self.assertEqual(run.code, code, run.stderr + run.stdout)
        self.assertLessEqual(set(directory.rglob("*.tmp")), left)
        return run

    def assert_agrees(self, run, log, reasons=("log_torn",)):
        """The exports hold exactly the rows that a reader of the file finds."""
        rows = [row for row in log.rows if records.OUTCOMES[row["outcome"]] == "ok"]
        self.assertEqual(len(run.records(phase="profiling")), len(log.rows))
        self.assertEqual(run.count("request_count"), len(rows))
        self.assertLessEqual(set(reasons), run.reasons())
        self.assertNotEqual(run.json()["verdict"]["status"], "valid")

    def log_has_begun(self):
        path = self.directory / "records.tkr"
        return path.exists() and path.stat().st_size > 0

    def kill_after(self, seconds, *arguments):
        """Kills a run that has sent requests for so long; returns what was complete in time."""
        mock = self.start_mock("--ttft", "5", "--itl", "1", "--osl", "20")
        process = self.start_profile(mock, "--streaming", "--isl", 10, "--request-count", 1000000,
                                     *arguments)
        self.directory = process.directory
        progress = Progress()
        mock.wait_for(lambda c: progress.look(c[DONE]) >= seconds and self.log_has_begun())
        process.kill()
        process.wait(timeout=RUN_DEADLINE_S)
        return progress.completed_before(LOST_AT_MOST_S + SLACK_S)

    def test_killed_at_several_moments(self):
        for seconds, workers in ((0, 1), (0.3, 3), (2.1, 3)):
            with self.subTest(seconds=seconds):
                promised = self.kill_after(seconds, "--concurrency", 6, "--workers-max", workers)
                log = records.read(self.directory / "records.tkr")
                self.assertIsNone(log.damage)
                self.assertIsNone(log.end)
                self.assertGreaterEqual(len(log.rows), promised)
                if seconds > 2:
                    self.assertGreater(promised, 10)
                run = self.report(self.directory)
                self.assert_agrees(run, log)
                self.assertEqual(run.json()["run_info"]["random_seed"], log.run["seed"])

    def finished_run(self):
        """Made once, by the first test that asks for it."""
        if not Salvage.finished:
            mock = self.start_mock("--ttft", "2", "--itl", "0.2", "--osl", "10")
            home, self.home = self.home, self.shared
            Salvage.finished = self.profile(mock, "--streaming", "--concurrency", 6,
                                            "--request-count", 300, "--isl", 10, "--workers-max", 2)
            self.home = home
        return Salvage.finished

    def copy_with(self, data):
        directory = self.new_directory()
        directory.mkdir()
        (directory / "records.tkr").write_bytes(data)
        return directory

    def test_cut_anywhere(self):
        data = self.finished_run().path("records.tkr").read_bytes()
        whole = records.parse(data)
        self.assertEqual(len(whole.rows), 300)
        header = 16 + whole.blocks[0][2]
        draw = random.Random(1)
        cuts = {draw.randrange(header, len(data)) for _ in range(6)} | {len(data) - 1}
        for kind in {kind for _, kind, _ in whole.blocks}:  # before some blocks of each
            cuts |= set([at for at, of, _ in whole.blocks[1:] if of == kind][-2:])
        for cut in sorted(cuts):
            with self.subTest(cut=cut):
                log = records.parse(data[:cut])
                self.assert_agrees(self.report(self.copy_with(data[:cut])), log)

    def test_without_its_header_nothing_can_be_computed(self):
        data = self.finished_run().path("records.tkr").read_bytes()
        for size in (0, 7, 16, 100):
            directory = self.copy_with(data[:size])
            run = self.report(directory, code=2)
            self.assertIn(str(directory), run.stderr)
            self.assertEqual([p.name for p in directory.iterdir()], ["records.tkr"])

    def test_damage_ends_what_is_trusted(self):
        data = self.finished_run().path("records.tkr").read_bytes()
        whole = records.parse(data)
        row_blocks = [at for at, kind, _ in whole.blocks if kind == records.ROWS]
        for at in row_blocks[-1:] + row_blocks[:1]:
            broken = bytearray(data)
            broken[at + 20] ^= 0x40
            log = records.parse(bytes(broken))
            self.assertIsNotNone(log.damage)
            self.assertLess(len(log.rows), 300)
            run = self.report(self.copy_with(broken))
            self.assert_agrees(run, log, reasons=("log_damaged",))
            self.assertNotIn("log_torn", run.reasons())
            self.assertEqual(run.json()["verdict"]["status"], "invalid")

    def limited(self, mock, limit_bytes, *arguments, **more):
        """A profile whose process may not write files beyond a size."""
        return self.profile(mock, "--streaming", "--isl", 10, "--num-dataset-entries", 10,
                            "--concurrency", 8, *arguments,
                            limit=(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes)), **more)

    def test_a_log_that_cannot_be_written(self):
        mock = self.start_mock("--fast", "--osl", "20")
        run = self.limited(mock, 96 * 1024, "--request-count", 3000, "--export-level", "summary")
        self.assertIn("records.tkr", run.stderr)
        result = run.json()
        self.assertEqual(run.count("request_count"), 3000)
        self.assertEqual(run.count("request_count"), mock.counters()[DONE])
        self.assertEqual(result["verdict"]["status"], "invalid")
        self.assertIn("log_not_written", run.reasons())
        self.assertEqual(result["request_latency"]["percentiles_from"], "histogram")
        self.assertEqual(result["request_latency"]["count"], 3000)
        self.assertIn("Verdict: invalid", run.stdout)
        # what did reach the disk can be read
        log = records.read(run.path("records.tkr"))
        copy = self.copy_with(run.path("records.tkr").read_bytes())
        again = self.report(copy)
        self.assertEqual(again.count("request_count"), len(log.rows))
        self.assertLess(len(log.rows), 3000)

    def test_report_opens_no_file_that_the_log_names(self):
        modules = sorted((BUILD / "lib").rglob("*console*.so"))
        self.assertTrue(modules)
        module = self.home / "given.so"
        shutil.copy(modules[0], module)
        run = self.profile(self.start_mock("--fast"), "--request-count", 10, "--plugin", module)
        module.write_bytes(b"not a module")
        again = Run(["report", str(run.directory)], run.directory)
        self.assertEqual(again.code, 0, again.stderr)
        self.assertIn("Verdict", again.stdout)
        for arguments in (["--plugin", str(module)], [f"--plugin={module}"],
                          ["--registry", str(module)]):
            refused = Run(["report", *arguments, str(run.directory)], run.directory)
            self.assertNotEqual(refused.code, 0)
            self.assertIn("given.so", refused.stderr)
        shutil.copy(modules[0], module)
        again = Run(["report", "--plugin", str(module), str(run.directory)], run.directory)
        self.assertEqual(again.code, 0, again.stderr)

    def test_report_refuses_what_it_does_not_know(self):
        for arguments in ([], ["--plugin"], ["--plugins", "x", "d"], ["a", "b"]):
            self.assertEqual(Run(["report", *arguments]).code, 2)

    def test_a_log_that_is_gone_at_the_end(self):
        directory = self.home / "run1"
        server = PlainServer(lambda n: (directory / "records.tkr").unlink() if n == 6 else None)
        self.addCleanup(server.stop)
        run = self.profile(server.url, "--concurrency", 2, "--request-count", 60)
        self.assertEqual(run.directory, directory)
        self.assertEqual(run.count("request_count"), 60)
        self.assertIn("log_not_written", run.reasons())
        self.assertIn("Verdict: invalid", run.stdout)
        self.assertTrue((directory / "profile_export.csv").exists())
        self.assertFalse((directory / "profile_export.jsonl").exists())
        self.assertIn("exporter 'jsonl' is left out", run.stderr)

    def test_strict_refuses_it(self):
        self.limited(self.start_mock("--fast", "--osl", "20"), 64 * 1024, "--request-count", 3000,
                     "--export-level", "summary", "--strict", expect=1)

    def test_an_export_that_cannot_be_written(self):
        run = self.limited(self.start_mock("--fast", "--osl", "20"), 200 * 1024, "--request-count",
                           600, expect=3)
        self.assertIn("jsonl", run.stderr)
        left = {path.name for path in run.directory.iterdir()}
        self.assertIn("profile_export.json", left)
        self.assertNotIn("profile_export.jsonl", left)
        self.assertEqual([name for name in left if name.endswith(".tmp")], [])

    def test_a_report_that_cannot_be_written_says_each_file_once(self):
        run = self.profile(self.start_mock("--fast"), "--request-count", 10)
        again = Run(["report", str(run.directory)], limit=(resource.RLIMIT_FSIZE, (100, 100)))
        self.assertEqual(again.code, 3, again.stderr)
        messages = again.stderr.splitlines()
        self.assertEqual(len(messages), 3, again.stderr)
        for message, exporter in zip(messages, ("json", "csv", "jsonl")):
            self.assertIn(f"exporter '{exporter}': ", message)

    def test_a_terminal_that_is_full(self):
        mock = self.start_mock("--fast")
        directory = self.new_directory()
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run(
                [TOKPERF, "profile", "--url", f"http://127.0.0.1:{mock.port}", "--model", "test",
                 "--request-count", "10", "--output-artifact-dir", str(directory)],
                stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True,
                timeout=RUN_DEADLINE_S, env=program_environment())
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(done.stderr.count("terminal"), 1, done.stderr)
        self.assertEqual(Left(directory).count("request_count"), 10)

    def test_a_report_beside_files_of_others(self):
        run = self.finished_run()
        copy = self.new_directory()
        shutil.copytree(run.directory, copy)
        (copy / "notes.txt").write_text("mine")
        os.symlink("/etc/hostname", copy / "profile_export.csv.old")
        self.report(copy)
        self.assertEqual((copy / "notes.txt").read_text(), "mine")


if __name__ == "__main__":
    main()
