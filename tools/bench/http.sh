#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# CPU per non-streaming request against wrk (and others), and the time from start to the first
# request: two of run.sh's items, with its options.
set -eu
exec sh "$(dirname "$0")/run.sh" requests start "$@"
