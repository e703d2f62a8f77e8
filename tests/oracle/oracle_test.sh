#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the reference tokenizers from npm by the lockfile into $TKP_ORACLE_DIR (kept), then:
#   oracle_test.sh tokenizers    compares $TOKPERF with them (oracle.mjs)
#   oracle_test.sh unicode       checks that core/token/unicode_tables.inc is what its generator makes
#   oracle_test.sh planted_bugs  plants bugs in what $TKP_BUILD_DIR was built from (planted_bugs.py)
# Exit 77 (skipped) without npm or without a network to fetch from; with CI=true that is a failure.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$here/../.." && pwd)

cannot() {
    echo "oracle_test.sh: $*" >&2
    if [ "${CI:-}" = true ]; then
        exit 1
    fi
    exit 77
}

command -v node >/dev/null && command -v npm >/dev/null || cannot "node and npm are needed"
mkdir -p "$TKP_ORACLE_DIR"
cd "$TKP_ORACLE_DIR"
if ! cmp -s "$here/package-lock.json" installed.json; then
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" .
    npm ci --no-audit --no-fund --fetch-retries=1 --fetch-retry-mintimeout=2000 \
        --fetch-timeout=120000 >npm.log 2>&1 || {
        tail -n 5 npm.log >&2
        cannot "npm could not fetch the reference tokenizers"
    }
    cp package-lock.json installed.json
fi

case ${1:-} in
tokenizers) exec node "$here/oracle.mjs" "$TKP_ORACLE_DIR" "$TOKPERF" "$source_dir" ;;
unicode) exec node "$source_dir/tools/unicode/generate.mjs" "$TKP_ORACLE_DIR/node_modules" --check ;;
planted_bugs)
    # Ninja says how the program is linked.
    [ -f "$TKP_BUILD_DIR/build.ninja" ] || cannot "planting bugs needs a build with Ninja"
    exec python3 "$here/planted_bugs.py" "$TKP_BUILD_DIR" "$TKP_ORACLE_DIR"
    ;;
*)
    echo "usage: oracle_test.sh tokenizers|unicode|planted_bugs" >&2
    exit 2
    ;;
esac
