# SPDX-License-Identifier: Apache-2.0
"""Corpora for tokens.py out of what lies on the machine. No text is taken twice: a corpus does not
repeat itself. Translations (the .mo files of gettext) are how the machine comes to languages."""
import json
import os
import struct

TEXT_BYTES = 16000  # of a text, about
ROOTS = {"English": ["/usr/share/doc", "/usr/share/perl", "/usr/share/common-licenses"],
         "code": ["/usr/include", "/usr/lib/python3", "/usr/share/vim"]}
SUFFIXES = (".md", ".txt", ".html", ".pod", ".h", ".py", ".c", ".vim", ".sh", ".js", "copyright",
            "GPL-3")
EUROPEAN = ["cs", "da", "de", "el", "es", "fi", "fr", "hu", "it", "nl", "pl", "pt", "ro", "ru", "sv",
            "tr", "uk"]
EAST_ASIAN = ["zh_CN", "zh_TW", "ja", "ko"]


def translations(path):
    """The translated messages of a .mo file ("The Format of GNU MO Files")."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 28 or struct.unpack_from("<I", data)[0] != 0x950412de:
        return
    count, table = struct.unpack_from("<I", data, 8)[0], struct.unpack_from("<I", data, 16)[0]
    for i in range(1, count):
        length, at = struct.unpack_from("<II", data, table + 8 * i)
        yield data[at:at + length].decode("utf-8", "replace").replace("\0", "\n")


def is_east_asian(text):
    wide = sum("\u3040" <= c <= "\u30ff" or "\u4e00" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af"
               for c in text)
    return 2 * wide > len(text)


def messages(language, wanted):
    folder = f"/usr/share/locale/{language}/LC_MESSAGES"
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    for name in names:
        if name.endswith(".mo"):
            for text in translations(os.path.join(folder, name)):
                if wanted(text):
                    yield text


def files(roots):
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if name.endswith(SUFFIXES) and os.path.isfile(path) and not os.path.islink(path):
                    with open(path, encoding="utf-8", errors="replace") as file:
                        yield file.read(4 * TEXT_BYTES)


def unique(lines):
    seen = set()
    for line in lines:
        if len(line) < 20 or line not in seen:
            seen.add(line)
            yield line


def gather(sources, budget):
    """Texts of about TEXT_BYTES, by turns from the sources, until there are budget bytes."""
    texts, total, sources = [], 0, [iter(source) for source in sources]
    while sources and total < budget:
        for source in list(sources):
            piece, size = [], 0
            for line in source:
                piece.append(line)
                size += len(line.encode())
                if size >= TEXT_BYTES:
                    break
            if not piece:
                sources.remove(source)
                continue
            texts.append("\n".join(piece))
            total += size
    return texts


def lines_of(texts):
    for text in texts:
        yield from text.split("\n")


def write(path, texts):
    with open(path, "w", encoding="utf-8") as file:
        for text in texts:
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")


def make(folder, mb):
    """Writes mixed.jsonl and cjk.jsonl below folder; returns {name: path}."""
    seen_lines = [unique(lines_of(files(roots))) for roots in ROOTS.values()]
    european = (m for group in zip(*[list(messages(name, bool))[:20000] for name in EUROPEAN])
                for m in group)
    east_asian = [unique(messages(name, is_east_asian)) for name in EAST_ASIAN]
    paths = {"mixed": os.path.join(folder, "mixed.jsonl"), "cjk": os.path.join(folder, "cjk.jsonl")}
    write(paths["mixed"], gather([*seen_lines, unique(european)], mb * 1e6))
    write(paths["cjk"], gather(east_asian, mb * 1e6))
    return paths
