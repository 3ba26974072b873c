# SPDX-License-Identifier: BSD-2-Clause
"""ONNX Runtime. A single convolution is measured in its blocked layout (NCHWc): what converts to it and back in the
optimised model is cut off, as inside a network it would not be there either."""
import os

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

import models
from machine import ISA

NAME = "onnxruntime-" + ort.__version__
BLOCKED = "com.microsoft.nchwc"
BLOCK = 16 if ISA == "avx512" else 8


def make_options(threads, level):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.graph_optimization_level, options.log_severity_level = level, 3
    return options


def make_session(path, threads, level=ort.GraphOptimizationLevel.ORT_ENABLE_ALL, optimized=""):
    options = make_options(threads, level)
    options.optimized_model_filepath = optimized
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def round_up(channels):
    return -(-channels // BLOCK) * BLOCK


def blocked(values):
    """NCHW to NCHWc; missing channels are zeros."""
    n, c, h, w = values.shape
    padded = np.pad(values, ((0, 0), (0, round_up(c) - c), (0, 0), (0, 0)))
    split = padded.reshape(n, -1, BLOCK, h, w).transpose(0, 1, 3, 4, 2)
    return np.ascontiguousarray(split).reshape(n, round_up(c), h, w)


def unblocked(values, channels):
    n, c, h, w = values.shape
    plain = values.reshape(n, c // BLOCK, h, w, BLOCK).transpose(0, 1, 4, 2, 3)
    return plain.reshape(n, c, h, w)[:, :channels]


def strip_reorders(path, problem):
    """Takes the conversions out of the model; returns whether its input and its output are blocked now."""
    model, p = onnx.load(path), problem
    graph = model.graph
    ends = {node.op_type: node for node in graph.node if node.domain == BLOCKED and node.op_type.startswith("Reorder")}
    for kind, node in ends.items():
        graph.node.remove(node)
        into = kind == "ReorderInput"
        name, channels = (node.output[0], p.ic) if into else (node.input[0], p.oc)
        shape = [p.mb, round_up(channels), *((p.ih, p.iw) if into else (p.oh, p.ow))]
        end = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        (graph.input if into else graph.output)[0].CopyFrom(end)
    del graph.value_info[:]
    onnx.save(model, path)
    return "ReorderInput" in ends, "ReorderOutput" in ends


class Layer:
    def __init__(self, problem, data, threads, folder):
        plain, optimized = os.path.join(folder, "conv.onnx"), os.path.join(folder, "optimized.onnx")
        models.conv_model(problem, data, plain)
        make_session(plain, threads, optimized=optimized)
        src_blocked, self.dst_blocked = strip_reorders(optimized, problem)
        self.session = make_session(optimized, threads, ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
        self.problem = problem
        self.picked = "NCHWc" if self.dst_blocked else "NCHW"
        src = blocked(data.src) if src_blocked else data.src
        shape = self.session.get_outputs()[0].shape
        self.dst = ort.OrtValue.ortvalue_from_shape_and_type(shape, np.float32, "cpu")
        self.src = ort.OrtValue.ortvalue_from_numpy(src, "cpu")
        self.binding = self.session.io_binding()
        self.binding.bind_ortvalue_input(self.session.get_inputs()[0].name, self.src)
        self.binding.bind_ortvalue_output(self.session.get_outputs()[0].name, self.dst)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def result(self):
        """The first image, CHW."""
        dst = self.dst.numpy()
        return (unblocked(dst, self.problem.oc) if self.dst_blocked else dst)[0]


class Network:
    def __init__(self, path, batch, threads):
        self.session = make_session(path, threads)
        first = self.session.get_inputs()[0]
        shape = [batch] + [size if isinstance(size, int) else 224 for size in first.shape[1:]]
        self.feed = {first.name: np.random.default_rng(20).uniform(-1, 1, shape).astype(np.float32)}

    def run(self):
        return self.session.run(None, self.feed)
