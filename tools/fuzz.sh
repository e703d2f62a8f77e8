#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target with libFuzzer for some seconds each (default 60): tools/fuzz.sh [SECONDS].
# New inputs go to build-fuzz/corpus, a crash to build-fuzz/crashes; exit 1 if there is one. The
# short form, a replay of tests/fuzz/corpus with mutations, is part of the test suite.
set -eu
cd "$(dirname "$0")/.."
. tools/build/prepare.sh
seconds=${1:-60}
check_number "$seconds" seconds
configure build-fuzz "build test lint" --preset fuzz
build build-fuzz
mkdir -p build-fuzz/crashes
failed=
for program in build-fuzz/tests/*_fuzz; do
    name=$(basename "$program" _fuzz)
    mkdir -p "build-fuzz/corpus/$name"
    echo "== $name for $seconds s"
    "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build-fuzz/crashes/$name-" "build-fuzz/corpus/$name" \
        "tests/fuzz/corpus/$name" >"build-fuzz/$name.log" 2>&1 || failed="$failed $name"
    grep -E 'stat::number_of_executed_units|SUMMARY' "build-fuzz/$name.log" || :
done
[ -z "$failed" ] || fail "crashes in:$failed (build-fuzz/crashes, build-fuzz/*.log)"
