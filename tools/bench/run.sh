#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures CPU per request and event, memory and verdicts against the goals, and other clients beside
# it: wrk, h2load and hey are installed through apt when they are missing. Builds a release into
# build/ and writes bench.json. Usage: sh tools/bench/run.sh [--no-install] [item...] [options];
# --help lists items and options. Give --build DIR to measure a build that is there already.
set -eu
cd "$(dirname "$0")/../.."
. tools/build/prepare.sh
own_build=yes
case ${1-} in
--no-install)
    INSTALL=no
    shift
    ;;
esac
for word in "$@"; do
    case $word in
    --build | --build=*) own_build=no ;;
    --help | -h) exec python3 tools/bench/run.py --help ;;
    esac
done
for program in wrk h2load hey taskset; do
    if ! command -v "$program" >/dev/null 2>&1; then
        install_packages bench
        break
    fi
done
if [ "$own_build" = yes ]; then
    configure build build -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DTOKPERF_BENCH=ON
    build build
fi
exec python3 tools/bench/run.py "$@"
