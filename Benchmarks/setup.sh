#!/usr/bin/env bash
# Builds the tools and installs nginx, HAProxy and wrk where they are missing; with `peers` also the gateways to compare
# with. BENCH_BIN says where things go; default: .build/bench.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${BENCH_BIN:-$here/../.build/bench}
mkdir -p "$bin/tmp"
if ! { command -v nginx && command -v haproxy && command -v gcc && command -v taskset; } > /dev/null; then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        nginx haproxy wrk gcc libc6-dev util-linux python3 python3-venv > /dev/null
fi
for tool in mock llmload; do
    [ "$bin/$tool" -nt "$here/src/$tool.c" ] ||
        gcc -O2 -march=native -Wall -Wno-misleading-indentation -o "$bin/$tool" "$here/src/$tool.c"
done
[ "${1:-}" = peers ] || exit 0
[ -x "$bin/venv/bin/litellm" ] || {
    python3 -m venv "$bin/venv"
    "$bin/venv/bin/pip" install -q smg==1.13.0 vllm-router==0.1.17 'litellm[proxy]==1.106.2' uvloop
}
