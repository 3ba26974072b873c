#!/bin/bash
# Whole networks against ONNX Runtime: peers/run.sh UNFURL
#
# PyTorch (Debian's python3-torch) exports classifiers and networks that label pixels with random weights; ONNX's light
# models get random weights, where ../shared/light is there. ONNX Runtime comes into a virtual environment outside the
# repo.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${XDG_CACHE_HOME:-$HOME/.cache}/unfurl-peers
mkdir -p "$work"
/usr/bin/python3 "$here/export_networks.py" "$work/networks" || { echo "skipped: python3-torch or python3-torchvision is not there"; exit 77; }
[[ -x $work/compare/bin/python ]] || python3 -m venv "$work/compare"
"$work/compare/bin/pip" install --quiet onnx onnxruntime numpy || { echo "skipped: ONNX Runtime can't be installed"; exit 77; }
models=("$work"/networks/*.onnx)
for name in bvlc_alexnet vgg19 resnet50 densenet121 inception_v1 inception_v2 squeezenet shufflenet zfnet512; do
  light=$here/../../../shared/light/$name/model.onnx
  if [[ -f $light ]]; then models+=("$light"); else echo "skipped: $light is not there"; fi
done
"$work/compare/bin/python" "$here/compare_networks.py" "$1" "$work/results" "${models[@]}"
"$work/compare/bin/python" "$here/compare_networks.py" "$1" "$work/results" "$work"/networks/*.onnx -- --algo im2col
