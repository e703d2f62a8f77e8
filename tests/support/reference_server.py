#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second OpenAI-compatible server, of Python's standard library only: it shares no code with the
client or with tokperf-mock, so a test that agrees with it agrees with HTTP and JSON as others read
them. Answers depend on nothing but the options and the request. GET /stats says what it has done.
"""
import argparse
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# No white space inside of a word: tokens and words are the same number.
WORDS = ["alpha", "beta", "gamma", "δέλτα", "epsilon", "\"zeta\"", "eta", "日本", "iota\\kappa", "🚀"]


def answer_words(count):
    """The first `count` pieces; joined without a separator they are the text."""
    return [(" " if i else "") + WORDS[i % len(WORDS)] for i in range(count)]


def count_words(body):
    """Words of all message texts or of the prompt."""
    texts = []
    for message in body.get("messages", []):
        content = message.get("content") or ""
        if isinstance(content, str):
            texts.append(content)
        else:
            texts += [part.get("text", "") for part in content]
    prompt = body.get("prompt", [])
    texts += [prompt] if isinstance(prompt, str) else [p for p in prompt if isinstance(p, str)]
    return sum(len(text.split()) for text in texts)


class Stats:
    """Counts of what was received and sent; every method may be called by any thread."""

    def __init__(self):
        self._lock = threading.Lock()
        self._values = {name: 0 for name in (
            "connections", "requests", "chat", "completions", "streamed", "ok", "errors",
            "truncated", "rejected", "disconnects", "prompt_words", "output_words", "output_bytes")}

    def add(self, **deltas):
        with self._lock:
            for name, delta in deltas.items():
                self._values[name] += delta
            return dict(self._values)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.stats.add(connections=1)

    def log_message(self, *args):
        pass

    def send_json(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def send_error_object(self, status, message):
        self.send_json(status, {"error": {"message": message, "type": "reference_error",
                                          "param": None, "code": status}})

    def do_GET(self):
        if self.path == "/stats":
            self.send_json(200, self.server.stats.add())
        elif self.path == "/v1/models":
            self.send_json(200, {"object": "list", "data": [
                {"id": "reference-model", "object": "model", "created": 0, "owned_by": "tests"}]})
        elif self.path == "/health":
            self.send_json(200, {"status": "ok"})
        else:
            self.send_error_object(404, "no such path")

    def do_POST(self):
        raw = self.read_body()
        routes = {"/v1/chat/completions": ("chat", "messages"),
                  "/v1/completions": ("completions", "prompt")}
        if self.path not in routes:
            self.send_error_object(404, "no such path")
            return
        kind, needed = routes[self.path]
        stats = self.server.stats
        try:
            body = json.loads(raw)
            words = count_words(body) if body[needed] else 0
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            stats.add(requests=1, rejected=1)
            self.send_error_object(400, "bad body: %r" % error)
            return
        seen = stats.add(**{"requests": 1, kind: 1, "streamed": int(bool(body.get("stream"))),
                            "prompt_words": words})
        number = seen["chat"] + seen["completions"]
        options = self.server.options
        if options.error_every and number % options.error_every == 0:
            stats.add(errors=1)
            self.send_error_object(500, "every %dth request fails" % options.error_every)
            return
        cut = bool(options.truncate_every and number % options.truncate_every == 0)
        try:
            if body.get("stream"):
                self.answer_stream(kind, body, words, number, cut)
            else:
                self.answer_whole(kind, body, words, number, cut)
        except (BrokenPipeError, ConnectionResetError):
            stats.add(disconnects=1)
            self.close_connection = True

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            if size == 0:
                while self.rfile.readline().strip():
                    pass
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline()

    def output_limit(self, body):
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        return min(limit, self.server.options.osl) if limit else self.server.options.osl

    def envelope(self, kind, number, streamed):
        names = {("chat", True): "chat.completion.chunk", ("chat", False): "chat.completion",
                 ("completions", True): "text_completion",
                 ("completions", False): "text_completion"}
        return {"id": "ref-%d" % number, "object": names[kind, streamed], "created": 1700000000,
                "model": "reference-model"}

    def finish_reason(self, body):
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        return "length" if limit and limit <= self.server.options.osl else "stop"

    def answer_whole(self, kind, body, words, number, cut):
        pieces = answer_words(self.output_limit(body))
        text = "".join(pieces)
        time.sleep(self.server.options.delay_ms / 1000)
        choice = {"index": 0, "finish_reason": self.finish_reason(body)}
        if kind == "chat":
            choice["message"] = {"role": "assistant", "content": text}
        else:
            choice["text"] = text
        answer = self.envelope(kind, number, False)
        answer["choices"] = [choice]
        answer["usage"] = usage(words, len(pieces))
        data = json.dumps(answer, ensure_ascii=bool(number % 2)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if cut:
            self.server.stats.add(truncated=1)
            self.wfile.write(data[:len(data) // 2])
            self.close_connection = True
            return
        self.count_ok(pieces)
        self.wfile.write(data)

    def count_ok(self, pieces):
        text = "".join(pieces)
        self.server.stats.add(ok=1, output_words=len(text.split()),
                              output_bytes=len(text.encode()))

    def send_event(self, value):
        text = value if isinstance(value, str) else json.dumps(value)
        data = ("data: %s\n\n" % text).encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def answer_stream(self, kind, body, words, number, cut):
        pieces = answer_words(self.output_limit(body))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        base = self.envelope(kind, number, True)
        if kind == "chat":
            self.send_event({**base, "choices": [
                {"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]})
        for i, piece in enumerate(pieces):
            if cut and i == len(pieces) // 2:
                self.server.stats.add(truncated=1)
                self.wfile.write(b"0\r\n\r\n")
                return
            time.sleep(self.server.options.delay_ms / 1000)
            choice = {"index": 0, "finish_reason": None}
            choice.update({"delta": {"content": piece}} if kind == "chat" else {"text": piece})
            self.send_event({**base, "choices": [choice]})
        last = {"delta": {}} if kind == "chat" else {"text": ""}
        self.send_event({**base, "choices": [
            {"index": 0, **last, "finish_reason": self.finish_reason(body)}]})
        if (body.get("stream_options") or {}).get("include_usage"):
            self.send_event({**base, "choices": [], "usage": usage(words, len(pieces))})
        self.count_ok(pieces)
        self.send_event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")


def usage(prompt, completion):
    return {"prompt_tokens": prompt, "completion_tokens": completion,
            "total_tokens": prompt + completion}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        """A client that goes away between requests is no news."""


def end_with_stdin(server):
    while sys.stdin.buffer.read(4096):
        pass
    server.shutdown()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--osl", type=int, default=8, help="words of an answer")
    parser.add_argument("--delay-ms", type=float, default=0, help="before each chunk or answer")
    parser.add_argument("--error-every", type=int, default=0, help="each Nth request gets 500")
    parser.add_argument("--truncate-every", type=int, default=0, help="each Nth answer is cut")
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when stdin ends")
    server = Server(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.options = parser.parse_args()
    server.stats = Stats()
    server.server_address = ("127.0.0.1", server.options.port)
    server.server_bind()
    server.server_activate()
    print("listening on http://127.0.0.1:%d" % server.server_address[1], flush=True)
    if server.options.exit_with_stdin:
        threading.Thread(target=end_with_stdin, args=(server,), daemon=True).start()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
