# SPDX-License-Identifier: Apache-2.0
"""tokperf calibrate: what it saves, what profile makes of it, and that it leaves nothing behind.
The bound is so wide that only a starved machine breaks it: no speed is asserted."""
import json
import os
import resource
import signal
import subprocess
import time

from harness import TOKPERF, Run, RunTest, main, program_environment
from kill_support import is_gone

DEADLINE_S = 90  # --quick takes under 20 s; sanitizers and a busy machine take more
FIGURES = {"samples", "independent_samples", "p50_us", "p90_us", "p99_us", "max_us"}
LIMITED_BY = {"error", "throughput", "range", "time"}


class Calibrate(RunTest):
    def setUp(self):
        super().setUp()
        self.state = self.home / "state"
        self.temporary = self.home / "tmp"
        self.temporary.mkdir()
        self.environment = {"XDG_STATE_HOME": str(self.state), "TMPDIR": str(self.temporary)}
        self.file = self.state / "tokperf" / "calibration.json"

    def calibrate(self, *arguments, expect=0):
        # few descriptors are few streams: the searches for them end soon
        run = Run(["calibrate", *arguments], environment=self.environment, deadline_s=DEADLINE_S,
                  limit=(resource.RLIMIT_NOFILE, (300, 300)))
        self.assertEqual(run.code, expect, run.stderr + run.stdout)
        return run

    def check_errors(self, found):
        self.assertEqual(FIGURES, found.keys() - {"p99_upper_bound_99_us"}, found)
        self.assertLessEqual(0, found["p50_us"])
        self.assertLessEqual(found["p50_us"], found["p90_us"])
        self.assertLessEqual(found["p90_us"], found["p99_us"])
        self.assertLessEqual(found["p99_us"], found["max_us"])
        self.assertLessEqual(1, found["independent_samples"])
        self.assertLessEqual(found["independent_samples"], found["samples"])
        enough = found["independent_samples"] >= 662
        self.assertEqual("p99_upper_bound_99_us" in found, enough)
        if enough:
            self.assertLessEqual(found["p99_upper_bound_99_us"], found["max_us"])

    def check_level(self, level, name, errors):
        self.assertIn(level["limited_by"], LIMITED_BY)
        self.assertGreaterEqual(level["steps"], 1)
        if level[name] == 0:  # a starved machine does not reach the least of loads
            self.assertNotIn(errors[0], level)
            return
        for error in errors:
            self.check_errors(level[error])
            self.assertLessEqual(level[error]["p99_us"], 5_000_000)

    def test_saves_what_it_prints_and_leaves_nothing_else(self):
        run = self.calibrate("--quick", "--bound-ms", "5000", "--format", "json")
        found = json.loads(run.stdout)
        self.assertEqual(found, json.loads(self.file.read_text()))
        self.assertEqual(found["schema_version"], "1.0")
        self.assertEqual(found["bound_ms"], 5000)
        self.assertIs(found["quick"], True)
        self.assertGreaterEqual(found["load_average"], 0)
        self.assertGreaterEqual(found["workers"], 1)
        self.assertIn(found["receive_clock"], ("kernel", "process"))
        self.assertEqual(found["machine"]["cores"], len(os.sched_getaffinity(0)))
        self.assertEqual(found["machine"]["kernel"], os.uname().release)
        self.check_level(found["request_rate"], "requests_per_s", ("added_ttft", "stamp_error"))
        self.assertEqual([s["events_per_s_per_stream"] for s in found["streams"]], [50, 500])
        for shape in found["streams"]:
            self.check_level(shape, "streams", ("added_ttft", "stamp_error", "itl_error"))
            self.assertEqual(shape["events_per_s"] > 0, shape["streams"] > 0)
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.profile_against(found)

    def profile_against(self, found):
        """Profile says nothing of limits that it keeps, and warns of those that it does not."""
        found["request_rate"]["requests_per_s"] = 1e5
        for shape in found["streams"]:
            shape["streams"], shape["events_per_s"] = 1e5, 1e7
        self.assertNotIn("past_calibration", self.run_profile(found))
        found["request_rate"]["requests_per_s"] = 3
        codes = self.run_profile(found, "50 requests/s are more than the 3")
        self.assertEqual(codes.count("past_calibration"), 1)
        for shape in found["streams"]:
            shape["streams"], shape["events_per_s"] = 1, 2
        codes = self.run_profile(found, "4 streams at a time are more than the 1")
        self.assertEqual(codes.count("past_calibration"), 3)
        found["machine"]["kernel"] += "-other"
        self.assertNotIn("past_calibration", self.run_profile(found))
        self.assertNotIn("past_calibration", self.run_profile("not a calibration"))

    def run_profile(self, calibration, warning=None):
        text = calibration if isinstance(calibration, str) else json.dumps(calibration)
        self.file.write_text(text)
        run = self.profile("mock:?fast", "--streaming", "--request-rate", "50", "--concurrency", "4",
                           "--request-count", "20", "--workers-max", "1",
                           environment=self.environment)
        self.assertEqual("tokperf calibrate" in run.stderr, warning is not None, run.stderr)
        self.assertIn(warning or "", run.stderr)
        codes = [note["code"] for note in run.json()["verdict"]["notes"]]
        self.assertEqual(Run(["report", str(run.directory)]).code, 0)
        again = [note["code"] for note in run.json()["verdict"]["notes"]]
        self.assertEqual(again, codes)
        return codes

    def start_step(self):
        """One that is in the middle of a step."""
        child = subprocess.Popen([TOKPERF, "calibrate"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True,
                                 env=program_environment(**self.environment))
        deadline = time.monotonic() + DEADLINE_S
        while not (list(self.temporary.glob("*/run/records.tkr")) and
                   list(self.temporary.glob("*/events"))):
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(child.poll())
            time.sleep(0.005)
        return child

    def test_two_signals_end_the_step_in_its_own_time(self):
        child = self.start_step()
        child.send_signal(signal.SIGSTOP)
        path = f"/proc/{child.pid}/task/{child.pid}/children"
        with open(path, encoding="ascii") as file:
            steps = [int(pid) for pid in file.read().split()]
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
            child.send_signal(number)
        out, errors = child.communicate(timeout=DEADLINE_S)
        self.assertEqual(child.returncode, 130, out + errors)
        deadline = time.monotonic() + DEADLINE_S
        while not all(is_gone(pid) for pid in steps):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)
        self.assertEqual(list(self.temporary.glob("*/events")), [])  # its sockets

    def test_a_signal_ends_it_and_leaves_nothing(self):
        child = self.start_step()
        child.send_signal(signal.SIGINT)
        out, errors = child.communicate(timeout=DEADLINE_S)
        self.assertEqual(child.returncode, 130, out + errors)
        self.assertIn("interrupted", errors)
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.assertFalse(self.file.exists())

    def test_wrong_usage_is_refused(self):
        for arguments, says in (
                (["--bound-ms", "0"], "'0' is not a number of milliseconds"),
                (["--bound-ms"], "--bound-ms needs a value"),
                (["--format", "xml"], "'xml' is not one of text, json"),
                (["--quik"], "did you mean '--quick'?"),
                (["--output", str(self.home / "none" / "file")], "there is no directory"),
                (["--output", str(self.home) + "/"], "is not the path of a file"),
                (["surplus"], "takes no 'surplus'")):
            run = self.calibrate(*arguments, expect=2)
            self.assertIn(says, run.stderr)
            self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.assertFalse(self.state.exists())

    def test_a_directory_that_cannot_be_made(self):
        self.environment["TMPDIR"] = str(self.home / "missing")
        run = self.calibrate("--quick", expect=3)
        self.assertIn("cannot make a temporary directory", run.stderr)


if __name__ == "__main__":
    main()
