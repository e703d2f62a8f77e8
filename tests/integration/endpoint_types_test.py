# SPDX-License-Identifier: Apache-2.0
"""Every endpoint type end to end, and servers that answer oddly."""
import gzip
import json
import sys
import time

from harness import SOURCE, RunTest, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
from scripted import DELTA, HEAD, Server, chunk, whole  # noqa: E402

REQUESTS = 6
DRAIN_NS = 250e6  # how long the end of a body is waited for behind a complete answer
CHAT_BODY = json.dumps({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]})


class EndpointTypes(RunTest):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--ttft", "1", "--itl", "1", "--osl", "4")

    def run_type(self, kind, *arguments):
        return self.profile(self.mock, "--endpoint-type", kind, "--request-count", REQUESTS,
                            "--concurrency", 2, *arguments)

    def test_each_type_streams_or_not_and_counts_as_the_server_does(self):
        for kind, route, streams in (("ollama", "ollama", (False, True)),
                                     ("huggingface_generate", "tgi", (False, True)),
                                     ("embeddings", "embeddings", (False,))):
            for streaming in streams:
                with self.subTest(kind=kind, streaming=streaming):
                    before = self.mock.counters()
                    run = self.run_type(kind, *(["--streaming"] if streaming else []))
                    after = self.mock.counters()
                    name = f'completed_total{{route="{route}"}}'
                    self.assertEqual(run.outcomes(), {"ok": REQUESTS})
                    self.assertEqual(after[name] - before[name], REQUESTS)
                    self.assertEqual(
                        run.metric("total_isl"),
                        after["prompt_tokens_total"] - before["prompt_tokens_total"])
                    self.assertEqual("time_to_first_token" in run.json(), streaming)
                    if kind != "embeddings":
                        self.assertEqual(run.metric("output_sequence_length"), 4)

    def test_embeddings_have_no_output_tokens(self):
        run = self.run_type("embeddings")
        self.assertIn("Embeddings Metrics", run.stdout)
        for tag in ("output_sequence_length", "output_token_throughput", "total_output_tokens"):
            self.assertNotIn(tag, run.json())
        self.assertIn("request_latency", run.json())
        counted = self.run_type("embeddings", "--tokenizer", "builtin")
        self.assertEqual(counted.json()["token_sources"], {"isl": "tokenizer"})
        refused = self.profile(self.mock, "--endpoint-type", "embeddings", "--osl", 4,
                               "--request-count", 1, expect=2)
        self.assertIn("--osl", refused.stderr)

    def test_ollama_generates_too(self):
        run = self.run_type("ollama", "--streaming", "--set", "ollama.api=generate")
        self.assertEqual(run.outcomes(), {"ok": REQUESTS})
        self.assertEqual(run.metric("output_sequence_length"), 4)

    def test_faults_of_lines_of_json_have_their_outcomes(self):
        for fault, outcome in (("--fault-stream-error", "stream_error"),
                               ("--fault-truncate", "truncated"), ("--fault-reset", "truncated"),
                               ("--fault-bad-json", "parse_error"), ("--fault-empty", "empty")):
            mock = self.start_mock("--fast", "--osl", "4", fault, "1")
            for kind in ("ollama", "huggingface_generate"):
                with self.subTest(fault=fault, kind=kind):
                    run = self.profile(mock, "--endpoint-type", kind, "--streaming",
                                       "--request-count", 3, expect=1)
                    self.assertEqual(run.outcomes(), {outcome: 3})

    def test_a_template_in_yaml_makes_the_body_and_finds_the_content(self):
        template = ('{"model": {{model}}, "stream": {{stream}}, "messages": [{{#turns}}'
                    '{"role": "{{role}}", "content": {{text}}}{{^-last}}, {{/-last}}{{/turns}}]}')
        config = self.home / "template.yaml"
        config.write_text(json.dumps({"benchmark": {"model": "m", "endpoint": {
            "url": f"http://127.0.0.1:{self.mock.port}", "type": "template",
            "path": "/v1/chat/completions", "streaming": True,
            "extra": {"max_tokens": 3},
            "template": {"body": template, "response_field": "choices[0].delta.content"}},
            "phases": [{"name": "profiling", "type": "concurrency", "requests": REQUESTS}]}}))
        run = self.profile(f"http://127.0.0.1:{self.mock.port}", "-f", config)
        self.assertEqual(run.outcomes(), {"ok": REQUESTS})
        payload = run.json("inputs.json")["data"][0]["payloads"][0]
        self.assertEqual(list(payload), ["model", "stream", "messages", "max_tokens"])
        self.assertEqual(payload["messages"][0]["role"], "user")
        again = self.profile(f"http://127.0.0.1:{self.mock.port}", "-f", run.path("config.yaml"))
        self.assertEqual(again.outcomes(), {"ok": REQUESTS})

    def test_a_template_needs_its_endpoint_type(self):
        config = self.home / "chat.yaml"
        for member, wanted in (("body", "template"), ("response_field", "template or raw")):
            config.write_text(json.dumps({"benchmark": {"endpoint": {"template": {member: "x"}}}}))
            run = self.profile(self.mock, "-f", config, "--request-count", 1, expect=2)
            self.assertIn(f"needs --endpoint-type {wanted}", run.stderr)

    def test_a_template_as_extra_input_and_from_a_file(self):
        body = self.home / "body.json"
        body.write_text('{"input": {{texts}}, "model": "{{model}}"}\n')
        for arguments in (("--extra-inputs", 'payload_template:{"input": {{texts|tojson}}}'),
                          ("--set", f"template.body={body}")):
            run = self.run_type("template", "--endpoint", "/v1/embeddings", *arguments)
            self.assertEqual(run.outcomes(), {"ok": REQUESTS})
        refused = self.profile(self.mock, "--endpoint-type", "template", "--request-count", 1,
                               "--set", "template.body={ {{nothing}} }", expect=2)
        self.assertIn("line 1, column 3", refused.stderr)

    def test_raw_sends_the_payloads_of_a_file(self):
        sent = {"prompt": "a b c", "max_tokens": 2, "odd": [1, {"x": None}]}
        data = self.home / "payloads.jsonl"
        data.write_text(json.dumps(sent) + "\n")
        run = self.run_type("raw", "--endpoint", "/v1/completions", "--input-file", data,
                            "--custom-dataset-type", "raw_payload",
                            "--extra-inputs", "response_field:choices[0].text")
        self.assertEqual(run.outcomes(), {"ok": REQUESTS})
        self.assertEqual(run.json("inputs.json")["data"][0]["payloads"][0], sent)
        self.assertEqual(run.metric("output_sequence_length"), 2)
        refused = self.profile(self.mock, "--endpoint-type", "raw", "--request-count", 1, expect=2)
        self.assertIn("raw", refused.stderr)


class OddServers(RunTest):
    def serve(self, answer):
        server = Server(answer)
        self.addCleanup(server.close)
        return server

    def test_a_body_that_never_ends_does_not_hold_a_complete_answer(self):
        def answer(connection, request):
            text = HEAD % "text/event-stream"
            connection.sendall(text.encode() + chunk(DELTA % "a") + chunk("data: [DONE]\n\n"))

        server = self.serve(answer)
        run = self.profile(server.url, "--streaming", "--request-count", 3, "--concurrency", 1)
        self.assertEqual(run.outcomes(), {"ok": 3})
        times = [record["tokperf"] for record in run.records()]
        self.assertEqual([t["connection_reused"] for t in times], [False] * 3)
        # the wait for an end is no lateness of the client, whatever this machine adds to it
        self.assertLess(min(t["start_ns"] - t["ready_ns"] for t in times[1:]), DRAIN_NS)

    def test_a_terminal_chunk_that_comes_later_keeps_the_connection(self):
        def answer(connection, request):
            text = HEAD % "text/event-stream"
            connection.sendall(text.encode() + chunk(DELTA % "a") + chunk("data: [DONE]\n\n"))
            time.sleep(0.02)
            connection.sendall(b"0\r\n\r\n")

        server = self.serve(answer)
        run = self.profile(server.url, "--streaming", "--request-count", 8, "--concurrency", 1)
        self.assertEqual(run.outcomes(), {"ok": 8})
        reused = [record["tokperf"]["connection_reused"] for record in run.records()]
        self.assertIn(True, reused)  # not where this machine stood still for so long
        self.assertEqual(reused.count(False), server.connections)

    def test_what_is_no_answer_says_what_it_is(self):
        page = whole("<html>Login</html>", "text/html; charset=utf-8")
        packed = whole(gzip.compress(CHAT_BODY.encode()), "application/json",
                       "Content-Encoding: gzip\r\n")
        for name, sent, streaming, part in (
                ("page", page, True, "text/html"), ("page", page, False, "text/html"),
                ("gzip", packed, True, "gzip"), ("gzip", packed, False, "gzip")):
            with self.subTest(name=name, streaming=streaming):
                server = self.serve(lambda connection, request, sent=sent: connection.sendall(sent))
                run = self.profile(server.url, *(["--streaming"] if streaming else []),
                                   "--request-count", 2, expect=1)
                self.assertEqual(run.outcomes(), {"parse_error": 2})
                self.assertIn(part, run.records()[0]["error"]["message"])

    def test_odd_streams_are_read_as_they_are_meant(self):
        odd = ('data: {"id":"x","choices":[{"delta":{"role":"assistant","content":null},'
               '"finish_reason":""}]}\n\n'
               'data: {"id":"x","choices":[{"delta":{"content":"A"},"finish_reason":""}]}\n\n'
               'data: {"id":"x","choices":[{"delta":{"content":"B"},"finish_reason":"stop"}],'
               '"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]')
        head = "X-Empty:\r\nServer: \r\nConnection:\r\n"
        server = self.serve(lambda connection, request: connection.sendall(
            whole(odd, "text/event-stream", head)))
        run = self.profile(server.url, "--streaming", "--request-count", 3, "--concurrency", 1)
        self.assertEqual(run.outcomes(), {"ok": 3})
        self.assertEqual(run.metric("output_sequence_length"), 2)
        self.assertEqual([r["tokperf"]["finish_reason"] for r in run.records()], ["stop"] * 3)

    def test_a_list_at_the_top_is_no_chat_answer(self):
        server = self.serve(lambda connection, request: connection.sendall(
            whole(f"[{CHAT_BODY}]")))
        run = self.profile(server.url, "--request-count", 2, expect=1)
        self.assertEqual(run.outcomes(), {"parse_error": 2})
        self.assertIn("array", run.records()[0]["error"]["message"])

    def test_a_url_with_the_endpoints_path_is_not_doubled(self):
        server = self.serve(lambda connection, request: connection.sendall(whole(CHAT_BODY)))
        for given, path in (("/v1/chat/completions", "/v1/chat/completions"),
                            ("/v1", "/v1/chat/completions"),
                            ("/api/v1/chat/completions/", "/api/v1/chat/completions"),
                            ("", "/v1/chat/completions")):
            with self.subTest(given=given):
                server.requests.clear()
                self.profile(server.url + given, "--request-count", 2)
                self.assertEqual({r.path for r in server.requests}, {path})

    def test_lines_of_json_are_accepted_as_such(self):
        line = json.dumps({"message": {"content": "a"}, "done": True, "eval_count": 1}) + "\n"
        server = self.serve(lambda connection, request: connection.sendall(
            whole(line, "application/x-ndjson")))
        self.profile(server.url, "--endpoint-type", "ollama", "--streaming", "--request-count", 1)
        self.assertEqual(server.requests[0].headers["accept"], "application/x-ndjson")
        self.assertEqual(server.requests[0].path, "/api/chat")


if __name__ == "__main__":
    main()
