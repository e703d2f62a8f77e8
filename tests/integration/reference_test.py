# SPDX-License-Identifier: Apache-2.0
"""A second server, which shares no code with the client: same texts, counts and outcomes."""
import json
import os
import re
import subprocess
import sys
import urllib.request

from harness import SOURCE, RunTest, main


class Reference(RunTest):
    def start_reference(self, *options):
        program = SOURCE / "tests" / "support" / "reference_server.py"
        process = subprocess.Popen([sys.executable, program, "--port", "0", *options],
                                   stdout=subprocess.PIPE, text=True)

        def end():
            os.kill(process.pid, 15)
            process.communicate(timeout=20)

        self.addCleanup(end)
        return re.fullmatch(r"listening on (http://\S+)\n", process.stdout.readline())[1]

    def stats(self, url):
        with urllib.request.urlopen(url + "/stats") as answer:
            return json.load(answer)

    def test_counts_agree(self):
        for streaming in ([], ["--streaming"]):
            for kind in ("chat", "completions"):
                url = self.start_reference("--osl", "9")
                run = self.profile(url, *streaming, "--endpoint-type", kind, "--concurrency", 4,
                                   "--request-count", 40)
                self.assertEqual(run.outcomes(), {"ok": 40})
                stats = self.stats(url)
                self.assertEqual(stats["requests"], 40)
                self.assertEqual(run.metric("total_output_tokens"), 40 * 9)

    def test_faults_agree(self):
        url = self.start_reference("--error-every", "5", "--truncate-every", "7")
        run = self.profile(url, "--streaming", "--concurrency", 1, "--request-count", 70)
        outcomes = run.outcomes()
        self.assertEqual(outcomes["http_error"], 14)
        # every 7th is cut, but every 35th of those is an error before that
        self.assertEqual(outcomes["truncated"], 8)
        self.assertEqual(outcomes["ok"], 48)


if __name__ == "__main__":
    main()
