#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints how late requests leave at 5000 and 20000 requests/s (Poisson), with and without spinning,
# and the achieved against the offered rate. Usage: sh tools/bench/departure.sh [BUILD_DIR]
# [departure.py's options; what it does not know goes to tokperf]
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
        echo "departure.sh: there is no $build/bin/$program; build first: sh tools/demo.sh" >&2
        exit 3
    fi
done
exec python3 "$here/departure.py" --tokperf "$build/bin/tokperf" --mock "$build/bin/tokperf-mock" "$@"
