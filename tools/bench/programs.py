# SPDX-License-Identifier: Apache-2.0
"""The server and the clients that the benchmarks run, and how each is asked for the same load."""
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.request

from measure import run_client

WORDS = 48
PATH = "/v1/chat/completions"
WRK_REQUESTS_PER_S = 80000  # to choose wrk's time, as it has no request count


def body(stream=False):
    return json.dumps({"model": "test", "stream": stream,
                       "messages": [{"role": "user", "content": "word " * WORDS}]})


class Server:
    """A tokperf-mock on the server's core; a context manager."""

    def __init__(self, bench, *options):
        self.process = subprocess.Popen(
            bench.cores.pin(bench.cores.server,
                            [bench.build / "bin/tokperf-mock", "--port", "0",
                             "--exit-with-stdin", *options]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        os.kill(self.process.pid, signal.SIGTERM)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def counters(self):
        with urllib.request.urlopen(self.url + "/metrics") as answer:
            text = answer.read().decode()
        pairs = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return {name.removeprefix("tokperf_mock_"): float(value) for name, value in pairs}


def per_request(sample, requests, wall_s=None):
    return {"sample": sample, "us": sample.cpu_s / max(1, requests) * 1e6,
            "rate": requests / (wall_s or sample.wall_s)}


def wrk(bench, server, connections, seconds, stream=False):
    """Also 'bytes': all that it read."""
    script = bench.folder / "post.lua"
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        f"wrk.body = [==[{body(stream)}]==]\n"
        "function done(summary) print(string.format('total %d %d', summary.requests, "
        "summary.bytes)) end\n")
    sample = run_client(bench.cores, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s",
                                      script, server.url + PATH])
    requests, count = map(int, re.search(r"^total (\d+) (\d+)", sample.text, re.M).groups())
    return {**per_request(sample, requests, seconds), "bytes": count}


def wrk_requests(bench, server, connections, requests):
    return wrk(bench, server, connections, max(2, round(requests / WRK_REQUESTS_PER_S)))


def tokperf_command(bench, url, result, connections, requests, *more):
    return [bench.build / "bin/tokperf", "profile", "--url", url, "--model", "test",
            "--concurrency", connections, "--request-count", requests,
            "--ui-type", "none", "--output-artifact-dir", result, *more]


def tokperf(bench, server, connections, requests, *more, workers=1):
    """Also 'summary', the result's JSON. Everything is recorded to the log."""
    result = bench.folder / "result"
    shutil.rmtree(result, ignore_errors=True)
    sample = run_client(bench.cores, tokperf_command(
        bench, server.url, result, connections, requests, "--workers-max", workers,
        "--isl", WORDS, "--export-level", "summary", *more))
    summary = json.loads((result / "profile_export.json").read_text())
    shutil.rmtree(result)
    if summary["request_count"]["avg"] != requests:
        raise RuntimeError(f"tokperf lost requests: {summary['error_summary']}")
    return {**per_request(sample, requests), "rate": summary["request_throughput"]["avg"],
            "summary": summary}


def h2load(bench, server, connections, requests):
    data = bench.folder / "body.json"
    data.write_text(body())
    sample = run_client(bench.cores, ["h2load", "--h1", "-t1", f"-n{requests}", f"-c{connections}",
                                      "-H", "Content-Type: application/json", "-d", data,
                                      server.url + PATH])
    return per_request(sample, int(re.search(r"(\d+) succeeded", sample.text)[1]))


def hey(bench, server, connections, requests):
    sample = run_client(bench.cores, ["hey", "-cpus", "1", "-n", requests, "-c", connections, "-m",
                                      "POST", "-T", "application/json", "-d", body(),
                                      server.url + PATH])
    return per_request(sample, int(re.search(r"\[200\]\s+(\d+) responses", sample.text)[1]))


def curl_multi(bench, server, connections, requests):
    data = bench.folder / "body.json"
    data.write_text(body())
    sample = run_client(bench.cores, [bench.build / "tools/curl_multi", server.url + PATH,
                                      connections, requests, data])
    return per_request(sample, int(sample.text.split()[0]))
