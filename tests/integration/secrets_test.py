# SPDX-License-Identifier: Apache-2.0
"""A server that says the credentials back does not get them into any artifact."""
import base64
import http.server
import json
import threading

from harness import RunTest, main

KEY = "sk-Echoed/0123456789"


class Secrets(RunTest):
    def start_server(self, text_of, as_json):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                text = text_of(self.headers)
                error = json.dumps({"error": {"message": text, "type": text}}).replace("/", "\\/")
                body = (error if as_json else text).encode()
                self.send_response(401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def check(self, run, *secrets):
        files = [p for p in run.directory.rglob("*") if p.is_file()]
        self.assertIn("records.tkr", [p.name for p in files])
        for secret in secrets:
            for path in files:
                self.assertNotIn(secret.encode(), path.read_bytes(), path.name)
            self.assertNotIn(secret, run.stdout + run.stderr)
        self.assertIn("<redacted>", run.path("profile_export.jsonl").read_text())

    def test_an_api_key_that_the_server_repeats(self):
        for as_json in (False, True):
            with self.subTest(json=as_json):
                port = self.start_server(lambda h: f"invalid key: {h['Authorization']}.", as_json)
                run = self.profile(f"http://127.0.0.1:{port}", "--request-count", 2, "--api-key",
                                   KEY, expect=1)
                self.check(run, KEY, KEY[3:], KEY.replace("/", "\\/"))
                message = run.records()[0]["error"]["message"]
                self.assertEqual(message, "invalid key: Bearer <redacted>.")

    def test_a_secret_header_that_the_server_repeats(self):
        port = self.start_server(lambda h: "x" * 240 + h["X-Api-Key"], True)
        run = self.profile(f"http://127.0.0.1:{port}", "--request-count", 2, "--header",
                           f"X-Api-Key:{KEY}", expect=1)
        self.assertNotIn(KEY[:6], run.path("profile_export.jsonl").read_text())

    def test_user_info_that_the_server_repeats(self):
        def decoded(headers):
            coded = headers["Authorization"].split()[1]
            return f"wrong: {coded} {base64.b64decode(coded).decode()}"
        port = self.start_server(decoded, False)
        run = self.profile(f"http://somebody:pass-word@127.0.0.1:{port}", "--request-count", 2,
                           expect=1)
        self.check(run, "pass-word", base64.b64encode(b"somebody:pass-word").decode())

    def test_a_secret_in_the_reason_why_there_is_no_report(self):
        """It is in the final snapshot, and on the bus."""
        events = self.home / "events.jsonl"
        path = f"/nothing?api_key={KEY}"
        run = self.profile(self.start_mock("--fast"), "--request-count", 2, "--server-profiler",
                           "--warmup-request-count", 2,
                           "--server-profiler-start-path", path, "--events-log", events, expect=3)
        final = run.path("metrics/final_snapshot.json").read_text()
        self.assertIn("/nothing?api_key=<redacted>", json.loads(final)["failure"])
        for text in (final, events.read_text(), run.stdout + run.stderr):
            self.assertNotIn(KEY, text)
            self.assertNotIn(KEY.replace("/", "\\/"), text)


if __name__ == "__main__":
    main()
