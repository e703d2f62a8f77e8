# SPDX-License-Identifier: Apache-2.0
"""Where --events-log can write and where not, and what it leaves there."""
import os

from harness import Run, RunTest, main
from live import read_lines

QUIET = ("--fast", "--osl", "4")


class EventsLog(RunTest):
    def refused(self, log, code, words, *more, directory=None):
        arguments = ["profile", "--url", "http://127.0.0.1:9", "--model", "test", "--events-log",
                     str(log), "--output-artifact-dir", str(directory or self.new_directory()),
                     *more]
        run = Run(arguments, obeys_modes=True)
        self.assertEqual(run.code, code, run.stderr)
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertIn("--events-log: ", run.stderr)
        self.assertIn(words, run.stderr)

    def test_a_log_that_cannot_be_made_is_refused_before_anything_is_sent(self):
        there = self.home / "there.jsonl"
        there.write_text("mine\n")
        self.refused(there, 2, "is there already")
        self.assertEqual(there.read_text(), "mine\n")
        self.refused(self.home, 2, "is no regular file")
        self.refused(self.home / "no" / "events.jsonl", 2, "No such file")
        self.refused(there / "events.jsonl", 2, "Not a directory")
        self.refused("", 2, "needs a value")
        fifo = self.home / "fifo"
        os.mkfifo(fifo)
        self.refused(fifo, 2, "is no regular file")
        inside = self.new_directory()
        self.refused(inside / "profile_export.jsonl", 2, "one of the run's own files",
                     directory=inside)
        self.assertFalse(inside.exists())
        for folder in ("metrics", "logs", "phases/a"):
            (inside / folder).mkdir(parents=True)
            self.refused(inside / folder / "final_snapshot.json", 2, "one of the run's own files",
                         directory=inside)
        config = self.home / "config.yaml"
        config.write_text("benchmark: {model: test}\n")
        self.refused(config, 2, "the run reads", "-f", str(config), "--overwrite")
        locked = self.home / "locked"
        locked.mkdir(mode=0o500)
        self.refused(locked / "events.jsonl", 3, "Permission denied")

    def test_a_log_in_the_directory_that_the_run_makes(self):
        mock = self.start_mock(*QUIET)
        directory = self.new_directory()
        log = directory / "events.jsonl"
        for more in ((), ("--overwrite",)):
            run = Run(["profile", "--url", f"http://127.0.0.1:{mock.port}", "--model", "test",
                       "--request-count", "20", "--output-artifact-dir", str(directory),
                       "--events-log", str(log), *more])
            self.assertEqual((run.code, run.stderr), (0, ""))
            ended = [e for e in read_lines(log) if e["event"] == "sample.complete"]
            self.assertEqual(len(ended), 20)

    def test_a_log_on_a_full_disk_is_one_warning(self):
        mock = self.start_mock(*QUIET)
        run = self.profile(mock, "--concurrency", 2, "--request-count", 50,
                           "--events-log", "/dev/full")
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertIn("/dev/full: ", run.stderr)
        self.assertIn("No space left", run.stderr)
        self.assertEqual(run.count("request_count"), 50)

    def test_a_refused_run_leaves_no_log(self):
        log = self.home / "events.jsonl"
        directory = self.new_directory()
        directory.mkdir()
        (directory / "inputs.json").mkdir()  # what the run writes after its log was made
        run = Run(["profile", "--url", "http://127.0.0.1:9", "--model", "test", "--overwrite",
                   "--output-artifact-dir", str(directory), "--events-log", str(log)])
        self.assertEqual(run.code, 3, run.stderr)
        self.assertFalse(log.exists())


if __name__ == "__main__":
    main()
