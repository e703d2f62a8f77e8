# SPDX-License-Identifier: Apache-2.0
"""How far tokperf's times are from the truth: for every chunk, the instant at which the client says
that it came minus the instant at which tokperf-mock sent it (--stamp-log), both of one clock. And
what that does to the metrics: the error of each TTFT, and of each gap between chunks.

The record log is read by tests/support/records.py, which knows its documentation only; rows and
stamps meet at the request id that went over the wire."""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402

PERCENTILES = (50, 90, 99)
KINDS = (("chunk", "receive - send"), ("ttft", "TTFT error"), ("gap", "ITL error"),
         ("request", "request's way"))
RUN_DEADLINE_S = 600
END_DEADLINE_S = 20


def percentile(values, p):
    """Linear interpolation between order statistics; values are sorted."""
    place = (len(values) - 1) * p / 100
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def figures(values):
    """Percentiles of |error| in microseconds; least, largest and mean error with their signs."""
    sizes = sorted(abs(value) for value in values)
    found = {f"p{p}_us": round(percentile(sizes, p) / 1000, 1) for p in PERCENTILES}
    found["min_us"] = round(min(values) / 1000, 1)
    found["max_us"] = round(max(values) / 1000, 1)
    found["mean_us"] = round(sum(values) / len(values) / 1000, 1)
    return found


def read_stamps(path):
    """request id: (arrival, [send time of each content chunk]) in ns"""
    stamps = {}
    with open(path, encoding="ascii") as file:
        for line in file:
            name, *times = line.split()
            stamps[name] = (int(times[0]), [int(time) for time in times[1:]])
    return stamps


def read_rows(directory):
    """(request id, row) of the ok requests of the profiling phase."""
    log = records.read(directory / "records.tkr")
    assert log.damage is None and not log.torn, log.damage
    with open(directory / "profile_export.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert len(lines) == len(log.rows)
    offset = log.run["monotonic_to_realtime_ns"]
    pairs = []
    for line, row in zip(lines, log.rows):
        assert line["tokperf"]["start_ns"] == row["start_ns"] + offset
        if records.OUTCOMES[row["outcome"]] == "ok":
            pairs.append((line["metadata"]["x_request_id"], row))
    return pairs


def errors_of(pairs, stamps):
    """Lists in ns: the error of each chunk, TTFT and gap, and from send to arrival of each request.
    The true TTFT ends with the send of the first chunk; it begins with the row's own start, which
    is the client's decision and no measurement."""
    found = {"request": [], "chunk": [], "ttft": [], "gap": []}
    for name, row in pairs:
        arrival, sent = stamps[name]
        came = row["chunk_ns"]
        if len(sent) != len(came):
            raise ValueError(f"{name}: {len(sent)} chunks were sent, {len(came)} came")
        found["request"].append(arrival - row["send_start_ns"])
        found["chunk"] += [c - s for c, s in zip(came, sent)]
        found["ttft"].append(row["first_token_ns"] - sent[0])
        found["gap"] += [(came[i] - came[i - 1]) - (sent[i] - sent[i - 1])
                         for i in range(1, len(came))]
    return found


def run_tokperf(tokperf, port, directory, streams, requests, more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TOKPERF_")}
    done = subprocess.run(
        [tokperf, "profile", "--url", f"http://127.0.0.1:{port}", "--model", "truth", "--streaming",
         "--concurrency", str(streams), "--request-count", str(requests), "--isl", "16",
         "--ui-type", "none", "--output-artifact-dir", str(directory), *more],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_DEADLINE_S,
        env={**kept, "TOKPERF_NO_DEFAULT_PLUGINS": "1"}, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"tokperf exited with {done.returncode}:\n{done.stderr}{done.stdout}")


def measure(programs, streams, options, more=()):
    """One run against a mock of its own; what it found, as a dictionary."""
    with tempfile.TemporaryDirectory(prefix="tokperf-truth-") as home:
        home = pathlib.Path(home)
        mock = subprocess.Popen(
            [programs.mock, "--port", "0", "--exit-with-stdin", "--stamp-log", home / "stamps",
             "--ttft", str(options.ttft), "--itl", str(options.itl), "--osl", str(options.osl)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            port = re.search(r":(\d+)\n", mock.stdout.readline())[1]
            requests = max(streams * options.rounds, options.requests)
            run_tokperf(programs.tokperf, port, home / "run", streams, requests, more)
        finally:
            mock.stdin.close()
            status = mock.wait(timeout=END_DEADLINE_S)
            mock.stdout.close()
        if status != 0:
            raise RuntimeError(f"tokperf-mock exited with {status}")
        pairs = read_rows(home / "run")
        errors = errors_of(pairs, read_stamps(home / "stamps"))
        result = json.loads((home / "run" / "profile_export.json").read_text(encoding="utf-8"))
    return {"streams": streams, "requests": len(pairs), "chunks": len(errors["chunk"]),
            "chunks_per_s": round(streams * 1000 / options.itl) if options.itl else None,
            "coalesced": sum(row["coalesced_count"] for _, row in pairs),
            "verdict": result["verdict"]["status"],
            "reasons": [reason["code"] for reason in result["verdict"]["reasons"]],
            **{kind: figures(values) for kind, values in errors.items()}}


def print_table(results, out=sys.stdout):
    print(f"{'streams':>7} {'chunks':>8} {'coalesced':>9}  {'|error| in us':<14} {'p50':>9} "
          f"{'p90':>9} {'p99':>9} {'max':>9} {'mean':>9}  verdict", file=out)
    for result in results:
        lead = f"{result['streams']:>7} {result['chunks']:>8} {result['coalesced']:>9}"
        for kind, name in KINDS:
            found = result[kind]
            values = " ".join(f"{found[key]:>9}" for key in
                              ("p50_us", "p90_us", "p99_us", "max_us", "mean_us"))
            verdict = " ".join([result["verdict"], *result["reasons"]]) if kind == "chunk" else ""
            print(f"{lead}  {name:<14} {values}  {verdict}".rstrip(), file=out)
            lead = " " * len(lead)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tokperf", required=True)
    parser.add_argument("--mock", required=True)
    parser.add_argument("--streams", default="1,64,512,1000", help="streams at a time, by comma")
    parser.add_argument("--ttft", type=float, default=100, help="of the mock, ms")
    parser.add_argument("--itl", type=float, default=20, help="of the mock, ms")
    parser.add_argument("--osl", type=int, default=50, help="chunks a response")
    parser.add_argument("--rounds", type=int, default=3, help="requests a stream, at least")
    parser.add_argument("--requests", type=int, default=20, help="requests a run, at least")
    parser.add_argument("--json", metavar="FILE", help="write the results there too")
    options, more = parser.parse_known_args()
    programs = argparse.Namespace(tokperf=options.tokperf, mock=options.mock)
    results = [measure(programs, int(streams), options, more)
               for streams in options.streams.split(",")]
    print_table(results)
    text = json.dumps({"ttft_ms": options.ttft, "itl_ms": options.itl, "osl": options.osl,
                       "cpus": os.cpu_count(), "results": results}, indent=2)
    if options.json:
        pathlib.Path(options.json).write_text(text + "\n", encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
