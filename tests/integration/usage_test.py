# SPDX-License-Identifier: Apache-2.0
"""Wrong input: one sentence on stderr that says where, what and what to do; exit 2 before any
request is sent; nothing created."""
import os

from harness import Run, RunTest, main


class Usage(RunTest):
    def refuse(self, *arguments, code=2, environment=None, mock=None, says=()):
        before = sorted(os.listdir(self.home))
        run = Run(["profile", *map(str, arguments)], cwd=self.home, environment=environment)
        self.assertEqual(run.code, code, (arguments, run.stderr))
        self.assertEqual(run.stdout, "")
        lines = run.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, run.stderr)
        for word in says:
            self.assertIn(word, lines[0])
        self.assertEqual(sorted(os.listdir(self.home)), before)
        if mock:
            self.assertEqual(mock.counters()['requests_total{route="chat"}'], 0)
        return lines[0]

    def test_flags(self):
        self.refuse("--concurency", "3", says=("--concurency", "'--concurrency'"))
        self.refuse("--concurrency", "0", says=("--concurrency", "'0'"))
        self.refuse("--concurrency", "many", says=("--concurrency", "'many'"))
        self.refuse("--concurrency", says=("--concurrency",))
        self.refuse("--request-rate", "-1", says=("--request-rate", "'-1'"))
        self.refuse("--arrival-pattern", "posson", "--request-rate", "3", says=("'poisson'",))
        self.refuse("--endpoint-type", "chatt", "--url", "http://127.0.0.1:1", "--model", "m",
                    says=("chatt", "'chat'"))
        self.refuse("--request-rate-ramp-duration", "3", says=("--request-rate-ramp-duration",))
        self.refuse("--per-chunk-usage", says=("--per-chunk-usage",))
        self.refuse("--header", "no colon", says=("--header",))
        self.refuse("--extra-inputs", "{broken", says=("--extra-inputs",))
        self.refuse("--goodput", "time_to_first_tokn:3", "--url", "mock:",
                    says=("time_to_first_tokn", "'time_to_first_token'"))
        self.refuse("--set", "chat.nothing=1", "--url", "mock:", says=("nothing",))
        self.refuse("--set", "chatt.x=1", "--url", "mock:", says=("chatt", "'chat'"))
        self.refuse("--exporter", "jsn", "--url", "mock:", says=("jsn", "'json'"))
        self.refuse("--url", "ftp://x", says=("ftp://x",))
        self.refuse("--tokenizer", "gpt2", says=("--tokenizer",))
        self.refuse("stray", says=("stray",))

    def test_file_positions(self):
        path = self.home / "run.yaml"
        path.write_text("benchmark:\n  model: m\n  phases:\n    profiling:\n      concurency: 3\n")
        self.refuse("-f", path, says=("run.yaml:5:7", "concurency", "'concurrency'"))
        path.write_text("benchmark:\n  model: m\n  endpoint: {url: [}\n")
        self.refuse("-f", path, says=("run.yaml:3",))
        self.refuse("-f", self.home / "absent.yaml", says=("absent.yaml",))

    def test_environment(self):
        self.refuse("--url", "mock:", environment={"TOKPERF_ENDPOIN__URL": "x"},
                    says=("TOKPERF_ENDPOIN__URL", "TOKPERF_ENDPOINT__URL"))

    def test_dataset_lines(self):
        mock = self.start_mock()
        path = self.home / "prompts.jsonl"
        url = f"http://127.0.0.1:{mock.port}"
        path.write_text('{"text": "fine"}\n{"text": 3}\n')
        self.refuse("--url", url, "--model", "m", "--input-file", path, "--custom-dataset-type",
                    "single_turn", mock=mock, says=("prompts.jsonl:2:",))
        path.write_text('{"text": "fine", "txet": "x"}\n')
        self.refuse("--url", url, "--model", "m", "--input-file", path, "--custom-dataset-type",
                    "single_turn", mock=mock, says=("prompts.jsonl:1:", "txet", "'text'"))
        self.refuse("--url", url, "--model", "m", "--input-file", self.home / "absent", mock=mock,
                    says=("absent",))
        link = self.home / "link.jsonl"
        path.write_text('{"text": "fine"}\n')
        link.symlink_to(path)
        self.refuse("--url", url, "--model", "m", "--input-file", link, mock=mock,
                    says=("link.jsonl",))

    def test_commands(self):
        for arguments, says in ((["profil"], "'profile'"), (["plugins", "lst"], "'list'"),
                                (["config", "sho"], "'show'"), (["report"], "report"),
                                (["report", str(self.home)], "records.tkr")):
            run = Run(arguments)
            self.assertEqual(run.code, 2, run.stderr)
            self.assertIn(says, run.stderr)
            self.assertEqual(run.stdout, "")
        self.assertEqual(Run(["version"]).code, 0)
        for command in ("profile", "report", "config", "plugins", "calibrate", "version"):
            for arguments in (["help", command], [command, "--help"]):
                run = Run(arguments)
                self.assertEqual((run.code, run.stderr), (0, ""), arguments)
                self.assertIn(f"tokperf {command}", run.stdout)
        self.assertIn("tokperf profile", Run(["help"]).stdout)

    def test_full_standard_output(self):
        import subprocess
        from harness import TOKPERF, program_environment
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([TOKPERF, "help"], stdout=full, stderr=subprocess.PIPE,
                                  env=program_environment(), check=False)
        self.assertEqual(done.returncode, 3)

    def test_config_show_hides_secrets(self):
        for arguments in (["--url", "http://user:sesame@h:1/"],
                          ["--endpoint", "/v1/x?api_key=sesame"], ["--api-key", "sesame"],
                          ["--header", "X-Api-Key: sesame"]):
            run = Run(["config", "show", *arguments])
            self.assertEqual(run.code, 0, run.stderr)
            self.assertNotIn("sesame", run.stdout)

    def test_config_show_is_the_plan(self):
        path = self.home / "run.yaml"
        run = Run(["config", "show", "--model", "m", "--url", "http://h:1/", "--concurrency", "3",
                   "--osl", "7", "--request-rate", "2.5"])
        self.assertEqual(run.code, 0, run.stderr)
        path.write_text(run.stdout)
        again = Run(["config", "show", str(path)])
        self.assertEqual(again.stdout, run.stdout, again.stderr)


if __name__ == "__main__":
    main()
