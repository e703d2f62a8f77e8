# SPDX-License-Identifier: Apache-2.0
"""Many requests against a server that fails in every way it can, each at 1 % (stalls, which take the
client's whole patience, at 0.1 %): one outcome each, the server's counts and ours agree, memory stays
flat. TKP_SOAK_REQUESTS of them, half as streams; tools/soak.sh runs a million."""
import json
import os
import pathlib
import sys
import threading

from harness import RunTest, SOURCE, TOKPERF, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402

REQUESTS = int(os.environ.get("TKP_SOAK_REQUESTS", "20000"))
FAULTS = ("close-idle", "429", "500", "503", "half-headers", "stream-error", "truncate", "reset",
          "stall", "empty", "short-length", "bad-json", "not-streamed")
OUTCOME_OF = {"429": "http_error", "500": "http_error", "503": "http_error",
              "half-headers": "truncated", "truncate": "truncated", "reset": "truncated",
              "short-length": "truncated", "stream-error": "stream_error", "stall": "timeout",
              "empty": "empty", "bad-json": "parse_error"}
TOKENS = 6
WORDS = 10
CONCURRENCY = 64
IDLE_TIMEOUT_S = 5  # far more than the longest pause of a busy machine: only stalls run into it
RUN_DEADLINE_S = 3600
# Of anonymous memory between the first fifth of a run and its end: what the allocator and the
# histograms' pages may still take. A leak of one small object a request is above it.
MAX_GROWTH_BYTES = 4 << 20
SANITIZED = any(name in pathlib.Path(TOKPERF).read_bytes()
                for name in (b"__asan_init", b"__tsan_init"))


def resident_bytes(pid):
    """Anonymous resident memory; None when the process is gone."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), None)


class Watch(threading.Thread):
    """Memory of a process against the size of its record log, which grows with the requests."""

    def __init__(self, pid, log):
        super().__init__(daemon=True)
        self.pid, self.log, self.ended = pid, log, threading.Event()
        self.samples = []
        self.start()

    def run(self):
        while not self.ended.wait(0.05):
            resident = resident_bytes(self.pid)
            if resident is not None and self.log.exists():
                self.samples.append((self.log.stat().st_size, resident))

    def growth_bytes(self):
        """From the first fifth of the log, when all is warm, to its end. The summary, which comes
        after it, has a bound of its own."""
        self.ended.set()
        self.join()
        end = max(size for size, _ in self.samples)
        early = [resident for size, resident in self.samples if 0 < size <= end / 5]
        late = [resident for size, resident in self.samples if end / 5 < size < end]
        return max(late) - max(early) if early and late else 0


class Tally:
    """Takes rows as a list would and keeps counts only."""

    def __init__(self):
        self.rows = self.retries = self.tokens = 0
        self.outcomes, self.ordinals = {}, set()

    def append(self, row):
        outcome = records.OUTCOMES[row["outcome"]]
        self.rows += 1
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.retries += row["retries"]
        self.ordinals.add(row["ordinal"])
        if outcome == "ok":
            self.tokens += row["completion_tokens"]


class Load:
    """A run that goes on against a mock of its own."""

    def __init__(self, test, requests, *arguments):
        options = [word for fault in FAULTS
                   for word in (f"--fault-{fault}", "0.001" if fault == "stall" else "0.01")]
        self.requests = requests
        self.mock = test.start_mock("--ttft", "0.5", "--itl", "0.1", "--osl", str(TOKENS),
                                    "--seed", "5", *options)
        self.process = test.start_profile(
            self.mock, "--concurrency", CONCURRENCY, "--request-count", requests, "--isl", WORDS,
            "--idle-timeout-seconds", IDLE_TIMEOUT_S, "--export-level", "summary", *arguments)
        self.directory = self.process.directory
        self.watch = Watch(self.process.pid, self.directory / "records.tkr")


class Soak(RunTest):
    def finish(self, load):
        """(tally of the rows, the result, memory growth in bytes)"""
        _, errors = load.process.communicate(timeout=RUN_DEADLINE_S)
        self.assertEqual(load.process.returncode, 0, errors)
        growth = load.watch.growth_bytes()
        tally = Tally()
        log = records.read(load.directory / "records.tkr", tally)
        self.assertIsNone(log.damage)
        self.assertFalse(log.torn)
        self.assertEqual(tally.rows, load.requests)
        self.assertEqual(len(tally.ordinals), load.requests, "each request has one row")
        result = json.loads((load.directory / "profile_export.json").read_text(encoding="utf-8"))
        return tally, result, growth

    def check(self, load):
        tally, result, growth = self.finish(load)
        requests = load.requests
        counters = load.mock.counters()
        injected = {fault: int(counters[f'faults_total{{kind="{fault}"}}']) for fault in FAULTS}
        outcomes, ok = dict(tally.outcomes), tally.outcomes.get("ok", 0)

        # ours agrees with itself
        self.assertEqual(int(result["request_count"]["avg"]), ok)
        self.assertEqual(sum(e["count"] for e in result["error_summary"]), requests - ok)
        self.assertEqual(int(result["total_output_tokens"]["avg"]), tally.tokens)
        self.assertEqual(tally.tokens, ok * TOKENS)

        # and with the server: every request that it saw is a row or a retry of one
        self.assertEqual(counters['requests_total{route="chat"}'], requests + tally.retries)
        self.assertEqual(counters['completed_total{route="chat"}'], ok)
        expected = {"ok": ok}
        for fault, outcome in OUTCOME_OF.items():
            expected[outcome] = expected.get(outcome, 0) + injected[fault]
        # A reset throws away what the client had not read yet; with nothing read, a connection that
        # was used before counts as stale and the request is sent again.
        lost = tally.retries - injected["close-idle"]
        self.assertIn(lost, range(injected["reset"] + 1))
        expected["truncated"] -= lost + outcomes.get("no_response", 0)
        outcomes.pop("no_response", None)
        self.assertEqual(outcomes, {k: v for k, v in expected.items() if v})
        self.assertEqual(ok, requests - sum(v for k, v in expected.items() if k != "ok"))
        print(f"{requests} requests: {outcomes}, {tally.retries} retries, memory grew by "
              f"{growth / 1024:.0f} KiB", file=sys.stderr)
        if not SANITIZED:  # a sanitizer holds freed memory back
            self.assertLess(growth, MAX_GROWTH_BYTES)

    def test_streams_and_whole_answers(self):
        """Side by side, since each waits for its last stalls."""
        loads = [Load(self, REQUESTS - REQUESTS // 2, "--streaming"), Load(self, REQUESTS // 2)]
        for load in loads:
            with self.subTest(requests=load.requests):
                self.check(load)


if __name__ == "__main__":
    main()
