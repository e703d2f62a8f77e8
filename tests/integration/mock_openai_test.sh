#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The official openai client of npm against tokperf-mock ($TOKPERF_MOCK). Exit 77 (skipped) without
# npm or without a network to fetch the client from.
set -eu
command -v npm >/dev/null && command -v node >/dev/null || exit 77
dir=$(mktemp -d)
server=
cleanup() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
    fi
    rm -rf "$dir"
}
trap cleanup EXIT
here=$(cd "$(dirname "$0")" && pwd)
cp "$here"/openai_client/package*.json "$here"/openai_client/.npmrc "$here"/openai_client/client.mjs \
    "$dir"
cd "$dir"
npm ci --no-audit --no-fund >npm.log 2>&1 || exit 77

mkfifo line
"$TOKPERF_MOCK" --port 0 --ttft 5 --itl 1 --osl 40 --reasoning-tokens 3 --tool-calls 2 \
    --api-key key --stamp --sse mixed >line &
server=$!
read -r first <line
url=${first#listening on }

node client.mjs "$url"
