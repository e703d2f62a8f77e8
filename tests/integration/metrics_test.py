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

    def stream_each(self, options):
        """One run of 3 requests to each of several servers; it and the lines of each."""
        mocks = [self.start_mock(*one) for one in options]
        return self.profile_each(mocks, 3, "--streaming", "--concurrency", 3 * len(mocks))

    @staticmethod
    def values(record):
        """By name; the gaps between chunks are none when all of them came at once."""
        return {"inter_chunk_latency": [], "inter_token_latency": 0,
                **{tag: m["value"] for tag, m in record["metrics"].items()}}

    def test_several_tokens_in_a_chunk(self):
        sizes = (1, 3, 5)
        run, records = self.stream_each([("--ttft", "20", "--itl", "10", "--osl", "31",
                                          "--tokens-per-chunk", str(size)) for size in sizes])
        gaps_of_a_stream = [-(-31 // size) - 1 for size in sizes]
        for expected, lines in zip(gaps_of_a_stream, records):
            for value in map(self.values, lines):
                window = value["request_latency"] - value["time_to_first_token"]
                self.assertAlmostEqual(value["inter_token_latency"] * 30, window, places=6)
                gaps = value["inter_chunk_latency"]
                self.assertAlmostEqual(sum(gaps), window, places=6)
                if len(gaps) == expected:  # none came in one read with the one before
                    self.assertAlmostEqual(sum(gaps) / len(gaps) * expected / 30,
                                           value["inter_token_latency"], places=6)
        self.assertGreaterEqual(run.metric("chunk_count"),
                                sum(3 * (gaps + 1) for gaps in gaps_of_a_stream))

    def test_role_chunk_is_no_token(self):
        run = self.stream("--ttft", "200", "--itl", "1", "--osl", "3", requests=3)
        self.assertGreaterEqual(run.metric("time_to_first_token", "min"), 199)

    def test_reasoning_counts_and_output_comes_later(self):
        fields = ("reasoning_content", "reasoning", "both")
        _, records = self.stream_each([("--ttft", "50", "--itl", "20", "--reasoning-tokens", "5",
                                        "--osl", "10", "--reasoning-field", f) for f in fields])
        for field, lines in zip(fields, records):
            for value in map(self.values, lines):
                with self.subTest(field=field):
                    # no chunk is sent before it is due: reasoning at 50 ms, output at 150 ms
                    self.assertGreaterEqual(value["time_to_first_token"], 50)
                    self.assertGreaterEqual(value["time_to_first_output_token"], 150)
                    self.assertLessEqual(value["time_to_first_token"],
                                         value["time_to_first_output_token"])
                    if len(value["inter_chunk_latency"]) > 14 - 5:  # not all of it came at once
                        self.assertLess(value["time_to_first_token"],
                                        value["time_to_first_output_token"])
                    self.assertEqual(value["reasoning_token_count"], 5)
                    self.assertEqual(value["output_sequence_length"], 15)
                    self.assertEqual(value["output_token_count"], 10)

    def test_tool_calls_are_content(self):
        run = self.stream("--ttft", "40", "--itl", "5", "--tool-calls", "2", "--tool-calls-only",
                          requests=3, concurrency=3)
        self.assertGreaterEqual(run.metric("time_to_first_token", "min"), 39)
        self.assertGreater(run.metric("output_sequence_length"), 2)
        self.assertIn("tool_calls", run.json()["finish_reasons"])

    def test_open_loop_above_capacity_tells_both_latencies(self):
        # 50 requests a second are due, one slot of 40 ms serves 25
        run = self.stream("--ttft", "40", "--itl", "0", "--osl", "1", requests=20, concurrency=1,
                          arguments=("--request-rate", 50, "--arrival-pattern", "constant"))
        self.assertGreaterEqual(run.metric("request_latency", "min"), 40)
        self.assertGreaterEqual(run.metric("effective_latency", "max"), 400)
        self.assertGreaterEqual(run.metric("cap_wait", "max"), 360)
        for value in map(self.values, run.records()):
            self.assertAlmostEqual(value["effective_latency"],
                                   value["credit_to_start_latency"] + value["request_latency"], 6)
            self.assertAlmostEqual(value["credit_to_start_latency"],
                                   value["cap_wait"] + value["client_lag"], 6)

    def test_goodput_counts_those_that_met_every_objective(self):
        run = self.stream("--ttft", "30", "--itl", "1", "--osl", "4", requests=6,
                          arguments=("--goodput", "time_to_first_token:90000 request_latency:1"))
        self.assertEqual(run.metric("good_request_count"), 0)
        run = self.stream("--ttft", "30", "--itl", "1", "--osl", "4", requests=6,
                          arguments=("--goodput", "time_to_first_token:90000"))
        self.assertEqual(run.metric("good_request_count"), 6)
        self.assertEqual(run.metric("good_request_fraction"), 1.0)
        self.assertAlmostEqual(run.metric("goodput"), 6 / run.metric("benchmark_duration"), 6)

    def three(self, ttft, outcome, *arguments):
        """A run that ends so early that its first three requests are all it sends, and how those
        ended. When it stands still until that end, it sends fewer: once more."""
        def attempt():
            run = self.stream("--ttft", ttft, "--itl", "0", "--osl", "1", concurrency=3,
                              requests=99, arguments=arguments, expect=None)
            self.assertLessEqual(set(run.outcomes()), {outcome})
            return run

        return self.until(attempt, lambda run: run.outcomes() == {outcome: 3})

    def test_duration_cap_counts_what_it_cut(self):
        run = self.three("60000", "cancelled", "--benchmark-duration", "0.2",
                         "--benchmark-grace-period", "0.1")
        self.assertEqual(run.code, 1)
        self.assertEqual(run.count("cancelled_request_count"), 3)
        self.assertNotEqual(run.json()["verdict"]["status"], "valid")

    def test_grace_lets_them_finish(self):
        run = self.three("300", "ok", "--benchmark-duration", "0.1")
        self.assertEqual(run.code, 0)

    def test_whole_run_and_steady_window(self):
        """A run that stands still at one of its ends has no window that is long enough."""
        run = self.until(lambda: self.stream("--ttft", "10", "--itl", "0", "--osl", "1",
                                             concurrency=2, requests=60),
                         lambda run: "steady_request_latency" in run.json())
        self.assertLess(run.json()["steady_request_latency"]["count"], 60)

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
