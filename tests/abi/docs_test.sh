#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every block of C, YAML and CMake in docs/plugins.md stands like that in sdk/template, and the shell
# command that builds it is the one that the install test runs.
# usage: docs_test.sh SOURCE_DIR
set -u
source=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
awk -v dir="$dir" '
    /^```(c|yaml|cmake)$/ { n++; name = dir "/block-" n "." substr($0, 4); inside = 1; next }
    /^```/ { inside = 0; next }
    inside { print > name }' "$source/docs/plugins.md"
failed=0
for block in "$dir"/block-*; do
    case $block in
    *.c) file=$source/sdk/template/acme.c ;;
    *.yaml) file=$source/sdk/template/plugin.yaml ;;
    *) file=$source/sdk/template/CMakeLists.txt ;;
    esac
    # Whole text in whole text: awk has no such search over lines of its own.
    if ! awk -v block="$block" '
        BEGIN { while ((getline line < block) > 0) want = want line "\n" }
        { all = all $0 "\n" }
        END { exit index(all, want) == 0 }' "$file"; then
        echo "docs/plugins.md shows what $file does not hold:"
        cat "$block"
        failed=1
    fi
done
[ "$(find "$dir" -name 'block-*' | wc -l)" -ge 8 ] || { echo 'docs/plugins.md lost its example'; failed=1; }
grep -qF -- '-Wl,-z,defs -Wl,--version-script=' "$source/tests/abi/install_test.sh" || failed=1
exit $failed
