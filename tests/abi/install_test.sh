#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An installed tokperf, moved to another place, is enough for somebody else's plugin: builds the
# template against it with CMake and with pkg-config, checks it, finds it as a drop-in, runs with it.
# usage: install_test.sh BUILD_DIR CMAKE CC
set -eu
build=$1 cmake=$2 cc=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
unset TOKPERF_NO_DEFAULT_PLUGINS TOKPERF_PLUGIN_PATH TOKPERF_PLUGIN_DIR DESTDIR PKG_CONFIG_PATH
export HOME="$dir/home" XDG_CONFIG_HOME="$dir/config" XDG_DATA_HOME="$dir/data"
mkdir -p "$HOME"

say() {
    echo "install_test: $*" >&2
}
# has TEXT FILE: the file holds the text, or the test ends.
has() {
    grep -qF -- "$1" "$2" && return
    say "'$1' is missing in:"
    cat "$2" >&2
    exit 1
}

# try_tree NAME: everything, against the tree at $dir/NAME.
try_tree() {
    tree=$dir/$1
    work=$dir/work-$1
    tokperf=$tree/bin/tokperf
    mkdir -p "$work"

    say "$1: the program finds its plugins"
    "$tokperf" plugins list --format json >"$work/list"
    has '"id": "org.tokperf.openai:chat"' "$work/list"
    has "\"module\": \"$tree/lib" "$work/list"

    say "$1: a plugin with CMake"
    template=$(find "$tree" -type d -path '*/tokperf/sdk/template')
    cp -r "$template" "$work/template"
    "$cmake" -S "$work/template" -B "$work/build" -DCMAKE_PREFIX_PATH="$tree" \
        -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=Release >"$work/log" || { cat "$work/log"; exit 1; }
    "$cmake" --build "$work/build" >"$work/log" || { cat "$work/log"; exit 1; }
    (cd "$work/build" && ctest --output-on-failure) >"$work/log" || { cat "$work/log"; exit 1; }
    has 'plugin.endpoint.acme.check' "$work/log"

    say "$1: the same plugin with pkg-config"
    PKG_CONFIG_PATH=$(dirname "$(find "$tree" -name tokperf.pc)")
    export PKG_CONFIG_PATH
    [ "$(pkg-config --variable=abi tokperf)" = 1 ]
    [ "$(pkg-config --variable=sdk_version tokperf)" = 1.0 ]
    [ -e "$(pkg-config --variable=plugindir tokperf)/openai.so" ]
    [ -n "$(pkg-config --variable=registrydir tokperf)" ]
    plugins=$XDG_DATA_HOME/tokperf/plugins/1
    mkdir -p "$plugins"
    # shellcheck disable=SC2046 # the flags are words
    "$cc" -std=c17 -O2 -fPIC -shared -fvisibility=hidden $(pkg-config --cflags tokperf) \
        -Wl,-z,defs -Wl,--version-script="$(pkg-config --variable=version_script tokperf)" \
        -o "$plugins/acme.so" "$work/template/acme.c"
    cp "$work/template/plugin.yaml" "$plugins/acme.yaml"
    "$tokperf" plugins check "$plugins/acme.so" --fixtures "$work/template/fixtures" >"$work/check"
    has 'ok    fragment' "$work/check"
    has '0 findings' "$work/check"

    say "$1: found as a drop-in"
    "$tokperf" plugins list --explain >"$work/list"
    has "acme.yaml:6 (XDG_DATA_HOME)" "$work/list"
    # A fragment in the configuration folder wins, and names the module that CMake built.
    mkdir -p "$XDG_CONFIG_HOME/tokperf/plugins.d"
    sed "s|module: acme.so|module: $work/build/acme.so|" "$work/template/plugin.yaml" \
        >"$XDG_CONFIG_HOME/tokperf/plugins.d/acme-built.yaml"
    "$tokperf" plugins list --explain >"$work/list"
    has "acme-built.yaml:6 (XDG_CONFIG_HOME), priority 0, module $work/build/acme.so" "$work/list"
    has 'shadowed by com.acme.tokperf:acme_text' "$work/list"
    "$tokperf" plugins show acme_text >"$work/show"
    has 'temperature: double, 0 to 2' "$work/show"

    say "$1: runs with it"
    "$tokperf" profile --url mock: --model mock --endpoint-type acme_text --streaming --concurrency 2 \
        --request-count 6 --isl 20 --osl 5 --set acme_text.temperature=0.5 --ui-type none \
        --output-artifact-dir "$work/artifacts" >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
    has 'Acme Metrics' "$work/out"
    has '"temperature":0.5' "$work/artifacts/inputs.json"
    rm -rf "$XDG_CONFIG_HOME" "$XDG_DATA_HOME"
}

say 'installs below DESTDIR, then moves the prefix'
DESTDIR="$dir/dest" "$cmake" --install "$build" >"$dir/log" || { cat "$dir/log"; exit 1; }
mv "$dir/dest$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt")" "$dir/moved"
try_tree moved

say 'installs to another prefix'
"$cmake" --install "$build" --prefix "$dir/other" >"$dir/log" || { cat "$dir/log"; exit 1; }
mv "$dir/other" "$dir/elsewhere"
try_tree elsewhere
