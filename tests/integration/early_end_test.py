# SPDX-License-Identifier: Apache-2.0
"""What a run that ended early says of the phases that it did not come to."""
import signal

from gates_support import GateTest
from harness import Left, main

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

    def test_reasons_name_the_one_phase_that_began(self):
        reasons = self.interrupted().json()["verdict"]["reasons"]
        of_phase = {r["code"]: r.get("phase") for r in reasons}
        for code, phase in (("no_requests", "one"), ("censored", "one"), ("interrupted", None)):
            self.assertEqual(of_phase[code], phase)


if __name__ == "__main__":
    main()
