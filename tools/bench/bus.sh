#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a run costs that others listen to: one of run.sh's items, with its options. Give
# `--before DIR`, the release build of a version without a bus, to see what the bus costs a run that
# nobody listens to.
set -eu
exec sh "$(dirname "$0")/run.sh" bus "$@"
