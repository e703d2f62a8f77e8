# SPDX-License-Identifier: Apache-2.0
"""When and from where requests leave: schedules that are kept, ports and source addresses,
descriptors, and plans that do not fit this machine."""
import collections
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import threading

from harness import Run, RunTest, SOURCE, TOKPERF, main, program_environment
from live import wait_until

sys.path.insert(0, str(SOURCE / "tests" / "support"))
from accepting import Acceptor  # noqa: E402

DEADLINE_S = 60
NAMES = {"tokperf", "tokperf-worker", "recorder", "publisher", "ZMQbg/Reaper", "ZMQbg/IO/0"}

ANSWER = (b'{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant",'
          b'"content":"yes"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}')
RESPONSE = (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
            % (len(ANSWER), ANSWER))


class PeerServer:
    """Answers every request, once there are `at_once` connections, and keeps for each of them its
    peer's address and port."""

    def __init__(self, family=socket.AF_INET, host="127.0.0.1", at_once=1):
        self.at_once, self.all_there = at_once, threading.Event()
        self.listener = socket.create_server((host, 0), family=family, backlog=256)
        self.port = self.listener.getsockname()[1]
        self.peers = []
        self.acceptor = Acceptor(self.listener, self.take)

    def take(self, connection, peer):
        self.peers.append(peer)
        if len(self.peers) == self.at_once:
            self.all_there.set()
        threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as lines:
            while True:
                length = 0
                for line in iter(lines.readline, b"\r\n"):
                    if not line:
                        return
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                lines.read(length)
                self.all_there.wait(DEADLINE_S)
                connection.sendall(RESPONSE)

    def close(self):
        self.acceptor.close()


class Sources(RunTest):
    def start_peer_server(self, *where):
        server = PeerServer(*where)
        self.addCleanup(server.close)
        return server

    def test_connections_take_turns(self):
        for workers in (1, 3):
            server = self.start_peer_server()
            run = self.profile(f"http://127.0.0.1:{server.port}", "--source-address", "127.0.0.2",
                               "--source-address", "127.0.0.3", "--request-count", 60,
                               "--concurrency", 4, "--workers-max", workers,
                               "--connection-reuse-strategy", "never")
            self.assertEqual(run.outcomes(), {"ok": 60})
            seen = collections.Counter(peer[0] for peer in server.peers)
            self.assertEqual(set(seen), {"127.0.0.2", "127.0.0.3"})
            self.assertEqual(sum(seen.values()), 60)
            self.assertLessEqual(abs(seen["127.0.0.2"] - seen["127.0.0.3"]), workers + 1)

    def test_the_kernel_chooses_without_it(self):
        server = self.start_peer_server()
        self.profile(f"http://127.0.0.1:{server.port}", "--request-count", 5)
        self.assertEqual({peer[0] for peer in server.peers}, {"127.0.0.1"})

    def test_an_address_of_another_machine_is_this_ones_fault(self):
        server = self.start_peer_server()
        run = self.profile(f"http://127.0.0.1:{server.port}", "--source-address", "192.0.2.77",
                           "--request-count", 3, expect=1)
        self.assertEqual(run.outcomes(), {"client_error": 3})
        message = run.json()["error_summary"][0]["error_details"]["message"]
        self.assertIn("cannot connect from 192.0.2.77", message)
        self.assertIn("--source-address", message)
        self.assertEqual(server.peers, [])

    def test_an_address_of_the_other_kind_is_refused(self):
        server = self.start_peer_server()
        run = self.profile(f"http://127.0.0.1:{server.port}", "--source-address", "::1",
                           "--request-count", 1, expect=2)
        self.assertIn("has no address of the kind (IPv4 or IPv6) of ::1", run.stderr)
        self.assertFalse(run.directory.exists())

    def test_ipv6_has_its_sources(self):
        try:
            server = self.start_peer_server(socket.AF_INET6, "::1")
        except OSError:
            self.skipTest("this machine has no IPv6")
        run = self.profile(f"http://[::1]:{server.port}", "--source-address", "127.0.0.2,::1",
                           "--request-count", 6, "--concurrency", 2)
        self.assertEqual(run.outcomes(), {"ok": 6})
        self.assertEqual({peer[0] for peer in server.peers}, {"::1"})


class Limits(RunTest):
    def limited(self, mock, *arguments, **more):
        """Runs profile with few open files; it may ask for some more."""
        return self.profile(mock, *arguments, limit=(resource.RLIMIT_NOFILE, (48, 400)), **more)

    def test_the_soft_limit_is_raised(self):
        server = PeerServer(at_once=200)
        self.addCleanup(server.close)
        run = self.limited(f"http://127.0.0.1:{server.port}", "--concurrency", 200,
                           "--request-count", 400, "--workers-max", 1)
        self.assertEqual(run.outcomes(), {"ok": 400})
        self.assertEqual(run.metric("effective_concurrency", "max"), 200)

    def test_too_many_streams_are_refused_with_the_numbers(self):
        mock = self.start_mock("--fast")
        run = self.limited(mock, "--concurrency", 301, "--workers-max", 1, expect=2)
        self.assertIn("--concurrency 301 needs 401 open files", run.stderr)
        self.assertIn("the hard limit is 400: use at most --concurrency 300", run.stderr)
        self.assertFalse(run.directory.exists())
        self.assertEqual(mock.counters()['requests_total{route="chat"}'], 0)
        run = self.limited(mock, "--concurrency", 300, "--workers-max", 1)
        self.assertEqual(run.count("request_count"), 600)

    def made_up_machine(self, **files):
        root = self.home / "machine"
        contents = {"proc/stat": "cpu  1 1 1 1 1 1 1 0 0 0\ncpu0 1 1 1 1 1 1 1 0 0 0\n", **files}
        for name, text in contents.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return str(root)

    def test_memory_and_ports_are_looked_at(self):
        mock = self.start_mock("--fast")
        root = self.made_up_machine(**{"proc/meminfo": "MemAvailable: 9000 kB\n"})
        run = self.profile(mock, "--concurrency", 5000, "--verdict-host-root", root, expect=2)
        self.assertRegex(run.stderr, r"--concurrency 5000 needs about \d+ MiB of memory .* 8 MiB")
        self.assertFalse(run.directory.exists())
        ports = "proc/sys/net/ipv4/ip_local_port_range"
        root = self.made_up_machine(**{"proc/meminfo": "MemAvailable: 9000000 kB\n",
                                       ports: "40000 40099\n"})
        run = self.profile(mock, "--concurrency", 101, "--verdict-host-root", root, expect=2)
        self.assertIn("--concurrency 101 needs as many local ports, but there are 100", run.stderr)
        self.assertFalse(run.directory.exists())
        self.assertEqual(mock.counters()['requests_total{route="chat"}'], 0)
        run = self.profile(mock, "--concurrency", 101, "--verdict-host-root", root,
                           "--source-address", "127.0.0.2,127.0.0.3")
        self.assertEqual(run.outcomes(), {"ok": 202})
        run = self.profile(mock, "--concurrency", 2, "--request-count", 101,
                           "--verdict-host-root", root, "--connection-reuse-strategy", "never")
        self.assertIn("each request takes a new one of 100 local ports", run.stderr)

    def test_many_requests_reuse_few_ports(self):
        mock = self.start_mock("--fast")
        run = self.profile(mock, "--concurrency", 8, "--request-count", 6000, "--exporter", "json")
        self.assertEqual(run.count("request_count"), 6000)
        # one connection more asks for the counters
        self.assertLessEqual(mock.counters()["connections_accepted_total"], 8 + 1)


class Schedule(RunTest):
    def test_spinning_keeps_the_load(self):
        schedules = []
        for spin in ("on", "off", "auto"):
            mock = self.start_mock("--ttft", "1", "--itl", "0", "--osl", "2")
            run = self.profile(mock, "--request-rate", 400, "--request-count", 120, "--spin", spin,
                               "--random-seed", 3)
            self.assertEqual(run.outcomes(), {"ok": 120})
            for record in run.records():
                times = record["tokperf"]
                self.assertGreaterEqual(times["start_ns"], times["ready_ns"])
                self.assertGreaterEqual(times["ready_ns"], times["intended_ns"])
            schedules.append(run.metric("offered_rate"))
        self.assertEqual(schedules[1:], schedules[:1] * 2)

    def masks(self, *arguments):
        """CPUs by the name of each thread of a running tokperf, once its worker is there."""
        mock = self.start_mock("--fast")
        process = self.start_profile(mock, "--workers-max", 1, "--request-rate", 5,
                                     "--benchmark-duration", 60, *arguments)
        try:
            mock.wait_for(lambda counters: counters['requests_total{route="chat"}'] > 0)
            wait_until(lambda: NAMES <= set(self.threads(process)), "all threads by their names")
            return self.threads(process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)

    @staticmethod
    def threads(process):
        return {(task / "comm").read_text().strip(): os.sched_getaffinity(int(task.name))
                for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir()}

    def test_threads_are_pinned_apart(self):
        everywhere = os.sched_getaffinity(0)
        masks = self.masks("--no-cpu-affinity")
        self.assertEqual(set(masks), NAMES)
        self.assertEqual(list(masks.values()), [everywhere] * len(NAMES))
        if len(everywhere) < 2:
            self.skipTest("one CPU: nothing is pinned")
        masks = self.masks()
        self.assertEqual(masks["tokperf"], everywhere)
        self.assertEqual([len(masks["tokperf-worker"]), len(masks["recorder"])], [1, 1])
        self.assertNotEqual(masks["tokperf-worker"], masks["recorder"])
        for name in NAMES - {"tokperf", "tokperf-worker"}:
            self.assertEqual(masks[name], masks["recorder"], name)

    def test_the_cpu_plan_is_shown_and_leaves_the_document_whole(self):
        shown = Run(["config", "show", "--no-cpu-affinity", "--spin", "on", "--random-seed", "1",
                     "--url", "mock:"])
        self.assertEqual(shown.code, 0, shown.stderr)
        self.assertIn("\n# CPU plan of this machine: CPUs ", shown.stdout)
        self.assertIn("\n# threads are not pinned: ", shown.stdout)
        self.assertIn("\n# workers spin before a send that is due\n", shown.stdout)
        path = self.home / "shown.yaml"
        path.write_text(shown.stdout)
        again = Run(["config", "show", str(path)])
        self.assertEqual(again.stdout, shown.stdout)

    def test_the_benchmark_of_departures_runs(self):
        done = subprocess.run(
            ["sh", str(SOURCE / "tools" / "bench" / "departure.sh"),
             str(pathlib.Path(TOKPERF).parents[1]), "--rates", "300", "--seconds", "0.2",
             "--repeats", "1"], capture_output=True, text=True, timeout=60, check=False,
            env=program_environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([line.split()[:2] for line in done.stdout.splitlines()[1:]],
                         [["300", "off"], ["300", "on"]])


if __name__ == "__main__":
    main()
