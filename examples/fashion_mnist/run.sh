#!/bin/bash
# Classifies the 10,000 test photographs of Fashion-MNIST with a LeNet-5.
# Installs what is missing (Debian 12, as root or with sudo), builds into build/, runs. Arguments go to `unfurl run`.
set -euo pipefail
cd "$(dirname "$0")/../.."

.ci/setup
[[ -f build/build.ninja ]] || meson setup build >/dev/null
ninja -C build --quiet

data=/usr/share/datasets/fashion-mnist
exec build/src/cli/unfurl run examples/fashion_mnist/lenet5.onnx "$data/t10k-images-idx3-ubyte.gz" \
  --truth "$data/t10k-labels-idx1-ubyte.gz" -o build/fashion_mnist.csv --timing "$@"
