#!/usr/bin/env bash
# Makes ready what the interop suite runs: installs the foreign client libraries and compiles the programs.
#
#   tests/interop/setup.sh [PART ...]     parts: kazoo shell curator node c (default: all)
#
# Quick when all is done already. ZKEEPER_INTEROP_INSTALL=0 installs nothing and only compiles.
# Says what is missing and ends with 1 if anything is.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$here/target
zkjava=${ZKJAVA:-$here/../../../shared/tools/zkjava}
python=${PYTHON:-python3}
may_install=${ZKEEPER_INTEROP_INSTALL:-1}
missing=0

lacks() {
    echo "missing: $*"
    missing=1
}

has() { command -v "$1" >/dev/null 2>&1; }

is_newer() { # is_newer OUTPUT INPUT...: OUTPUT exists and no INPUT changed after it
    local output=$1 input
    shift
    [ -e "$output" ] || return 1
    for input in "$@"; do [ "$input" -nt "$output" ] && return 1; done
    return 0
}

apt_install() {
    [ "$may_install" = 1 ] && has apt-get && [ "$(id -u)" = 0 ] || return 1
    apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

setup_zkjava() {
    if ! has java; then lacks "java (a JRE, 11 or later)"; return; fi
    if [ ! -f "$zkjava" ]; then lacks "zkjava (set ZKJAVA to the script that runs Apache ZooKeeper)"; return; fi
    "$python" "$zkjava" classpath >/dev/null || lacks "the jars of Apache ZooKeeper and Curator (zkjava fetch)"
}

setup_shell() { setup_zkjava; }

setup_curator() {
    setup_zkjava
    if ! has javac; then lacks "javac (a JDK, 11 or later)"; return; fi
    [ "$missing" = 0 ] || return 0
    is_newer "$target/curator/built" "$here"/clients/curator/*.java && return 0
    mkdir -p "$target/curator"
    javac -Xlint:all,-processing,-classfile,-try -Werror -d "$target/curator" \
        -cp "$("$python" "$zkjava" classpath)" "$here"/clients/curator/*.java &&
        touch "$target/curator/built" || lacks "curator: does not compile"
}

setup_kazoo() {
    "$python" -c 'import kazoo' 2>/dev/null || lacks "kazoo (pip install -e '.[dev]')"
}

setup_node() {
    if ! has node || ! has npm; then lacks "node and npm"; return; fi
    is_newer "$here/clients/node/node_modules/.package-lock.json" "$here/clients/node/package-lock.json" && return 0
    if [ "$may_install" != 1 ]; then lacks "node-zookeeper-client (npm ci)"; return; fi
    (cd "$here/clients/node" && npm ci --silent --no-audit --no-fund && touch node_modules/.package-lock.json) ||
        lacks "node-zookeeper-client (npm ci failed)"
}

setup_c() {
    has cc || apt_install gcc libc6-dev || { lacks "cc (apt install gcc)"; return; }
    [ -f /usr/include/zookeeper/zookeeper.h ] || apt_install libzookeeper-mt-dev ||
        { lacks "ZooKeeper's C client (apt install libzookeeper-mt-dev)"; return; }
    is_newer "$target/c/checks" "$here"/clients/c/*.[ch] && return 0
    mkdir -p "$target/c"
    cc -std=gnu11 -O1 -g -Wall -Wextra -Werror -DTHREADED -o "$target/c/checks" "$here"/clients/c/*.c \
        -lzookeeper_mt -lpthread || lacks "c: does not compile"
}

for part in "${@:-kazoo shell curator node c}"; do
    for name in $part; do "setup_$name"; done
done
if [ "$missing" != 0 ]; then exit 1; fi
echo "interop: ready"
