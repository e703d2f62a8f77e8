# SPDX-License-Identifier: Apache-2.0
"""Results of collectors that come or do not, deadlines, signals, and collectors that are killed at
any moment: nothing of it ends or holds a run."""
import json
import os
import signal

from gates_support import COLLECTOR, TIMEOUT_S, GateTest
from harness import RUN_DEADLINE_S, main


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
        go = self.home / "go"
        self.mock = self.start_mock("--fast", "--osl", "4")
        self.mock.pause()
        process = self.start("--request-count", 6,
                             *self.script("--result", "telemetry", "--end-when", go, "--die"))
        self.wait_for_log(process, "phase profiling begins")
        go.touch()
        self.wait_for_log(process, "the collector 'test_collector' is dead")
        self.mock.go_on()
        result = self.finish(process, 0)
        self.assertEqual(result["collectors"][0]["results"][0]["state"], "dead")
        self.assertIn("missing: telemetry of test_collector", process.said)


class Secrets(GateTest):
    KEY = "sk-hidden-0123456789"

    def test_what_a_collector_says_of_a_credential_is_hidden(self):
        (self.home / "key").write_text(self.KEY)
        said = f'"Bearer $(cat {self.home / "key"}) is refused"'
        def saying(options):
            return ["--collector", f"sh -c 'exec {COLLECTOR} {options} {said}'"]
        run = self.load("--api-key", self.KEY, "--collector", f"{COLLECTOR} --fail {self.KEY}",
                        *saying("--fail"), *saying("--disable-then"),
                        *saying("--result telemetry --result-error"),
                        "--events-log", self.home / "events")
        told = [run.json()["collectors"][i]["error"] for i in (1, 2)]
        told.append(run.json()["collectors"][3]["results"][0]["error"])
        self.assertEqual(told, ["Bearer <redacted> is refused"] * 3)
        self.assertEqual(run.json()["collectors"][0]["command"], f"{COLLECTOR} --fail <redacted>")
        for path in [*run.directory.rglob("*"), self.home / "events"]:
            if path.is_file():
                self.assertNotIn(b"Bearer " + self.KEY.encode(), path.read_bytes(), path.name)


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

    def test_a_signal_does_not_shorten_an_end_gate(self):
        held = self.home / "hold.end"
        held.touch()
        process = self.start("--request-count", 6, *self.script("--hold", held.with_suffix("")))
        self.wait_for("baseline", count=2, process=process)
        process.send_signal(signal.SIGINT)
        self.wait_for_log(process, "interrupted: the results are written")
        held.unlink()
        result = self.finish(process, 130)
        self.assertTrue(result["was_cancelled"])
        self.assertEqual([(g["kind"], g["acknowledged"]) for g in result["gates"]],
                         [("start", 1), ("end", 1)])

    def test_an_end_gate_keeps_its_bound(self):
        for timeout_s in (0.5, 5, 25):  # a slow machine misses the first
            log = f"bound{timeout_s}"
            process = self.start("--request-count", 6, "--baseline-timeout", timeout_s,
                                 *self.script("--ack", "never", "--at", 2, log=log))
            self.wait_for("baseline", log, count=2)
            process.send_signal(signal.SIGINT)
            _, process.said = process.communicate(timeout=RUN_DEADLINE_S)
            result = json.loads((process.directory / "profile_export.json").read_text())
            end = [g for g in result["gates"] if g["kind"] == "end"][0]
            self.assertGreaterEqual(end["duration_ms"], timeout_s * 1000)
            self.assertIn("in time", end["failures"][0]["error"])
            if process.returncode == 130:
                break
        self.assertEqual(process.returncode, 130, process.said)
        said = process.said.index("interrupted: the results are written")
        self.assertLess(said, process.said.index("after phase profiling: it did not answer in time"))

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
        self.wait_for("registered", process=process)
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
        self.assertEqual(process.said.count("interrupted: the results are written"), 1)
        self.assertEqual(result["collectors"][0]["results"][0]["state"], "missed")

    # What a victim notes before it is killed, how often, how many answers there are by then, and
    # at which step another collector holds the run until the victim is dead.
    MOMENTS = [("start", 1, 0, "ready"), ("ready", 1, 0, "ready"), ("baseline", 1, 0, "start"),
               ("baseline", 1, 1, "end"), ("baseline", 1, 9, "end"), ("baseline", 2, 0, "end"),
               ("finish", 1, 0, "finish")]

    def test_a_collector_killed_at_any_moment(self):
        for number, moment in enumerate(self.MOMENTS):
            with self.subTest(moment=moment):
                self.kill_a_collector(number, *moment)

    def kill_a_collector(self, number, what, count, answers, step):
        self.mock = self.start_mock("--ttft", "5", "--itl", "1", "--osl", "4")
        log, good, held = f"victim{number}", f"good{number}", self.home / f"hold{number}.{step}"
        held.touch()
        process = self.start("--concurrency", 2, "--request-count", 24,
                             *self.script("--result", "telemetry", log=log),
                             *self.script("--result", "profile", "--hold", held.with_suffix(""),
                                          log=good))
        pid = self.wait_for(what, log, count, process)["pid"]
        self.mock.wait_for(lambda c: c['completed_total{route="chat"}'] >= answers)
        os.kill(pid, signal.SIGKILL)
        self.wait_for_log(process, "the collector 'test_collector' is dead")
        held.unlink()
        result = self.finish(process, 0)
        self.assertEqual(result["request_count"]["avg"], 24)
        self.assertEqual(result["collectors"][0]["state"], "dead", process.said)
        self.assertIn("signal 9", process.said)
        self.assertEqual(result["collectors"][1]["state"], "ready")
        self.assertEqual(result["collectors"][1]["results"][0]["state"], "reported")
        for gate in result["gates"]:
            self.assert_short(gate)


class Unanswered(GateTest):
    """Runs that wait for the program's own deadlines, begun beside the other tests."""

    @classmethod
    def begin(cls):
        waiting = cls()
        waiting.setUp()
        cls.waiting = waiting
        cls.never = waiting.start("--request-count", 6, *waiting.script("--never-ready"),
                                  *waiting.script("--never-register"))
        cls.silent = waiting.start("--request-count", 6,
                                   *waiting.script("--result", "telemetry", "--silent"),
                                   *waiting.script("--result", "profile", "--die-at-finish"))
        cls.stays = waiting.start("--request-count", 6,
                                  *waiting.script("--ignore-end", log="stays"))

    def runTest(self):
        """For begin()."""

    def test_a_collector_that_does_not_end_is_killed(self):
        result = self.finish(self.stays, 0)
        self.assertIn("did not end and was killed", self.stays.said)
        self.assert_gone(self.waiting.asked("stays", "start")[0]["pid"])
        self.assertEqual(result["collectors"][0]["state"], "ready")

    def test_who_does_not_become_ready_is_given_up_and_named(self):
        result = self.finish(self.never, 0)
        self.assertEqual([c["state"] for c in result["collectors"]], ["failed", "failed"])
        self.assertIn("not ready within 10 s", result["collectors"][0]["error"])
        self.assertIn("not registered within 10 s", self.never.said)
        self.assertEqual(result["request_count"]["avg"], 6)

    def test_results_that_do_not_come_are_given_up_and_named(self):
        result = self.finish(self.silent, 0)
        self.assertEqual([c["results"][0]["state"] for c in result["collectors"]],
                         ["missed", "dead"])
        self.assertIn("telemetry of test_collector (it did not report in time), profile of"
                      " test_collector-2 (dead: ", self.silent.said)


def setUpModule():
    Unanswered.begin()


def tearDownModule():
    Unanswered.waiting.doCleanups()


if __name__ == "__main__":
    main()
