#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Format of every C file, and the rules of this tree. Quiet when all is well.
set -eu
cd "$(dirname "$0")/../.."
git ls-files '*.c' '*.h' | xargs clang-format --dry-run --Werror
python3 tools/lint/check_tree.py
