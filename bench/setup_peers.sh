#!/bin/bash
# Gets the peers: ONNX Runtime, OpenVINO, ncnn and two oneDNN from PyPI into a folder outside of the repository, and
# builds `layers` once for each oneDNN: Debian's 2.6.3, 3.2 (the last on PyPI that runs on OpenMP) and
# the newest (which runs on SYCL: some 10 us of each call are SYCL's).
# Usage: bench/setup_peers.sh        folder: ${XDG_CACHE_HOME:-~/.cache}/unfurl-peers, or UNFURL_PEERS
set -euo pipefail
source "$(dirname "$0")/places.sh"
"$repo/.ci/setup" peers

pip() { "$peers/bin/python" -m pip --disable-pip-version-check --quiet "$@"; }

[[ -x $peers/bin/python ]] || python3 -m venv "$peers"
pip install onnxruntime onnx numpy ncnn openvino onednn onednn-devel
pip install --no-deps pnnx # with its dependencies: 5 GB of PyTorch, which converting ONNX models does not need
[[ -x $peers/onednn-3.2/bin/python ]] || python3 -m venv --without-pip "$peers/onednn-3.2"
pip --python "$peers/onednn-3.2" install --no-deps onednn-cpu-gomp==2023.2.0 onednn-devel-cpu-gomp==2023.2.0

build() { # NAME ONEDNN
  [[ -f $peers/build-$1/build.ninja ]] ||
    meson setup "$peers/build-$1" "$repo" --buildtype=release -Dbench=true -Dtests=false -Donednn="$2" >/dev/null
  ninja -C "$peers/build-$1" "${@:3}" | tail -1
}
build system "" bench/layers bench/peak src/cli/unfurl
build 3.2 "$peers/onednn-3.2" bench/layers
build newest "$peers" bench/layers
