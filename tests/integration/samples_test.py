# SPDX-License-Identifier: Apache-2.0
"""What is heard of each request while the run goes: issued, first token, error and complete, each
once and in this order, of the requests that the result has."""
import json

from harness import RunTest, main

ISSUED, FIRST_TOKEN = "sample.issued", "sample.first_token"
ERROR, COMPLETE = "sample.error", "sample.complete"


class Samples(RunTest):
    def listen(self, mock, *arguments, **more):
        """A run, and its events of samples in the order in which they came."""
        log = self.home / f"events{self.runs}.jsonl"
        run = self.profile(mock, "--events-log", log, *arguments, **more)
        events = [json.loads(line) for line in log.read_text().splitlines()]
        samples = [e for e in events if e["topic"] == "sample"]
        self.assertEqual([e["sequence"] for e in samples], list(range(len(samples))))
        return run, samples

    def check(self, run, samples):
        """Returns the kinds of each request's events."""
        heard = {}
        for event in samples:
            data = event["data"]
            key = data["phase"], data["session_num"], data["turn_index"]
            heard.setdefault(key, []).append(event)
        for record in run.records(phase=None):
            metadata = record["metadata"]
            events = heard.pop((metadata["benchmark_phase"], metadata["session_num"],
                                metadata["turn_index"]))
            self.check_request(record, events)
            yield record["tokperf"]["outcome"], [e["event"] for e in events]
        self.assertEqual(heard, {})

    def check_request(self, record, events):
        metadata, outcome = record["metadata"], record["tokperf"]["outcome"]
        issued, complete = events[0]["data"], events[-1]["data"]
        expected = [ISSUED]
        expected += [FIRST_TOKEN] if "first_token_ns" in complete else []
        expected += [ERROR] if outcome not in ("ok", "cancelled") else []
        expected += [COMPLETE]
        self.assertEqual([e["event"] for e in events], expected)
        self.assertEqual(complete["outcome"], outcome)
        for event in events:
            self.assertEqual(event["data"]["worker_id"], metadata["worker_id"])
        for name in ("start_ns", "intended_ns"):
            self.assertEqual(issued[name], complete[name])
        self.assertEqual(issued["start_ns"], metadata["request_start_ns"])
        self.assertEqual(issued["intended_ns"], metadata["credit_issued_ns"])
        self.assertEqual(complete["end_ns"], metadata["request_end_ns"])
        if FIRST_TOKEN in expected:
            self.assertEqual(events[1]["data"]["first_token_ns"], complete["first_token_ns"])

    def test_each_request_once_and_in_order(self):
        mock = self.start_mock("--ttft", "2", "--itl", "1", "--osl", "4")
        for transport in ("native", "curl"):
            for workers in (1, 4):
                for load in (("--concurrency", 6), ("--request-rate", 800)):
                    with self.subTest(transport=transport, workers=workers, load=load[0]):
                        run, samples = self.listen(
                            mock, "--streaming", "--request-count", 150, "--workers-max", workers,
                            "--transport", transport, *load)
                        found = list(self.check(run, samples))
                        self.assertEqual(
                            found, [("ok", [ISSUED, FIRST_TOKEN, COMPLETE])] * 150)

    def test_answers_that_are_no_streams_have_no_first_token(self):
        mock = self.start_mock("--fast", "--osl", "4")
        run, samples = self.listen(mock, "--request-count", 40, "--warmup-request-count", 10)
        self.assertEqual(list(self.check(run, samples)), [("ok", [ISSUED, COMPLETE])] * 50)

    def test_failures_are_told_before_the_end(self):
        mock = self.start_mock("--ttft", "1", "--itl", "1", "--osl", "4", "--seed", "3",
                               "--fault-500", "0.3", "--fault-truncate", "0.3")
        run, samples = self.listen(mock, "--streaming", "--request-count", 100, "--concurrency", 8,
                                   "--workers-max", 4, expect=None)
        kinds = {(outcome, *events) for outcome, events in self.check(run, samples)}
        self.assertIn(("ok", ISSUED, FIRST_TOKEN, COMPLETE), kinds)
        self.assertIn(("http_error", ISSUED, ERROR, COMPLETE), kinds)
        self.assertIn(("truncated", ISSUED, FIRST_TOKEN, ERROR, COMPLETE), kinds)

    def test_each_turn_is_issued(self):
        mock = self.start_mock("--fast", "--osl", "3")
        run, samples = self.listen(mock, "--streaming", "--request-count", 60, "--concurrency", 4,
                                   "--conversation-turn-mean", 3, "--workers-max", 2)
        self.assertEqual(list(self.check(run, samples)),
                         [("ok", [ISSUED, FIRST_TOKEN, COMPLETE])] * 60)
        self.assertEqual({e["data"]["turn_index"] for e in samples}, {0, 1, 2})


if __name__ == "__main__":
    main()
