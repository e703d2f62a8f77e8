# SPDX-License-Identifier: Apache-2.0
"""The commands tokenize and tokenizer info: what they print, and what they refuse."""
import json
import pathlib
import tempfile
import unittest

from harness import SOURCE, Run, main

BYTES = str(SOURCE / "tests" / "data" / "token" / "byte_level.json")


class TokenizeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, text):
        path = self.folder / name
        path.write_bytes(text)
        return str(path)

    def tokenize(self, *arguments, tokenizer=BYTES):
        return Run(["tokenize", "--tokenizer", tokenizer, *arguments])

    def test_files(self):
        one, two = self.file("one", b"hello world"), self.file("two", b"hello<|end|>a\xff")
        self.assertEqual(self.tokenize(one).stdout, "2\n")
        self.assertEqual(self.tokenize(one, two).stdout, f"2 {one}\n6 {two}\n")
        self.assertEqual(self.tokenize("--ids", one).stdout, "259 264\n")
        self.assertEqual(self.tokenize("--pieces", one).stdout, '"hello"\t259\n" world"\t264\n')
        self.assertEqual(self.tokenize().stdout, "0\n")  # standard input is empty

    def test_lines(self):
        lines = self.file("lines", b'{"text": "hello \\ud83d"}\n\n{"id": 1, "text": "hello world"}\n')
        answers = [json.loads(line) for line in self.tokenize("--jsonl", lines).stdout.splitlines()]
        self.assertEqual(answers, [{"count": 5, "ids": [259, 32, 239, 191, 189]},
                                   {"count": 2, "ids": [259, 264]}])
        counts = self.tokenize("--jsonl", "--count", lines).stdout.splitlines()
        self.assertEqual(json.loads(counts[1]), {"count": 2})
        pieces = self.tokenize("--jsonl", "--pieces", lines).stdout.splitlines()
        self.assertEqual(json.loads(pieces[1]), {"count": 2, "ids": [259, 264],
                                                 "pieces": ["hello", " world"], "groups": [1, 1]})

    def test_builtin(self):
        text = self.file("text", b"It's here")
        self.assertEqual(self.tokenize(text, tokenizer="builtin").stdout, "3\n")
        self.refused(self.tokenize("--ids", text, tokenizer="builtin"), "has no ids")

    def refused(self, run, words):
        self.assertEqual((run.code, run.stdout), (2, ""))
        self.assertIn(words, run.stderr)
        self.assertEqual(run.stderr.count("\n"), 1)

    def test_refusals(self):
        broken = self.file("broken", b'{"text": "a"')
        no_text = self.file("no_text", b'{"prompt": "a"}')
        odd = self.file("odd.json", b'{"model": {"type": "Unigram", "vocab": []}}')
        self.refused(Run(["tokenize", broken]), "needs a tokenizer")
        self.refused(self.tokenize("--count", "--ids"), "only one of")
        self.refused(self.tokenize("--piece"), "did you mean '--pieces'")
        self.refused(self.tokenize(tokenizer="meta-llama/Llama-3"), "nothing is downloaded")
        self.refused(self.tokenize(tokenizer=odd), "'Unigram'")
        self.refused(self.tokenize(str(self.folder / "none")), "cannot open")
        self.refused(self.tokenize("--jsonl", broken), f"{broken}:1:")
        self.refused(self.tokenize("--jsonl", no_text), "it has no 'text'")
        self.refused(Run(["tokenizer", "show", BYTES]), "unknown subcommand")

    def test_info(self):
        info = Run(["tokenizer", "info", BYTES]).stdout
        for words in ("kind: tokenizer.json", "byte-level", "normalizer: NFC", "added tokens: 4, 3",
                      "pre-tokenizer: Split (scanner) + ByteLevel", "chat template: not rendered"):
            self.assertIn(words, info)


if __name__ == "__main__":
    main()
