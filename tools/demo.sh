#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds a release into build/ and runs a benchmark against the bundled mock server.
# --no-install: never install a package.
set -eu
cd "$(dirname "$0")/.."
. tools/build/prepare.sh
parse_common_options "$@"
configure build build -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF
build build
exec build/bin/tokperf profile --url mock: --streaming --concurrency 8 --request-count 200
