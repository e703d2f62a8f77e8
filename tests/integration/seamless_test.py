# SPDX-License-Identifier: Apache-2.0
"""A seamless phase begins when the one before it has sent everything, and no other phase does."""
import json
import os
import signal
import sys
import threading

from harness import RUN_DEADLINE_S, SOURCE, Run, RunTest, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
from odd_server import (CHUNKED, FINISH, SSE, Way, OddServer, chunked, content, event,  # noqa: E402
                        head)

USAGE = event(b'{"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5}}')
PATIENCE_S = 30  # of a server that waits for the next phase's first request
SENT = 'requests_total{route="chat"}'


class Seen:
    """What the rows of a phase say."""

    def __init__(self, rows):
        self.count = len(rows)
        self.outcomes = [r["tokperf"]["outcome"] for r in rows]
        self.due = sorted(r["metadata"]["credit_issued_ns"] for r in rows)
        self.starts = sorted(r["tokperf"]["start_ns"] for r in rows)
        self.ends = sorted(r["metadata"]["request_end_ns"] for r in rows)
        self.dataset_rows = [r["tokperf"]["dataset_row"] for r in rows]

    def most_in_flight(self):
        level = worst = 0
        for _, step in sorted([(ns, 1) for ns in self.starts] + [(ns, -1) for ns in self.ends]):
            level += step
            worst = max(worst, level)
        return worst


class Stage:
    """A server that knows which phase a request is of, by its prompt: they are sent in the order of
    the dataset. gates: phase: (how many of its requests are answered at once, the phase that the
    others wait for)."""

    def __init__(self, test, counts, gates):
        self.gates, self.change = gates, threading.Condition()
        self.seen = dict.fromkeys(counts, 0)
        self.phase_of = [name for name, count in counts.items() for _ in range(count)]
        self.prompts = test.home / "prompts.jsonl"
        self.prompts.write_text("".join(f'{{"text": "number {i}"}}\n'
                                        for i in range(len(self.phase_of))))
        self.server = OddServer(Way("http"), test.home, self.serve)
        test.addCleanup(self.server.close)

    def serve(self, peer, _):
        while request := peer.read_request():
            text = json.loads(request[1])["messages"][0]["content"]
            self.wait(self.phase_of[int(text.split()[1])])
            peer.send(head(200, SSE, CHUNKED), chunked(*map(content, ("one", " two", " three")),
                                                       FINISH, USAGE, event(b"[DONE]")))

    def wait(self, phase):
        with self.change:
            self.seen[phase] += 1
            self.change.notify_all()
            at_once, other, patience_s = self.gates.get(phase, (self.seen[phase], None, 0))
            if self.seen[phase] > at_once:
                self.change.wait_for(lambda: self.seen[other], patience_s)


class Seamless(RunTest):
    def plan(self, *phases):
        path = self.home / "phases.yaml"
        path.write_text("benchmark:\n  phases:\n" + "".join(f"    - {p}\n" for p in phases))
        return str(path)

    def seen(self, directory):
        rows = {}
        for line in (directory / "profile_export.jsonl").read_text().splitlines():
            row = json.loads(line)
            rows.setdefault(row["tokperf"]["phase"], []).append(row)
        return {name: Seen(of_phase) for name, of_phase in rows.items()}

    def play(self, mock, plan, *arguments, **more):
        run = self.profile(mock, "-f", plan, "--streaming", *arguments, **more)
        return run, self.seen(run.directory)

    def assert_seamless(self, before, after):
        self.assertGreaterEqual(after.starts[0], before.starts[-1])
        self.assertLess(after.starts[0], before.ends[-1])

    def assert_apart(self, before, after):
        self.assertGreaterEqual(after.starts[0], before.ends[-1])

    def test_phases_overlap_when_asked_to(self):
        plan = self.plan("{name: a, concurrency: 6, requests: 12}",
                         "{name: b, concurrency: 3, requests: 6, seamless: true}",
                         "{name: c, type: poisson, rate: 100, requests: 20, seamless: true}",
                         "{name: d, concurrency: 4, requests: 4, seamless: true}",
                         "{name: e, concurrency: 2, requests: 2}")
        counts = {"a": 12, "b": 6, "c": 20, "d": 4, "e": 2}
        # The last requests of a phase are answered when the next phase has begun: at most two
        # overlap, so each of them only can when the one before the last is over. Where the next
        # one must not begin before the answer, a while is given to it to do so.
        gates = {"a": (6, "b", PATIENCE_S), "b": (3, "c", PATIENCE_S), "c": (0, "d", PATIENCE_S),
                 "d": (0, "e", 0.2)}
        for workers, transport in ((1, "native"), (4, "native"), (2, "curl")):
            with self.subTest(workers=workers, transport=transport):
                stage = Stage(self, counts, gates)
                run, seen = self.play(stage.server.url, plan, "--workers-max", workers,
                                      "--transport", transport, "--input-file", stage.prompts,
                                      "--custom-dataset-type", "single_turn")
                self.assertEqual({n: s.count for n, s in seen.items()}, counts)
                self.assertEqual(stage.seen, counts)
                self.assertEqual(run.count("request_count"), 44)
                for name, count in counts.items():
                    result = run.json(f"phases/{name}/profile_export.json")
                    self.assertEqual(result["request_count"]["avg"], count)
                    self.assertEqual(result["total_output_tokens"]["avg"], 3 * count)
                for before, after in ("ab", "bc", "cd"):
                    self.assert_seamless(seen[before], seen[after])
                self.assert_apart(seen["a"], seen["c"])
                self.assert_apart(seen["b"], seen["d"])
                self.assert_apart(seen["d"], seen["e"])
                for name, cap in (("a", 6), ("b", 3), ("d", 4), ("e", 2)):
                    self.assertLessEqual(seen[name].most_in_flight(), cap)
                drawn = [row for name in counts for row in sorted(seen[name].dataset_rows)]
                self.assertEqual(drawn, list(range(44)))
                again = Run(["report", str(run.directory)], run.directory)
                self.assertEqual(again.code, 0, again.stderr)
                self.assertEqual(run.count("request_count"), 44)

    def test_phases_do_not_overlap_by_themselves(self):
        plan = self.plan("{name: settle, kind: warmup, concurrency: 4, requests: 8}",
                         "{name: a, type: poisson, rate: 300, requests: 20}",
                         "{name: b, concurrency: 5, requests: 10}")
        mock = self.start_mock("--ttft", "100", "--itl", "1", "--osl", "3")
        _, seen = self.play(mock, plan, "--workers-max", 3)
        self.assertEqual([seen[n].count for n in ("settle", "a", "b")], [8, 20, 10])
        self.assert_apart(seen["settle"], seen["a"])
        self.assert_apart(seen["a"], seen["b"])

    def test_each_phase_is_cancelled_by_its_own_clock(self):
        plan = self.plan(
            "{name: a, concurrency: 3, requests: 3, duration: 1.2, gracePeriod: 0.3}",
            "{name: b, concurrency: 2, requests: 2, duration: 1.7, gracePeriod: 0.3, seamless: true}")
        mock = self.start_mock("--ttft", "60000")
        _, seen = self.play(mock, plan, "--workers-max", 2, expect=1)
        for name, count, length_s in (("a", 3, 1.5), ("b", 2, 2)):
            self.assertEqual(seen[name].outcomes, ["cancelled"] * count)
            self.assertGreaterEqual(seen[name].ends[0] - seen[name].due[0], (length_s - 0.05) * 1e9)
        self.assert_seamless(seen["a"], seen["b"])

    def test_a_signal_ends_both(self):
        plan = self.plan("{name: a, concurrency: 4, requests: 4}",
                         "{name: b, concurrency: 2, requests: 9, seamless: true}",
                         "{name: c, concurrency: 2, requests: 9, seamless: true}")
        mock = self.start_mock("--ttft", "60000")
        process = self.start_profile(mock, "-f", plan, "--streaming", "--workers-max", 2)
        mock.wait_for(lambda c: c[SENT] == 6)
        os.kill(process.pid, signal.SIGINT)
        self.assertEqual(process.wait(timeout=RUN_DEADLINE_S), 130)
        seen = self.seen(process.directory)
        self.assertEqual(sorted(seen), ["a", "b"])
        self.assertEqual(seen["a"].outcomes, ["cancelled"] * 4)
        self.assertEqual(seen["b"].outcomes, ["cancelled"] * 2)

    def test_a_hopeless_run_ends(self):
        plan = self.plan("{name: a, concurrency: 4, requests: 8}",
                         "{name: b, concurrency: 2, requests: 100000000, seamless: true}")
        mock = self.start_mock("--fast", "--fault-500", "1")
        run, seen = self.play(mock, plan, "--failed-request-threshold", "0.5", expect=1)
        self.assertIn("the run ends here", run.stderr)
        self.assertEqual(seen["a"].count, 8)


if __name__ == "__main__":
    main()
