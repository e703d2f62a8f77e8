# SPDX-License-Identifier: Apache-2.0
"""Processes of tokperf that go on while a test looks at them."""
import json
import os
import pathlib
import signal
import subprocess
import time

from harness import RUN_DEADLINE_S, TOKPERF, preparing, program_environment

LOOK_S = 0.002


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def wait_until(condition, what):
    """Returns what the condition gave in the end."""
    end = time.monotonic() + RUN_DEADLINE_S
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"never came: {what}")
        time.sleep(LOOK_S)  # what is waited for needs the processor more
    return found


def stand_still(pid):
    """Stops a process with all its threads; SIGCONT lets it go on."""
    os.kill(pid, signal.SIGSTOP)
    threads = pathlib.Path(f"/proc/{pid}/task").glob("*/stat")
    states = [lambda p=path: p.read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
              for path in threads]
    wait_until(lambda: all(state() == "T" for state in states), "that the process stands still")


class Live:
    """A tokperf process that goes on; its output lies in files."""

    def __init__(self, test, name, *arguments, cwd=None, stdout=None, stderr=None,
                 environment=None, obeys_modes=False, program=TOKPERF):
        self.out, self.err = test.home / f"{name}.out", test.home / f"{name}.err"
        with open(self.err, "wb") as err, open(self.out, "wb") as out:
            self.process = subprocess.Popen(
                [str(program), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=stdout or out,
                stderr=stderr or err, cwd=cwd, env=program_environment(**(environment or {})),
                preexec_fn=preparing(None, obeys_modes))
        test.addCleanup(self.end)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def signal(self, number):
        os.kill(self.process.pid, number)

    def wait(self):
        return self.process.wait(timeout=RUN_DEADLINE_S)

    def lines(self):
        return self.out.read_text().splitlines()

    def stderr(self):
        return self.err.read_text()


def bus_address(directory, which="events"):
    """Of the run in a directory, as long as its run.json names it; which: or "control"."""
    try:
        return json.loads((directory / "run.json").read_text()).get(which)
    except FileNotFoundError:
        return None


def launch_run(test, mock, *arguments, **more):
    directory = test.new_directory()
    run = Live(test, directory.name, "profile", "--url", f"http://127.0.0.1:{mock.port}", "--model",
               "test", "--streaming", "--ui-type", "none", "--workers-max", 1,
               "--output-artifact-dir", directory, *arguments, **more)
    run.directory = directory
    return run


def start_run(test, mock, *arguments, **more):
    """Launches a run, and returns when it can be followed."""
    run = launch_run(test, mock, *arguments, **more)
    wait_until(lambda: bus_address(run.directory) or run.process.poll() is not None,
               "an address")
    test.assertTrue(bus_address(run.directory), run.stderr())
    return run
