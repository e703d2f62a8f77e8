# SPDX-License-Identifier: Apache-2.0
"""When requests leave: the lateness of sends (client_lag: start minus the time the schedule asked
for) at Poisson arrivals, with spinning before due sends and without, and the achieved rate against
the offered one of the drawn schedule.

tokperf-mock is kept on the first CPU of this process; tokperf keeps its recorder there too and its
worker on the second (its own CPU plan). Runs of the two kinds alternate; runs during which the
hypervisor took more than 5 % of the CPU time are dropped and said so."""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

RUN_DEADLINE_S = 60
CAP = 512  # conversations in flight, far above what an undisturbed run has
MAX_STEAL_PCT = 5


def cpu_times():
    """(all, stolen) ticks of all CPUs since boot."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    return sum(fields), fields[7]


class Server:
    """tokperf-mock on one CPU; ends with its standard input."""

    def __init__(self, mock, cpu):
        self.process = subprocess.Popen(
            ["taskset", "-c", str(cpu), mock, "--port", "0", "--exit-with-stdin", "--fast", "--osl",
             "16"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = re.search(r":(\d+)\n", self.process.stdout.readline())[1]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()


def measure(options, rate, spin):
    with tempfile.TemporaryDirectory(prefix="tokperf-departure-") as home, \
            Server(options.mock, min(os.sched_getaffinity(0))) as server:
        directory = pathlib.Path(home) / "run"
        before = cpu_times()
        done = subprocess.run(
            [options.tokperf, "profile", "--url", f"http://127.0.0.1:{server.port}", "--model",
             "bench", "--isl", "16", "--num-prompts", "64", "--request-rate", str(rate),
             "--arrival-pattern", "poisson", "--request-count", str(int(rate * options.seconds)),
             "--workers-max", "1", "--concurrency", str(CAP), "--spin", spin, "--ui-type", "none", "--exporter", "json",
             "--output-artifact-dir", str(directory), *options.more],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_DEADLINE_S,
            check=False)
        after = cpu_times()
        if done.returncode != 0:
            raise RuntimeError(f"tokperf exited with {done.returncode}:\n{done.stderr}{done.stdout}")
        result = json.loads((directory / "profile_export.json").read_text(encoding="utf-8"))
    lag = result["client_lag"]
    offered, achieved = result["offered_rate"]["avg"], result["achieved_rate"]["avg"]
    return {"p50_us": lag["p50"] * 1000, "p90_us": lag["p90"] * 1000, "p99_us": lag["p99"] * 1000,
            "offered": offered, "achieved": achieved,
            "off_pct": 100 * (achieved / offered - 1),
            "steal_pct": 100 * (after[1] - before[1]) / max(1, after[0] - before[0])}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tokperf", required=True)
    parser.add_argument("--mock", required=True)
    parser.add_argument("--rates", default="5000,20000", help="requests per second, by comma")
    parser.add_argument("--seconds", type=float, default=5, help="of each run")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", metavar="FILE", help="write every run there")
    options, options.more = parser.parse_known_args()
    runs = []
    print(f"{'rate':>6} {'spin':>4} {'runs':>4}  {'lag p50':>8} {'p90':>8} {'p99 us':>8}  "
          f"{'offered/s':>10} {'achieved/s':>10} {'off by':>9}")
    for rate in (float(text) for text in options.rates.split(",")):
        found = {"off": [], "on": []}
        for _ in range(options.repeats):
            for spin, results in found.items():
                run = {"rate": rate, "spin": spin, **measure(options, rate, spin)}
                runs.append(run)
                if run["steal_pct"] <= MAX_STEAL_PCT:
                    results.append(run)
                else:
                    print(f"dropped a run: {run['steal_pct']:.1f} % steal", file=sys.stderr)
        for spin, results in found.items():
            if not results:
                continue
            median = {key: statistics.median(run[key] for run in results) for key in results[0]
                      if key not in ("rate", "spin")}
            worst = max(abs(run["off_pct"]) for run in results)
            print(f"{rate:>6.0f} {spin:>4} {len(results):>4}  {median['p50_us']:>8.2f} "
                  f"{median['p90_us']:>8.2f} {median['p99_us']:>8.2f}  {median['offered']:>10.1f} "
                  f"{median['achieved']:>10.1f} {worst:>8.4f}%", flush=True)
    if options.json:
        text = json.dumps({"cpus": os.cpu_count(), "seconds": options.seconds, "runs": runs},
                          indent=2)
        pathlib.Path(options.json).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
