#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The layout of the SDK is what tests/abi/layout.txt says, and covers every struct of the headers.
# usage: layout_test.sh SOURCE_DIR LAYOUT_PRINT
set -u
source=$1 print=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
awk -f "$source/tests/abi/layout.awk" "$source"/include/tokperf/*.h >"$dir/names"
if ! diff -u "$source/tests/abi/layout_names.inc" "$dir/names"; then
    echo 'tests/abi/layout_names.inc is stale: make it again with tests/abi/layout.awk'
    failed=1
fi
"$print" >"$dir/layout"
if ! diff -u "$source/tests/abi/layout.txt" "$dir/layout"; then
    echo 'The layout of the SDK changed. While kinds are drafts: update tests/abi/layout.txt.'
    failed=1
fi
exit $failed
