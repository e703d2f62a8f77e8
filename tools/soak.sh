#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs many requests against a server that fails in every way, each at 1 % (stalls at 0.1 %), and checks
# that each has one outcome, that the server's counts agree and that memory stays flat: tools/soak.sh [REQUESTS]
# (default 1000000; some minutes). The short form is the test integration.soak.
set -eu
cd "$(dirname "$0")/.."
. tools/build/prepare.sh
export TKP_SOAK_REQUESTS="${1:-1000000}"
check_number "$TKP_SOAK_REQUESTS" requests
run_long soak
