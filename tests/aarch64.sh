#!/bin/bash
# The libraries on an emulated AArch64: aarch64.sh SOURCE_ROOT CONV_BITS
#
# Cross-compiles, runs the plain programs under QEMU, and compares the results of NEON, bit for bit, with those of CONV_BITS,
# which is this machine's.
set -euo pipefail
"$1/.ci/setup" cross || { echo "skipped: the cross compiler, QEMU or arm64 libraries can't be installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
meson setup "$work/build" "$1" --cross-file "$1/tests/aarch64.ini" -Dcli=disabled -Donnx=disabled >"$work/log" ||
  { cat "$work/log"; exit 1; }
ninja -C "$work/build" --quiet
# Not the long ones: long_fork fails under QEMU (it passes on x86-64; no AArch64 machine has run it yet).
meson test -C "$work/build" --no-rebuild --print-errorlogs --no-suite long --timeout-multiplier 10
python3 "$1/tests/conv_bits.py" "$2" all 200 qemu-aarch64 "$work/build/tests/conv_bits"
