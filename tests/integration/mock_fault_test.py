# SPDX-License-Identifier: Apache-2.0
"""The faults and dialects of tokperf-mock, seen from a plain socket."""
import json
import unittest

from mock_support import Mock, chat, main

USAGE = {"include_usage": True}


def bad_events(response):
    """Events that are not JSON."""
    bad = 0
    for data in response.events():
        try:
            json.loads(data)
        except ValueError:
            bad += data != "[DONE]"
    return bad


class Faults(unittest.TestCase):
    def check(self, kind, look, stream=True):
        """Every request gets the fault; `look` sees the response, and the counters agree."""
        with self.subTest(kind=kind, stream=stream):
            with Mock("--fast", "--osl", "8", "--fault-" + kind, "1") as mock:
                with mock.connect() as client:
                    client.post("/v1/chat/completions", chat(stream))
                    look(client)
                counters = mock.counters()
            self.assertEqual(counters['faults_total{kind="%s"}' % kind], 1)
            self.assertEqual(sum(v for k, v in counters.items() if k.startswith("faults")), 1)
            self.assertEqual(counters['completed_total{route="chat"}'], kind == "not-streamed")

    def test_statuses(self):
        for status in 429, 500, 503:
            def look(client, status=status):
                response = client.read_response()
                self.assertEqual(response.status, status)
                self.assertEqual(response.json()["error"]["code"], status)
                self.assertEqual("retry-after" in response.headers, status == 429)
            self.check(str(status), look)
            self.check(str(status), look, stream=False)

    def test_stream_error(self):
        def stream(client):
            response = client.read_response()
            self.assertEqual((response.status, response.whole), (200, True))
            self.assertEqual(response.chunks()[-1]["error"]["code"], 500)
            self.assertEqual(len(response.chunks()), 6)  # role, half of the content, the error
            self.assertEqual(response.events()[-1], "[DONE]")

        def whole(client):
            response = client.read_response()
            self.assertEqual((response.status, "error" in response.json()), (200, True))
        self.check("stream-error", stream)
        self.check("stream-error", whole, stream=False)

    def test_truncate(self):
        def look(client):
            response = client.read_response()
            self.assertTrue(response.whole)
            self.assertNotIn("[DONE]", response.events())
            self.assertEqual(len(response.chunks()), 5)
            self.assertTrue(all(c["choices"][0]["finish_reason"] is None
                                for c in response.chunks()))
        self.check("truncate", look)

    def test_reset(self):
        def look(client):
            with self.assertRaises(ConnectionResetError):
                client.read_response()
                client.fill()
        self.check("reset", look)
        self.check("reset", look, stream=False)

    def test_stall(self):
        for stream in True, False:
            def look(client):
                head = client.read_head()
                self.assertEqual(head.status, 200)
                client.socket.settimeout(0.3)
                with self.assertRaises(TimeoutError):
                    client.rest_of_connection()
            self.check("stall", look, stream)

    def test_half_headers(self):
        def look(client):
            with self.assertRaises(EOFError):
                client.read_response()
        self.check("half-headers", look)

    def test_empty(self):
        def stream(client):
            response = client.read_response()
            self.assertEqual(response.text(), "")
            self.assertEqual(response.events()[-1], "[DONE]")
            self.assertEqual(response.chunks()[-1]["choices"][0]["finish_reason"], "stop")

        def whole(client):
            answer = client.read_response().json()
            self.assertEqual(answer["choices"][0]["message"]["content"], "")
            self.assertEqual(answer["usage"]["completion_tokens"], 0)
        self.check("empty", stream)
        self.check("empty", whole, stream=False)

    def test_short_length(self):
        def look(client):
            response = client.read_response()
            self.assertFalse(response.whole)
            self.assertGreater(len(response.body), 100)
            self.assertLess(len(response.body), int(response.headers["content-length"]))
        self.check("short-length", look)
        self.check("short-length", look, stream=False)

    def test_bad_json(self):
        def stream(client):
            response = client.read_response()
            self.assertEqual((response.whole, bad_events(response)), (True, 1))
            self.assertEqual(len(response.events()), 12)

        def whole(client):
            response = client.read_response()
            self.assertTrue(response.whole)
            self.assertRaises(ValueError, response.json)
        self.check("bad-json", stream)
        self.check("bad-json", whole, stream=False)

    def test_not_streamed(self):
        def look(client):
            response = client.read_response()
            self.assertEqual(response.headers["content-type"], "application/json")
            self.assertEqual(response.json()["object"], "chat.completion")
        self.check("not-streamed", look)

    def test_close_idle_strikes_only_kept_connections(self):
        ends = set()
        for seed in range(8):
            with Mock("--fast", "--fault-close-idle", "1", "--seed", str(seed)) as mock:
                with mock.connect() as client:
                    client.post("/v1/chat/completions", chat(True))
                    self.assertTrue(client.read_response().whole)
                    client.post("/v1/chat/completions", chat(True))
                    try:
                        self.assertEqual(client.rest_of_connection(), b"")
                        ends.add("closed")
                    except ConnectionResetError:
                        ends.add("reset")
                counters = mock.counters()
                self.assertEqual(counters['faults_total{kind="close-idle"}'], 1)
                self.assertEqual(counters['completed_total{route="chat"}'], 1)
        self.assertEqual(ends, {"closed", "reset"})

    def test_a_seed_fixes_the_sequence(self):
        runs = []
        for seed in "7", "7", "8":
            with Mock("--fast", "--fault-500", "0.3", "--fault-429", "0.2", "--seed", seed) as mock:
                runs.append([mock.ask(chat()).status for _ in range(60)])
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])
        self.assertEqual(set(runs[0]), {200, 429, 500})


class Dialects(unittest.TestCase):
    def test_event_streams_mean_the_same(self):
        marks = {"lf": b"data: {", "crlf": b"\r\n\r\n", "cr": b"}\r\r", "nospace": b"data:{",
                 "multiline": b"\ndata: }\n", "comments": b": ping", "events": b"event: message",
                 "bom": b"\xef\xbb\xbf", "mixed": b"\xef\xbb\xbf"}
        bodies = set()
        for name, mark in marks.items():
            with self.subTest(name), Mock("--fast", "--stamp", "--sse", name) as mock:
                response = mock.ask(chat(True, stream_options=USAGE))
                self.assertIn(mark, response.body)
                chunks = response.chunks()
                stamps = [c["stamp"] for c in chunks if "stamp" in c]
                self.assertEqual(len(stamps), 32)
                self.assertTrue(all(s["sent_ns"] >= s["arrival_ns"] > 0 for s in stamps))
                self.assertEqual((len(chunks), response.events()[-1]), (35, "[DONE]"))
                bodies.add(response.text())
        self.assertEqual(len(bodies), 1)

    def compare(self, *options, stream=True):
        """The same answer with and without the options; returns the one with."""
        with Mock("--fast", "--sse", "crlf") as plain, Mock("--fast", "--sse", "crlf",
                                                            *options) as other:
            want, got = plain.ask(chat(stream)), other.ask(chat(stream))
        self.assertTrue(got.whole)
        if stream:
            self.assertEqual(want.text(), got.text())
        else:
            self.assertEqual(want.json()["choices"], got.json()["choices"])
        return got

    def test_one_byte_writes(self):
        self.compare("--one-byte-writes")
        self.compare("--one-byte-writes", stream=False)

    def test_no_done(self):
        self.assertNotIn("[DONE]", self.compare("--no-done").events())

    def test_close_delimited(self):
        for stream in True, False:
            headers = self.compare("--close-delimited", stream=stream).headers
            self.assertEqual(headers["connection"], "close")
            self.assertNotIn("content-length", headers)
            self.assertNotIn("transfer-encoding", headers)

    def test_content_length(self):
        response = self.compare("--content-length")
        self.assertEqual(len(response.body), int(response.headers["content-length"]))

    def test_content_length_of_a_truncated_stream(self):
        with Mock("--fast", "--content-length", "--fault-truncate", "1") as mock:
            response = mock.ask(chat(True))
        self.assertTrue(response.whole)
        self.assertNotIn("[DONE]", response.events())

    def test_informational(self):
        self.assertEqual(self.compare("--informational").informational, [100, 103])

    def test_max_requests_per_connection(self):
        with Mock("--fast", "--max-requests-per-connection", "3") as mock, mock.connect() as client:
            for last in False, False, True:
                client.post("/v1/chat/completions", chat(True))
                response = client.read_response()
                self.assertTrue(response.whole)
                self.assertEqual(response.headers.get("connection") == "close", last)
            self.assertEqual(client.rest_of_connection(), b"")

    def test_http_1_0(self):
        body = json.dumps(chat(True)).encode()
        head = b"POST /v1/chat/completions HTTP/1.0\r\ncontent-length: %d\r\n\r\n" % len(body)
        with Mock("--fast") as mock, mock.connect() as client:
            client.send(head + body)
            response = client.read_response()
        self.assertNotIn("transfer-encoding", response.headers)
        self.assertEqual(response.events()[-1], "[DONE]")


if __name__ == "__main__":
    main()
