#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The trained LeNet-5 against PyTorch: fashion_mnist.py UNFURL SOURCE_ROOT

The network of examples/fashion_mnist classifies the 10,000 test photographs. Its logits for the first 100 must be within
1e-5 (relative L2) of PyTorch's, every one of the 10,000 predictions must be PyTorch's, and the accuracy at least 0.89:
with the planner's solvers on one and two threads, with im2col and one SGEMM an image, and (for 100 images) with the naive
loop.
"""
import ast
import pathlib
import struct
import subprocess
import sys
import tempfile

DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
CLASSES = 10
SKIPPED = 77


def read_npy(path):
    """The elements of a .npy file of f32 or u8, flat, and its shape."""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00", path
    (length,) = struct.unpack_from("<H", data, 8)
    header = ast.literal_eval(data[10:10 + length].decode())
    code = {"<f4": "f", "|u1": "B"}[header["descr"]]
    payload = data[10 + length:]
    return struct.unpack(f"<{len(payload) // struct.calcsize(code)}{code}", payload), header["shape"]


def run(unfurl, root, options, out):
    command = [unfurl, "run", root / "examples/fashion_mnist/lenet5.onnx", DATA / "t10k-images-idx3-ubyte.gz",
               "--truth", DATA / "t10k-labels-idx1-ubyte.gz", "-o", out, *options]
    result = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    accuracy = float(result.stdout.split("=", 1)[1].split()[0])
    logits, shape = read_npy(out)
    assert shape == (10000, CLASSES), shape
    return logits, accuracy


def check(name, logits, accuracy, root):
    reference, shape = read_npy(root / "examples/fashion_mnist/reference_logits.npy")
    predictions, _ = read_npy(root / "examples/fashion_mnist/reference_predictions.npy")
    assert shape == (100, CLASSES)
    difference = sum((a - b) ** 2 for a, b in zip(logits, reference)) ** 0.5 / sum(b * b for b in reference) ** 0.5
    rows = [logits[i * CLASSES:(i + 1) * CLASSES] for i in range(len(predictions))]
    others = sum(row.index(max(row)) != expected for row, expected in zip(rows, predictions))
    print(f"{name}: accuracy {accuracy}, {others} of {len(rows)} predictions differ from PyTorch's, "
          f"logits by {difference:.1e}")
    return accuracy >= 0.89 and others == 0 and difference <= 1e-5


def main():
    unfurl, root = sys.argv[1], pathlib.Path(sys.argv[2])
    if not DATA.is_dir():
        print(f"skipped: {DATA} is not there (package dataset-fashion-mnist)")
        return SKIPPED
    ways = {"auto, 1 thread": ["--threads", "1"], "auto, 2 threads": ["--threads", "2", "--batch", "7"],
            "im2col": ["--algo", "im2col"], "naive": ["--algo", "naive"]}
    with tempfile.TemporaryDirectory() as folder:
        results = {name: run(unfurl, root, options, pathlib.Path(folder) / "logits.npy")
                   for name, options in ways.items()}
    good = [check(name, *result, root) for name, result in results.items()]
    same = results["auto, 1 thread"][0] == results["auto, 2 threads"][0]
    print(f"auto: {'the same bits' if same else 'OTHER BITS'} with other threads and batches")
    return 0 if all(good) and same else 1


if __name__ == "__main__":
    sys.exit(main())
