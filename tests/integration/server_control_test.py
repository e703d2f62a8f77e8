# SPDX-License-Identifier: Apache-2.0
"""What the servers are asked around the load (--reset-kv-cache, --server-profiler), what carries
the conversation's id, the marker against prompt caches, and a key out of a file."""
import http.server
import json
import pathlib
import re
import signal
import threading

from harness import RUN_DEADLINE_S, Run, RunTest, main

ANSWER = json.dumps({"object": "chat.completion", "choices": [
    {"message": {"content": "yes"}, "finish_reason": "stop"}]}).encode()
MARKER = re.compile(r"\[rid:([0-9a-f]{16})\]")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Request:
    def __init__(self, handler):
        self.path = handler.path
        self.headers = handler.headers
        length = int(handler.headers.get("Content-Length") or 0)
        self.body = handler.rfile.read(length)

    def messages(self):
        return json.loads(self.body)["messages"]


class ServerControl(RunTest):
    def start_server(self, answer=None):
        """answer(path, number of requests for it) -> (status, body, headers) or None for 200."""
        seen, lock = [], threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes

            def do_POST(self):
                request = Request(self)
                with lock:
                    seen.append(request)
                    number = sum(r.path == self.path for r in seen)
                given = answer(self.path, number) if answer else None
                status, body, headers = given or (200, ANSWER, {})
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # runs that are interrupted leave their connections
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}", seen

    def paths(self, seen):
        return [r.path for r in seen]

    # ---- resetting and profiling ----

    def test_reset_before_the_warmup_and_profiling_around_the_load(self):
        url, seen = self.start_server()
        run = self.profile(url + "/prefix", "--reset-kv-cache", "--server-profiler",
                           "--warmup-request-count", 2, "--request-count", 3, "--header",
                           "X-Test: yes", "--api-key", "sk-very-secret")
        chat = "/prefix/v1/chat/completions"
        self.assertEqual(self.paths(seen), ["/reset_prefix_cache", chat, chat, "/start_profile",
                                            chat, chat, chat, "/stop_profile"])
        for request in (seen[0], seen[3], seen[-1]):
            self.assertEqual(request.body, b"")
            self.assertEqual(request.headers["X-Test"], "yes")
            self.assertEqual(request.headers["Authorization"], "Bearer sk-very-secret")
        for result in (run.json(), self.report(run)):
            calls = result["server_control"]
            self.assertEqual([c["action"] for c in calls],
                             ["reset_kv_cache", "start_profile", "stop_profile"])
            for call in calls:
                self.assertTrue(call["ok"])
                self.assertEqual((call["status_code"], call["attempts"]), (200, 1))
                self.assertEqual(call["url"].rsplit("/", 1)[0], url)
                self.assertIn("start_time", call)
        self.assertIn("Server control: reset_kv_cache done", run.stdout)

    def report(self, run):
        done = Run(["report", str(run.directory)], run.directory)
        self.assertEqual(done.code, 0, done.stderr)
        return run.json()

    def test_servers_that_share_an_address_are_asked_once(self):
        first, seen = self.start_server()
        second, others = self.start_server()
        run = self.profile(first, "--url", first + "/x", "--url", second, "--reset-kv-cache-path",
                           "/flush_cache", "--request-count", 3)
        self.assertEqual(self.paths(seen).count("/flush_cache"), 1)
        self.assertEqual(self.paths(others).count("/flush_cache"), 1)
        self.assertEqual(len(run.json()["server_control"]), 2)

    def test_a_run_without_them_says_nothing_of_them(self):
        url, seen = self.start_server()
        run = self.profile(url, "--request-count", 1)
        self.assertEqual(len(seen), 1)
        self.assertNotIn("server_control", run.json())

    def test_a_reset_that_fails_refuses_the_run(self):
        url, seen = self.start_server(lambda path, n: (404, b"no such route", {}))
        run = self.profile(url, "--reset-kv-cache", "--request-count", 1, expect=3)
        self.assertIn(f"--reset-kv-cache: POST {url}/reset_prefix_cache: it answers with HTTP "
                      "status 404: no such route", run.stderr)
        self.assertEqual(self.paths(seen), ["/reset_prefix_cache"])
        self.assertFalse(run.directory.exists())

    def test_a_busy_server_is_asked_again(self):
        url, seen = self.start_server(
            lambda path, n: (503, b"", {}) if path == "/reset_prefix_cache" and n == 1 else None)
        run = self.profile(url, "--reset-kv-cache", "--request-count", 1)
        self.assertEqual(self.paths(seen)[:2], ["/reset_prefix_cache"] * 2)
        self.assertEqual(run.json()["server_control"][0]["attempts"], 2)
        self.assertIn("asked again in 1 s", run.stderr)

    def test_a_profiler_that_does_not_start_ends_the_run(self):
        first, seen = self.start_server()
        second, others = self.start_server(
            lambda path, n: (500, b"busy", {}) if path == "/start_profile" else None)
        run = self.profile(first, "--url", second, "--server-profiler", "--request-count", 2,
                           expect=3)
        self.assertIn(f"--server-profiler: POST {second}/start_profile: it answers with HTTP "
                      "status 500: busy", run.stderr)
        self.assertEqual(self.paths(seen), ["/start_profile", "/stop_profile"])
        self.assertEqual(self.paths(others), ["/start_profile"])
        self.assertFalse(run.directory.exists())

    def test_a_profiler_that_does_not_stop_is_in_the_result(self):
        url, _ = self.start_server(lambda path, n: (500, b"key sk-very-secret", {})
                                   if path == "/stop_profile" else None)
        run = self.profile(url, "--server-profiler", "--request-count", 2, "--api-key",
                           "sk-very-secret")
        stop = run.json()["server_control"][-1]
        self.assertEqual((stop["action"], stop["ok"], stop["status_code"], stop["message"]),
                         ("stop_profile", False, 500, "key <redacted>"))
        self.assertIn("stop_profile FAILED", run.stdout)
        self.assertIn("may be profiling still", run.stderr)
        for path in run.directory.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"sk-very-secret", path.read_bytes(), path)

    def test_an_interrupted_run_stops_the_profiler(self):
        begun = threading.Event()

        def answer(path, number):
            if path.endswith("completions"):
                begun.set()
            return None

        url, seen = self.start_server(answer)
        program = self.start_profile(url, "--benchmark-duration", 600, "--concurrency", 1,
                                     "--server-profiler")
        self.assertTrue(begun.wait(RUN_DEADLINE_S))
        program.send_signal(signal.SIGINT)
        self.assertEqual(program.wait(timeout=RUN_DEADLINE_S), 130)
        self.assertEqual(self.paths(seen)[-1], "/stop_profile")
        result = json.loads((program.directory / "profile_export.json").read_text())
        self.assertEqual(result["server_control"][-1]["action"], "stop_profile")

    def test_an_interrupted_reset_refuses_the_run(self):
        asked, silent = threading.Event(), threading.Event()
        self.addCleanup(silent.set)

        def answer(path, number):
            asked.set()
            silent.wait()

        url, _ = self.start_server(answer)
        program = self.start_profile(url, "--reset-kv-cache")
        self.assertTrue(asked.wait(RUN_DEADLINE_S))
        program.send_signal(signal.SIGINT)
        self.assertEqual(program.wait(timeout=RUN_DEADLINE_S), 130)
        self.assertFalse(program.directory.exists())

    def test_the_file_says_the_same(self):
        url, seen = self.start_server()
        for control in ("true", "{timeout_seconds: 3, path: /flush}"):
            file = self.home / "config.yaml"
            file.write_text(f"benchmark: {{endpoint: {{reset_kv_cache: {control}, server_profiler: "
                            "true}, dataset: {prompts: {cache_bust: first_turn_prefix}}}\n")
            del seen[:]
            run = self.profile(url, "--config", file, "--request-count", 1)
            path = "/flush" if "flush" in control else "/reset_prefix_cache"
            chat = "/v1/chat/completions"
            self.assertEqual(self.paths(seen), [path, "/start_profile", chat, "/stop_profile"])
            self.assertRegex(seen[2].messages()[0]["content"], "^.rid:")
            again = Run(["config", "show", "--config", str(run.path("config.yaml"))])
            self.assertEqual(again.code, 0, again.stderr)
            self.assertIn("first_turn_prefix", again.stdout)
            self.assertIn(path, again.stdout)

    def test_wrong_options_are_refused(self):
        for arguments, sentence in (
                (["--reset-kv-cache-path", "http://x/y"], "is not a path of the server"),
                (["--server-profiler-stop-path", "stop"], "is not a path of the server"),
                (["--server-profiler=false", "--server-profiler-timeout-seconds", "3"],
                 "--server-profiler is switched off"),
                (["--endpoint", "http://z"], "is a URL; name the server with --url"),
                (["--session-header", "a b"], "is no name of a header"),
                (["--session-header", "content-length"], "another meaning"),
                (["--cache-bust", "system_prefix", "--endpoint-type", "embeddings"],
                 "cannot put a marker")):
            with self.subTest(arguments=arguments):
                run = self.profile("http://127.0.0.1:1", "--request-count", 1, *arguments,
                                   expect=2)
                self.assertIn(sentence, run.stderr)
                self.assertFalse(run.directory.exists())

    # ---- ids ----

    def test_ids_of_requests_and_conversations(self):
        url, seen = self.start_server()
        arguments = ["--conversation-turn-mean", 2, "--num-dataset-entries", 3, "--random-seed", 1]
        runs = [self.profile(url, "--num-conversations", 3, *arguments, *more)
                for more in ([], ["--session-header", "X-Session-ID"])]
        first, second = seen[:6], seen[6:]
        for name, requests, run in (("X-Correlation-ID", first, runs[0]),
                                    ("X-Session-ID", second, runs[1])):
            ids = [r.headers[name] for r in requests]
            self.assertTrue(all(UUID.fullmatch(i) for i in ids))
            self.assertEqual(ids, [r.headers["X-Session-Affinity"] for r in requests])
            self.assertEqual(len(set(ids)), 3)
            self.assertTrue(all(ids.count(i) == 2 for i in ids))
            self.assertEqual(len({r.headers["X-Request-ID"] for r in requests}), 6)
            metadata = [r["metadata"] for r in run.records()]
            self.assertEqual({m["x_request_id"] for m in metadata},
                             {r.headers["X-Request-ID"] for r in requests})
            self.assertEqual({m["x_correlation_id"] for m in metadata}, set(ids))
        self.assertIsNone(second[0].headers["X-Correlation-ID"])
        self.assertFalse({r.headers["X-Request-ID"] for r in first} &
                         {r.headers["X-Request-ID"] for r in second})
        self.assertFalse({r.headers["X-Session-Affinity"] for r in first} &
                         {r.headers["X-Session-Affinity"] for r in second})

    def test_headers_of_the_user_win(self):
        url, seen = self.start_server()
        self.profile(url, "--request-count", 1, "-H", "x-correlation-id: mine", "-H",
                     "X-Session-Affinity: too", "-H", "X-Request-ID: r")
        headers = seen[0].headers
        for name, value in (("X-Correlation-ID", "mine"), ("X-Session-Affinity", "too"),
                            ("X-Request-ID", "r")):
            self.assertEqual(headers.get_all(name), [value])

    # ---- the marker against prompt caches ----

    def bust(self, where, rows, *arguments):
        url, seen = self.start_server()
        file = self.home / "rows.jsonl"
        file.write_text("\n".join(json.dumps(row) for row in rows))
        run = self.profile(url, "--input-file", file, "--cache-bust", where, "--random-seed", 1,
                           "--concurrency", 1, *arguments)
        return run, [r.messages() for r in seen]

    def test_places_of_the_marker(self):
        system = {"turns": [{"role": "system", "text": "be kind"}, {"text": "one"},
                            {"text": "two"}]}
        plain = {"turns": [{"text": "\"one\""}, {"text": "two"}]}
        for where, row, at, pattern in (
                ("system_prefix", system, 0, r"\[rid:([0-9a-f]{16})\]\n\nbe kind"),
                ("system_suffix", system, 0, r"be kind\n\n\[rid:([0-9a-f]{16})\]"),
                ("first_turn_prefix", system, 1, r"\[rid:([0-9a-f]{16})\]\n\none"),
                ("first_turn_suffix", system, 1, r"one\n\n\[rid:([0-9a-f]{16})\]"),
                ("system_prefix", plain, 0, r'\[rid:([0-9a-f]{16})\]\n\n"one"'),
                ("system_suffix", plain, 0, r'"one"\n\n\[rid:([0-9a-f]{16})\]')):
            with self.subTest(where=where, at=at):
                _, turns = self.bust(where, [row], "--custom-dataset-type", "multi_turn",
                                     "--num-conversations", 2)
                self.assertEqual(len(turns), 4)
                salts = []
                for messages in turns:
                    self.assertRegex(messages[at]["content"], f"^{pattern}$")
                    found = MARKER.findall(json.dumps(messages))
                    self.assertEqual(len(found), 1)
                    salts += found
                self.assertEqual(salts[0], salts[1])  # the turns of a conversation
                self.assertEqual(salts[2], salts[3])
                self.assertNotEqual(salts[0], salts[2])

    def test_two_runs_of_one_seed_send_different_prompts(self):
        rows = [{"text": "the same for all"}]
        sent = [self.bust("first_turn_prefix", rows, "--request-count", 3) for _ in range(2)]
        salts = {MARKER.search(m[0]["content"]).group(1) for _, turns in sent for m in turns}
        self.assertEqual(len(salts), 6)
        self.assertEqual(sent[0][0].json()["prompt_reuse"], {"sent": 3, "distinct": 3})
        plain, turns = self.bust("none", rows, "--request-count", 3)
        self.assertEqual(plain.json()["prompt_reuse"], {"sent": 3, "distinct": 1})
        self.assertFalse(MARKER.search(json.dumps(turns)))

    def test_a_body_that_cannot_carry_the_marker_is_refused(self):
        url, seen = self.start_server()
        file = self.home / "payload.jsonl"
        file.write_text('{"messages":[{"role":"user","content":"hi"}]}\n')
        run = self.profile(url, "--input-file", file, "--cache-bust", "system_prefix",
                           "--request-count", 1, expect=2)
        self.assertIn("sent as ", run.stderr)
        self.assertEqual(seen, [])
        self.assertFalse(run.directory.exists())

    # ---- the key ----

    def test_a_key_out_of_a_file(self):
        url, seen = self.start_server()
        file = self.home / "key"
        file.write_text("sk-out-of-a-file\n")
        run = self.profile(url, "--request-count", 1, "--api-key-file", file)
        self.assertEqual(seen[0].headers["Authorization"], "Bearer sk-out-of-a-file")
        for path in run.directory.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"sk-out-of-a-file", path.read_bytes(), path)
        for text, more, sentence in (("", [], "holds no key"), ("a b", [], "holds no key"),
                                     ("k", ["--api-key", "x"], "gives a key already")):
            file.write_text(text)
            bad = self.profile(url, "--request-count", 1, "--api-key-file", file, *more, expect=2)
            self.assertIn(sentence, bad.stderr)
        missing = self.profile(url, "--request-count", 1, "--api-key-file",
                               pathlib.Path(self.home, "none"), expect=2)
        self.assertIn("--api-key-file", missing.stderr)
        self.assertEqual(len(seen), 1)


if __name__ == "__main__":
    main()
