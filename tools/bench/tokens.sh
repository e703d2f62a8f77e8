#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures how fast tokens are counted, in MB per CPU-second on one core, against the npm package
# tokenizers over the same texts in the same run, and compares with the goals. The cache of pieces is
# empty at first ("cold"), the corpus does not repeat itself, and everything from bytes to counts is
# inside of the clock. Builds a release into build/ and installs the npm packages of tests/oracle
# into build/oracle; --build DIR and --npm DIR take what is there already. --help lists options.
set -eu
cd "$(dirname "$0")/../.."
. tools/build/prepare.sh
own_build=yes
own_npm=yes
for word in "$@"; do
    case $word in
    --build | --build=*) own_build=no ;;
    --npm | --npm=*) own_npm=no ;;
    --help | -h) exec python3 tools/bench/tokens.py --help ;;
    esac
done
command -v taskset >/dev/null 2>&1 || install_packages bench
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 ||
    fail "node and npm are needed, since the comparison is with an npm package"
if [ "$own_build" = yes ]; then
    configure build build -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DTOKPERF_BENCH=ON
    build build
fi
if [ "$own_npm" = yes ]; then
    mkdir -p build/oracle
    cp tests/oracle/package.json tests/oracle/package-lock.json tests/oracle/.npmrc build/oracle/
    (cd build/oracle && npm ci --no-audit --no-fund >npm.log 2>&1) ||
        fail "npm could not fetch the packages: see build/oracle/npm.log"
fi
exec python3 tools/bench/tokens.py "$@"
