#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that the oracle sees: plants one bug at a time and wants oracle.mjs to find differences.

    planted_bugs.py BUILD_DIR ORACLE_DIR [NAME...]

BUILD_DIR is a built tree of CMake and Ninja, of which nothing is changed: the one source file is
compiled to another object, which comes first when the program is linked once more, elsewhere.
ORACLE_DIR is where oracle_test.sh installed the reference tokenizers.
"""
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE_DIR = HERE.parent.parent

# name: (file below core/token, what stands there once, what is put in its place, the job to run)
BUGS = {
    "white space keeps its last character": (
        "scan_gpt.c", "return at == end || last == p ? at : last;", "return last ? at : p;",
        "r50k_base"),
    "modifier letters are no letters": (
        "scan_gpt.c", "return tkp_scan_run(p, end, TKP_SCAN_LETTER, TKP_CLASS_LETTER);",
        "return tkp_scan_run(p, end, TKP_SCAN_LETTER, TKP_CLASS_LETTER & ~(uint32_t)TKP_CLASS_LM);",
        "cl100k_base"),
    "of equal pairs the last is merged": (
        "bpe.c", "at = ranks[i] < lowest ? i : at;", "at = ranks[i] <= lowest ? i : at;", "llama3"),
    "a mark of the same class is not in the way": (
        "normal_form.c", "marks[kept - 1].rank >= marks[i].rank", "marks[kept - 1].rank > marks[i].rank",
        "qwen2_5"),
    "the shortest added token wins": (
        "added_trie.c", "found = set->nodes[node].token;", "return set->nodes[node].token;",
        "components"),
    "what a split isolated is not split again": (
        "split_run.c", "feed(run, index + 1, p, stop);\n            continue;\n        }\n        if (step->behavior == TKP_SPLIT_REMOVED)",
        "feed(run, is_match ? run->splitter->len : index + 1, p, stop);\n            continue;\n        }\n        if (step->behavior == TKP_SPLIT_REMOVED)",
        "deepseek_v3"),
}


def compile_command(build_dir, source):
    for entry in json.loads((build_dir / "compile_commands.json").read_text()):
        if pathlib.Path(entry["file"]) == source:
            return shlex.split(entry["command"]), entry["directory"]
    raise SystemExit(f"planted_bugs.py: {source} is not built in {build_dir}")


def link_command(build_dir):
    commands = subprocess.run(["ninja", "-C", build_dir, "-t", "commands", "tokperf"],
                              capture_output=True, text=True, check=True).stdout.split("\n")
    line = [command for command in commands if "-o bin/tokperf " in command][-1]
    return shlex.split(line.split("&&")[1])


def put(words, option, value):
    words[words.index(option) + 1] = str(value)


def build(build_dir, folder, name):
    """The program with the bug planted."""
    file, old, new, _ = BUGS[name]
    source = SOURCE_DIR / "core" / "token" / file
    text = source.read_text()
    if text.count(old) != 1:
        raise SystemExit(f"planted_bugs.py: core/token/{file} has no single place for the bug "
                         f"'{name}': bring this script up to date")
    planted = folder / file
    planted.write_text(text.replace(old, new))
    words, directory = compile_command(build_dir, source)
    words = [str(planted) if word == str(source) else word for word in words if word != "-Werror"]
    put(words, "-o", folder / "planted.o")
    subprocess.run(words, cwd=directory, check=True)
    words = link_command(build_dir)
    program = folder / "tokperf"
    put(words, "-o", program)
    words.insert(words.index("-o"), str(folder / "planted.o"))
    subprocess.run(words, cwd=build_dir, check=True)
    return program


# A bug is to be seen in a fifth of the texts that the comparison has otherwise.
TEXTS = 4000


def is_found(build_dir, oracle_dir, name):
    with tempfile.TemporaryDirectory() as folder:
        program = build(build_dir, pathlib.Path(folder), name)
        run = subprocess.run(["node", HERE / "oracle.mjs", oracle_dir, program, SOURCE_DIR,
                              BUGS[name][3]], capture_output=True, text=True, check=False,
                             env=os.environ | {"TKP_ORACLE_TEXTS": str(TEXTS)})
    found = run.returncode == 1 and "tokperf:" in run.stdout
    print(f"{'found' if found else 'NOT FOUND'}: {name}", flush=True)
    if not found:
        print(run.stdout[-2000:], run.stderr[-2000:])
    return found


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    build_dir, oracle_dir = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    missed = [name for name in sys.argv[3:] or BUGS if not is_found(build_dir, oracle_dir, name)]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
