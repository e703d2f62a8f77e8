# SPDX-License-Identifier: Apache-2.0
"""What a run says while it goes: tokperf events and --events-log against what the run wrote, and
that no listener, dead, stuck or slow, changes the run."""
import json
import os
import pathlib
import shutil
import signal
import subprocess

from harness import RUN_DEADLINE_S, TOKPERF, Run, RunTest, main, program_environment
from live import Live, bus_address, read_lines, start_run, wait_until

QUIET = ("--fast", "--osl", "4")
PACED = ("--ttft", "4", "--itl", "1", "--osl", "4")
FAULTS = ("--fast", "--osl", "4", "--seed", "3", "--fault-500", "0.2", "--fault-truncate", "0.2",
          "--fault-stream-error", "0.2")
DONE = 'completed_total{route="chat"}'
PER_REQUEST = ["sample.issued", "sample.first_token", "sample.complete"]


def key_of(event):
    data = event["data"]
    return data["phase"], data["session_num"], data["turn_index"]


def key_of_record(record):
    meta = record["metadata"]
    return meta["benchmark_phase"], meta["session_num"], meta["turn_index"]


def by_request(events):
    """The names of each request's events, in the order in which they came."""
    found = {}
    for event in events:
        if event["topic"] == "sample":
            found.setdefault(key_of(event), []).append(event["event"])
    return found


class Events(RunTest):
    def follow(self, run, *arguments, name="events", **more):
        return Live(self, name, "events", run.directory, *arguments, **more)

    def following(self, run, *arguments, **more):
        """An observer that has got something already."""
        told = () if "--format" in arguments else ("--format", "jsonl")
        observer = self.follow(run, *told, *arguments, **more)
        wait_until(lambda: observer.out.stat().st_size or observer.process.poll() is not None,
                   "an event")
        self.assertIsNone(observer.process.poll(), observer.stderr())
        return observer

    def check_result(self, run, count):
        """The run knew nothing of its listeners."""
        self.assertEqual((run.wait(), run.stderr()), (0, ""))
        result = json.loads((run.directory / "profile_export.json").read_text())
        self.assertEqual(result["request_count"]["avg"], count)
        self.assertEqual(len(read_lines(run.directory / "profile_export.jsonl")), count)

    def check_sequences(self, events):
        for topic in ("session", "phase", "sample", "snapshot"):
            numbers = [e["sequence"] for e in events if e["topic"] == topic]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers)))
                             if numbers else [], topic)

    # --events-log

    def test_the_log_has_every_event_of_the_run(self):
        mock = self.start_mock(*PACED)
        log = self.home / "events.jsonl"
        run = self.profile(mock, "--streaming", "--concurrency", 8, "--workers-max", 2,
                           "--request-count", 300, "--warmup-request-count", 20,
                           "--events-log", log, "--events-batch", 64)
        self.assertEqual(run.stderr, "")
        events, records = read_lines(log), run.records(phase=None)
        records += run.records(phase="warmup")
        self.check_sequences(events)
        self.assertTrue(all(e["sequence"] == 0 for e in
                            {e["topic"]: e for e in reversed(events)}.values()))
        for event in (events[0], events[-1]):
            self.assertEqual(event["topic"], "session")
        started, ended = events[0]["data"], events[-1]["data"]
        self.assertEqual(started["benchmark_id"], run.json()["benchmark_id"])
        self.assertEqual([p["name"] for p in started["phases"]], ["warmup", "profiling"])
        self.assertEqual((ended["state"], ended["exit_code"]), ("complete", 0))
        requests = by_request(events)
        self.assertEqual(len(requests), 320)
        self.assertEqual({key_of_record(r) for r in run.records()},
                         {k for k in requests if k[0] == "profiling"})
        for names in requests.values():
            self.assertEqual(names, PER_REQUEST)
        self.check_complete(events, run.records())
        self.check_phases(events, {"warmup": 20, "profiling": 300})
        order = ("initialize", "live", "draining", "complete")
        states = [order.index(e["data"]["state"]) for e in events if e["event"] == "snapshot"]
        self.assertEqual(states, sorted(states))
        self.assertEqual(states.count(order.index("complete")), 1)

    def check_complete(self, events, records):
        done = {key_of(e): e["data"] for e in events if e["event"] == "sample.complete"}
        for record in records:
            data, meta, ours = done[key_of_record(record)], record["metadata"], record["tokperf"]
            self.assertEqual(data["start_ns"], meta["request_start_ns"])
            self.assertEqual(data["end_ns"], meta["request_end_ns"])
            self.assertEqual(data["worker_id"], meta["worker_id"])
            self.assertEqual(data["outcome"], ours["outcome"])
            self.assertEqual(data.get("finish_reason"), ours.get("finish_reason"))

    def check_phases(self, events, counts):
        """What belongs to a phase lies between its two events."""
        inside, ended = None, []
        for event in events:
            if event["event"] == "phase.begun":
                self.assertIsNone(inside)
                inside = event["data"]["name"]
            elif event["event"] == "phase.ended":
                self.assertEqual(event["data"]["name"], inside)
                self.assertEqual(event["data"]["ok"], counts[inside])
                self.assertFalse(event["data"]["interrupted"])
                ended.append(inside)
                inside = None
            elif event["topic"] == "sample":
                self.assertEqual(event["data"]["phase"], inside)
        self.assertEqual(ended, list(counts))

    def test_errors_come_before_the_end_of_their_request(self):
        mock = self.start_mock(*FAULTS)
        log = self.home / "events.jsonl"
        run = self.profile(mock, "--streaming", "--concurrency", 4, "--request-count", 200,
                           "--events-log", log, "--failed-request-threshold", "1.0")
        events = read_lines(log)
        failed = {key_of_record(r): r for r in run.records() if r["tokperf"]["outcome"] != "ok"}
        requests = by_request(events)
        self.assertGreater(len(failed), 20)
        for key, names in requests.items():
            tail = ["sample.error", "sample.complete"] if key in failed else ["sample.complete"]
            self.assertEqual(names[-len(tail):], tail)
            self.assertEqual(names.count("sample.error"), len(tail) - 1)
        for event in events:
            if event["event"] == "sample.error":
                error = failed[key_of(event)]["error"]
                self.assertEqual(event["data"]["type"], error["type"])
                self.assertEqual(event["data"]["message"], error["message"])
        ended = [e["data"] for e in events if e["event"] == "phase.ended"][0]
        self.assertEqual((ended["ok"], ended["errors"]), (200 - len(failed), len(failed)))

    def test_a_failed_and_an_interrupted_run_say_so(self):
        mock = self.start_mock("--fast", "--fault-500", "1")
        log = self.home / "events.jsonl"
        self.profile(mock, "--concurrency", 2, "--request-count", 40, "--events-log", log, expect=1)
        ended = read_lines(log)[-1]
        self.assertEqual(ended["event"], "session.ended")
        self.assertEqual((ended["data"]["state"], ended["data"]["exit_code"]), ("failed", 1))
        self.assertEqual(ended["data"]["reason"], "no request succeeded")
        mock = self.start_mock(*PACED)
        log = self.home / "interrupted.jsonl"
        run = start_run(self, mock, "--concurrency", 2, "--request-count", 1000000,
                        "--events-log", log)
        wait_until(lambda: b"sample.complete" in log.read_bytes(), "a request")
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait(), 130)
        events = read_lines(log)
        self.assertEqual(events[-1]["data"]["state"], "interrupted")
        self.assertTrue([e for e in events if e["event"] == "phase.ended"][0]["data"]["interrupted"])

    # tokperf events

    def test_an_observer_sees_what_the_run_writes(self):
        mock = self.start_mock(*PACED)
        mock.pause()  # the load goes on when both observers are there
        run = start_run(self, mock, "--concurrency", 4, "--request-count", 200)
        observer = self.following(run)
        text = self.following(run, "--format", "text", name="text")
        mock.go_on()
        self.check_result(run, 200)
        self.assertEqual((observer.wait(), observer.stderr()), (0, ""))
        self.assertEqual((text.wait(), text.stderr()), (0, ""))
        events = read_lines(observer.out)
        self.check_sequences(events)
        self.assertEqual(events[-1]["event"], "session.ended")
        records = read_lines(run.directory / "profile_export.jsonl")
        late = self.check_late(events, records)
        self.assertGreaterEqual(len(late), 200 - 4)  # in flight when they came
        self.check_complete(events, late)
        self.check_text(text.lines())

    def check_late(self, events, records):
        """Of what was issued since the observer was there it has everything."""
        since = min(e["data"]["start_ns"] for e in events if e["event"] == "sample.issued")
        late = [r for r in records if r["metadata"]["request_start_ns"] >= since]
        requests = by_request(events)
        for record in late:
            self.assertEqual(requests[key_of_record(record)], PER_REQUEST)
        return late

    def test_an_observer_comes_in_the_middle_of_a_load(self):
        mock = self.start_mock(*PACED)
        run = start_run(self, mock, "--concurrency", 4, "--request-count", 1000000)
        self.following(run, "--topic", "sample", name="before")
        observer = self.following(run, "--topic", "sample")
        wait_until(lambda: observer.out.read_bytes().count(b"sample.complete") > 100, "samples")
        run.signal(signal.SIGINT)
        self.assertEqual((run.wait(), observer.wait()), (130, 0))
        self.assertEqual(observer.stderr(), "")
        events = read_lines(observer.out)
        self.check_sequences(events)
        self.assertGreater(events[0]["sequence"], 0)
        records = read_lines(run.directory / "profile_export.jsonl")
        late = self.check_late(events, [r for r in records if r["tokperf"]["outcome"] == "ok"])
        self.assertGreater(len(late), 50)
        self.check_complete(events, late)

    def check_text(self, lines):
        self.assertRegex(lines[-1], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z session\.ended "
                                    r"benchmark_id=\S+ state=complete exit_code=0 "
                                    r'reason="every phase ended"$')
        done = [line for line in lines if " sample.complete " in line]
        self.assertGreater(len(done), 4)
        for line in done:
            self.assertRegex(line, r"Z sample\.complete phase=profiling session_num=\d+ "
                                   r"turn_index=0 worker_id=worker_0 outcome=ok http_status=200 "
                                   r"finish_reason=stop ttft_ms=[\d.]+ latency_ms=[\d.]+ ")

    def test_a_topic_comes_alone(self):
        mock = self.start_mock(*PACED)
        run = start_run(self, mock, "--concurrency", 4, "--request-count", 1000000)
        samples = self.following(run, "--topic", "sample", name="sample")
        mock.pause()  # what comes of it is not lost among samples
        three = self.following(run, "--topic=phase", "--topic=session", "--topic=snapshot",
                               name="three")
        mock.go_on()
        now = mock.counters()[DONE]
        mock.wait_for(lambda c: c[DONE] > now + 20)
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait(), 130, run.stderr())
        self.assertEqual((samples.wait(), three.wait()), (0, 0))
        self.assertEqual({e["topic"] for e in read_lines(samples.out)}, {"sample"})
        events = read_lines(three.out)
        self.assertEqual({e["topic"] for e in events}, {"phase", "session", "snapshot"})
        self.assertEqual([e["event"] for e in events if e["topic"] != "snapshot"],
                         ["phase.ended", "session.ended"])

    def test_without_a_directory_the_newest_live_run_is_followed(self):
        mock = self.start_mock(*PACED)
        run = start_run(self, mock, "--concurrency", 2, "--request-count", 1000000)
        runs = self.home / "artifacts"
        runs.mkdir()
        (runs / "mine").symlink_to(run.directory)
        (runs / "broken").mkdir()
        (runs / "broken" / "run.json").write_text("{")
        observer = Live(self, "newest", "events", "--format", "jsonl", cwd=self.home)
        wait_until(lambda: observer.out.stat().st_size, "an event")
        run.signal(signal.SIGINT)
        self.assertEqual((run.wait(), observer.wait()), (130, 0))
        self.assertEqual(read_lines(observer.out)[-1]["data"]["state"], "interrupted")
        none = Run(["events"], cwd=self.home)
        self.assertEqual(none.code, 2)
        self.assertIn("no run goes on below artifacts", none.stderr)

    def said(self, code, words, *arguments):
        run = Run(["events", *map(str, arguments)], cwd=self.home)
        self.assertEqual((run.code, run.stdout), (code, ""), run.stderr)
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertIn(words, run.stderr)

    def test_wrong_input_is_one_sentence(self):
        mock = self.start_mock(*QUIET)
        ended = self.profile(mock, "--request-count", 5).directory
        self.said(2, "is not the directory of a run", self.home / "none")
        self.said(2, "is not the directory of a run", self.home)
        self.said(2, "has ended", ended)
        self.said(2, "did you mean 'sample'?", ended, "--topic", "sampel")
        self.said(2, "did you mean 'jsonl'?", ended, "--format", "jsonll")
        self.said(2, "did you mean '--topic'?", ended, "--topics=phase")
        self.said(2, "--topic needs a value", ended, "--topic")
        self.said(2, "events takes one directory", ended, ended)
        for text in ("", "{", "[]", "{}", '{"pid": "1"}', '{"pid": 1, "phases": [1]}', "\0"):
            (ended / "run.json").write_text(text)
            self.said(2, "is not the file of a run", ended)
        (ended / "run.json").write_text('{"pid": 99999999999}')
        self.said(2, "is gone", ended)

    # what can happen to either

    def test_a_killed_run_ends_its_observers(self):
        mock = self.start_mock(*PACED)
        run = start_run(self, mock, "--concurrency", 2, "--request-count", 1000000)
        observer = self.following(run)
        run.signal(signal.SIGKILL)
        wait_until(lambda: observer.process.poll() is not None, "the observer's end")
        self.assertEqual(observer.process.returncode, 1)
        self.assertEqual(len(observer.stderr().splitlines()), 1, observer.stderr())
        self.assertIn("is gone: its process", observer.stderr())
        self.said(2, "is gone: its process", run.directory)
        run.wait()
        self.said(2, "is gone: its process", run.directory)

    def test_killed_and_interrupted_observers_and_closed_pipes(self):
        mock = self.start_mock(*PACED)
        run = start_run(self, mock, "--concurrency", 4, "--request-count", 1000000)
        killed, stopped = self.following(run), self.following(run, name="stopped")
        reader, writer = os.pipe()
        closed = self.follow(run, name="closed", stdout=writer)
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        killed.signal(signal.SIGKILL)
        stopped.signal(signal.SIGINT)
        self.assertEqual((stopped.wait(), stopped.stderr()), (130, ""))
        self.assertEqual((closed.wait(), closed.stderr()), (0, ""))
        killed.wait()
        now = mock.counters()[DONE]
        mock.wait_for(lambda c: c[DONE] > now + 50)
        self.check_interrupted(run)

    def check_interrupted(self, run, *losses):
        """A signal ends a run that knew nothing of its listeners."""
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait(), 130)
        messages = run.stderr().splitlines()
        self.assertEqual(len(messages), 1 + len(losses), messages)  # "interrupted"
        for message, loss in zip(messages[1:], losses):
            self.assertRegex(message, loss)
        result = json.loads((run.directory / "profile_export.json").read_text())
        records = read_lines(run.directory / "profile_export.jsonl")
        self.assertEqual(sum(r["tokperf"]["outcome"] == "ok" for r in records),
                         result["request_count"]["avg"])

    def test_a_stuck_and_a_slow_observer_hold_nobody_up(self):
        mock = self.start_mock(*QUIET)
        run = start_run(self, mock, "--concurrency", 8, "--request-count", 10000000,
                        "--events-batch", "1")  # so that the queues are soon full
        stuck = self.following(run)
        woken = self.following(run, "--topic", "sample", name="woken")
        reader, writer = os.pipe()
        slow = self.follow(run, name="slow", stdout=writer)
        os.close(writer)
        for observer in (stuck, woken):
            observer.signal(signal.SIGSTOP)
        now = mock.counters()[DONE]
        mock.wait_for(lambda c: c[DONE] > now + 2000)
        woken.signal(signal.SIGCONT)
        wait_until(lambda: self.has_gap(woken.out), "what came after the gap")
        self.check_interrupted(run, r"listens .* did not take its last \d+ events within 2 s")
        self.assertIn(woken.wait(), (0, 1))  # what it missed may be the end
        self.assertRegex(woken.stderr(), r"not complete: \d+ events missed \(\d+ of sample")
        stuck.signal(signal.SIGCONT)
        self.assertIn(stuck.wait(), (0, 1))
        with os.fdopen(reader, "rb") as pipe:
            pipe.read()
        self.assertIn(slow.wait(), (0, 1))

    @staticmethod
    def has_gap(path):
        """Whether events of one topic are missing, as far as they have come."""
        lines = path.read_bytes().split(b"\n")[:-1]
        first, last = (json.loads(lines[i])["sequence"] for i in (0, -1))
        return last + 1 - first > len(lines)

    def test_a_removed_folder_leaves_the_run_and_who_listens(self):
        mock = self.start_mock(*PACED)
        mock.pause()
        run = start_run(self, mock, "--concurrency", 4, "--request-count", 100)
        address = bus_address(run.directory)
        folder = pathlib.Path(address.removeprefix("ipc://")).parent
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
        observer = self.following(run)
        shutil.rmtree(folder)
        self.said(3, "is gone", run.directory)
        mock.go_on()
        self.check_result(run, 100)
        self.assertEqual((observer.wait(), observer.stderr()), (0, ""))
        self.assertEqual(read_lines(observer.out)[-1]["event"], "session.ended")

    def run_without_a_place_for_sockets(self, mock, *arguments):
        """In a mount namespace where of /tmp only the test's own directory can be written to."""
        script = ('mount --bind "$0" "$0" && mount --rbind /tmp /tmp && '
                  'mount -o remount,bind,ro /tmp && "$@"')
        namespace = ["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", script,
                     str(self.home)]
        if shutil.which("unshare") is None or subprocess.run(
                [*namespace, "true"], capture_output=True, check=False).returncode:
            self.skipTest("no mount namespace can be made here")
        directory = self.new_directory()
        run = subprocess.run(
            [*namespace, TOKPERF, "profile", "--url", f"http://127.0.0.1:{mock.port}", "--model",
             "test", "--concurrency", "2", "--request-count", "20", "--output-artifact-dir",
             str(directory), *arguments], capture_output=True, text=True, check=False,
            timeout=RUN_DEADLINE_S, env=program_environment(TMPDIR="/nonexistent"))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        self.assertIn("cannot make a folder for the sockets of this run", run.stderr)
        result = json.loads((directory / "profile_export.json").read_text())
        self.assertEqual(result["request_count"]["avg"], 20)

    def test_without_a_place_for_sockets_the_run_goes_on(self):
        mock = self.start_mock(*QUIET)
        self.run_without_a_place_for_sockets(mock)
        log = self.home / "events.jsonl"
        self.run_without_a_place_for_sockets(mock, "--events-log", str(log))
        self.assertEqual(len(by_request(read_lines(log))), 20)

    def test_the_folder_is_gone_with_the_run(self):
        mock = self.start_mock(*QUIET)
        mock.pause()
        run = start_run(self, mock, "--concurrency", 2, "--request-count", 20)
        folder = pathlib.Path(bus_address(run.directory).removeprefix("ipc://")).parent
        self.assertTrue(folder.is_dir())
        mock.go_on()
        self.check_result(run, 20)
        self.assertFalse(folder.exists())
        self.assertIsNone(bus_address(run.directory))


if __name__ == "__main__":
    main()
