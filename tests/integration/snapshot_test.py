# SPDX-License-Identifier: Apache-2.0
"""Snapshots: what they say while a run goes, that the last one is the run's result whatever broke it
off, and that `tokperf report` makes do with it when there is no record log."""
import json
import resource
import shutil
import signal
import sys

from harness import SOURCE, Run, RunTest, main
from live import Live, read_lines, wait_until

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import json_schema  # noqa: E402

STATES = ["initialize", "live", "draining", "complete", "interrupted"]
SCHEMA = json.loads((SOURCE / "docs" / "snapshot.schema.json").read_text())
PACED = ("--ttft", "4", "--itl", "1", "--osl", "4", "--seed", "3", "--fault-500", "0.2")
FINAL = "metrics/final_snapshot.json"
STATISTICS = ("unit", "count", "sum", "avg", "min", "max", "std", "p1", "p5", "p10", "p25", "p50",
              "p75", "p90", "p95", "p99", "p99.9")


def snapshots_of(path):
    return [e["data"] for e in read_lines(path) if e["topic"] == "snapshot"]


def states_of(snapshots):
    return [s["state"] for s in snapshots]


class Snapshots(RunTest):
    maxDiff = None

    def logged(self, *arguments, mock=None, **more):
        """A run and the events that it wrote to a file."""
        log = self.home / f"events{self.runs}.jsonl"
        run = self.profile(mock or self.start_mock(*PACED), "--streaming", "--workers-max", 2,
                           "--events-log", log, *arguments, **more)
        return run, read_lines(log)

    def start(self, *arguments, mock=None, streaming=("--streaming",), **more):
        """A run that goes on, whose events are written to run.log."""
        mock = mock or self.start_mock(*PACED)
        directory = self.new_directory()
        log = self.home / "live.jsonl"
        run = Live(self, "run", "profile", "--url", f"http://127.0.0.1:{mock.port}", "--model",
                   "test", "--ui-type", "none", "--output-artifact-dir", directory,
                   "--events-log", log, "--snapshot-rate", 20, *streaming, *arguments, **more)
        run.directory, run.log = directory, log
        return run

    def wait_for_snapshot(self, run, wanted):
        """Until one for which wanted() holds was heard; whole lines only."""
        def seen():
            if not run.log.exists():
                return False
            lines = run.log.read_text().splitlines(keepends=True)
            data = [json.loads(line) for line in lines if line.endswith("\n")]
            return any(wanted(e["data"]) for e in data if e["topic"] == "snapshot")
        wait_until(lambda: seen() or run.process.poll() is not None, "a snapshot")
        self.assertTrue(seen(), run.stderr())

    def final(self, directory):
        document = json.loads((directory / FINAL).read_text())
        self.assertEqual(json_schema.errors(SCHEMA, document), [])
        self.assertIn(document["state"], STATES[3:])
        self.assertEqual(document["in_flight"], 0)
        return document

    def without_log(self, directory):
        """`tokperf report` on a copy that has nothing but the final snapshot."""
        copy = self.new_directory()
        (copy / "metrics").mkdir(parents=True)
        shutil.copy(directory / FINAL, copy / FINAL)
        return Run(["report", str(copy)], copy)

    def assert_same_numbers(self, document, result):
        """What the final snapshot says of the main phase and what profile_export.json says."""
        phase = document["phases"][document["main_phase"]]
        for tag, value in phase["counters"].items():
            self.assertEqual(result[tag]["avg"], value, tag)
        for tag, value in phase["values"].items():
            self.assertEqual(result[tag], {"unit": value["unit"], "avg": value["value"]}, tag)
        for tag, series in phase["series"].items():
            for name in STATISTICS:
                self.assertEqual(result[tag].get(name), series.get(name), f"{tag} {name}")
            if "histogram" in series:
                buckets = series["histogram"]
                self.assertEqual(sum(buckets["counts"]), series["count"], tag)
                self.assertLessEqual(buckets["bounds"][0], series["min"])
                self.assertGreater(buckets["bounds"][-1], series["max"])
        known = {*phase["counters"], *phase["values"], *phase["series"]}
        metrics = {tag for tag, value in result.items()
                   if isinstance(value, dict) and "unit" in value}
        self.assertEqual(metrics, known)
        self.assertEqual(phase["finish_reasons"], result["finish_reasons"])

    # over a live run

    def test_a_run_from_begin_to_end(self):
        run, events = self.logged("--concurrency", 4, "--request-count", 500,
                                  "--warmup-request-count", 40, "--snapshot-rate", 40)
        snapshots = [e["data"] for e in events if e["topic"] == "snapshot"]
        for snapshot in snapshots:
            self.assertEqual(json_schema.errors(SCHEMA, snapshot), [])
        self.assertEqual([s["sequence"] for s in snapshots], list(range(len(snapshots))))
        places = [STATES.index(s["state"]) for s in snapshots]
        self.assertEqual(places, sorted(places))
        self.assertEqual(set(states_of(snapshots)), set(STATES[:4]))
        self.assertEqual(states_of(snapshots).count("complete"), 1)
        times = [s["time_ns"] for s in snapshots]
        self.assertEqual(times, sorted(times))
        self.assert_never_down(snapshots)
        final = self.final(run.directory)
        self.assertEqual(snapshots[-1], final)
        self.assert_same_numbers(final, run.json())
        self.assertEqual(final["phases"][1]["errors_by_outcome"],
                         {"http_error": run.count("error_request_count")})
        # nothing follows the last one but the session's end
        behind = events[events.index(next(e for e in events if e["topic"] == "snapshot" and
                                          e["data"]["state"] == "complete")) + 1:]
        self.assertEqual([e["event"] for e in behind], ["session.ended"])

    def assert_never_down(self, snapshots):
        before = {}
        for snapshot in snapshots:
            for index, phase in enumerate(snapshot["phases"]):
                counts = {**phase["counters"], **phase["finish_reasons"],
                          **{tag: s["count"] for tag, s in phase["series"].items() if "count" in s}}
                for name, count in counts.items():
                    self.assertGreaterEqual(count, before.get((index, name), 0), name)
                    before[index, name] = count

    def test_no_more_than_the_rate(self):
        mock = self.start_mock(*PACED)
        for rate, requests in ((0, 50), (0.5, 300), (25, 300)):
            _, events = self.logged("--concurrency", 4, "--request-count", requests,
                                    "--snapshot-rate", rate, mock=mock)
            snapshots = [e["data"] for e in events if e["topic"] == "snapshot"]
            self.assertEqual(snapshots[-1]["state"], "complete")
            seconds = (snapshots[-1]["time_ns"] - snapshots[0]["time_ns"]) / 1e9
            # each state's first one comes at once; the others' times may be a stall apart from those
            # at which they were due
            self.assertLessEqual(len(snapshots), seconds * rate + (6 if rate else 1))
            self.assertGreater(len(snapshots), 3 if rate else 0)

    def test_one_that_joins_late(self):
        run = self.start("--concurrency", 2, "--request-count", 1000000)
        self.wait_for_snapshot(run, lambda s: s["phases"][0]["counters"]["request_count"] > 20)
        late = Live(self, "late", "events", run.directory, "--topic", "snapshot", "--format",
                    "jsonl")
        wait_until(lambda: late.out.read_text().count("\n") > 2 or late.process.poll() is not None,
                   "what the late one hears")
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait(), 130, run.stderr())
        self.assertEqual(late.wait(), 0, late.stderr())
        heard = snapshots_of(late.out)
        self.assertGreater(heard[0]["sequence"], 0)
        self.assertEqual(heard[0]["state"], "live")
        self.assertEqual(heard[-1], self.final(run.directory))
        self.assertEqual([s["sequence"] for s in heard],
                         list(range(heard[0]["sequence"], heard[-1]["sequence"] + 1)))

    # signals

    def test_interrupted_while_live(self):
        run = self.start("--concurrency", 4, "--request-count", 1000000)
        self.wait_for_snapshot(run, lambda s: s["phases"][0]["counters"]["request_count"] > 20)
        self.wait_for_snapshot(run, lambda s: s["in_flight"] > 0)
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait(), 130)
        self.check_interrupted(run)
        final = self.final(run.directory)
        self.assertTrue(final["was_cancelled"])
        self.assertNotEqual(final["verdict"]["status"], "valid")

    def check_interrupted(self, run):
        """The last snapshot says so, and what is left can be reported, from either source."""
        snapshots = snapshots_of(run.log)
        self.assertEqual(states_of(snapshots)[-1], "interrupted")
        self.assertEqual(states_of(snapshots).count("interrupted"), 1)
        final = self.final(run.directory)
        self.assertEqual(final, snapshots[-1])
        result = json.loads((run.directory / "profile_export.json").read_text())
        self.assert_same_numbers(final, result)
        again = self.without_log(run.directory)
        self.assertEqual(again.code, 0, again.stderr)
        self.assertEqual(again.json(), {**result, "report_source": "final_snapshot"})

    def test_killed_while_live(self):
        run = self.start("--concurrency", 4, "--request-count", 1000000)
        self.wait_for_snapshot(run, lambda s: s["phases"][0]["counters"]["request_count"] > 20)
        log = run.directory / "records.tkr"
        wait_until(lambda: log.stat().st_size or run.process.poll() is not None, "a record")
        early = Run(["report", str(run.directory)], run.directory)
        self.assertEqual(early.code, 0, early.stderr)
        self.assertIn("still goes on", early.stderr)
        run.signal(signal.SIGKILL)
        run.wait()
        self.assertFalse((run.directory / FINAL).exists())
        again = Run(["report", str(run.directory)], run.directory)
        self.assertEqual(again.code, 0, again.stderr)
        self.assertEqual(again.stderr, "")
        self.assertEqual(again.json()["report_source"], "record_log")
        self.assertNotIn("Report source", again.stdout)

    def test_a_run_without_a_report(self):
        """What was known when it was given up, and why it was."""
        run, events = self.logged("--request-count", 5, "--warmup-request-count", 3,
                                  "--server-profiler", "--server-profiler-start-path", "/nothing",
                                  expect=3)
        self.assertFalse(run.path("profile_export.json").exists())
        final = self.final(run.directory)
        self.assertEqual(final["state"], "interrupted")
        self.assertIn("--server-profiler", final["failure"])
        warmup = final["phases"][0]["counters"]
        self.assertEqual(warmup["completed_request_count"], 3)
        snapshots = [e["data"] for e in events if e["topic"] == "snapshot"]
        self.assertEqual(snapshots[-1], final)
        self.assertEqual(states_of(snapshots).count("interrupted"), 1)
        again = self.without_log(run.directory)
        self.assertEqual(again.code, 0, again.stderr)
        self.assertEqual(again.json()["warmup_metrics"]["completed_request_count"]["avg"], 3)

    # files that cannot be written

    def test_a_folder_that_cannot_be_made(self):
        directory = self.home / "run1"
        directory.mkdir()
        (directory / "metrics").write_text("in the way", encoding="utf-8")
        run, events = self.logged("--request-count", 10, expect=3)
        messages = [line for line in run.stderr.splitlines() if "final snapshot" in line]
        self.assertEqual(len(messages), 1, run.stderr)
        self.assertIn("is not kept", messages[0])
        self.assertEqual(states_of([e["data"] for e in events if e["topic"] == "snapshot"])[-1],
                         "complete")
        self.assertEqual(run.json()["report_source"], "record_log")

    def test_a_link_in_place_of_the_folder_is_not_followed(self):
        directory, elsewhere = self.home / "run1", self.home / "elsewhere"
        directory.mkdir()
        elsewhere.mkdir()
        (directory / "metrics").symlink_to(elsewhere)
        run, events = self.logged("--request-count", 10, expect=3)
        message, = run.stderr.splitlines()
        self.assertIn("the final snapshot is not kept", message)
        self.assertIn("is no directory of its own", message)
        self.assertEqual(list(elsewhere.iterdir()), [])
        self.assert_same_numbers(snapshots_of(self.home / "events0.jsonl")[-1], run.json())

    def test_a_folder_that_is_read_only(self):
        directory = self.home / "run1"
        (directory / "metrics").mkdir(parents=True)
        (directory / "metrics").chmod(0o555)
        run, events = self.logged("--request-count", 10, obeys_modes=True, expect=3)
        message, = run.stderr.splitlines()
        self.assertIn("the final snapshot is not kept", message)
        self.assertIn("Permission denied", message)
        self.assertEqual(list((directory / "metrics").iterdir()), [])
        self.assertEqual(events[-2]["data"]["state"], "complete")
        self.assert_same_numbers(events[-2]["data"], run.json())
        self.assertEqual(run.count("completed_request_count"), 10)

    def test_a_directory_that_becomes_read_only(self):
        """One sentence for each file that is missing; the log that is open has all requests."""
        run = self.start("--concurrency", 4, "--request-count", 1000000,
                         "--num-dataset-entries", 10, obeys_modes=True)
        self.wait_for_snapshot(run, lambda s: s["phases"][0]["counters"]["request_count"] > 20)
        run.directory.chmod(0o555)
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait(), 130)
        run.directory.chmod(0o755)
        messages = run.stderr().splitlines()
        for words in ("the final snapshot is not kept", "exporter 'json': ", "exporter 'csv': ",
                      "exporter 'jsonl': "):
            message, = [m for m in messages if words in m]
            self.assertIn("Permission denied", message)
        self.assertIn("interrupted", messages[0])
        self.assertEqual(len(messages), 5, messages)
        self.assertIn("Verdict:", run.out.read_text())
        final = snapshots_of(run.log)[-1]
        self.assertEqual(final["state"], "interrupted")
        again = Run(["report", str(run.directory)], run.directory)
        self.assertEqual((again.code, again.stderr), (0, ""))
        self.assert_same_numbers(final, again.json())

    def limited(self, limit_bytes, *arguments, **more):
        """A run that may not write files beyond a size."""
        return self.profile(self.start_mock("--fast", "--osl", "20"), "--streaming", "--isl", 10,
                            "--num-dataset-entries", 10, "--export-level", "summary", *arguments,
                            limit=(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes)), **more)

    def test_a_log_that_cannot_be_written(self):
        run = self.limited(96 * 1024, "--request-count", 3000, "--concurrency", 8)
        result = run.json()
        self.assertEqual(result["report_source"], "histograms")
        self.assertIn("Report source: histograms", run.stdout)
        final = self.final(run.directory)
        self.assertEqual(final["report_source"], "histograms")
        self.assert_same_numbers(final, result)

    def test_no_room_for_the_snapshot(self):
        run = self.limited(16 * 1024, "--request-count", 40, "--exporter", "console", expect=3)
        messages = [line for line in run.stderr.splitlines() if "final snapshot" in line]
        self.assertEqual(len(messages), 1, run.stderr)
        self.assertIn("Verdict:", run.stdout)
        self.assertEqual(list((run.directory / "metrics").iterdir()), [])

    # the report's sources

    def test_report_without_the_log(self):
        run = self.profile(self.start_mock(*PACED), "--streaming", "--request-count", 60,
                           "--warmup-request-count", 5)
        self.assertEqual(run.json()["report_source"], "record_log")
        again = self.without_log(run.directory)
        self.assertEqual(again.code, 0, again.stderr)
        self.assertEqual(again.json(), {**run.json(), "report_source": "final_snapshot"})
        self.assertEqual(again.path("profile_export.csv").read_bytes(),
                         run.path("profile_export.csv").read_bytes())
        self.assertFalse(again.path("profile_export.jsonl").exists())
        self.assertIn("Report source: final_snapshot", again.stdout)
        self.assertIn("final_snapshot.json", again.stderr)
        for header in (b"", b"not a log"):  # not readable as one
            again.path("records.tkr").write_bytes(header)
            unread = Run(["report", str(again.directory)], again.directory)
            self.assertEqual(unread.code, 0, unread.stderr)
            self.assertEqual(unread.json()["report_source"], "final_snapshot")
        counted = Run(["report", str(again.directory), "--tokenizer", "builtin"])
        self.assertEqual(counted.code, 2)
        self.assertIn("--tokenizer", counted.stderr)

    def test_report_of_a_log_that_lost_its_end_points_at_the_snapshot(self):
        run = self.profile(self.start_mock("--fast"), "--request-count", 60)
        log = run.path("records.tkr").read_bytes()
        run.path("records.tkr").write_bytes(log[:-40])
        cut = Run(["report", str(run.directory)], run.directory)
        self.assertEqual(cut.code, 0, cut.stderr)
        self.assertEqual(cut.json()["report_source"], "record_log")
        self.assertIn("move records.tkr away", cut.stderr)
        run.path(FINAL).unlink()
        self.assertEqual(Run(["report", str(run.directory)], run.directory).stderr, "")

    def test_a_damaged_snapshot(self):
        run = self.profile(self.start_mock("--fast"), "--request-count", 5)
        whole = run.path(FINAL).read_text()
        document = json.loads(whole)
        elsewhere = json.loads(whole)
        elsewhere["phases"][0]["name"] = "../../outside"
        cases = ["", "{", whole[:len(whole) // 2], whole + "x", "[]", "null", "\0" * 100,
                 json.dumps({**document, "schema_version": "2.0"}),
                 json.dumps({**document, "state": "live"}),
                 json.dumps({**document, "phases": []}),
                 json.dumps({**document, "phases": "none"}),
                 json.dumps({k: v for k, v in document.items() if k != "run"}),
                 json.dumps(elsewhere)]
        for case in cases:
            copy = self.new_directory()
            (copy / "metrics").mkdir(parents=True)
            (copy / FINAL).write_text(case, encoding="utf-8")
            refused = Run(["report", str(copy)], copy)
            self.assertEqual(refused.code, 2, f"{case[:60]}: {refused.stderr}")
            self.assertEqual(len(refused.stderr.splitlines()), 1, refused.stderr)
            self.assertIn("final_snapshot.json", refused.stderr)
            self.assertEqual([p.name for p in copy.iterdir()], ["metrics"])

    def test_an_old_snapshot_is_no_result_of_the_next_run(self):
        run = self.profile(self.start_mock("--fast"), "--request-count", 5)
        run.path("records.tkr").unlink()
        run.path("run.json").unlink()
        mock = self.start_mock("--ttft", "10000")
        arguments = ["profile", "--url", f"http://127.0.0.1:{mock.port}", "--model", "test",
                     "--streaming", "--output-artifact-dir", str(run.directory)]
        refused = Run(arguments)
        self.assertEqual(refused.code, 2, refused.stderr)
        self.assertIn("holds the result of another run", refused.stderr)
        following = Live(self, "next", *arguments, "--overwrite")
        wait_until(lambda: run.path("records.tkr").exists() or
                   following.process.poll() is not None, "a record log")
        following.end()
        self.assertFalse(run.path(FINAL).exists())


if __name__ == "__main__":
    main()
