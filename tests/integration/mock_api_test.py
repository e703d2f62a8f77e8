# SPDX-License-Identifier: Apache-2.0
"""tokperf-mock as an OpenAI-compatible server: routes, shapes, token counts, schedule, counters."""
import json
import signal
import subprocess
import time
import unittest

from mock_support import DEADLINE_S, PROGRAM, Mock, chat, main

USAGE = {"include_usage": True}


class Answers(unittest.TestCase):
    def test_chat_stream_and_whole_agree(self):
        with Mock("--fast", "--osl", "70") as mock:
            whole = mock.ask(chat()).json()
            stream = mock.ask(chat(True, stream_options=USAGE))
        message = whole["choices"][0]["message"]
        self.assertEqual(whole["object"], "chat.completion")
        self.assertEqual(whole["model"], "test")
        self.assertEqual(message["role"], "assistant")
        self.assertEqual(len(message["content"].split()), 70)
        self.assertIn("🚀", message["content"])
        self.assertEqual(whole["usage"]["prompt_tokens"], 3)
        self.assertEqual(whole["usage"]["completion_tokens"], 70)
        self.assertEqual(whole["usage"]["total_tokens"], 73)
        self.assertEqual(whole["choices"][0]["finish_reason"], "stop")
        self.assertEqual(stream.headers["content-type"], "text/event-stream; charset=utf-8")
        self.assertEqual(stream.text(), message["content"])
        self.assertEqual(stream.events()[-1], "[DONE]")
        chunks = stream.chunks()
        self.assertEqual({c["object"] for c in chunks}, {"chat.completion.chunk"})
        self.assertEqual(len({c["id"] for c in chunks}), 1)
        self.assertEqual(chunks[0]["choices"][0]["delta"], {"role": "assistant", "content": ""})
        self.assertEqual(chunks[-2]["choices"][0]["finish_reason"], "stop")
        self.assertEqual(chunks[-1]["choices"], [])
        self.assertEqual(chunks[-1]["usage"], whole["usage"])
        self.assertTrue(all(c["usage"] is None for c in chunks[:-1]))

    def test_completions(self):
        with Mock("--fast") as mock:
            path = "/v1/completions"
            whole = mock.ask({"prompt": "a b", "max_tokens": 5}, path).json()
            stream = mock.ask({"prompt": [[1, 2, 3], [4]], "max_tokens": 5, "stream": True,
                               "stream_options": USAGE}, path)
        self.assertEqual(whole["object"], "text_completion")
        self.assertEqual(whole["choices"][0]["finish_reason"], "length")
        self.assertEqual(whole["model"], "mock-model")
        self.assertEqual(stream.text(), whole["choices"][0]["text"])
        self.assertEqual(stream.chunks()[-1]["usage"]["prompt_tokens"], 4)

    def test_limits(self):
        rows = [  # options, request, tokens, finish reason
            ([], {}, 32, "stop"),
            ([], {"max_tokens": 100}, 100, "length"),
            ([], {"max_tokens": 100, "max_completion_tokens": 7}, 7, "length"),
            ([], {"max_tokens": None}, 32, "stop"),
            (["--osl", "10"], {"max_tokens": 100}, 10, "stop"),
            (["--osl", "10"], {"max_tokens": 9}, 9, "length"),
            (["--osl", "10"], {"max_tokens": 100, "ignore_eos": True}, 100, "length"),
            (["--osl", "10"], {"max_tokens": 100, "min_tokens": 20}, 20, "stop"),
            (["--osl", "10", "--reasoning-tokens", "5"], {}, 15, "stop"),
            (["--osl", "10", "--reasoning-tokens", "5"], {"max_tokens": 3}, 3, "length"),
            (["--osl", "3", "--tool-calls", "2"], {}, 13, "tool_calls"),
            (["--tool-calls", "2", "--tool-calls-only"], {}, 10, "tool_calls"),
        ]
        for options, request, tokens, reason in rows:
            with self.subTest(options=options, request=request), Mock("--fast", *options) as mock:
                answer = mock.ask(chat(**request)).json()
                self.assertEqual(answer["usage"]["completion_tokens"], tokens)
                self.assertEqual(answer["choices"][0]["finish_reason"], reason)

    def test_chunks_of_several_tokens_with_usage_in_each(self):
        options = {"include_usage": True, "continuous_usage_stats": True}
        with Mock("--fast", "--osl", "7", "--tokens-per-chunk", "3") as mock:
            chunks = mock.ask(chat(True, stream_options=options)).chunks()
        content = [c for c in chunks if c["choices"] and c["choices"][0]["delta"].get("content")]
        words = [len(c["choices"][0]["delta"]["content"].split()) for c in content]
        self.assertEqual(words, [3, 3, 1])
        self.assertEqual([c["usage"]["completion_tokens"] for c in content], [3, 6, 7])

    def test_reasoning_fields(self):
        fields = {"reasoning_content": ["reasoning_content"], "reasoning": ["reasoning"],
                  "both": ["reasoning", "reasoning_content"]}
        for name, keys in fields.items():
            with self.subTest(name), Mock("--fast", "--osl", "2", "--reasoning-tokens", "4",
                                          "--reasoning-field", name) as mock:
                whole = mock.ask(chat()).json()
                chunks = mock.ask(chat(True)).chunks()
                deltas = [c["choices"][0]["delta"] for c in chunks]
                thought = [d for d in deltas if "reasoning" in " ".join(d)]
                self.assertEqual(len(thought), 4)
                self.assertTrue(all(d["content"] is None for d in thought))
                for key in keys:
                    self.assertEqual("".join(d[key] for d in thought),
                                     whole["choices"][0]["message"][key])
                self.assertEqual(sorted(k for k in thought[0] if k != "content"), keys)
                details = whole["usage"]["completion_tokens_details"]
                self.assertEqual(details["reasoning_tokens"], 4)

    def test_tool_calls(self):
        with Mock("--fast", "--osl", "2", "--tool-calls", "2") as mock:
            whole = mock.ask(chat()).json()["choices"][0]["message"]["tool_calls"]
            chunks = mock.ask(chat(True)).chunks()
        calls = {}
        for chunk in chunks:
            for delta in chunk["choices"][0]["delta"].get("tool_calls", []):
                call = calls.setdefault(delta["index"], {"arguments": "", "pieces": 0})
                call["name"] = delta["function"].get("name", call.get("name"))
                call["arguments"] += delta["function"]["arguments"]
                call["pieces"] += 1
        self.assertEqual(sorted(calls), [0, 1])
        for index, call in calls.items():
            self.assertEqual(call["name"], "get_weather")
            self.assertEqual(call["pieces"], 5)
            self.assertEqual(json.loads(call["arguments"]), {"city": "Paris", "days": 3})
            self.assertEqual(whole[index]["function"]["arguments"], call["arguments"])

    def test_words_of_a_prompt(self):
        parts = [{"type": "text", "text": " a\tb\n c\u00a0d "},
                 {"type": "image_url", "image_url": {"url": "x y"}}]
        body = {"messages": [{"role": "system", "content": parts}, {"role": "user", "content": ""},
                             {"role": "user", "content": "über日 \\\" e"}]}
        raw = json.dumps(body).encode()
        with Mock("--fast") as mock:
            self.assertEqual(mock.ask(raw).json()["usage"]["prompt_tokens"], 6)


class Refusals(unittest.TestCase):
    def test_bad_bodies(self):
        rows = [  # body, param, part of the message
            (b"", None, "byte 0"),
            (b"[]", None, "expected an object"),
            (b'{"messages":[]}', "messages", "missing or empty"),
            (b'{"messages":"x"}', "messages", "array"),
            (b'{"messages":[{"content":"x"}]}', "messages", "role"),
            (b'{"messages":[{"role":"user","content":"x"}],"stream":1}', "stream", "true or false"),
            (b'{"messages":[{"role":"user","content":"x"}],"max_tokens":0}', "max_tokens", "1"),
            (b'{"messages":[{"role":"user","content":"x"}],"max_tokens":1.5}', "max_tokens", "1"),
            (b'{"messages":[{"role":"user","content":"x"}],"n":2}', "n", "one choice"),
            (b'{"messages":[{"role":"user","content":"x"}],"stream_options":{}}',
             "stream_options", "only when"),
            (b'{"messages":[{"role":"user","content":"x\xff"}]}', None, "UTF-8"),
            (b'{"messages":[{"role":"user","content":"x\n"}]}', None, "control character"),
            (b'{"messages":[{"role":"user","content":"\\x"}]}', None, "escape"),
            (b'{"messages":[{"role":"user","content":"x"}]} x', None, "after the value"),
            (b'{"messages":[{"role":"user","content":"x"},]}', None, "value"),
            (b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", None, "deeper"),
        ]
        with Mock("--fast") as mock:
            for body, param, part in rows:
                with self.subTest(body=body):
                    answer = mock.ask(body)
                    self.assertEqual(answer.status, 400)
                    error = answer.json()["error"]
                    self.assertEqual(error["param"], param)
                    self.assertIn(part, error["message"])
                    self.assertEqual(error["type"], "invalid_request_error")
            self.assertEqual(mock.counters()['responses_total{code="4xx"}'], len(rows))

    def test_paths_methods_and_keys(self):
        with Mock("--fast", "--api-key", "s3cret", "--model", "a", "--model", "b/c") as mock:
            self.assertEqual(mock.get("/nothing").status, 404)
            wrong = mock.get("/v1/chat/completions")
            self.assertEqual((wrong.status, wrong.headers["allow"]), (405, "POST"))
            self.assertEqual(mock.get("/health?x=1").json(), {"status": "ok"})
            for headers in "", "authorization: Bearer s3cre\r\n", "authorization: s3cret\r\n":
                self.assertEqual(mock.ask(chat(), headers=headers).status, 401)
            key = "Authorization: bearer s3cret\r\n"
            self.assertEqual(mock.ask(chat(), headers=key).status, 200)
            models = mock.get("/v1/models", key).json()["data"]
            self.assertEqual([m["id"] for m in models], ["a", "b/c"])

    def test_models_delay(self):
        with Mock("--models-delay", "600000") as mock:
            self.assertEqual(mock.get("/health").status, 503)
            self.assertEqual(mock.get("/v1/models").status, 503)
        with Mock("--models-delay", "100") as mock:
            end = time.monotonic() + DEADLINE_S
            while mock.get("/v1/models").status == 503 and time.monotonic() < end:
                pass
            self.assertEqual(mock.get("/v1/models").status, 200)
            self.assertEqual(mock.get("/health").status, 200)


class Schedule(unittest.TestCase):
    def stamps(self, *options):
        with Mock("--ttft", "30", "--itl", "3", "--osl", "8", "--stamp", *options) as mock:
            chunks = mock.ask(chat(True)).chunks()
        return [c["stamp"] for c in chunks if "stamp" in c]

    def test_stamps_follow_the_absolute_schedule(self):
        stamps = self.stamps()
        self.assertEqual(len(stamps), 8)
        for i, stamp in enumerate(stamps):
            self.assertEqual(stamp["intended_ns"] - stamp["arrival_ns"], 30000000 + i * 3000000)
            self.assertGreaterEqual(stamp["sent_ns"], stamp["intended_ns"])
        self.assertLessEqual(stamps[-1]["sent_ns"], time.monotonic_ns())

    def test_a_seed_gives_the_same_jitter(self):
        jitter = ("--ttft-jitter", "0.3", "--itl-jitter", "0.5", "--seed")
        plans = [[s["intended_ns"] - s["arrival_ns"] for s in self.stamps(*jitter, seed)]
                 for seed in ("1", "1", "2")]
        self.assertEqual(plans[0], plans[1])
        self.assertNotEqual(plans[0], plans[2])
        self.assertEqual(plans[0], sorted(plans[0]))

    def test_a_whole_answer_waits_for_its_last_token(self):
        with Mock("--ttft", "30", "--itl", "3", "--osl", "11", "--stamp") as mock:
            stamp = mock.ask(chat()).json()["stamp"]
        self.assertEqual(stamp["intended_ns"] - stamp["arrival_ns"], 60000000)

    def test_lateness_is_shown(self):
        with Mock("--ttft", "1", "--itl", "1", "--osl", "9") as mock:
            mock.ask(chat(True))
            counters = mock.counters()
        self.assertEqual(counters["lateness_seconds_count"], 9)
        self.assertEqual(counters['lateness_seconds_bucket{le="+Inf"}'], 9)


class Life(unittest.TestCase):
    def test_counters(self):
        with Mock("--fast", "--osl", "10", "--threads", "3") as mock:
            for _ in range(5):
                mock.ask(chat(True))
            with mock.connect() as client:
                for _ in range(4):
                    client.post("/v1/completions", {"prompt": "a b"})
                    client.read_response()
            counters = mock.counters()
        want = {'requests_total{route="chat"}': 5, 'requests_total{route="completions"}': 4,
                'completed_total{route="chat"}': 5, 'completed_total{route="completions"}': 4,
                "streamed_requests_total": 5, "prompt_tokens_total": 23, "output_tokens_total": 90,
                "content_chunks_total": 50, "connections_accepted_total": 7, "streams_open": 0,
                "client_disconnects_total": 0, 'responses_total{code="2xx"}': 9}
        self.assertEqual({name: counters[name] for name in want}, want)

    def test_a_client_that_leaves_is_counted(self):
        with Mock("--ttft", "60000") as mock:
            with mock.connect() as client:
                client.post("/v1/chat/completions", chat(True))
                client.read_head()
                self.assertEqual(mock.counters()["streams_open"], 1)
            counters = mock.wait_for(lambda c: c["client_disconnects_total"] == 1)
            self.assertEqual(counters["streams_open"], 0)
            self.assertEqual(counters['completed_total{route="chat"}'], 0)

    def test_ends(self):
        for number in signal.SIGTERM, signal.SIGINT:
            self.assertEqual(Mock().stop(number), 0)
        mock = Mock("--threads", "2")
        mock.process.stdin.close()
        self.assertEqual(mock.process.wait(timeout=DEADLINE_S), 0)
        mock.process.stdout.close()

    def test_a_busy_port(self):
        with Mock() as mock:
            for threads in "1", "2":
                done = subprocess.run([PROGRAM, "--port", str(mock.port), "--threads", threads],
                                      capture_output=True, timeout=DEADLINE_S, check=False)
                self.assertEqual(done.returncode, 3)
                self.assertIn(b"Address already in use", done.stderr)

    def test_help_names_every_option_once(self):
        done = subprocess.run([PROGRAM, "--help"], capture_output=True, check=True, text=True,
                              timeout=DEADLINE_S)
        names = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  --")]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreater(len(names), 40)
        for name in names:
            refused = subprocess.run([PROGRAM, name + "="], text=True, capture_output=True,
                                     check=False, timeout=DEADLINE_S)
            self.assertEqual(refused.returncode, 2)
            self.assertTrue(refused.stderr.startswith("tokperf-mock: %s" % name))
            self.assertNotIn("is not an option", refused.stderr)

    def test_usage_errors(self):
        rows = {"--ttft-jiter": "did you mean --ttft-jitter?", "--ttft=x": "not a number",
                "--ttft=-1": "not a number", "--port=70000": "from 0 to 65535", "x": "--help",
                "--osl=1.5": "whole number", "--host=localhost": "IPv4", "--sse=lfcr": "lf|crlf", "--fast=1": "no value",
                "--seed": "needs a value", "--fault-429=1.1": "from 0 to 1",
                "--tool-calls-only": "--tool-calls N", "--model=a\"b": "quote"}
        for option, part in rows.items():
            with self.subTest(option):
                done = subprocess.run([PROGRAM, option], capture_output=True, check=False,
                                      timeout=DEADLINE_S)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stderr.count(b"\n"), 1)
                self.assertIn(part, done.stderr.decode())
                self.assertEqual(done.stdout, b"")


if __name__ == "__main__":
    main()
