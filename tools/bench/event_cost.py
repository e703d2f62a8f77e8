# SPDX-License-Identifier: Apache-2.0
"""CPU per event of a stream: each event in a packet of its own, against wrk which reads the same
stream and parses nothing, and hundreds of events in one read."""
import http.client
import urllib.parse

from measure import interleave, judge, paired_ratio, summarise
import programs

EVENTS = 132          # content chunks of a separately delivered stream
STREAMS, ITL_MS = 500, 10  # 50,000 events/s: far below what the server can send
COALESCED_EVENTS, COALESCED_STREAMS = 2000, 16


def read_one_stream(server):
    """(bytes on the wire of one answer, events in it): wrk counts bytes, its last streams are cut."""
    address = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    connection.request("POST", programs.PATH, programs.body(stream=True),
                       {"Content-Type": "application/json"})
    answer = connection.getresponse()
    head = sum(len(f"{k}: {v}\r\n") for k, v in answer.getheaders())
    data = answer.read()
    connection.close()
    events = data.count(b"data: ")
    # chunked: each event is a chunk of its own with a size of two or three digits and two line ends
    framing = sum(len(f"{len(part) + 2:x}") + 4 for part in data.split(b"\n\n") if part) + 5
    return len("HTTP/1.1 200 OK\r\n\r\n") + head + len(data) + framing, events


def separate(bench):
    """CPU per separately delivered event, against wrk."""
    requests = STREAMS * (2 if bench.quick else 6)
    seconds = max(4, round(requests / STREAMS * EVENTS * ITL_MS / 1000))

    def with_wrk():
        found = programs.wrk(bench, server, STREAMS, seconds, stream=True)
        count = found["bytes"] / bytes_each * events_each
        return {"sample": found["sample"], "us": found["sample"].cpu_s / count * 1e6,
                "events_per_s": count / seconds}

    def with_tokperf():
        found = programs.tokperf(bench, server, STREAMS, requests, "--streaming")
        sample, summary = found["sample"], found["summary"]
        return {"sample": sample, "us": sample.cpu_s / (requests * events_each) * 1e6,
                "events_per_s": requests * events_each / sample.wall_s,
                "verdict": summary["verdict"]["status"],
                "reasons": [r["code"] for r in summary["verdict"]["reasons"]]}
    with programs.Server(bench, "--ttft", str(ITL_MS), "--itl", str(ITL_MS), "--osl",
                         str(EVENTS)) as server:
        bytes_each, events_each = read_one_stream(server)
        results = interleave({"wrk": with_wrk, "tokperf": with_tokperf}, bench.repeats)
    return {"events_per_stream": events_each, "separate": summarise(results),
            "goals": [judge("CPU per separately delivered event against wrk",
                            paired_ratio(results, "tokperf", "wrk", "us"), 1.0)]}


def coalesced(bench):
    """Events per second and core of streams that come hundreds of events a read, JSON parsed."""
    requests = 500 if bench.quick else 4000

    def with_tokperf():
        found = programs.tokperf(bench, server, COALESCED_STREAMS, requests, "--streaming", "--osl",
                                 str(COALESCED_EVENTS))
        cpu_s = found["sample"].cpu_s
        return {"sample": found["sample"], "ns": cpu_s / (requests * COALESCED_EVENTS) * 1e9,
                "events_per_core_s": requests * COALESCED_EVENTS / cpu_s}
    with programs.Server(bench, "--fast", "--osl", str(COALESCED_EVENTS)) as server:
        results = interleave({"tokperf": with_tokperf}, bench.repeats)
    summary = summarise(results)
    return {"coalesced": summary,
            "goals": [judge("coalesced events per second and core, millions",
                            summary["tokperf"]["events_per_core_s"] / 1e6, 2.0, at_least=True)]}
