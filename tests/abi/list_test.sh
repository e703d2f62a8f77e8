#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `tokperf plugins list`, `show` and `dirs`: what they print, and exit codes for wrong input.
# usage: list_test.sh TOKPERF BROKEN_DIR TEMPLATE_MODULE
set -u
tokperf=$1 broken=$2 template=$3
failed=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
unset TOKPERF_NO_DEFAULT_PLUGINS TOKPERF_PLUGIN_PATH
export HOME="$dir" XDG_CONFIG_HOME="$dir/config" XDG_DATA_HOME="$dir/data"
drop_ins=$dir/config/tokperf/plugins.d
mkdir -p "$drop_ins"

# expect CODE TEXT arguments...: runs tokperf plugins; both streams are searched.
expect() {
    want=$1 text=$2
    shift 2
    "$tokperf" plugins "$@" >"$dir/out" 2>&1
    code=$?
    if [ "$code" != "$want" ] || ! grep -qF -- "$text" "$dir/out"; then
        echo "plugins $*: exit $code, expected $want and \"$text\":"
        cat "$dir/out"
        failed=1
    fi
}

# fragment FILE ID NAME MODULE PRIORITY
fragment() {
    cat >"$1" <<END
schema: 1
plugins: [{id: $2, version: 1.0.0, abi: 1, module: $4, license: MIT}]
components: [{kind: endpoint, name: $3, plugin: $2, summary: From $2, priority: $5}]
END
}

expect 0 'OpenAI chat completions' list
expect 0 '(build tree), priority 0, module' list --explain
expect 0 'build tree' dirs
expect 0 "$drop_ins" dirs
expect 0 'It has no options.' show chat
expect 0 'path      "/v1/chat/completions"' show chat
expect 0 '"produces_tokens":true' show chat --format json
expect 0 'temperature: double, 0 to 2' show acme_text --plugin "$template"
expect 0 '"key": "temperature"' show acme_text --plugin "$template" --format json
expect 0 'from      --plugin (--plugin)' show com.acme.tokperf:acme_text --plugin "$template"

# A drop-in of higher priority shadows ours, says so, and can be undone by its absence.
fragment "$drop_ins/own.yaml" com.acme.broken chat "$broken/good.so" 5
expect 0 'From com.acme.broken' list
expect 0 'shadowed by com.acme.broken:chat' list --explain
expect 0 'its priority is higher; use it by its id org.tokperf.openai:chat' list --explain
expect 0 '"winner": "com.acme.broken:chat"' list --explain --format json
expect 3 'but its module' show chat
fragment "$drop_ins/own.yaml" com.acme.broken broken "$dir/absent.so" 0
expect 0 "unavailable: its module $dir/absent.so is absent" list
expect 3 'cannot be used: its module' show broken

# Broken drop-ins are warnings, broken files that were named are not.
echo 'schema: 1, plugins: 3' >"$drop_ins/own.yaml"
expect 0 'own.yaml is left out: ' list
expect 0 'OpenAI chat completions' list
expect 3 "--registry: $drop_ins/own.yaml:1:" list --registry "$drop_ins/own.yaml"
expect 3 '--plugin: ' list --plugin "$broken/wrong_abi.so"
expect 2 '--plugin: cannot open' list --plugin "$dir/absent.so"

# Wrong input.
expect 2 "did you mean 'chat'?" show chta
expect 2 "did you mean 'list'?" lsit
expect 2 'only list, show, check and dirs' zebra
expect 2 "--format: 'xml' is not one of text, json" list --format xml
expect 2 "--format: 'tap' is not one of text, json" list --format tap
expect 2 'one argument too many' list chat
expect 2 'show needs the NAME' show
expect 2 '--format needs a value' list --format
expect 2 '--explain takes no value' list --explain=yes
expect 2 'plugins needs one of list'
expect 0 'tokperf plugins list' --help
exit $failed
