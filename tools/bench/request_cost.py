# SPDX-License-Identifier: Apache-2.0
"""CPU per non-streaming request against other clients, with two workers against one, the rate at
many connections, and the time until the first request is sent."""
import json
import shutil
import time

from measure import interleave, judge, median_of, paired_ratio, run_client, summarise
import programs

CONNECTIONS = (64, 256, 1024)
MANY_CONNECTIONS = 15000
DESCRIPTORS_KEPT = 1000  # by either program for other things than connections


def client(bench, server, make, connections, requests):
    return lambda: make(bench, server, connections, requests)


def requests(bench):
    """CPU per request of tokperf, wrk, libcurl multi, hey and h2load."""
    wanted = 20000 if bench.quick else 200000
    found = {"goals": [], "by_connections": {}}
    for connections in CONNECTIONS:
        with programs.Server(bench, "--fast", "--osl", "16") as server:
            makers = {"wrk": programs.wrk_requests, "tokperf": programs.tokperf,
                      "h2load": programs.h2load, "curl_multi": programs.curl_multi,
                      "hey": programs.hey}
            results = interleave({name: client(bench, server, make, connections, wanted)
                                  for name, make in makers.items()}, bench.repeats)
        found["by_connections"][connections] = summarise(results)
        for other, bound in (("wrk", 1.0), ("curl_multi", 1 / 3), ("hey", 1 / 5)):
            found["goals"].append(judge(
                f"CPU per request against {other}, {connections} connections",
                paired_ratio(results, "tokperf", other, "us"), round(bound, 3)))
    return found


def workers(bench):
    """CPU per request with two workers against one, both on the client's core."""
    wanted = 20000 if bench.quick else 200000
    with programs.Server(bench, "--fast", "--osl", "16") as server:
        results = interleave({
            "one": lambda: programs.tokperf(bench, server, 64, wanted, workers=1),
            "two": lambda: programs.tokperf(bench, server, 64, wanted, workers=2)}, bench.repeats)
    return {"workers": summarise(results),
            "goals": [judge("CPU per request, two workers against one",
                            paired_ratio(results, "two", "one", "us"), 1.05)]}


def connections(bench):
    """Request rate at 15,000 connections against 64, connections being there already."""
    limit = bench.descriptors - DESCRIPTORS_KEPT
    many = min(MANY_CONNECTIONS, limit)
    wanted = 60000 if bench.quick else 300000

    def measure(count):
        return programs.tokperf(bench, server, count, wanted, "--warmup-request-count", 2 * many,
                                "--warmup-concurrency", count)
    with programs.Server(bench, "--fast", "--osl", "16") as server:
        results = interleave({"few": lambda: measure(64), "many": lambda: measure(many)},
                             bench.repeats)
    return {"connections": many, "rates": summarise(results),
            "goals": [judge(f"rate at {many} connections against 64",
                            paired_ratio(results, "many", "few", "rate"), 0.7, at_least=True)]}


def start(bench):
    """From tokperf's exec to the first request's start, with 1000 synthetic prompts."""
    def measure():
        result = bench.folder / "first"
        shutil.rmtree(result, ignore_errors=True)
        started_ns = time.time_ns()
        sample = run_client(bench.cores, programs.tokperf_command(
            bench, server.url, result, 1, 10, "--num-dataset-entries", "1000"))
        lines = (result / "profile_export.jsonl").read_text().splitlines()
        first_ns = min(json.loads(line)["metadata"]["request_start_ns"] for line in lines)
        return {"sample": sample, "ms": (first_ns - started_ns) / 1e6}
    with programs.Server(bench, "--fast") as server:
        results = interleave({"tokperf": measure}, bench.repeats)
    return {"first_request_ms": round(median_of(results["tokperf"], "ms"), 1), "goals": []}
