# SPDX-License-Identifier: Apache-2.0
"""--export-level raw: what was sent and what came, with times, without credentials; made again from
the record log alone. And Retry-After and redirects in the results."""
import http.server
import json
import threading
import time

from harness import Run, RunTest, main

KEY = "sk-very-secret-key"
EVENT = 'data: {"choices":[{"delta":{"content":"%s"},"finish_reason":%s}]}\n\n'


class Raw(RunTest):
    transport = "native"

    def start_server(self, answer):
        """answer(handler, number of the request) writes the whole answer."""
        seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.body = self.rfile.read(int(self.headers["Content-Length"]))
                seen.append(self)
                answer(self, len(seen))
                self.close_connection = True

            def begin(self, status, content_type, **headers):
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Connection", "close")
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()

            def say(self, data, pause_s=0.0):
                self.wfile.write(data.encode() if isinstance(data, str) else data)
                self.wfile.flush()
                time.sleep(pause_s)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}", seen

    def raw(self, url, *arguments, **more):
        return self.profile(url, "--export-level", "raw", "--api-key", KEY, "--transport",
                            self.transport, *arguments, **more)

    def lines(self, run):
        text = run.path("profile_export_raw.jsonl").read_bytes().decode("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def assert_no_key(self, run):
        for path in run.directory.rglob("*"):
            if path.is_file():
                self.assertNotIn(KEY.encode(), path.read_bytes(), path)

    def test_a_stream(self):
        def answer(handler, _):
            handler.begin(200, "text/event-stream")
            handler.say(": ping\n\n", 0.02)
            handler.say((EVENT % ("one", "null"))[:20], 0.02)
            handler.say((EVENT % ("one", "null"))[20:] + EVENT % ("two", "null"), 0.02)
            handler.say(EVENT % ("three", '"stop"') + "data: [DONE]\n\n")

        url, seen = self.start_server(answer)
        run = self.raw(url, "--streaming", "--request-count", 2, "--concurrency", 1, "-H",
                       "X-Api-Key: another-secret", "-H", "X-Plain: yes")
        lines, records = self.lines(run), run.records()
        self.assertEqual(len(lines), 2)
        for line, record, request in zip(lines, records, seen):
            self.assertEqual(line["metadata"], record["metadata"])
            self.assertEqual(line["status"], 200)
            self.assertEqual(line["payload"], json.loads(request.body))
            self.assertEqual((line["method"], line["path"]), ("POST", "/v1/chat/completions"))
            headers = dict(line["request_headers"])
            self.assertEqual(headers.pop("Authorization"), "<redacted>")
            self.assertEqual(headers.pop("X-Api-Key"), "<redacted>")
            self.assertEqual(headers, {k: v for k, v in request.headers.items()
                                       if k not in ("Authorization", "X-Api-Key")})
            packets = [r["packets"] for r in line["responses"]]
            self.assertEqual(packets[0], [{"name": "comment", "value": "ping"}])
            self.assertEqual(packets[-1], [{"name": "data", "value": "[DONE]"}])
            self.assertEqual("".join(json.loads(p[0]["value"])["choices"][0]["delta"]["content"]
                                     for p in packets[1:-1]), "onetwothree")
            times = [r["perf_ns"] for r in line["responses"]]
            self.assertEqual(times, sorted(times))
            self.assertEqual(times[1], times[2])  # they came together
            self.assertEqual(times[3], times[4])
            start = line["start_perf_ns"]
            first = record["metrics"]["time_to_first_token"]["value"]
            self.assertAlmostEqual((times[1] - start) / 1e6, first, places=3)
            if times[3] != times[2]:  # else all of it was read at once, and there is no gap
                gaps = record["metrics"]["inter_chunk_latency"]["value"]
                self.assertAlmostEqual((times[3] - times[2]) / 1e6, gaps[-1], places=3)
        self.assert_no_key(run)
        self.assertNotIn(b"another-secret", run.path("records.tkr").read_bytes())

    def test_report_makes_it_again(self):
        mock = self.start_mock("--ttft", "1", "--itl", "0.1")
        run = self.raw(mock, "--streaming", "--request-count", 20, "--osl", 5, "--workers-max", 2)
        before = run.path("profile_export_raw.jsonl").read_bytes()
        self.assertEqual(len(self.lines(run)), 20)
        run.path("profile_export_raw.jsonl").unlink()
        done = Run(["report", str(run.directory)], run.directory)
        self.assertEqual(done.code, 0, done.stderr)
        self.assertEqual(run.path("profile_export_raw.jsonl").read_bytes(), before)

    def test_a_key_that_the_server_says_back_in_two_reads(self):
        def answer(handler, _):
            handler.begin(500, "application/json")
            text = json.dumps({"error": {"message": f"no such key: {KEY}", "type": "auth",
                                         "query": handler.path}})
            cut = text.index(KEY) + 5
            handler.say(text[:cut], 0.05)
            handler.say(text[cut:])

        url, _ = self.start_server(answer)
        run = self.raw(url, "--request-count", 1, "--endpoint", "/x?a=b&access_token=in-the-query",
                       expect=1)
        line = self.lines(run)[0]
        self.assertEqual(json.loads(line["responses"][0]["text"])["error"]["query"],
                         "/x?a=b&access_token=<redacted>")
        self.assertEqual(line["status"], 500)
        self.assertEqual(json.loads(line["responses"][0]["text"])["error"]["message"],
                         "no such key: <redacted>")
        self.assertEqual(line["responses"][0]["content_type"], "application/json")
        self.assertEqual(line["error"]["code"], 500)
        self.assertEqual(len(line["responses"]), 1)
        self.assertIn("perf_ns", line["responses"][0])
        self.assert_no_key(run)

    def test_bytes_that_are_not_utf8(self):
        def answer(handler, _):
            handler.begin(400, "text/plain")
            handler.say(b"caf\xc3", 0.02)
            handler.say(b"\xa9 \xff\x00!")

        url, _ = self.start_server(answer)
        run = self.raw(url, "--request-count", 1, expect=1)
        self.assertEqual(self.lines(run)[0]["responses"][0]["text"], "caf\u00e9 \ufffd\u0000!")

    def test_long_ones_are_cut(self):
        def answer(handler, _):
            handler.begin(200, "application/json")
            text = json.dumps({"object": "chat.completion", "choices": [
                {"message": {"content": "x" * (17 << 20)}, "finish_reason": "stop"}]})
            handler.say(text)

        url, _ = self.start_server(answer)
        run = self.raw(url, "--request-count", 1)
        line = self.lines(run)[0]
        self.assertTrue(line["response_cut"])
        self.assertNotIn("request_cut", line)
        self.assertEqual(len(line["responses"][0]["text"]), 16 << 20)
        self.assertEqual(run.outcomes(), {"ok": 1})

    def test_requests_without_an_answer_have_a_line(self):
        run = self.raw("http://127.0.0.1:1", "--request-count", 1, "--endpoint",
                       "/v2/x?a=b&api_key=hidden-one", expect=1)
        line = self.lines(run)[0]
        self.assertEqual(line["error"]["type"], "refused")
        self.assertIn("messages", line["payload"])
        self.assertEqual(line["path"], "/v2/x?a=b&api_key=<redacted>")
        self.assertEqual(line["request_headers"]["Host"], "127.0.0.1:1")
        self.assertNotIn(b"hidden-one", run.path("records.tkr").read_bytes())
        self.assertEqual(line["responses"], [])
        self.assertNotIn("status", line)

    def test_other_levels_keep_nothing_of_it(self):
        mock = self.start_mock()
        for level in ("summary", "records"):
            run = self.profile(mock, "--export-level", level, "--request-count", 5,
                               "--input-file", self.prompts())
            self.assertFalse(run.path("profile_export_raw.jsonl").exists())
            self.assertNotIn(b"a prompt to look for", run.path("records.tkr").read_bytes())
        run = self.profile(mock, "--exporter", "raw", "--request-count", 1, expect=2)
        self.assertIn("--export-level raw", run.stderr)
        run = self.raw(mock, "--request-count", 5, "--input-file", self.prompts())
        self.assertIn(b"a prompt to look for", run.path("records.tkr").read_bytes())
        self.assertEqual(len(run.records()), 5)

    def prompts(self):
        file = self.home / "prompts.jsonl"
        file.write_text('{"text": "a prompt to look for"}\n')
        return file

    # ---- answers that ask for something ----

    def test_retry_after_is_counted_and_not_waited_for(self):
        def answer(handler, number):
            after = "3600" if number % 2 else "Wed, 21 Oct 2026 07:28:00 GMT"
            handler.begin(429 if number % 2 else 503, "text/plain", Retry_After=after)
            handler.say("later")

        url, _ = self.start_server(answer)
        run = self.profile(url, "--request-count", 4, "--concurrency", 1, "--transport",
                           self.transport, expect=1)
        result = run.json()
        self.assertEqual(result["retry_after_count"]["avg"], 4)
        self.assertEqual(result["retry_after_max"], {"unit": "sec", "avg": 3600})
        summary = {(e["error_details"]["code"], e["error_details"]["message"]): e["count"]
                   for e in result["error_summary"]}
        self.assertEqual(summary, {
            (429, "Retry-After: 3600; later"): 2,
            (503, "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT; later"): 2})
        rows = {row[0]: row[1] for row in run.csv_rows() if len(row) == 2}
        self.assertEqual(float(rows["Answers With Retry-After"]), 4)
        self.assertEqual(float(rows["Longest Retry-After (sec)"]), 3600)

    def test_a_redirect_is_an_error_that_says_where_to(self):
        def answer(handler, _):
            handler.begin(307, "text/plain",
                          Location=f"http://u:pw@elsewhere/v2?api_key=hidden&k={KEY}&a=b")

        url, seen = self.start_server(answer)
        run = self.raw(url, "--request-count", 1, expect=1)
        error = run.json()["error_summary"][0]["error_details"]
        self.assertEqual(error["code"], 307)
        self.assertIn("redirected to http://", error["message"])
        self.assertIn("elsewhere/v2", error["message"])
        self.assertIn("a=b", error["message"])
        for secret in ("u:pw", "hidden", KEY):
            self.assertNotIn(secret, error["message"])
        self.assertEqual(len(seen), 1)
        self.assertNotIn("retry_after_count", run.json())
        self.assert_no_key(run)


class RawOverCurl(Raw):
    """The same over libcurl."""
    transport = "curl"


if __name__ == "__main__":
    main()
