#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules of this tree that a compiler does not check. Prints file:line: sentence; exit 1 on any."""
import re
import subprocess
import sys

# A folder of core includes only from itself and from those before it.
CORE_ORDER = ["base", "config", "plugin", "dataset", "token", "load", "target", "record", "count",
              "metrics",
              "worker", "bus", "telemetry", "stream", "report", "calibrate", "run", "cli"]
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
BANNED = re.compile(
    r"\b(strcpy|strcat|sprintf|gets|strtok|atoi|atol|alloca|system|signal|volatile)\b\s*(?=\(|\s\w)")
EXIT_CALL = re.compile(r"(?<![_\w])exit\s*\(")
VAGUE_NAMES = re.compile(r"(^|/)(utils?|common|helpers?|misc)\.(c|h|py|sh)$")
LOADER_CALLS = re.compile(r"\b(dlopen|dlsym|ffi_call)\s*\(")

findings = []


def finding(path, line, text):
    findings.append(f"{path}:{line}: {text}")


def strip_comments_and_strings(text):
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def check_license(path, lines):
    head = "\n".join(lines[:3])
    wanted = "Apache-2.0"
    if path.startswith("include/"):
        wanted = "Apache-2.0 OR MIT"
    if path.startswith("sdk/template/"):
        wanted = "0BSD"
    if f"SPDX-License-Identifier: {wanted}" not in head:
        finding(path, 1, f"no line 'SPDX-License-Identifier: {wanted}' at the top")


def check_includes(path, lines):
    parts = path.split("/")
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if not match:
            continue
        folder = match.group(1).split("/")[0] if "/" in match.group(1) else None
        if folder not in CORE_ORDER:
            continue
        if parts[0] == "plugins" and "test" not in parts:
            finding(path, number, "a plugin includes only headers of include/tokperf and its own")
        if parts[0] == "core" and len(parts) > 2 and parts[1] in CORE_ORDER:
            if CORE_ORDER.index(folder) > CORE_ORDER.index(parts[1]):
                finding(path, number, f"core/{parts[1]} must not include from core/{folder}: it "
                                      "comes later in the dependency order")


def check_calls(path, code):
    for number, line in enumerate(code.split("\n"), 1):
        match = BANNED.search(line)
        if match:
            finding(path, number, f"'{match.group(1)}' is not used in this tree")
        if EXIT_CALL.search(line) and not path.endswith("main.c"):
            finding(path, number, "'exit' is called in main alone")
        if LOADER_CALLS.search(line) and not path.startswith(("core/plugin/", "tests/")):
            finding(path, number, "core/plugin is the only user of dlopen and libffi")


def check_lengths(path, lines):
    if len(lines) > MAX_FILE_LINES:
        finding(path, len(lines), f"{len(lines)} lines: a file has at most {MAX_FILE_LINES}")
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            if number - start > MAX_FUNCTION_LINES:
                finding(path, start, f"a function of {number - start} lines: at most "
                                     f"{MAX_FUNCTION_LINES}")
            start = None


def main():
    files = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout
    for path in files.split("\n"):
        if VAGUE_NAMES.search(path):
            finding(path, 1, "name the file for its concept")
        if not path.endswith((".c", ".h", ".py", ".sh", ".cmake", "CMakeLists.txt", ".mjs")):
            continue
        if path.startswith(("tests/data/", "tests/fuzz/corpus/")):
            continue
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            continue
        lines = text.split("\n")
        check_license(path, lines)
        if path.endswith((".c", ".h")):
            check_includes(path, lines)
            check_calls(path, strip_comments_and_strings(text))
            check_lengths(path, lines)
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
