#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clang-tidy over the sources of core, plugins and tools with the compile commands of a build folder.
set -eu
cd "$(dirname "$0")/../.."
build_dir=${1:-build}
git ls-files 'core/*.c' 'plugins/*.c' 'tools/*.c' |
    xargs -P "$(nproc)" -n 8 clang-tidy -p "$build_dir" --quiet \
        --extra-arg=-Wno-ignored-optimization-argument --warnings-as-errors='*' 2>/dev/null
