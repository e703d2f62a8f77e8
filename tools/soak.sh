#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs many requests against a server that fails in every way, each at 1 %, and checks that each has
# one outcome, that the server's counts agree and that memory stays flat: tools/soak.sh [REQUESTS]
# (default 1000000; some minutes). The short form is the test integration.soak.
set -eu
cd "$(dirname "$0")/.."
. tools/build/prepare.sh
requests=${1:-1000000}
case $requests in
*[!0-9]* | '') fail "'$requests' is not a number of requests" ;;
esac
configure build "build test" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=ON
build build
export TKP_SOAK_REQUESTS="$requests" TKP_BUILD_DIR="$PWD/build" TKP_SOURCE_DIR="$PWD"
export TOKPERF_MOCK="$PWD/build/bin/tokperf-mock" PYTHONDONTWRITEBYTECODE=1
exec python3 tests/integration/soak_test.py
