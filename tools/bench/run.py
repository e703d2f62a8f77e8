# SPDX-License-Identifier: Apache-2.0
"""Measures tokperf's speed and memory against its goals; tools/bench/run.sh starts it."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import shutil
import sys
import tempfile

import bus_cost
import counting
import event_cost
import measure
import memory
import request_cost
import tls_cost
import verdicts

ITEMS = {"requests": request_cost.requests, "separate": event_cost.separate,
         "coalesced": event_cost.coalesced, "connections": request_cost.connections,
         "workers": request_cost.workers, "streams": memory.stream_memory,
         "tls": tls_cost.tls, "resident": memory.resident, "start": request_cost.start,
         "bus": bus_cost.bus, "counting": counting.counting, "verdicts": verdicts.verdicts}
NEEDED = {"requests": ("wrk", "h2load", "hey"), "separate": ("wrk",),
          "tls": ("nginx", "openssl", "h2load")}


class Bench:
    """What every item works with."""

    def __init__(self, options, folder):
        self.build = pathlib.Path(options.build).resolve()
        self.cores = measure.Cores(options.server_cpu, options.client_cpu)
        self.quick = options.quick
        self.before = options.before
        self.repeats = options.repeats or (2 if options.quick else 5)
        self.folder = pathlib.Path(folder)
        self.descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def arguments():
    lines = [f"  {name:12} {function.__doc__}" for name, function in ITEMS.items()]
    parser = argparse.ArgumentParser(
        prog="run.sh", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="items (default: all):\n" + "\n".join(lines))
    parser.add_argument("items", nargs="*", metavar="item")
    parser.add_argument("--build", default="build", help="folder of a release build")
    parser.add_argument("--quick", action="store_true", help="fewer requests, 2 repeats")
    parser.add_argument("--repeats", type=int, help="of each measurement (default 5)")
    parser.add_argument("--server-cpu", type=int, default=0)
    parser.add_argument("--client-cpu", type=int, default=1)
    parser.add_argument("--before", metavar="DIR",
                        help="bus: a release build of a version to compare with")
    parser.add_argument("--json", default="bench.json", help="file for the figures")
    options = parser.parse_args()
    for item in options.items:
        if item not in ITEMS:
            parser.error(f"there is no item '{item}'; items are {', '.join(ITEMS)}")
    options.items = options.items or list(ITEMS)
    for item in options.items:
        for program in ("taskset", *NEEDED.get(item, ())):
            if not shutil.which(program):
                parser.error(f"'{item}' needs {program}, which is not installed")
    return options


def describe_machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), "unknown")
    return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "kernel": platform.release(), "cpus": os.cpu_count(), "cpu": model,
            "load_average": os.getloadavg()}


def print_figures(value, indent=2):
    """Nested dictionaries of figures, a line for each that holds numbers."""
    for key, inner in value.items():
        if key == "goals":
            continue
        if isinstance(inner, dict) and any(isinstance(v, dict) for v in inner.values()):
            print(" " * indent + f"{key}:")
            print_figures(inner, indent + 2)
        elif isinstance(inner, dict):
            text = "  ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}"
                             for k, v in inner.items())
            print(" " * indent + f"{key:12} {text}")
        else:
            print(" " * indent + f"{key:12} {inner}")


def print_goals(goals):
    for goal in goals:
        print(f"  {'met   ' if goal['met'] else 'MISSED'} {goal['what']}: {goal['value']} "
              f"(goal {goal['sense']} {goal['bound']})")


def main():
    options = arguments()
    report = {"machine": describe_machine(), "items": {}}
    print(json.dumps(report["machine"]))
    failed = False
    with tempfile.TemporaryDirectory(prefix="tokperf-bench-") as folder:
        bench = Bench(options, folder)
        for item in options.items:
            print(f"{item}: {ITEMS[item].__doc__}", flush=True)
            try:
                found = ITEMS[item](bench)
            except (RuntimeError, OSError) as error:
                print(f"  failed: {error}")
                failed = True
                continue
            print_figures(found)
            print_goals(found["goals"])
            sys.stdout.flush()
            report["items"][item] = found
    pathlib.Path(options.json).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
