# SPDX-License-Identifier: Apache-2.0
"""Programs that speak to a run's sockets, or in place of a run, and say what they must not, or do
not listen: one message, right numbers."""
import json
import os
import pathlib
import random
import resource
import socket
import struct
import sys
import threading

from harness import SOURCE, RunTest, main
from kill_support import BOUND_S, COLLECTOR, DONE, Process, json_lines
from live import bus_address, wait_until

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import zmq_binding as zmq  # noqa: E402

# The numbers of docs/bus.md.
TOPICS = ["session", "phase", "sample", "snapshot"]
STARTED, ENDED, ISSUED, SNAPSHOT = 1, 2, 32, 48
REGISTER, READY, BASELINE_ACK, RESULT = 64, 65, 69, 70
PACED = ("--ttft", "4", "--itl", "1", "--osl", "4")
SEED = int(os.environ.get("TKP_ROGUE_SEED", random.SystemRandom().randrange(1 << 32)))


def frame(kind, payload, version=1, length=None):
    return struct.pack("<HHI", kind, version,
                       len(payload) if length is None else length) + payload


def batch(topic, sequence, *frames, count=None, magic=b"TKPB", version=1, length=None):
    body = b"".join(frames)
    return [TOPICS[topic].encode(),
            struct.pack("<4sHHQII", magic, version, topic, sequence,
                        len(frames) if count is None else count,
                        len(body) if length is None else length) + body]


def issued(number):
    return frame(ISSUED, struct.pack("<QQIIIIQQ", number, number, 0, 0, 0, 0, 5, 6))


def damaged(draw):
    """A message that nobody may take for a batch."""
    noise = draw.randbytes(draw.randrange(200))
    good = batch(2, 0, issued(1))[1]
    return draw.choice([
        [b"sample"],
        [b"sample", noise],
        [b"sample", good, noise],
        [b"sample" + noise[:3] + b"x", good],
        [b"sample", good[:draw.randrange(len(good))]],
        [b"sample", good + b"\0"],
        batch(2, 0, issued(1), magic=b"TKPX"),
        batch(2, 0, issued(1), version=2),
        batch(2, 0, issued(1), count=draw.choice((0, 2, 1 << 31))),
        batch(2, 0, issued(1), length=draw.choice((0, 7, 1 << 31))),
        batch(2, 0, frame(ISSUED, b"x", length=1 << 31)),
        [b"sample", batch(1, 0, issued(1))[1]],
        [b"sample", batch(2, 0, issued(1))[1].replace(b"\2\0", b"\x09\0", 1)],
    ])


def unreadable(draw, sequence):
    """A batch that is one, of a frame that nobody can read."""
    noise = draw.randbytes(draw.randrange(100))
    return batch(2, sequence, draw.choice([
        frame(4242, noise), frame(ISSUED, noise, version=2), frame(ISSUED, noise[:47]),
        frame(SNAPSHOT, b"{}"), frame(34, b"\xff" * 56), frame(35, b"")]))


class Rogue(RunTest):
    def socket(self, kind):
        context = zmq.Context()
        made = context.socket(kind)
        self.addCleanup(lambda: (made.close(0), context.term()) if made.handle else None)
        return made

    # ---- in place of a run

    def pretend(self):
        """The publisher of a run that this process pretends to be, once it is followed."""
        publisher = self.socket(zmq.XPUB)
        publisher.setsockopt(zmq.SNDHWM, 0)
        address = f"ipc://{self.home}/events"
        publisher.bind(address)
        facts = pathlib.Path("/proc/self/stat").read_text(encoding="ascii").rsplit(")", 1)[1]
        directory = self.new_directory()
        directory.mkdir()
        (directory / "run.json").write_text(json.dumps(
            {"benchmark_id": "b", "pid": os.getpid(), "start_ns": 1, "monotonic_to_realtime_ns": 0,
             "process_begin_ticks": int(facts.split()[19]), "events": address, "phases": ["profiling"]}))
        observer = Process(self, "observer", "events", directory, "--format", "jsonl")
        for _ in TOPICS:
            publisher.recv_multipart()  # subscriptions
        return publisher, observer

    def end(self, publisher, observer):
        publisher.send_multipart(batch(0, 1, frame(ENDED, b'{"state":"complete"}')))
        self.assertEqual(observer.wait(), 0, observer.messages())

    def test_what_is_no_batch_is_passed_over(self):
        draw = random.Random(f"noise {SEED}")
        publisher, observer = self.pretend()
        publisher.send_multipart(batch(0, 0, frame(STARTED, b'{"benchmark_id":"b"}')))
        sequence = damages = 0
        good = []
        for _ in range(3000):
            what = draw.randrange(3)
            if what == 0:
                publisher.send_multipart(damaged(draw))
                damages += 1
            elif what == 1:
                publisher.send_multipart(unreadable(draw, sequence))
                sequence += 1
            else:
                publisher.send_multipart(batch(2, sequence, issued(sequence), issued(sequence + 1)))
                good += [sequence, sequence + 1]
                sequence += 2
        self.end(publisher, observer)
        events = json_lines(observer.out)
        self.assertEqual([e["data"]["session_num"] for e in events if e["topic"] == "sample"], good)
        self.assertEqual([e["sequence"] for e in events if e["topic"] == "sample"], good)
        self.assertEqual([e["event"] for e in events if e["topic"] == "session"],
                         ["session.started", "session.ended"])
        self.assertEqual(len(observer.messages()), 1, observer.messages())
        self.assertIn("not complete", observer.messages()[0])
        self.assertIn(str(damages), observer.messages()[0])
        self.assertNotIn("missed", observer.messages()[0])

    def test_batches_that_chance_has_changed(self):
        draw = random.Random(f"fuzz {SEED}")
        publisher, observer = self.pretend()
        for number in range(5000):
            parts = batch(draw.randrange(4), number, issued(number),
                          frame(draw.choice((1, 2, 16, 17, 33, 34, 35, 48)),
                                draw.choice((b"{}", b"[" * 5000, b'{"a":1', b'{"time_ns":1e999}',
                                             b'{"state":"\xff"}', b"null", b"x" * 144))))
            data = bytearray(parts[1])
            for _ in range(draw.randrange(4)):
                data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            publisher.send_multipart([parts[0], bytes(data)])
        if not observer.is_over():  # one of them may have said that the session ended
            self.end(publisher, observer)
        self.assertEqual(observer.wait(), 0)
        self.assertLessEqual(len(observer.messages()), 1, observer.messages())
        for event in json_lines(observer.out):
            self.assertIn(event["topic"], TOPICS)

    # ---- to a run

    def live_run(self, *arguments, requests=300, holds=True):
        """A run that begins its load once it is let go: a collector holds it at its first gate."""
        held = ("--collector", f"{COLLECTOR} --hold {self.home}/held --log {self.home}/asked",
                "--baseline-timeout", 120)
        (self.home / "held.start").touch()
        self.mock = self.start_mock(*PACED)
        directory = self.new_directory()
        run = Process(self, directory.name, "profile", "--url",
                      f"http://127.0.0.1:{self.mock.port}", "--model", "test", "--streaming",
                      "--ui-type", "none", "--workers-max", 1, "--concurrency", 4,
                      "--request-count", requests, "--output-artifact-dir", directory,
                      *(held if holds else ()), *arguments)
        run.directory = directory
        if holds:
            wait_until(lambda: any(note["what"] == "baseline"
                                   for note in json_lines(self.home / "asked")), "the gate")
        return run

    def let_go(self):
        (self.home / "held.start").unlink()

    def check(self, run, *messages, requests=300, deaf=False):
        """deaf: somebody listens who may not take the last events."""
        self.assertEqual(run.wait(), 0, run.messages()[:9])
        said = [line for line in run.messages() if not (deaf and "did not take its last" in line)]
        self.assertEqual(len(said), len(messages), run.messages()[:9])
        self.assertLess(len((run.directory / "logs/tokperf.log").read_text().splitlines()), 60)
        for line, words in zip(said, messages):
            self.assertIn(words, line)
        result = json.loads((run.directory / "profile_export.json").read_text())
        self.assertEqual(result["request_count"]["avg"], requests)
        self.assertEqual(self.mock.counters()[DONE], requests)
        self.assertEqual(len(json_lines(run.directory / "profile_export.jsonl")), requests)
        return result

    def noise(self, draw):
        text = draw.choice((b"{}", b"[", b"null", draw.randbytes(60), b"x" * 20000,
                            b'{"phase_id":1}', b'{"success":true,"error":"no"}'))
        return draw.choice((
            [draw.randbytes(draw.randrange(40))], [b""], [text, text],
            [frame(draw.randrange(1 << 16), text)], [frame(draw.randrange(60, 84), text)],
            [frame(BASELINE_ACK, text, length=1 << 31)], [frame(READY, text, version=7)]))

    def client(self, run, name):
        client = self.socket(zmq.DEALER)
        if name:
            client.setsockopt(zmq.ROUTING_ID, name)
        client.connect(wait_until(lambda: bus_address(run.directory, "control"), "the control address"))
        return client

    def test_strangers_at_the_control_socket(self):
        draw = random.Random(f"strangers {SEED}")
        run = self.live_run("--collector", f"{COLLECTOR} --no-baseline --result telemetry")
        for name in (b"stranger", b"", b"x" * 200, b"test_collector\xff\n"):
            client = self.client(run, name)
            for _ in range(500):
                client.send_multipart(self.noise(draw))
        with socket.socket(socket.AF_UNIX) as raw:  # not even ZeroMQ
            raw.connect(bus_address(run.directory, "control").removeprefix("ipc://"))
            raw.sendall(draw.randbytes(4096))
        self.let_go()
        result = self.check(run, "which is no collector of this run")
        self.assertTrue(all(gate["acknowledged"] == 1 for gate in result["gates"]))
        self.assertEqual([c["state"] for c in result["collectors"]], ["ready", "ready"])

    def test_a_stranger_without_a_name(self):
        run = self.live_run()
        self.client(run, b"").send_multipart([frame(READY, b"{}")])
        wait_until(run.messages, "the warning")
        self.let_go()
        self.check(run, "of a program without a name, which is no collector of this run")

    def collector(self, body):
        """A collector in Python, whose `said(kind, text)` and `sent(parts)` go to the run."""
        script = self.home / "collector.py"
        script.write_text(
            f"import sys, json, random, struct, threading\n"
            f"sys.path.insert(0, {str(SOURCE / 'tests/support')!r})\n"
            f"import zmq_binding as zmq\n"
            f"config = json.loads(sys.stdin.readline())\n"
            f"client = zmq.Context().socket(zmq.DEALER)\n"
            f"client.setsockopt(zmq.ROUTING_ID, config['service'].encode())\n"
            f"client.connect(config['control'])\n"
            f"sent = client.send_multipart\n"
            f"said = lambda kind, text: sent([struct.pack('<HHI', kind, 1, len(text)) + text])\n"
            f"said({REGISTER}, b'{{\"version\":1,\"capabilities\":[\"baseline_collector\"]}}')\n"
            f"{body}\n")
        return f"'{sys.executable}' '{script}'"

    def test_a_collector_that_floods_the_control_socket(self):
        flood = ("import os\n"
                 f"said({READY}, b'{{}}')\n"
                 "threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0))).start()\n"
                 "while True:\n    sent([random.randbytes(random.randrange(100))])\n")
        run = self.live_run("--baseline-timeout", 0.5, "--collector", self.collector(flood),
                            holds=False)
        name = pathlib.Path(sys.executable).name
        result = self.check(run, f"'{name}' does not keep to the protocol",
                            "has no reference sample before", "has no reference sample after")
        self.assertEqual(result["collectors"][0]["state"], "ready")

    # ---- who does not listen

    def test_subscribers_that_never_read(self):
        run = self.live_run("--events-batch", 1, requests=800)
        for _ in range(20):
            deaf = self.socket(zmq.SUB)
            deaf.setsockopt(zmq.RCVHWM, 1)
            for topic in TOPICS:
                deaf.subscribe(topic.encode())
            deaf.connect(bus_address(run.directory))
        self.let_go()
        self.check(run, requests=800, deaf=True)

    def test_more_connections_than_the_run_has_descriptors_for(self):
        run = self.live_run()
        path = bus_address(run.directory).removeprefix("ipc://")
        resource.prlimit(run.process.pid, resource.RLIMIT_NOFILE, (90, 90))
        for _ in range(200):
            raw = socket.socket(socket.AF_UNIX)
            self.addCleanup(raw.close)
            raw.setblocking(False)
            try:
                raw.connect(path)
            except (BlockingIOError, ConnectionError):
                pass  # so many wait to be let in
        self.let_go()
        self.check(run, "further ones are not let in")

    @staticmethod
    def assert_refused(path, first_words):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(BOUND_S)
            raw.connect(path)
            raw.sendall(first_words)
            try:
                while raw.recv(4096):
                    pass
            except ConnectionResetError:
                pass

    def test_what_is_no_subscription(self):
        """Bytes that are not ZeroMQ's, at the socket of events, over and over."""
        draw = random.Random(f"bytes {SEED}")
        run = self.live_run()
        path = bus_address(run.directory).removeprefix("ipc://")

        def pester():
            try:
                for _ in range(200):
                    with socket.socket(socket.AF_UNIX) as raw:
                        raw.connect(path)
                        raw.sendall(draw.randbytes(draw.randrange(1, 2000)))
            except OSError:
                pass  # the run closed this one

        self.assert_refused(path, b"\1\0")  # of ZMTP before version 3, as most bytes look
        threads = [threading.Thread(target=pester) for _ in range(4)]
        for thread in threads:
            thread.start()
        self.let_go()
        for thread in threads:
            thread.join()
        self.check(run)


if __name__ == "__main__":
    print(f"TKP_ROGUE_SEED={SEED}", file=sys.stderr)
    main()
