#!/bin/bash
# Everything built by clang, warnings being errors, and the tests that need no more than a minute each: clang.sh SOURCE_ROOT
set -euo pipefail
command -v clang >/dev/null || { echo "skipped: clang is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CC=clang meson setup "$work/build" "$1" --buildtype=release -Dwerror=true >"$work/log" || { cat "$work/log"; exit 1; }
ninja -C "$work/build" --quiet
meson test -C "$work/build" --no-rebuild --print-errorlogs --no-suite long
