#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Kills runs, their collectors and who listens to them at moments drawn by chance, and checks what is
# left: tools/kill.sh [ROUNDS [SEED]] (default 500, some minutes; a seed repeats what was drawn). The
# short form is the test integration.kill.
set -eu
cd "$(dirname "$0")/.."
. tools/build/prepare.sh
rounds=${1:-500}
case $rounds in
*[!0-9]* | '') fail "'$rounds' is not a number of rounds" ;;
esac
configure build "build test" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=ON
build build
export TKP_KILL_ROUNDS="$rounds" TKP_BUILD_DIR="$PWD/build" TKP_SOURCE_DIR="$PWD"
export TOKPERF_MOCK="$PWD/build/bin/tokperf-mock" PYTHONDONTWRITEBYTECODE=1
[ $# -lt 2 ] || export TKP_KILL_SEED="$2"
exec python3 tests/integration/kill_test.py
