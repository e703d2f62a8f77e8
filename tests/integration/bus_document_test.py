# SPDX-License-Identifier: Apache-2.0
"""The programs of docs/bus.md, with nothing but ZeroMQ: one follows a real run from the outside, one
collects beside it."""
import json
import os
import pathlib
import subprocess
import sys

from harness import TOKPERF, Run, RunTest, main, program_environment
from live import bus_address, wait_until

SOURCE = pathlib.Path(os.environ["TKP_SOURCE_DIR"])


class Document(RunTest):
    def example(self, index=0):
        text = (SOURCE / "docs/bus.md").read_text(encoding="utf-8")
        code = text.split("```python\n")[1 + index].split("```", 1)[0]
        (self.home / "example.py").write_text(code)
        binding = (SOURCE / "tests/support/zmq_binding.py").read_text(encoding="utf-8")
        (self.home / "zmq.py").write_text(binding)  # beside the example: found before pyzmq
        return self.home / "example.py"

    def start(self, *command):
        process = subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=program_environment(PYTHONUNBUFFERED="1"))
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def test_its_program_prints_what_each_request_took(self):
        mock = self.start_mock("--ttft", "5", "--itl", "1", "--osl", "4")
        directory = self.new_directory()
        run = self.start(TOKPERF, "profile", "--url", f"http://127.0.0.1:{mock.port}", "--model",
                         "test", "--streaming", "--ui-type", "none", "--concurrency", "2",
                         "--request-count", "100000", "--output-artifact-dir", directory)
        wait_until(lambda: bus_address(directory) or run.poll() is not None, "an address")
        self.assertIsNone(run.poll())
        follower = self.start(sys.executable, self.example(), bus_address(directory))
        lines = [follower.stdout.readline() for _ in range(200)]
        self.assertIsNone(run.poll())
        for line in lines:
            number, unit = line.split()
            self.assertEqual(unit, "ms", line)
            self.assertGreaterEqual(float(number), 5, line)

    def test_its_collector_takes_samples_and_makes_a_result(self):
        mock = self.start_mock("--ttft", "5", "--itl", "1", "--osl", "4")
        directory = self.new_directory()
        run = Run(["profile", "--url", f"http://127.0.0.1:{mock.port}", "--model", "test",
                   "--ui-type", "none", "--warmup-request-count", "2", "--request-count", "4",
                   "--collector", f"{sys.executable} {self.example(1)}",
                   "--output-artifact-dir", str(directory)])
        self.assertEqual(run.code, 0, run.stderr)
        self.assertEqual(run.stderr, "")
        samples = json.loads((directory / "load.json").read_text())
        self.assertEqual([(s["phase"], s["at"]) for s in samples],
                         [("warmup", "start"), ("warmup", "end"), ("profiling", "start"),
                          ("profiling", "end")])
        result = json.loads((directory / "profile_export.json").read_text())
        self.assertEqual([g["acknowledged"] for g in result["gates"]], [1, 1, 1, 1])
        self.assertEqual([(c["state"], c["results"]) for c in result["collectors"]],
                         [("ready", [{"domain": "telemetry", "state": "reported"}])])


if __name__ == "__main__":
    main()
