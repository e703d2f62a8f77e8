# SPDX-License-Identifier: Apache-2.0
"""Who listens badly changes nothing that a run says of itself: the verdict's reasons are those of the
run without listeners. Alone on the machine, since what else goes on there gets into both."""
import json
import os
import signal
import sys

from harness import SOURCE, RunTest, main
from kill_support import COLLECTOR, Process, json_lines
from live import bus_address, wait_until

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import zmq_binding as zmq  # noqa: E402

LOAD = ("--request-rate", 200, "--request-rate-mode", "constant", "--request-count", 200,
        "--workers-max", 1, "--events-batch", 1, "--baseline-timeout", 120)


class Listeners(RunTest):
    def start(self, mock):
        """A run whose load begins once it is let go: a collector holds it at its first gate."""
        directory = self.new_directory()
        held = directory.with_suffix(".start")
        held.touch()
        run = Process(self, directory.name, "profile", "--url", f"http://127.0.0.1:{mock.port}",
                      "--model", "test", "--streaming", "--ui-type", "none",
                      "--output-artifact-dir", directory, "--collector",
                      f"{COLLECTOR} --hold {directory} --log {directory}.asked", *LOAD)
        run.directory, run.let_go = directory, held.unlink
        wait_until(lambda: any(note["what"] == "baseline" for note in
                               json_lines(directory.with_suffix(".asked"))), "the gate")
        return run

    def reasons(self, run):
        """Who listens badly may not take the last events, which is said."""
        code = run.wait()
        said = [line for line in run.messages() if "did not take its last" not in line]
        self.assertEqual((code, said), (0, []))
        result = json.loads((run.directory / "profile_export.json").read_text())
        self.assertEqual(result["request_count"]["avg"], 200)
        return {reason["code"] for reason in result["verdict"]["reasons"]}

    def listen_badly(self, run):
        """One that is stopped, one whose output nobody takes, some that read nothing. False: the run
        was over before the first of them heard of it."""
        address = wait_until(lambda: bus_address(run.directory), "an address")
        stopped = Process(self, f"{run.directory.name}.stopped", "events", run.directory,
                          "--format", "jsonl")
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        Process(self, f"{run.directory.name}.slow", "events", run.directory, stdout=writer)
        os.close(writer)
        context = zmq.Context()
        deaf = [context.socket(zmq.SUB) for _ in range(3)]
        for one in deaf:
            one.setsockopt(zmq.RCVHWM, 1)
            one.subscribe(b"")
            one.connect(address)
        self.addCleanup(lambda: ([one.close(0) for one in deaf], context.term()))
        run.let_go()
        wait_until(lambda: json_lines(stopped.out) or run.is_over(), "an event")
        if not stopped.is_over():
            stopped.signal(signal.SIGSTOP)
        return not run.is_over()

    def test_the_verdict_is_that_of_a_run_without_listeners(self):
        """What disturbs the machine gets into either run, sooner or later; what listeners do, into
        theirs alone."""
        mock = self.start_mock("--ttft", "20", "--itl", "2", "--osl", "8")
        without = set()

        def attempt():
            alone = self.start(mock)
            alone.let_go()
            without.update(self.reasons(alone))
            run = self.start(mock)
            was_heard = self.listen_badly(run)
            return was_heard, sorted(self.reasons(run) - without)

        self.until(attempt, lambda seen: seen == (True, []))


if __name__ == "__main__":
    main()
