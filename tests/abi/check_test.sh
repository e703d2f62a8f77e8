#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `tokperf plugins check` on modules that are broken in known ways: exit code and sentence.
# usage: check_test.sh TOKPERF BROKEN_DIR TEMPLATE_MODULE FIXTURES
set -u
tokperf=$1 broken=$2 template=$3 fixtures=$4
failed=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
TOKPERF_NO_DEFAULT_PLUGINS=1
export TOKPERF_NO_DEFAULT_PLUGINS

# try arguments...: runs plugins check.
try() {
    "$tokperf" plugins check "$@" >"$dir/out" 2>&1
    code=$?
}
# judge CODE TEXT arguments...: what it did.
judge() {
    want=$1 text=$2
    shift 2
    if [ "$code" != "$want" ] || ! grep -qF -- "$text" "$dir/out"; then
        echo "plugins check $*: exit $code, expected $want and \"$text\":"
        cat "$dir/out"
        failed=1
    fi
}
# expect CODE TEXT arguments...: runs and judges.
expect() {
    want=$1 text=$2
    shift 2
    try "$@"
    judge "$want" "$text" "$@"
}
# expect_hang MODULE: with more patience on a machine where loading alone takes that long.
expect_hang() {
    for patience in 0.3 3 30; do
        try "$1" --timeout "${patience}s"
        grep -qF "while it was loaded it did not come back within $patience s" "$dir/out" || break
    done
    judge 1 "it did not come back within $patience s: it hangs or spins" "$1"
}

expect 0 '0 findings' "$broken/good.so"
expect 3 'is a plugin of ABI 2' "$broken/wrong_abi.so"
expect 3 'does not export tokperf_plugin_entry_v1' "$broken/missing_symbol.so"
expect 3 'cannot open the module' "$dir/absent.so"
echo 'a text' >"$dir/text.so"
expect 3 'is a text file, not a shared object' "$dir/text.so"
expect 77 'Nothing to check' "$broken/other_kind.so"
expect 1 'create fails: the moon' "$broken/failing_create.so"
expect 1 'without a sentence' "$broken/silent_create.so"
expect 1 'it crashed with SIG' "$broken/crashes.so"
expect 1 'it crashed with SIG' "$broken/crashes_on_bytes.so"
expect 1 'it crashed with SIG' "$broken/aligned.so"
expect_hang "$broken/spins.so"
expect_hang "$broken/silent.so"
expect 1 'it renders differently the second time' "$broken/not_deterministic.so"
expect 1 'exports stray_symbol' "$broken/exports.so"
expect 1 "it writes to stdout, which is the user's: hello" "$broken/prints.so"
if [ "${TKP_SANITIZED:-0}" != 1 ]; then # their allocator does not answer mallinfo2
    expect 1 'each create leaves' "$broken/leaks.so"
fi

# The fragment beside the module.
cp "$broken/good.so" "$dir/good.so"
cat >"$dir/good.yaml" <<'END'
schema: 1
plugins: [{id: com.acme.broken, version: 9.9.9, abi: 1, module: good.so, license: MIT}]
components: [{kind: endpoint, name: other, plugin: com.acme.broken, summary: s}]
END
expect 1 'says version 9.9.9, the module says 1.0.0' "$dir/good.so"
expect 1 'lists endpoint other, but its module' "$dir/good.so"
expect 1 'does not list component broken' "$dir/good.so"

# Fixtures, right and wrong, and the formats.
expect 0 'ok    endpoint acme_text: fixture stream' "$template" --fixtures "$fixtures"
cp -r "$fixtures" "$dir/fixtures"
sed -i 's/llo/LLO/' "$dir/fixtures/stream/expected.jsonl"
sed -i 's/"seed": 7/"seed": 8/' "$dir/fixtures/stream/body.json"
expect 1 'whole, line 2: expected {"text":"LLO\n"}, got {"text":"llo\n"}' "$template" --fixtures "$dir/fixtures"
expect 1 '"seed":8}' "$template" --fixtures "$dir/fixtures"
expect 1 'not ok' "$template" --fixtures "$dir/fixtures" --format tap
expect 1 '"status": "failed"' "$template" --fixtures "$dir/fixtures" --format json
echo '{"turns": [{"txt": "x"}]}' >"$dir/fixtures/cut/request.json"
expect 1 "request.json: 'txt': a turn has no such member" "$template" --fixtures "$dir/fixtures"
expect 2 'fixtures: cannot open' "$template" --fixtures "$dir/none"
expect 1 'not between 0 and 2' "$template" --set acme_text.temperature=3
expect 2 "did you mean '--format'?" "$template" --fromat tap
expect 2 'needs the path of a FILE.so'
exit $failed
