# SPDX-License-Identifier: Apache-2.0
"""benchmark.phases as a list: what each phase sends and its files hold, what the total is made of, what
an interruption leaves, and that `tokperf report` makes the same again."""
import copy
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

from harness import SOURCE, TOKPERF, Run, RunTest, main, program_environment
from live import wait_until

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402
from odd_server import (DEADLINE_S, JSON, NATIVE, SSE, STREAM, WHOLE, OddServer,  # noqa: E402
                        answer)

DATASET = "  dataset: {prompts: {isl: 10, osl: 4}}\n"
FIVE = ("    - {name: low, concurrency: 2, requests: 30}\n"
        "    - {name: settle, kind: warmup, requests: 8}\n"
        "    - {name: mid, type: poisson, rate: 200, requests: 40, grace_period: 1, duration: 20}\n"
        "    - {name: probe, exclude_from_results: true, requests: 5}\n"
        "    - {name: high, concurrency: 8, sessions: 50}\n")
SENT = {"low": 30, "settle": 8, "mid": 40, "probe": 5, "high": 50}
COUNTED = ("low", "mid", "high")
MOCK = ("--ttft", "2", "--itl", "1", "--osl", "4", "--seed", "1", "--fault-500", "0.1")


class Phases(RunTest):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="tokperf-test-")
        cls.addClassCleanup(holder.cleanup)
        cls.kept_in, cls.kept = pathlib.Path(holder.name), {}

    def config(self, phases):
        path = self.home / "run.yaml"
        path.write_text(f"benchmark:\n{DATASET}  phases:\n{phases}", encoding="utf-8")
        return ["--config", path]

    def run_five(self, *arguments):
        """The same run for all who ask alike, its directory a copy of each one's own."""
        if arguments not in self.kept:
            run = self.profile(self.start_mock(*MOCK), *self.config(FIVE), "--streaming",
                               "--random-seed", 1, "--goodput", "request_latency:1000", *arguments)
            place = self.kept_in / str(len(self.kept))
            shutil.copytree(run.directory, place)
            run.directory = place
            self.kept[arguments] = run
        run = copy.copy(self.kept[arguments])
        run.directory = self.new_directory()
        shutil.copytree(self.kept[arguments].directory, run.directory)
        return run

    def odd(self, serve):
        server = OddServer(NATIVE[0], self.home, serve)
        self.addCleanup(server.close)
        return server.url

    def of_phase(self, run, name, file="profile_export.json"):
        return json.loads((run.directory / "phases" / name / file).read_text(encoding="utf-8"))

    def manifest(self, run):
        return run.json("phases/phase_manifest.json")["phases"]

    def test_each_row_is_in_its_phase(self):
        run = self.run_five()
        rows = run.records(phase=None)
        for name, sent in SENT.items():
            mine = [r for r in rows if r["tokperf"]["phase"] == name]
            self.assertEqual(len(mine), sent, name)
            kind = "warmup" if name == "settle" else "profiling"
            self.assertEqual({r["metadata"]["benchmark_phase"] for r in mine}, {kind})
            failed = sum(r["tokperf"]["outcome"] != "ok" for r in mine)
            file = self.of_phase(run, name)
            self.assertEqual(file["completed_request_count"]["avg"], sent, name)
            self.assertEqual(file["error_request_count"]["avg"], failed, name)
            self.assertEqual(file["request_latency"]["count"], sent - failed, name)
            self.assertEqual([p["name"] for p in file["phases"]], [name])
            self.assertNotIn("warmup_metrics", file)
        # draws go on from phase to phase: 133 of a dataset of 100
        drawn = sorted(r["tokperf"]["dataset_row"] for r in rows)
        self.assertEqual(drawn, sorted([*range(100), *range(33)]))

    def test_the_total_is_the_sum_of_what_counts(self):
        run = self.run_five()
        total = run.json()
        parts = [self.of_phase(run, name) for name in COUNTED]
        for tag in ("request_count", "error_request_count", "completed_request_count",
                    "total_output_tokens", "total_isl", "good_request_count", "chunk_count"):
            self.assertEqual(total[tag]["avg"], sum(p[tag]["avg"] for p in parts), tag)
        latencies = [r["metrics"]["request_latency"]["value"] for r in run.records()
                     if r["tokperf"]["phase"] in COUNTED and r["tokperf"]["outcome"] == "ok"]
        self.assertEqual(total["request_latency"]["count"], len(latencies))
        self.assertAlmostEqual(total["request_latency"]["max"], max(latencies), places=6)
        # time between the counted phases is none of theirs
        duration = sum(p["benchmark_duration"]["avg"] for p in parts)
        self.assertAlmostEqual(total["benchmark_duration"]["avg"], duration, places=6)
        self.assertAlmostEqual(total["request_throughput"]["avg"],
                               total["request_count"]["avg"] / duration, places=6)
        for tag in ("offered_rate", "achieved_rate", "effective_concurrency",
                    "steady_request_throughput"):
            self.assertNotIn(tag, total)
        self.assertIn("offered_rate", parts[1])
        self.assertIn("effective_concurrency", parts[0])
        failed = sum(e["count"] for e in total["error_summary"])
        self.assertEqual(failed, total["error_request_count"]["avg"])
        self.assertIn("warmup_metrics", total)  # of the only warm-up

    def run_whose_second_phase_is_cut(self):
        """Its server answers the requests of the first, and no others."""
        tickets = threading.Semaphore(12)

        def serve(peer, _):
            while peer.read_request() and tickets.acquire(blocking=False):
                peer.send(answer(WHOLE, content_type=JSON))
            peer.drain()

        return self.profile(self.odd(serve), *self.config(
            "    - {name: good, concurrency: 12, requests: 12}\n"
            "    - {name: cut, concurrency: 4, duration: 100ms, grace_period: 0}\n"))

    def test_the_verdict_names_the_phase(self):
        # one that stands still until its second phase is over sends nothing in it
        run = self.until(self.run_whose_second_phase_is_cut,
                         lambda run: "cancelled" in run.outcomes())
        verdict = run.json()["verdict"]
        told = verdict["reasons"] + verdict["notes"]
        cancelled = [r for r in told if r["code"] in ("censored", "cancelled")]
        self.assertEqual({r["phase"] for r in cancelled}, {"cut"})
        self.assertIn("cut: ", run.stdout)
        own = self.of_phase(run, "cut")["verdict"]
        self.assertNotIn("phase", (own["reasons"] + own["notes"])[0])
        worst = [p["verdict"] for p in self.manifest(run)]
        order = ("valid", "suspect", "invalid")
        self.assertEqual(order.index(verdict["status"]), max(order.index(v) for v in worst))

    def test_a_report_makes_the_same_files(self):
        run = self.run_five("--profile-export-prefix", "mine")
        copy = self.home / "copy"
        shutil.copytree(run.directory, copy)
        shutil.rmtree(copy / "phases")
        made = subprocess.run([TOKPERF, "report", str(copy)], capture_output=True, text=True,
                              timeout=60, env=program_environment(), check=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        names = sorted(str(p.relative_to(copy)) for p in (copy / "phases").rglob("*"))
        self.assertEqual(names, sorted(str(p.relative_to(run.directory))
                                       for p in (run.directory / "phases").rglob("*")))
        self.assertEqual(len(names), 5 * 3 + 1)
        for name in [*names, "mine.json", "mine.csv", "mine.jsonl"]:
            if (copy / name).is_file():
                self.assertEqual((copy / name).read_bytes(), run.path(name).read_bytes(), name)
        manifest = self.manifest(run)
        self.assertEqual([p["name"] for p in manifest], list(SENT))
        self.assertEqual([p["kind"] for p in manifest].count("warmup"), 1)
        self.assertEqual([p["excluded"] for p in manifest], [False, False, False, True, False])
        for phase in manifest:
            self.assertEqual(phase["request_count"] + phase["error_request_count"],
                             SENT[phase["name"]])
            self.assertLess(phase["start_ns"], phase["end_ns"])
            self.assertEqual(phase["files"], [f"phases/{phase['name']}/mine.{kind}"
                                              for kind in ("csv", "json")])
        ends = [p["end_ns"] for p in manifest]
        self.assertTrue(all(p["start_ns"] >= end for p, end in zip(manifest[1:], ends)))

    def test_a_seamless_phase_begins_when_all_is_sent(self):
        all_sent = threading.Barrier(16)  # no answer comes before that

        def serve(peer, _):
            while peer.read_request():
                all_sent.wait(timeout=DEADLINE_S)
                peer.send(answer(STREAM, content_type=SSE))

        run = self.profile(self.odd(serve), *self.config(
            "    - {name: a, concurrency: 8, requests: 8}\n"
            "    - {name: b, concurrency: 8, requests: 8, seamless: true}\n"), "--streaming")
        first, second = self.manifest(run)
        self.assertLess(second["start_ns"], first["end_ns"])
        self.assertTrue(second["seamless"])
        self.assertEqual(run.count("request_count"), 16)
        # what overlaps counts once
        parts = sum(self.of_phase(run, n)["benchmark_duration"]["avg"] for n in ("a", "b"))
        self.assertLess(run.metric("benchmark_duration"), parts)

    def stopped_in_the_second_of_three(self, number):
        """The directory of a run that got a signal in its second phase, and its exit code."""
        mock = self.start_mock("--ttft", "1", "--osl", "2")
        config = self.config("    - {name: a, requests: 10}\n"
                             "    - {name: b, concurrency: 2, duration: 60}\n"
                             "    - {name: c, requests: 10}\n")
        process = self.start_profile(mock, *config)
        log = process.directory / "records.tkr"
        wait_until(log.exists, "the log")
        wait_until(lambda: any(row["phase"] == 1 for row in records.read(log).rows),
                   "rows of the second phase")
        process.send_signal(number)
        process.wait(timeout=60)
        return process.directory, process.returncode

    def check_stopped(self, directory, code):
        run = Run(["report", str(directory)], directory)
        self.assertEqual(run.code, 0, run.stderr)
        a, b, c = self.manifest(run)
        self.assertEqual((a["began"], b["began"], c["began"]), (True, True, False))
        self.assertEqual((a["request_count"], c["files"]), (10, []))
        self.assertFalse((directory / "phases" / "c").exists())
        codes = {r["code"] for r in run.json()["verdict"]["reasons"]}
        self.assertIn(code, codes)
        self.assertNotIn("no_requests", codes)
        self.assertEqual(run.count("request_count"), a["request_count"] + b["request_count"])

    def test_an_interruption_in_the_second_of_three(self):
        directory, code = self.stopped_in_the_second_of_three(signal.SIGINT)
        self.assertEqual(code, 130)
        self.check_stopped(directory, "interrupted")

    def test_a_run_killed_in_the_second_of_three(self):
        directory, code = self.stopped_in_the_second_of_three(signal.SIGKILL)
        self.assertEqual(code, -signal.SIGKILL)
        self.check_stopped(directory, "log_torn")

    def test_the_final_snapshot_has_the_phases_too(self):
        run = self.run_five()
        first = {name: self.of_phase(run, name) for name in SENT}
        run.path("records.tkr").unlink()
        shutil.rmtree(run.path("phases"))
        again = Run(["report", str(run.directory)], run.directory)
        self.assertEqual(again.code, 0, again.stderr)
        for name, before in first.items():
            after = self.of_phase(run, name)
            for key in ("request_count", "request_latency", "error_summary", "phases"):
                self.assertEqual(after[key], before[key], (name, key))

    def test_named_phases_have_files_though_each_is_the_only_one_of_its_kind(self):
        mock = self.start_mock(*MOCK)
        run = self.profile(mock, *self.config("    - {name: fill, kind: warmup, requests: 4}\n"
                                              "    - {name: peak, requests: 10}\n"))
        self.assertEqual([p["name"] for p in self.manifest(run)], ["fill", "peak"])
        self.assertEqual(self.of_phase(run, "fill")["completed_request_count"]["avg"], 4)
        shutil.rmtree(run.path("phases"))
        again = Run(["report", str(run.directory)], run.directory)
        self.assertEqual(again.code, 0, again.stderr)
        self.assertEqual(len(self.manifest(run)), 2)
        flags = self.profile(mock, "--request-count", 10, "--warmup-request-count", 4)
        Run(["report", str(flags.directory)], flags.directory)
        self.assertFalse(flags.path("phases").exists())

    def test_old_files_of_phases_are_cleared(self):
        run = self.run_five()
        keep = run.path("phases/low/keep.txt")
        keep.write_text("mine", encoding="utf-8")
        config = self.config("    - {name: x, requests: 3}\n    - {name: y, requests: 3}\n")
        mock = self.start_mock(*MOCK)
        arguments = ["profile", "--url", f"http://127.0.0.1:{mock.port}", "--model", "m",
                     "--output-artifact-dir", str(run.directory), *map(str, config)]
        for name in ("records.tkr", "run.json"):
            run.path(name).rename(run.path(name + ".old"))
        for name in run.directory.glob("profile_export*"):
            name.unlink()
        for name in ("config.yaml", "inputs.json", "logs/tokperf.log",
                     "metrics/final_snapshot.json"):
            run.path(name).unlink()
        shutil.rmtree(run.path("metrics"), ignore_errors=True)
        refused = Run(arguments)
        self.assertEqual(refused.code, 2, refused.stderr)
        self.assertIn("phases/phase_manifest.json' is there already", refused.stderr)
        again = Run([*arguments, "--overwrite"])
        self.assertEqual(again.code, 0, again.stderr)
        self.assertEqual(sorted(p.name for p in (run.directory / "phases").iterdir()),
                         ["low", "phase_manifest.json", "x", "y"])
        self.assertEqual([p.name for p in keep.parent.iterdir()], ["keep.txt"])

    def test_a_link_in_place_of_the_folder_is_not_followed(self):
        directory, elsewhere = self.home / "run", self.home / "elsewhere"
        directory.mkdir()
        elsewhere.mkdir()
        (directory / "phases").symlink_to(elsewhere)
        mock = self.start_mock(*MOCK)
        run = Run(["profile", "--url", f"http://127.0.0.1:{mock.port}", "--model", "m",
                   "--output-artifact-dir", str(directory), *map(str, self.config(FIVE))], directory)
        self.assertEqual(run.code, 3, run.stderr)
        self.assertIn("is no directory of its own", run.stderr)
        self.assertEqual(list(elsewhere.iterdir()), [])
        self.assertTrue(run.path("profile_export.json").exists())

    def test_the_console_has_a_line_for_each_phase(self):
        run = self.run_five()
        lines = run.stdout.splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith(" Phase "))
        self.assertEqual([line.split()[0] for line in lines[at + 1:at + 7]], [*SENT, "total"])
        self.assertEqual(lines[at + 4].split()[1], "excluded")
        self.assertTrue(all(len(line) <= 100 for line in lines))

    def test_two_phases_as_ever_have_no_files_of_their_own(self):
        run = self.profile(self.start_mock(*MOCK), "--request-count", 5, "--warmup-request-count",
                           2)
        self.assertFalse(run.path("phases").exists())
        self.assertNotIn("phases", run.json())
        self.assertNotIn("phase", run.records()[0]["tokperf"])

    def test_config_show_prints_a_plan_that_reads_back(self):
        shown = Run(["config", "show", *map(str, self.config(FIVE)), "--random-seed", "1"])
        self.assertEqual(shown.code, 0, shown.stderr)
        again = self.home / "again.yaml"
        again.write_text(shown.stdout, encoding="utf-8")
        second = Run(["config", "show", "--config", str(again)])
        self.assertEqual(second.stdout, shown.stdout)
        for name in SENT:
            self.assertIn(f"name: {name}\n", shown.stdout)

    def test_64_phases(self):
        phases = "".join(f"    - {{name: p{i}, requests: 2}}\n" for i in range(64))
        run = self.profile(self.start_mock("--ttft", "0", "--itl", "0", "--osl", "1"),
                           *self.config(phases))
        self.assertEqual(run.count("request_count"), 128)
        self.assertEqual(len(self.manifest(run)), 64)
        refused = Run(["config", "show", *map(str, self.config(
            phases + "    - {name: p64, requests: 2}\n"))])
        self.assertEqual(refused.code, 2)
        self.assertIn("benchmark.phases[64]: a run has at most 64 phases", refused.stderr)

    def test_a_flag_that_could_mean_several_is_refused(self):
        refused = Run(["profile", "-m", "m", "--concurrency", "3", *map(str, self.config(FIVE))])
        self.assertEqual(refused.code, 2)
        self.assertIn("the file has 4 profiling phases (low, mid, probe, high); write 'concurrency'",
                      refused.stderr)


if __name__ == "__main__":
    main()
