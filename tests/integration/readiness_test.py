# SPDX-License-Identifier: Apache-2.0
"""Waiting for the server ends at its deadline whatever the server does, and asks with the user's
headers."""
import http.server
import threading

from harness import RunTest, main

MODELS = b'{"data":[{"id":"test"}]}'


class Readiness(RunTest):
    def start_server(self, answer):
        """answer(handler, number) is called with each request, counted from 1."""
        seen = []
        silent = threading.Event()
        self.addCleanup(silent.set)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                seen.append(self)
                answer(self, len(seen))

            do_POST = do_GET

            def log_message(self, *_):
                pass

            def reply(self, status, body=b""):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def say_nothing(self):
                silent.wait()

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}", seen

    def with_time(self, attempt):
        """What attempt(seconds to wait) says is true once it has so many, on whatever machine."""
        self.assertTrue(any(attempt(seconds) for seconds in (0.4, 1, 4, 16)))

    def test_a_pause_past_the_deadline_ends_the_wait(self):
        # The pause goes in steps of 20 ms: one that should end shortly before the deadline ends
        # after it. Which interval does so depends on how long the first request took.
        def attempt(interval):
            url, seen = self.start_server(
                lambda h, n: h.reply(503) if n == 1 else h.say_nothing())
            run = self.profile(url, "--request-count", 1, "--wait-for-model-timeout", "0.3",
                               "--wait-for-model-interval", interval, expect=1)
            self.assertIn("--wait-for-model-timeout 0.3 s", run.stderr)
            self.assertFalse(run.directory.exists())
            return seen

        for interval in ("0.242", "0.262", "0.281", "0.29"):
            with self.subTest(interval=interval):
                self.until(lambda i=interval: attempt(i), bool)

    def silent_from_the_second(self, first, *arguments):
        """What a run that waits so asks a server that answers the first request, and no other."""
        url, seen = self.start_server(first)
        run = self.profile(url, "--request-count", 1, "--wait-for-model-interval", "0.1",
                           *arguments, expect=1)
        self.assertIn("not ready", run.stderr)
        return [h.command for h in seen]

    def test_a_server_that_falls_silent_ends_the_wait(self):
        for mode, asked in (("models", ["GET"] * 2), ("inference", ["POST"] * 2),
                            ("both", ["GET"] * 2)):
            with self.subTest(mode=mode):
                self.with_time(lambda seconds, m=mode, a=asked: self.silent_from_the_second(
                    lambda h, n: h.reply(503) if n == 1 else h.say_nothing(),
                    "--wait-for-model-timeout", seconds, "--wait-for-model-mode", m) == a)

    def test_mode_both_waits_for_both_within_one_deadline(self):
        self.with_time(lambda seconds: self.silent_from_the_second(
            lambda h, n: h.reply(200, MODELS) if n == 1 else h.say_nothing(),
            "--wait-for-model-timeout", seconds, "--wait-for-model-mode", "both") ==
            ["GET", "POST"])

    def test_the_model_itself_has_to_be_listed(self):
        other = b'{"data":[{"id":"other"}]}'
        both = b'{"data":[{"id":"other"},{"id":"test"}]}'
        url, _ = self.start_server(lambda h, n: h.reply(200, other))
        self.with_time(lambda seconds: "names no model 'test'" in self.profile(
            url, "--request-count", 1, "--wait-for-model-timeout", seconds,
            "--wait-for-model-interval", "0.1", "--wait-for-model-mode", "models", expect=1).stderr)
        url, seen = self.start_server(lambda h, n: h.reply(200, other if n == 1 else both))
        self.profile(url, "--request-count", 1, "--wait-for-model-timeout", "60",
                     "--wait-for-model-interval", "0.1", "--wait-for-model-mode",
                     "models", expect=1)  # it is no inference server
        self.assertEqual([h.command for h in seen[:3]], ["GET", "GET", "POST"])

    def test_a_type_that_sends_only_given_bodies_is_not_waited_for(self):
        """No wait makes it able to send a request of tokperf's own; the list of models it can ask."""
        payloads = self.home / "payloads.jsonl"
        payloads.write_text('{"prompt": "a b c"}\n')
        raw = ("--endpoint-type", "raw", "--input-file", payloads, "--request-count", 1,
               "--wait-for-model-timeout", 3600)
        url, seen = self.start_server(lambda h, n: h.reply(200, MODELS))
        run = self.profile(url, *raw, expect=2)
        self.assertIn("--wait-for-model-mode models", run.stderr)
        self.assertEqual((seen, run.directory.exists()), ([], False))
        self.profile(url, *raw, "--wait-for-model-mode", "models", expect=None)
        self.assertEqual([h.command for h in seen], ["GET", "POST"])

    def test_long_headers_are_sent(self):
        value = "x" * 20000

        def attempt(seconds):
            url, seen = self.start_server(lambda h, n: h.reply(503))
            self.profile(url, "--request-count", 1, "--wait-for-model-timeout", seconds, "--header",
                         f"X-Long:{value}", expect=1)
            return seen and seen[0].headers["X-Long"] == value

        self.with_time(attempt)


if __name__ == "__main__":
    main()
