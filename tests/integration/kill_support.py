# SPDX-License-Identifier: Apache-2.0
"""What the tests that kill need: a run with observers and collectors beside it, moments of its life
to wait for, and readers of what is left."""
import json
import re
import signal

from harness import BUILD
from live import Live, bus_address, wait_until

BOUND_S = 60  # what still goes on so long after its run is over hangs
DONE = 'completed_total{route="chat"}'
COLLECTOR = str(BUILD / "tests" / "test_collector")


def json_lines(path):
    """The whole lines of a file that may end in the middle of one."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Process(Live):
    def kill(self):
        self.signal(signal.SIGKILL)

    def is_over(self):
        return self.process.poll() is not None

    def wait(self):
        return self.process.wait(timeout=BOUND_S)

    def messages(self):
        """But for what the leak checker of a collector says that is killed while it looks."""
        return [line for line in self.stderr().splitlines()
                if not re.match(r"==\d+==Unable to get registers from thread", line)]


class Scene:
    """A run of `requests` with two collectors, whose sockets lie in a folder of the test's. The
    answers are counted once the load is over: the longer they are, the longer."""

    MOMENTS = ("spawn", "directory", "address", "start gate", "first answers", "load",
               "last answers", "end gate", "finish", "drain", "counting", "snapshot", "exports")
    LATE = MOMENTS[MOMENTS.index("drain"):]

    def __init__(self, test, mock, name, requests, *arguments, streaming=True, collector=""):
        self.test, self.mock, self.requests, self.streaming = test, mock, requests, streaming
        self.directory = test.home / name
        self.sockets = test.home / "s"
        self.sockets.mkdir(exist_ok=True)
        self.logs = [test.home / f"{name}.collector{i}" for i in range(2)]
        self.before = int(mock.counters()[DONE])
        self.name, self.observers = name, []
        words = [f"--collector={COLLECTOR} --log {log} --result telemetry {collector if i else ''}"
                 for i, log in enumerate(self.logs)]
        self.run = Process(
            test, name, "profile", "--url", f"http://127.0.0.1:{mock.port}", "--model", "test",
            "--ui-type", "none", "--isl", 10, "--concurrency", 8, "--workers-max", 2,
            "--request-count", requests, "--output-artifact-dir", self.directory,
            "--tokenizer", "builtin", "--tokenizer-threads", 0, *(["--streaming"] * streaming),
            *words, *arguments, environment={"TMPDIR": str(self.sockets)})

    # ---- what can be known of it while it goes

    def done(self):
        return int(self.mock.counters()[DONE]) - self.before

    def collector_said(self, what, kind=None):
        """The notes of those that said it."""
        return [note for log in self.logs for note in json_lines(log)
                if note["what"] == what and kind in (None, note.get("kind"))]

    def size(self, name):
        try:
            return (self.directory / name).stat().st_size
        except FileNotFoundError:
            return 0

    def has(self, pattern):
        return next(self.directory.glob(pattern), None) is not None

    def load_is_over(self):
        try:
            return "phase profiling ended" in (self.directory / "logs/tokperf.log").read_text()
        except FileNotFoundError:
            return False

    def moments(self, draw):
        """Names of moments, in their order, and what is true from then on."""
        some = draw.randrange(1, self.requests)
        return {
            "spawn": lambda: True,
            "directory": self.directory.exists,
            "address": lambda: bus_address(self.directory),
            "start gate": lambda: self.collector_said("baseline", "start"),
            "first answers": lambda: self.done() > 0,
            "load": lambda: self.done() >= some,
            "last answers": lambda: self.done() >= self.requests,
            "end gate": lambda: self.collector_said("baseline", "end"),
            "finish": lambda: self.collector_said("finish"),
            "drain": self.load_is_over,
            "counting": lambda: self.size("tokens.tkr") > 5 * self.requests,
            "snapshot": lambda: self.has("metrics/final_snapshot.json"),
            "exports": lambda: self.has("profile_export.*"),
        }

    def wait_for(self, condition):
        """False: the run was over first."""
        return wait_until(lambda: (condition() and "there") or (self.run.is_over() and "over"),
                          "the moment, or the end of the run") == "there"

    def observe(self, *arguments):
        """Another observer, once there is something to observe."""
        wait_until(lambda: bus_address(self.directory) or self.run.is_over(), "an address")
        observer = Process(self.test, f"{self.name}.observer{len(self.observers)}", "events",
                           self.directory, "--format", "jsonl", *arguments)
        self.observers.append(observer)
        return observer

    # ---- what is left of it

    def said(self):
        """Its messages, but for samples that its log of events missed: it waits for no reader."""
        return [line for line in self.run.messages()
                if not re.search(r"is not complete: (\d+) events missed \(\1 of sample\)", line)]

    def pids(self):
        return {note["pid"] for log in self.logs for note in json_lines(log)}

    def folders(self):
        return sorted(p.name for p in self.sockets.iterdir())

    def result(self):
        return json.loads((self.directory / "profile_export.json").read_text())

    def snapshot(self):
        return json.loads((self.directory / "metrics/final_snapshot.json").read_text())
