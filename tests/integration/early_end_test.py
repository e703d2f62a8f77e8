# SPDX-License-Identifier: Apache-2.0
"""What a run that ended early says of the phases that it did not come to."""
import json
import signal
import sys

from gates_support import GateTest
from harness import SOURCE, Left, Run, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import json_schema  # noqa: E402

PHASES = """
benchmark:
  phases:
    - {name: one, type: concurrency, requests: 20, concurrency: 4}
    - {name: two, type: concurrency, requests: 20, concurrency: 4}
    - {name: three, type: concurrency, requests: 20, concurrency: 4, seamless: true}
    - {name: four, type: concurrency, requests: 20, concurrency: 4}
"""


class EarlyEnd(GateTest):
    def interrupted(self, *arguments):
        """A run of four phases that a signal ends in its first, before any answer."""
        config = self.home / "config.yaml"
        config.write_text(PHASES)
        self.mock = self.start_mock("--ttft", "600000")
        process = self.start("-f", config, *arguments)
        self.mock.wait_for(lambda c: c['requests_total{route="chat"}'] == 4)
        process.send_signal(signal.SIGINT)
        self.finish(process, 130)
        return Left(process.directory)

    def test_gates_are_of_phases_that_began(self):
        off = {"off": "baseline_timeout"}
        run = self.interrupted("--baseline-timeout", 0, *self.script())
        self.assertEqual(run.json()["gates"], [{"phase": "one", "kind": "start", **off},
                                               {"phase": "one", "kind": "end", **off}])
        self.check_report(run)
        run = self.interrupted(*self.script(log="asked"))
        self.assertEqual([(g["phase"], g["kind"], g["acknowledged"]) for g in run.json()["gates"]],
                         [("one", "start", 1), ("one", "end", 1)])
        self.check_report(run)

    def test_a_gate_that_was_off_has_no_numbers(self):
        run = self.interrupted("--baseline-timeout", 0, *self.script())
        last = run.json("metrics/final_snapshot.json")
        self.assertEqual(last["phases"][0]["gates"],
                         [{"kind": kind, "off": "baseline_timeout"} for kind in ("start", "end")])
        schema = json.loads((SOURCE / "docs" / "snapshot.schema.json").read_text())
        self.assertEqual(json_schema.errors(schema, last), [])

    def test_a_run_killed_before_its_first_rows_can_be_reported(self):
        self.mock = self.start_mock("--ttft", "600000")
        process = self.start("--request-count", 4)
        self.mock.wait_for(lambda c: c['requests_total{route="chat"}'] == 1)
        process.kill()
        process.wait()
        again = Run(["report", str(process.directory)], process.directory)
        self.assertEqual(again.code, 0, again.stderr)
        self.assertIn("no_requests", again.reasons())
        again.path("records.tkr").write_bytes(b"")
        again = Run(["report", str(process.directory)])
        self.assertEqual(again.code, 2)
        self.assertIn("there is nothing to report", again.stderr)

    def test_requests_that_were_all_cancelled_did_not_fail(self):
        mock = self.start_mock("--ttft", "600000")
        run = self.until(lambda: self.profile(mock, "--benchmark-duration", 0.3,
                                              "--benchmark-grace-period", 0, expect=1),
                         lambda run: "none was sent" not in run.stderr)
        self.assertIn("no request succeeded: those that were sent were cancelled", run.stderr)

    def test_reasons_name_the_one_phase_that_began(self):
        reasons = self.interrupted().json()["verdict"]["reasons"]
        of_phase = {r["code"]: r.get("phase") for r in reasons}
        for code, phase in (("no_requests", "one"), ("censored", "one"), ("interrupted", None)):
            self.assertEqual(of_phase[code], phase)


if __name__ == "__main__":
    main()
