# SPDX-License-Identifier: Apache-2.0
"""What counting tokens during the load costs the load: lateness of requests and reads with and
without a tokenizer."""
import os

from measure import Cores, interleave, judge, median_of, summarise
import programs

RATE, EVENTS = 200, 100  # requests/s, content chunks each: 20,000 events/s
NOISE = 1.5              # medians of lateness differ by as much between equal runs


class BothCores(Cores):
    """The client has both cores: its CPU plan puts the worker on one, recorder and lane on the
    other, which the server has too."""

    def pin(self, cpu, command):
        both = f"{self.server},{self.client}"
        return ["taskset", "-c", both if cpu == self.client else str(cpu), *map(str, command)]


def counting(bench):
    """client_lag and read_delay with --tokenizer on and off."""
    tokenizer = os.environ.get("TKP_TOKENIZER", "builtin")
    requests = RATE * (2 if bench.quick else 10)
    cores, bench.cores = bench.cores, BothCores(bench.cores.server, bench.cores.client)

    def run(*options):
        found = programs.tokperf(bench, server, 1000, requests, "--streaming", "--request-rate",
                                 RATE, "--spin", "on", *options)
        figures = {"sample": found["sample"]}
        for tag in ("client_lag", "read_delay"):
            for stat in ("p50", "p99"):
                figures[f"{tag}_{stat}_us"] = found["summary"][tag][stat] * 1000
        return figures

    try:
        with programs.Server(bench, "--itl", "5", "--osl", str(EVENTS)) as server:
            results = interleave({"off": run, "on": lambda: run("--tokenizer", tokenizer)},
                                 bench.repeats)
    finally:
        bench.cores = cores
    goals = [judge(f"{key} with counting against without",
                   median_of(results["on"], key) / max(1e-3, median_of(results["off"], key)), NOISE)
             for key in ("client_lag_p50_us", "client_lag_p99_us", "read_delay_p50_us",
                         "read_delay_p99_us")]
    return {"tokenizer": os.path.basename(tokenizer), "counting": summarise(results),
            "goals": goals}
