# SPDX-License-Identifier: Apache-2.0
"""How the benchmarks measure: the CPU of a whole process tree from start to exit, interleaved
repeats, medians, and repeats in which the hypervisor took CPU away dropped and done again."""
import os
import statistics
import subprocess
import sys
import tempfile
import time

MAX_STEAL = 0.05       # of the time of either core that the benchmark uses
TRIES_PER_REPEAT = 3   # then a disturbed repeat is kept, and the result says so
RUN_DEADLINE_S = 900


def read_cpu_times(cpu):
    """(all, idle, stolen) ticks of a core, from /proc/stat."""
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            name, *ticks = line.split()
            if name == f"cpu{cpu}":
                values = [int(t) for t in ticks[:8]]
                return sum(values), values[3] + values[4], values[7]
    sys.exit(f"/proc/stat has no core {cpu}")


class Cores:
    """One core for the server, one for the client; what else happened on them."""

    def __init__(self, server, client):
        self.server, self.client = server, client

    def pin(self, cpu, command):
        return ["taskset", "-c", str(cpu), *map(str, command)]

    def watch(self):
        before = {cpu: read_cpu_times(cpu) for cpu in (self.server, self.client)}

        def finish(client_cpu_s):
            shares, foreign_s = [], 0.0
            for cpu, (all0, idle0, stolen0) in before.items():
                all1, idle1, stolen1 = read_cpu_times(cpu)
                shares.append((stolen1 - stolen0) / max(1, all1 - all0))
                if cpu == self.client:
                    busy = all1 - all0 - (idle1 - idle0) - (stolen1 - stolen0)
                    foreign_s = max(0.0, busy / os.sysconf("SC_CLK_TCK") - client_cpu_s)
            return max(shares), foreign_s
        return finish


class Sample:
    """One finished command: CPU and wall seconds, its output, largest resident memory, the share of
    CPU stolen, and how much CPU others used on the client's core meanwhile."""

    def __init__(self, cpu_s, wall_s, text, max_rss_kib, steal, foreign_s):
        self.cpu_s, self.wall_s, self.text = cpu_s, wall_s, text
        self.max_rss_kib, self.steal, self.foreign_s = max_rss_kib, steal, foreign_s


def run_client(cores, command):
    finish = cores.watch()
    start = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(cores.pin(cores.client, command), stdout=output,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.monotonic() - start
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{command[0]} exited with {process.returncode}:\n{text[-2000:]}")
    cpu_s = usage.ru_utime + usage.ru_stime
    steal, foreign_s = finish(cpu_s)
    return Sample(cpu_s, wall_s, text, usage.ru_maxrss, steal, foreign_s)


def interleave(measures, repeats):
    """measures: {name: function returning a dictionary with 'sample' and figures}. Runs them in
    turn, `repeats` times; returns {name: [dictionary]}. A repeat with too much steal is done again,
    within a bound; one kept in spite of it has 'disturbed'."""
    results = {name: [] for name in measures}
    for _ in range(repeats):
        for name, measure in measures.items():
            for _ in range(TRIES_PER_REPEAT):
                found = measure()
                sample = found.pop("sample")
                if sample.steal <= MAX_STEAL:
                    break
            found["steal"] = round(sample.steal, 4)
            found["foreign_s"] = round(sample.foreign_s, 2)
            found["disturbed"] = sample.steal > MAX_STEAL
            results[name].append(found)
    return results


def median_of(rows, key):
    return statistics.median(row[key] for row in rows)


def summarise(results):
    """{name: {figure: median}} and how many repeats were disturbed."""
    summary = {}
    for name, rows in results.items():
        keys = [k for k, v in rows[0].items() if isinstance(v, (int, float)) and k != "disturbed"]
        summary[name] = {k: median_of(rows, k) for k in keys}
        summary[name]["disturbed"] = sum(row["disturbed"] for row in rows)
    return summary


def paired_ratio(results, over, under, key):
    """Median of the ratios of the repeats, each against its neighbour in time."""
    return statistics.median(a[key] / b[key] for a, b in zip(results[over], results[under]))


def judge(what, value, bound, at_least=False):
    """A goal and whether it was met."""
    return {"what": what, "value": round(value, 3), "bound": bound,
            "sense": ">=" if at_least else "<=",
            "met": value >= bound if at_least else value <= bound}
