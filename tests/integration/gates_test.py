# SPDX-License-Identifier: Apache-2.0
"""Collectors beside a run: gates around the load, what releases them, results that come or do not,
and that nothing of it ends or holds a run. Collectors are tests/support/test_collector.c."""
import json
import os
import signal
import subprocess
import time

from harness import BUILD, RUN_DEADLINE_S, TOKPERF, Run, RunTest, main, program_environment

COLLECTOR = BUILD / "tests" / "test_collector"
TIMEOUT_S = 600  # of gates that must not wait for it


class GateTest(RunTest):
    def setUp(self):
        super().setUp()
        self.collectors = 0
        self.mock = None

    def script(self, *arguments, log=None):
        """Options that start one collector; its log is at self.home / log."""
        self.collectors += 1
        log = log or f"collector{self.collectors}"
        words = [str(COLLECTOR), "--log", str(self.home / log), *map(str, arguments)]
        return ["--collector", " ".join(f"'{word}'" for word in words)]

    def asked(self, log="collector1", what=None):
        """What a collector wrote down, in order."""
        path = self.home / log
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [line for line in lines if what in (None, line["what"])]

    def load(self, *arguments, mock=("--ttft", "5", "--itl", "1", "--osl", "4"), **more):
        self.mock = self.mock or self.start_mock(*mock)
        run = self.profile(self.mock, "--streaming", "--request-count", 6, *arguments, **more)
        if run.path("profile_export.json").exists():
            self.check_report(run)
        return run

    def check_report(self, run):
        """tokperf report says the same of collectors and gates."""
        before = run.json()
        again = Run(["report", str(run.directory)], run.directory)
        self.assertIn(again.code, (0, 1, 130), again.stderr)
        for key in ("collectors", "gates"):
            self.assertEqual(run.json().get(key), before.get(key))

    def gate(self, run, kind, phase="profiling"):
        found = [g for g in run.json()["gates"] if (g["phase"], g["kind"]) == (phase, kind)]
        self.assertEqual(len(found), 1, run.json()["gates"])
        return found[0]

    def state(self, run, index=0):
        return run.json()["collectors"][index]["state"]

    def times(self, run, phase):
        records = run.records(phase=phase)
        starts = [r["metadata"]["request_start_ns"] for r in records]
        return min(starts), max(r["metadata"]["request_end_ns"] for r in records)

    def assert_short(self, gate):
        """It waited nowhere near its timeout."""
        self.assertLess(gate["duration_ms"], TIMEOUT_S * 1000 / 10)

    def start(self, *arguments, mock=("--ttft", "5", "--itl", "1", "--osl", "4")):
        """A run in the background, unlike load."""
        self.mock = self.mock or self.start_mock(*mock)
        directory = self.new_directory()
        process = subprocess.Popen(
            [TOKPERF, "profile", "--url", f"http://127.0.0.1:{self.mock.port}", "--model", "test",
             "--streaming", "--ui-type", "none", "--output-artifact-dir", str(directory),
             *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=program_environment())
        process.directory = directory

        def end():
            if process.poll() is None:
                process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    def finish(self, process, expect):
        _, process.said = process.communicate(timeout=RUN_DEADLINE_S)
        self.assertEqual(process.returncode, expect, process.said)
        return json.loads((process.directory / "profile_export.json").read_text())

    def wait_for(self, what, log="collector1", count=1, process=None):
        deadline = time.monotonic() + RUN_DEADLINE_S
        while time.monotonic() < deadline:
            lines = self.asked(log, what)
            if len(lines) >= count:
                return lines[-1]
            self.assertTrue(process is None or process.poll() is None)
            time.sleep(0.005)
        self.fail(f"no {what}")

    def assert_gone(self, pid):
        deadline = time.monotonic() + RUN_DEADLINE_S
        while time.monotonic() < deadline:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.01)
        self.fail(f"process {pid} is there still")


class Order(GateTest):
    def test_gates_stand_around_each_phase(self):
        run = self.load("--warmup-request-count", 4, *self.script())
        asked = self.asked(what="baseline")
        self.assertEqual([(a["phase"], a["kind"]) for a in asked],
                         [("warmup", "start"), ("warmup", "end"),
                          ("profiling", "start"), ("profiling", "end")])
        self.assertEqual(len({a["phase_id"] for a in asked}), 2)
        for i, phase in enumerate(("warmup", "profiling")):
            first, last = self.times(run, phase)
            self.assertLess(asked[2 * i]["realtime_ns"], first)
            self.assertGreater(asked[2 * i + 1]["realtime_ns"], last)
            for kind in ("start", "end"):
                gate = self.gate(run, kind, phase)
                self.assertEqual((gate["asked"], gate["acknowledged"], gate["failures"]), (1, 1, []))
        self.assertEqual(self.state(run), "ready")
        self.assertNotIn("Collectors:", run.stdout)
        self.assert_gone(asked[0]["pid"])

    def test_run_json_names_the_control_address_while_it_lives(self):
        process = self.start("--request-count", 100000, *self.script())
        self.wait_for("baseline", process=process)
        named = json.loads((process.directory / "run.json").read_text())
        self.assertRegex(named["control"], "^ipc:///.*/control$")
        process.send_signal(signal.SIGINT)
        self.finish(process, 130)
        self.assertNotIn("control", json.loads((process.directory / "run.json").read_text()))

    def test_nothing_of_it_without_collectors(self):
        run = self.load()
        self.assertNotIn("gates", run.json())
        self.assertNotIn("collectors", run.json())

    def test_report_starts_none(self):
        run = self.load(*self.script())
        before = len(self.asked(what="start"))
        Run(["report", str(run.directory)], run.directory)
        self.assertEqual(len(self.asked(what="start")), before)

    def test_phases_begin_when_all_are_ready(self):  # trap 35
        run = self.load(*self.script("--ready-after", 400), *self.script("--ready-after", 10))
        ready = self.asked("collector1", "ready")[0]["time_ns"]
        for log in ("collector1", "collector2"):
            asked = self.asked(log, "baseline")
            self.assertEqual(len(asked), 2)
            self.assertGreater(asked[0]["time_ns"], ready)
        self.assertEqual(self.gate(run, "start")["asked"], 2)

    def test_gates_off(self):
        run = self.load("--baseline-timeout", 0, *self.script("--result", "telemetry",
                                                              "--ready-after", 300))
        self.assertEqual(self.asked(what="baseline"), [])
        for kind in ("start", "end"):
            self.assertEqual(self.gate(run, kind),
                             {"phase": "profiling", "kind": kind, "off": "baseline_timeout"})
        first, _ = self.times(run, "profiling")
        self.assertGreater(first, self.asked(what="ready")[0]["realtime_ns"])
        self.assertEqual(run.json()["collectors"][0]["results"],
                         [{"domain": "telemetry", "state": "reported"}])

    def test_seamless_phases_have_no_gate_between_them(self):  # trap 36
        config = self.home / "config.yaml"
        config.write_text("""
benchmark:
  phases:
    - {name: one, type: concurrency, requests: 20, concurrency: 4}
    - {name: two, type: concurrency, requests: 20, concurrency: 4, seamless: true}
    - {name: three, type: concurrency, requests: 4, concurrency: 2}
""")
        self.mock = self.start_mock("--ttft", "20", "--itl", "1", "--osl", "4")
        run = self.profile(self.mock, "--streaming", "-f", config, *self.script())
        asked = self.asked(what="baseline")
        self.assertEqual([(a["phase"], a["kind"]) for a in asked],
                         [("one", "start"), ("two", "end"), ("three", "start"), ("three", "end")])
        for phase, kind in (("one", "end"), ("two", "start")):
            self.assertEqual(self.gate(run, kind, phase)["off"], "seamless")
        for phase, kind in (("one", "start"), ("two", "end"), ("three", "start")):
            self.assertEqual(self.gate(run, kind, phase)["acknowledged"], 1)
        self.check_report(run)


class Answers(GateTest):
    def test_answers_and_what_the_gate_makes_of_them(self):
        rows = [
            ("success", 1, ""),
            ("twice", 1, ""),
            ("error", 0, "the device is lost"),
            ("both", 0, "success and an error at once"),  # trap 37
            ("neither", 0, "neither success nor an error"),
        ]
        for answer, acknowledged, says in rows:
            with self.subTest(answer):
                run = self.load("--baseline-timeout", TIMEOUT_S, *self.script("--ack", answer))
                for kind in ("start", "end"):
                    gate = self.gate(run, kind)
                    self.assert_short(gate)
                    self.assertEqual((gate["asked"], gate["acknowledged"]), (1, acknowledged))
                    errors = " ".join(f["error"] for f in gate["failures"])
                    self.assertIn(says, errors)
                self.assertEqual(run.stderr.count("no reference sample"), 0 if acknowledged else 2)
                self.assertEqual("Collectors:" in run.stdout, not acknowledged)

    def test_no_answer_is_waited_for_that_long(self):
        for answer in ("never", "late", "unknown"):
            with self.subTest(answer):
                run = self.load("--baseline-timeout", 0.2, *self.script("--ack", answer))
                gate = self.gate(run, "start")
                self.assertGreaterEqual(gate["duration_ms"], 200)
                self.assertEqual(gate["acknowledged"], 0)
                self.assertIn("in time", gate["failures"][0]["error"])
                self.assertEqual(run.count("request_count"), 6)


class Ends(GateTest):
    # at the second request for a sample: the END gate of the phase
    ENDS = [(["--disable-then", "no device any more"], "disabled", "no device any more"),
            (["--fail-then", "driver gone"], "failed", "driver gone"),
            (["--leave"], "stopped", "it left"),
            (["--exit", 3], "dead", "exit code 3"),
            (["--exit", 0], "dead", "exit code 0"),
            (["--die"], "dead", "signal 9")]

    def test_who_is_over_releases_a_gate_at_once(self):  # trap 34
        for at, kind in ((1, "start"), (2, "end")):
            for end, state, says in self.ENDS:
                with self.subTest(state=state, kind=kind, end=end):
                    run = self.load("--baseline-timeout", TIMEOUT_S,
                                    *self.script("--at", at, *end), *self.script(log="good"))
                    gate = self.gate(run, kind)
                    self.assert_short(gate)
                    self.assertEqual((gate["asked"], gate["acknowledged"]), (2, 1))
                    self.assertIn(says, gate["failures"][0]["error"])
                    self.assertEqual((self.state(run, 0), self.state(run, 1)), (state, "ready"))
                    if kind == "start":  # and is not asked again
                        self.assertEqual(self.gate(run, "end")["asked"], 1)

    def test_who_is_over_during_the_load_is_not_asked(self):
        self.mock = self.start_mock("--ttft", "100", "--itl", "1", "--osl", "4")
        for end, state, _ in self.ENDS:
            with self.subTest(state=state, end=end):
                run = self.load("--baseline-timeout", TIMEOUT_S, "--concurrency", 1,
                                *self.script("--end-after", 150, *end))
                self.assertEqual(self.gate(run, "start")["acknowledged"], 1)
                self.assertEqual(self.gate(run, "end")["asked"], 0)
                self.assert_short(self.gate(run, "end"))
                self.assertEqual(self.state(run), state)

    def test_who_does_not_become_ready_is_not_asked(self):
        rows = [(["--fail", "no driver"], "failed", "no driver"),
                (["--disable", "no device"], "disabled", "no device"),
                (["--what"], "dead", "exit code 2")]
        for arguments, state, says in rows:
            with self.subTest(arguments):
                run = self.load("--baseline-timeout", TIMEOUT_S, *self.script(*arguments))
                self.assertEqual(self.state(run), state)
                self.assertIn(says, run.json()["collectors"][0]["error"])
                self.assertEqual(self.gate(run, "start")["asked"], 0)
                self.assertEqual(self.asked(what="baseline"), [])

    def test_collectors_end_with_a_run_that_is_killed(self):
        process = self.start("--request-count", 100000, *self.script())
        pid = self.wait_for("baseline", process=process)["pid"]
        process.kill()
        self.assert_gone(pid)


class Results(GateTest):
    def result(self, run, index=0):
        return run.json()["collectors"][index]["results"]

    def test_results_are_waited_for(self):
        run = self.load(*self.script("--result", "telemetry"),
                        *self.script("--no-baseline", "--result", "server_metrics", "--early"),
                        *self.script("--result", "profile", "--result-error", "full disk"))
        self.assertEqual(self.result(run, 0), [{"domain": "telemetry", "state": "reported"}])
        self.assertEqual(self.result(run, 1), [{"domain": "server_metrics", "state": "reported"}])
        self.assertEqual(self.result(run, 2),
                         [{"domain": "profile", "state": "failed", "error": "full disk"}])
        self.assertEqual(self.asked("collector2", "baseline"), [])
        self.assertIn("missing: profile of test_collector-3", run.stderr)
        notes = [n for n in run.json()["verdict"]["notes"] if n["code"] == "results_missing"]
        self.assertEqual(len(notes), 1)
        self.assertIn("profile of test_collector-3 (failed)", notes[0]["message"])

    def test_the_dead_are_not_waited_for(self):
        finished = self.load(*self.script("--result", "telemetry", "--end-after", 1, "--die"))
        self.assertEqual(self.result(finished)[0]["state"], "dead")
        self.assertIn("missing: telemetry of test_collector", finished.stderr)


class Deadlines(GateTest):
    """Side by side, since each waits for a deadline."""

    def test_what_does_not_come_is_given_up_and_named(self):
        never = self.start("--request-count", 6, *self.script("--never-ready"),
                           *self.script("--never-register"))
        silent = self.start("--request-count", 6,
                            *self.script("--result", "telemetry", "--silent"),
                            *self.script("--result", "profile", "--die-at-finish"))
        stays = self.start("--request-count", 6, *self.script("--ignore-end", log="stays"))

        result = self.finish(stays, 0)
        self.assertIn("did not end and was killed", stays.said)
        self.assert_gone(self.asked("stays", "start")[0]["pid"])
        self.assertEqual(result["collectors"][0]["state"], "ready")

        result = self.finish(never, 0)
        self.assertEqual([c["state"] for c in result["collectors"]], ["failed", "failed"])
        self.assertIn("not ready within 10 s", result["collectors"][0]["error"])
        self.assertIn("not registered within 10 s", never.said)
        self.assertEqual(result["request_count"]["avg"], 6)

        result = self.finish(silent, 0)
        self.assertEqual([c["results"][0]["state"] for c in result["collectors"]],
                         ["missed", "dead"])
        self.assertIn("telemetry of test_collector, profile of test_collector-2", silent.said)


class Signals(GateTest):
    def test_a_signal_ends_a_start_gate_at_once(self):
        process = self.start("--request-count", 6, "--baseline-timeout", TIMEOUT_S,
                             *self.script("--ack", "never"))
        self.wait_for("baseline", process=process)
        process.send_signal(signal.SIGINT)
        result = self.finish(process, 130)
        self.assertTrue(result["was_cancelled"])
        gates = result["gates"]
        self.assertEqual([g["kind"] for g in gates], ["start"])
        self.assertIn("interrupted", gates[0]["failures"][0]["error"])
        self.assertLess(gates[0]["duration_ms"], TIMEOUT_S * 100)
        self.assertEqual(result.get("request_count", {"avg": 0})["avg"], 0)

    def test_an_end_gate_keeps_its_bound(self):
        process = self.start("--request-count", 6, "--baseline-timeout", 0.5,
                             *self.script("--ack", "never"))
        self.wait_for("baseline", count=2, process=process)
        process.send_signal(signal.SIGINT)
        result = self.finish(process, 130)
        self.assertTrue(result["was_cancelled"])
        end = [g for g in result["gates"] if g["kind"] == "end"][0]
        self.assertGreaterEqual(end["duration_ms"], 500)
        self.assertIn("in time", end["failures"][0]["error"])

    def test_a_cancelled_phase_gets_its_end_gate(self):
        process = self.start("--request-count", 100000, *self.script("--result", "telemetry"))
        self.wait_for("baseline", process=process)
        self.mock.wait_for(lambda c: c['completed_total{route="chat"}'] > 5)
        process.send_signal(signal.SIGINT)
        result = self.finish(process, 130)
        self.assertEqual([(g["kind"], g["acknowledged"]) for g in result["gates"]],
                         [("start", 1), ("end", 1)])
        self.assertEqual(result["collectors"][0]["results"][0]["state"], "reported")

    def test_a_signal_while_collectors_start(self):
        process = self.start("--request-count", 6, *self.script("--never-ready"))
        self.wait_for("start", process=process)
        self.mock.wait_for(lambda c: True)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=RUN_DEADLINE_S)
        self.assertEqual(process.returncode, 130, said)

    def test_a_signal_shortens_the_wait_for_results(self):
        process = self.start("--request-count", 6, *self.script("--result", "profile", "--silent"))
        begun = self.wait_for("finish", process=process)["time_ns"]
        process.send_signal(signal.SIGINT)
        result = self.finish(process, 130)
        ended = self.asked(what="end")[0]["time_ns"]
        self.assertLess((ended - begun) / 1e9, 9)  # of 10 s
        self.assertEqual(result["collectors"][0]["results"][0]["state"], "missed")

    def test_a_collector_killed_at_any_moment(self):
        self.mock = self.start_mock("--ttft", "10", "--itl", "2", "--osl", "4")
        moments = [("start", 1, 0), ("ready", 1, 0), ("baseline", 1, 0), ("baseline", 1, 0.05),
                   ("baseline", 1, 0.15), ("baseline", 2, 0), ("finish", 1, 0)]
        for number, (what, count, delay_s) in enumerate(moments):
            with self.subTest(what=what, count=count, delay_s=delay_s):
                log, good = f"victim{number}", f"good{number}"
                process = self.start("--concurrency", 2, "--request-count", 24,
                                     "--baseline-timeout", TIMEOUT_S,
                                     *self.script("--result", "telemetry", log=log),
                                     *self.script("--result", "profile", log=good))
                pid = self.wait_for(what, log, count, process)["pid"]
                time.sleep(delay_s)
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    self.assertIn((what, count), (("finish", 1), ("baseline", 2)))  # faster
                result = self.finish(process, 0)
                self.assertEqual(result["request_count"]["avg"], 24)
                self.assertEqual(result["collectors"][1]["results"][0]["state"], "reported")
                self.assertEqual(result["collectors"][1]["state"], "ready")
                if (what, count) not in (("finish", 1), ("baseline", 2)):
                    self.assertEqual(result["collectors"][0]["state"], "dead", process.said)
                    self.assertIn("signal 9", process.said)
                for gate in result["gates"]:
                    self.assertLess(gate["duration_ms"], TIMEOUT_S * 100)


class Refusals(GateTest):
    def test_commands_that_name_no_program(self):
        for command, says in (("/nonexistent/x", "no program '/nonexistent/x'"),
                              ("nonexistent-collector --a", "in the folders of PATH"),
                              ("'open", "quote that is not closed"), ("  ", "empty")):
            with self.subTest(command):
                run = self.profile("http://127.0.0.1:9", "--collector", command, expect=2)
                self.assertIn(says, run.stderr)
                self.assertIn("--collector", run.stderr)
                self.assertFalse(run.directory.exists())

    def test_words_reach_the_program_as_they_are(self):
        out = self.home / "words"
        program = self.home / "collector,with comma"
        program.write_text(f"#!/bin/sh\nprintf '<%s>' \"$@\" > {out}\ncat > {out}.line\n")
        program.chmod(0o755)
        run = self.load("--collector", f"'{program}' a,b 'c d' $HOME \"\"")
        self.assertEqual(out.read_text(), "<a,b><c d><$HOME><>")
        line = json.loads((self.home / "words.line").read_text())
        self.assertEqual((line["version"], line["service"]), (1, "collector_with_comma"))
        self.assertTrue(line["control"].startswith("ipc:///"))
        self.assertEqual(line["artifact_dir"], str(run.directory))
        self.assertEqual(line["benchmark_id"], run.json()["benchmark_id"])


if __name__ == "__main__":
    main()
