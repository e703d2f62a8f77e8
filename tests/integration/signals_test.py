# SPDX-License-Identifier: Apache-2.0
"""The first SIGINT or SIGTERM ends the run with its results, the second at once."""
import json
import os
import signal
import time

from harness import RUN_DEADLINE_S, RunTest, main


class Signals(RunTest):
    def wait_until_sending(self, mock):
        """Until more than five answers were read: of the last four, as many as are in flight, that is
        not known."""
        mock.wait_for(lambda c: c['completed_total{route="chat"}'] > 5 + 4)

    def test_first_signal_writes_everything(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            mock = self.start_mock("--ttft", "20", "--itl", "5", "--osl", "8")
            process = self.start_profile(mock, "--streaming", "--concurrency", 4,
                                         "--request-count", 1000000)
            self.wait_until_sending(mock)
            os.kill(process.pid, number)
            process.communicate(timeout=RUN_DEADLINE_S)
            self.assertEqual(process.returncode, 130)
            result = json.loads((process.directory / "profile_export.json").read_text())
            self.assertTrue(result["was_cancelled"])
            self.assertGreater(result["request_count"]["avg"], 5)
            self.assertNotEqual(result["verdict"]["status"], "valid")

    def test_second_signal_ends_at_once(self):
        mock = self.start_mock("--ttft", "20", "--itl", "5", "--osl", "8")
        process = self.start_profile(mock, "--streaming", "--concurrency", 4,
                                     "--request-count", 1000000)
        self.wait_until_sending(mock)
        os.kill(process.pid, signal.SIGSTOP)
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGTERM)
        os.kill(process.pid, signal.SIGCONT)
        process.communicate(timeout=RUN_DEADLINE_S)
        self.assertEqual(process.returncode, 130)

    def test_signal_while_waiting_for_the_server(self):
        mock = self.start_mock("--fault-500", "1")
        process = self.start_profile(mock, "--wait-for-model-timeout", 600,
                                     "--wait-for-model-interval", 1)
        mock.wait_for(lambda c: c['responses_total{code="5xx"}'] > 0)
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=RUN_DEADLINE_S)
        self.assertEqual(process.returncode, 130)
        self.assertFalse(process.directory.exists())

    def test_the_mock_child_dies_with_its_parent(self):
        process = self.start_profile("mock:", "--streaming", "--concurrency", 4,
                                     "--request-count", 1000000)
        child = self.wait_for(lambda: self.children_of(process.pid), "a child")
        self.assertEqual(len(child), 1)
        process.kill()
        process.communicate()
        self.wait_for(lambda: self.has_ended(child[0]), "its end")

    def wait_for(self, condition, what):
        end = time.monotonic() + RUN_DEADLINE_S
        while not (found := condition()):
            self.assertLess(time.monotonic(), end, what)
        return found

    @staticmethod
    def children_of(pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]

    @staticmethod
    def has_ended(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return file.read().rsplit(")", 1)[1].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            return True


if __name__ == "__main__":
    main()
