#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Kills runs, their collectors and who listens to them at moments drawn by chance, and checks what is
# left: tools/kill.sh [ROUNDS [SEED]] (default 500, some minutes; a seed repeats what was drawn). The
# short form is the test integration.kill.
set -eu
cd "$(dirname "$0")/.."
. tools/build/prepare.sh
export TKP_KILL_ROUNDS="${1:-500}"
check_number "$TKP_KILL_ROUNDS" rounds
[ $# -lt 2 ] || export TKP_KILL_SEED="$2"
run_long kill
