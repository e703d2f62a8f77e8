# SPDX-License-Identifier: Apache-2.0
"""What metrics mean, end to end: where other benchmarks went wrong, against a server with known
times. Only what holds on a busy machine too is asserted: no chunk is sent before it is due, and
exact relations between numbers. The bound on their truth is in truth_test.py."""
import re

from harness import RunTest, main


class Metrics(RunTest):
    def stream(self, *options, arguments=(), requests=10, concurrency=1, expect=0):
        mock = self.start_mock(*options)
        return self.profile(mock, "--streaming", "--concurrency", concurrency, "--request-count",
                            requests, *arguments, expect=expect)

    def test_several_tokens_in_a_chunk(self):
        for per_chunk in (1, 3, 5):
            run = self.stream("--ttft", "20", "--itl", "30", "--osl", "31", "--tokens-per-chunk",
                              str(per_chunk), requests=3, concurrency=3)
            gaps_of_a_stream = -(-31 // per_chunk) - 1
            for record in run.records():
                value = {tag: m["value"] for tag, m in record["metrics"].items()}
                window = value["request_latency"] - value["time_to_first_token"]
                self.assertAlmostEqual(value["inter_token_latency"] * 30, window, places=6)
                gaps = value["inter_chunk_latency"]
                self.assertAlmostEqual(sum(gaps), window, places=6)
                if len(gaps) == gaps_of_a_stream:  # none came in one read with the one before
                    self.assertAlmostEqual(sum(gaps) / len(gaps) * gaps_of_a_stream / 30,
                                           value["inter_token_latency"], places=6)
            self.assertGreaterEqual(run.metric("chunk_count"), 3 * (gaps_of_a_stream + 1))

    def test_role_chunk_is_no_token(self):
        run = self.stream("--ttft", "200", "--itl", "1", "--osl", "3", requests=3)
        self.assertGreaterEqual(run.metric("time_to_first_token", "min"), 199)

    def test_reasoning_counts_and_output_comes_later(self):
        for field in ("reasoning_content", "reasoning", "both"):
            run = self.stream("--ttft", "50", "--itl", "20", "--reasoning-tokens", "5", "--osl",
                              "10", "--reasoning-field", field, requests=3, concurrency=3)
            # no chunk is sent before it is due: reasoning at 50 ms, the first output at 150 ms
            self.assertGreaterEqual(run.metric("time_to_first_token", "min"), 50)
            self.assertGreaterEqual(run.metric("time_to_first_output_token", "min"), 150)
            self.assertLess(run.metric("time_to_first_token", "min"),
                            run.metric("time_to_first_output_token", "min"))
            self.assertEqual(run.metric("reasoning_token_count"), 5)
            self.assertEqual(run.metric("output_sequence_length"), 15)
            self.assertEqual(run.metric("output_token_count"), 10)

    def test_tool_calls_are_content(self):
        run = self.stream("--ttft", "40", "--itl", "5", "--tool-calls", "2", "--tool-calls-only",
                          requests=3, concurrency=3)
        self.assertGreaterEqual(run.metric("time_to_first_token", "min"), 39)
        self.assertGreater(run.metric("output_sequence_length"), 2)
        self.assertIn("tool_calls", run.json()["finish_reasons"])

    def test_open_loop_above_capacity_tells_both_latencies(self):
        # 20 requests a second are due, one slot of 100 ms serves 10
        run = self.stream("--ttft", "100", "--itl", "0", "--osl", "1", requests=20, concurrency=1,
                          arguments=("--request-rate", 20, "--arrival-pattern", "constant"))
        self.assertGreaterEqual(run.metric("request_latency", "min"), 100)
        self.assertGreaterEqual(run.metric("effective_latency", "max"), 1000)
        self.assertGreaterEqual(run.metric("cap_wait", "max"), 900)
        for record in run.records():
            value = {tag: m["value"] for tag, m in record["metrics"].items()}
            self.assertAlmostEqual(value["effective_latency"],
                                   value["credit_to_start_latency"] + value["request_latency"], 6)
            self.assertAlmostEqual(value["credit_to_start_latency"],
                                   value["cap_wait"] + value["client_lag"], 6)

    def test_goodput_counts_those_that_met_every_objective(self):
        run = self.stream("--ttft", "30", "--itl", "1", "--osl", "4", requests=6,
                          arguments=("--goodput", "time_to_first_token:1000 request_latency:1"))
        self.assertEqual(run.metric("good_request_count"), 0)
        run = self.stream("--ttft", "30", "--itl", "1", "--osl", "4", requests=6,
                          arguments=("--goodput", "time_to_first_token:1000"))
        self.assertEqual(run.metric("good_request_count"), 6)
        self.assertEqual(run.metric("good_request_fraction"), 1.0)
        self.assertAlmostEqual(run.metric("goodput"), 6 / run.metric("benchmark_duration"), 6)

    def test_duration_cap_counts_what_it_cut(self):
        run = self.stream("--ttft", "2000", "--itl", "0", "--osl", "1", concurrency=3, requests=9,
                          arguments=("--benchmark-duration", "0.2", "--benchmark-grace-period",
                                     "0.2"), expect=1)
        self.assertEqual(run.outcomes(), {"cancelled": 3})
        self.assertEqual(run.count("cancelled_request_count"), 3)
        self.assertNotEqual(run.json()["verdict"]["status"], "valid")

    def test_grace_lets_them_finish(self):
        run = self.stream("--ttft", "300", "--itl", "0", "--osl", "1", concurrency=3, requests=99,
                          arguments=("--benchmark-duration", "0.1"))
        self.assertEqual(run.outcomes(), {"ok": 3})

    def test_whole_run_and_steady_window(self):
        run = self.stream("--ttft", "10", "--itl", "0", "--osl", "1", concurrency=2, requests=60)
        result = run.json()
        self.assertIn("steady_request_latency", result)
        self.assertLess(result["steady_request_latency"]["count"], 60)

    def test_token_sources(self):
        run = self.stream("--ttft", "1", "--itl", "0", "--osl", "8", "--tokens-per-chunk", "2")
        self.assertEqual(run.json()["token_sources"], {"isl": "server", "osl": "server"})
        self.assertEqual(run.metric("output_sequence_length"), 8)
        run = self.stream("--ttft", "1", "--itl", "0", "--osl", "8", "--tokens-per-chunk", "2",
                          arguments=("--extra-inputs", '{"stream_options":null}'))
        self.assertEqual(run.json()["token_sources"], {"osl": "chunks"})
        self.assertEqual(run.metric("output_sequence_length"), 4)

    def test_isl_and_osl_reach_the_server(self):
        run = self.stream("--ttft", "1", "--itl", "0",
                          arguments=("--isl", 37, "--osl", 11, "--extra-inputs", "ignore_eos:true"))
        self.assertEqual(run.metric("input_sequence_length"), 37)
        self.assertEqual(run.metric("output_sequence_length"), 11)
        self.assertIn("37.0 words asked for a turn", run.stdout)

    def test_multi_turn_sends_the_live_answers(self):
        run = self.stream("--ttft", "1", "--itl", "0", "--osl", "5", concurrency=2, requests=12,
                          arguments=("--conversation-turn-mean", 3, "--isl", 10))
        for record in run.records():
            turn = record["metadata"]["turn_index"]
            # each earlier turn adds its 10 words and the 5 words of the answer
            self.assertEqual(record["metrics"]["input_sequence_length"]["value"], 10 + turn * 15)

    def test_not_a_number_is_never_written(self):
        run = self.stream("--fault-500", "1", "--fast", expect=1)
        for name in ("profile_export.json", "profile_export.jsonl", "profile_export.csv"):
            text = run.path(name).read_text().lower()
            self.assertIsNone(re.search(r"\b(nan|inf|infinity|null)\b", text), name)


if __name__ == "__main__":
    main()
