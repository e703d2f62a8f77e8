# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts of tools/ and CI, from the root of the tree. Makes sure that what a build
# needs is there: it tries first, and only when that fails installs from tools/packages.txt.

# Exit with one sentence on stderr.
fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# check_number WORD NOUN: fails unless it is a whole number.
check_number() {
    case $1 in
    *[!0-9]* | '') fail "'$1' is not a number of $2" ;;
    esac
}

# packages SECTION...: the names of those sections.
packages() {
    for section in "$@"; do
        awk -v want="# [$section]" '
            /^# \[/ { inside = ($0 == want); next }
            inside && NF && $1 !~ /^#/ { print $1 }' tools/packages.txt
    done
}

# Tests start these servers themselves; as services they are not wanted.
SERVICES="haproxy nghttpx nginx"

# had_services: those that were installed before.
had_services() {
    for service in $SERVICES; do
        [ ! -e "/etc/init.d/$service" ] || printf '%s ' "$service"
    done
}

# stop_services HAD: ends those that an installation has started, and only those.
stop_services() {
    for service in $SERVICES; do
        case " $1 " in *" $service "*) continue ;; esac
        [ -e "/etc/init.d/$service" ] || continue
        if [ -d /run/systemd/system ]; then
            $as_root systemctl disable --now "$service" >/dev/null 2>&1 || :
        else
            $as_root service "$service" stop >/dev/null 2>&1 || :
        fi
    done
}

# install_packages SECTION...: through apt, saying so first; or says what is missing and fails.
install_packages() {
    names=$(packages "$@" | tr '\n' ' ')
    if [ "$INSTALL" = no ] || ! command -v apt-get >/dev/null 2>&1; then
        fail "something is missing. These packages (Debian 12 names) are needed: $names"
    fi
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            fail "not root and no sudo: install these packages, then run this again: $names"
        as_root=sudo
    fi
    had=$(had_services)
    echo "Installing with ${as_root:+sudo }apt-get: $names" >&2
    $as_root apt-get update -qq &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            $names >&2 || fail "apt-get could not install: $names"
    stop_services "$had"
}

# configure BUILD_DIR SECTIONS CMAKE_ARGUMENT...: configures; installs SECTIONS when that fails, then
# configures again. With ccache-less plain tools: ninja when it is there, make otherwise.
configure() {
    build_dir=$1
    sections=$2
    shift 2
    log=$(mktemp) || fail "cannot make a temporary file"
    if try_configure "$build_dir" "$@" >"$log" 2>&1; then
        rm -f "$log"
        return
    fi
    install_packages $sections
    if ! try_configure "$build_dir" "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        fail "cmake cannot configure $build_dir; its output is above"
    fi
    rm -f "$log"
}

try_configure() {
    dir=$1
    shift
    command -v cmake >/dev/null 2>&1 && command -v cc >/dev/null 2>&1 || return 1
    if [ -f "$dir/CMakeCache.txt" ]; then
        cmake -S . -B "$dir" "$@"
    elif command -v ninja >/dev/null 2>&1; then
        cmake -S . -B "$dir" -G Ninja "$@"
    else
        return 1
    fi
}

# build BUILD_DIR: quiet unless it fails; warnings are shown.
build() {
    log=$(mktemp) || fail "cannot make a temporary file"
    if ! cmake --build "$1" -j "$(nproc)" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        fail "the build in $1 failed; its output is above"
    fi
    grep -A6 'warning:' "$log" >&2 || :
    rm -f "$log"
}

# run_long NAME: builds a release and runs tests/integration/NAME_test.py as CTest does, at the length
# that the caller has put into the environment. Does not come back.
run_long() {
    configure build "build test" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=ON
    build build
    export TKP_BUILD_DIR="$PWD/build" TKP_SOURCE_DIR="$PWD"
    export TOKPERF_MOCK="$PWD/build/bin/tokperf-mock" PYTHONDONTWRITEBYTECODE=1
    exec python3 "tests/integration/$1_test.py"
}

# test_jobs: how many tests at a time. They wait for other processes more than they compute.
test_jobs() {
    echo $(($(nproc) + 1))
}

# parse_common_options "$@": sets INSTALL and stops at the first other word.
INSTALL=yes
parse_common_options() {
    for word in "$@"; do
        case $word in
        --no-install) INSTALL=no ;;
        *) fail "unknown option '$word'; the only one is --no-install" ;;
        esac
    done
}
