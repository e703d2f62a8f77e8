# SPDX-License-Identifier: Apache-2.0
"""What makes a verdict happen from outside of the program: made-up /proc and /sys, a thread that is
stopped alone, signals in bursts, a server that says too little."""
import ctypes
import json
import os
import pathlib
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CPUS = 2


class HostRoot:
    """A directory with the files that --verdict-host-root reads. steal_pct: share of the time that
    passes which the hypervisor takes; time passes with each advance()."""

    def __init__(self, path, steal_pct=0, load="0.10", governor=None):
        self.path = pathlib.Path(path)
        self.steal_pct = steal_pct
        self.ticks = 1000
        self.lock = threading.Lock()
        self.put("proc/loadavg", f"{load} 0.20 0.30 1/80 4711\n")
        self.write_stat()
        for cpu in os.sched_getaffinity(0) if governor else ():
            self.put(f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor", governor + "\n")

    def put(self, name, text):
        """As one step, so that no reader sees half of it."""
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.with_suffix(".new").write_text(text)
        os.replace(place.with_suffix(".new"), place)

    def write_stat(self):
        steal = self.ticks * self.steal_pct // 100
        line = f"0 0 0 {self.ticks - steal} 0 0 0 {steal} 0 0"
        self.put("proc/stat", f"cpu  {line}\n" + "".join(f"cpu{i} {line}\n" for i in range(CPUS)))

    def advance(self):
        with self.lock:
            self.ticks += 1000
            self.write_stat()


class Stopper:
    """Stops a process for a moment, which is over a while after the next answer to it was sent."""

    def __init__(self, stopped_s):
        self.stopped_s, self.process, self.started = stopped_s, None, threading.Event()

    def watch(self, process):
        self.process = process
        self.started.set()

    def stop(self):
        self.started.wait()
        self.send(signal.SIGSTOP)
        threading.Timer(self.stopped_s, self.send, (signal.SIGCONT,)).start()

    def send(self, number):
        try:
            os.kill(self.process.pid, number)
        except ProcessLookupError:
            pass


class StoppedThread:
    """Stops one thread of a child by ptrace(2), until it is let go by the same thread of ours. Not
    possible: PermissionError."""
    SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
    WALL = 0x40000000  # waitpid for a thread

    def __init__(self, tid):
        self.tid = tid
        self.call(self.SEIZE)
        self.call(self.INTERRUPT)
        os.waitpid(tid, self.WALL)

    def call(self, request):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        libc.ptrace.restype = ctypes.c_long
        if libc.ptrace(request, self.tid, None, None) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def let_go(self):
        self.call(self.DETACH)


def thread_named(pid, name):
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    return None


def is_asleep(pid, tid):
    """It waits for something; not so one that is stopped, or that waits for a CPU."""
    stat = pathlib.Path(f"/proc/{pid}/task/{tid}/stat").read_text()
    return stat.rsplit(")", 1)[1].split()[0] == "S"


class Listener(ThreadingHTTPServer):
    request_queue_size = 1024  # a client that goes on after a stop opens many connections at once
    daemon_threads = True


class PlainServer:
    """Answers /v1/chat/completions whole. usage(n): the usage object of the nth answer, or None; it is
    called before that answer is sent, so a test can do there what is to happen amid the load."""

    def __init__(self, usage, content="hi"):
        self.asked = self.answered = 0
        self.lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes

            def do_POST(self):  # pylint: disable=invalid-name
                self.rfile.read(int(self.headers["content-length"]))
                answer = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
                with server.lock:
                    number = server.asked
                    server.asked += 1
                said = usage(number)
                if said:
                    answer["usage"] = said
                body = json.dumps(answer, ensure_ascii=False).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                with server.lock:
                    server.answered += 1

            def log_message(self, *unused):  # pylint: disable=arguments-differ
                pass

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # clients that were cut off
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
