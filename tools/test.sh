#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds a release with all tests into build/ and runs every test. --no-install: never install a
# package. More CMake arguments may come in TKP_CMAKE_ARGS.
set -eu
cd "$(dirname "$0")/.."
. tools/build/prepare.sh
parse_common_options "$@"
configure build "build test" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=ON ${TKP_CMAKE_ARGS:-}
build build
exec ctest --test-dir build --output-on-failure -j "$(test_jobs)"
