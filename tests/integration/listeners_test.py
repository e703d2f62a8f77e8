# SPDX-License-Identifier: Apache-2.0
"""Who listens badly changes nothing that a run says of itself: the verdict's reasons are those of the
run without listeners. Alone on the machine, since what else goes on there gets into both."""
import json
import os
import signal
import sys

from harness import SOURCE, RunTest, main
from kill_support import Process, json_lines, wait_until

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import zmq_binding as zmq  # noqa: E402

LOAD = ("--request-rate", 200, "--request-rate-mode", "constant", "--request-count", 200,
        "--workers-max", 1, "--events-batch", 1)
TRIES = 4  # a machine that others use may disturb either run


class Listeners(RunTest):
    def start(self, mock):
        directory = self.new_directory()
        run = Process(self, directory.name, "profile", "--url", f"http://127.0.0.1:{mock.port}",
                      "--model", "test", "--streaming", "--ui-type", "none",
                      "--output-artifact-dir", directory, *LOAD)
        run.directory = directory
        return run

    def reasons(self, run):
        self.assertEqual((run.wait(), run.messages()), (0, []))
        result = json.loads((run.directory / "profile_export.json").read_text())
        self.assertEqual(result["request_count"]["avg"], 200)
        return {reason["code"] for reason in result["verdict"]["reasons"]}

    def address(self, run):
        try:
            return json.loads((run.directory / "run.json").read_text()).get("events")
        except FileNotFoundError:
            return None

    def listen_badly(self, run):
        """One that is stopped, one whose output nobody takes, some that read nothing."""
        address = wait_until(lambda: self.address(run), "an address")
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
        wait_until(lambda: json_lines(stopped.out), "an event")
        stopped.signal(signal.SIGSTOP)
        return context, deaf

    def test_the_verdict_is_that_of_a_run_without_listeners(self):
        mock = self.start_mock("--ttft", "20", "--itl", "2", "--osl", "8")
        seen = []
        for _ in range(TRIES):
            alone = self.reasons(self.start(mock))
            run = self.start(mock)
            context, deaf = self.listen_badly(run)
            watched = self.reasons(run)
            for one in deaf:
                one.close(0)
            context.term()
            seen.append((alone, watched))
            if watched <= alone:
                return
        self.fail(f"reasons without and with listeners: {seen}")


if __name__ == "__main__":
    main()
