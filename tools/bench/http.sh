#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# CPU per non-streaming request of tokperf against wrk, same server, same run, and the time from
# start to the first request with 1000 synthetic prompts. Needs wrk (Debian: wrk), taskset and a
# release build in build/. Options: see http.py --help.
set -eu
cd "$(dirname "$0")/../.."
exec python3 tools/bench/http.py --build build "$@"
