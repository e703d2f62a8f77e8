# SPDX-License-Identifier: Apache-2.0
"""What the tests of collectors share: runs with tests/support/test_collector.c beside them."""
import json
import os
import time

from harness import BUILD, RUN_DEADLINE_S, Run, RunTest

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

    @staticmethod
    def patient(arguments):
        """With gates that no busy machine keeps waiting for too long, unless told otherwise."""
        told = "--baseline-timeout" in arguments
        return [*arguments, *([] if told else ["--baseline-timeout", TIMEOUT_S])]

    def load(self, *arguments, mock=("--ttft", "5", "--itl", "1", "--osl", "4"), **more):
        self.mock = self.mock or self.start_mock(*mock)
        run = self.profile(self.mock, "--streaming", "--request-count", 6,
                           *self.patient(arguments), **more)
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
        return self.start_profile(self.mock, "--streaming", *self.patient(arguments))

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

    def wait_for_log(self, process, words):
        """Until the run has written down that."""
        path = process.directory / "logs" / "tokperf.log"
        deadline = time.monotonic() + RUN_DEADLINE_S
        while time.monotonic() < deadline:
            if path.exists() and words in path.read_text():
                return
            self.assertIsNone(process.poll(), words)
            time.sleep(0.005)
        self.fail(f"the log never said: {words}")

    def assert_gone(self, pid):
        deadline = time.monotonic() + RUN_DEADLINE_S
        while time.monotonic() < deadline:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.01)
        self.fail(f"process {pid} is there still")
