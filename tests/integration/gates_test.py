# SPDX-License-Identifier: Apache-2.0
"""Gates around the load and what releases them: collectors that answer, rightly or wrongly, that end,
or that do not begin; commands that name none."""
import json
import signal

from gates_support import GateTest
from harness import Run, main


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
        run = self.load(*self.script("--ready-after", 150), *self.script("--ready-after", 10))
        ready = self.asked("collector1", "ready")[0]["time_ns"]
        for log in ("collector1", "collector2"):
            asked = self.asked(log, "baseline")
            self.assertEqual(len(asked), 2)
            self.assertGreater(asked[0]["time_ns"], ready)
        self.assertEqual(self.gate(run, "start")["asked"], 2)

    def test_gates_off(self):
        run = self.load("--baseline-timeout", 0, *self.script("--result", "telemetry",
                                                              "--ready-after", 150))
        self.assertEqual(self.asked(what="baseline"), [])
        for kind in ("start", "end"):
            self.assertEqual(self.gate(run, kind),
                             {"phase": "profiling", "kind": kind, "off": "baseline_timeout"})
        self.assertIn("Collectors: 2 of 2 gates were off (baseline_timeout)", run.stdout)
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
        self.assertIn("Collectors: 2 of 6 gates were off (seamless)", run.stdout)
        for phase, kind in (("one", "start"), ("two", "end"), ("three", "start")):
            self.assertEqual(self.gate(run, kind, phase)["acknowledged"], 1)
        self.check_report(run)


def name_of(index):
    """Of a run's collector: the first has the program's name."""
    return f"test_collector-{index + 1}" if index else "test_collector"


def errors_of(gate):
    return {f["service"]: f["error"] for f in gate["failures"]}


class Answers(GateTest):
    def test_answers_and_what_the_gate_makes_of_them(self):
        rows = [
            ("success", ""),
            ("twice", ""),
            ("error", "the device is lost"),
            ("both", "success and an error at once"),  # trap 37
            ("neither", "neither success nor an error"),
        ]
        run = self.load(*(word for answer, _ in rows for word in self.script("--ack", answer)))
        for kind in ("start", "end"):
            gate = self.gate(run, kind)
            self.assert_short(gate)
            self.assertEqual((gate["asked"], gate["acknowledged"]), (5, 2))
            errors = errors_of(gate)
            self.assertEqual(set(errors), {name_of(i) for i in (2, 3, 4)})
            for index, (_, says) in enumerate(rows):
                self.assertIn(says, errors.get(name_of(index), ""))
        self.assertEqual(run.stderr.count("no reference sample"), 6)
        self.assertIn("Collectors:", run.stdout)

    def test_no_answer_is_waited_for_that_long(self):
        answers = ("never", "late", "unknown")
        run = self.load("--baseline-timeout", 0.2,
                        *(word for answer in answers for word in self.script("--ack", answer)))
        gate = self.gate(run, "start")
        self.assertGreaterEqual(gate["duration_ms"], 200)
        self.assertEqual(gate["acknowledged"], 0)
        errors = errors_of(gate)
        for index in range(len(answers)):
            self.assertIn("in time", errors[name_of(index)])
        self.assertEqual(run.count("request_count"), 6)


class Ends(GateTest):
    ENDS = [(["--disable-then", "no device any more"], "disabled", "no device any more"),
            (["--fail-then", "driver gone"], "failed", "driver gone"),
            (["--leave"], "stopped", "it left"),
            (["--exit", 3], "dead", "exit code 3"),
            (["--exit", 0], "dead", "exit code 0"),
            (["--die"], "dead", "signal 9")]

    def all_ends(self, *arguments):
        """Options for a collector of each kind of end."""
        return [word for end, _, _ in self.ENDS for word in self.script(*arguments, *end)]

    def assert_ended(self, collectors):
        self.assertEqual([c["state"] for c in collectors[:len(self.ENDS)]],
                         [state for _, state, _ in self.ENDS])

    def test_who_is_over_releases_a_gate_at_once(self):  # trap 34
        for at, kind in ((1, "start"), (2, "end")):
            with self.subTest(kind=kind):
                run = self.load(*self.all_ends("--at", at), *self.script(log="good"))
                gate = self.gate(run, kind)
                self.assert_short(gate)
                self.assertEqual((gate["asked"], gate["acknowledged"]), (7, 1))
                for index, (_, _, says) in enumerate(self.ENDS):
                    self.assertIn(says, errors_of(gate)[name_of(index)])
                self.assert_ended(run.json()["collectors"])
                self.assertEqual(self.state(run, 6), "ready")
                if kind == "start":  # and is not asked again
                    self.assertEqual(self.gate(run, "end")["asked"], 1)

    def test_who_is_over_during_the_load_is_not_asked(self):
        go = self.home / "go"
        self.mock = self.start_mock("--fast", "--osl", "4")
        self.mock.pause()  # the load lasts until the run has taken notice
        process = self.start("--request-count", 6, *self.all_ends("--end-when", go))
        self.wait_for_log(process, "phase profiling begins")
        go.touch()
        for index in range(len(self.ENDS)):
            self.wait_for_log(process, f"the collector '{name_of(index)}' is ")
        self.mock.go_on()
        result = self.finish(process, 0)
        gates = [(g["kind"], g["asked"], g["acknowledged"]) for g in result["gates"]]
        self.assertEqual(gates, [("start", 6, 6), ("end", 0, 0)])
        self.assert_short(result["gates"][1])
        self.assert_ended(result["collectors"])

    def test_who_does_not_become_ready_is_not_asked(self):
        rows = [(["--fail", "no driver"], "failed", "no driver"),
                (["--disable", "no device"], "disabled", "no device"),
                (["--what"], "dead", "exit code 2")]
        run = self.load(*(word for arguments, _, _ in rows for word in self.script(*arguments)))
        for index, (_, state, says) in enumerate(rows):
            self.assertEqual(self.state(run, index), state)
            self.assertIn(says, run.json()["collectors"][index]["error"])
            self.assertEqual(self.asked(f"collector{index + 1}", "baseline"), [])
        self.assertEqual(self.gate(run, "start")["asked"], 0)

    def test_collectors_end_with_a_run_that_is_killed(self):
        process = self.start("--request-count", 100000, *self.script())
        pid = self.wait_for("baseline", process=process)["pid"]
        process.kill()
        self.assert_gone(pid)


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
        program.write_text(f"#!/bin/sh\nprintf '<%s>' \"$@\" > {out}\nhead -n 1 > {out}.line\n")
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
