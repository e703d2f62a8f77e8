# SPDX-License-Identifier: Apache-2.0
"""Exact load for any number of workers: the server's counters against the report's."""
from harness import RunTest, main

CHAT = 'requests_total{route="chat"}'
DONE = 'completed_total{route="chat"}'


class Counts(RunTest):
    def check_without_faults(self, workers, *arguments, requests=137):
        mock = self.start_mock("--ttft", "2", "--itl", "1", "--osl", "4")
        run = self.profile(mock, "--request-count", requests, "--workers-max", workers, *arguments)
        counters = mock.counters()
        self.assertEqual(run.count("request_count"), requests)
        self.assertEqual(counters[CHAT], requests)
        self.assertEqual(counters[DONE], requests)
        self.assertEqual(run.metric("total_output_tokens"), counters["output_tokens_total"])
        self.assertEqual(run.metric("total_isl"), counters["prompt_tokens_total"])
        self.assertEqual(len(run.records()), requests)
        return run, counters

    def test_closed_loop_is_exact(self):
        for workers in (1, 2, 3, 7):
            with self.subTest(workers=workers):
                run, counters = self.check_without_faults(workers, "--streaming",
                                                          "--concurrency", 5)
                self.assertLessEqual(run.metric("effective_concurrency", "max"), 5)
                self.assertLessEqual(counters["connections_accepted_total"], 5 + 1)

    def test_open_loop_is_exact_and_alike(self):
        schedules = []
        for workers in (1, 2, 3, 7):
            with self.subTest(workers=workers):
                run, _ = self.check_without_faults(
                    workers, "--streaming", "--request-rate", 500, "--random-seed", 7)
                first = min(r["tokperf"]["intended_ns"] for r in run.records())
                schedules.append(sorted(
                    (r["metadata"]["session_num"], r["tokperf"]["intended_ns"] - first,
                     r["tokperf"]["dataset_row"], r["tokperf"]["prompt_hash"])
                    for r in run.records()))
        for other in schedules[1:]:
            self.assertEqual(other, schedules[0])

    def test_more_workers_than_slots(self):
        self.check_without_faults(7, "--concurrency", 2, requests=50)

    def test_urls_follow_the_ordinal(self):
        for workers in (1, 3):
            mocks = [self.start_mock("--fast") for _ in range(3)]
            urls = [f"http://127.0.0.1:{m.port}" for m in mocks]
            run = self.profile(urls[0], "--url", urls[1], "--url", urls[2], "--concurrency", 4,
                               "--request-count", 60, "--workers-max", workers)
            self.assertEqual([m.counters()[CHAT] for m in mocks], [20, 20, 20])
            for record in run.records():
                self.assertEqual(record["tokperf"]["url_index"],
                                 record["metadata"]["session_num"] % 3)

    def test_warm_up_obeys_its_plan_and_is_not_resent(self):
        for workers in (1, 3):
            with self.subTest(workers=workers):
                self.check_warm_up(workers)

    def check_warm_up(self, workers):
        mock = self.start_mock("--ttft", "5", "--itl", "0", "--osl", "2")
        run = self.profile(mock, "--streaming", "--concurrency", 6, "--warmup-concurrency", 3,
                           "--warmup-request-count", 20, "--request-count", 30,
                           "--num-dataset-entries", 50, "--workers-max", workers)
        self.assertEqual(mock.counters()[CHAT], 50)
        warm = run.records(phase="warmup")
        self.assertEqual((len(warm), len(run.records())), (20, 30))
        events = sorted([(r["tokperf"]["start_ns"], 1) for r in warm] +
                        [(r["metadata"]["request_end_ns"], -1) for r in warm])
        level = worst = 0
        for _, step in events:
            level += step
            worst = max(worst, level)
        if workers == 1:  # of several one may come late to all of it
            self.assertEqual(worst, 3)
        self.assertLessEqual(worst, 3)
        rows = [r["tokperf"]["dataset_row"] for r in warm + run.records()]
        self.assertEqual(len(set(rows)), 50)

    def test_with_faults_nothing_is_lost(self):
        mock = self.start_mock("--ttft", "1", "--itl", "0", "--osl", "3", "--seed", "3",
                               "--fault-500", "0.05", "--fault-reset", "0.05",
                               "--fault-close-idle", "0.05", "--fault-truncate", "0.05",
                               "--fault-stream-error", "0.05", "--fault-half-headers", "0.05")
        for workers in (1, 3):
            before = mock.counters()
            run = self.profile(mock, "--streaming", "--concurrency", 8, "--request-count", 400,
                               "--workers-max", workers)
            after = mock.counters()
            outcomes = run.outcomes()
            served = after[CHAT] - before[CHAT]
            completed = after[DONE] - before[DONE]
            retries = sum(r["tokperf"]["retries"] for r in run.records())
            ok = outcomes["ok"]
            self.assertEqual(sum(outcomes.values()), 400)
            self.assertEqual(run.count("request_count"), ok)
            self.assertGreaterEqual(completed, ok)
            self.assertGreaterEqual(400 + retries - outcomes.get("connect_error", 0), served)
            self.assertGreaterEqual(served, ok)
            for kind in ("http_error", "truncated", "stream_error"):
                self.assertGreater(outcomes.get(kind, 0), 0, outcomes)

    def test_sessions_count_conversations(self):
        mock = self.start_mock("--fast", "--osl", "3")
        for workers in (1, 3):
            run = self.profile(mock, "--num-sessions", 10, "--concurrency", 4,
                               "--conversation-turn-mean", 3, "--workers-max", workers)
            self.assertEqual(run.count("request_count"), 30)
            sessions = {r["metadata"]["x_correlation_id"] for r in run.records()}
            self.assertEqual(len(sessions), 10)


if __name__ == "__main__":
    main()
