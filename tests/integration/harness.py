# SPDX-License-Identifier: Apache-2.0
"""What the tests of the whole program share: running tokperf against tokperf-mock, and reading what
a run leaves. Every process is ended by the test that started it."""
import csv
import ctypes
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["TKP_BUILD_DIR"])
SOURCE = pathlib.Path(os.environ["TKP_SOURCE_DIR"])
os.environ.setdefault("TOKPERF_MOCK", str(BUILD / "bin" / "tokperf-mock"))
TOKPERF = str(BUILD / "bin" / "tokperf")
RUN_DEADLINE_S = 60
TRIES = 12

from mock_support import Mock  # noqa: E402  (needs TOKPERF_MOCK)

__all__ = ["Left", "Mock", "Run", "RunTest", "TOKPERF", "BUILD", "SOURCE", "main", "preparing",
           "program_environment"]


def program_environment(**more):
    """Nothing of the caller's configuration reaches the program, nor of what it saved."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TOKPERF_", "XDG_"))}
    return {**kept, "TOKPERF_NO_DEFAULT_PLUGINS": "1",
            "XDG_STATE_HOME": "/nonexistent", **more}


LIBC = ctypes.CDLL(None, use_errno=True)  # not between fork and exec
LIBC.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def obey_modes():
    """Takes the rights to write and to read everything from root and what it executes: files that
    are read-only are so for it too, while all that a user has is where it was."""
    read, drop = 23, 24  # PR_CAPBSET_*, <linux/prctl.h>
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: <linux/capability.h>
        if LIBC.prctl(read, capability, 0, 0, 0) == 1 and LIBC.prctl(drop, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "cannot drop root's rights")


def preparing(limit, obeys_modes):
    """For a child before its program runs: resource.setrlimit with these arguments, and whether it
    is to be a user like others."""
    def prepare():
        if limit:
            resource.setrlimit(*limit)
        if obeys_modes and os.geteuid() == 0:
            obey_modes()
    return prepare if limit or obeys_modes else None


class Left:
    """What a run has left in its directory."""

    def __init__(self, directory):
        self.directory = directory

    def path(self, name):
        return self.directory / name

    def json(self, name="profile_export.json"):
        return json.loads(self.path(name).read_text())

    def records(self, name="profile_export.jsonl", phase="profiling"):
        lines = [json.loads(line) for line in self.path(name).read_text().splitlines()]
        return [r for r in lines if r["metadata"]["benchmark_phase"] == phase or phase is None]

    def csv_rows(self):
        with open(self.path("profile_export.csv"), newline="", encoding="utf-8") as file:
            return list(csv.reader(file))

    def metric(self, tag, stat="avg"):
        return self.json()[tag][stat]

    def count(self, tag):
        return int(self.json().get(tag, {"avg": 0})["avg"])

    def outcomes(self):
        """How many requests of the profiling phase ended how."""
        counts = {}
        for record in self.records():
            outcome = record["tokperf"]["outcome"]
            counts[outcome] = counts.get(outcome, 0) + 1
        return counts

    def reasons(self):
        return {r["code"] for r in self.json()["verdict"]["reasons"]}


class Run(Left):
    """One finished `tokperf profile` or another command, and its directory."""

    def __init__(self, arguments, directory=None, cwd=None, environment=None,
                 deadline_s=RUN_DEADLINE_S, limit=None, obeys_modes=False):
        super().__init__(directory)
        done = subprocess.run([TOKPERF, *arguments], stdin=subprocess.DEVNULL, cwd=cwd,
                              capture_output=True, text=True, timeout=deadline_s,
                              env=program_environment(**(environment or {})),
                              preexec_fn=preparing(limit, obeys_modes))
        self.code, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr


class RunTest(unittest.TestCase):
    """Gives each test a directory of its own and runs profile in it."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tokperf-test-")
        self.addCleanup(holder.cleanup)
        self.home = pathlib.Path(holder.name)
        self.runs = 0

    def start_mock(self, *options):
        mock = Mock(*options)
        self.addCleanup(mock.__exit__)
        return mock

    def until(self, attempt, good):
        """What attempt() gives once it is good: for what a machine that stands still at the wrong
        moment may spoil, and a broken rule always spoils."""
        for _ in range(TRIES):
            if good(result := attempt()):
                return result
        return self.fail(f"not once in {TRIES} tries; at last {result!r}")

    def new_directory(self):
        self.runs += 1
        return self.home / f"run{self.runs}"

    def profile_command(self, mock, arguments):
        """Against a mock (or a URL), and the directory that it is to fill."""
        url = mock if isinstance(mock, str) else f"http://127.0.0.1:{mock.port}"
        directory = self.new_directory()
        return ["profile", "--url", url, "--model", "test", "--ui-type", "none",
                "--output-artifact-dir", str(directory), *map(str, arguments)], directory

    def profile(self, mock, *arguments, expect=0, **more):
        """Runs profile to its end."""
        run = Run(*self.profile_command(mock, arguments), **more)
        if expect is not None:
            self.assertEqual(run.code, expect, run.stderr + run.stdout)
        return run

    def profile_each(self, mocks, each, *arguments, **more):
        """One run of `each` requests to each of several mocks; it and the exported lines of each."""
        urls = [f"http://127.0.0.1:{mock.port}" for mock in mocks]
        others = [word for url in urls[1:] for word in ("--url", url)]
        run = self.profile(urls[0], *others, "--request-count", each * len(urls), *arguments,
                           **more)
        lines = [[r for r in run.records() if r["tokperf"]["url_index"] == i]
                 for i in range(len(urls))]
        self.assertEqual([len(of_one) for of_one in lines], [each] * len(urls))
        return run, lines

    def start_profile(self, mock, *arguments, limit=None):
        """One that goes on beside the test and ends with it; .directory is its own."""
        command, directory = self.profile_command(mock, arguments)
        process = subprocess.Popen([TOKPERF, *command], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=program_environment(),
                                   preexec_fn=preparing(limit, False))
        process.directory = directory

        def end():
            if process.poll() is None:
                process.kill()
            process.communicate()

        self.addCleanup(end)
        return process


def main():
    unittest.main(argv=[sys.argv[0]], verbosity=2)
