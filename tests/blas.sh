#!/bin/bash
# The tests of the libraries with other BLAS libraries: blas.sh SOURCE_ROOT
#
# BLIS, and the reference CBLAS (which needs its own folder first in the search path: Debian lets OpenBLAS stand in for it).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for blas in blis cblas; do
  meson setup "$work/$blas" "$1" -Dblas=$blas -Dcli=disabled >/dev/null || { echo "skipped: there is no $blas"; continue; }
  ninja -C "$work/$blas" --quiet
  reference=$(dirname "$(find /usr/lib -path '*/blas/libblas.so.3' | head -1)")
  LD_LIBRARY_PATH=$([[ $blas == cblas ]] && echo "$reference") \
    meson test -C "$work/$blas" --no-rebuild --no-suite long | tail -9
done
