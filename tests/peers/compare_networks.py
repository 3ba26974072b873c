#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares whole networks with ONNX Runtime: compare_networks.py UNFURL WORK_DIR MODEL.onnx... [-- UNFURL_OPTION...]

Run by a Python that has onnx, onnxruntime and numpy. Random input, batch 3; the relative L2 difference of every output
must be at most 1e-5. Weights that are ConstantOfShape nodes (ONNX's light models) get random values of that shape first,
as a constant network proves nothing about sums.
"""
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

LIMIT = 1e-5


def random_weights(model, generator):
    """Turns ConstantOfShape weights into initializers whose scale keeps activations in range."""
    initializers = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    variances = {node.input[4] for node in model.graph.node if node.op_type == "BatchNormalization"}
    scales = {node.input[1] for node in model.graph.node if node.op_type == "BatchNormalization"}
    kept = []
    for node in model.graph.node:
        if node.op_type != "ConstantOfShape":
            kept.append(node)
            continue
        shape, name = initializers[node.input[0]], node.output[0]
        if name in variances or name in scales:
            values = generator.uniform(0.5, 1.5, shape)
        else:
            fan_in = np.prod(shape[1:]) if len(shape) > 1 else 100
            values = generator.standard_normal(shape) * np.sqrt(2 / fan_in)
        model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
    del model.graph.node[:]
    model.graph.node.extend(kept)


def drop_softmax(model):
    """A softmax of random scores is all but one-hot, and hides differences: compare what goes into it."""
    last = model.graph.node[-1]
    if last.op_type == "Softmax":
        model.graph.output[0].name = last.input[0]
        model.graph.output[0].type.tensor_type.ClearField("shape")
        model.graph.node.pop()


def prepare(path, work, generator):
    """A file with real weights, and a random input for it."""
    model = onnx.load(path)
    name = path.parent.name if path.stem == "model" else path.stem
    random_weights(model, generator)
    drop_softmax(model)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    model.ir_version = max(model.ir_version, 8)  # initializers need not be inputs
    dims = [dim.dim_value for dim in inputs[0].type.tensor_type.shape.dim]
    dims[0] = dims[0] or 3
    file = work / f"{name}.onnx"
    onnx.save(model, file)
    data = generator.standard_normal(dims).astype(np.float32)
    np.save(work / f"{name}_input.npy", data)
    return name, file, inputs[0].name, data


def compare(unfurl, options, path, work):
    name, file, input_name, data = prepare(path, work, np.random.default_rng(7))
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), quiet, providers=["CPUExecutionProvider"])
    expected = session.run(None, {input_name: data})[0]
    result = work / f"{name}_output.npy"
    subprocess.run([unfurl, "run", file, work / f"{name}_input.npy", "-o", result, "--batch", str(data.shape[0]),
                    *options], check=True, stderr=subprocess.DEVNULL)
    got = np.load(result)
    error = np.linalg.norm(got - expected) / np.linalg.norm(expected) if got.shape == expected.shape else np.inf
    spread = float(np.std(expected) / np.max(np.abs(expected)))
    print(f"{'PASS' if error <= LIMIT else 'FAIL'} {name}: relative L2 difference {error:.1e} "
          f"(batch {data.shape[0]}, outputs spread by {spread:.2g} of the largest)", flush=True)
    return error <= LIMIT


def main():
    arguments = sys.argv[1:]
    options = arguments[arguments.index("--") + 1:] if "--" in arguments else []
    unfurl, work, *models = arguments[:arguments.index("--")] if "--" in arguments else arguments
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    good = [compare(unfurl, options, pathlib.Path(model), work) for model in models]
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
