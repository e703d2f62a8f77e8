# SPDX-License-Identifier: Apache-2.0
"""How a run ends: that exit code, final snapshot and report agree whatever comes while the results
are written, and what a process that ends at once still takes away."""
import json
import os
import shutil
import signal
import sys

from harness import BUILD, SOURCE, Run, RunTest, main
from kill_support import COLLECTOR, is_gone, json_lines
from live import Live, read_lines, wait_until

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402

WAITING = str(BUILD / "tests" / "waiting_exporter.so")
FINAL = "metrics/final_snapshot.json"
REQUESTS = 60
# A pattern for which each word takes a look at the 5000 characters behind it: a text of 20,000 words
# is counted in a tenth of a second at best, a batch in work in some of them.
SLOW_PATTERN = "(?=[a-z ]{0,5000}[a-z ])[a-z]+| "
LONG = ("--fast", "--osl", "20000")


def byte_alphabet():
    """The 256 characters that stand for bytes in byte-level vocabularies."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(b) for b in kept] + [chr(256 + i) for i in range(256 - len(kept))]


class Ending(RunTest):
    def start(self, *arguments, mock=None):
        """A run of REQUESTS, which ends when a test says how. Its .stage is the exporter's."""
        if not isinstance(mock, str):
            mock = mock or self.start_mock("--ttft", "2", "--itl", "0", "--osl", "4")
            mock = f"http://127.0.0.1:{mock.port}"
        directory = self.new_directory()
        stage, sockets = self.home / f"stage{self.runs}", self.home / f"s{self.runs}"
        stage.mkdir()
        sockets.mkdir()
        log = self.home / f"events{self.runs}.jsonl"
        run = Live(self, f"run{self.runs}", "profile", "--url", mock, "--model", "test",
                   "--ui-type", "none", "--output-artifact-dir", directory, "--concurrency", 2,
                   "--events-log", log, *arguments,
                   environment={"TKP_TEST_EXPORTER": str(stage), "TMPDIR": str(sockets)})
        run.directory, run.stage, run.sockets, run.log = directory, stage, sockets, log
        return run

    def start_held(self, *arguments, **more):
        """The same once it is in the middle of its exporters: json is through, csv is not."""
        run = self.start("--request-count", REQUESTS, "--plugin", WAITING, "--exporter", "json",
                         "--exporter", "waiting", "--exporter", "csv", *arguments, **more)
        wait_until(lambda: (run.stage / "begun").exists() or run.process.poll() is not None,
                   "the exporter")
        self.assertIsNone(run.process.poll(), run.stderr())
        return run

    def say(self, run, word):
        (run.stage / "new").write_text(word)
        (run.stage / "new").rename(run.stage / "go")

    def go(self, run, word):
        self.say(run, word)
        return run.wait()

    def heard(self, run):
        """Snapshots so far; whole lines only."""
        events = json_lines(run.log)
        return [e["data"] for e in events if e["topic"] == "snapshot"]

    def final(self, run):
        return json.loads((run.directory / FINAL).read_text())

    def exported(self, directory):
        return json.loads((directory / "profile_export.json").read_text())

    def report(self, directory, *arguments):
        again = Run(["report", str(directory), *arguments], directory)
        self.assertEqual(again.code, 0, again.stderr)
        return again.json()

    def report_from_snapshot(self, run):
        copy = self.new_directory()
        (copy / "metrics").mkdir(parents=True)
        shutil.copy(run.directory / FINAL, copy / FINAL)
        return self.report(copy)

    def check_last_words(self, run, state, ended, code):
        """The bus and the file say the same, once, and nothing comes behind it."""
        events = read_lines(run.log)
        self.assertEqual([e["event"] for e in events[-2:]], ["snapshot", "session.ended"])
        self.assertEqual(events[-2]["data"], self.final(run))
        self.assertEqual(events[-2]["data"]["state"], state)
        last = [s["state"] for s in self.heard(run) if s["state"] in ("complete", "interrupted")]
        self.assertEqual(last, [state])
        self.assertEqual((events[-1]["data"]["state"], events[-1]["data"]["exit_code"]),
                         (ended, code))

    def test_a_signal_while_the_results_are_written(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            run = self.start_held()
            run.signal(number)
            self.assertEqual(self.go(run, "ok"), 130)
            self.check_last_words(run, "interrupted", "interrupted", 130)
            written = self.exported(run.directory)
            self.assertFalse(written["was_cancelled"])  # as it was then
            self.assertTrue((run.directory / "profile_export.csv").exists())
            final = self.final(run)
            self.assertTrue(final["was_cancelled"])
            self.assertNotIn("failure", final)
            self.assertIn("interrupted", run.stderr())
            log = records.read(run.directory / "records.tkr")
            self.assertEqual((log.stop["interrupted"], log.stop["interrupted_late"]), (0, 1))
            self.check_reports(run, written)

    def check_reports(self, run, written):
        """Both sources know of the signal, and that no number is missing."""
        later = self.report(run.directory)
        self.assertTrue(later["was_cancelled"])
        self.assertEqual(later["verdict"]["status"], written["verdict"]["status"])
        self.assertIn("interrupted", [n["code"] for n in later["verdict"]["notes"]])
        for key in written.keys() - {"was_cancelled", "verdict"}:
            self.assertEqual(later[key], written[key], key)
        self.assertEqual(self.report_from_snapshot(run),
                         {**later, "report_source": "final_snapshot"})

    def test_an_exporter_that_fails(self):
        run = self.start_held()
        self.assertEqual(self.go(run, "fail"), 3)
        self.check_last_words(run, "complete", "failed", 3)
        final = self.final(run)
        self.assertIn("exporter 'waiting': it was told to fail", final["failure"])
        self.assertFalse(final["was_cancelled"])
        self.assertTrue((run.directory / "profile_export.csv").exists())
        self.assertEqual(self.report_from_snapshot(run)["request_count"]["avg"], REQUESTS)

    def test_an_exporter_that_fails_in_a_run_that_is_interrupted(self):
        run = self.start_held()
        run.signal(signal.SIGINT)
        self.assertEqual(self.go(run, "fail"), 130)
        self.check_last_words(run, "interrupted", "interrupted", 130)
        self.assertIn("it was told to fail", self.final(run)["failure"])

    def test_an_exporter_that_crashes(self):
        """The record log is left, and is all that a report needs."""
        run = self.start_held()
        self.assertEqual(self.go(run, "crash"), 4)
        self.assertIn("org.tokperf.test.waiting crashed", run.stderr())
        self.assertFalse((run.directory / FINAL).exists())
        self.assertEqual(list(run.sockets.iterdir()), [])
        written = self.exported(run.directory)
        later = self.report(run.directory, "--plugin", WAITING)
        self.assertEqual(later, written)
        self.assertEqual(later["request_count"]["avg"], REQUESTS)

    def test_signals_behind_the_end(self):
        """They change nothing, not even when they end the process at once: here while it waits for
        its mock server to end, which is stopped."""
        run = self.start_held(mock="mock:?fast")
        path = f"/proc/{run.process.pid}/task/{run.process.pid}/children"
        with open(path, encoding="ascii") as file:
            server = int(file.read())
        os.kill(server, signal.SIGSTOP)
        self.say(run, "ok")
        wait_until(lambda: any(e["event"] == "session.ended" for e in json_lines(run.log)) or
                   run.process.poll() is not None, "the end of the session")
        for number in (signal.SIGINT, signal.SIGTERM):
            if run.process.poll() is None:
                run.signal(number)
        self.assertEqual(run.wait(), 0)
        self.check_last_words(run, "complete", "complete", 0)
        self.assertFalse(self.report(run.directory)["was_cancelled"])
        wait_until(lambda: is_gone(server), "the end of the server")

    def test_a_second_signal_while_the_results_are_written(self):
        run = self.start_held()
        run.signal(signal.SIGINT)
        run.signal(signal.SIGTERM)
        self.assertEqual(run.wait(), 130)
        self.assertFalse((run.directory / FINAL).exists())
        self.assertEqual(list(run.sockets.iterdir()), [])
        self.assertEqual(self.report(run.directory)["request_count"]["avg"], REQUESTS)

    def test_a_second_signal_leaves_no_sockets_and_no_children(self):
        """Of collectors too that neither the end of their input nor SIGTERM ends."""
        notes = self.home / "collector"
        run = self.start("--request-count", 1000000,
                         f"--collector={COLLECTOR} --log {notes} --ignore-end")
        wait_until(lambda: any(n["what"] == "baseline" for n in json_lines(notes)) or
                   run.process.poll() is not None, "the collector")
        self.assertNotEqual(list(run.sockets.iterdir()), [])
        run.signal(signal.SIGSTOP)
        run.signal(signal.SIGINT)
        run.signal(signal.SIGTERM)
        run.signal(signal.SIGCONT)
        self.assertEqual(run.wait(), 130)
        self.assertEqual(list(run.sockets.iterdir()), [])
        pid = json_lines(notes)[-1]["pid"]
        self.addCleanup(lambda: is_gone(pid) or os.kill(pid, signal.SIGKILL))
        wait_until(lambda: is_gone(pid), "the end of the collector")

    def test_snapshots_go_on_while_the_results_are_made(self):
        for more in ((), ("--tokenizer", "builtin", "--tokenizer-threads", 0)):
            with self.subTest(more=more):
                run = self.start_held("--snapshot-rate", 50, *more)
                def draining(r=run):
                    return [s for s in self.heard(r) if s["state"] == "draining"]
                before = len(draining())
                wait_until(lambda b=before, d=draining: len(d()) >= b + 5, "more snapshots")
                self.assertEqual(self.go(run, "ok"), 0, run.stderr())
                self.check_last_words(run, "complete", "complete", 0)
                self.check_forward(self.heard(run))
                self.assertEqual(self.final(run)["pending_tokenizations"], 0)

    def slow_tokenizer(self):
        split = {"type": "Split", "pattern": {"Regex": SLOW_PATTERN}, "behavior": "Isolated",
                 "invert": False}
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                 "use_regex": False}
        document = {"version": "1.0", "added_tokens": [], "normalizer": None,
                    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
                    "post_processor": None, "decoder": None,
                    "model": {"type": "BPE", "dropout": None, "unk_token": None, "merges": [],
                              "vocab": {c: i for i, c in enumerate(byte_alphabet())}}}
        path = self.home / "slow.json"
        path.write_text(json.dumps(document))
        return path

    def on_two_cpus(self):
        """What is started from here on counts with two threads on any machine."""
        cpus = os.sched_getaffinity(0)
        os.sched_setaffinity(0, sorted(cpus)[:2])
        self.addCleanup(os.sched_setaffinity, 0, cpus)

    def test_a_signal_while_tokens_are_counted(self):
        self.on_two_cpus()
        requests = 120  # 6 s and more of counting
        run = self.start("--request-count", requests, "--isl", 10, "--num-dataset-entries", 10,
                         "--snapshot-rate", 20, "--tokenizer-threads", 0, "--tokenizer",
                         self.slow_tokenizer(), mock=self.start_mock(*LONG))
        wait_until(lambda: any(s["state"] == "draining" for s in self.heard(run)) or
                   run.process.poll() is not None, "the drain")
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait(), 130, run.stderr())
        self.check_last_words(run, "interrupted", "interrupted", 130)
        self.check_forward(self.heard(run))
        final = self.final(run)
        self.assertGreater(final["pending_tokenizations"], 0)
        self.assertEqual(final["phases"][0]["counters"]["request_count"], requests)
        written = self.exported(run.directory)
        for document in (final, written, self.report(run.directory),
                         self.report_from_snapshot(run)):
            self.assertTrue(document["was_cancelled"])
            self.assertIn("interrupted", [r["code"] for r in document["verdict"]["reasons"]])
            self.assertNotEqual(document["verdict"]["status"], "valid")
        shown = (self.home / "run1.out").read_text()
        self.assertIn("[interrupted]", shown)

    def check_forward(self, snapshots):
        states = ["initialize", "live", "draining", "complete", "interrupted"]
        places = [states.index(s["state"]) for s in snapshots]
        self.assertEqual(places, sorted(places))
        sequence = [s["sequence"] for s in snapshots]
        self.assertEqual(sequence, sorted(set(sequence)))
        waiting = [s["pending_tokenizations"] for s in snapshots
                   if s["state"] in ("draining", "complete", "interrupted")]
        self.assertEqual(waiting, sorted(waiting, reverse=True))
        before = {}
        for snapshot in snapshots:
            phase = snapshot["phases"][0]
            counts = {**phase["counters"],
                      **{tag: s["count"] for tag, s in phase["series"].items() if "count" in s}}
            counts.pop("no_token_count", None)  # goes down once the answers are counted
            for name, count in counts.items():
                self.assertGreaterEqual(count, before.get(name, 0), name)
                before[name] = count


if __name__ == "__main__":
    main()
