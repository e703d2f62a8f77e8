# SPDX-License-Identifier: Apache-2.0
"""Memory: of a stream in flight before and after its first chunk, and of a run by its length."""
import pathlib
import shutil
import statistics
import subprocess
import time

from measure import interleave, judge, summarise
import programs

DEADLINE_S = 120
RECEIVED = 'requests_total{route="chat"}'


def resident_bytes(pid):
    """Anonymous resident memory: without pages of files, which are the kernel's to drop."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has no RssAnon")


def wait_for(server, name, at_least):
    """The counter once it has come that far."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        value = server.counters()[name]
        if value >= at_least:
            return value
        time.sleep(0.2)
    raise RuntimeError(f"{name} did not come to {at_least}")


def with_streams(bench, server, streams, look):
    """What look(pid) found while `streams` streams were in flight."""
    result = bench.folder / "memory"
    shutil.rmtree(result, ignore_errors=True)
    before = server.counters()[RECEIVED]
    command = programs.tokperf_command(bench, server.url, result, streams, streams, "--streaming",
                                       "--workers-max", "1")
    client = subprocess.Popen(bench.cores.pin(bench.cores.client, command),
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        wait_for(server, RECEIVED, before + streams)
        return look(client.pid)
    finally:
        client.kill()
        client.wait()


def stream_memory(bench):
    """Resident memory per stream in flight before its first chunk, and per chunk after it."""
    # far apart: with huge pages resident memory grows in steps of 2 MiB
    few, many = (1000, 8000) if bench.quick else (1000, 15000)
    with programs.Server(bench, "--ttft", "100000") as server:
        levels = [with_streams(bench, server, count, resident_bytes) for count in (few, many)]
    per_stream = (levels[1] - levels[0]) / (many - few)

    def grow(pid):
        first = wait_for(server, "content_chunks_total", 300 * streams)
        low = resident_bytes(pid)
        last = wait_for(server, "content_chunks_total", (700 if bench.quick else 1300) * streams)
        return (resident_bytes(pid) - low) / (last - first)
    streams = 500
    with programs.Server(bench, "--ttft", "20", "--itl", "20", "--osl", "100000") as server:
        per_chunk = with_streams(bench, server, streams, grow)
    return {"bytes_per_stream": round(per_stream, 1), "bytes_per_chunk": round(per_chunk, 2),
            "goals": [judge("bytes per stream before its first chunk", per_stream, 1024),
                      judge("bytes per content chunk after it", per_chunk, 8)]}


def resident(bench):
    """Largest resident memory of a run of 10^6 requests against one of 10^5."""
    few, many = (20000, 200000) if bench.quick else (100000, 1000000)

    def measure(requests):
        found = programs.tokperf(bench, server, 64, requests)
        return {"sample": found["sample"], "mib": found["sample"].max_rss_kib / 1024}
    with programs.Server(bench, "--fast", "--osl", "16") as server:
        results = interleave({"few": lambda: measure(few), "many": lambda: measure(many)},
                             min(bench.repeats, 3))
    growth = statistics.median(b["mib"] - a["mib"] for a, b in zip(*results.values()))
    return {"requests": [few, many], "resident": summarise(results),
            "goals": [judge("growth of resident memory over ten times the requests, MiB", growth,
                            4)]}
