# SPDX-License-Identifier: Apache-2.0
"""How far tokperf's times are from the truth: for every chunk, the instant at which the client says
that it came minus the instant at which tokperf-mock sent it (--stamp-log), both of one clock. And
what that does to the metrics: the error of each TTFT, and of each gap between chunks. With several
clocks and repeats the runs take turns, and the table has the medians of their figures.

The record log is read by tests/support/records.py, which knows its documentation only; rows and
stamps meet at the request id that went over the wire."""
import argparse
import contextlib
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "support"))
import records  # noqa: E402
from measure import read_cpu_times  # noqa: E402

PERCENTILES = (50, 90, 99)
KINDS = (("chunk", "receive - send"), ("single", "not merged"), ("ttft", "TTFT error"), ("gap", "ITL error"),
         ("request", "request's way"))
RUN_DEADLINE_S = 600
MAX_TRIES = 20  # of a run that --quiet refuses
END_DEADLINE_S = 60


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
    """(request id, row) of the ok requests of the profiling phase, and the phase's note."""
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
    return pairs, log.phases[-1]


def errors_of(pairs, stamps):
    """Lists in ns: the error of each chunk, of each that no later one of its read was merged with,
    of each TTFT and gap, and from send to arrival of each request. The true TTFT ends with the send of the first chunk; it begins with the row's own start, which
    is the client's decision and no measurement."""
    found = {"request": [], "chunk": [], "single": [], "ttft": [], "gap": []}
    for name, row in pairs:
        arrival, sent = stamps[name]
        came = row["chunk_ns"]
        if len(sent) != len(came):
            raise ValueError(f"{name}: {len(sent)} chunks were sent, {len(came)} came")
        found["request"].append(arrival - row["send_start_ns"])
        found["chunk"] += [c - s for c, s in zip(came, sent)]
        found["single"] += [came[i] - sent[i] for i in range(len(came))
                            if i + 1 == len(came) or came[i + 1] != came[i]]
        found["ttft"].append(row["first_token_ns"] - sent[0])
        found["gap"] += [(came[i] - came[i - 1]) - (sent[i] - sent[i - 1])
                         for i in range(1, len(came))]
    return found


def on_cpu(cpu, command):
    return command if cpu is None else ["taskset", "-c", str(cpu), *map(str, command)]


class BusyProcess:
    """Something that takes every cycle it gets of a core."""

    def __init__(self, cpu):
        command = on_cpu(cpu, [sys.executable, "-c", "while True: pass"])
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Others:
    """What processes that are not ours used of the pinned cores since it was made."""

    def __init__(self, cpus):
        self.cpus, self.before, self.ours = cpus, self.ticks(cpus), self.our_seconds()

    @staticmethod
    def ticks(cpus):
        return [read_cpu_times(cpu) for cpu in cpus if cpu is not None]

    @staticmethod
    def our_seconds():
        """Of children that were waited for."""
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def share(self):
        if None in self.cpus:
            return None
        spent = [(all1 - all0, all1 - all0 - (idle1 - idle0)) for (all0, idle0, _), (all1, idle1, _)
                 in zip(self.before, self.ticks(self.cpus))]
        ticks = sum(every for every, _ in spent)
        ours = (self.our_seconds() - self.ours) * os.sysconf("SC_CLK_TCK")
        return round(max(0.0, sum(busy for _, busy in spent) - ours) / max(1, ticks), 3)


def run_tokperf(command, port, directory, streams, requests, more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TOKPERF_")}
    done = subprocess.run(
        [*command, "profile", "--url", f"http://127.0.0.1:{port}", "--model", "truth", "--streaming",
         "--concurrency", str(streams), "--request-count", str(requests), "--isl", "16",
         "--ui-type", "none", "--output-artifact-dir", str(directory), *more],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_DEADLINE_S,
        env={**kept, "TOKPERF_NO_DEFAULT_PLUGINS": "1"}, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"tokperf exited with {done.returncode}:\n{done.stderr}{done.stdout}")


def measure(programs, streams, options, more=(), cpus=(None, None), busy=False):
    """One run against a mock of its own; what it found, as a dictionary. cpus: where server and
    client are pinned to; busy: something else is busy on the client's."""
    with tempfile.TemporaryDirectory(prefix="tokperf-truth-") as home:
        home = pathlib.Path(home)
        others = Others(cpus)
        mock = subprocess.Popen(
            on_cpu(cpus[0], [programs.mock, "--port", "0", "--exit-with-stdin", "--stamp-log",
                             home / "stamps", "--ttft", str(options.ttft), "--itl",
                             str(options.itl), "--osl", str(options.osl)]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            port = re.search(r":(\d+)\n", mock.stdout.readline())[1]
            requests = max(streams * options.rounds, options.requests)
            client = on_cpu(cpus[1], [programs.tokperf])
            with BusyProcess(cpus[1]) if busy else contextlib.nullcontext():
                run_tokperf(client, port, home / "run", streams, requests, more)
        finally:
            mock.stdin.close()
            status = mock.wait(timeout=END_DEADLINE_S)
            mock.stdout.close()
        if status != 0:
            raise RuntimeError(f"tokperf-mock exited with {status}")
        others_share = others.share()
        pairs, note = read_rows(home / "run")
        errors = errors_of(pairs, read_stamps(home / "stamps"))
        result = json.loads((home / "run" / "profile_export.json").read_text(encoding="utf-8"))
    return {"streams": streams, "requests": len(pairs), "chunks": len(errors["chunk"]),
            "chunks_per_s": round(streams * 1000 / options.itl) if options.itl else None,
            "coalesced": sum(row["coalesced_count"] for _, row in pairs),
            "receive_clock": result["receive_clock"], "others_share": others_share,
            "read_delay_p99_us": round(note["read_delay_p99_ns"] / 1000, 1),
            "unstamped_reads": note["unstamped_reads"],
            "verdict": result["verdict"]["status"],
            "reasons": [reason["code"] for reason in result["verdict"]["reasons"]],
            **{kind: figures(values) for kind, values in errors.items()}}


def medians(results):
    """One result of several: the median of every number, the last one's words."""
    merged = {}
    for key, last in results[-1].items():
        values = [result[key] for result in results]
        if isinstance(last, dict):
            merged[key] = medians(values)
        elif isinstance(last, (int, float)):
            merged[key] = round(statistics.median(values), 3)
        else:
            merged[key] = last
    return merged


def print_table(results, out=sys.stdout):
    print(f"{'streams':>7} {'clock':>7} {'chunks':>8} {'coalesced':>9}  {'|error| in us':<14} "
          f"{'p50':>9} {'p90':>9} {'p99':>9} {'max':>9} {'mean':>9}  verdict", file=out)
    for result in results:
        lead = (f"{result['streams']:>7} {result['receive_clock']:>7} {result['chunks']:>8} "
                f"{result['coalesced']:>9}")
        for kind, name in KINDS:
            found = result[kind]
            values = " ".join(f"{found[key]:>9}" for key in
                              ("p50_us", "p90_us", "p99_us", "max_us", "mean_us"))
            verdict = " ".join([result["verdict"], *result["reasons"]]) if kind == "chunk" else ""
            print(f"{lead}  {name:<14} {values}  {verdict}".rstrip(), file=out)
            lead = " " * len(lead)


def measure_quietly(options, *arguments):
    """A run that nothing else disturbed, as far as --quiet asks for it."""
    for _ in range(MAX_TRIES):
        result = measure(*arguments)
        if options.quiet is None or result["others_share"] <= options.quiet:
            break
    return result


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tokperf", required=True)
    parser.add_argument("--mock", required=True)
    parser.add_argument("--streams", default="1,64,512,1000", help="streams at a time, by comma")
    parser.add_argument("--clocks", default="auto", help="of --receive-clock, by comma")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each, in turn")
    parser.add_argument("--pin", metavar="SERVER,CLIENT", help="a core for each of the two")
    parser.add_argument("--busy", action="store_true",
                        help="with --pin: a process that never sleeps on the client's core")
    parser.add_argument("--quiet", type=float, metavar="SHARE", help="with --pin: a run in which "
                        f"others took more of the two cores is repeated, {MAX_TRIES} times at most")
    parser.add_argument("--ttft", type=float, default=100, help="of the mock, ms")
    parser.add_argument("--itl", type=float, default=20, help="of the mock, ms")
    parser.add_argument("--osl", type=int, default=50, help="chunks a response")
    parser.add_argument("--rounds", type=int, default=3, help="requests a stream, at least")
    parser.add_argument("--requests", type=int, default=20, help="requests a run, at least")
    parser.add_argument("--json", metavar="FILE", help="write the results there too")
    options, more = parser.parse_known_args()
    options.cpus = tuple(map(int, options.pin.split(","))) if options.pin else (None, None)
    if len(options.cpus) != 2 or (not options.pin and (options.busy or options.quiet)):
        parser.error("--pin has two cores, and --busy and --quiet need it")
    return options, more


def main():
    options, more = read_options()
    programs = argparse.Namespace(tokperf=options.tokperf, mock=options.mock)
    results = []
    for streams in map(int, options.streams.split(",")):
        found = {clock: [] for clock in options.clocks.split(",")}
        for _ in range(options.repeats):
            for clock, runs in found.items():
                runs.append(measure_quietly(options, programs, streams, options,
                                            [*more, "--receive-clock", clock], options.cpus,
                                            options.busy))
        results += [medians(runs) for runs in found.values()]
    print_table(results)
    text = json.dumps({"ttft_ms": options.ttft, "itl_ms": options.itl, "osl": options.osl,
                       "cpus": os.cpu_count(), "pinned": options.pin, "busy": options.busy,
                       "repeats": options.repeats, "results": results}, indent=2)
    if options.json:
        pathlib.Path(options.json).write_text(text + "\n", encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
