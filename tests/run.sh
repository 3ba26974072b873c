#!/bin/bash
# Installs what is missing (Debian 12, as root or with sudo), builds, and runs every test.
#
#   tests/run.sh                 all that runs anywhere, in a few minutes
#   tests/run.sh --long          also what takes longer or needs peers (ONNX Runtime in a virtual environment)
#   tests/run.sh --suite NAME    one suite
#
# The build directory is build/, or $BUILD, configured with $MESON_OPTIONS when it is new. The last line has the totals;
# a Criterion program, or a script, counts as one test.
set -uo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build}
select=(--no-suite long)
case ${1:-} in
  --long) select=() ;;
  --suite) select=(--suite "$2") ;;
  ?*) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

if [[ ${1:-} == --long ]]; then .ci/setup long; else .ci/setup; fi || exit 1
if [[ ! -f $build/build.ninja ]]; then
  setup=$(meson setup "$build" ${MESON_OPTIONS:-} 2>&1) || { echo "$setup"; exit 1; }
fi
ninja -C "$build" --quiet || exit 1
meson test -C "$build" --no-rebuild --print-errorlogs "${select[@]}"
python3 tests/count.py "$build/meson-logs/testlog.json"
