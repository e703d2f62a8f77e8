# SPDX-License-Identifier: Apache-2.0
"""What it costs a run that others listen to it: CPU per request of streamed requests with a
listener on every topic, who counts what comes and whose own CPU is apart, against the same run
without, and against a version without a bus; and what slow and stopped listeners do to the times of
a run in open loop. The listener runs on the server's core."""
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import time

from measure import Sample, interleave, judge, summarise
import programs

GOAL_PER_S = 100000    # requests/s at which the goal is set
GOAL_PCT = 3.0         # of a core
CONNECTIONS = 64
ALL_TOPICS = 0xf
SLOW_US = 200000       # between two batches: a queue of 64 is full after half a minute of these
OPEN_LOOP_PER_S = 5000
DEADLINE_S = 120
POLL_S = 0.005


class Listener:
    """bus_listener on the server's core, from when the run names its address."""

    def __init__(self, bench, address, pause_us, stopped):
        self.process = subprocess.Popen(
            bench.cores.pin(bench.cores.server,
                            [bench.build / "tools/bus_listener", address, ALL_TOPICS, pause_us]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        self.stopped = stopped
        if stopped:
            time.sleep(0.1)  # it has subscribed by then, and the first batches are on their way
            self.process.send_signal(signal.SIGSTOP)

    def finish(self):
        """What it counted; None of one that was stopped."""
        self.process.send_signal(signal.SIGKILL if self.stopped else signal.SIGTERM)
        text, _ = self.process.communicate(timeout=20)
        return None if self.stopped else json.loads(text)


def address_of(directory, process):
    """Where the run publishes, once it says so."""
    deadline = time.monotonic() + DEADLINE_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            address = json.loads((directory / "run.json").read_text()).get("events")
        except (OSError, ValueError):
            address = None
        if address:
            return address
        time.sleep(POLL_S)
    raise RuntimeError("the run named no address of its events")


def profile(bench, server, kind, *load, build=None):
    """One run with a listener of a kind: None, 'fast', 'slow' or 'stopped'."""
    directory = bench.folder / "listened"
    shutil.rmtree(directory, ignore_errors=True)
    command = [pathlib.Path(build or bench.build) / "bin/tokperf", "profile", "--url", server.url,
               "--model", "test", "--ui-type", "none", "--output-artifact-dir", directory,
               "--isl", programs.WORDS, "--export-level", "summary", "--streaming",
               "--workers-max", 1, *load]
    finish = bench.cores.watch()
    begun = time.monotonic()
    process = subprocess.Popen(bench.cores.pin(bench.cores.client, command),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    listener = None
    if kind:
        pause_us = SLOW_US if kind == "slow" else 0
        listener = Listener(bench, address_of(directory, process), pause_us, kind == "stopped")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    heard = listener.finish() if listener else None
    if process.returncode:
        raise RuntimeError(f"{command} exited with {process.returncode}")
    cpu_s = usage.ru_utime + usage.ru_stime
    steal, foreign_s = finish(cpu_s)
    sample = Sample(cpu_s, time.monotonic() - begun, "", usage.ru_maxrss, steal, foreign_s)
    return sample, json.loads((directory / "profile_export.json").read_text()), heard


def figures(sample, result, heard):
    count = result["request_count"]["avg"]
    found = {"sample": sample, "us": sample.cpu_s / count * 1e6,
             "rate": result["request_throughput"]["avg"],
             "client_lag_p99_us": result["client_lag"]["p99"] * 1000,
             "read_delay_p99_us": result.get("read_delay", {}).get("p99", 0) * 1000}
    if heard:
        found |= {"heard_pct": 100 * heard["complete"] / count, "missed": heard["missed"],
                  "snapshots": heard["snapshots"],
                  "listener_us": heard["cpu_s"] / max(1, heard["complete"]) * 1e6}
    return found


def extra_ns(results, over, under):
    """Of CPU per request that was heard of: each repeat against its neighbour in time; median."""
    return 1000 * statistics.median(
        (a["us"] - b["us"]) / (a.get("heard_pct", 100) / 100)
        for a, b in zip(results[over], results[under]))


def cost(bench, found):
    wanted = 50000 if bench.quick else 200000
    load = ("--concurrency", CONNECTIONS, "--request-count", wanted)
    with programs.Server(bench, "--fast", "--osl", "2") as server:
        kinds = {"alone": lambda: figures(*profile(bench, server, None, *load)),
                 "heard": lambda: figures(*profile(bench, server, "fast", *load))}
        if bench.before:
            kinds["before"] = lambda: figures(*profile(bench, server, None, *load,
                                                       build=bench.before))
        results = interleave(kinds, bench.repeats)
    heard_ns = extra_ns(results, "heard", "alone")
    found["cost"] = summarise(results)
    found["extra"] = {"heard_ns": heard_ns,
                      "core_pct_at_goal": heard_ns * GOAL_PER_S / 1e9 * 100}
    found["goals"].append(judge(
        f"% of a core at {GOAL_PER_S} requests/s with a listener, measured at "
        f"{found['cost']['heard']['rate']:.0f}/s", found["extra"]["core_pct_at_goal"], GOAL_PCT))
    if bench.before:
        found["extra"]["unheard_ns"] = extra_ns(results, "alone", "before")


def times(bench, found):
    seconds = 2 if bench.quick else 5
    load = ("--request-rate", OPEN_LOOP_PER_S, "--arrival-pattern", "poisson", "--concurrency",
            512, "--request-count", OPEN_LOOP_PER_S * seconds)
    with programs.Server(bench, "--fast", "--osl", "2") as server:
        results = interleave(
            {kind or "alone": lambda kind=kind: figures(*profile(bench, server, kind, *load))
             for kind in (None, "fast", "slow", "stopped")}, bench.repeats)
    found["times"] = summarise(results)


def bus(bench):
    """CPU per request with a listener on the bus; lags with fast, slow and stopped ones."""
    found = {"goals": []}
    cost(bench, found)
    times(bench, found)
    return found
