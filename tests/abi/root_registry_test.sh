#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# plugins.yaml at the root lists every fragment of the tree, and the program reads the list.
# usage: root_registry_test.sh SOURCE_DIR TOKPERF
set -u
source=$1 tokperf=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$source" || exit 1
sed -n 's/^ *- *//p' plugins.yaml | sort >"$dir/listed"
find plugins -mindepth 3 -maxdepth 3 -name plugin.yaml | sort >"$dir/there"
if ! diff -u "$dir/listed" "$dir/there"; then
    echo 'plugins.yaml and the folders below plugins/ differ'
    exit 1
fi
count=$(cat plugins/*/*/plugin.yaml | grep -c '^  - *{*kind:')
TOKPERF_NO_DEFAULT_PLUGINS=1 "$tokperf" plugins list --explain --registry plugins.yaml \
    --format json >"$dir/list" || exit 1
read=$(grep -c '"source": "--registry"' "$dir/list")
if [ "$read" != "$count" ]; then
    echo "the fragments list $count components, the program read $read"
    exit 1
fi
