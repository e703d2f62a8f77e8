#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints how far tokperf's chunk times are from the server's actual send times at 1, 64, 512 and 1000
# streams, as a table and as JSON. Usage: sh tools/bench/truth.sh [BUILD_DIR] [truth.py's options]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build
case ${1-} in
'' | -*) ;;
*)
    build=$1
    shift
    ;;
esac
for program in tokperf tokperf-mock; do
    if [ ! -x "$build/bin/$program" ]; then
        echo "truth.sh: there is no $build/bin/$program; build first: sh tools/demo.sh" >&2
        exit 3
    fi
done
exec python3 "$here/truth.py" --tokperf "$build/bin/tokperf" --mock "$build/bin/tokperf-mock" "$@"
