# SPDX-License-Identifier: Apache-2.0
"""What it costs a run that others listen to it.

Listened to or not: one run of streamed requests, as many as one core makes, during which a listener
on every topic comes and goes, second by second; the CPU time of all of the run's threads for each
request that the server answered in a second with it, against the seconds before and after. So what
else changes on the machine from minute to minute drops out. The listener only counts what comes;
its own CPU is apart, on the server's core. The same load against a build without a bus shows what being
ready for listeners costs. Then what fast, slow and stopped listeners do to the times of a run in
open loop, on the CPUs of its own choice."""
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
CONNECTIONS = 64       # in closed loop
OPEN_CONNECTIONS = 512 # at most
ALL_TOPICS = 0xf
SLOT_S = 1.0           # with or without a listener
SETTLE_S = 0.15        # after it came or went, not measured
ANSWERED = 'completed_total{route="chat"}'  # of the server's counters
SLOW_US = 500000       # between two batches
TIMES_PER_S = 10000    # 30 batches a second: queues of 64 fill up within the run
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


def open_loop(rate, seconds):
    return ("--request-rate", rate, "--arrival-pattern", "constant", "--concurrency",
            OPEN_CONNECTIONS, "--request-count", round(rate * seconds))


def start_run(bench, server, directory, load, build=None, free=False):
    """free: on the CPUs of tokperf's own choice."""
    shutil.rmtree(directory, ignore_errors=True)
    command = [pathlib.Path(build or bench.build) / "bin/tokperf", "profile", "--url", server.url,
               "--model", "test", "--ui-type", "none", "--output-artifact-dir", directory,
               "--isl", programs.WORDS, "--export-level", "summary", "--streaming",
               "--workers-max", 1, "--spin", "off", *load]
    command = list(map(str, command))
    return subprocess.Popen(command if free else bench.cores.pin(bench.cores.client, command),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def profile(bench, server, kind, load, build=None, free=False):
    """One run with a listener of a kind: None, 'fast', 'slow' or 'stopped'."""
    directory = bench.folder / "listened"
    finish = bench.cores.watch()
    begun = time.monotonic()
    process = start_run(bench, server, directory, load, build, free)
    listener = None
    if kind:
        pause_us = SLOW_US if kind == "slow" else 0
        listener = Listener(bench, address_of(directory, process), pause_us, kind == "stopped")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    heard = listener.finish() if listener else None
    if process.returncode:
        raise RuntimeError(f"tokperf exited with {process.returncode}")
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


def threads_ns(pid):
    """CPU time of each of a process's threads so far."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        found[name] = found.get(name, 0) + int((task / "schedstat").read_text().split()[0])
    return found


def slot(bench, server, process, address, listened):
    """CPU of a run during a slot, in ns a request: {thread: ns}, and what was heard."""
    listener = Listener(bench, address, 0, False) if listened else None
    time.sleep(SETTLE_S)
    begun, before = time.monotonic(), threads_ns(process.pid)
    answered = server.counters()[ANSWERED]
    time.sleep(SLOT_S)
    after, seconds = threads_ns(process.pid), time.monotonic() - begun
    answered = server.counters()[ANSWERED] - answered
    heard = listener.finish() if listener else None
    spent = {name: (after[name] - before.get(name, 0)) / answered for name in after}
    return {"ns": spent, "all": sum(spent.values()), "rate": answered / seconds, "heard": heard}


def figure(slots, value):
    """The median of the listened slots, each less the mean of its neighbours."""
    return statistics.median(value(slots[i]) - (value(slots[i - 1]) + value(slots[i + 1])) / 2
                             for i in range(1, len(slots), 2))


def listened_slots(bench, pairs):
    """Alternating slots, the first and the last without a listener."""
    directory = bench.folder / "slots"
    load = ("--concurrency", CONNECTIONS, "--benchmark-duration", DEADLINE_S)
    with programs.Server(bench, "--fast", "--osl", "2") as server:
        process = start_run(bench, server, directory, load)
        try:
            address = address_of(directory, process)
            time.sleep(1)  # the first connections
            return [slot(bench, server, process, address, i % 2 == 1)
                    for i in range(2 * pairs + 1)]
        finally:
            process.terminate()
            process.wait(timeout=DEADLINE_S)


def cost(bench, found):
    pairs = 4 if bench.quick else 4 * bench.repeats
    slots = listened_slots(bench, pairs)
    heard = [s["heard"] for s in slots if s["heard"]]
    extra_ns = figure(slots, lambda s: s["all"])
    pct = extra_ns * GOAL_PER_S / 1e9 * 100
    rate = statistics.median(s["rate"] for s in slots[1::2])
    found["cost"] = {
        "requests_per_s": round(rate), "pairs": pairs, "missed": sum(h["missed"] for h in heard),
        "alone_ns": round(statistics.median(s["all"] for s in slots[::2])),
        "extra_ns": round(extra_ns), "core_pct_at_goal": round(pct, 2),
        "listener_ns": round(1e9 * sum(h["cpu_s"] for h in heard) /
                             max(1, sum(h["complete"] for h in heard)))}
    found["extra_ns_by_thread"] = {
        name: round(figure(slots, lambda s, n=name: s["ns"].get(n, 0)), 1)
        for name in sorted({name for s in slots for name in s["ns"]})}
    found["goals"].append(judge(
        f"% of a core at {GOAL_PER_S} requests/s with a listener, from {rate:.0f}/s", pct,
        GOAL_PCT))


def unheard(bench, found):
    """The run that nobody listens to against the same of a build without a bus."""
    load = ("--concurrency", CONNECTIONS, "--request-count", 50000 if bench.quick else 200000)
    with programs.Server(bench, "--fast", "--osl", "2") as server:
        results = interleave({
            "unheard": lambda: figures(*profile(bench, server, None, load)),
            "before": lambda: figures(*profile(bench, server, None, load, bench.before))},
            bench.repeats)
    found["unheard"] = summarise(results)
    found["unheard_extra_ns"] = {"median": round(1000 * statistics.median(
        a["us"] - b["us"] for a, b in zip(results["unheard"], results["before"])))}


def times(bench, found):
    load = open_loop(TIMES_PER_S, 3 if bench.quick else 6)
    with programs.Server(bench, "--fast", "--osl", "2") as server:
        def measure(kind):
            return lambda: figures(*profile(bench, server, kind, load, free=True))
        results = interleave({kind or "alone": measure(kind)
                              for kind in (None, "fast", "slow", "stopped")}, bench.repeats)
    found["times"] = summarise(results)


def bus(bench):
    """CPU per request with a listener on the bus; lags with fast, slow and stopped ones."""
    found = {"goals": []}
    cost(bench, found)
    if bench.before:
        unheard(bench, found)
    times(bench, found)
    return found
