#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPU per non-streaming request against wrk. One core for the server, one for the client; the two
clients in turn; medians of the repeats. CPU is user + system time of the whole client process tree
from start to exit, so tokperf's includes start, record log, summary and every export."""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

BODY = json.dumps({"model": "test", "messages": [{"role": "user", "content": "word " * 48}],
                   "stream": False})


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="build folder (a release)")
    parser.add_argument("--connections", type=int, nargs="+", default=[64, 256, 1024])
    parser.add_argument("--requests", type=int, default=200000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--server-cpu", type=int, default=0)
    parser.add_argument("--client-cpu", type=int, default=1)
    parser.add_argument("--json", help="also write the figures to this file")
    return parser.parse_args()


def run_measured(command):
    """Returns (cpu seconds, wall seconds, output) of a command and its waited-for children."""
    start = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - start
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        sys.exit(f"{command[0]} failed with {process.returncode}:\n{text}")
    return usage.ru_utime + usage.ru_stime, wall, text


class Server:
    def __init__(self, options):
        self.process = subprocess.Popen(
            ["taskset", "-c", str(options.server_cpu), f"{options.build}/bin/tokperf-mock",
             "--port", "0", "--fast", "--osl", "16", "--exit-with-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def stop(self):
        os.kill(self.process.pid, signal.SIGTERM)
        self.process.wait()


def measure_wrk(options, server, connections, folder):
    script = folder / "post.lua"
    script.write_text('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
                      f"wrk.body = [==[{BODY}]==]\n")
    # wrk runs for a time: choose it so that about as many requests are sent
    seconds = max(2, round(options.requests / 80000))
    cpu, _, text = run_measured(
        ["taskset", "-c", str(options.client_cpu), "wrk", "-t1", f"-c{connections}",
         f"-d{seconds}s", "-s", str(script), server.url + "/v1/chat/completions"])
    requests = int(re.search(r"(\d+) requests in", text)[1])
    return {"us": cpu / requests * 1e6, "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])}


def measure_tokperf(options, server, connections, folder):
    result = folder / "result"
    shutil.rmtree(result, ignore_errors=True)
    cpu, wall, _ = run_measured(
        ["taskset", "-c", str(options.client_cpu), f"{options.build}/bin/tokperf", "profile",
         "--url", server.url, "--model", "test", "--concurrency", str(connections),
         "--request-count", str(options.requests), "--isl", "48", "--workers-max", "1",
         "--ui-type", "none", "--export-level", "summary", "--output-artifact-dir", str(result)])
    summary = json.loads((result / "profile_export.json").read_text())
    if summary["request_count"]["avg"] != options.requests:
        sys.exit(f"tokperf: {summary['error_summary']}")
    return {"us": cpu / options.requests * 1e6, "rate": summary["request_throughput"]["avg"],
            "wall": wall}


def time_to_first_request(options, server, folder):
    """From the exec of tokperf to the first request's start, ms: 1000 synthetic prompts."""
    result = folder / "first"
    shutil.rmtree(result, ignore_errors=True)
    started = time.time_ns()
    run_measured([f"{options.build}/bin/tokperf", "profile", "--url", server.url, "--model", "test",
                  "--num-dataset-entries", "1000", "--concurrency", "1", "--request-count", "10",
                  "--ui-type", "none", "--output-artifact-dir", str(result)])
    lines = (result / "profile_export.jsonl").read_text().splitlines()
    first = min(json.loads(line)["metadata"]["request_start_ns"] for line in lines)
    return (first - started) / 1e6


def median(values):
    return statistics.median(values)


def main():
    options = arguments()
    if not shutil.which("wrk") or not shutil.which("taskset"):
        sys.exit("http.py needs wrk and taskset: apt-get install wrk util-linux")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for connections in options.connections:
            figures = {"wrk": [], "tokperf": []}
            server = Server(options)
            for _ in range(options.repeats):
                figures["wrk"].append(measure_wrk(options, server, connections, folder))
                figures["tokperf"].append(measure_tokperf(options, server, connections, folder))
            server.stop()
            row = {"connections": connections}
            for client, samples in figures.items():
                row[f"{client}_us"] = median([s["us"] for s in samples])
                row[f"{client}_rate"] = median([s["rate"] for s in samples])
            row["ratio"] = median([t["us"] / w["us"] for t, w in
                                   zip(figures["tokperf"], figures["wrk"])])
            rows.append(row)
        server = Server(options)
        first = median([time_to_first_request(options, server, folder)
                        for _ in range(options.repeats)])
        server.stop()
    print("connections  wrk us/req  tokperf us/req  ratio  wrk req/s  tokperf req/s")
    for r in rows:
        print(f"{r['connections']:11d}  {r['wrk_us']:10.2f}  {r['tokperf_us']:14.2f}"
              f"  {r['ratio']:5.2f}  {r['wrk_rate']:9.0f}  {r['tokperf_rate']:13.0f}")
    print(f"start to first request, 1000 synthetic prompts: {first:.0f} ms")
    if options.json:
        pathlib.Path(options.json).write_text(
            json.dumps({"rows": rows, "first_request_ms": first}, indent=2) + "\n")


if __name__ == "__main__":
    main()
