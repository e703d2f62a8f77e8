# SPDX-License-Identifier: Apache-2.0
"""What a user gives wrongly is refused with one sentence and exit code 2, before anything is made;
and nothing that is the user's own is touched."""
import json
import os
import signal
import subprocess

from harness import TOKPERF, Run, RunTest, main, program_environment
from live import wait_until


class Refusals(RunTest):
    def refuse(self, *arguments, says, code=2, command=("profile",)):
        place = self.new_directory()
        place.mkdir()
        run = Run([*command, *map(str, arguments)], cwd=place)
        self.assertEqual(run.code, code, run.stderr)
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertIn(says, run.stderr)
        self.assertEqual(list(place.iterdir()), [])
        return run

    def test_closed_standard_descriptors_do_not_reach_the_results(self):
        for closed in (">&- 2>&-", "<&- >&-", "<&- >&- 2>&-"):
            with self.subTest(closed=closed):
                directory = self.new_directory()
                done = subprocess.run(
                    ["sh", "-c", f'exec "$@" {closed}', "sh", TOKPERF, "profile", "--url",
                     "mock:?fast", "--model", "m", "--request-count", "20", "--ui-type", "simple",
                     "--log-level", "debug", "--output-artifact-dir", str(directory)],
                    env=program_environment(), timeout=60, check=False)
                self.assertEqual(done.returncode, 0)
                run = Run(["report", str(directory)], directory)
                self.assertEqual(run.code, 0, run.stderr)
                self.assertEqual(run.count("request_count"), 20)
                self.assertFalse(run.reasons() & {"log_torn", "log_damaged"}, run.stdout)

    def test_options_of_the_mock(self):
        self.refuse("--url", "mock:?foo=1", says="--url: 'mock:?foo=1': foo is not an option; "
                                                 "tokperf-mock --help lists them")
        self.refuse("--url", "mock:?tttft=1", says="tttft is not an option; did you mean ttft?")
        self.refuse("--url", "mock:?ttft=abc", says="'mock:?ttft=abc': ttft: 'abc' is not a number")

    def test_a_row_that_is_not_supported(self):
        path = self.home / "rows.jsonl"
        path.write_text('{"text":"hello","timestamp":1}\n')
        self.refuse("--url", "mock:", "--model", "m", "--input-file", path,
                    says=f"{path}:1:17: 'timestamp'")

    def test_fixtures_that_are_not_there(self):
        self.refuse("check", "--fixtures", "nosuch", "/nonexistent.so", command=("plugins",),
                    says="--fixtures: cannot open nosuch")
        self.refuse("check", "--fixtures", "/dev/null", "/nonexistent.so", command=("plugins",),
                    says="--fixtures: /dev/null is not a folder")

    def test_no_far_fetched_suggestion(self):
        for run in (self.refuse(command=("-v",), says="unknown command '-v'"),
                    self.refuse(command=("frobnicate",), says="unknown command 'frobnicate'")):
            self.assertNotIn("did you mean", run.stderr)
        run = Run(["profile"], environment={"TOKPERF_FOOBAR": "1"})
        self.assertEqual(run.code, 2)
        self.assertNotIn("did you mean", run.stderr)
        run = Run(["profile"], environment={"TOKPERF_ENDPOINT__TPYE": "1"})
        self.assertIn("did you mean 'TOKPERF_ENDPOINT__TYPE'?", run.stderr)

    def test_what_a_run_refuses_is_not_valid(self):
        file = self.home / "run.yaml"
        file.write_text("benchmark:\n  model: m\n  endpoint: {url: 'mock:'}\n")
        good = Run(["config", "validate", str(file)])
        self.assertEqual((good.code, good.stdout), (0, "valid\n"), good.stderr)
        for arguments, says in (
                (("--goodput", "foo:1"), "--goodput: 'foo' is not a metric"),
                (("--endpoint-type", "caht"), "--endpoint-type: there is no endpoint 'caht'; did "
                                              "you mean 'chat'?"),
                (("--input-file", "/nonexistent"), "--input-file: cannot open '/nonexistent'"),
                (("--exporter", "foo"), "--exporter: there is no exporter 'foo'"),
                (("--set", "chat.foo=1"), "--set: chat has no option foo"),
                (("--plugin", "/nonexistent.so"), "--plugin: cannot open /nonexistent.so")):
            with self.subTest(arguments=arguments):
                self.refuse(file, *arguments, command=("config", "validate"), says=says)
                self.refuse("--url", "mock:", "--model", "m", *arguments, says=says)

    def test_messages_name_the_place_in_a_file(self):
        file = self.home / "run.yaml"
        file.write_text("benchmark:\n  model: m\n  endpoint: {url: 'mock:'}\n  artifacts:\n"
                        "    exporters:\n      - csv\n      - jsno\n")
        self.refuse("-f", file, says=f"{file}:7:9: benchmark.artifacts.exporters: there is no "
                                      "exporter 'jsno'; did you mean 'json'?")
        file.write_text("benchmark:\n  model: m\n  endpoint: {url: 'mock:'}\n  dataset:\n"
                        "    path: /nonexistent\n")
        self.refuse("-f", file, says=f"{file}:5:11: benchmark.dataset.path: cannot open "
                                      "'/nonexistent'")

    def test_options_that_do_not_apply(self):
        place = ("--url", "mock:", "--model", "m")
        payload = self.home / "payload.jsonl"
        payload.write_text('{"messages":[{"role":"user","content":"x"}]}\n')
        for arguments, says in (
                (("--extra-inputs", "temperature:0"), "--extra-inputs: the bodies of format"),
                (("--use-legacy-max-tokens",), "--use-legacy-max-tokens: the bodies of format"),
                (("--osl", "4"), "--osl: the bodies of format")):
            self.refuse(*place, "--input-file", payload, "--custom-dataset-type", "raw_payload",
                        *arguments, says=says)
        bodies = self.home / "inputs.json"
        bodies.write_text('{"data":[{"session_id":"a","payloads":[{"messages":[]}]}]}')
        self.refuse(*place, "--input-file", bodies, "--extra-inputs", "temperature:0",
                    says="--extra-inputs: the input file holds request bodies")
        self.refuse(*place, "--input-file", bodies, "--osl", "4",
                    says="--osl: the input file holds request bodies")
        self.refuse(*place, "--conversation-turn-delay-mean", "5",
                    says="--conversation-turn-delay-mean: conversations of one turn")
        self.refuse(*place, "--goodput", "time_to_first_token:5",
                    says="'time_to_first_token' is measured with --streaming only")
        self.refuse(*place, "--goodput", "request_latency:5 request_latency:6",
                    says="--goodput: 'request_latency' is given twice")

    def test_no_file_of_the_user_is_overwritten(self):
        mock = ("--url", "mock:?fast", "--model", "m", "--request-count", 2)
        for name in ("config.yaml", "inputs.json", "mine.json", "mine.csv", "mine.jsonl",
                     "logs/tokperf.log"):
            directory = self.new_directory()
            path = directory / name
            path.parent.mkdir(parents=True)
            path.write_text("mine")
            arguments = (*mock, "--output-artifact-dir", directory,
                         "--profile-export-prefix", "mine")
            self.refuse(*arguments, says=f"'{path}' is there already")
            self.assertEqual(path.read_text(), "mine")

    def test_what_the_run_reads_is_not_overwritten(self):
        directory = self.new_directory()
        directory.mkdir()
        config = directory / "config.yaml"
        config.write_text("benchmark: {model: m, endpoint: {url: 'mock:?fast'}}\n")
        inputs = directory / "profile_export.jsonl"
        inputs.write_text('{"text":"hello"}\n')
        for arguments in (("-f", config), ("--url", "mock:?fast", "--input-file", inputs)):
            self.refuse(*arguments, "--output-artifact-dir", directory, "--overwrite",
                        says="the run reads '")
        self.assertEqual(len(list(directory.iterdir())), 2)

    def test_a_run_that_goes_on_is_not_overwritten(self):
        directory = self.new_directory()
        arguments = ("--url", "mock:", "--model", "m", "--output-artifact-dir", str(directory))
        with subprocess.Popen([TOKPERF, "profile", *arguments, "--benchmark-duration", "60"],
                              env=program_environment(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as first:
            try:
                wait_until((directory / "run.json").exists, "a run that goes on")
                self.assertIsNone(first.poll())
                self.refuse(*arguments, "--overwrite", says=f"the run of process {first.pid}")
            finally:
                os.kill(first.pid, signal.SIGKILL)
        again = Run(["profile", *arguments, "--overwrite", "--request-count", "2"], directory)
        self.assertEqual(again.code, 0, again.stderr)

    def test_no_success_is_said_without_a_console(self):
        mock = self.start_mock("--fast", "--fault-500", "1")
        run = self.profile(mock, "--request-count", 3, "--exporter", "csv", expect=1)
        self.assertIn("no request succeeded: 3 failed, the first with http_error 500: ", run.stderr)

    def test_the_model_that_the_server_named_is_written(self):
        mock = self.start_mock("--fast", "--model", "found")
        directory = self.new_directory()
        run = Run(["profile", "--url", f"http://127.0.0.1:{mock.port}", "--request-count", "2",
                   "--output-artifact-dir", str(directory)], directory)
        self.assertEqual(run.code, 0, run.stderr)
        self.assertIn("found", run.path("config.yaml").read_text())
        self.assertIn("found", json.dumps(run.json()["input_config"]))


if __name__ == "__main__":
    main()
