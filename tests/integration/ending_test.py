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


class Ending(RunTest):
    def start(self, *arguments, mock=None):
        """A run of REQUESTS, which ends when a test says how. Its .stage is the exporter's."""
        mock = mock or self.start_mock("--ttft", "2", "--itl", "0", "--osl", "4")
        directory = self.new_directory()
        stage, sockets = self.home / f"stage{self.runs}", self.home / f"s{self.runs}"
        stage.mkdir()
        sockets.mkdir()
        log = self.home / f"events{self.runs}.jsonl"
        run = Live(self, f"run{self.runs}", "profile", "--url", f"http://127.0.0.1:{mock.port}",
                   "--model", "test", "--ui-type", "none", "--output-artifact-dir", directory,
                   "--concurrency", 2, "--events-log", log, *arguments,
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

    def go(self, run, word):
        (run.stage / "new").write_text(word)
        (run.stage / "new").rename(run.stage / "go")
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
        written = self.exported(run.directory)
        later = self.report(run.directory, "--plugin", WAITING)
        self.assertEqual(later, written)
        self.assertEqual(later["request_count"]["avg"], REQUESTS)

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

    def check_forward(self, snapshots):
        states = ["initialize", "live", "draining", "complete"]
        places = [states.index(s["state"]) for s in snapshots]
        self.assertEqual(places, sorted(places))
        sequence = [s["sequence"] for s in snapshots]
        self.assertEqual(sequence, sorted(set(sequence)))
        waiting = [s["pending_tokenizations"] for s in snapshots
                   if s["state"] in ("draining", "complete")]
        self.assertEqual(waiting, sorted(waiting, reverse=True))
        self.assertEqual(waiting[-1], 0)
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
