# SPDX-License-Identifier: Apache-2.0
"""--tokenizer: prompts and answers counted, during the load and after it, whatever breaks it off. The
raw export says what was sent and answered; `tokperf tokenize` counts that again, text by text."""
import http.server
import json
import os
import subprocess
import threading

from harness import RUN_DEADLINE_S, TOKPERF, Run, RunTest, main, program_environment
from live import wait_until

TALK = ["--fast", "--osl", "23", "--reasoning-tokens", "7", "--tool-calls", "2"]


def tokens_of(texts):
    """Counts each text with the command."""
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    done = subprocess.run([TOKPERF, "tokenize", "--tokenizer", "builtin", "--count", "--jsonl"],
                          input=lines, capture_output=True, text=True, timeout=RUN_DEADLINE_S,
                          env=program_environment(), check=True)
    return [json.loads(line)["count"] for line in done.stdout.splitlines()]


def answer_texts(line):
    """What the answer of a raw line said and called, and what it thought."""
    output, reasoning = "", ""
    for response in line["responses"]:
        if "packets" in response:
            bodies = [p["value"] for p in response["packets"] if p["name"] == "data"]
        else:
            bodies = [response["text"]]
        for body in bodies:
            if body == "[DONE]":
                continue
            choice = (json.loads(body).get("choices") or [{}])[0]
            delta = choice.get("delta") or choice.get("message") or {}
            reasoning += delta.get("reasoning_content") or ""
            output += delta.get("content") or ""
            for call in delta.get("tool_calls") or []:
                output += call["function"].get("name") or ""
                output += call["function"].get("arguments") or ""
    return output, reasoning


def key_of(record):
    metadata = record["metadata"]
    return metadata["x_request_id"]


class Tokens(RunTest):
    def count(self, mock, *arguments, **more):
        return self.profile(mock, "--tokenizer", "builtin", *arguments, **more)

    def value(self, record, tag):
        return record["metrics"][tag]["value"]

    def check_against_command(self, run):
        raw = {key_of(line): line for line in
               map(json.loads, run.path("profile_export_raw.jsonl").read_text().splitlines())}
        records = run.records()
        self.assertGreater(len(records), 0)
        texts, prompts = [], []
        for record in records:
            line = raw[key_of(record)]
            texts.extend(answer_texts(line))
            prompts.append([m["content"] for m in line["payload"]["messages"] if m.get("content")])
        counts = tokens_of(texts)
        asked = iter(tokens_of([text for prompt in prompts for text in prompt]))
        for i, record in enumerate(records):
            output, reasoning = counts[2 * i], counts[2 * i + 1]
            self.assertEqual(self.value(record, "output_sequence_length"), output + reasoning)
            self.assertEqual(self.value(record, "reasoning_token_count"), reasoning)
            self.assertEqual(self.value(record, "input_sequence_length"),
                             sum(next(asked) for _ in prompts[i]))

    def test_streams_and_whole_answers(self):
        mock = self.start_mock(*TALK)
        for streaming in (["--streaming"], []):
            run = self.count(mock, *streaming, "--export-level", "raw", "--request-count", "8",
                             "--concurrency", "3", "--isl", "40", "--isl-stddev", "9")
            self.assertEqual(run.json()["token_sources"],
                             {"isl": "tokenizer", "osl": "tokenizer"})
            self.check_against_command(run)
            self.assertEqual(run.metric("input_sequence_length", "sum"),
                             run.metric("requested_isl", "sum"))
            self.assertIn("input from tokenizer, output from tokenizer", run.stdout)

    def test_live_answers_count_in_later_prompts(self):
        mock = self.start_mock("--fast", "--osl", "11")
        run = self.count(mock, "--streaming", "--export-level", "raw", "--request-count", "24",
                         "--concurrency", "4", "--isl", "15", "--conversation-turn-mean", "3",
                         "--shared-system-prompt-length", "9", "--user-context-prompt-length", "5",
                         "--num-prefix-prompts", "2", "--prefix-prompt-length", "6")
        self.check_against_command(run)
        first = [r for r in run.records() if r["metadata"]["turn_index"] == 0]
        for record in first:
            self.assertEqual(self.value(record, "input_sequence_length"), 15 + 9 + 5 + 6)

    def test_threads_do_not_change_counts(self):
        mock = self.start_mock(*TALK)
        sums = set()
        for threads in (0, 1, 3):
            run = self.count(mock, "--streaming", "--request-count", "300", "--concurrency", "16",
                             "--tokenizer-threads", threads, "--random-seed", "5", "--osl", "30")
            self.assertEqual(run.count("no_token_count"), 0)
            sums.add((run.metric("output_sequence_length", "sum"),
                      run.metric("input_sequence_length", "sum"),
                      run.metric("reasoning_token_count", "sum")))
        self.assertEqual(len(sums), 1)

    def test_what_waits_is_counted_later(self):
        mock = self.start_mock("--fast", "--osl", "500")
        run = self.count(mock, "--streaming", "--request-count", "200", "--concurrency", "16",
                         "--tokenizer-threads", "0", "--drain-timeout", "0.000001")
        self.assertIn("tokens_not_counted", run.reasons())
        self.assertIn("answers are not counted yet", run.stderr)
        pending = run.count("no_token_count")
        self.assertGreater(pending, 0)
        self.assertEqual(run.count("request_count"), 200)

        again = Run(["report", str(run.directory), "--tokenizer", "builtin"], run.directory)
        self.assertEqual(again.code, 0, again.stderr)
        self.assertNotIn("tokens_not_counted", again.reasons())
        self.assertEqual(again.count("no_token_count"), 0)
        self.assertEqual(again.metric("output_sequence_length", "count"), 200)
        numbers = again.json()

        once_more = Run(["report", str(run.directory)], run.directory)
        self.assertEqual(once_more.json(), numbers)

    def test_killed_while_counting(self):
        mock = self.start_mock("--fast", "--osl", "40")
        process = self.start_profile(mock, "--streaming", "--request-count", 1000000,
                                     "--concurrency", 8, "--tokenizer", "builtin",
                                     "--tokenizer-threads", 1)
        directory = process.directory
        tokens, sizes = directory / "tokens.tkr", set()

        def look():  # its head, and what was counted twice or more often
            if tokens.exists():
                sizes.add(tokens.stat().st_size)
            return len(sizes) > 3

        wait_until(look, "counts")
        process.kill()
        process.wait(timeout=RUN_DEADLINE_S)
        before = Run(["report", str(directory)], directory)
        self.assertEqual(before.code, 0, before.stderr)
        self.assertGreater(before.metric("output_sequence_length", "count"), 0)
        after = Run(["report", str(directory), "--tokenizer", "builtin"], directory)
        self.assertEqual(after.code, 0, after.stderr)
        self.assertEqual(after.metric("output_sequence_length", "count"),
                         after.count("request_count"))
        self.assertNotIn("tokens_not_counted", after.reasons())

    def test_server_and_tokenizer_disagree(self):
        """trap 14: both are kept, the difference is said, the source named."""
        class Handler(http.server.BaseHTTPRequestHandler):
            disable_nagle_algorithm = True  # head and body are two writes

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                body = json.dumps({
                    "choices": [{"message": {"role": "assistant", "content": "one two three four"},
                                 "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 10, "completion_tokens": 8,
                              "total_tokens": 18}}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        run = self.count(f"http://127.0.0.1:{server.server_address[1]}", "--request-count", "10",
                         "--isl", "10")
        self.assertEqual(run.metric("output_sequence_length"), 4)
        self.assertEqual(run.metric("usage_completion_tokens"), 8)
        self.assertEqual(run.metric("usage_completion_tokens_diff_pct"), 100)
        self.assertEqual(run.metric("usage_prompt_tokens_diff_pct"), 0)
        self.assertEqual(run.count("usage_discrepancy_count"), 10)
        self.assertIn("token_sources", run.reasons())

    def test_refusals(self):
        missing = self.profile("mock:", "--tokenizer", "meta-llama/Llama-3.1-8B", expect=2)
        self.assertEqual(len(missing.stderr.splitlines()), 1, missing.stderr)
        self.assertIn("--tokenizer", missing.stderr)
        self.assertFalse(missing.directory.exists())

        mock = self.start_mock("--fast")
        plain = self.profile(mock, "--request-count", "5")
        late = Run(["report", str(plain.directory), "--tokenizer", "builtin"])
        self.assertEqual(late.code, 2)
        self.assertIn("made without one", late.stderr)

        counted = self.count(mock, "--request-count", "5")
        other = self.home / "tokenizer.json"
        other.write_text("{}")
        wrong = Run(["report", str(counted.directory), "--tokenizer", str(other)])
        self.assertEqual(wrong.code, 2)
        self.assertIn("not the tokenizer of the run", wrong.stderr)
        self.assertEqual(len(wrong.stderr.splitlines()), 1, wrong.stderr)

    def test_no_room_for_the_counts(self):
        """A tokens.tkr that cannot be made is said before the load; nothing is half counted."""
        mock = self.start_mock("--fast")
        directory = self.new_directory()
        directory.mkdir()
        os.mkdir(directory / "tokens.tkr.new")
        run = Run(["profile", "--url", f"http://127.0.0.1:{mock.port}", "--model", "test",
                   "--ui-type", "none", "--tokenizer", "builtin", "--request-count", "3",
                   "--output-artifact-dir", str(directory)], directory)
        self.assertNotEqual(run.code, 0)
        self.assertIn("tokens.tkr", run.stderr)


if __name__ == "__main__":
    main()
