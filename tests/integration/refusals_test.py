# SPDX-License-Identifier: Apache-2.0
"""What a user gives wrongly is refused with one sentence and exit code 2, before anything is made;
and nothing that is the user's own is touched."""
import subprocess

from harness import TOKPERF, Run, RunTest, main, program_environment


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
                self.assertEqual(run.json()["verdict"]["status"], "valid", run.stdout)

    def test_https(self):
        self.refuse("--url", "https://localhost:1", "--model", "m",
                    says="--url: 'https://localhost:1': https is not available")

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


if __name__ == "__main__":
    main()
