# SPDX-License-Identifier: Apache-2.0
"""Results of collectors that come or do not, deadlines, signals, and collectors that are killed at
any moment: nothing of it ends or holds a run."""
import os
import signal
import time

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
        finished = self.load(*self.script("--result", "telemetry", "--end-after", 1, "--die"))
        self.assertEqual(self.result(finished)[0]["state"], "dead")
        self.assertIn("missing: telemetry of test_collector", finished.stderr)


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
        self.assertIn("telemetry of test_collector (it did not report in time), profile of"
                      " test_collector-2 (dead: ", silent.said)


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
        self.assertEqual(process.said.count("interrupted: the results are written"), 1)
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


if __name__ == "__main__":
    main()
